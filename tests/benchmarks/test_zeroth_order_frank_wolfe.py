"""The benchmark of zeroth-order Frank-Wolfe: its minimum is one, its noise what it is said to be, its slopes those of the rows."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.zeroth_order import frank_wolfe as benchmark


def test_the_minimum_is_that_of_the_ball() -> None:
    rng = np.random.default_rng(0)
    best = benchmark.BALL.project(benchmark.CENTRE)
    assert np.count_nonzero(best) == 3
    assert benchmark.f(benchmark.BALL.sample(1000, rng)).min() > benchmark.LEAST
    gradient = best - benchmark.CENTRE
    assert gradient @ (best - benchmark.BALL.lmo(gradient)) == pytest.approx(0, abs=1e-12)


def test_slopes_have_noise_that_the_distance_matters_to_only_where_each_point_has_its_own() -> None:
    """2,000 draws: a standard deviation is known to 1.6 %, and 6 % are four times that."""
    rng = np.random.default_rng(1)
    for c in (0.5, 0.01):
        points = np.vstack([np.zeros(10), c * np.eye(10)[:1]])
        still = benchmark.f(points)
        common, own = (
            np.std([np.diff(benchmark.seen(points, kind, rng) - still)[0] / c for _ in range(2000)]) for kind in ("common", "own")
        )
        assert common == pytest.approx(0.1, rel=0.06)
        assert own == pytest.approx(0.1 * 2**0.5 / c, rel=0.06)


def test_a_run_falls_and_jobs_are_told_apart() -> None:
    row = benchmark.run("kwsa", "common", 0, steps=(10, 300))
    assert 0 < row["above"][1] < 0.2 * row["above"][0]
    keys = [tuple(key.items()) for key, _ in benchmark.jobs()]
    assert len(set(keys)) == len(keys) == 120


def test_a_floor_under_distances_stops_axes_that_always_go_up_and_not_those_that_go_either_way() -> None:
    """Three runs of 1,000 steps each: the former end at half of the curvature's error, the latter far below."""
    up, either = (
        np.mean([benchmark.run(name, "own, floor", s, steps=(1000,))["above"][0] for s in range(3)])
        for name in ("kwsa", benchmark.EITHER_WAY)
    )
    assert up > 0.05
    assert either < 0.02


def test_the_report_fits_what_the_rows_hold() -> None:
    rows = [
        {"estimator": "rdsa", "noise": kind, "seed": seed, "above": [scale * t**power for t in benchmark.STEPS]}
        for kind, power in (("common", -0.5), ("own", -0.2))
        for seed, scale in enumerate((1.0, 3.0))
    ]
    lines = benchmark.report(rows).splitlines()
    assert lines[-1] == "The claim holds in 1 of 2 rows."
    assert "| common | `rdsa` | 2 | 0.2 | 0.11 | 0.063 | 0.036 | 0.02 | -0.50 (-0.50 to -0.50) | yes |" in lines
    assert any(line.startswith("| own | `rdsa` | 2 |") and line.endswith("| -0.20 (-0.20 to -0.20) | no |") for line in lines)
