"""Runs that go on where they ended: a line of a JSON Lines file is one that is finished."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

Row = dict[str, Any]


def read(file: Path) -> list[Row]:
    """What is finished; nothing where there is no file."""
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def go_on(
    file: Path, jobs: Iterable[tuple[Mapping[str, Any], Callable[[], Row]]], *, hours: float, say: Callable[[Row], str] | None = None
) -> None:
    """Run what the file does not hold yet; start nothing once so many hours are over.

    Args:
        file: Is appended to.
        jobs: What tells each from the others, which becomes part of its row, and what makes the rest of the row.
        hours: By the clock.
        say: A line to print about a row.
    """
    rows, deadline = read(file), time.monotonic() + 3600 * hours
    file.parent.mkdir(parents=True, exist_ok=True)
    for key, job in jobs:
        if any(all(row.get(name) == value for name, value in key.items()) for row in rows):
            continue
        if time.monotonic() > deadline:
            print("time is up; run again to go on")
            return
        row = {**key, **job()}
        with file.open("a") as lines:
            lines.write(json.dumps(row) + "\n")
        if say is not None:
            print(say(row), flush=True)
