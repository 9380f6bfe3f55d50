"""Bad input to the study: each kind gives its own clear error, and leaves the log byte for byte as it was."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import bbo
from bbo.storage.jsonl import export_log
from bbo.study import Study

SPACE = bbo.Space(
    {"x": bbo.Float(0, 1), "n": bbo.Int(1, 5), "kind": bbo.Categorical(["a", "b"]), "depth": bbo.Int(1, 3, when={"kind": "a"})},
    constraints=["x * n <= 4"],
)
NAN, INF = math.nan, math.inf

# What is done to a study with open trials 0 and 1 and a finished trial 2, the error, and a part of its message.
BAD: list[tuple[str, Callable[[Study], Any], type[Exception], str]] = [
    ("NaN", lambda s: s.tell(0, {"loss": NAN, "ms": 1}), bbo.InvalidTell, r"outcome loss is nan.*study\.fail.*attrs="),
    ("infinity", lambda s: s.tell(0, {"loss": -INF, "ms": 1}), bbo.InvalidTell, r"outcome loss is -inf"),
    ("NumPy NaN", lambda s: s.tell(0, {"loss": np.float64("nan"), "ms": 1}), bbo.InvalidTell, "outcome loss is nan"),
    ("string", lambda s: s.tell(0, {"loss": "0.3", "ms": 1}), bbo.InvalidTell, r"outcome loss is '0\.3'"),
    ("bool", lambda s: s.tell(0, {"loss": True, "ms": 1}), bbo.InvalidTell, "outcome loss is True"),
    ("None", lambda s: s.tell(0, {"loss": None, "ms": 1}), bbo.InvalidTell, "outcome loss is None"),
    ("complex", lambda s: s.tell(0, {"loss": 1j, "ms": 1}), bbo.InvalidTell, "outcome loss is 1j"),
    ("unknown outcome", lambda s: s.tell(0, {"los": 1.0}), bbo.InvalidTell, "unknown outcome 'los'; did you mean 'loss'"),
    ("one value for two outcomes", lambda s: s.tell(0, 0.3), bbo.InvalidTell, "one value for 2 outcomes.*loss, ms"),
    ("wrong length", lambda s: s.tell(0, [1.0, 2.0, 3.0]), bbo.InvalidTell, "3 values for 2 outcomes"),
    ("array of wrong length", lambda s: s.tell(0, np.zeros(1)), bbo.InvalidTell, "1 values for 2 outcomes"),
    ("negative sd", lambda s: s.tell(0, [1, 2], sd=[0.1, -1]), bbo.InvalidTell, "sd of ms is -1.0; it is at least 0"),
    ("sd of the unknown", lambda s: s.tell(0, [1, 2], sd={"x": 1}), bbo.InvalidTell, "sd: unknown outcome 'x'"),
    ("negative cost", lambda s: s.tell(0, [1, 2], cost=-1), bbo.InvalidTell, "cost is -1; it is at least 0"),
    ("cost NaN", lambda s: s.tell(0, [1, 2], cost=NAN), bbo.InvalidTell, "cost is nan"),
    ("attrs no mapping", lambda s: s.tell(0, [1, 2], attrs=[1]), bbo.InvalidTell, "attrs is .1.; it is a mapping"),
    ("attrs not JSON", lambda s: s.tell(0, [1, 2], attrs={"f": print}), bbo.InvalidTell, "attrs cannot be stored as JSON"),
    ("attrs NaN", lambda s: s.tell(0, [1, 2], attrs={"f": NAN}), bbo.InvalidTell, "attrs cannot be stored as JSON"),
    ("unknown trial", lambda s: s.tell(99, [1, 2]), bbo.UnknownTrial, "no trial 99 in this study of 3 trials; open trials: 0, 1"),
    ("negative trial", lambda s: s.tell(-1, [1, 2]), bbo.UnknownTrial, "no trial -1"),
    ("trial a bool", lambda s: s.tell(True, [1, 2]), bbo.UnknownTrial, "True is neither a Trial nor a trial's number"),
    ("told otherwise before", lambda s: s.tell(2, [7, 7]), bbo.InvalidTell, r"trial 2 is done already.*study\.amend\(2"),
    ("fail what is done", lambda s: s.fail(2, "late"), bbo.InvalidTell, r"trial 2 is done: it cannot be failed.*amend"),
    ("retry what is done", lambda s: s.retry(2), bbo.InvalidTell, "trial 2 is done: it cannot be retried"),
    ("reason no string", lambda s: s.fail(0, 7), bbo.InvalidTell, "reason is 7; it is a string"),
    ("amend what is open", lambda s: s.amend(0, {"loss": 1}), bbo.InvalidTell, "only what was told can be amended"),
    ("amend nothing", lambda s: s.amend(2), bbo.InvalidTell, "nothing to amend"),
    ("amend values and failed", lambda s: s.amend(2, {"loss": 1}, failed="no"), bbo.InvalidTell, "either values or failed"),
    ("executed out of range", lambda s: s.tell(0, [1, 2], params={"x": 3.0}), bbo.OutOfRange, "x"),
    ("executed unknown", lambda s: s.tell(0, [1, 2], params={"y": 3.0}), bbo.OutOfRange, "unknown parameter 'y'"),
    ("executed no mapping", lambda s: s.tell(0, [1, 2], params=[1]), bbo.InvalidTell, "params is .1.; it is a mapping"),
    ("results missing", lambda s: s.tell([0, 1], [[1, 2]]), bbo.InvalidTell, "2 trials and 1 results"),
    ("a point for a trial", lambda s: s.tell({"x": 0.5}, [1, 2]), bbo.InvalidTell, r"a point of your own goes to study\.add"),
    ("a parameter as an attribute", lambda s: s.trials[0].x, AttributeError, r"no attribute 'x'; parameters are items: trial\['x'\]"),
    ("a range asked of a trial", lambda s: s.trials[0].suggest_float("x", 0, 1), AttributeError, "said beforehand, in a bbo.Space"),
    ("no such attribute", lambda s: s.trials[0].loss, AttributeError, "no attribute 'loss'$"),
    ("a trial twice", lambda s: s.tell([0, 0], [[1, 2], [1, 2]]), bbo.InvalidTell, "a trial stands twice"),
    ("one bad of two", lambda s: s.tell([0, 1], [[1, 2], [1, NAN]]), bbo.InvalidTell, "trial 1: outcome ms is nan"),
    ("params of two", lambda s: s.tell([0, 1], [[1, 2], [1, 2]], params={}), bbo.InvalidTell, "params= speaks of one trial"),
    ("ranking in a study of values", lambda s: s.tell_ranking([0, 1]), bbo.InvalidTell, r"told values.*feedback='ranking'"),
    ("ranking a string", lambda s: s.tell_ranking("01"), bbo.InvalidTell, "no list of trials"),
    ("enqueue out of range", lambda s: s.enqueue({"x": 5.0}), bbo.OutOfRange, "x"),
    ("enqueue unknown", lambda s: s.enqueue({"X": 0.5}), bbo.OutOfRange, "unknown parameter 'X'"),
    ("enqueue wrong type", lambda s: s.enqueue({"n": 2.5}), bbo.OutOfRange, "n"),
    ("enqueue a broken constraint", lambda s: s.enqueue({"x": 1.0, "n": 5}), bbo.OutOfRange, r"x \* n <= 4"),
    ("add incomplete", lambda s: s.add({"x": 0.5, "kind": "b"}, [1, 2]), bbo.OutOfRange, "'n' is missing"),
    ("add what is inactive", lambda s: s.add({"x": 0.5, "n": 1, "kind": "b", "depth": 1}, [1, 2]), bbo.OutOfRange, "inactive"),
    ("add a part", lambda s: s.add({"x": 0.5, "n": 1, "kind": "b"}, {"loss": 1}), bbo.InvalidTell, "outcome ms is missing"),
    ("add nothing", lambda s: s.add({"x": 0.5, "n": 1, "kind": "b"}), bbo.InvalidTell, "either values or failed"),
    ("ask for none", lambda s: s.ask(0), bbo.InvalidStudy, "n is 0"),
    ("ask for half", lambda s: s.ask(1.5), bbo.InvalidStudy, "n is 1.5"),
    ("ask fixed out of range", lambda s: s.ask(fixed={"x": 2}), bbo.OutOfRange, "x"),
    ("ask fixed unknown", lambda s: s.ask(fixed={"T": 60}), bbo.OutOfRange, "unknown parameter 'T'"),
    ("ask shared unknown", lambda s: s.ask(2, shared=["T"]), bbo.OutOfRange, "shared: unknown parameter 'T'"),
    ("ask with context", lambda s: s.ask(context={"x": 0.5}), bbo.OutOfRange, "no context parameter"),
    ("ask with a lease of nothing", lambda s: s.ask(lease=0), bbo.InvalidStudy, "lease is 0"),
    ("report NaN", lambda s: s.trials[0].report(NAN, 0), bbo.InvalidTell, "reported value is nan"),
    ("report at half a step", lambda s: s.trials[0].report(1.0, 0.5), bbo.InvalidTell, "step is 0.5"),
    ("report before the start", lambda s: s.trials[0].report(1.0, -1), bbo.InvalidTell, "step is -1"),
    ("unknown optimizer", lambda s: s.configure(optimizer="tpe"), bbo.InvalidStudy, "no optimizer is called 'tpe'"),
    ("optimizer a class", lambda s: s.configure(optimizer=bbo.Sobol), bbo.InvalidStudy, r"bbo\.Sobol\(\)"),
    ("unknown pruner", lambda s: s.configure(pruner="hyperband"), bbo.InvalidStudy, "asha, median"),
    ("redefine without a default", lambda s: s.redefine(space=bbo.Space({"x": bbo.Float(0, 2), "z": bbo.Bool()})), bbo.InvalidStudy, "z"),
    ("optimize without an end", lambda s: s.optimize(lambda t: 0.0), bbo.InvalidStudy, "n_trials"),
    ("plot of nothing known", lambda s: s.plot("pie"), bbo.InvalidStudy, "pie"),
]  # fmt: skip


def study_with_trials() -> Study:
    study = Study(SPACE, {"loss": "minimize"}, outcome_constraints=["ms <= 20"], optimizer="random", seed=0)
    study.ask(2)
    study.tell(study.ask(), [0.5, 12.0])
    return study


@pytest.mark.parametrize(("act", "error", "message"), [pytest.param(*case[1:], id=case[0]) for case in BAD])
def test_bad_input(act: Callable[[Study], Any], error: type[Exception], message: str) -> None:
    study = study_with_trials()
    before = list(export_log(study.storage, study.name))
    with pytest.raises(error, match=message):
        act(study)
    assert list(export_log(study.storage, study.name)) == before
    assert [trial.state for trial in study.trials] == ["pending", "pending", "done"]


BAD_STUDIES: list[tuple[str, Callable[[], Any], str]] = [
    ("no space", lambda: Study({"x": (0, 1)}), "is no Space"),  # type: ignore[arg-type]
    ("no objective", lambda: Study(SPACE, {}), "give at least one"),
    ("direction", lambda: Study(SPACE, {"loss": "min"}), "direction is 'min'; it is 'minimize' or 'maximize'"),
    ("bare direction", lambda: Study(SPACE, "down"), "direction is 'down'"),
    ("objective no objective", lambda: Study(SPACE, ["loss"]), "'loss' is no Objective"),  # type: ignore[list-item]
    ("names twice", lambda: Study(SPACE, [bbo.Objective("a"), bbo.Objective("a")]), "a name stands twice"),
    ("odd name", lambda: Study(SPACE, {"my loss": "minimize"}), "the name 'my loss' is not usable"),
    ("negative sd", lambda: bbo.Objective("a", sd=-1), "sd is -1"),
    ("feedback", lambda: bbo.Objective("a", feedback="stars"), "feedback is 'stars'"),  # type: ignore[arg-type]
    ("reference", lambda: bbo.Objective("a", reference=NAN), "reference is nan"),
    ("ranking beside", lambda: Study(SPACE, [bbo.Objective("a", feedback="ranking"), bbo.Objective("b")]), "one objective alone"),
    ("constraint", lambda: Study(SPACE, outcome_constraints=["ms < 20"]), "write 'name <= number'"),
    ("constraint without a bound", lambda: bbo.Constraint("ms"), "has no bound"),
    ("constraint reversed", lambda: bbo.Constraint("ms", lower=2, upper=1), "lower 2 lies above upper 1"),
    ("constraints that conflict", lambda: Study(SPACE, outcome_constraints=["ms >= 3", "ms <= 2"]), "lies above"),
    ("seed", lambda: Study(SPACE, seed=1.5), "seed is 1.5"),  # type: ignore[arg-type]
    ("name", lambda: Study(SPACE, name=" "), "name is ' '"),
    ("if_exists", lambda: Study(SPACE, if_exists="replace"), "it is 'open' or 'error'"),
    ("optimizer", lambda: Study(SPACE, optimizer="gp"), "no optimizer is called 'gp'"),
    ("pruner", lambda: Study(SPACE, pruner="hyperband"), "pruner: 'hyperband'"),
]


@pytest.mark.parametrize(("make", "message"), [pytest.param(*case[1:], id=case[0]) for case in BAD_STUDIES])
def test_bad_study(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(bbo.InvalidStudy, match=message):
        make()


def test_ranking_study_is_told_no_values() -> None:
    study = Study(SPACE, bbo.Objective("taste", feedback="ranking"), optimizer="random", seed=0)
    trials = study.ask(3)
    with pytest.raises(bbo.InvalidTell, match="tell_ranking"):
        study.tell(trials[0], 1.0)
    for order, message in [([trials[0]], "at least two"), ([trials[0], trials[0]], "twice"), ([trials[0], 17], "no trial 17")]:
        with pytest.raises((bbo.InvalidTell, bbo.UnknownTrial), match=message):
            study.tell_ranking(order)
    study.tell_ranking([trials[2], [trials[0], trials[1]]])
    assert study.best_trial == trials[2]
    with pytest.raises(bbo.NoBest, match="best_trial"):
        _ = study.best_value


def test_who_names_only_the_best_says_among_which() -> None:
    study = Study(SPACE, bbo.Objective("taste", feedback="ranking"), optimizer="random", seed=0)
    trials = study.ask(4)
    with pytest.raises(bbo.InvalidTell, match="at least two"):
        study.tell_ranking([trials[2]], among=[trials[2]])
    with pytest.raises(bbo.InvalidTell, match="at least two"):
        study.tell_ranking([], among=trials)
    with pytest.raises(bbo.InvalidTell, match="stands twice"):
        study.tell_ranking([trials[2]], among=[0, 0])
    assert {t.state.value for t in trials} == {"pending"}
    study.tell_ranking([trials[2]], among=trials[:3])
    assert [t.state.value for t in trials] == ["done", "done", "done", "pending"]
    assert study.best_trial == trials[2]
    assert "ranked: 2 > the rest (0, 1)" in study.explain(1)
    study.tell_ranking([3, 2], among=[2, 3])
    assert "rest" not in study.storage.read("study")[-1].body


def test_no_best_names_the_nearest_answer() -> None:
    study = Study(SPACE, {"loss": "minimize"}, outcome_constraints=["ms <= 20"], optimizer="random", seed=0)
    with pytest.raises(bbo.NoBest, match="no trial is done yet"):
        _ = study.best_trial
    study.tell(study.ask(), [1.0, 50.0])
    study.tell(study.ask(), [2.0, 25.0])
    with pytest.raises(bbo.NoBest, match="nothing feasible yet among 2 trials.*nearest is trial 1 with loss=2, ms=25"):
        _ = study.best_trial
    several = Study(SPACE, {"a": "minimize", "b": "maximize"}, optimizer="random", seed=0)
    with pytest.raises(bbo.NoBest, match="pareto_front"):
        _ = several.best_value


def test_mismatch_shows_the_difference_and_the_way_out(tmp_path: Any) -> None:
    url = f"sqlite:///{tmp_path}/s.db"
    Study(SPACE, {"loss": "minimize"}, optimizer="sobol", storage=url, name="net", seed=1)
    for change, message in [
        ({"space": bbo.Space({"x": bbo.Float(0, 2)})}, "another space.*redefine"),
        ({"objectives": {"loss": "maximize"}}, "another objectives.*another name"),
        ({"outcome_constraints": ["ms <= 1"]}, "another outcome_constraints"),
        ({"seed": 2}, "seed 1, not 2"),
        ({"optimizer": "random"}, r"runs optimizer sobol\(\), not random\(\).*configure\(optimizer="),
        ({"pruner": "median"}, r"has pruner none, not median.*configure\(pruner="),
    ]:
        given: dict[str, Any] = {"space": SPACE, "objectives": {"loss": "minimize"}, "storage": url, "name": "net", **change}
        with pytest.raises(bbo.StudyMismatch, match=message):
            Study(**given)
    with pytest.raises(bbo.StudyExists, match="'net' exists"):
        Study(SPACE, {"loss": "minimize"}, storage=url, name="net", if_exists="error")
    with pytest.raises(bbo.StudyNotFound, match="it holds: net"):
        bbo.load_study("nut", url)
    assert Study(SPACE, {"loss": "minimize"}, storage=url, name="net").seed == 1
