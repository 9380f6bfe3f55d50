"""Verbs that change how a study goes on: configure, redefine, stop."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from bbo.cli.target import StorageOption, StudyArgument, find
from bbo.cli.words import read_params
from bbo.errors import InvalidStudy


def configure(
    study: StudyArgument = None,
    optimizer: Annotated[
        str | None, typer.Option("--optimizer", help='A name, or JSON: \'{"name": "sobol", "settings": {}}\'.', show_default=False)
    ] = None,
    pruner: Annotated[str | None, typer.Option("--pruner", help="A name, JSON, or none.", show_default=False)] = None,
    storage: StorageOption = None,
) -> None:
    """Go on with another optimizer or pruner; without either, with those of the study file."""
    from bbo.optimizers.base import resolve as resolve_optimizer
    from bbo.pruners import resolve as resolve_pruner

    target = find(study, storage)
    opened = target.load()
    changes: dict[str, Any] = {}
    if optimizer is None and pruner is None:
        if target.file is None:
            raise typer.BadParameter("give --optimizer, --pruner, or a study file that names them")
        changes = {"optimizer": target.file.optimizer or "auto", "pruner": target.file.pruner}
    if optimizer is not None:
        changes["optimizer"] = resolve_optimizer(_method(optimizer, "optimizer"))
    if pruner is not None:
        changes["pruner"] = None if pruner == "none" else resolve_pruner(_method(pruner, "pruner"))
    opened.configure(**changes)
    stopper = opened.pruner
    typer.echo(f"study {opened.name!r} goes on with {opened.optimizer}{f' and {stopper}' if stopper else ''}")


def redefine(
    study: Annotated[str, typer.Argument(metavar="STUDY.yaml", help="The study file with the new space.")],
    default: Annotated[
        list[str] | None, typer.Option("--default", metavar="NAME=VALUE", help="Of a new parameter: the value of all trials so far.")
    ] = None,
    storage: StorageOption = None,
) -> None:
    """Go on in the space that the study file has now."""
    from dataclasses import replace

    from bbo.files.cells import Layout

    target = find(study, storage)
    if target.file is None:
        raise InvalidStudy(f"redefine takes the study file with the new space, and {study!r} is none (its name would end with .yaml)")
    opened = target.load()
    layout = Layout.of(replace(opened._problem, space=target.file.space))
    opened.redefine(space=target.file.space, defaults=read_params(default, layout, "--default"))
    typer.echo(f"study {opened.name!r} goes on in the space of {study}")


def stop(
    study: StudyArgument = None,
    reason: Annotated[str, typer.Option("--reason", help="Why.")] = "",
    storage: StorageOption = None,
) -> None:
    """Hand out no more trials; results of those that are out are still accepted."""
    opened = find(study, storage).load()
    opened.stop(reason)
    typer.echo(f"study {opened.name!r} is stopped")


def _method(text: str, what: str) -> Any:
    """A name as it is, JSON as data."""
    if not text.lstrip().startswith("{"):
        return text
    try:
        data = json.loads(text)
    except ValueError as error:
        raise InvalidStudy(f"--{what} {text}: not JSON: {error}") from None
    if not isinstance(data.get("name"), str) or not isinstance(data.get("settings", {}), dict):
        raise InvalidStudy(f'--{what} {text}: write {{"name": "...", "settings": {{...}}}}')
    return {"name": data["name"], "settings": data.get("settings", {})}
