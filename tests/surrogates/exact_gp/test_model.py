"""The BoTorch model: equal to its SingleTaskGP twin, differentiable, and what BoTorch's acquisition functions need."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pytest
import torch
from botorch.models import ModelListGP, SingleTaskGP

from surrogates.columns import Column, Columns, Parent
from surrogates.exact_gp import Settings
from surrogates.exact_gp.gpytorch_twin import UnsupportedKernel
from surrogates.exact_gp.model import ExactGPModel, fit_model

MIXED = Columns((Column("x"), Column("c", "categorical", (0.0, 0.5, 1.0)), Column("y")))
CASES = {
    "rbf": (Settings(), None),
    "matern, linear mean, outputscale": (Settings(kernel="matern52", mean="linear", outputscale=True), None),
    "warped": (Settings(warp=True), None),
    "mixed, warped, outputscale": (Settings(kernel="matern32", warp=True, outputscale=True), MIXED),
}


def data(n: int = 25, m: int = 1, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    X = MIXED.snap(rng.random((n, 3)))
    Y = np.column_stack([10 + 40 * np.sin(4 * X[:, 0] + k) + 20 * X[:, 2] * X[:, 1] + rng.standard_normal(n) for k in range(m)])
    return X, Y


def points(*shape: int) -> torch.Tensor:
    X = torch.rand(*shape, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    X[..., 1] = (2 * X[..., 1]).round() / 2
    return X


def agree(ours, theirs, X: torch.Tensor, **arguments) -> None:
    """Means, covariances and their gradients."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = []
        for model in (ours, theirs):
            P = X.clone().requires_grad_()
            posterior = model.posterior(P, **arguments)
            mean, covariance = posterior.mean, posterior.distribution.covariance_matrix
            weights = torch.linspace(-1, 2, covariance.numel(), dtype=torch.float64).reshape(covariance.shape)
            (gradient,) = torch.autograd.grad((mean * mean).sum() / 1e3 + (weights * covariance).sum(), P)
            results.append((mean.detach(), covariance.detach(), gradient[..., [0, 2]]))
    for a, b in zip(*results, strict=True):
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-6 * float(b.abs().max()))


@pytest.fixture(params=CASES)
def model(request) -> ExactGPModel:
    settings, columns = CASES[request.param]
    return fit_model(*data(), columns=columns, settings=settings)


@pytest.mark.parametrize("shape", [(4, 1), (70, 3), (2, 3, 2), (5,)])
def test_it_is_its_gpytorch_twin(model, shape):
    twin = model.to_gpytorch()
    assert isinstance(twin, SingleTaskGP)
    agree(model, twin, points(*shape))
    agree(model, twin, points(*shape), observation_noise=True)


def test_several_outputs_and_known_noise():
    X, Y = data(m=2)
    model = fit_model(X, Y, np.column_stack([np.linspace(1, 4, 25), np.full(25, 2.0)]), columns=MIXED)
    assert model.num_outputs == 2 and isinstance(model.to_gpytorch(), ModelListGP)
    agree(model, model.to_gpytorch(), points(6, 2))
    agree(model.subset_output([1]), model.to_gpytorch().models[1], points(6, 2))
    np.testing.assert_allclose(model.posterior(points(4, 2), output_indices=[1]).mean, model.posterior(points(4, 2)).mean[..., 1:])
    np.testing.assert_allclose(model.noise, [np.linspace(1, 4, 25).mean(), 2.0])
    again = fit_model(X, Y, columns=MIXED, warm=json.loads(json.dumps(fit_model(X, Y, columns=MIXED).memo())))
    assert again.outputs[0].gp.record[0].startswith("warm fit")
    assert model.posterior(torch.as_tensor(X)).mean.numpy() == pytest.approx(Y, abs=8)


def test_units_are_the_callers():
    X, Y = data()
    ours, shifted = fit_model(X, Y), fit_model(X, 1e6 + 1e3 * Y)
    a, b = ours.posterior(points(9)), shifted.posterior(points(9))
    np.testing.assert_allclose(1e6 + 1e3 * a.mean, b.mean, rtol=1e-6)
    np.testing.assert_allclose(1e6 * a.variance, b.variance, rtol=1e-3)


def test_conditioning_by_batches_is_conditioning_each(model):
    X, Y = points(2, 3), torch.randn(4, 2, 3, 1, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * 30
    batched = model.condition_on_observations(X, Y)
    assert batched.batch_shape == (4, 2)
    Z = points(6, 2)[:2]
    found = batched.posterior(Z)
    for f in range(4):
        for b in range(2):
            one = model.condition_on_observations(X[b], Y[f, b])
            assert one.added is None
            expected = one.posterior(Z[b])
            np.testing.assert_allclose(found.mean[f, b], expected.mean, rtol=1e-6, atol=1e-6)
            np.testing.assert_allclose(
                found.distribution.covariance_matrix[f, b], expected.distribution.covariance_matrix, rtol=1e-5, atol=1e-6
            )
    twice = batched.condition_on_observations(points(1), torch.zeros(1, 1, dtype=torch.float64))
    assert twice.posterior(Z).mean.shape == (4, 2, 2, 1)


def test_gradients_flow_through_what_it_is_conditioned_on():
    model = fit_model(*data(), columns=MIXED)
    Z = points(1)

    def at(X: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        posterior = model.condition_on_observations(X, y).posterior(Z)
        return posterior.mean.sum() + posterior.variance.sum()

    X, y = points(1, 2).requires_grad_(), torch.full((1, 2, 1), 20.0, dtype=torch.float64, requires_grad=True)
    by_x, by_y = torch.autograd.grad(at(X, y), (X, y))
    h = 1e-5
    for k in (0, 2):
        step = torch.zeros_like(X)
        step[0, 1, k] = h
        with torch.no_grad():
            assert by_x[0, 1, k].item() == pytest.approx(((at(X + step, y) - at(X - step, y)) / (2 * h)).item(), rel=1e-4, abs=1e-5)
    with torch.no_grad():
        step = torch.tensor([[[h], [0.0]]], dtype=torch.float64)
        assert by_y[0, 0, 0].item() == pytest.approx(((at(X, y + step) - at(X, y - step)) / (2 * h)).item(), rel=1e-5)


def test_fantasies_are_samples_of_its_own():
    from botorch.sampling.normal import SobolQMCNormalSampler

    model = fit_model(*data(), columns=MIXED)
    X = points(3, 2)
    sampler = SobolQMCNormalSampler(torch.Size([8]), seed=0)
    fantasies = model.fantasize(X, sampler)
    assert fantasies.batch_shape == (8, 3)
    assert fantasies.num_outputs == 1
    with torch.no_grad():
        means = fantasies.posterior(X).mean
        samples = sampler(model.posterior(X, observation_noise=True))
    noise = model.noise.item()
    assert (means - samples).abs().max() < 5 * np.sqrt(noise)
    Z = points(4)
    with torch.no_grad():  # the law of total variance
        after, before = fantasies.posterior(Z.expand(3, 4, 3)), model.posterior(Z.expand(3, 4, 3))
    assert torch.all(after.variance <= before.variance + 1e-9)


@pytest.mark.parametrize("name", ["LogEI", "qLogEI", "qLogNEI", "qUCB", "qKG", "qMES", "NIPV", "qLogNEHVI", "qEHVI"])
def test_botorchs_acquisition_functions_run_on_it(name):
    from botorch.acquisition import (
        LogExpectedImprovement,
        qKnowledgeGradient,
        qLogExpectedImprovement,
        qLogNoisyExpectedImprovement,
        qMaxValueEntropy,
        qNegIntegratedPosteriorVariance,
        qUpperConfidenceBound,
    )
    from botorch.acquisition.multi_objective import qExpectedHypervolumeImprovement
    from botorch.acquisition.multi_objective.logei import qLogNoisyExpectedHypervolumeImprovement
    from botorch.sampling.normal import SobolQMCNormalSampler
    from botorch.utils.multi_objective.box_decompositions import FastNondominatedPartitioning

    X, Y = (torch.as_tensor(values) for values in data(m=2 if "HVI" in name else 1))
    model = fit_model(X.numpy(), Y.numpy(), columns=MIXED)
    sampler = SobolQMCNormalSampler(torch.Size([16]), seed=0)
    reference = Y.min(0).values
    partition = FastNondominatedPartitioning(reference, Y) if name == "qEHVI" else None
    build = {
        "LogEI": lambda m: LogExpectedImprovement(m, Y.max()),
        "qLogEI": lambda m: qLogExpectedImprovement(m, Y.max(), sampler=sampler),
        "qLogNEI": lambda m: qLogNoisyExpectedImprovement(m, X, sampler=sampler, cache_root=False),
        "qUCB": lambda m: qUpperConfidenceBound(m, 4.0, sampler=sampler),
        "qKG": lambda m: qKnowledgeGradient(m, 4, sampler=SobolQMCNormalSampler(torch.Size([4]), seed=0)),
        "qMES": lambda m: qMaxValueEntropy(m, points(50), num_fantasies=4),
        "NIPV": lambda m: qNegIntegratedPosteriorVariance(m, points(20)),
        "qLogNEHVI": lambda m: qLogNoisyExpectedHypervolumeImprovement(m, reference, X, sampler=sampler, cache_root=False),
        "qEHVI": lambda m: qExpectedHypervolumeImprovement(m, reference, partition, sampler=sampler),
    }[name]
    q = {"LogEI": 1, "qMES": 1, "qKG": 1 + 4}.get(name, 2)
    Z = points(3, q)
    results = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for each in (model, model.to_gpytorch()):
            torch.manual_seed(0)
            P = Z.clone().requires_grad_()
            value = build(each)(P)
            (gradient,) = torch.autograd.grad(value.sum(), P)
            results.append((value.detach(), gradient[..., [0, 2]]))
    for ours, theirs in zip(*results, strict=True):
        if ours.ndim == 1 or name != "NIPV":
            np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4 * float(theirs.abs().max()))
        else:  # the gradient that GPyTorch returns here is not that of the value that it returns: 6 where differences say -0.04
            step = torch.zeros_like(Z)
            step[0, 0, 0] = 1e-5
            with torch.no_grad():
                slope = (build(model)(Z + step) - build(model)(Z - step))[0] / 2e-5
            assert ours[0, 0, 0].item() == pytest.approx(slope.item(), rel=1e-4)


@pytest.mark.parametrize("device", ["torch", pytest.param("cuda", marks=pytest.mark.cuda)])
def test_a_twin_lives_where_its_process_does(device):
    X, Y = data()
    plain = fit_model(X, Y[:, :1])
    twin = fit_model(X, Y[:, :1], warm=plain.memo(), settings=Settings(max_iterations=0), device=device).to_gpytorch()
    place = "cpu" if device == "torch" else device
    assert {part.device.type for part in (*twin.parameters(), *twin.buffers(), *twin.train_inputs)} == {place}
    Z = points(4, 2)
    with torch.no_grad():
        found, expected = twin.posterior(Z.to(place)), plain.posterior(Z)
        assert torch.allclose(found.mean.cpu(), expected.mean, atol=1e-8)
        assert torch.allclose(found.variance.cpu(), expected.variance, atol=1e-8)


def test_what_has_no_twin_says_so():
    tree = Columns((Column("c", "categorical", (0.0, 1.0)), Column("z", parent=Parent((0,), ((0.0,),))), Column("y")))
    X, Y = np.random.default_rng(0).random((9, 3)).round(), np.arange(9.0)[:, None]
    with pytest.raises(UnsupportedKernel, match="Arc"):
        fit_model(X, Y, columns=tree).to_gpytorch()
    with pytest.raises(UnsupportedKernel, match="Latent"):
        fit_model(*data(), columns=MIXED, settings=Settings(categorical="latent")).to_gpytorch()
    with pytest.raises(ValueError, match="n x m"):
        fit_model(X, Y[:, 0])


def test_on_tensors_it_is_the_same():
    X, Y = data()
    ours = fit_model(X, Y, columns=MIXED, settings=Settings(warp=True))
    theirs = fit_model(X, Y, columns=MIXED, settings=Settings(warp=True), warm=ours.memo(), device="torch")
    assert isinstance(theirs.outputs[0].gp.L, torch.Tensor)
    agree(theirs, theirs.to_gpytorch(), points(5, 3))
    agree(theirs, theirs.to_gpytorch(), points(5, 1))
