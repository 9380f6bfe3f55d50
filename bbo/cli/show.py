"""What commands print: tables for people, JSON for machines."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import typer

from bbo.files.cells import write_value

if TYPE_CHECKING:
    from rich.table import Table

    from bbo.files.cells import Layout
    from bbo.log.ledger import Record
    from bbo.study import Study

_UNBOUNDED = 10_000  # columns of a terminal that is none: what goes to a file or a pipe is not folded


def print_json(data: Any) -> None:
    """One JSON document on standard output."""
    typer.echo(json.dumps(data, ensure_ascii=False, indent=2, allow_nan=False))


def print_table(rows: Iterable[Sequence[str]], *headers: str, title: str = "", numbers: Iterable[str] = ()) -> None:
    """A table on standard output; columns in `numbers` are aligned to the right."""
    import sys

    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    right = set(numbers)
    if title:
        typer.echo(title)
    table: Table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for header in headers:
        table.add_column(Text(header), justify="right" if header in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    Console(width=None if sys.stdout.isatty() else _UNBOUNDED).print(table)


def number(value: float | None) -> str:
    """A number for people; empty where there is none."""
    return "" if value is None or math.isnan(value) else write_value(float(value))


def layout_of(study: Study) -> Layout:
    """The cells of a study's trials."""
    from bbo.files.cells import Layout

    return Layout.of(study._problem)


def records_of(study: Study) -> list[Record]:
    """All trials of a study as the log stands now."""
    return [study.record(trial.number) for trial in study.trials]


def record_json(study: Study, record: Record) -> dict[str, Any]:
    """A trial as JSON: the same keys for every trial, times in seconds since the epoch."""
    problem = study._problem
    complete = all(name in record.values for name in problem.outcomes)
    return {
        "number": record.number,
        "state": record.state.value,
        "attempt": record.attempt,
        "origin": record.origin,
        "params": dict(record.params),
        "planned": dict(record.planned),
        "values": dict(record.values),
        "sd": dict(record.sd),
        "gradient": {outcome: dict(part) for outcome, part in record.gradient.items()},
        "cost": record.cost,
        "feasible": problem.feasible(record.values) if complete else None,
        "outside": record.outside,
        "attrs": dict(record.attrs),
        "reason": record.reason,
        "asked": record.asked_time or None,
        "finished": record.finished_time or None,
    }


def how_to_rank(study: Study, word: str | None) -> str:
    """What is to be ranked together now, and by which command; `word` is the study as it was named."""
    from bbo.ranking import comparison

    named = f" {word}" if word else ""
    shown = [str(trial.number) for trial in study.to_rank()]
    together = comparison(study._replica)
    if len(shown) < 2:
        return f"one alone cannot be ranked: bbo ask{named} --more 1" if shown else f"nothing is to be ranked: bbo ask{named}"
    done = f" ({', '.join(map(str, together.beside))} from before)" if together.beside else ""
    enough = "" if together.best is None else f" The best {together.best} are enough, with --among {','.join(shown)}."
    more = f" {together.left} more belong to them: bbo ask{named} --more {together.left}." if together.left else ""
    return f"To be ranked: {', '.join(shown)}{done}. Best first: bbo rank{named} {shown[-1]} {shown[0]} ...{enough}{more}"


def print_trials(study: Study, records: Sequence[Record], *, title: str = "", as_json: bool = False, attrs: bool = False) -> None:
    """Trials as a table or as a JSON list; the table with what is attached to them, where `attrs` is set."""
    if as_json:
        print_json([record_json(study, record) for record in records])
        return
    layout = layout_of(study)
    measured = [name for name in layout.outcomes if any(name in record.values for record in records)]
    said = ["remark"] if any(_remark(record) for record in records) else []
    attached = list(dict.fromkeys(key for record in records for key in record.attrs if key != "note")) if attrs else []
    headers = ["trial", "state", *layout.slots, *measured, *attached, *said]
    units = {name: getattr(study.space.parameters[slot.parameter], "unit", "") for name, slot in layout.slots.items()}
    shown = [f"{name} [{units[name]}]" if units.get(name) else name for name in headers]
    rows = []
    for record in records:
        cells = layout.write(record.params)
        outcomes = [number(record.values.get(name)) for name in measured]
        files = [str(record.attrs.get(key, "")) for key in attached]
        rows.append([str(record.number), record.state.value, *cells.values(), *outcomes, *files, *([_remark(record)] if said else [])])
    print_table(
        rows, *shown, title=title, numbers=[text for name, text in zip(headers, shown, strict=True) if name in ("trial", *layout.numbers)]
    )


def _remark(record: Record) -> str:
    marks = [record.reason, str(record.attrs.get("note", "")), "outside" if record.outside else "", "amended" if record.amended else ""]
    return "; ".join(mark for mark in marks if mark)
