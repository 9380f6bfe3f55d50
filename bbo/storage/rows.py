"""Rows of the events table, the form in which every storage keeps a log."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Sequence

from bbo.errors import InvalidStudy, StorageError, StudyNotFound
from bbo.log.events import KINDS, Event, dump_body, load_body

Row = tuple[int, str, int | None, float, str]
"""seq, kind, trial, time, body"""

FORGOTTEN_AFTER = 3600.0
"""Renewals that ended this many seconds before those now recorded are dropped: their trials have long lapsed, or have a result."""


def to_rows(study: str, events: Sequence[Event], after: int) -> list[Row]:
    """Number events from ``after + 1`` and write their bodies.

    Raises:
        InvalidStudy: The study's name is empty, or holds line breaks or other characters that cannot be shown.
        StorageError: Of a kind that could not be read again, or of a time that is not finite.
        ValueError: A body holds NaN or infinity.
        TypeError: A body holds what JSON cannot.
    """
    if not study or not study.isprintable():
        raise InvalidStudy(f"a study's name must be one line of printable characters, at least one; this is {study!r}")
    rows: list[Row] = []
    for seq, event in enumerate(events, start=after + 1):
        if event.kind not in KINDS:
            raise StorageError(f"unknown event kind {event.kind!r}; one of {', '.join(sorted(KINDS))} is needed")
        if not math.isfinite(event.time):
            raise StorageError(f"the time of an event ({event.kind}) is {event.time}; finite seconds since the epoch are needed")
        rows.append((seq, event.kind, event.trial, float(event.time), dump_body(event.body)))
    return rows


def to_events(study: str, rows: Iterable[Row], after: int) -> list[Event]:
    """Events of the rows that follow `after`, bodies at the current schema.

    Raises:
        StorageError: A row is missing or its body cannot be read.
    """
    events: list[Event] = []
    for seq, kind, trial, time, text in rows:
        expected = after + len(events) + 1
        if seq != expected:
            raise StorageError(f"study {study!r}: event {expected} is missing, {seq} stands in its place; restore a backup or an export")
        try:
            body = load_body(kind, text)
        except StorageError as error:
            raise StorageError(f"study {study!r}, event {seq}: {error}") from error
        events.append(Event(kind, body, trial, time, seq))
    return events


def not_found(study: str, names: Sequence[str], where: str) -> StudyNotFound:
    """The error for a study that does not exist, with the nearest names that do."""
    if not names:
        return StudyNotFound(f"no study {study!r} in {where}, which holds none")
    near = difflib.get_close_matches(study, names, n=3) or list(names[:5])
    rest = f" and {len(names) - len(near)} more" if len(names) > len(near) else ""
    return StudyNotFound(f"no study {study!r} in {where}; it holds {', '.join(map(repr, near))}{rest}")
