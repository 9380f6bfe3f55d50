"""Estimate and precision of parameters: rank-one updates against what they stand for."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from surrogates.parametric import Linear, LinearisedPosterior, SigmoidNetwork
from surrogates.parametric.linearised import updated

Array = NDArray[np.float64]
RIDGE = 0.7


def run(family: Linear | SigmoidNetwork, t: int, seed: int = 0) -> tuple[LinearisedPosterior, Array, Array, list[Array], list[float]]:
    """A posterior after t data; w_0, the points, the estimates before each and the values."""
    rng = np.random.default_rng(seed)
    posterior = LinearisedPosterior.prior(family.starts(1, rng)[0], RIDGE)
    first, X, before, values = posterior.weights, rng.random((t, family.d)), [], []
    for x in X:
        f, g = family.weight_gradient(posterior.weights, x[None])
        values.append(float(f[0] + 0.3 * rng.standard_normal()))
        before.append(posterior.weights)
        posterior = posterior.append(g[0], values[-1] - float(f[0]))
    return posterior, first, X, before, values


@pytest.mark.parametrize("t", [1, 3, 4, 30])
def test_the_estimate_of_a_linear_family_is_ridge_regression_about_the_first(t: int) -> None:
    posterior, first, X, _, values = run(Linear(3), t)
    F = np.column_stack([np.ones(t), X])
    precision = RIDGE * np.eye(4) + F.T @ F
    np.testing.assert_allclose(posterior.weights, np.linalg.solve(precision, RIDGE * first + F.T @ np.array(values)), rtol=0, atol=1e-10)


@pytest.mark.parametrize("t", [2, 12, 13, 14, 40])  # the network has 13 parameters
def test_the_estimate_minimizes_the_linearised_squares(t: int) -> None:
    """In closed form, with each gradient at the estimate of its own time."""
    family = SigmoidNetwork(2, hidden=3)
    posterior, first, X, before, values = run(family, t)
    rows = [family.weight_gradient(w, x[None]) for w, x in zip(before, X, strict=True)]
    G = np.vstack([g for _, g in rows])
    targets = np.array([g[0] @ w + y - f[0] for (f, g), w, y in zip(rows, before, values, strict=True)])
    precision = RIDGE * np.eye(13) + G.T @ G
    np.testing.assert_allclose(posterior.weights, np.linalg.solve(precision, RIDGE * first + G.T @ targets), rtol=0, atol=1e-10)
    np.testing.assert_array_equal(posterior.gradients, G)


@pytest.mark.parametrize("t", [0, 1, 12, 13, 14, 40])
def test_appending_is_rebuilding_and_woodbury_is_direct(t: int) -> None:
    posterior, *_ = run(SigmoidNetwork(2, hidden=3), t)
    rebuilt = LinearisedPosterior.rebuilt(posterior.weights, RIDGE, posterior.gradients)
    assert posterior.dual == rebuilt.dual == (t < 13)
    np.testing.assert_allclose(posterior.factor, rebuilt.factor, rtol=0, atol=1e-12 * (1 + t))
    precision = RIDGE * np.eye(13) + posterior.gradients.T @ posterior.gradients
    V = np.random.default_rng(1).standard_normal((6, 13))
    direct = np.linalg.solve(precision, V.T).T
    np.testing.assert_allclose(posterior.solve(V), direct, rtol=0, atol=1e-11)
    np.testing.assert_allclose(np.sum(posterior.whiten(V) ** 2, axis=1), np.sum(V * direct, axis=1), rtol=1e-11)
    root = posterior.colour(np.eye(13)).T  # its columns are the images of the axes
    np.testing.assert_allclose(root @ root.T, np.linalg.inv(precision), rtol=0, atol=1e-11)
    np.testing.assert_allclose(posterior.whiten(V), V @ root, rtol=0, atol=1e-11)


def test_a_datum_whose_value_is_awaited_moves_the_precision_alone() -> None:
    posterior, *_ = run(SigmoidNetwork(2, hidden=3), 5)
    g = np.random.default_rng(2).standard_normal(13)
    after = posterior.append(g)
    np.testing.assert_array_equal(after.weights, posterior.weights)
    before, now = (np.linalg.norm(each.whiten(g[None])) for each in (posterior, after))
    assert now**2 == pytest.approx(before**2 / (1 + before**2), rel=1e-10)  # Sherman-Morrison
    assert len(posterior.gradients) == 5  # itself is left as it is


def test_equal_gradients_again_and_again_keep_it_well() -> None:
    """Flat directions of a network leave rank one; the ridge holds the rest."""
    posterior, g = LinearisedPosterior.prior(np.zeros(30), 1e-3), np.full(30, 1e2)
    for _ in range(20):
        posterior = posterior.append(g, 1e-3)
    assert np.isfinite(posterior.weights).all()
    assert np.linalg.norm(posterior.whiten(g[None])) ** 2 == pytest.approx(1 / 20, rel=1e-6)


def test_the_factor_is_updated() -> None:
    rng = np.random.default_rng(3)
    B, g = rng.standard_normal((6, 6)), rng.standard_normal(6)
    A = B @ B.T + np.eye(6)
    np.testing.assert_allclose(updated(np.linalg.cholesky(A), g), np.linalg.cholesky(A + np.outer(g, g)), atol=1e-12)


def test_the_ridge_is_positive() -> None:
    with pytest.raises(ValueError, match="must be positive"):
        LinearisedPosterior.prior(np.zeros(2), 0.0)
