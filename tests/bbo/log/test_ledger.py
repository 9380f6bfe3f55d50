"""Every row of the table of trial states, and every transition that is not in it, on the fold itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from bbo.errors import StorageError
from bbo.log import Event, Ledger, State, Update
from bbo.log.states import MAX_ATTEMPTS, TOLD_PART, TRANSITIONS

P, Q, D, F, X, A, L = (State.PENDING, State.QUEUED, State.DONE, State.FAILED, State.PRUNED, State.ABANDONED, State.LOST)

# The table as DESIGN section 3 prints it, written out once more by hand. None is a trial that is not there yet.
TABLE: dict[str, tuple[tuple[State | None, ...], State]] = {
    "enqueued": ((None,), Q),
    "asked": ((None, Q), P),
    "told": ((P, Q, L, A), D),
    TOLD_PART: ((P,), P),
    "ranked": ((P, Q, L, A), D),
    "failed": ((P,), F),
    "pruned": ((P,), X),
    "abandoned": ((Q, P), A),
    "retried": ((P, F, X, A, L), Q),
    "lapsed": ((P,), Q),
    "added": ((None,), D),
}
STATES: tuple[State | None, ...] = (None, Q, P, D, F, X, A, L)

# What brings trial 0 to each state.
PATHS: dict[State | None, tuple[str, ...]] = {
    None: (),
    Q: ("asked", "retried"),
    P: ("asked",),
    D: ("asked", "told"),
    F: ("asked", "failed"),
    X: ("asked", "pruned"),
    A: ("asked", "abandoned"),
    L: ("asked", "lapsed") * MAX_ATTEMPTS,
}


class Log:
    """A log under construction: counts events and attempts."""

    def __init__(self) -> None:
        self.ledger = Ledger()
        self.attempt = 0
        definition = {"name": "s", "objectives": [{"name": "a"}], "outcome_constraints": [{"name": "b", "upper": 1}], "space": {}}
        self.add("created", definition, trial=None)
        self.add("configured", {"optimizer": {"name": "random"}}, trial=None)

    def add(self, kind: str, body: dict[str, Any], trial: int | None = 0) -> Update:
        return self.ledger.apply(Event(kind, body, trial=trial, time=float(self.ledger.seq), seq=self.ledger.seq + 1))

    def row(self, row: str) -> Update:
        if row == "asked":
            self.attempt += 1
        bodies: dict[str, dict[str, Any]] = {
            "enqueued": {"params": {"x": 1.0}},
            "asked": {"attempt": self.attempt, "params": {"x": 1.0}, "configuration": 0, "draw": 0, "origin": "optimizer"},
            "told": {"attempt": self.attempt, "values": {"a": 1.0, "b": 0.5}},
            TOLD_PART: {"attempt": self.attempt, "values": {"a": 1.0}},
            "ranked": {"order": [[0]]},
            "added": {"params": {"x": 1.0}, "values": {"a": 1.0, "b": 0.5}},
        }
        kind = "told" if row == TOLD_PART else row
        return self.add(kind, bodies.get(row, {"attempt": self.attempt, "reason": "r"}), trial=None if row == "ranked" else 0)

    def to(self, state: State | None) -> Log:
        for row in PATHS[state]:
            self.row(row)
        return self

    @property
    def state(self) -> State | None:
        return self.ledger.records[0].state if self.ledger.records else None


def cases() -> Iterator[tuple[str, State | None]]:
    return ((row, state) for row in TABLE for state in STATES)


@pytest.mark.parametrize("state", STATES)
def test_paths_reach_every_state(state: State | None) -> None:
    assert Log().to(state).state is state


@pytest.mark.parametrize(("row", "state"), [(r, s) for r, s in cases() if s in TABLE[r][0]])
def test_allowed_transition(row: str, state: State | None) -> None:
    log = Log().to(state)
    update = log.row(row)
    assert log.state is TABLE[row][1]
    assert [record.state for record in update.records] == [TABLE[row][1]]
    assert log.ledger.counts[TABLE[row][1]] == 1
    assert sum(log.ledger.counts.values()) == 1
    assert list(log.ledger.queue) == ([0] if log.state is Q else [])
    assert list(log.ledger.pending) == ([0] if log.state is P else [])


@pytest.mark.parametrize(("row", "state"), [(r, s) for r, s in cases() if s not in TABLE[r][0]])
def test_transition_that_is_not_in_the_table(row: str, state: State | None) -> None:
    """It never moves the trial: the log is damaged, or, for a finished trial, what another attempt says is superseded."""
    log = Log().to(state)
    if state is not None and state.finished and row in {"told", TOLD_PART, "failed", "pruned", "abandoned", "ranked"}:
        assert log.row(row).records == ()
    else:
        with pytest.raises(StorageError):
            log.row(row)
    assert log.state is state


def test_the_code_holds_the_same_table() -> None:
    written = {row: (set(sources), target) for row, (sources, target) in TABLE.items()}
    coded = {row: (set(moves), next(iter(moves.values()))) for row, moves in TRANSITIONS.items() if row in TABLE}
    assert coded == written
    assert all(len(set(moves.values())) == 1 for row, moves in TRANSITIONS.items() if row in TABLE)


def test_lost_after_max_attempts_lapses_and_its_late_tell_is_kept() -> None:
    log = Log()
    for _ in range(MAX_ATTEMPTS):
        log.row("asked")
        log.row("lapsed")
    assert log.state is L
    log.add("told", {"attempt": 1, "values": {"a": 3.0, "b": 0.0}})
    assert log.state is D
    assert log.ledger.records[0].values == {"a": 3.0, "b": 0.0}
    assert log.ledger.records[0].by == 1


def test_outcomes_of_different_attempts_are_never_mixed() -> None:
    log = Log().to(P)
    log.add("told", {"attempt": 1, "values": {"a": 1.0}})
    log.row("retried")
    log.row("asked")
    assert log.ledger.records[0].values == {}
    log.add("told", {"attempt": 2, "values": {"b": 2.0}})
    assert log.state is P
    assert log.ledger.records[0].values == {"b": 2.0}
    log.add("told", {"attempt": 1, "values": {"b": 7.0}})
    assert log.state is D
    assert log.ledger.records[0].values == {"a": 1.0, "b": 7.0}


def test_what_comes_after_the_end_from_another_attempt_is_not_used() -> None:
    log = Log()
    for row in ("asked", "lapsed", "asked"):
        log.row(row)
    log.add("told", {"attempt": 1, "values": {"a": 1.0, "b": 1.0}})
    before = log.ledger.records[0]
    assert log.add("told", {"attempt": 2, "values": {"a": 9.0, "b": 9.0}}).records == ()
    assert log.add("failed", {"attempt": 2, "reason": "late"}).records == ()
    assert log.ledger.records[0] is before


def test_what_an_older_attempt_says_of_its_end_is_not_used() -> None:
    log = Log()
    for row in ("asked", "lapsed", "asked"):
        log.row(row)
    assert log.add("failed", {"attempt": 1, "reason": "late"}).records == ()
    assert log.state is P


def test_parts_come_together() -> None:
    log = Log().to(P)
    log.add("told", {"attempt": 1, "values": {"a": 1.0}, "attrs": {"k": 1}, "sd": {"a": 0.1}})
    assert not log.ledger.records[0].open
    log.add("told", {"attempt": 1, "values": {"b": 2.0}, "attrs": {"m": 2}, "cost": 3.0})
    record = log.ledger.records[0]
    assert (record.state, dict(record.values), dict(record.attrs), dict(record.sd), record.cost) == (
        D, {"a": 1.0, "b": 2.0}, {"k": 1, "m": 2}, {"a": 0.1}, 3.0,
    )  # fmt: skip


def test_amendments_change_the_record_and_keep_what_was_told() -> None:
    log = Log().to(D)
    log.add("amended", {"values": {"a": 5.0}, "note": "typo"})
    record = log.ledger.records[0]
    assert (record.values["a"], record.values["b"], record.amended) == (5.0, 0.5, True)
    assert record.told[1]["values"]["a"] == 1.0
    log.add("amended", {"failed": "contaminated"})
    assert (log.state, log.ledger.records[0].reason) == (F, "contaminated")
    log.add("amended", {"values": {"a": 1.0, "b": 1.0}})
    assert log.state is D


def test_a_failed_trial_that_was_measured_after_all() -> None:
    log = Log().to(F)
    log.add("amended", {"values": {"a": 1.0}})
    assert log.state is F  # a part is not enough
    log.add("amended", {"values": {"b": 1.0}})
    assert (log.state, log.ledger.records[0].reason) == (D, "")


def test_a_gap_is_refused() -> None:
    log = Log()
    with pytest.raises(StorageError, match="gap"):
        log.ledger.apply(Event("stopped", {}, seq=9))


def test_redefined_gives_new_parameters_the_value_they_had() -> None:
    log = Log().to(D)
    log.add("redefined", {"space": {"new": 1}, "defaults": {"y": 2.0}}, trial=None)
    assert log.ledger.records[0].params == {"x": 1.0, "y": 2.0}
    assert log.ledger.definition["space"] == {"new": 1}
