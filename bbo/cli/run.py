"""Verbs that evaluate: run (`Study.optimize`) and demo."""

from __future__ import annotations

import math
import shlex
import sys
from collections.abc import Callable
from functools import reduce
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bbo.cli.show import print_table, print_trials
from bbo.cli.target import StorageOption, find
from bbo.errors import InvalidStudy, NoBest

if TYPE_CHECKING:
    from bbo.study import Study
    from bbo.trial import Trial


def run(
    study: Annotated[str, typer.Argument(metavar="STUDY", help="A study file, whose study is created if need be, or a name.")],
    command: Annotated[
        list[str] | None, typer.Argument(metavar="-- COMMAND...", help="An executable: ./wing {params} {outcomes} (see bbo.Command).")
    ] = None,
    fn: Annotated[str | None, typer.Option("--fn", metavar="MODULE:FUNCTION", help="A Python function of a trial, instead.")] = None,
    n_trials: Annotated[int | None, typer.Option("--n-trials", "-n", min=1, help="Trials that this run adds.", show_default=False)] = None,
    total: Annotated[int | None, typer.Option("--total", min=1, help="Trials the study is to have in all.", show_default=False)] = None,
    timeout: Annotated[float | None, typer.Option("--timeout", help="Seconds after which none is started.", show_default=False)] = None,
    max_cost: Annotated[float | None, typer.Option("--max-cost", help="Sum of costs at which none is started.", show_default=False)] = None,
    workers: Annotated[int, typer.Option("--workers", min=1, help="Evaluations at a time.")] = 1,
    storage: StorageOption = None,
) -> None:
    """Ask, evaluate and tell until a limit is reached."""
    if (fn is None) == (not command):
        raise typer.BadParameter("give what to evaluate: --fn module:function, or -- and a command")
    function = _function(fn) if fn is not None else _command(command or [])
    target = find(study, storage)
    opened = target.load() if target.file is None else target.file.open(target.storage)
    opened.optimize(function, n_trials, total=total, timeout=timeout, max_cost=max_cost, workers=workers)
    _print_outcome(opened)


def demo() -> None:
    """Tune a function of two variables for 20 trials, in memory, and show what was found."""
    from bbo.space import Float, Space
    from bbo.study import Study

    study = Study(Space({"x": Float(-5, 10), "y": Float(0, 15)}), "minimize", seed=0)
    study.optimize(branin, 20, progress=True)
    rows: list[list[str]] = []
    for trial in study.trials:
        if trial.value is not None and (not rows or trial.value < float(rows[-1][-1])):
            rows.append([str(trial.number), f"{trial['x']:.4f}", f"{trial['y']:.4f}", f"{trial.value:.6f}"])
    print_table(
        rows,
        "trial",
        "x",
        "y",
        "value",
        title="Branin's function: every improvement (its minimum is 0.397887)",
        numbers=("trial", "x", "y", "value"),
    )
    typer.echo(study.explain())


def branin(trial: Trial) -> float:
    """Branin's function on [-5, 10] x [0, 15] (Branin 1972); its minimum, 0.397887, is taken at three points."""
    x, y = trial["x"], trial["y"]
    return float((y - 5.1 / (4 * math.pi**2) * x**2 + 5 / math.pi * x - 6) ** 2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10)


def _function(path: str) -> Callable[[Any], Any]:
    """The function ``module:function``, looked up from this folder too."""
    module, _, name = path.partition(":")
    if not module or not name:
        raise typer.BadParameter(f"--fn {path!r}: write module:function")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        function = reduce(getattr, name.split("."), import_module(module))
    except ModuleNotFoundError as error:
        raise InvalidStudy(f"--fn {path}: {error}; the module is looked up in {here} and among what is installed") from None
    except AttributeError as error:
        raise InvalidStudy(f"--fn {path}: {error}") from None
    if not callable(function):
        raise InvalidStudy(f"--fn {path}: it is a {type(function).__name__}; a function of a trial is needed")
    return function


def _command(words: list[str]) -> Callable[[Any], Any]:
    from bbo.execution import Command

    return Command(shlex.join(words))


def _print_outcome(study: Study) -> None:
    if len(study.objectives) > 1:
        print_trials(study, [study.record(trial.number) for trial in study.pareto_front()], title="Pareto front")
        return
    try:
        print_trials(study, [study.record(study.best_trial.number)], title="Best trial")
    except NoBest as error:
        typer.echo(str(error))
