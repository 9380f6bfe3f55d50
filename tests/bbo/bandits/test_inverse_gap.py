"""Inverse gap weighting: limits and closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from bbo.bandits.inverse_gap import FLOOR, fast_cb, square_cb

RULES = pytest.mark.parametrize("rule", [square_cb, fast_cb])


@RULES
@pytest.mark.parametrize("gamma", [0.0, 1.0, 37.0, 1e6, 1e15])
@pytest.mark.parametrize("k", [1, 2, 5, 500])
def test_probabilities_are_positive_add_up_and_favour_the_best(rule, gamma: float, k: int) -> None:
    y = np.random.default_rng(k).uniform(0.01, 1, size=k)
    p = rule(y, gamma)
    assert abs(p.sum() - 1) <= 1e-12
    assert (p > 0).all()
    assert p[y.argmin()] >= p.max() - 1e-15
    assert p.max() >= 1 / k - 1e-15
    order = np.argsort(y)
    assert (np.diff(p[order]) <= 1e-15).all()


@RULES
def test_limits(rule) -> None:
    y = np.array([0.4, 0.2, 0.9, 0.3])
    np.testing.assert_allclose(rule(y, 0.0), np.full(4, 0.25), rtol=1e-15)
    np.testing.assert_allclose(rule(np.full(4, 0.3), 50.0), np.full(4, 0.25), rtol=1e-15)
    np.testing.assert_allclose(rule(y, 1e14), [0, 1, 0, 0], rtol=0, atol=1e-12)


@pytest.mark.parametrize("gamma", [0.5, 7.0, 300.0])
@pytest.mark.parametrize("k", [2, 5, 20])
def test_no_losses_cost_more_than_the_bound_of_square_cb(gamma: float, k: int) -> None:
    """What a round loses is at most ``2 K / gamma`` and ``gamma / 4`` times the expected squared error, also for the losses that make it
    the most: a concave function of them, with its maximum in closed form for each arm that may be the best."""
    for seed in range(50):
        y = np.random.default_rng(seed).uniform(size=k)
        p = square_cb(y, gamma)
        for best in range(k):
            losses = y + 2 / gamma
            losses[best] -= 2 / (gamma * p[best])
            lost = p @ losses - losses[best]
            assert lost <= 2 * k / gamma + gamma / 4 * p @ (y - losses) ** 2


def test_two_arms() -> None:
    gamma, y = 7.0, np.array([0.5, 0.3])
    p = 1 / (2 + gamma * 0.2)
    np.testing.assert_allclose(square_cb(y, gamma), [p, 1 - p], rtol=1e-14)
    p = 0.3 / (2 * 0.3 + gamma * 0.2)
    np.testing.assert_allclose(fast_cb(y, gamma), [p, 1 - p], rtol=1e-14)


def test_the_fast_rule_is_the_other_one_at_a_larger_weight() -> None:
    y = np.random.default_rng(0).uniform(0.1, 1, size=6)
    np.testing.assert_allclose(fast_cb(y, 9.0), square_cb(y, 9.0 / y.min()), rtol=1e-13)
    assert fast_cb(y / 10, 9.0).max() == pytest.approx(fast_cb(y, 9.0).max())  # losses of another unit
    assert (fast_cb(np.array([0.0, 0.5]), 9.0) > 0).all()
    np.testing.assert_array_equal(fast_cb(np.array([-1.0, 0.5]), 9.0), fast_cb(np.array([FLOOR, 0.5]), 9.0))
