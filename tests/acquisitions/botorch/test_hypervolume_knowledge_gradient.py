"""The hypervolume knowledge gradient of one candidate: BoTorch's own value with whole fronts, limits, and its gradient."""

import numpy as np
import pytest
import torch
from botorch.acquisition.multi_objective.hypervolume_knowledge_gradient import qHypervolumeKnowledgeGradient
from botorch.exceptions.errors import UnsupportedError
from botorch.models import ModelListGP, SingleTaskGP
from botorch.models.ensemble import EnsembleModel
from botorch.models.model import ModelList
from botorch.sampling.list_sampler import ListSampler
from botorch.sampling.normal import SobolQMCNormalSampler
from botorch.utils.multi_objective.hypervolume import Hypervolume

import acquisitions.botorch.hypervolume_knowledge_gradient as module
from acquisitions.botorch import HypervolumeKnowledgeGradient
from acquisitions.knowledge_gradient import LogDiscreteKnowledgeGradient
from surrogates.exact_gp.model import fit_model


def case(m, *, n=8, d=2, noise=1e-2, p=4):
    """A model of m outcomes, points that may be on the front, and a reference point."""
    rng = np.random.default_rng(m)
    X = rng.random((n, d))
    Y = np.column_stack([-((X - k / max(m - 1, 1)) ** 2).sum(1) for k in range(m)])
    return fit_model(X, Y, np.full(Y.shape, noise)), torch.tensor(rng.random((p, d))), torch.full((m,), -2.5, dtype=torch.float64)


def candidates(n, seed=1):
    return torch.rand(n, 1, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(("m", "pending"), [(2, 0), (3, 0), (2, 1)])
def test_it_is_botorchs_where_the_sets_are_all_points(m, pending, monkeypatch):
    """With the same fantasies; the directions leave an error, which many make small."""
    model, X, reference = case(m)
    outcomes = ModelList(*(model.subset_output([k]) for k in range(m)))
    samplers = ListSampler(*(SobolQMCNormalSampler(torch.Size([8]), seed=k) for k in range(m)))
    size = len(X) + 1 + pending
    theirs = qHypervolumeKnowledgeGradient(outcomes, reference, num_fantasies=8, num_pareto=size, sampler=samplers)
    theirs.set_X_pending(X[:pending] if pending else None)
    points = candidates(6)
    with torch.no_grad():
        wholes = [torch.cat([x, X[:pending], X]) for x in points]
        after = [theirs(torch.cat([x, *[whole] * 8]).unsqueeze(0)) for x, whole in zip(points, wholes, strict=True)]  # its batches mix
        means = [torch.cat([outcome.posterior(whole).mean for outcome in outcomes.models], -1) for whole in wholes]
        now = torch.tensor([Hypervolume(reference).compute(mean) for mean in means])
        expected = torch.cat(after) - now
        base = [s.base_samples.reshape(8, 1 + pending) for s in samplers.samplers]
        monkeypatch.setattr(module, "normals", lambda *_: torch.stack(base, 1).reshape(8, -1).numpy())
        ours = HypervolumeKnowledgeGradient(model, X, reference, num_directions=2**13, X_pending=X[:pending] if pending else None)
        found = ours(points)
    np.testing.assert_allclose(found, expected, atol=0.02 * float(expected.abs().max()))
    assert expected.max() - expected.min() > 1e-2


def test_of_one_objective_it_is_the_knowledge_gradient():
    model, X, _ = case(1)
    below = torch.tensor([-9.0], dtype=torch.float64)  # below all means
    gp, scaling = model.outputs[0].gp, model.outputs[0].scaling
    exact = LogDiscreteKnowledgeGradient(gp, X.numpy(), float(gp.yvar.mean()), candidate=True)
    points = candidates(10)
    with torch.no_grad():
        found = HypervolumeKnowledgeGradient(model, X, below, num_fantasies=2**13)(points)
    np.testing.assert_allclose(found, scaling.scale * np.exp(exact.value(points[:, 0].numpy())), rtol=0.03, atol=1e-4)


def test_volume_is_that_of_boxes():
    model, X, _ = case(3)
    reference = torch.tensor([0.0, 1.0, -1.0], dtype=torch.float64)
    score = HypervolumeKnowledgeGradient(model, X, reference, num_directions=2**13)
    box = torch.tensor([[[1.0, 3.0, 0.0]], [[2.0, 0.0, 5.0]]], dtype=torch.float64)  # the second does not reach the reference
    np.testing.assert_allclose(score._volume(box), [2.0, 0.0], rtol=5e-3)


@pytest.mark.parametrize("pending", [0, 2])
def test_gradient(pending):
    model, X, reference = case(3, noise=1e-3, p=20)
    score = HypervolumeKnowledgeGradient(model, X, reference, X_pending=X[:pending] if pending else None)
    points = (0.1 + 0.8 * candidates(6)).requires_grad_()
    (gradient,) = torch.autograd.grad(score(points).sum(), points)
    step = 1e-6
    for j in range(2):
        shift = step * torch.eye(2, dtype=torch.float64)[j]
        with torch.no_grad():
            slope = (score(points + shift) - score(points - shift)) / (2 * step)
        np.testing.assert_allclose(gradient[:, 0, j], slope, atol=1e-4 * float(gradient.abs().max()))
    assert gradient.abs().max() > 1e-3


def test_parts_of_a_batch_are_as_the_whole(monkeypatch):
    model, X, reference = case(2)
    score = HypervolumeKnowledgeGradient(model, X, reference)
    with torch.no_grad():
        whole = score(candidates(7))
        monkeypatch.setattr(module, "_ELEMENTS", 2 * 8 * 5 * 64)
        np.testing.assert_allclose(score(candidates(7)), whole, atol=1e-12)


def test_what_is_known_is_worth_nothing():
    model, X, reference = case(2, noise=0.0, p=20)
    score = HypervolumeKnowledgeGradient(model, X, reference, num_fantasies=64)
    with torch.no_grad():
        known, new = score(model.train_inputs[0].unsqueeze(1)), score(candidates(50)).max()
    assert known.abs().max() < 0.02 * new  # noise has a least variance of 1e-6


def test_models_of_botorch_and_ensembles():
    rng = np.random.default_rng(0)
    X, Y = torch.tensor(rng.random((8, 2))), torch.tensor(rng.standard_normal((8, 2)))
    Y = (Y - Y.mean(0)) / Y.std(0)
    reference = torch.full((2,), -2.0, dtype=torch.float64)
    listed = ModelListGP(*(SingleTaskGP(X, y.unsqueeze(-1), outcome_transform=None) for y in Y.T))
    joint = SingleTaskGP(X, Y, outcome_transform=None)
    with torch.no_grad():
        a, b = (HypervolumeKnowledgeGradient(model, X, reference)(candidates(5)) for model in (listed, joint))
    np.testing.assert_allclose(a, b, rtol=1e-5)

    class Two(EnsembleModel):
        def forward(self, X):
            return torch.stack([X.sum(-1, keepdim=True), X.prod(-1, keepdim=True)], -3)

        def subset_output(self, idcs):
            return self

    model = Two()
    model._num_outputs = 1
    with pytest.raises(UnsupportedError, match="joint Gaussian posteriors, and those of the model are EnsemblePosterior"):
        HypervolumeKnowledgeGradient(model, X, reference)(candidates(1))
