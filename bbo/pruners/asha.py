"""Asynchronous successive halving."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bbo.errors import InvalidStudy
from bbo.log.ledger import Ledger, Record
from bbo.problem import Problem
from bbo.pruners.reports import check_integer, losses, unsupported


@dataclass(frozen=True, slots=True)
class ASHA:
    """Lets the best ``1 / reduction_factor`` of the trials pass at each of a ladder of rungs, and stops the others there.

    L. Li et al., "A System for Massively Parallel Hyperparameter Tuning" (MLSys 2020), section 3.2, in the form that stops trials
    instead of pausing them: no trial waits for another one. A report at step ``s`` stands for a resource of ``s + 1``. Rung
    ``k = 0, 1, ...`` lies at a resource of ``min_resource * reduction_factor**k``; a trial's value there is its first report at or
    beyond it. Of the ``n`` trials that have come to a rung, running and stopped ones too, the best ``max(1, n // reduction_factor)``
    stay. A trial is judged at the highest rung it has come to, whenever it asks.

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
        """One objective, told as a value."""
        return unsupported(problem)

    def should_prune(self, problem: Problem, ledger: Ledger, record: Record) -> bool:
        """Whether the trial is not among the best at the highest rung it has come to."""
        resource = max((step + 1 for step, _ in record.reports), default=0)
        if resource < self.min_resource or (self.max_resource is not None and resource >= self.max_resource):
            return False
        rung = self.min_resource
        while rung * self.reduction_factor <= resource:
            rung *= self.reduction_factor
        own = _at(problem, record, rung)
        all_there = [loss for other in ledger.records if (loss := _at(problem, other, rung)) is not None]
        assert own is not None
        return sum(loss < own for loss in all_there) >= max(1, len(all_there) // self.reduction_factor)


def _at(problem: Problem, record: Record, rung: int) -> float | None:
    """A trial's loss at a rung, None where it has not come to it."""
    return next((loss for step, loss in losses(problem, record) if step + 1 >= rung), None)
