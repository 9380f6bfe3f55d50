"""The states of a trial and the only ways between them (DESIGN section 3)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class State(StrEnum):
    """Where a trial stands."""

    QUEUED = "queued"
    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"
    PRUNED = "pruned"
    ABANDONED = "abandoned"
    LOST = "lost"

    @property
    def finished(self) -> bool:
        """Done, failed or pruned: what another attempt sends later is superseded."""
        return self in _FINISHED


_FINISHED = frozenset({State.DONE, State.FAILED, State.PRUNED})

MAX_ATTEMPTS = 3
"""A trial whose lease lapses this many times is lost instead of queued again."""

TOLD_PART = "told (a part)"
"""Row of the table for a `told` event that leaves outcomes missing."""

TRANSITIONS: Mapping[str, Mapping[State | None, State]] = {
    "enqueued": {None: State.QUEUED},
    "added": {None: State.DONE},
    "asked": {None: State.PENDING, State.QUEUED: State.PENDING},
    "told": dict.fromkeys((State.PENDING, State.QUEUED, State.LOST, State.ABANDONED), State.DONE),
    TOLD_PART: {State.PENDING: State.PENDING},
    "ranked": dict.fromkeys((State.PENDING, State.QUEUED, State.LOST, State.ABANDONED), State.DONE),
    "failed": {State.PENDING: State.FAILED},
    "pruned": {State.PENDING: State.PRUNED},
    "reported": {State.PENDING: State.PENDING},
    "abandoned": {State.QUEUED: State.ABANDONED, State.PENDING: State.ABANDONED},
    "retried": dict.fromkeys((State.PENDING, State.FAILED, State.PRUNED, State.ABANDONED, State.LOST), State.QUEUED),
    "lapsed": {State.PENDING: State.QUEUED},  # or LOST, at the last of MAX_ATTEMPTS lapses
    # An amendment corrects what is recorded; the state follows from what the record then says.
    "amended": {State.DONE: State.DONE, State.FAILED: State.FAILED, State.PRUNED: State.PRUNED, State.PENDING: State.PENDING},
}
"""``TRANSITIONS[row][from] -> to``; None stands for a trial that is not there yet. What is missing is not allowed."""
