"""Verbs that read: best, recommend, trials, pareto, explain, diagnose, plot."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from bbo.cli.show import layout_of, number, print_json, print_table, print_trials, record_json, records_of
from bbo.cli.target import JsonOption, StorageOption, StudyArgument, find
from bbo.cli.words import is_trial, split, trial_of
from bbo.errors import InvalidStudy
from bbo.log.states import State


def best(study: StudyArgument = None, storage: StorageOption = None, as_json: JsonOption = False) -> None:
    """The best measured trial: feasible, inside the space, at the target."""
    opened = find(study, storage).load()
    record = opened.record(opened.best_trial.number)
    if as_json:
        print_json(record_json(opened, record))
    else:
        print_trials(opened, [record])


def recommend(study: StudyArgument = None, storage: StorageOption = None, as_json: JsonOption = False) -> None:
    """What the model believes best, which need not have been run."""
    opened = find(study, storage).load()
    found = opened.recommend()
    if as_json:
        print_json(asdict(found))
        return
    cells = layout_of(opened).write(found.params)
    print_table(([name, cell] for name, cell in cells.items() if cell), "parameter", "value")
    print_table(([name, number(mean), number(found.sd.get(name))] for name, mean in found.mean.items()), "outcome", "expected", "sd")
    typer.echo(f"probability of being feasible: {number(found.p_feasible)}; {found.note}")


def trials(
    study: StudyArgument = None,
    state: Annotated[list[State] | None, typer.Option("--state", help="Only trials in this state.")] = None,
    storage: StorageOption = None,
    as_json: JsonOption = False,
) -> None:
    """All trials."""
    opened = find(study, storage).load()
    print_trials(opened, [record for record in records_of(opened) if not state or record.state in state], as_json=as_json)


def pareto(study: StudyArgument = None, storage: StorageOption = None, as_json: JsonOption = False) -> None:
    """The feasible trials that no other one beats in all objectives."""
    opened = find(study, storage).load()
    print_trials(opened, [opened.record(trial.number) for trial in opened.pareto_front()], as_json=as_json)


def explain(
    words: Annotated[list[str] | None, typer.Argument(metavar="STUDY TRIAL", help="A study; a trial of it.")] = None,
    storage: StorageOption = None,
    as_json: JsonOption = False,
) -> None:
    """Which method is at work and why; of a trial, where its point came from."""
    study, rest = split(words, is_trial)
    trial = trial_of(rest) if rest else None
    text = find(study, storage).load().explain(trial)
    if as_json:
        print_json({"trial": trial, "text": text})
    else:
        typer.echo(text)


def diagnose(study: StudyArgument = None, storage: StorageOption = None, as_json: JsonOption = False) -> None:
    """What looks wrong with the study, worst first."""
    findings = find(study, storage).load().diagnose()
    if as_json:
        print_json([asdict(finding) for finding in findings])
    elif findings:
        print_table(([f.severity, f.text, f.advice] for f in findings), "", "finding", "what helps")
    else:
        typer.echo("nothing looks wrong")


def plot(
    words: Annotated[list[str] | None, typer.Argument(metavar="STUDY KIND", help="A study; history, parallel, slices, ... .")] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="The HTML file; by default the kind's name.")] = None,
    storage: StorageOption = None,
) -> None:
    """Draw a figure into an HTML file of its own."""
    from bbo.plots import KINDS

    study, rest = split(words, lambda word: word in KINDS)
    if len(rest) > 1:
        raise typer.BadParameter("one figure at a time")
    kind = rest[0] if rest else "history"
    path = out or Path(f"{kind}.html")
    figure = find(study, storage).load().plot(kind)
    try:
        figure.write_html(path, include_plotlyjs=True)
    except OSError as error:
        raise InvalidStudy(f"{path} cannot be written: {error.strerror}") from None
    typer.echo(f"{path} is written")
