"""A run in the calling thread: what is started, what is told, and when it ends."""

from __future__ import annotations

import math
import time
import types
import warnings
from typing import Any

import numpy as np
import pytest

import bbo
from bbo.execution import limits
from bbo.log.states import State


def x(trial: bbo.Trial) -> float:
    return float(trial["x"])


def states(study: bbo.Study) -> list[str]:
    return [str(trial.state) for trial in study.trials]


def test_n_trials_are_added_to_those_there(study: bbo.Study) -> None:
    study.optimize(x, 4)
    study.optimize(x, n_trials=3)
    assert states(study) == ["done"] * 7
    assert study.best_value == min(trial["x"] for trial in study.trials)
    assert all(trial.value == trial["x"] for trial in study.trials)


def test_a_maximum(line: bbo.Space) -> None:
    study = bbo.maximize(x, line, n_trials=5, optimizer="random", seed=1)
    assert study.best_value == max(trial["x"] for trial in study.trials)


def test_total_counts_earlier_runs_and_what_was_added(study: bbo.Study) -> None:
    study.add({"x": 0.5}, 1.0)
    study.optimize(x, 4)
    study.optimize(x, total=10)
    study.optimize(x, total=10)
    study.optimize(x, total=6)
    assert states(study) == ["done"] * 10


def test_total_counts_failed_and_pruned_but_not_abandoned(study: bbo.Study) -> None:
    study.fail(study.ask())
    study.prune(study.ask())
    study.abandon(study.ask())
    study.optimize(x, total=5)
    assert states(study) == ["failed", "pruned", "abandoned", "done", "done", "done"]


def test_total_counts_trials_asked_by_hand_and_does_not_wait_for_them(study: bbo.Study) -> None:
    by_hand = study.ask(3)
    study.optimize(x, total=5)
    assert states(study) == ["pending"] * 3 + ["done"] * 2
    assert all(trial.state is State.PENDING for trial in by_hand)


def test_n_trials_and_total_together_end_at_the_first(study: bbo.Study) -> None:
    study.optimize(x, 3, total=10)
    assert len(study.trials) == 3
    study.optimize(x, 30, total=5)
    assert len(study.trials) == 5


def test_what_is_queued_goes_first(study: bbo.Study) -> None:
    study.enqueue({"x": 0.25})
    study.optimize(x, 2)
    assert study.trials[0].value == 0.25
    assert len(study.trials) == 2


def test_no_trial_starts_after_the_timeout(study: bbo.Study, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [time.monotonic()]
    monkeypatch.setattr(limits, "time", types.SimpleNamespace(monotonic=lambda: clock[0]))

    def takes_a_second(trial: bbo.Trial) -> float:
        clock[0] += 1.0
        return x(trial)

    study.optimize(takes_a_second, timeout=3.5)
    assert states(study) == ["done"] * 4  # the fourth began at 3 s


def test_a_timeout_of_zero_starts_nothing(study: bbo.Study) -> None:
    study.optimize(x, timeout=0)
    assert study.trials == []


def test_max_cost_is_of_the_study(study: bbo.Study) -> None:
    study.add({"x": 0.5}, 1.0, cost=2.0)
    study.optimize(lambda trial: bbo.Result(x(trial), cost=1.5), max_cost=6.0)
    assert [trial.cost for trial in study.trials] == [2.0, 1.5, 1.5, 1.5]
    study.optimize(lambda trial: bbo.Result(x(trial), cost=1.5), max_cost=6.5)
    assert len(study.trials) == 4


def test_a_result_says_more(study: bbo.Study) -> None:
    study.optimize(lambda trial: bbo.Result({"loss": 1.0}, sd=0.1, cost=3, attrs={"node": "b7"}), 1)
    (trial,) = study.trials
    assert (trial.value, trial.sd, trial.cost, trial.attrs) == (1.0, {"loss": 0.1}, 3.0, {"node": "b7"})


def test_a_finite_space_comes_to_its_end() -> None:
    study = bbo.Study(bbo.Space({"k": bbo.Int(1, 7)}), optimizer="random", seed=0)
    study.optimize(lambda trial: trial["k"])
    assert sorted(trial["k"] for trial in study.trials) == list(range(1, 8))
    study.optimize(lambda trial: trial["k"], total=50)
    assert len(study.trials) == 7


@pytest.mark.parametrize("workers", [None, 3])
def test_generations_are_waited_for(workers: int | None) -> None:
    space = bbo.Space({"x": bbo.Float(-1, 1), "y": bbo.Float(-1, 1)})
    study = bbo.Study(space, optimizer=bbo.CMAES(popsize=4), seed=0)
    study.optimize(lambda trial: trial["x"] ** 2 + trial["y"] ** 2, 12, workers=workers)
    assert states(study) == ["done"] * 12


def test_waiting_for_what_nobody_works_on_is_an_error() -> None:
    space = bbo.Space({"x": bbo.Float(-1, 1), "y": bbo.Float(-1, 1)})
    study = bbo.Study(space, optimizer=bbo.CMAES(popsize=4), seed=0)
    study.ask()
    with pytest.raises(bbo.Waiting, match="1 open trials"):
        study.optimize(lambda trial: trial["x"], 20)
    assert states(study) == ["pending", "done", "done", "done"]


def test_the_signals_of_a_function(study: bbo.Study) -> None:
    def fn(trial: bbo.Trial) -> float:
        if trial.number == 0:
            raise bbo.TrialPruned("fell behind")
        if trial.number == 1:
            raise bbo.TrialFailed("exploded")
        if trial.number == 2:
            raise ValueError("no convergence")
        if trial.number == 3:
            raise ZeroDivisionError
        return 1.0

    study.optimize(fn, 5, catch=(ValueError, ArithmeticError))
    assert states(study) == ["pruned", "failed", "failed", "failed", "done"]
    assert [trial.reason for trial in study.trials] == ["fell behind", "exploded", "ValueError: no convergence", "ZeroDivisionError", ""]


def test_catch_may_be_one_type(study: bbo.Study) -> None:
    study.optimize(lambda trial: 1 / 0, 1, catch=ZeroDivisionError)
    assert states(study) == ["failed"]


@pytest.mark.parametrize(
    ("returned", "reason"),
    [
        (math.nan, "fn returned nan"),
        (-math.inf, "fn returned -inf"),
        (np.float32("inf"), "fn returned inf"),
        (np.array(np.nan), "fn returned nan"),
        ({"loss": math.nan}, "fn returned loss = nan"),
        ([math.inf], "fn returned inf"),
        (np.array([np.nan]), "fn returned nan"),
        (bbo.Result(math.nan, cost=1.0), "fn returned nan"),
    ],
)
def test_what_is_not_finite_is_a_failed_trial(study: bbo.Study, returned: Any, reason: str) -> None:
    study.optimize(lambda trial: returned if trial.number == 0 else 1.0, 2)
    assert states(study) == ["failed", "done"]
    assert study.trials[0].reason == reason


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        ("0.3", "is '0.3'; it is a finite number"),
        ("nan", "is 'nan'"),
        (None, "is None"),
        (True, "is True"),
        ([1.0, 2.0], "2 values for 1 outcomes"),
        ({"lost": 1.0}, "did you mean 'loss'"),
        (np.zeros((2, 2)), "it is a finite number"),
        (bbo.Result(1.0, sd=-1.0), "sd of loss is -1.0"),
        (bbo.Result(1.0, cost=math.nan), "cost is nan"),
    ],
)
def test_what_is_no_result_stops_the_run(study: bbo.Study, returned: Any, message: str) -> None:
    with pytest.raises(bbo.InvalidTell, match=message):
        study.optimize(lambda trial: returned if trial.number == 1 else 1.0, 4)
    assert states(study) == ["done", "abandoned"]


def test_another_exception_abandons_the_trial_and_is_raised_with_its_traceback(study: bbo.Study) -> None:
    def at_fault(trial: bbo.Trial) -> float:
        if trial.number == 2:
            raise KeyError("missing")
        return 1.0

    with pytest.raises(KeyError, match="missing") as raised:
        study.optimize(at_fault, 10)
    assert "at_fault" in [entry.name for entry in raised.traceback]
    assert states(study) == ["done", "done", "abandoned"]
    assert study.trials[2].reason == "KeyError: 'missing'"


def test_leaving_the_program_from_inside_the_function(study: bbo.Study) -> None:
    def leave(trial: bbo.Trial) -> float:
        raise SystemExit(3)

    with pytest.raises(SystemExit) as raised:
        study.optimize(leave, 3)
    assert raised.value.code == 3
    assert states(study) == ["abandoned"]


def test_an_interrupt_inside_the_function_queues_the_trial_again(study: bbo.Study) -> None:
    def interrupted(trial: bbo.Trial) -> float:
        if trial.number == 1 and trial.attempt == 1:
            raise KeyboardInterrupt
        return x(trial)

    with pytest.raises(KeyboardInterrupt):
        study.optimize(interrupted, 3)
    assert states(study) == ["done", "queued"]
    assert study.trials[1].reason == "the run ended: KeyboardInterrupt"
    study.optimize(interrupted, total=3)
    assert states(study) == ["done"] * 3
    assert study.trials[1].attempt == 2


def test_callbacks_see_finished_trials_in_order(study: bbo.Study) -> None:
    seen: list[tuple[int, str]] = []

    def fn(trial: bbo.Trial) -> float:
        if trial.number == 1:
            raise bbo.TrialFailed
        return 1.0

    def note(of: bbo.Study, trial: bbo.Trial) -> None:
        assert of is study
        seen.append((trial.number, str(trial.state)))

    study.optimize(fn, 3, callbacks=[note])
    assert seen == [(0, "done"), (1, "failed"), (2, "done")]


def test_a_callback_may_stop_the_study(study: bbo.Study) -> None:
    study.optimize(x, 10, callbacks=[lambda of, trial: of.stop("enough") if trial.number == 2 else None])
    assert states(study) == ["done"] * 3
    study.optimize(x, 10)
    assert len(study.trials) == 3


def test_an_exception_of_a_callback_is_raised(study: bbo.Study) -> None:
    def complain(of: bbo.Study, trial: bbo.Trial) -> None:
        raise RuntimeError("callback")

    with pytest.raises(RuntimeError, match="callback"):
        study.optimize(x, 3, callbacks=[complain])
    assert states(study) == ["done"]


def test_a_part_of_the_outcomes_leaves_the_trial_open(line: bbo.Space) -> None:
    study = bbo.Study(line, {"loss": "minimize"}, outcome_constraints=["ms <= 20"], optimizer="random", seed=0)
    seen: list[bbo.Trial] = []
    study.optimize(lambda trial: {"loss": 1.0}, 2, callbacks=[lambda of, trial: seen.append(trial)])
    assert states(study) == ["pending", "pending"]
    assert seen == []
    study.tell(0, {"ms": 3.0})
    assert study.trials[0].state is State.DONE


def test_what_somebody_else_ended_meanwhile_is_left_as_it_is(study: bbo.Study) -> None:
    def fn(trial: bbo.Trial) -> float:
        if trial.number == 0:
            study.abandon(0, "by hand")
            raise bbo.TrialFailed("too late")
        if trial.number == 1:
            study.fail(1, "by hand")
        return 1.0

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        study.optimize(fn, 2)
    assert states(study)[:3] == ["abandoned", "failed", "done"]
    assert len(study.trials) == 3
    assert [str(warning.message).split(":")[0] for warning in caught] == [f"trial {n} ended otherwise while it ran here" for n in (0, 1)]


def test_the_trial_of_a_function(line: bbo.Space) -> None:
    study = bbo.Study(line, {"loss": "minimize"}, optimizer="random", pruner="median", seed=0)

    def fn(trial: bbo.Trial) -> float:
        assert trial == study.trials[trial.number]
        assert dict(**trial) == trial.params
        assert (trial.state, trial.value, trial.attempt) == (State.PENDING, None, 1)
        assert trial.seed == study.trials[trial.number].seed
        assert trial.worker is not None
        trial.report(1.0, 0)
        assert not trial.should_prune()
        return x(trial)

    study.optimize(fn, 2)
    assert study.record(0).reports == ((0, 1.0),)


def test_a_bad_report_is_the_functions_mistake(study: bbo.Study) -> None:
    with pytest.raises(bbo.InvalidTell, match="step is -1"):
        study.optimize(lambda trial: trial.report(1.0, -1), 2)
    assert states(study) == ["abandoned"]


BAD: list[tuple[dict[str, Any], str]] = [
    ({}, "give n_trials=, total=, timeout= or max_cost="),
    ({"n_trials": -1}, "n_trials is -1"),
    ({"n_trials": 2.5}, "n_trials is 2.5"),
    ({"n_trials": True}, "n_trials is True"),
    ({"total": "30"}, "total is '30'"),
    ({"timeout": -1.0}, r"timeout is -1\.0"),
    ({"timeout": math.nan}, "timeout is nan"),
    ({"max_cost": "5"}, "max_cost is '5'"),
    ({"n_trials": 1, "workers": 0}, "workers is 0"),
    ({"n_trials": 1, "workers": 1.5}, r"workers is 1\.5"),
    ({"n_trials": 1, "executor": 4}, "executor is 4"),
    ({"n_trials": 1, "catch": ValueError("x")}, "catch holds ValueError"),
    ({"n_trials": 1, "catch": (ValueError, "x")}, "catch holds 'x'"),
    ({"n_trials": 1, "callbacks": print}, "callbacks is"),
    ({"n_trials": 1, "callbacks": [3]}, "callbacks is"),
    ({"n_trials": 1, "progress": "yes"}, "progress is 'yes'"),
    ({"n_trials": 1, "fn": 3}, "fn is 3"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD, ids=[message for _, message in BAD])
def test_bad_arguments_are_named_and_start_nothing(study: bbo.Study, arguments: dict[str, Any], message: str) -> None:
    before = len(study.storage.read(study.name))
    with pytest.raises(bbo.InvalidStudy, match=message):
        study.optimize(**{"fn": x, **arguments})
    assert len(study.storage.read(study.name)) == before


def test_rankings_come_from_no_function(line: bbo.Space) -> None:
    study = bbo.Study(line, [bbo.Objective("taste", feedback="ranking")], optimizer="random")
    with pytest.raises(bbo.InvalidStudy, match="told rankings"):
        study.optimize(x, 3)


def test_a_context_must_be_asked_for_by_hand() -> None:
    study = bbo.Study(bbo.Space({"x": bbo.Float(0, 1), "day": bbo.Context(bbo.Float(0, 1))}), optimizer="random")
    with pytest.raises(bbo.OutOfRange, match="'day' is missing"):
        study.optimize(x, 3)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_report_that_is_not_finite_is_a_failed_trial(study: bbo.Study, workers: int) -> None:
    def diverges(trial: bbo.Trial) -> float:
        trial.report(float("nan"), 0)
        return 1.0

    study.optimize(diverges, 2, workers=workers)
    assert [(trial.state, trial.reason) for trial in study.trials] == [
        ("failed", f"trial {k}: the reported value is nan; it is a finite number") for k in range(2)
    ]
