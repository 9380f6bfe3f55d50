"""Entropy search in BoTorch: the values and gradients of the NumPy class, on BoTorch's models and on bbo's."""

import numpy as np
import pytest
import torch
from botorch.acquisition.input_constructors import get_acqf_input_constructor
from botorch.acquisition.objective import ScalarizedPosteriorTransform
from botorch.exceptions.errors import UnsupportedError
from botorch.models.ensemble import EnsembleModel
from botorch.models.map_saas import EnsembleMapSaasSingleTaskGP
from botorch.optim import optimize_acqf
from botorch.utils.datasets import SupervisedDataset

import acquisitions
from acquisitions.botorch import LogEntropySearch
from acquisitions.botorch.entropy_search import MOST
from acquisitions.entropy_search import BestPoint
from surrogates.exact_gp import fit
from surrogates.exact_gp.model import ExactGPModel, Output
from surrogates.exact_gp.transforms import Standardise

NOISE = 1e-2


@pytest.fixture
def X():
    return np.random.default_rng(5).random((30, 2))


@pytest.fixture
def R():
    return np.random.default_rng(8).random((12, 2))


def agree(ours, theirs, X):
    """Where the information is not that of a few crossings: the samples may differ by the signs of eigenvectors, so these are set."""
    points = torch.tensor(X[:, None], requires_grad=True)
    expected = theirs(points)
    assert expected.shape == (len(X),)
    some = torch.isfinite(expected)
    assert some.sum() > 20
    expected[some].sum().backward()
    value, gradient = ours.value_and_gradient(X)
    np.testing.assert_allclose(expected.detach().numpy(), value, rtol=1e-4, atol=1e-4)
    scale = np.abs(gradient).max(1, keepdims=True) + 1e-12
    np.testing.assert_allclose(points.grad[:, 0].numpy()[some] / scale[some], (gradient / scale)[some], atol=2e-3)


def with_equal_samples(ours, theirs):
    """Theirs with the roots of ours, whose directions may have other signs."""
    process = ours._process
    theirs._normals = torch.tensor(ours._normals)
    theirs._values = torch.tensor(process.draw(ours._normals).values)
    theirs._whiten = torch.tensor(process.whiten)
    np.testing.assert_allclose(theirs.X, process.baseline.X if hasattr(process.baseline, "X") else theirs.X)
    return theirs


def test_equals_the_fast_path_on_a_model_of_botorch(make_case, X, R):
    case = make_case(n=10, d=2, noise=NOISE)
    ours, theirs = acquisitions.LogEntropySearch(case.gps[0], R, NOISE), LogEntropySearch(case.model, torch.tensor(R))
    root = theirs._values - theirs._values.mean(0)
    covariance = case.gps[0].covariance(R, R)
    np.testing.assert_allclose(root.mT @ root / len(root), covariance, atol=1e-8)  # the normals have unit covariance exactly
    np.testing.assert_allclose((theirs._whiten @ theirs._whiten.mT).numpy() @ covariance, np.eye(len(R)), atol=1e-3)
    agree(ours, with_equal_samples(ours, theirs), X)


def test_equals_the_fast_path_on_the_exact_gp(X, R):
    rng = np.random.default_rng(0)
    measured = rng.random((10, 2))
    gp = fit(measured, np.sin(5 * measured).sum(1) + 0.1 * rng.standard_normal(10), np.full(10, NOISE))
    model = ExactGPModel([Output(gp, Standardise(0.0, 1.0))])
    ours = acquisitions.LogEntropySearch(gp, R, NOISE)
    agree(ours, with_equal_samples(ours, LogEntropySearch(model, torch.tensor(R))), X)


def test_gradient_by_differences(make_case, X, R):
    case = make_case(n=10, d=2, noise=NOISE)
    acquisition = LogEntropySearch(case.model, torch.tensor(R))
    points = torch.tensor(X[:, None], requires_grad=True)
    values = acquisition(points)
    (gradient,) = torch.autograd.grad(values[values.isfinite()].sum(), points)
    h, off = 1e-6, []
    with torch.no_grad():
        for step in h * torch.eye(2, dtype=torch.float64):
            numeric = (acquisition(points + step) - acquisition(points - step)) / (2 * h)
            off.append((numeric - gradient[:, 0] @ step / h).abs() / gradient.abs().amax((1, 2)))
    off = torch.stack(off)[:, values.detach() > -7]
    assert off.shape[1] > 15 and (off > 1e-3).sum() < 3 and off.median() < 1e-5  # differences over an edge of an interval are off


def test_batches_and_one_of_several_outcomes(make_case, X, R):
    case = make_case(outcomes=2, n=10, d=2, noise=NOISE)
    model, points = case.model, torch.tensor(X[:24]).reshape(4, 6, 1, 2)
    first = LogEntropySearch(
        model, torch.tensor(R), posterior_transform=ScalarizedPosteriorTransform(torch.tensor([1.0, 0.0], dtype=torch.float64))
    )
    with torch.no_grad():
        alone = LogEntropySearch(model.models[0], torch.tensor(R))(points.reshape(24, 1, 2))
        assert first(points).shape == (4, 6)
        np.testing.assert_allclose(first(points).reshape(-1).exp(), alone.exp(), atol=0.03)
    with pytest.raises(UnsupportedError, match="posterior transform"):
        LogEntropySearch(model, torch.tensor(R))


def test_botorch_climbs_it(make_case, R):
    case = make_case(n=10, d=2, noise=NOISE)
    acquisition = LogEntropySearch(case.model, torch.tensor(R))
    bounds = torch.tensor([[0.0] * 2, [1.0] * 2], dtype=torch.float64)
    torch.manual_seed(0)
    _, found = optimize_acqf(acquisition, bounds, q=1, num_restarts=4, raw_samples=64)
    with torch.no_grad():
        random = acquisition(torch.rand(300, 1, 2, dtype=torch.float64))
    assert found > random.max() - 1e-2


def test_the_mean_over_an_ensemble_of_models(make_case, X, R):
    """Two models in one, as BoTorch's fully Bayesian ones: the information by each, then their mean."""
    case = make_case(n=10, d=2, noise=NOISE)
    measured, y = torch.tensor(case.X), torch.tensor(case.Y)
    model = EnsembleMapSaasSingleTaskGP(measured, y, torch.full_like(y, NOISE), num_taus=2, outcome_transform=None, input_transform=None)
    model.covar_module.base_kernel.lengthscale = torch.tensor([0.4, 0.8], dtype=torch.float64).reshape(2, 1, 1).expand(2, 1, 2)
    model.eval()
    points = torch.tensor(X[:, None])
    acquisition = LogEntropySearch(model, torch.tensor(R))
    assert acquisition._values.shape == (2, 128, len(R))
    with torch.no_grad():
        found = acquisition(points).exp()
        joint = model.posterior(torch.cat([torch.tensor(R).expand(30, -1, -1), points], -2)).distribution.covariance_matrix
        noisy = model.posterior(points, observation_noise=True).variance[..., 0]
    slopes = joint[..., -1, :-1] / noisy.sqrt()
    each = []
    for k in range(2):
        whitened = slopes[:, k] @ acquisition._whiten[k]
        left = (1 - whitened.square().sum(-1)).sqrt()
        origins = whitened @ acquisition._normals.mT / (1 + left).unsqueeze(-1)
        each.append(BestPoint.of(acquisition._values[k].numpy(), slopes[:, k].numpy(), origins.numpy()).log_information)
    both = torch.tensor(np.exp(np.stack(each, 1)))
    np.testing.assert_allclose(found, both.mean(1), rtol=1e-6)
    assert (both[:, 0] - both[:, 1]).abs().max() > 0.02


def test_input_constructor(make_case):
    case = make_case(n=10, d=2, noise=NOISE)
    construct, measured = get_acqf_input_constructor(LogEntropySearch), torch.tensor(case.X)
    data = SupervisedDataset(measured, torch.tensor(case.Y), feature_names=["a", "b"], outcome_names=["y"])
    for given in ({"training_data": data}, {"X_baseline": measured}):
        torch.manual_seed(0)
        chosen = LogEntropySearch(**construct(case.model, bounds=[(0.0, 1.0)] * 2, **given)).X
        assert 3 < len(chosen) <= MOST and chosen.min() >= 0 and chosen.max() <= 1
        mean = case.model.posterior(torch.rand(500, 2, dtype=torch.float64)).mean
        assert case.model.posterior(chosen).mean.mean() > mean.mean() + mean.std()  # where the best may be
    with pytest.raises(ValueError, match="are missing"):
        construct(case.model, bounds=[(0.0, 1.0)] * 2)


def test_what_is_refused(make_case, R):
    case = make_case(n=10, d=2, noise=NOISE)
    with pytest.raises(ValueError, match="X has no points"):
        LogEntropySearch(case.model, torch.empty(0, 2))
    with pytest.raises(UnsupportedError, match="X_pending"):
        LogEntropySearch(case.model, torch.tensor(R)).set_X_pending(torch.zeros(1, 2))

    class Two(EnsembleModel):
        def __init__(self):
            super().__init__()
            self._num_outputs = 1

        def forward(self, X):
            return torch.stack([X.sum(-1, keepdim=True), X.prod(-1, keepdim=True)], -3)

    with pytest.raises(UnsupportedError, match="joint Gaussian posteriors, and those of the model are EnsemblePosterior"):
        LogEntropySearch(Two(), torch.tensor(R))
