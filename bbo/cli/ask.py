"""Verbs that put trials on the way: create, ask, enqueue, repeat."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bbo.cli.show import how_to_rank, layout_of, print_trials, records_of
from bbo.cli.target import JsonOption, StorageOption, StudyArgument, find
from bbo.cli.words import is_trial, read_params, split, trial_of
from bbo.errors import Exhausted, InvalidStudy, Stopped, Waiting
from bbo.files.writing import append_rows, open_sheet
from bbo.ranking import comparison

if TYPE_CHECKING:
    from bbo.log.ledger import Record
    from bbo.study import Study


def create(
    study: Annotated[Path, typer.Argument(metavar="STUDY.yaml", help="The study file.")],
    template: Annotated[bool, typer.Option("--template", help="Write a study file to fill in, instead of creating the study.")] = False,
    storage: StorageOption = None,
) -> None:
    """Create the study that a file describes, or write such a file."""
    if study.suffix not in (".yaml", ".yml"):
        raise InvalidStudy(f"{study} is no study file: its name ends with .yaml; `bbo create --template {study.stem}.yaml` writes one")
    if template:
        from bbo.files.template import write_template

        write_template(study)
        typer.echo(f"{study} is written: edit it, then `bbo create {study}`")
        return
    from bbo.study import list_studies

    target = find(str(study), storage)
    assert target.file is not None
    known = target.name in list_studies(target.storage)
    target.file.open(target.storage)
    typer.echo(f"study {target.name!r} {'stands already' if known else 'is created'} in {target.storage}")


def ask(
    study: StudyArgument = None,
    n: Annotated[int | None, typer.Option("--n", "-n", min=1, help="How many trials to have open.", show_default=False)] = None,
    more: Annotated[int, typer.Option("--more", min=0, help="Ask for so many beside those that are open.")] = 0,
    csv: Annotated[Path | None, typer.Option("--csv", help="Append the trials to this file, to be filled in and told.")] = None,
    fixed: Annotated[list[str] | None, typer.Option("--fixed", metavar="NAME=VALUE", help="A parameter that you set.")] = None,
    shared: Annotated[list[str] | None, typer.Option("--shared", metavar="NAME", help="A parameter to be equal in all new trials.")] = None,
    context: Annotated[list[str] | None, typer.Option("--context", metavar="NAME=VALUE", help="Value of a context parameter.")] = None,
    client: Annotated[str | None, typer.Option("--client", help="Who asks; only the open trials of this client count.")] = None,
    storage: StorageOption = None,
    as_json: JsonOption = False,
) -> None:
    """What to run next. Open trials come first: without -n or --more nothing is added to them.

    Where trials are ranked, a first ask without -n hands out as many as are to be ranked together.
    """
    opened = find(study, storage).open()
    layout = layout_of(opened)
    sheet = None if csv is None else open_sheet(csv, layout)
    terms: dict[str, Any] = {"shared": shared or (), "client": client}
    terms |= {"fixed": read_params(fixed, layout, "--fixed"), "context": read_params(context, layout, "--context")}
    records = _ask(opened, n, more, terms)
    print_trials(opened, records, as_json=as_json)
    if opened.objectives[0].feedback == "ranking" and not as_json:
        typer.echo(how_to_rank(opened, study))
    if csv is not None:
        count = append_rows(csv, sheet, layout, records)
        typer.echo(f"{count} row{'' if count == 1 else 's'} appended to {csv}", err=as_json)


def _ask(study: Study, n: int | None, more: int, terms: dict[str, Any]) -> list[Record]:
    """The open trials that no running process holds, and as many new ones as are wanted."""
    client = terms["client"]
    held = [
        record
        for record in records_of(study)
        if record.open and record.asked.get("lease") is None and (client is None or record.asked.get("client") == client)
    ]
    first = max(comparison(study._replica).left, 1) if study.objectives[0].feedback == "ranking" else 1
    wanted = max((n or (0 if held or more else first)) - len(held), 0) + more
    if not wanted:
        return held
    try:
        # the same client gets its open trials back first, and asks for the new ones on top of them
        trials = study.ask(wanted + (len(held) if client is not None else 0), **terms)
    except (Waiting, Exhausted, Stopped) as error:
        if not held or more:
            raise
        typer.echo(f"bbo: {error}", err=True)
        return held
    new = [study.record(trial.number) for trial in trials]
    return held + [record for record in new if record.number not in {other.number for other in held}]


def enqueue(
    words: Annotated[
        list[str], typer.Argument(metavar="STUDY NAME=VALUE...", help="The point; what is left out is chosen when it goes out.")
    ],
    storage: StorageOption = None,
) -> None:
    """Have a point run next."""
    study, rest = split(words, lambda word: "=" in word)
    opened = find(study, storage).load()
    trial = opened.enqueue(read_params(rest, layout_of(opened), "enqueue"))
    typer.echo(f"trial {trial.number} is queued")


def repeat(
    words: Annotated[list[str], typer.Argument(metavar="STUDY TRIAL", help="The trial whose point is run once more.")],
    storage: StorageOption = None,
) -> None:
    """Have the point of a trial run once more, as a new trial."""
    study, rest = split(words, is_trial)
    trial = find(study, storage).load().repeat(trial_of(rest))
    typer.echo(f"trial {trial.number} is queued")
