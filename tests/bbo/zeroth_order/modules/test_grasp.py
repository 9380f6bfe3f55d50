"""Gradients along random directions of a whole module, and the scores and ratios of layers made of them."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.stats import spearmanr
from torch import Tensor, nn

from bbo.zeroth_order.modules import gaussian_gradient, grasp_scores, layer_ratios, random_masks
from bbo.zeroth_order.modules.parameters import as_tensors, as_vector, trainable

Array = NDArray[np.float64]
D = 24


class Quadratic(nn.Module):
    """Half ``theta' A theta + b' theta``, with the parameters in three tensors of which one is not contiguous."""

    def __init__(self) -> None:
        super().__init__()
        rng = np.random.default_rng(0)
        basis = np.linalg.qr(rng.standard_normal((D, D)))[0]
        self.hessian: Array = (basis * np.geomspace(0.1, 10, D)) @ basis.T
        self.slope: Array = rng.standard_normal(D)
        self.a = nn.Parameter(torch.from_numpy(rng.standard_normal((3, 4))).T)
        self.b = nn.Parameter(torch.from_numpy(rng.standard_normal(10)))
        self.c = nn.Parameter(torch.from_numpy(rng.standard_normal((2, 1))))

    def theta(self) -> Array:
        return as_vector({"a": self.a, "b": self.b, "c": self.c})

    def forward(self, _: Tensor | None) -> Tensor:
        theta = torch.cat([self.a.flatten(), self.b, self.c.flatten()])
        return theta @ torch.from_numpy(self.hessian) @ theta / 2 + theta @ torch.from_numpy(self.slope)


def itself(outputs: Tensor, _: None) -> Tensor:
    return outputs


def test_vectors_and_tensors() -> None:
    model = Quadratic()
    parameters = trainable(model)
    vector = as_vector(parameters)
    assert vector.tolist() == torch.cat([model.a.flatten(), model.b, model.c.flatten()]).tolist()
    again = as_tensors(vector, parameters)
    assert all(torch.equal(again[name], parameters[name]) for name in parameters)


def test_gaussian_gradient_is_unbiased_and_of_the_variance_it_says() -> None:
    """On a linear loss: ``(d + 1) / n`` times the squared length. 1,000 estimates, five standard errors (6e-7 for one number)."""
    model = Quadratic()
    model.hessian *= 0
    rng = np.random.default_rng(1)
    found = np.array([as_vector(gaussian_gradient(model, itself, None, None, rng=rng, n=4)) for _ in range(1000)])
    error = found.std(axis=0) / math.sqrt(len(found))
    assert np.all(np.abs(found.mean(axis=0) - model.slope) < 5 * error)
    squares = ((found - model.slope) ** 2).sum(axis=1)
    wanted = (D + 1) / 4 * (model.slope @ model.slope)
    assert abs(squares.mean() - wanted) < 5 * squares.std() / math.sqrt(len(found)) < 0.3 * wanted


def test_nothing_is_left_behind() -> None:
    model = nn.Sequential(nn.Conv1d(1, 2, 3), nn.BatchNorm1d(2), nn.Dropout(0.2), nn.Flatten(), nn.Linear(8, 1)).train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    x, calls = torch.randn(4, 1, 6, generator=torch.Generator().manual_seed(0)), []

    def loss(outputs: Tensor, targets: Tensor | None) -> Tensor:
        calls.append(1)
        if len(calls) > 30:
            raise RuntimeError("enough")
        return outputs.square().mean()

    assert any(float(score.abs().max()) > 0 for score in grasp_scores(model, loss, x, None, rng=np.random.default_rng(0), n=10).values())
    assert len(calls) == 2 * 11
    with pytest.raises(RuntimeError, match="enough"):
        grasp_scores(model, loss, x, None, rng=np.random.default_rng(0), n=10)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


@pytest.mark.parametrize("step", [1e-4, 5e-3, 1.0])
def test_scores_on_a_quadratic_are_those_of_the_hessian_seen_along_the_directions(step: float) -> None:
    """With P the sample second moment of the directions and g the first estimate: ``-theta * P H g``, whatever the step.

    That holds because both estimates use the same directions: with others, their difference over the step would grow as the step shrinks.
    """
    model, n = Quadratic(), 50
    found = as_vector(grasp_scores(model, itself, None, None, rng=np.random.default_rng(2), n=n, step=step))
    u = np.random.default_rng(int(np.random.default_rng(2).integers(2**63))).standard_normal((n, D))
    moment = u.T @ u / n
    gradient = moment @ (model.hessian @ model.theta() + model.slope) + step / 2 * np.einsum("ni,ij,nj,nk->k", u, model.hessian, u, u) / n
    np.testing.assert_allclose(found, -model.theta() * (moment @ model.hessian @ gradient), rtol=0, atol=1e-6 * np.abs(found).max())


def test_scores_rank_as_the_exact_ones() -> None:
    model = Quadratic()
    found = as_vector(grasp_scores(model, itself, None, None, rng=np.random.default_rng(3), n=1500))
    exact = -model.theta() * (model.hessian @ (model.hessian @ model.theta() + model.slope))
    assert spearmanr(found, exact).statistic > 0.95
    assert spearmanr(np.abs(found), np.abs(exact)).statistic > 0.9


def test_random_layers_are_the_same_for_both_gradients() -> None:
    """A linear loss behind dropout has no Hessian: two different draws would make one up."""
    model = nn.Sequential(nn.Dropout(0.5), nn.Linear(6, 1)).double().train()
    x = torch.ones(3, 6, dtype=torch.float64)
    scores = as_vector(grasp_scores(model, lambda out, _: out.sum(), x, None, rng=np.random.default_rng(4), n=5))
    np.testing.assert_allclose(scores, 0, atol=1e-6)


def test_a_flat_loss_has_no_scores() -> None:
    scores = grasp_scores(Quadratic(), lambda *_: 1.0, None, None, rng=np.random.default_rng(5), n=3)
    assert as_vector(scores).tolist() == [0.0] * D


def test_directions_without_a_finite_loss_are_left_out() -> None:
    model, calls, lost = Quadratic(), [], {3, 5}  # of the calls, the first of which is at the parameters

    def loss(outputs: Tensor, _: None) -> float:
        calls.append(1)
        return math.inf if len(calls) in lost else outputs.item()

    found = as_vector(gaussian_gradient(model, loss, None, None, rng=np.random.default_rng(6), n=6, step=1e-6))
    u = np.delete(np.random.default_rng(6).standard_normal((6, D)), [1, 3], axis=0)
    gradient = model.hessian @ model.theta() + model.slope
    np.testing.assert_allclose(found, u.T @ (u @ gradient) / 4, rtol=1e-3, atol=1e-3)
    for others in ({1}, {2, 3, 4, 5, 6, 7}):
        calls.clear()
        lost.clear()
        lost.update(others)
        with pytest.raises(ValueError, match="no difference to it along 6 directions is finite"):
            gaussian_gradient(model, loss, None, None, rng=np.random.default_rng(6), n=6)


def test_ratios_are_the_shares_of_the_largest_scores() -> None:
    scores = {"a": torch.tensor([[0.1, -5.0], [3.0, 0.2]]), "b": torch.tensor([-4.0, 0.0]), "c": torch.tensor([0.3, 0.0, 0.0, 0.05])}
    assert layer_ratios(scores, 0.3) == {"a": 0.5, "b": 0.5, "c": 0.0}
    assert layer_ratios(scores, 0.4) == {"a": 0.5, "b": 0.5, "c": 0.25}
    assert layer_ratios(scores, 1) == {"a": 1.0, "b": 1.0, "c": 1.0}
    assert layer_ratios(scores, 1e-9) == {"a": 0.25, "b": 0.0, "c": 0.0}
    equal = {name: torch.ones_like(score) for name, score in scores.items()}
    assert layer_ratios(equal, 0.5) == {"a": 1.0, "b": 0.5, "c": 0.0}
    for density in (0, 1.1):
        with pytest.raises(ValueError, match="density"):
            layer_ratios(scores, density)


def test_ratios_make_masks_of_that_density() -> None:
    model = Quadratic()
    scores = grasp_scores(model, itself, None, None, rng=np.random.default_rng(7), n=30)
    masks = random_masks(model, layer_ratios(scores, 0.25), rng=np.random.default_rng(8))
    assert sum(int(mask.sum()) for mask in masks.values()) == 6
