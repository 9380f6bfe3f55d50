"""Tsallis-INF: probabilities by their optimality conditions and closed forms, and the regret that theory promises."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bbo.bandits import tsallis_inf


@pytest.mark.parametrize("k", [1, 2, 20, 1000])
@pytest.mark.parametrize("t", [1, 10, 1000, 10**6])
def test_probabilities_add_up_and_are_those_of_the_formula(k: int, t: int) -> None:
    rng = np.random.default_rng(k + t)
    rate = tsallis_inf.rate_at(t)
    for scale in (0, 1e-3, 1, 1e3, 1e9):
        losses = scale * math.sqrt(t) * rng.exponential(size=k)
        p = tsallis_inf.probabilities(losses, rate)
        assert abs(p.sum() - 1) <= 1e-12
        assert (p > 0).all()
        # 4 / (rate (losses - x))^2 for one x below all of them: solved for x, each arm gives the same
        x = losses - 2 / (rate * np.sqrt(p))
        np.testing.assert_allclose(x, x[0], rtol=1e-9, atol=1e-9 * (1 + losses.max()))


def test_probabilities_minimize_the_regularized_loss() -> None:
    rng = np.random.default_rng(3)
    losses, rate = 5 * rng.uniform(size=6), 0.7
    p = tsallis_inf.probabilities(losses, rate)

    def value(w: np.ndarray) -> float:
        return float(w @ losses - 4 / rate * np.sqrt(w).sum())

    assert all(value(p) < value(w) for w in rng.dirichlet(np.ones(6), size=2000))
    assert all(value(p) < value(0.999 * p + 0.001 * w) for w in rng.dirichlet(np.ones(6), size=200))


def test_two_arms_have_a_closed_form() -> None:
    # s = x's distance below the better arm, in units of 2 / rate, solves 1 / s^2 + 1 / (s + a)^2 = 1: a quartic
    rate, gap = 0.5, 3.0
    a = rate * gap / 2
    roots = np.roots([1, 2 * a, a**2 - 2, -2 * a, -(a**2)])
    s = max(root.real for root in roots if abs(root.imag) < 1e-9)
    np.testing.assert_allclose(tsallis_inf.probabilities([4.0, 1.0], rate), [(s + a) ** -2, s**-2], rtol=1e-12)


def test_equal_losses_are_equally_likely_and_a_shift_changes_nothing() -> None:
    np.testing.assert_allclose(tsallis_inf.probabilities(np.full(7, 3.0), 0.1), np.full(7, 1 / 7), rtol=1e-14)
    losses = np.arange(5.0)
    np.testing.assert_array_equal(tsallis_inf.probabilities(losses + 64, 0.3), tsallis_inf.probabilities(losses, 0.3))
    assert (np.diff(tsallis_inf.probabilities(losses, 0.3)) < 0).all()


def test_importance_weighting_is_unbiased() -> None:
    p, losses = np.array([0.5, 0.3, 0.2]), np.array([1.0, 2.0, 0.25])
    each = [tsallis_inf.importance_weighted([a], [losses[a]], [p[a]], 3) for a in range(3)]
    np.testing.assert_allclose(p @ np.array(each), losses, rtol=1e-15)
    np.testing.assert_array_equal(tsallis_inf.importance_weighted([], [], [], 3), np.zeros(3))


def test_regret_on_two_arms_is_below_the_bound() -> None:
    """Bernoulli losses, 0.5 apart: the pseudo-regret is 0.5 times the plays of the worse arm. Over 60 seeds it was 17 with a standard
    deviation of 5 and at most 36; the bound is 254, and uniform play has 500."""
    horizon, means, rng = 2000, np.array([0.25, 0.75]), np.random.default_rng(0)
    sums, worse = np.zeros(2), 0
    for t in range(1, horizon + 1):
        p = tsallis_inf.probabilities(sums, tsallis_inf.rate_at(t))
        arm = int(rng.random() > p[0])
        sums[arm] += (rng.random() < means[arm]) / p[arm]
        worse += arm
    assert 0.5 * worse <= 4 * math.sqrt(2 * horizon) + 1
    assert 0.5 * worse <= 80
