"""What figures and reports show of a study: its trials as they stand now, each with one status."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from bbo.best import eligible, nondominated
from bbo.errors import InvalidStudy
from bbo.log.ledger import Record
from bbo.log.states import State
from bbo.objectives import Objective
from bbo.problem import Problem

if TYPE_CHECKING:
    from bbo.study import Study


class Status(StrEnum):
    """What a trial counts for."""

    FEASIBLE = "feasible"
    INFEASIBLE = "infeasible"
    ASIDE = "outside the space or off target"
    FAILED = "failed"
    PRUNED = "pruned"
    OPEN = "open"
    GIVEN_UP = "abandoned or lost"


_OF_STATE = {
    State.QUEUED: Status.OPEN,
    State.PENDING: Status.OPEN,
    State.FAILED: Status.FAILED,
    State.PRUNED: Status.PRUNED,
    State.ABANDONED: Status.GIVEN_UP,
    State.LOST: Status.GIVEN_UP,
}


@dataclass(frozen=True, slots=True)
class View:
    """A study at one moment.

    Args:
        name: The study's name.
        problem: Space, objectives and constraints.
        records: All trials, by number.
        statuses: What each counts for.
    """

    name: str
    problem: Problem
    records: tuple[Record, ...]
    statuses: tuple[Status, ...]

    @classmethod
    def of(cls, study: Study) -> View:
        """The study as its log stands now."""
        problem = Problem(study.space, study.objectives, study.outcome_constraints, seed=study.seed)
        records = tuple(study.record(trial.number) for trial in study.trials)
        return cls(study.name, problem, records, tuple(_status(problem, record) for record in records))

    def having(self, *statuses: Status) -> list[Record]:
        """Trials of these statuses, by number."""
        return [record for record, status in zip(self.records, self.statuses, strict=True) if status in statuses]

    def measured(self, outcome: str) -> list[tuple[Record, Status]]:
        """Finished trials with a value of an outcome, by number."""
        return [
            (record, status)
            for record, status in zip(self.records, self.statuses, strict=True)
            if record.state is State.DONE and outcome in record.values
        ]

    def best(self, objective: Objective) -> Record | None:
        """The eligible trial that is best in one objective, None while there is none."""
        found = self.having(Status.FEASIBLE)
        return min(found, key=lambda record: (objective.sign * record.values[objective.name], record.number), default=None)

    def front(self) -> list[Record]:
        """The eligible trials that no other one beats in all objectives, by number."""
        found = self.having(Status.FEASIBLE)
        if not found:
            return []
        keep = nondominated(np.stack([self.problem.losses(record.values) for record in found]))
        return [record for record, kept in zip(found, keep, strict=True) if kept]

    def label(self, status: Status) -> str:
        """What a legend calls a status: where nothing can be infeasible, every valid trial is just measured."""
        return "measured" if status is Status.FEASIBLE and not self.problem.outcome_constraints else str(status)

    def outcome(self, name: str | None) -> str:
        """The outcome of that name; None means the first objective.

        Raises:
            InvalidStudy: There is none of that name, or results are rankings, which have no values.
        """
        chosen = self.problem.objectives[0].name if name is None else name
        if chosen not in self.problem.outcomes:
            raise InvalidStudy(f"plot: outcome={chosen!r} is not measured here; outcomes: {', '.join(self.problem.outcomes)}")
        if any(o.name == chosen and o.feedback == "ranking" for o in self.problem.objectives):
            raise InvalidStudy(f"plot: {chosen!r} is told as rankings and has no values to draw; see study.recommend()")
        return chosen


def _status(problem: Problem, record: Record) -> Status:
    if record.state is not State.DONE:
        return _OF_STATE[record.state]
    ranked = problem.objectives[0].feedback == "ranking" and not record.outside
    if ranked or eligible(problem, record):
        return Status.FEASIBLE
    known = all(constraint.name in record.values for constraint in problem.outcome_constraints)
    return Status.INFEASIBLE if known and not problem.feasible(record.values) else Status.ASIDE
