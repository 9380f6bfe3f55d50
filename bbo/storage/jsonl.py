"""A study as JSON Lines: its rows of the events table, one a line."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

from bbo.errors import StorageError, StudyExists
from bbo.log.events import Event, dump_body, upgrade
from bbo.storage.base import Conflict, Storage

_KEYS = ("seq", "kind", "trial", "time", "body")


def export_log(storage: Storage, study: str) -> Iterator[str]:
    """The study's events in order, a line each (without the line break).

    Raises:
        StudyNotFound: There is no such study.
        StorageError: It cannot be read.
    """
    for event in storage.read(study):
        head = json.dumps({"seq": event.seq, "kind": event.kind, "trial": event.trial, "time": event.time}, separators=(",", ":"))
        yield f'{head[:-1]},"body":{dump_body(event.body)}}}'


def write_jsonl(storage: Storage, study: str, path: str | os.PathLike[str]) -> int:
    """Export the study to a file, UTF-8, and return the number of events. An older file is replaced once the new one is complete.

    Raises:
        StudyNotFound: There is no such study.
        StorageError: It cannot be read, or the file cannot be written.
    """
    target = Path(path)
    draft = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    count = 0
    try:
        with draft.open("w", encoding="utf-8", newline="\n") as file:
            for line in export_log(storage, study):
                file.write(line + "\n")
                count += 1
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)
    except OSError as error:
        raise StorageError(f"{target} cannot be written: {error.strerror}") from error
    finally:
        draft.unlink(missing_ok=True)
    return count


def import_log(storage: Storage, lines: Iterable[str], *, name: str | None = None) -> str:
    """Store an exported study, all of it or nothing, and return its name.

    Args:
        storage: Where it is stored.
        lines: The exported lines, with or without line breaks; a text file opened for reading will do.
        name: What to call it; by default the name it was exported under.

    Raises:
        StudyExists: The storage holds a study of that name.
        StorageError: A line is malformed, cut short, missing or out of order (the message says which), or was written by a newer bbo.
    """
    texts = _read(lines)
    if not texts:
        raise StorageError("nothing to import: there are no lines")
    events = []
    for place, text in enumerate(texts, start=1):
        try:
            event = _parse(text)
        except (ValueError, TypeError, OverflowError, RecursionError, StorageError) as error:
            cut = "; it is the last line and seems cut short: export again" if place == len(texts) and not text.endswith("\n") else ""
            raise StorageError(f"line {place} is no exported event: {error}{cut}. Nothing was imported") from error
        if event.seq != place:
            raise StorageError(f"line {place} holds event {event.seq}: lines are missing, doubled or out of order. Nothing was imported")
        events.append(event)
    created = events[0]
    if created.kind != "created" or not isinstance(created.body.get("name"), str):
        raise StorageError("line 1: an exported study begins with the event 'created', whose body holds the study's name")
    if name is None:
        name = str(created.body["name"])
    events[0] = replace(created, body={**created.body, "name": name})
    try:
        storage.append(name, events, 0)
    except Conflict:
        raise StudyExists(f"there is a study {name!r} already; import under another name") from None
    return name


def _read(lines: Iterable[str]) -> list[str]:
    texts: list[str] = []
    try:
        texts.extend(lines)
    except UnicodeDecodeError as error:
        raise StorageError(f"after line {len(texts)}: the file is not UTF-8 text ({error.reason}). Nothing was imported") from error
    return texts


def _parse(text: str) -> Event:
    row: Any = json.loads(text, parse_constant=_refuse)
    if not isinstance(row, dict) or tuple(row) != _KEYS:
        raise ValueError(f"an object with the keys {', '.join(_KEYS)} is needed, in this order")
    seq, kind, trial, time, body = row.values()
    if type(seq) is not int:
        raise ValueError(f"seq is {seq!r}; a whole number is needed")
    if type(trial) is not int and trial is not None:
        raise ValueError(f"trial is {trial!r}; a whole number or null is needed")
    if type(time) not in {int, float} or not math.isfinite(time):
        raise ValueError(f"time is {time!r}; finite seconds since the epoch are needed")
    if not isinstance(body, dict):
        raise ValueError(f"body is {body!r}; an object is needed")
    event = Event(kind, upgrade(kind, body), trial, float(time), seq)
    dump_body(event.body)  # refuses numbers too large for a float, which were read as infinity
    return event


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number")
