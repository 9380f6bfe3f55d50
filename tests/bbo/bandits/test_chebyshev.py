"""Regression by Chebyshev polynomials: identities, the bounds, and the exact recovery of polynomials."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bbo.bandits import chebyshev
from bbo.bandits.chebyshev import Scale
from bbo.bandits.inverse_gap import square_cb


def test_features_are_cosines() -> None:
    angles = np.linspace(0, math.pi, 9)
    expected = np.cos(np.outer(angles, np.arange(6)))
    np.testing.assert_allclose(chebyshev.features(np.cos(angles), 6), expected, rtol=0, atol=1e-14)
    assert chebyshev.features([0.3], 1).tolist() == [[1.0]]


def test_the_scale_holds_every_bounded_polynomial() -> None:
    """Coefficients within the bounds keep predictions within [-1, 1] in scaled costs."""
    for m, spread in ((1, 2.0), (2, 5.0), (6, 5.0), (12, 0.1)):
        scale = Scale(largest=5.0, spread=spread, m=m)
        assert scale.scale == pytest.approx(5 * (2 + 4 * spread / 5 * (1 + math.log(m))))
        np.testing.assert_allclose(scale.bounds * scale.scale, [5.0, *(2 * spread / j for j in range(1, m))], rtol=1e-14)
        assert scale.bounds.sum() <= 1


def test_the_misfit_covers_the_best_polynomials_of_lipschitz_functions() -> None:
    """The truncated Chebyshev series of Lipschitz functions on [-1, 1], whose largest errors are those of kinks; in costs."""
    nodes, x = np.cos((np.arange(4000) + 0.5) * math.pi / 4000), np.linspace(-1, 1, 2001)
    for m in (1, 2, 6, 15):
        bound = Scale(largest=2.0, spread=2.0, m=m)
        for f in (np.abs, lambda x: np.abs(np.abs(x) - 0.5), lambda x: np.abs((4 * x) % 2 - 1) / 4):
            theta = 2 / 4000 * (chebyshev.features(nodes, m).T @ f(nodes)) * np.where(np.arange(m) == 0, 0.5, 1)
            assert np.abs(f(x) - chebyshev.features(x, m) @ theta).max() <= bound.misfit * bound.scale
    assert Scale(3.0, 3.0, 1).misfit * Scale(3.0, 3.0, 1).scale == pytest.approx(3 / 4 * (math.pi + 2 / math.pi * math.log(3)))
    assert Scale(8.0, 4.0, 6).misfit * Scale(8.0, 4.0, 6).scale == pytest.approx(4 / 14 * (math.pi + 2 / math.pi * math.log(13)))


def test_coefficients_of_lipschitz_functions_are_within_the_bounds() -> None:
    """|x| and others of Lipschitz constant 1 on [-1, 1]: a spread of 2, so that |theta_j| <= 4 / j."""
    x = np.cos((np.arange(4000) + 0.5) * math.pi / 4000)
    for f in (np.abs, np.sin, lambda x: np.minimum(x, 0.3), lambda x: np.abs(np.abs(x) - 0.5)):
        theta = 2 / 4000 * (chebyshev.features(x, 10).T @ f(x))
        scale = Scale(largest=2.0, spread=2.0, m=10)
        assert (np.abs(theta[1:]) <= scale.bounds[1:] * scale.scale).all()


def test_a_polynomial_of_lower_degree_is_recovered_exactly() -> None:
    rng = np.random.default_rng(1)
    theta = np.array([0.5, -0.3, 0.1, 0.02, -0.01, 0.03])
    for n in (6, 30):
        x = rng.uniform(-1, 1, size=n)
        phi = chebyshev.features(x, 6)
        np.testing.assert_allclose(chebyshev.fit(phi, phi @ theta, np.full(6, 1.0)), theta, rtol=0, atol=1e-9)


def test_bounds_are_kept_and_the_fit_is_the_best_within_them() -> None:
    rng = np.random.default_rng(2)
    phi = chebyshev.features(rng.uniform(-1, 1, size=40), 5)
    costs, bounds = phi @ np.array([0.3, 0.9, -0.8, 0.05, 0.0]), np.array([0.5, 0.4, 0.3, 0.2, 0.1])
    theta = chebyshev.fit(phi, costs, bounds)
    assert (np.abs(theta) <= bounds).all()
    slope = phi.T @ (phi @ theta - costs)  # optimality: no slope inside, and towards the outside at a bound
    inside = np.abs(theta) < bounds * (1 - 1e-9)
    np.testing.assert_allclose(slope[inside], 0, atol=1e-9)
    assert (slope[~inside] * np.sign(theta[~inside]) <= 1e-9).all()
    assert not inside.all()


def test_few_observations_give_the_shortest_coefficients() -> None:
    phi = chebyshev.features([0.5], 4)
    np.testing.assert_allclose(chebyshev.fit(phi, [0.2], np.ones(4)), 0.2 * phi[0] / (phi[0] @ phi[0]), rtol=1e-12)
    flat = chebyshev.fit(phi, [0.2], np.array([0.3, 0, 0, 0]))
    np.testing.assert_allclose(flat, [0.2, 0, 0, 0], atol=1e-8)


def test_the_rate_without_its_first_factor_makes_the_bound_of_square_cb_the_least() -> None:
    for t, k, regret, misfit in ((9, 4, 0.5, 0.1), (500, 20, 0.003, 0.02), (500, 20, 7.0, 0.0)):

        def bound(gamma: float, t=t, k=k, regret=regret, misfit=misfit) -> float:
            return 2 * k * t / gamma + gamma / 2 * (regret + 2 * misfit**2 * t)

        gamma = chebyshev.rate_at(t, k, regret, misfit) / t
        assert bound(gamma) < min(bound(0.99 * gamma), bound(1.01 * gamma))
    assert chebyshev.rate_at(0, 4, 0.0, 0.1) == 0
    assert math.isfinite(chebyshev.rate_at(9, 4, 0.0, 0.0))


def test_the_first_factor_of_the_rate_ends_exploration_which_else_goes_on_for_ever() -> None:
    scale, k = Scale(largest=5.0, spread=5.0, m=6), 20
    costs = np.array([0.0] + [scale.spread / scale.scale] * (k - 1))  # as far apart as costs can be
    for t in (10**3, 10**6):
        rate = chebyshev.rate_at(t, k, 0.0, scale.misfit)
        assert square_cb(costs, rate / t)[0] < 0.51
        assert square_cb(costs, rate)[0] > 1 - 1.1 * k / t
    plays = [square_cb(costs, chebyshev.rate_at(t, k, 0.0, scale.misfit))[1] for t in range(1, 10_001)]
    assert sum(plays[1000:]) == pytest.approx(sum(plays[100:1000]), rel=0.02)  # as much from each power of ten to the next
