"""What the measurement of GO-UCB runs on, and what it makes of its rows."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.zeroth_order import go_ucb


@pytest.mark.parametrize("name", go_ucb.FUNCTIONS)
def test_no_point_has_a_negative_regret(name: str) -> None:
    f, best = go_ucb.function(name, 1)
    rng = np.random.default_rng(0)
    X = np.vstack([rng.uniform(-5, 5, (200, go_ucb.D)), rng.choice([-5.0, 5.0], (200, go_ucb.D)), np.zeros((1, go_ucb.D))])
    assert max(f(x) for x in X) <= best + 1e-9


def test_greatest_values_are_attained() -> None:
    """Slopes vanish there."""
    assert go_ucb.function("tang", 0)[1] == pytest.approx(78.3323, abs=1e-4)
    x = np.full(go_ucb.D, -2.903534027771177)
    assert abs(go_ucb.tang(x + 1e-5) - go_ucb.tang(x - 1e-5)) < 1e-9
    assert go_ucb.rastrigin(np.zeros(go_ucb.D)) == go_ucb.function("rastrigin", 0)[1] == 0


def test_a_run_adds_up_regrets() -> None:
    row = go_ucb.run("tang", "random", 3, budget=20)
    assert len(row["regret"]) == 2
    assert 0 < row["least"] < row["regret"][0] / 10 < row["regret"][1] / 10


def test_jobs_are_told_apart_and_reported() -> None:
    keys = [tuple(key.items()) for key, _ in go_ucb.jobs()]
    assert len(set(keys)) == len(keys) == 5 * (3 * 5 + 6)
    rows = [
        {"function": "tang", "optimizer": name, "seed": seed, "regret": [0.0, total + seed], "least": 1.0, "seconds": 0.1}
        for name, total in (("go_ucb", 10.0), ("gp_ei", 9.0), ("gp_ucb", 12.0))
        for seed in range(2)
    ]
    rows[0]["regret"] = [0.0, 7.0]
    text = go_ucb.report(rows)
    assert "| tang | go_ucb | 2 | 9 ± 2 | 1 of 2 | 1.00 | 0.10 |" in text
    assert "| tang | gp_ei | 2 | 10 ± 0 |  |" in text
    assert "network" not in text
