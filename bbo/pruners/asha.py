"""Asynchronous successive halving."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from bbo.errors import InvalidStudy
from bbo.log.ledger import Ledger, Record
from bbo.problem import Problem
from bbo.pruners.fronts import among_best
from bbo.pruners.reports import Report, check_integer, in_order, losses, unsupported


@dataclass(frozen=True, slots=True)
class ASHA:
    """Lets the best ``1 / reduction_factor`` of the trials pass at each of a ladder of rungs, and stops the others there.

    L. Li et al., "A System for Massively Parallel Hyperparameter Tuning" (MLSys 2020), section 3.2, in the form that stops trials
    instead of pausing them: no trial waits for another one. A report at step ``s`` stands for a resource of ``s + 1``. Rung
    ``k = 0, 1, ...`` lies at a resource of ``min_resource * reduction_factor**k``; a trial's value there is its first report at or
    beyond it. Of the ``n`` trials that have come to a rung, running and stopped ones too, the best ``max(1, n // reduction_factor)``
    stay. A trial is judged at the highest rung it has come to, whenever it asks.

    With several objectives the best are those of R. Schmucker et al., "Multi-objective Asynchronous Successive Halving" (2021,
    arXiv:2106.12639): nondominated fronts in turn, and of the front that does not fit in whole an epsilon-net, the trials that
    spread best. Unlike there, distances are taken between ranks, so that no objective's scale has a say, and a trial that no other
    one dominates at the rung is never stopped, even where such trials are more than the places.

    Args:
        min_resource: Resource of the lowest rung: what every trial gets. At least 1.
        reduction_factor: One trial in so many passes a rung, and a rung lies so many times higher than the one before. At least 2,
            by default 3: the paper recommends 3 or 4.
        max_resource: Resource of a whole evaluation, where it is known: a trial that has come so far is not stopped any more.

    Raises:
        InvalidStudy: A setting is malformed.
    """

    name: ClassVar[str] = "asha"

    min_resource: int = 1
    reduction_factor: int = 3
    max_resource: int | None = None

    def __post_init__(self) -> None:
        check_integer("ASHA: min_resource", self.min_resource, least=1)
        check_integer("ASHA: reduction_factor", self.reduction_factor, least=2)
        if self.max_resource is not None:
            check_integer("ASHA: max_resource", self.max_resource, least=1)
            if self.max_resource <= self.min_resource:
                raise InvalidStudy(
                    f"ASHA: max_resource {self.max_resource} is not above min_resource {self.min_resource}: nothing would be stopped"
                )

    def supports(self, problem: Problem) -> str | None:
        """Objectives told as values, one or several."""
        return unsupported(problem)

    def should_prune(self, problem: Problem, ledger: Ledger, record: Record) -> bool:
        """Whether the trial is not among the best at the highest rung it has come to."""
        own = in_order(problem, record)
        resource = own[-1][0] + 1 if own else 0
        if resource < self.min_resource or (self.max_resource is not None and resource >= self.max_resource):
            return False
        rung = self.min_resource
        while rung * self.reduction_factor <= resource:
            rung *= self.reduction_factor
        there = {other.number: report for other in ledger.records if (report := _at(problem, other, rung)) is not None}
        return not _stays(losses(problem, [*there.values()]), [*there].index(record.number), max(1, len(there) // self.reduction_factor))


def _at(problem: Problem, record: Record, rung: int) -> Report | None:
    """A trial's report at a rung, None where it has not come to it."""
    return next((report for report in in_order(problem, record) if report[0] + 1 >= rung), None)


def _stays(there: NDArray[np.float64], i: int, places: int) -> bool:
    """Whether the i-th of those at a rung is among the best."""
    if there.shape[1] == 1:  # as `among_best` finds, by counting
        return bool((there < there[i]).sum() < places)
    return among_best(there, i, places)
