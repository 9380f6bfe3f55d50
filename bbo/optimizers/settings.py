"""What settings of optimizers have to be, and what is said where they are not."""

from __future__ import annotations

import math
from typing import Protocol

from bbo.errors import InvalidStudy


class Named(Protocol):
    """The settings of an optimizer."""

    @property
    def name(self) -> str:
        """As the user calls it."""
        ...


def demand_integer(settings: Named, name: str, *, least: int, most: float = math.inf, optional: bool = False) -> None:
    """Raise unless a setting is an integer in its range, or None where it is `optional`.

    Raises:
        InvalidStudy: It is not.
    """
    value = getattr(settings, name)
    if optional and value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        allowed = f"an integer, at least {least}" if most == math.inf else f"an integer from {least} to {most:g}"
        raise _refusal(settings, name, allowed, optional=optional)


def demand_number(
    settings: Named,
    name: str,
    *,
    above: float | None = None,
    least: float | None = None,
    most: float = math.inf,
    unit: str = "",
    optional: bool = False,
) -> None:
    """Raise unless a setting is a finite number in its range, or None where it is `optional`.

    Args:
        settings: Whose it is.
        name: Which.
        above: It is larger.
        least: It is at least that.
        most: It is at most that.
        unit: What it counts in.
        optional: Whether it may be None.

    Raises:
        InvalidStudy: It is not.
    """
    value = getattr(settings, name)
    if optional and value is None:
        return
    number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if number and (above is None or value > above) and (least is None or value >= least) and value <= most:
        return
    if least is not None and most < math.inf:
        allowed = f"a number from {least:g} to {most:g}"
    else:
        allowed = "a number" + ("" if above is None else f" above {above:g}") + ("" if least is None else f", at least {least:g}")
        allowed += "" if most == math.inf else f", at most {most:g}"
    raise _refusal(settings, name, f"{allowed}{', in ' if unit else ''}{unit}", optional=optional)


def demand_boolean(settings: Named, name: str) -> None:
    """Raise unless a setting is True or False.

    Raises:
        InvalidStudy: It is neither.
    """
    if not isinstance(getattr(settings, name), bool):
        raise _refusal(settings, name, "True or False")


def _refusal(settings: Named, name: str, allowed: str, *, optional: bool = False) -> InvalidStudy:
    return InvalidStudy(f"{settings.name}: {name} is {getattr(settings, name)!r}; it is {'None or ' if optional else ''}{allowed}")
