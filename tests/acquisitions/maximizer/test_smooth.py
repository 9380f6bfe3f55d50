"""Smooth nonlinear constraints with known optima."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from acquisitions import maximize
from acquisitions.domain import Box, Domain, Linear, Opaque
from acquisitions.maximizer import MaximizerSettings, Smooth
from surrogates.columns import Column, Columns

SMALL = MaximizerSettings(screened=500, starts=5)


class Bowl:
    def __init__(self, centre):
        self.centre = np.asarray(centre, dtype=float)

    def value(self, X):
        return -np.sum((X - self.centre) ** 2, axis=1)

    def value_and_gradient(self, X):
        return self.value(X), -2 * (X - self.centre)


def cube(d, constraints=()):
    columns = Columns(tuple(Column(f"x{i}") for i in range(d)))
    return Domain(columns, np.array([[0.0] * d, [1.0] * d]), constraints, (Box(tuple(range(d)), (0.0,) * d, (1.0,) * d, ((),) * d),))


def ball(X):
    return np.sum((X - 0.5) ** 2, axis=1, keepdims=True) - 0.04


@pytest.mark.parametrize("jacobian", [None, lambda X: 2 * (X - 0.5)[:, None]])
def test_the_nearest_point_of_a_ball(jacobian):
    found = maximize(Bowl([0.9, 0.8, 0.5]), cube(3), rng=np.random.default_rng(0), smooth=Smooth(ball, jacobian), settings=SMALL)
    expected = 0.5 + 0.2 * np.array([0.4, 0.3, 0.0]) / 0.5
    assert np.abs(found.x - expected).max() < 1e-6
    assert ball(found.x[None])[0, 0] <= 0
    assert found.path.startswith("smooth constraints: ")


def test_a_constraint_of_the_domain_is_followed_where_its_excess_is_known():
    constraint = Opaque(lambda X: ball(X)[:, 0] <= 0, "in the ball", lambda X: ball(X)[:, 0])
    domain = cube(3, (constraint,))
    found = maximize(Bowl([0.9, 0.8, 0.5]), domain, rng=np.random.default_rng(0), settings=SMALL)
    assert np.abs(found.x - [0.66, 0.62, 0.5]).max() < 1e-6
    assert domain.contains(found.x[None])[0]
    half = Smooth(lambda X: X[:, :1] - 0.6)  # one more, given beside it
    found = maximize(Bowl([0.9, 0.8, 0.5]), domain, rng=np.random.default_rng(0), smooth=half, settings=SMALL)
    assert np.abs(found.x - [0.6, 0.5 + 0.03**0.5, 0.5]).max() < 1e-6


def test_with_a_linear_constraint_and_beside_a_hole():
    domain = cube(2, (Linear(np.array([1.0, 1.0]), -np.inf, 1.2),))
    hole = Smooth(lambda X: 0.01 - ball(X) - 0.04)  # at least 0.1 from the middle
    found = maximize(Bowl([0.5, 0.55]), domain, rng=np.random.default_rng(0), smooth=hole, settings=SMALL)
    assert domain.contains(found.x[None])[0] and hole.holds(found.x[None])[0]
    assert np.abs(found.x - [0.5, 0.6]).max() < 1e-6


def test_equals_slsqp_on_random_ellipsoids():
    r = np.random.default_rng(0)
    for _ in range(5):
        root = r.normal(size=(4, 4))
        H, centre, shift = root @ root.T + 0.5 * np.eye(4), r.uniform(-0.5, 1.5, 4), r.uniform(0.3, 0.7, 4)

        def g(X, H=H, shift=shift):
            return np.stack(
                [np.einsum("bi,ij,bj->b", X - shift, H, X - shift) - 0.2, np.exp(X[:, 0] - shift[0]) * (1 + X[:, 1] - shift[1]) - 1.1],
                axis=1,
            )

        found = maximize(Bowl(centre), cube(4), rng=r, smooth=Smooth(g), seeds=shift[None], settings=SMALL)
        one = minimize(
            lambda x, centre=centre: np.sum((x - centre) ** 2),
            shift,
            bounds=[(0, 1)] * 4,
            method="SLSQP",
            constraints=[{"type": "ineq", "fun": lambda x: -g(x[None])[0]}],
            options={"ftol": 1e-13, "maxiter": 500},
        )
        assert (g(found.x[None]) <= 0).all()
        assert found.value >= -one.fun - 1e-6
