"""A progress bar, as one more callback."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bbo.best import eligible
from bbo.errors import InvalidStudy
from bbo.execution.limits import Limits
from bbo.log.states import State

if TYPE_CHECKING:
    from bbo.execution import Callback
    from bbo.log.ledger import Record
    from bbo.study import Study
    from bbo.trial import Trial


def wanted(progress: bool | str) -> bool:
    """Whether a bar is to be shown.

    Raises:
        InvalidStudy: `progress` is neither a bool nor ``"auto"``.
    """
    if progress == "auto":
        return sys.stderr.isatty()
    if not isinstance(progress, bool):
        raise InvalidStudy(f"optimize: progress is {progress!r}; it is True, False or 'auto'")
    return progress


@contextmanager
def bar(study: Study, limits: Limits) -> Iterator[Callback]:
    """A bar on standard error: trials finished of those wanted, the best value, failures. Call it after each finished trial.

    With ``n_trials`` it counts this run's trials, else the study's.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[news]}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as shown:
        news = _News(study)
        before = 0 if limits.n_trials is None else news.finished
        total = limits.total if limits.n_trials is None else limits.n_trials
        task = shown.add_task(study.name, total=total, completed=news.finished - before, news=news)

        def advance(study: Study, trial: Trial) -> None:
            news.take(study.record(trial.number))
            shown.update(task, completed=news.finished - before, news=news)

        yield advance


class _News:
    """What the bar says of a study, kept up to date trial by trial: a look at all of them after each would slow a long study."""

    def __init__(self, study: Study) -> None:
        self._problem = study._problem
        self._best: Record | None = None
        self._failed = 0
        self.finished = 0
        for trial in study.trials:
            self.take(study.record(trial.number))

    def take(self, record: Record) -> None:
        """One more trial."""
        self.finished += record.state.finished
        self._failed += record.state is State.FAILED
        if len(self._problem.objectives) == 1 and eligible(self._problem, record) and self._is_better(record):
            self._best = record

    def _is_better(self, record: Record) -> bool:
        return self._best is None or bool(self._problem.losses(record.values)[0] < self._problem.losses(self._best.values)[0])

    def __str__(self) -> str:
        name = self._problem.objectives[0].name
        parts = [] if self._best is None else [f"best {name} {self._best.values[name]:.6g}"]
        return ", ".join([*parts, f"{self._failed} failed"] if self._failed else parts)
