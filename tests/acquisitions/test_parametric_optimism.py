"""The optimistic value over an ellipsoid of parameters: closed forms where the family is linear, bounds and slopes where it is not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from acquisitions.parametric_optimism import LinearisedBound, ParametricOptimism
from bbo.testing import check_acquisition
from surrogates.parametric import Family, Linear, LinearisedPosterior, SigmoidNetwork

Array = NDArray[np.float64]


def posterior_of(family: Family, t: int = 6, seed: int = 0, scale: float = 1.0) -> LinearisedPosterior:
    rng = np.random.default_rng(seed)
    posterior = LinearisedPosterior.prior(scale * family.starts(1, rng)[0], 0.5)
    for x in rng.random((t, family.d)):
        posterior = posterior.append(family.weight_gradient(posterior.weights, x[None])[1][0], float(rng.standard_normal()))
    return posterior


@dataclass(frozen=True)
class Model:
    """What `check_acquisition` wants of a model."""

    family: Family
    posterior: LinearisedPosterior

    def predict(self, X: Array) -> tuple[Array, Array]:
        values, slopes = self.family.weight_gradient(self.posterior.weights, X)
        return values, np.sum(self.posterior.whiten(slopes) ** 2, axis=1)


def precision(posterior: LinearisedPosterior) -> Array:
    return np.asarray(0.5 * np.eye(len(posterior.weights)) + posterior.gradients.T @ posterior.gradients)


def test_linear_families_have_a_closed_form() -> None:
    """``phi . w + sqrt(beta phi' Sigma^-1 phi)``, reached on the boundary of the ellipsoid."""
    family, beta = Linear(3), 2.3
    posterior, X = posterior_of(family), np.random.default_rng(1).random((7, 3))
    phi, sigma = np.column_stack([np.ones(7), X]), precision(posterior)
    closed = phi @ posterior.weights + np.sqrt(beta * np.sum(phi * np.linalg.solve(sigma, phi.T).T, axis=1))
    score = ParametricOptimism(family, posterior, beta)
    values, W = score.inner(X)
    np.testing.assert_allclose(values, closed, rtol=1e-12)
    np.testing.assert_allclose(score.rough(X), closed, rtol=1e-12)
    np.testing.assert_allclose(family.value(W, X), closed, rtol=1e-12)
    away = W - posterior.weights
    np.testing.assert_allclose(np.sum(away @ sigma * away, axis=1), beta, rtol=1e-10)


@pytest.mark.parametrize(("beta", "scale"), [(0.01, 1.0), (1.0, 1.0), (50.0, 1.0), (0.01, 6.0), (1.0, 6.0)])
def test_the_value_is_attained_in_the_ellipsoid_and_beats_its_points(beta: float, scale: float) -> None:
    family = SigmoidNetwork(2, hidden=3)
    posterior, rng = posterior_of(family, scale=scale), np.random.default_rng(2)
    X = rng.random((10, 2))
    values, W = ParametricOptimism(family, posterior, beta).inner(X)
    assert (values >= family.value(posterior.weights, X)).all()
    np.testing.assert_allclose(family.value(W, X), values, rtol=1e-12)
    away = W - posterior.weights
    assert (np.sum(away @ precision(posterior) * away, axis=1) <= beta * (1 + 1e-10)).all()
    U = rng.standard_normal((300, 13))  # points of the boundary and within
    U *= rng.random((300, 1)) ** 0.2 / np.linalg.norm(U, axis=1, keepdims=True)
    others = posterior.weights + np.sqrt(beta) * posterior.colour(U)
    assert (np.stack([family.value(w, X) for w in others]).max(axis=0) <= values + 1e-9).all()


def test_the_maximizer_is_stationary() -> None:
    """On the boundary the gradient in the parameters is along the normal, ``Sigma (v - w)``."""
    family = SigmoidNetwork(3, hidden=4)
    posterior, X = posterior_of(family), np.random.default_rng(3).random((8, 3))
    _, W = ParametricOptimism(family, posterior, 0.5, tolerance=1e-7).inner(X)
    normal = posterior.whiten(family.weight_gradient(W, X)[1])
    outward = posterior.whiten((W - posterior.weights) @ precision(posterior))
    cosine = np.sum(normal * outward, axis=1) / (np.linalg.norm(normal, axis=1) * np.linalg.norm(outward, axis=1))
    np.testing.assert_allclose(cosine, 1.0, rtol=0, atol=1e-9)
    np.testing.assert_allclose(np.linalg.norm(outward, axis=1), np.sqrt(0.5), rtol=1e-10)


def test_small_ellipsoids_are_linear() -> None:
    """The two bounds differ by the curvature, which is of second order in the radius."""
    family = SigmoidNetwork(3, hidden=4)
    posterior, X = posterior_of(family), np.random.default_rng(4).random((20, 3))

    def gap(radius: float) -> float:
        score = ParametricOptimism(family, posterior, radius**2)
        return float(np.abs(score.value(X) - score.rough(X)).max())

    assert gap(1e-2) < 1e-4
    assert gap(1e-2) / gap(1e-3) == pytest.approx(100, rel=0.1)


def test_without_optimism_it_is_the_estimate() -> None:
    family = SigmoidNetwork(2, hidden=3)
    posterior, X = posterior_of(family), np.random.default_rng(5).random((6, 2))
    for kind in (LinearisedBound, ParametricOptimism):
        values, slopes = kind(family, posterior, 0.0).value_and_gradient(X)
        np.testing.assert_allclose(values, family.value(posterior.weights, X), rtol=1e-13)
        np.testing.assert_allclose(slopes, family.point_gradient(posterior.weights, X)[1], rtol=1e-13)


@pytest.mark.parametrize("kind", [LinearisedBound, ParametricOptimism])
@pytest.mark.parametrize("t", [0, 6, 20])
def test_it_keeps_the_contract_of_scores(kind: type[LinearisedBound], t: int) -> None:
    family = SigmoidNetwork(2, hidden=3)
    posterior = posterior_of(family, t)
    X = np.random.default_rng(6).random((5, 2))
    more = {"tolerance": 1e-6} if kind is ParametricOptimism else {}
    checks = check_acquisition(lambda model: kind(family, model.posterior, 0.3, **more), Model(family, posterior), X)
    assert {"gradients", "pending"} <= set(checks)


def test_a_point_that_is_awaited_is_less_of_a_promise() -> None:
    family = SigmoidNetwork(2, hidden=3)
    score, X = ParametricOptimism(family, posterior_of(family), 1.0), np.random.default_rng(7).random((4, 2))
    later = score.with_pending(X[:1])
    assert later.value(X[:1])[0] < score.value(X[:1])[0]
    np.testing.assert_array_equal(later.posterior.weights, score.posterior.weights)


def test_flat_gradients_and_overflow_leave_the_centre() -> None:
    """Where sigmoids are saturated or values overflow there is a number all the same."""
    family = SigmoidNetwork(1, hidden=1)
    for w in ([0.0, 800.0, 1.0, 0.0], [0.0, -800.0, 1.0, 0.0], [1e3, 0.0, 0.0, 0.0]):
        score = ParametricOptimism(family, LinearisedPosterior.prior(np.array(w), 1.0), 1.0)
        values, slopes = score.value_and_gradient(np.array([[0.3], [0.9]]))
        assert np.isfinite(values).all() and np.isfinite(slopes).all()
        assert (values >= family.value(np.array(w), np.array([[0.3], [0.9]]))).all()


def test_beta_is_a_number() -> None:
    for beta in (-1.0, np.inf, np.nan):
        with pytest.raises(ValueError, match="beta is"):
            ParametricOptimism(Linear(1), LinearisedPosterior.prior(np.zeros(2), 1.0), beta)
