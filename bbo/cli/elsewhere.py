"""Verbs about storages as a whole: export, import, studies, optimizers."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from bbo.cli.show import print_json, print_table
from bbo.cli.target import STORAGE, JsonOption, StorageOption, StudyArgument, find
from bbo.errors import StorageError


def export(
    study: StudyArgument = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="The file; standard output by default.")] = None,
    storage: StorageOption = None,
) -> None:
    """Write a study's log as JSON Lines, from which it can be restored without loss."""
    from bbo.storage.jsonl import export_log, write_jsonl

    opened = find(study, storage).load()
    if out is None:
        for line in export_log(opened.storage, opened.name):
            typer.echo(line)
    else:
        count = write_jsonl(opened.storage, opened.name, out)
        typer.echo(f"{count} events written to {out}")


def import_(
    file: Annotated[str, typer.Argument(metavar="FILE.jsonl", help="An exported study; - for standard input.")],
    name: Annotated[str | None, typer.Option("--name", help="What to call it; by default what it was called.")] = None,
    storage: StorageOption = None,
) -> None:
    """Restore an exported study, all of it or nothing."""
    from bbo.storage import open_storage
    from bbo.storage.jsonl import import_log

    target = storage or STORAGE
    if file == "-":
        restored = import_log(open_storage(target), sys.stdin, name=name)
    else:
        try:
            with Path(file).open(encoding="utf-8") as lines:
                restored = import_log(open_storage(target), lines, name=name)
        except OSError as error:
            raise StorageError(f"{file} cannot be read: {error.strerror}") from None
    typer.echo(f"study {restored!r} is restored in {target}")


def studies(storage: StorageOption = None, as_json: JsonOption = False) -> None:
    """The studies of a storage."""
    from bbo.log import Ledger
    from bbo.storage import open_storage

    opened = open_storage(storage or STORAGE)
    found = []
    for name in opened.studies():
        ledger = Ledger()
        for event in opened.read(name):
            ledger.apply(event)
        found.append(
            {
                "name": name,
                "objectives": {entry["name"]: entry["direction"] for entry in ledger.definition["objectives"]},
                "optimizer": ledger.configurations[-1]["optimizer"]["name"],
                "trials": {state.value: count for state, count in ledger.counts.items() if count},
                "stopped": ledger.stopped is not None,
            }
        )
    if as_json:
        print_json(found)
        return
    rows = [
        [
            entry["name"],
            ", ".join(f"{direction} {name}" for name, direction in entry["objectives"].items()),
            entry["optimizer"],
            ", ".join(f"{count} {state}" for state, count in entry["trials"].items()) or "none",
            "stopped" if entry["stopped"] else "",
        ]
        for entry in found
    ]
    print_table(rows, "study", "objectives", "optimizer", "trials", "")


def optimizers(as_json: JsonOption = False) -> None:
    """The optimizers that a study may name."""
    import inspect

    from bbo.optimizers import list_optimizers
    from bbo.optimizers.base import resolve

    found = {name: (inspect.getdoc(type(resolve(name))) or "").split("\n", 1)[0] for name in list_optimizers()}
    if as_json:
        print_json([{"name": name, "what": what} for name, what in found.items()])
    else:
        print_table(([name, what] for name, what in found.items()), "optimizer", "")
