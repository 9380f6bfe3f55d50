"""What an ask may be told: fixed and shared values, contexts, tasks, targets; and what it does when points run out."""

from __future__ import annotations

import pytest

import bbo
from bbo.study import Study

METHODS = ["random", "sobol"]
SPACE = bbo.Space({"x": bbo.Float(0, 1), "T": bbo.Float(20, 80), "kind": bbo.Categorical(["a", "b"])})


@pytest.mark.parametrize("name", METHODS)
def test_fixed_and_shared(name: str) -> None:
    study = Study(SPACE, optimizer=name, seed=0)
    trials = study.ask(6, fixed={"kind": "b"}, shared=["T"])
    assert {trial["kind"] for trial in trials} == {"b"}
    assert len({trial["T"] for trial in trials}) == 1
    assert len({trial["x"] for trial in trials}) == 6
    request = study.storage.read("study")[-1].body["request"]
    assert request == {"fixed": {"kind": "b"}, "shared": ["T"], "n": 6, "index": 5}


@pytest.mark.parametrize("name", METHODS)
def test_fidelity_and_source_run_at_the_target_and_the_environment_is_drawn(name: str) -> None:
    space = bbo.Space(
        {
            "x": bbo.Float(0, 1),
            "epochs": bbo.Fidelity(1, 100),
            "model": bbo.Source({"cheap": 1.0, "exact": 10.0}),
        }
    )
    windy = Study(bbo.Space({**space.parameters, "wind": bbo.Environment(bbo.Uniform(0, 30))}), optimizer=name, seed=0)
    trials = windy.ask(4)
    assert [(trial["epochs"], trial["model"]) for trial in trials] == [(100, "exact")] * 4
    assert len({trial["wind"] for trial in trials}) == 4
    study = Study(space, optimizer=name, seed=0)
    trials = study.ask(4)
    low = study.ask(fixed={"epochs": 10})
    assert low["epochs"] == 10
    study.tell(low, -5.0)
    study.tell(trials[0], 1.0)
    assert study.best_trial == trials[0]


@pytest.mark.parametrize("name", METHODS)
def test_context_and_task_are_the_callers(name: str) -> None:
    space = bbo.Space({"x": bbo.Float(0, 1), "site": bbo.Task(["A", "B"]), "feed": bbo.Context(bbo.Float(0, 9))})
    study = Study(space, optimizer=name, seed=0)
    with pytest.raises(bbo.OutOfRange, match=r"context: the context parameter 'feed' is missing"):
        study.ask(fixed={"site": "A"})
    with pytest.raises(bbo.OutOfRange, match=r"the task parameter 'site' is missing"):
        study.ask(context={"feed": 3.0})
    trial = study.ask(fixed={"site": "A"}, context={"feed": 3.0})
    assert (trial["site"], trial["feed"]) == ("A", 3.0)


@pytest.mark.parametrize("name", METHODS)
def test_no_accidental_duplicates_and_an_end(name: str) -> None:
    space = bbo.Space({"i": bbo.Int(0, 9), "j": bbo.Int(0, 9)})
    study = Study(space, optimizer=name, seed=0)
    points = [tuple(study.ask().values()) for _ in range(60)]
    assert len(set(points)) == 60
    assert len(study.ask(50)) == 40
    with pytest.raises(bbo.Exhausted, match="every point"):
        study.ask()
    assert len({tuple(trial.values()) for trial in study.trials}) == 100


def test_exhausted_counts_only_feasible_points() -> None:
    study = Study(bbo.Space({"i": bbo.Int(0, 9)}, constraints=["i <= 3"]), optimizer="random", seed=0)
    assert sorted(trial["i"] for trial in study.ask(9)) == [0, 1, 2, 3]
    with pytest.raises(bbo.Exhausted):
        study.ask()


def test_an_abandoned_point_may_come_again_and_a_failed_one_may_not() -> None:
    study = Study(bbo.Space({"i": bbo.Int(0, 1)}), optimizer="random", seed=0)
    first, second = study.ask(2)
    study.fail(first, "exploded")
    study.abandon(second)
    assert study.ask().params == second.params
    with pytest.raises(bbo.Exhausted):
        study.ask()


def test_partly_enqueued_point_is_completed() -> None:
    study = Study(SPACE, optimizer="sobol", seed=0)
    study.enqueue({"T": 60})
    trial = study.ask()
    assert trial["T"] == 60
    assert set(trial) == {"x", "T", "kind"}


def test_repeat_is_a_new_trial_at_the_same_point() -> None:
    study = Study(SPACE, optimizer="sobol", seed=0)
    trial = study.ask()
    again = study.repeat(trial)
    assert study.ask() == again
    assert again.params == trial.params
    assert again != trial


def test_seeds_differ_between_trials_and_not_between_attempts() -> None:
    study = Study(SPACE, optimizer="sobol", seed=0)
    trials = study.ask(3)
    assert len({trial.seed for trial in trials}) == 3
    study.retry(trials[0])
    assert study.ask().seed == trials[0].seed
    assert all(0 <= trial.seed < 2**32 for trial in trials)


def test_redefine_widens_and_adds() -> None:
    study = Study(bbo.Space({"x": bbo.Float(0, 1)}), optimizer="sobol", seed=0)
    for trial in study.ask(3):
        study.tell(trial, trial["x"])
    wider = bbo.Space({"x": bbo.Float(0.5, 3), "kind": bbo.Categorical(["a", "b"])})
    study.redefine(space=wider, defaults={"kind": "a"})
    assert study.trials[0]["kind"] == "a"
    assert all(0.5 <= trial["x"] <= 3 for trial in study.ask(8))
    inside = [trial.value for trial in study.trials if trial.value is not None and trial["x"] >= 0.5]
    assert study.best_value == min(inside)


def test_configure_learns_from_the_whole_log_and_keeps_the_rest() -> None:
    study = Study(SPACE, optimizer="sobol", seed=0)
    before = [trial.params for trial in study.ask(4)]
    study.configure(optimizer="random")
    after = [trial.params for trial in study.ask(4)]
    assert not [params for params in after if params in before]
    assert study.optimizer.name == "random"
    assert [event.body["configuration"] for event in study.storage.read("study") if event.kind == "asked"] == [0] * 4 + [1] * 4


def test_a_completed_point_and_a_proposal_of_one_ask_are_drawn_apart() -> None:
    study = Study(SPACE, optimizer="sobol", seed=0)
    study.enqueue({"T": 60})
    study.enqueue({"T": 70})
    trials = study.ask(3)
    assert [trial["T"] for trial in trials[:2]] == [60, 70]
    assert len({trial["x"] for trial in trials}) == 3
    assert study.ask(2) != trials[:2]
