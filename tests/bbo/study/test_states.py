"""The table of trial states through the study: what a user may do in each state, and what is refused without a trace."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import bbo
from bbo.log import Event, State
from bbo.log.states import MAX_ATTEMPTS
from bbo.study import Study
from bbo.trial import Trial

P, Q, D, F, X, A, L = (State.PENDING, State.QUEUED, State.DONE, State.FAILED, State.PRUNED, State.ABANDONED, State.LOST)


def new_study(feedback: str = "value") -> Study:
    objectives = [bbo.Objective("a")] if feedback == "value" else [bbo.Objective("a", feedback="ranking")]
    constraints = ["b <= 1"] if feedback == "value" else []
    return Study(bbo.Space({"x": bbo.Float(0, 1)}), objectives, outcome_constraints=constraints, optimizer="random", seed=0)


def trial_in(study: Study, state: State) -> Trial:
    """A trial brought to a state by what a user does."""
    trial = study.ask(lease=1e-6 if state is L else None)
    if state is Q:
        study.retry(trial)
    elif state is D:
        study.tell(trial, {"a": 1.0, "b": 0.5})
    elif state is F:
        study.fail(trial, "exploded")
    elif state is X:
        study.prune(trial)
    elif state is A:
        study.abandon(trial)
    elif state is L:
        # The asks after the first hand the lapsed trial out again; the last makes a new one and loses it.
        for _ in range(MAX_ATTEMPTS - 1):
            assert study.ask(lease=1e-6) == trial
        other = study.ask()
        assert other != trial
    assert trial.state is state
    return study.trials[trial.number]


ACTIONS: dict[str, Callable[[Study, Trial], object]] = {
    "tell": lambda study, trial: study.tell(trial, {"a": 2.0, "b": 0.25}),
    "tell a part": lambda study, trial: study.tell(trial, {"a": 2.0}),
    "fail": lambda study, trial: study.fail(trial, "again"),
    "prune": lambda study, trial: study.prune(trial),
    "abandon": lambda study, trial: study.abandon(trial),
    "retry": lambda study, trial: study.retry(trial),
    "amend": lambda study, trial: study.amend(trial, {"a": 3.0}),
    "report": lambda study, trial: trial.report(1.0, 0),
}
# Where an action leads; a state that is missing refuses it. "same" means: an equal repeat, or one that no longer matters.
LEADS: dict[str, dict[State, State]] = {
    "tell": {P: D, Q: D, L: D, A: D},
    "tell a part": {P: P},
    "fail": {P: F, F: F},
    "prune": {P: X, X: X},
    "abandon": {P: A, Q: A, A: A},
    "retry": {P: Q, F: Q, X: Q, A: Q, L: Q, Q: Q},
    "amend": {D: D, F: F, X: X},
    "report": dict.fromkeys((P, Q, D, F, X, A, L)),  # type: ignore[dict-item]
}


@pytest.mark.parametrize("state", [P, Q, D, F, X, A, L])
@pytest.mark.parametrize("action", ACTIONS)
def test_action(action: str, state: State) -> None:
    study = new_study()
    trial = trial_in(study, state)
    before = study.storage.read(study.name)
    if state not in LEADS[action]:
        with pytest.raises(bbo.InvalidTell, match=f"trial {trial.number} is {state}"):
            ACTIONS[action](study, trial)
        assert study.storage.read(study.name) == before
        assert trial.state is state
        return
    ACTIONS[action](study, trial)
    assert trial.state is (LEADS[action][state] or state)


@pytest.mark.parametrize("state", [P, Q, A, L])
def test_ranked(state: State) -> None:
    study = new_study("ranking")
    other = study.ask()
    trial = trial_in(study, state)
    study.tell_ranking([trial, other])
    assert trial.state is D
    assert other.state is D
    assert study.best_trial == trial


@pytest.mark.parametrize("state", [F, X])
def test_what_failed_is_not_ranked(state: State) -> None:
    study = new_study("ranking")
    other, trial = study.ask(), trial_in(study, state)
    before = study.storage.read(study.name)
    with pytest.raises(bbo.InvalidTell, match="leave it out"):
        study.tell_ranking([trial, other])
    assert study.storage.read(study.name) == before


def test_enqueued_and_added() -> None:
    study = new_study()
    assert study.enqueue({"x": 0.5}).state is Q
    assert study.add({"x": 0.25}, {"a": 1, "b": 0}).state is D
    assert study.add({"x": 0.125}, failed="exploded").state is F
    trial = study.ask()
    assert (trial.number, trial.params, trial.state) == (0, {"x": 0.5}, P)


def test_equal_repeat_of_a_tell_writes_nothing() -> None:
    study = new_study()
    trial = study.ask()
    study.tell(trial, {"a": 1, "b": 2}, cost=3)
    before = study.storage.read(study.name)
    study.tell(trial, {"a": 1.0, "b": 2.0}, cost=3)
    study.tell(trial, {"a": 1})
    assert study.storage.read(study.name) == before
    with pytest.raises(bbo.InvalidTell, match=r"study\.amend\(0"):
        study.tell(trial, {"a": 1.5})
    assert study.storage.read(study.name) == before


def test_a_repeat_is_compared_with_what_was_told_and_not_with_the_amendment() -> None:
    study = new_study()
    trial = study.ask()
    study.tell(trial, {"a": 1, "b": 2})
    study.amend(trial, {"a": 5})
    before = study.storage.read(study.name)
    study.tell(trial, {"a": 1, "b": 2})
    assert study.storage.read(study.name) == before
    assert trial.outcomes["a"] == 5


def test_a_late_tell_is_kept_and_the_second_attempt_superseded() -> None:
    study = new_study()
    first = study.ask(lease=1e-6)
    second = study.ask()
    assert (second.number, second.attempt, first.attempt) == (first.number, 2, 1)
    study.tell(first, {"a": 1, "b": 0})
    assert first.state is D
    with pytest.warns(UserWarning, match="superseded"):
        study.tell(second, {"a": 9, "b": 9})
    with pytest.warns(UserWarning, match="superseded"):
        study.fail(second, "late")
    assert first.outcomes == {"a": 1, "b": 0}
    told = [event.body.get("superseded", False) for event in study.storage.read(study.name) if event.kind == "told"]
    assert told == [False, True]


def test_attempts_are_not_mixed() -> None:
    study = new_study()
    first = study.ask()
    study.tell(first, {"a": 1})
    study.retry(first, "power cut")
    second = study.ask()
    study.tell(second, {"b": 2})
    assert second.state is P
    assert second.outcomes == {"b": 2}
    study.tell(second, {"a": 7})
    assert second.outcomes == {"a": 7, "b": 2}


def test_a_number_stands_for_the_latest_attempt() -> None:
    study = new_study()
    trial = study.ask()
    study.retry(trial)
    study.ask()
    study.tell(trial.number, {"a": 1, "b": 2})
    (told,) = [event for event in study.storage.read(study.name) if event.kind == "told"]
    assert told.body["attempt"] == 2


def test_a_partly_told_trial_is_waited_for() -> None:
    study = new_study()
    trial = study.ask(client="lab", lease=1e-6)
    study.tell(trial, {"a": 1})
    other = study.ask(client="lab")
    assert other != trial
    assert trial.state is P
    assert [event.kind for event in study.storage.read(study.name)].count("lapsed") == 0


def test_the_same_client_gets_its_open_trials_back() -> None:
    study = new_study()
    first = study.ask(2, client="a")
    assert study.ask(2, client="a") == first
    assert study.ask(3, client="a")[:2] == first
    assert not set(study.ask(2, client="b")) & set(first)


def test_queued_trials_go_out_first_in_their_order() -> None:
    study = new_study()
    a = study.ask()
    b = study.enqueue({"x": 0.5})
    study.retry(a)
    assert study.ask(2) == [b, a]


def test_stop() -> None:
    study = new_study()
    trial = study.ask()
    study.stop("enough")
    with pytest.raises(bbo.Stopped, match="enough"):
        study.ask()
    study.tell(trial, {"a": 1, "b": 0})
    assert study.best_trial == trial


def test_unknown_trial_lists_the_open_ones() -> None:
    study = new_study()
    study.ask(3)
    with pytest.raises(bbo.UnknownTrial, match="open trials: 0, 1, 2"):
        study.tell(7, {"a": 1, "b": 2})


def test_events_that_are_damaged_are_refused_on_reading() -> None:
    study = new_study()
    study.ask()
    end = len(study.storage.read(study.name))
    study.storage.append(study.name, [Event("lapsed", {"attempt": 1}, trial=0), Event("lapsed", {"attempt": 1}, trial=0)], after=end)
    with pytest.raises(bbo.StorageError, match="not allowed"):
        study.trials
