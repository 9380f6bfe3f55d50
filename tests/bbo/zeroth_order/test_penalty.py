"""The adaptive penalty: what a violation is, and how the weight comes to exceed a multiplier."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bbo.zeroth_order.consensus import consensus, spread, standardized
from bbo.zeroth_order.penalty import AdaptivePenalty, violation


def test_violations_add_up_in_their_units_and_what_is_kept_does_not_count() -> None:
    g = np.array([[2.0, -1.0], [-3.0, -5.0], [4.0, 3.0]])
    np.testing.assert_array_equal(violation(g, [2.0, 0.5]), [1.0, 0.0, 8.0])
    np.testing.assert_array_equal(violation(1000 * g, [2000.0, 500.0]), violation(g, [2.0, 0.5]))
    np.testing.assert_array_equal(violation(g, [2.0, 0.0]), [1.0, 0.0, 5.0])  # no spread, no unit
    np.testing.assert_array_equal(violation(np.empty((3, 0)), []), np.zeros(3))
    assert violation([[1e308]], [1e-10]) == np.inf


def test_tolerance_falls_while_it_is_kept_and_the_weight_grows_while_it_is_not() -> None:
    at = AdaptivePenalty(weight=2.0, strictness=4.0, factor=1.5)
    assert at.adapted(0.5) == AdaptivePenalty(2.0, 6.0, 1.5)
    assert at.adapted(0.51) == AdaptivePenalty(3.0, 4.0 / 1.5, 1.5)


def test_weight_and_strictness_stay_finite() -> None:
    broken, kept = AdaptivePenalty(), AdaptivePenalty()
    for _ in range(10_000):
        broken, kept = broken.adapted(math.inf), kept.adapted(0.0)
    assert broken.weight == kept.strictness == 1e15
    assert broken.strictness > 0
    assert math.isfinite(1 / math.sqrt(broken.strictness))


def test_weight_settles_above_the_multiplier_and_the_minimum_of_the_sum_is_the_constrained_one() -> None:
    """``(x - 3)^2`` with ``x <= 1`` has the multiplier 4, so that the exact penalty has its minimum at 1 for every weight above.

    The method is a consensus of all points of a grid. Below the weight of 4 the minimum of the sum lies at ``3 - weight / 2``.
    """
    x = np.linspace(-5, 5, 2001)
    penalty = AdaptivePenalty()
    for _ in range(400):
        centre = consensus(x[:, None], (x - 3) ** 2 + penalty.weight * violation(x[:, None] - 1, [1.0]), 1e6)
        if penalty.weight < 3.9:
            assert centre[0] == pytest.approx(3 - penalty.weight / 2, abs=0.01)
        penalty = penalty.adapted(float(violation(centre[None, :] - 1, [1.0])[0]))
    assert 4 <= penalty.weight <= 4 * 1.1**2
    assert centre[0] == pytest.approx(1.0, abs=1e-9)


def test_spread_is_the_interquartile_range_or_the_range_and_survives_extremes() -> None:
    assert spread([3.0, 1.0, 9.0, 5.0, np.inf]) == np.subtract(*np.quantile([1.0, 3.0, 5.0, 9.0], [0.75, 0.25]))
    assert spread([1.0, 1.0, 1.0, 1.0, 4.0]) == 3.0
    assert spread([2.0, 2.0]) == spread([np.nan]) == spread([]) == 0.0
    assert spread([1.7e308, 1.7e308, -1.7e308, -1.7e308]) == np.finfo(float).max
    np.testing.assert_array_equal(standardized([3.0, 1.0, np.nan], 4.0), [0.5, 0.0, np.inf])
