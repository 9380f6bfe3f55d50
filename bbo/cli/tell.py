"""Verbs that record what came out: tell, fail, retry, abandon, amend, add, rank."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bbo.cli.show import how_to_rank, layout_of, number, print_table, print_trials
from bbo.cli.target import JsonOption, StorageOption, find
from bbo.cli.words import is_trial, read_attrs, read_cells, split, trial_of
from bbo.errors import InvalidTell
from bbo.files.cells import write_value

if TYPE_CHECKING:
    from bbo.files.matching import Matched, Options
    from bbo.study import Study

TrialAndReason = Annotated[list[str], typer.Argument(metavar="STUDY TRIAL REASON...", help="The trial, and why.")]
Cost = Annotated[float | None, typer.Option("--cost", help="What the evaluation cost.")]
Attr = Annotated[list[str] | None, typer.Option("--attr", metavar="KEY=VALUE", help="Anything worth keeping.")]
Outside = Annotated[bool, typer.Option("--outside", help="Admit points outside the space: they train the model and are never best.")]

_FILES = (".csv", ".tsv", ".txt")


def tell(
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="STUDY TRIAL RESULTS... | STUDY FILE.csv",
            help="The trial and its results (0.31, or loss=0.31 latency_ms=14 sd.loss=0.02 note=...; T=61 where another value was run "
            "than planned), or a CSV of trials.",
        ),
    ],
    cost: Cost = None,
    attr: Attr = None,
    outside: Outside = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="CSV: record the rows without asking.")] = False,
    amend: Annotated[bool, typer.Option("--amend", help="CSV: rows may correct what was told before.")] = False,
    replicate: Annotated[
        bool, typer.Option("--replicate", help="CSV: add rows without a trial even if equal ones were added before.")
    ] = False,
    storage: StorageOption = None,
) -> None:
    """Record results: of one trial, or of all rows of a CSV."""
    study, rest = split(words, lambda word: is_trial(word) or word.endswith(_FILES))
    if rest and rest[0].endswith(_FILES):
        from bbo.files.matching import Options

        if len(rest) > 1 or cost is not None or attr:
            raise typer.BadParameter("with a CSV, everything that is told stands in the CSV")
        _tell_file(find(study, storage).load(), Path(rest[0]), Options(outside=outside, amend=amend, replicate=replicate), yes=yes)
        return
    trial = trial_of(rest)
    opened = find(study, storage).load()
    cells = read_cells(rest[1:], layout_of(opened))
    if cells.failed is not None:
        raise InvalidTell(f"a trial that failed is told by: bbo fail {trial} {cells.failed!r}")
    told = {} if cells.told is None and (attr or cells.note) else cells.told  # what is attached may come before any result
    if told is None:
        raise typer.BadParameter(f"what came out of trial {trial}? Give {' '.join(f'{name}=...' for name in layout_of(opened).outcomes)}")
    params = _completed(opened, trial, cells.params)
    opened.tell(trial, told, sd=cells.sd or None, cost=cost, attrs=read_attrs(attr, cells.note), params=params, outside=outside)
    typer.echo(f"trial {trial} is {opened.record(trial).state}")


def fail(words: TrialAndReason, storage: StorageOption = None) -> None:
    """The point itself cannot be evaluated: it is learned from, and not proposed again."""
    _end("fail", words, storage)


def retry(words: TrialAndReason, storage: StorageOption = None) -> None:
    """It was not the point's fault: the trial is queued again."""
    _end("retry", words, storage)


def abandon(words: TrialAndReason, storage: StorageOption = None) -> None:
    """The trial will not be evaluated; nothing is learned."""
    _end("abandon", words, storage)


def amend(
    words: Annotated[
        list[str], typer.Argument(metavar="STUDY TRIAL CORRECTIONS...", help="What was wrong, as in tell; failed=REASON too.")
    ],
    cost: Cost = None,
    attr: Attr = None,
    note: Annotated[str, typer.Option("--note", help="Why it is corrected.")] = "",
    outside: Outside = False,
    storage: StorageOption = None,
) -> None:
    """Correct what is recorded of a trial; the log keeps both."""
    study, rest = split(words, is_trial)
    trial = trial_of(rest)
    opened = find(study, storage).load()
    cells = read_cells(rest[1:], layout_of(opened))
    opened.amend(
        trial,
        cells.told,
        params=_completed(opened, trial, cells.params),
        sd=cells.sd or None,
        cost=cost,
        attrs=read_attrs(attr, cells.note),
        failed=cells.failed,
        note=note,
        outside=outside,
    )
    typer.echo(f"trial {trial} is amended")


def add(
    words: Annotated[list[str], typer.Argument(metavar="STUDY NAME=VALUE...", help="All parameters and outcomes; or failed=REASON.")],
    cost: Cost = None,
    attr: Attr = None,
    outside: Outside = False,
    storage: StorageOption = None,
) -> None:
    """Take in a point that was evaluated elsewhere."""
    study, rest = split(words, lambda word: "=" in word)
    opened = find(study, storage).load()
    cells = read_cells(rest, layout_of(opened))
    attrs = read_attrs(attr, cells.note)
    trial = opened.add(cells.params, cells.told, sd=cells.sd or None, cost=cost, attrs=attrs, outside=outside, failed=cells.failed)
    typer.echo(f"trial {trial.number} is added")


def rank(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="STUDY TRIAL...",
            help="Best first; equally good ones joined by a comma: 3 1,2 4. Without trials those to be ranked are shown, and on a terminal "
            "their order is asked for.",
            show_default=False,
        ),
    ] = None,
    among: Annotated[str | None, typer.Option(help="All that were looked at, where only the best are named: 1,2,3,4.")] = None,
    storage: StorageOption = None,
    as_json: JsonOption = False,
) -> None:
    """Record an order of trials, or show which ones are to be ranked."""
    study, rest = split(words, lambda word: re.fullmatch(r"-?\d+(,\d+)*", word) is not None)
    tiers = _order(" ".join(rest))
    looked_at = None if among is None else _tier(among, "--among")
    if not tiers and looked_at is not None:
        raise typer.BadParameter("which are the best? Name them before --among")
    opened = find(study, storage).load()
    if not tiers:
        shown = [trial.number for trial in opened.to_rank()]
        if shown or as_json:
            print_trials(opened, [opened.record(number) for number in shown], as_json=as_json, attrs=True)
        if as_json:
            return
        if len(shown) < 2 or not on_terminal():
            typer.echo(how_to_rank(opened, study))
            return
        tiers = typer.prompt("Best first, equally good ones joined by a comma; what you leave out comes after", value_proc=_order)
        looked_at = shown
    opened.tell_ranking(tiers, among=looked_at)
    named = {number for tier in tiers for number in tier}
    rest_of = "" if looked_at is None or named >= set(looked_at) else f" among {','.join(map(str, looked_at))}"
    typer.echo(f"{' > '.join(' = '.join(map(str, tier)) for tier in tiers)}{rest_of} is recorded")


def _order(line: str) -> list[list[int]]:
    """Tiers of trials, from words such as ``3 1,2 4``."""
    return [_tier(word) for word in line.split()]


def _tier(word: str, option: str = "") -> list[int]:
    """Trials that are joined by commas."""
    if re.fullmatch(r"\d+(,\d+)*", word):
        return [int(part) for part in word.split(",")]
    if option:
        raise typer.BadParameter(f"{option} is {word!r}; it is trials' numbers joined by commas")
    raise typer.BadParameter(f"{word!r} is no trial's number, nor several joined by commas")


def _end(verb: str, words: list[str], storage: str | None) -> None:
    study, rest = split(words, is_trial)
    trial = trial_of(rest)
    opened = find(study, storage).load()
    getattr(opened, verb)(trial, " ".join(rest[1:]))
    typer.echo(f"trial {trial} is {opened.record(trial).state}")


def _completed(study: Study, trial: int, given: dict[str, Any]) -> dict[str, Any] | None:
    """Executed parameters; shares that are not given are as planned."""
    planned = study.record(trial).planned
    completed = {
        name: {**planned[name], **value} if isinstance(value, dict) and isinstance(planned.get(name), dict) else value
        for name, value in given.items()
    }
    return completed or None


def on_terminal() -> bool:
    """Whether somebody can be asked."""
    return sys.stdin.isatty()


def _tell_file(study: Study, path: Path, options: Options, *, yes: bool) -> None:
    from bbo.files.matching import tell_sheet
    from bbo.files.reading import read_sheet

    layout = layout_of(study)

    def accept(matched: Matched) -> bool:
        _preview(matched)
        if yes:
            return True
        if not on_terminal():
            raise InvalidTell(f"nothing was written: there is no terminal to ask on; if the rows are right, bbo tell {path} --yes")
        return typer.confirm("Record these rows?")

    matched = tell_sheet(study, read_sheet(path, layout), layout, options, accept)
    if matched is None:
        raise InvalidTell("nothing was written")
    counts = {action: sum(row.action == action for row in matched.rows) for action in _COUNTED}
    typer.echo(", ".join(f"{count} {_COUNTED[action]}" for action, count in counts.items() if count) or "no rows")


_COUNTED = {
    "tell": "told",
    "fail": "failed",
    "add": "added",
    "amend": "amended",
    "unchanged": "told before",
    "skip": "added before and skipped (--replicate keeps them)",
    "open": "not measured yet",
}


def _preview(matched: Matched) -> None:
    rows = []
    for row in matched.rows:
        if row.action not in ("tell", "fail", "add", "amend"):
            continue
        executed = ", ".join(f"{name}={_point(value)}" for name, value in row.executed.items()) or "as planned"
        outcomes = ", ".join(f"{name}={number(value)}" for name, value in row.values.items())
        rows.append([str(row.line), "" if row.trial is None else str(row.trial), row.action, executed, row.failed or outcomes, row.note])
    print_table(rows, "line", "trial", "does", "run", "result", "note", numbers=("line", "trial"))


def _point(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {_point(share)}" for name, share in value.items() if share) + "}"
    return write_value(value)
