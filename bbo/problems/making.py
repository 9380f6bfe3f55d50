"""What the modules of problems share: spaces of real numbers, constraints ``g <= 0``, checks of options."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from bbo.errors import InvalidStudy
from bbo.objectives import Constraint
from bbo.problems.problem import OfVector
from bbo.space import Float, Space

Bounds = Sequence[tuple[float, float]]


def floats(**ranges: tuple[float, float]) -> Space:
    """A box with named sides."""
    return Space({name: Float(low, high) for name, (low, high) in ranges.items()})


def box(bounds: Bounds) -> Space:
    """A box with sides x1, x2, ..."""
    return floats(**{f"x{i + 1}": each for i, each in enumerate(bounds)})


def at(*x: float) -> dict[str, float]:
    """A point of a `box`."""
    return {f"x{i + 1}": each for i, each in enumerate(x)}


def of_box(function: Callable[..., Any], bounds: Bounds, outcomes: tuple[str, ...] = ("value",)) -> OfVector:
    """A function of the vector of a `box`."""
    return OfVector(function, tuple(f"x{i + 1}" for i in range(len(bounds))), outcomes)


def below_zero(*names: str) -> tuple[Constraint, ...]:
    """Outcomes that are at most 0."""
    return tuple(Constraint(name, upper=0.0) for name in names)


def whole(problem: str, option: str, value: object, least: int, most: int | None = None) -> None:
    """Check an option that is an integer.

    Raises:
        InvalidStudy: It is none, or out of range.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < least or (most is not None and value > most):
        allowed = f"at least {least}" if most is None else f"{least} to {most}"
        raise InvalidStudy(f"problem {problem!r}: {option} is {value!r}; it is an integer, {allowed}")
