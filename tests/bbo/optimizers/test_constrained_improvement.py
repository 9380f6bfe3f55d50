"""CEI+, the penalty and the default: the schedule by hand, what is modelled, and constrained optima that are known."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

import bbo
from bbo import problems
from bbo.log.ledger import Record
from bbo.log.states import State
from bbo.optimizers.constrained import weight
from bbo.problem import Problem

BOX = bbo.Space({"x": bbo.Float(0, 1)})


def records(pairs: list[tuple[float, float]]) -> list[Record]:
    return [Record(k, State.DONE, params={"x": 0.1}, planned={"x": 0.1}, values={"f": f, "c": c}) for k, (f, c) in enumerate(pairs)]


def test_the_penalty_grows_with_every_five_trials_that_bring_nothing() -> None:
    problem = Problem(BOX, (bbo.Objective("f"),), (bbo.Constraint("c", upper=0.0),))
    better, infeasible, worse = (1.0, -1.0), (-5.0, 1.0), (3.0, -1.0)
    assert weight(problem, []) == 1.0
    assert weight(problem, records([better, *[infeasible] * 4])) == 1.0
    assert weight(problem, records([better, *[infeasible] * 3, worse, worse])) == 1.5
    assert weight(problem, records([better, worse, worse, (0.5, -1.0), worse, worse, worse])) == 1.5  # an improvement starts nothing anew
    assert weight(problem, records([infeasible] * 25)) == pytest.approx(1.5**5)


def test_cei_plus_finds_the_optimum_on_the_rim_of_what_is_feasible() -> None:
    problem = problems.get("constrained_gramacy")
    assert problem.optimum is not None
    gaps = []
    for seed in range(3):  # it is greedy: now and then it stays at the second best of three local optima
        study = problem.study(optimizer=bbo.Bayes(acquisition="cei_plus"), seed=seed)
        for _ in range(30):
            trial = study.ask()
            study.tell(trial, problem.evaluate(trial.params))
        gaps.append(study.best_trial.value - problem.optimum.value)
        assert "capped (CEI+)" in study.explain(study.trials[-1].number)
    assert min(gaps) >= 0
    assert sorted(gaps)[1] < 5e-3


@pytest.mark.parametrize("seed", [0, 1])
def test_a_corner_where_bounds_meet_is_gone_into(seed: int) -> None:
    """Climbs that start elsewhere come to rest 350 above the optimum."""
    problem = problems.get("pressure_vessel")
    assert problem.optimum is not None
    study = problem.study(optimizer=bbo.Bayes(), seed=seed)
    for _ in range(30):
        trial = study.ask()
        study.tell(trial, problem.evaluate(trial.params))
    assert 0 <= study.best_trial.value - problem.optimum.value < 50


def test_the_penalty_keeps_from_what_looks_better_and_is_not_feasible() -> None:
    study = bbo.Study(BOX, {"f": "minimize"}, outcome_constraints=["c <= 0"], optimizer=bbo.Bayes(acquisition="penalty"), seed=0)
    for _ in range(30):
        trial = study.ask()
        study.tell(trial, {"f": (trial["x"] - 0.9) ** 2, "c": trial["x"] - 0.6})
    assert study.best_trial["x"] == pytest.approx(0.6, abs=0.05)
    assert sum(trial["x"] < 0.8 for trial in study.trials[15:]) >= 8  # without it nearly all are at 0.9
    assert "times the squared excesses" in study.explain(study.trials[-1].number)


@pytest.mark.parametrize("name", ["cei_plus", "penalty"])
def test_without_constraints_it_is_expected_improvement(name: str) -> None:
    study = bbo.Study(BOX, "minimize", optimizer=bbo.Bayes(acquisition=name), seed=0)
    for _ in range(16):
        trial = study.ask()
        study.tell(trial, math.sin(7 * trial["x"]) + trial["x"])
    x = np.linspace(0, 1, 10_001)
    assert study.best_trial.value - np.min(np.sin(7 * x) + x) < 1e-3


def test_failures_are_kept_away_from() -> None:
    study = bbo.Study(BOX, {"f": "minimize"}, outcome_constraints=["c <= 0"], optimizer=bbo.Bayes(acquisition="cei_plus"), seed=0)
    for _ in range(20):
        trial = study.ask()
        if trial["x"] > 0.7:
            study.fail(trial, "burst")
        else:
            study.tell(trial, {"f": -trial["x"], "c": trial["x"] - 0.6})
    assert sum(trial["x"] > 0.7 for trial in study.trials[10:]) <= 3
    assert study.best_trial["x"] == pytest.approx(0.6, abs=0.02)


SQUARE = bbo.Space({"x": bbo.Float(0, 1), "y": bbo.Float(0, 1)})


def constrained(n: int, **settings: Any) -> bbo.Study:
    """A study that knows n points of a constraint over ten orders of magnitude, and of one that is linear."""
    outcomes = ["steep <= 0", "straight <= 0"]
    study = bbo.Study(SQUARE, {"f": "minimize"}, outcome_constraints=outcomes, optimizer=bbo.Bayes(**settings), seed=0)
    add(study, n)
    return study


def add(study: bbo.Study, n: int) -> None:
    for point in SQUARE.sample(n, np.random.default_rng(n)):
        x, y = point["x"], point["y"]
        study.add(point, {"f": x + y, "steep": math.exp(23 * (0.7 - x - 0.3 * y)) - 1, "straight": 0.4 - y})


def memo(study: bbo.Study) -> Mapping[str, Any]:
    """What the next proposal leaves for those after it."""
    study.ask()
    return study.storage.read("study")[-1].body["memo"]


def test_a_constraint_is_bent_from_its_bound_where_that_has_the_greater_evidence() -> None:
    study = constrained(20)
    assert set(memo(study)["near"]) == {"steep"}
    assert "and to logarithms of large distances from the bounds of steep (" in study.explain(20)
    (prediction,) = study.predict([{"x": 0.6, "y": 0.2}])
    assert prediction.mean["steep"] == pytest.approx(math.exp(23 * 0.04) - 1, rel=0.2)
    assert "near" not in memo(constrained(20, output_warp=False))


def test_constraints_are_known_to_more_digits_than_objectives() -> None:
    gps = memo(constrained(30))["gps"]
    assert gps["straight"]["noise"] < 1e-6 <= gps["f"]["noise"]


def test_how_it_is_bent_stays_until_hyperparameters_are_fitted_afresh(monkeypatch: pytest.MonkeyPatch) -> None:
    study = constrained(20)
    first = memo(study)["near"]
    add(study, 3)
    assert (later := memo(study))["near"] == first
    assert (later["n"], later["afresh"]) == (23, 20)
    monkeypatch.setattr("bbo.optimizers.fitting._SETTLED", 25)
    monkeypatch.setattr("bbo.optimizers.fitting._SHARES", ())  # nothing could be chosen any more
    add(study, 12)
    assert (later := memo(study))["near"] == first
    assert later["afresh"] == 35
