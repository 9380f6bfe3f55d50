"""The contract every storage keeps: named logs of events, one write."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Mapping, Sequence
from typing import Protocol

from bbo.log.events import Event


class Conflict(Exception):  # internal signal: the caller reads the tail and decides again
    """The log is longer than the writer believed; nothing was written."""


def back_off(conflicts: int) -> None:
    """Wait a random moment, longer after every conflict in a row, lest many writers of one log collide again in step."""
    if conflicts > 0:
        time.sleep(random.uniform(0, min(0.05, 0.001 * 2**conflicts)))


def shown(url: str) -> str:
    """A storage's address without its password, for messages."""
    return re.sub(r"(?<=://)([^:/@]*):[^@/]*@", r"\1:***@", url)


class Storage(Protocol):
    """Logs of studies, by name.

    `append` is the only write of the log. Each call is one transaction: all of its events become durable and visible, or none.
    Readers see a prefix of the log and never block, or are blocked by, a writer. Thread-safe.
    """

    url: str
    """How to reach it again (passwords included); ``"memory"`` where that is impossible."""

    def append(self, study: str, events: Sequence[Event], after: int) -> list[Event]:
        """Append events, numbered ``after + 1, after + 2, ...``, and return them so numbered.

        ``after=0`` creates the study. When the call returns the events are durable.

        Raises:
            Conflict: The log does not end at `after` (for ``after=0``: the study exists). Nothing was written.
            StudyNotFound: ``after > 0`` and there is no such study.
            StorageError: It could not be written (full disk, locked database), and nothing was; where the connection was lost during
                the commit that cannot be known, and the message says so.
        """
        ...

    def read(self, study: str, after: int = 0) -> list[Event]:
        """Events with ``seq > after``, in order, bodies at the current schema.

        Raises:
            StudyNotFound: There is no such study.
            StorageError: It cannot be read, or was written by a newer bbo.
        """
        ...

    def studies(self) -> list[str]:
        """Names of all studies, in order of creation."""
        ...

    def renew(self, study: str, leases: Mapping[tuple[int, int], float]) -> None:
        """Record until when (seconds since the epoch) each ``(trial, attempt)`` is held. Disposable: not part of the log."""
        ...

    def leases(self, study: str) -> dict[tuple[int, int], float]:
        """The latest renewal of each ``(trial, attempt)``. Where one is missing, the lease as asked for decides."""
        ...

    def close(self) -> None:
        """Release connections. A closed storage may be used again: it reconnects."""
        ...
