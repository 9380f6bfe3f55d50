"""Each finding appears where it should, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import bbo
from bbo.diagnosis import Finding
from bbo.problem import derive


def make(space: bbo.Space | None = None, objectives: object = "minimize", **kwargs: object) -> bbo.Study:
    return bbo.Study(space or bbo.Space({"x": bbo.Float(0, 1), "k": bbo.Int(1, 9)}), objectives, optimizer="random", seed=0, **kwargs)  # type: ignore[arg-type]


def fill(study: bbo.Study, n: int, f: Callable[[dict[str, float]], object]) -> None:
    for trial in study.ask(n):
        study.tell(trial, f(trial.params))


def kinds(study: bbo.Study) -> set[str]:
    return {finding.kind for finding in study.diagnose()}


def only(study: bbo.Study, kind: str) -> Finding:
    (finding,) = [finding for finding in study.diagnose() if finding.kind == kind]
    return finding


def bowl(params: dict[str, float]) -> float:
    return (params["x"] - 0.4) ** 2 + 0.01 * (params["k"] - 5) ** 2


def test_a_sound_study_has_no_findings() -> None:
    study = make()
    fill(study, 15, bowl)
    assert study.diagnose() == []


def test_few_trials() -> None:
    study = make()
    assert only(study, "few").text.startswith("0 trials")
    fill(study, 5, bowl)
    assert kinds(study) == {"few"}
    fill(study, 1, bowl)
    assert kinds(study) == set()  # 2 (d + 1) = 6


def test_many_failures_and_their_reasons() -> None:
    study = make()
    fill(study, 10, bowl)
    for reason in ("burnt", "burnt", "spilled", "spilled"):
        study.fail(study.ask(), reason)
    assert "failures" not in kinds(study)  # 4 of 14
    study.fail(study.ask(), "burnt")
    finding = only(study, "failures")
    assert finding.severity == "warning"
    assert "5 of 15" in finding.text
    assert "burnt; spilled" in finding.text
    assert finding.trials == (10, 11, 12, 13, 14)


def test_constraints_that_are_never_kept() -> None:
    study = make(objectives={"loss": "minimize"}, outcome_constraints=["heat <= -1", "mass <= 10"])
    fill(study, 9, lambda p: {"loss": bowl(p), "heat": p["x"], "mass": 1.0})
    assert "infeasible" not in kinds(study)
    fill(study, 1, lambda p: {"loss": bowl(p), "heat": p["x"], "mass": 1.0})
    finding = only(study, "infeasible")
    nearest = min(study.trials, key=lambda trial: trial["x"])
    assert finding.trials == (nearest.number,)
    assert "heat <= -1" in finding.text
    assert "mass" not in finding.text


def test_constraints_that_exclude_each_other() -> None:
    study = make(objectives={"loss": "minimize"}, outcome_constraints=["a <= 0.3", "b <= 0.3"])
    fill(study, 20, lambda p: {"loss": bowl(p), "a": p["x"], "b": 1 - p["x"]})
    assert "all outcome constraints at once" in only(study, "infeasible").text


def test_a_feasible_trial_ends_it() -> None:
    study = make(objectives={"loss": "minimize"}, outcome_constraints=["heat <= 0.5"])
    fill(study, 20, lambda p: {"loss": bowl(p), "heat": p["x"]})
    assert "infeasible" not in kinds(study)


def test_always_the_same() -> None:
    study = make()
    fill(study, 12, lambda _: 3.0)
    assert "value=3" in only(study, "constant").text


@pytest.mark.parametrize(("low", "high", "end"), [(1.0, 0.0, "lower"), (0.0, 1.0, "upper")])
def test_best_at_an_end_of_the_range(low: float, high: float, end: str) -> None:
    study = make(bbo.Space({"x": bbo.Float(10, 20)}))
    for x in np.linspace(10, 20, 12):
        study.add({"x": float(x)}, low * (x - 10) + high * (20 - x))
    finding = only(study, "at_bound")
    assert f"at the {end} end of its range (10 to 20)" in finding.text
    assert finding.severity == "info"


def test_log_axes_and_whole_numbers_have_ends_too() -> None:
    study = make(bbo.Space({"lr": bbo.Float(1e-5, 1e-1, log=True), "k": bbo.Int(1, 9), "flag": bbo.Int(0, 1)}))
    for i in range(12):
        study.add({"lr": 10 ** (-5 + i / 3), "k": 9 - i % 9, "flag": i % 2}, float(i))
    findings = [finding.text for finding in study.diagnose() if finding.kind == "at_bound"]
    assert len(findings) == 2  # a range of two values has nothing but ends
    assert "lr=1e-05" in findings[0]
    assert "k=9" in findings[1]


def test_no_improvement_for_long() -> None:
    study = make()
    study.add({"x": 0.4, "k": 5}, -1.0)
    fill(study, 19, bowl)
    assert "stalled" not in kinds(study)
    fill(study, 1, bowl)
    finding = only(study, "stalled")
    assert "the last 20 of 21 trials" in finding.text
    assert finding.trials == (0,)
    fill(study, 1, lambda _: -2.0)
    assert "stalled" not in kinds(study)


def noise(number: int) -> float:
    return float(np.random.default_rng(derive("noise", number, bits=32)).normal())


def test_noise_that_hides_everything() -> None:
    study = make()
    for number in range(24):
        study.add({"x": (number % 8) / 10, "k": 5}, noise(number))
    finding = only(study, "noise")
    assert finding.severity == "warning"


def test_little_noise_is_no_finding() -> None:
    study = make()
    for number in range(24):
        study.add({"x": (number % 8) / 10, "k": 5}, number % 8 + 0.1 * noise(number))
    assert {"noise", "repeats"} & kinds(study) == set()


def test_repeats_that_say_nothing_new() -> None:
    study = make()
    for number in range(24):
        study.add({"x": (number % 8) / 10, "k": 5}, float(number % 8))
    assert "16 trials repeat a point" in only(study, "repeats").text


def test_trials_that_stay_open() -> None:
    study = make()
    forgotten = study.ask()
    leased = study.ask(lease=1e9)
    for _ in range(19):
        study.tell(trial := study.ask(), bowl(trial.params))
    assert "stale" not in kinds(study)
    study.tell(trial := study.ask(), bowl(trial.params))
    assert only(study, "stale").trials == (forgotten.number,)
    assert leased.number not in only(study, "stale").trials
    study.abandon(forgotten)
    assert "stale" not in kinds(study)


def test_lost_trials(monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    study = make()
    now = time.time()
    for turn in range(4):
        monkeypatch.setattr(time, "time", lambda turn=turn: now + 100 * turn)
        study.ask(lease=1)
    assert only(study, "lost").trials == (0,)


def test_warnings_come_first() -> None:
    study = make()
    for _ in range(5):
        study.fail(study.ask(), "burnt")
    assert [finding.severity for finding in study.diagnose()] == ["warning", "info"]


def test_several_objectives_and_rankings_are_no_error() -> None:
    study = make(objectives={"a": "minimize", "b": "maximize"})
    fill(study, 30, lambda p: {"a": p["x"], "b": p["k"]})
    assert study.diagnose() == []
    ranking = make(objectives=bbo.Objective("taste", feedback="ranking"))
    ranking.ask(12)
    ranking.tell_ranking(list(range(12)))
    assert ranking.diagnose() == []
