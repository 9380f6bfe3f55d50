"""What the runtimes on BBOB functions are reduced to."""

from __future__ import annotations

import math

import numpy as np
import pytest

from benchmarks.bbob_runtimes import TARGETS, area, interval, report


def test_the_area_is_the_mean_share_of_the_logarithm_that_is_left() -> None:
    """All targets at the first evaluation give 1, none gives 0, and half of them at the square root of the budget a quarter."""
    assert area([1] * len(TARGETS), 1000) == pytest.approx(1)
    assert area([], 1000) == 0
    hits = [math.isqrt(10_000)] * 17
    assert area(hits, 10_000) == pytest.approx(17 / 51 / 2)


def test_an_interval_holds_the_mean_and_is_a_point_without_spread() -> None:
    assert interval(np.full((24, 5), 0.25)) == pytest.approx((0.25, 0.25))
    differences = np.random.default_rng(1).normal(0.1, 0.2, (24, 5))
    low, high = interval(differences)
    assert low < differences.mean() < high


def test_the_report_compares_over_functions_that_both_ran() -> None:
    """A function that only one has run counts in its own mean, not in the difference."""
    row = {"d": 5, "cpu": 1.0, "hits": [10] * 51}
    rows = [{**row, "optimizer": "auto", "function": 1, "instance": k} for k in range(1, 6)]
    rows += [{**row, "optimizer": "cma", "function": n, "instance": k, "hits": [100] * 51} for n in (1, 2) for k in range(1, 6)]
    assert "| 5 | cma | 10 | 0.333 | +0.333 (+0.333 to +0.333) | 1.0 |" in report(rows)
