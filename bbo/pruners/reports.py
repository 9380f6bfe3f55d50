"""What the pruners have in common: reports read as losses, and what they refuse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from bbo.errors import InvalidStudy
from bbo.log.ledger import Record
from bbo.problem import Problem

Report: TypeAlias = tuple[int, float | Mapping[str, float]]
"""A step, and the objective there, or all of them by name."""


def in_order(problem: Problem, record: Record) -> list[Report]:
    """A trial's reports by step. A lone number for several objectives, which early logs may hold, orders nothing and is left out."""
    several = len(problem.objectives) > 1
    return sorted((report for report in record.reports if isinstance(report[1], Mapping) is several), key=itemgetter(0))


def losses(problem: Problem, reports: Sequence[Report]) -> NDArray[np.float64]:
    """Reported objectives as minimized, ``n x m``."""
    names = [objective.name for objective in problem.objectives]
    rows = [[given[name] for name in names] if isinstance(given, Mapping) else [given] for _, given in reports]
    return np.reshape(rows, (len(rows), len(names))) * [float(objective.sign) for objective in problem.objectives]


def unsupported(problem: Problem) -> str | None:
    """None, or why reports do not order the trials of that problem."""
    if any(objective.feedback == "ranking" for objective in problem.objectives):
        return "it compares reported values, and this study is told rankings"
    return None


def check_integer(what: str, given: object, *, least: int) -> None:
    """Raise where a setting is not an integer, or is too small.

    Raises:
        InvalidStudy: It is.
    """
    if isinstance(given, bool) or not isinstance(given, int) or given < least:
        raise InvalidStudy(f"{what} is {given!r}; it is an integer, at least {least}")
