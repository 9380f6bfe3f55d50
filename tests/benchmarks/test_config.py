"""The benchmark of CONFIG: its instances are what they are said to be, and a run that was cut short goes on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks import config
from benchmarks.known_gp import KnownGP


def test_instances_start_feasible_or_have_a_least_violation_of_a_tenth() -> None:
    for seed in range(5):
        feasible, infeasible = (config.Instance.numbered(seed, feasible=yes) for yes in (True, False))
        assert feasible({"x": 0.0})["g"] < -0.2
        assert infeasible.values(config.FINE)[1].min() == pytest.approx(0.1, abs=1e-9)
        np.testing.assert_array_equal(feasible.alpha, infeasible.alpha)
    assert not np.array_equal(config.Instance.numbered(0, feasible=True).alpha, config.Instance.numbered(1, feasible=True).alpha)


def test_instances_have_the_moments_of_their_process() -> None:
    """At 0 and 1 away from each other, over 400 draws of the objective: 4 standard errors."""
    values = np.array([config.Instance.numbered(seed, feasible=True).values(np.array([3.0, 4.0]))[0] for seed in range(400)])
    assert values.var(axis=0) == pytest.approx([2.0, 2.0], abs=4 * 2.0 * np.sqrt(2 / 400))
    assert np.mean(values[:, 0] * values[:, 1]) == pytest.approx(2 * np.exp(-0.5), abs=4 * 2.0 * np.sqrt(1.4 / 400))


def test_a_known_process_declares_an_infeasible_instance() -> None:
    row = config.gp_case(KnownGP("config", {"beta": 3.0}), 0, feasible=False)
    assert 5 <= row["declared"] <= config.DECLARED_WITHIN and row["failed"] == 0


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 6))
def test_infeasible_instances_are_declared_and_their_feasible_twins_never(seed: int) -> None:
    """Five of the fifty that the benchmark runs: within 40 steps, and not once in 100."""
    known = KnownGP("config", {"beta": 3.0})
    infeasible, feasible = (config.gp_case(known, seed, feasible=yes) for yes in (False, True))
    assert infeasible["declared"] <= 40 and infeasible["failed"] == 0
    assert feasible["declared"] is None and feasible["failed"] == 0
    assert feasible["metric_100"] < 0.1


def test_finished_cases_are_not_run_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "SEEDS", 2)
    file = tmp_path / "runs.jsonl"
    config.run(file, ["infeasible"], 1.0)
    rows = config.read(file)
    config.run(file, ["infeasible"], 1.0)
    assert config.read(file) == rows and len(rows) == 2
    (line,) = config.report(rows)
    assert line.startswith("infeasible gp config (2): declared 2, failed models 0")
