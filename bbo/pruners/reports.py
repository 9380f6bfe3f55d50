"""What the pruners have in common: reports read as losses, and what they refuse."""

from __future__ import annotations

from bbo.errors import InvalidStudy
from bbo.log.ledger import Record
from bbo.problem import Problem


def losses(problem: Problem, record: Record) -> list[tuple[int, float]]:
    """A trial's reports in the order of their steps, as ``(step, loss)``: minimized."""
    sign = problem.objectives[0].sign
    return [(step, sign * value) for step, value in sorted(record.reports)]


def unsupported(problem: Problem) -> str | None:
    """None, or why reports of one number do not order the trials of that problem."""
    if len(problem.objectives) > 1:
        names = ", ".join(objective.name for objective in problem.objectives)
        return f"it compares reports of one objective, and this study has {len(problem.objectives)} ({names})"
    if problem.objectives[0].feedback == "ranking":
        return "it compares reported values, and this study is told rankings"
    return None


def check_integer(what: str, given: object, *, least: int) -> None:
    """Raise where a setting is not an integer, or is too small.

    Raises:
        InvalidStudy: It is.
    """
    if isinstance(given, bool) or not isinstance(given, int) or given < least:
        raise InvalidStudy(f"{what} is {given!r}; it is an integer, at least {least}")
