"""Intermediate results: what a report takes with one objective and with several, what is logged, and what comes back."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bbo
from bbo.log.events import Event
from bbo.report import write_report
from bbo.storage.jsonl import export_log

SPACE = bbo.Space({"x": bbo.Float(0, 1)})
TWO = {"score": "maximize", "cost": "minimize"}


def study_of(objectives: dict[str, str], **options: Any) -> bbo.Study:
    return bbo.Study(SPACE, objectives, optimizer="random", seed=0, **options)


def bodies(study: bbo.Study) -> list[dict[str, Any]]:
    """Of the reports in the log, beside what every event has."""
    return [dict(event.body) for event in study.storage.read(study.name) if event.kind == "reported"]


FORMS: list[tuple[str, dict[str, str], Any, Any]] = [
    ("number", {"loss": "minimize"}, 0.5, 0.5),
    ("NumPy number", {"loss": "minimize"}, np.float32(0.5), 0.5),
    ("mapping of one", {"loss": "minimize"}, {"loss": 0.5}, 0.5),
    ("list of one", {"loss": "minimize"}, [0.5], 0.5),
    ("mapping", TWO, {"cost": 3, "score": 0.5}, {"score": 0.5, "cost": 3.0}),
    ("list", TWO, [0.5, 3], {"score": 0.5, "cost": 3.0}),
    ("tuple", TWO, (0.5, np.int64(3)), {"score": 0.5, "cost": 3.0}),
    ("array", TWO, np.array([0.5, 3.0]), {"score": 0.5, "cost": 3.0}),
]


@pytest.mark.parametrize(("objectives", "given", "kept"), [pytest.param(*case[1:], id=case[0]) for case in FORMS])
def test_what_a_report_takes_and_what_is_stored(objectives: dict[str, str], given: Any, kept: Any, tmp_path: Path) -> None:
    study = study_of(objectives, storage=tmp_path / "runs.db")
    trial = study.ask()
    trial.report(given, 4)
    trial.report(given, 4)  # an equal repeat changes nothing
    assert trial.reports == ((4, kept),)
    key = "values" if len(objectives) > 1 else "value"
    assert bodies(study) == [{"v": 1, "attempt": 1, "step": 4, key: kept}]
    again = bbo.load_study("study", tmp_path / "runs.db")
    assert again.trials[0].reports == ((4, kept),)
    assert all(type(number) is float for _, value in again.trials[0].reports for number in (value.values() if key == "values" else [value]))


BAD: list[tuple[str, Callable[[bbo.Trial], None], str]] = [
    ("one number", lambda t: t.report(0.5, 0), "one value for 2 objectives; give a dict with score, cost$"),
    ("missing", lambda t: t.report({"score": 0.5}, 0), "objective cost is missing; all of score, cost are reported at once"),
    ("nothing", lambda t: t.report({}, 0), "objective score, cost is missing"),
    ("unknown", lambda t: t.report({"score": 0.5, "cots": 1}, 0), r"unknown objective 'cots'; did you mean 'cost'\? \(objectives"),
    ("a constraint", lambda t: t.report({"score": 0.5, "cost": 1, "ms": 3}, 0), "unknown objective 'ms'"),
    ("too many", lambda t: t.report([1, 2, 3], 0), r"3 values for 2 objectives \(score, cost\)"),
    ("NaN", lambda t: t.report({"score": math.nan, "cost": 1}, 0), "trial 0: the reported value of score is nan; it is a finite number"),
    ("infinity", lambda t: t.report([1, math.inf], 0), "the reported value of cost is inf"),
    ("string", lambda t: t.report({"score": "0.5", "cost": 1}, 0), r"the reported value of score is '0\.5'"),
    ("half a step", lambda t: t.report([1, 2], 0.5), r"step is 0\.5"),  # type: ignore[arg-type]
    ("otherwise before", lambda t: t.report([9, 2], 7), r"step 7 was reported as \{'score': 1\.0, 'cost': 2\.0\} before"),
]  # fmt: skip


@pytest.mark.parametrize(("act", "message"), [pytest.param(*case[1:], id=case[0]) for case in BAD])
def test_bad_reports_leave_the_log_as_it_was(act: Callable[[bbo.Trial], None], message: str) -> None:
    study = study_of(TWO, outcome_constraints=["ms <= 20"])
    trial = study.ask()
    trial.report([1, 2], 7)
    before = list(export_log(study.storage, study.name))
    with pytest.raises(bbo.InvalidTell, match=message):
        act(trial)
    assert list(export_log(study.storage, study.name)) == before


def test_one_objective_among_several_outcomes_takes_its_number_alone() -> None:
    study = study_of({"loss": "minimize"}, outcome_constraints=["ms <= 20"])
    trial = study.ask()
    trial.report(0.5, 0)
    with pytest.raises(bbo.InvalidTell, match="unknown objective 'ms'"):
        trial.report({"loss": 0.5, "ms": 3.0}, 1)
    assert trial.reports == ((0, 0.5),)


def test_what_comes_back_is_a_copy() -> None:
    trial = study_of(TWO).ask()
    trial.report([1, 2], 0)
    trial.reports[0][1]["score"] = 9.0  # type: ignore[index]
    assert trial.reports == ((0, {"score": 1.0, "cost": 2.0}),)


def test_a_new_attempt_begins_without_reports() -> None:
    study = study_of(TWO)
    trial = study.ask()
    trial.report([1, 2], 0)
    study.retry(trial, "node died")
    again = study.ask()
    trial.report([3, 4], 1)  # what the first attempt says no longer counts
    assert (again.number, again.reports) == (trial.number, ())


@pytest.mark.parametrize("pruner", ["asha", "median"])
def test_a_log_with_lone_numbers_for_several_objectives_is_read_as_before(pruner: str, tmp_path: Path) -> None:
    """Reports took a number whatever the objectives were. Such a log opens, shows them, and stops nobody."""
    study = study_of(TWO, storage=tmp_path / "runs.db")
    for number in range(8):
        trial = study.ask()
        old = Event("reported", {"attempt": 1, "step": 0, "value": float(number)}, trial=number)
        study.storage.append(study.name, [old], after=study.storage.read(study.name)[-1].seq)
        if number < 7:
            study.tell(trial, [0.5, 1.0])
    again = bbo.load_study("study", tmp_path / "runs.db")
    again.configure(pruner=pruner)
    trial = again.trials[7]
    assert trial.reports == ((0, 7.0),)
    assert "attempt 1 reported 7 at step 0" in again.explain(7)
    assert not trial.should_prune()
    trial.report([0.1, 9.0], 1)
    assert not trial.should_prune()  # nobody else has a report that it could be compared with


def test_everything_that_shows_a_study_takes_them(tmp_path: Path) -> None:
    study = study_of(TWO, pruner=bbo.Median(n_startup=1))

    def fn(trial: bbo.Trial) -> tuple[float, float]:
        for step in range(2):
            trial.report([step - trial.number, 1.0 + trial.number], step)
            if trial.should_prune():
                raise bbo.TrialPruned
        return 1.0 - trial.number, 1.0 + trial.number

    study.optimize(fn, 4)
    assert [trial.state for trial in study.trials] == ["done", "pruned", "pruned", "pruned"]
    assert "attempt 1 reported score=-2, cost=3 at step 0" in study.explain(2)
    assert list(study.to_dataframe()["state"]) == [trial.state for trial in study.trials]
    assert study.diagnose() is not None
    for kind in ("history", "parallel", "pareto", "feasibility"):
        assert study.plot(kind).data
    assert "pruned" in write_report(study, tmp_path / "r.html").read_text(encoding="utf-8")
