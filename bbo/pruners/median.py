"""The median rule."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from bbo.log.ledger import Ledger, Record
from bbo.log.states import State
from bbo.problem import Problem
from bbo.pruners.fronts import ahead
from bbo.pruners.reports import check_integer, in_order, losses, unsupported


@dataclass(frozen=True, slots=True)
class Median:
    """Stops a trial whose best value so far is worse than the median of what done trials had reported by the same step.

    The rule of D. Golovin et al., "Google Vizier" (KDD 2017), section 3.2.2, with the reports themselves in place of their running
    averages, which let a trial that began well go on for long. Of a done trial the latest report up to the step counts.

    With several objectives a trial is stopped where more than half of the done trials stand in a better nondominated front (Deb et
    al. 2002) than the best of its own reports so far. It goes on where none of theirs dominates its latest, and the objectives'
    scales have no say. An objective of which a trial's reports have only become worse, such as a cost that adds up, counts with its
    latest value in all of them: the first report would stay the best for ever. With one objective this would be the median rule but
    for values between the two middle ones of an even number of trials, whose mean decides there; fronts have none.

    Args:
        n_startup: Done trials with a report by that step, at least 1, before any trial is stopped there.
        n_warmup_steps: No trial is stopped before this step.
        interval: From there on a trial is judged once in so many steps: at its first report in each stretch.

    Raises:
        InvalidStudy: A setting is malformed.
    """

    name: ClassVar[str] = "median"

    n_startup: int = 5
    n_warmup_steps: int = 0
    interval: int = 1

    def __post_init__(self) -> None:
        check_integer("Median: n_startup", self.n_startup, least=1)
        check_integer("Median: n_warmup_steps", self.n_warmup_steps, least=0)
        check_integer("Median: interval", self.interval, least=1)

    def supports(self, problem: Problem) -> str | None:
        """Objectives told as values, one or several."""
        return unsupported(problem)

    def should_prune(self, problem: Problem, ledger: Ledger, record: Record) -> bool:
        """Whether the trial is worse than the median at its latest report."""
        own = in_order(problem, record)
        if not own or not self._is_due([step for step, _ in own]):
            return False
        step = own[-1][0]
        others = [
            so_far[-1]
            for other in ledger.records
            if other.state is State.DONE and (so_far := [report for report in in_order(problem, other) if report[0] <= step])
        ]
        return len(others) >= self.n_startup and _is_behind(losses(problem, own), losses(problem, others))

    def _is_due(self, steps: list[int]) -> bool:
        """Whether the last step is the first one in its stretch of `interval` steps."""
        before = steps[-2] if len(steps) > 1 else -math.inf
        stretch = (steps[-1] - self.n_warmup_steps) // self.interval
        return stretch >= 0 and before < self.n_warmup_steps + stretch * self.interval


def _is_behind(own: NDArray[np.float64], others: NDArray[np.float64]) -> bool:
    """Whether a trial is worse than the median: its reports so far, ``r x m``, against one of each other trial, ``n x m``."""
    if own.shape[1] == 1:
        values: list[float] = others[:, 0].tolist()
        return float(own.min()) > statistics.median(values)
    only_worse = (np.diff(own, axis=0) >= 0).all(axis=0)
    return 2 * ahead(np.where(only_worse, own[-1], own), others) > len(others)
