"""The axes on which parameters are drawn: one a parameter, one a component of a simplex, one a letter of a sequence."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import numpy as np

from bbo.errors import InvalidStudy
from bbo.plots.style import log_ticks, number, text
from bbo.space import Array, Bool, Categorical, Float, Int, Ordinal, Simplex, Space
from bbo.space import Sequence as Letters
from bbo.space.parameter import Parameter


@dataclass(frozen=True, slots=True)
class Axis:
    """How one number or choice of a trial is placed on a line.

    Args:
        name: As in expressions and files: ``C``, ``mix.THF``, ``dna[3]``.
        parameter: Name of the parameter it belongs to.
        part: Which component of the parameter's value; None for the value itself.
        unit: Shown behind the name.
        log: Whether the axis is logarithmic.
        levels: The choices of an axis without numbers, in order; their positions are 0, 1, 2, ...
        low, high: Ends of the range, as positions.
        listed: The only numbers there are, where they are few.
    """

    name: str
    parameter: str
    part: str | int | tuple[int, ...] | None = None
    unit: str = ""
    log: bool = False
    levels: tuple[Any, ...] = ()
    low: float = 0.0
    high: float = 1.0
    listed: tuple[float, ...] = ()

    @property
    def title(self) -> str:
        """Name and unit, ready for Plotly."""
        return text(f"{self.name} [{self.unit}]" if self.unit else self.name)

    def value(self, params: Mapping[str, Any]) -> Any:
        """The native value, None where the parameter is inactive."""
        value = params.get(self.parameter)
        if value is None or self.part is None:
            return value
        for index in self.part if isinstance(self.part, tuple) else (self.part,):
            value = value[index]
        return value

    def position(self, params: Mapping[str, Any]) -> float | None:
        """Where it stands: the number itself, or the place among the levels. None where inactive, and for a choice that is gone."""
        if self.parameter not in params:
            return None
        value = self.value(params)
        if not self.levels:
            return float(value)
        return next((float(k) for k, level in enumerate(self.levels) if type(level) is type(value) and level == value), None)

    def show(self, params: Mapping[str, Any]) -> str:
        """The value as a reader wants it."""
        if self.parameter not in params:
            return "inactive"
        value = self.value(params)
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        return number(value) if is_number else str(value)

    @property
    def labels(self) -> list[str]:
        """Texts of the levels; quoted where two would read the same."""
        plain = [str(level) for level in self.levels]
        return [repr(level) if plain.count(shown) > 1 else shown for level, shown in zip(self.levels, plain, strict=True)]

    def ticks(self) -> tuple[list[float], list[str]]:
        """Positions and texts of a few round ticks from `low` to `high`; all levels or listed numbers where they are few."""
        if self.levels:
            return [float(k) for k in range(len(self.levels))], self.labels
        if self.listed and len(self.listed) <= 8:
            return list(self.listed), [number(value) for value in self.listed]
        marks = log_ticks(self.low, self.high) if self.log else _linear_ticks(self.low, self.high)
        return marks, [number(value) for value in marks]


def axes_of(space: Space, chosen: Sequence[str] | None = None) -> list[Axis]:
    """The axes of a space, in order of declaration; a `Fixed` has none.

    Args:
        space: The space.
        chosen: Names of parameters or of single axes to keep; None keeps all.

    Raises:
        InvalidStudy: A chosen name is unknown.
    """
    axes = [axis for name, parameter in space.parameters.items() for axis in _axes(name, parameter)]
    if chosen is None:
        return axes
    known = dict.fromkeys([name for axis in axes for name in (axis.parameter, axis.name)])
    for name in chosen:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise InvalidStudy(f"plot: parameters: {name!r} is not to be drawn; there are {', '.join(known)}{hint}")
    return [axis for axis in axes if axis.name in chosen or axis.parameter in chosen]


def _axes(name: str, parameter: Parameter) -> Iterator[Axis]:
    parameter = getattr(parameter, "inner", parameter)  # a role lends its parameter's axis
    match parameter:
        case Simplex():
            for part in parameter.names:
                yield Axis(f"{name}.{part}", name, part, high=float(parameter.total))
        case Array():
            bounds = parameter.convex.bounds
            entries = np.ndindex(*bounds.shape[1:])
            for column, index, low, high in zip(parameter.columns(name), entries, *bounds.reshape(2, -1), strict=True):
                yield Axis(column.name, name, index, low=float(low), high=float(high))
        case Letters():
            for k in range(parameter.length):
                yield Axis(f"{name}[{k}]", name, k, levels=tuple(parameter.alphabet), high=len(parameter.alphabet) - 1.0)
        case Categorical() | Bool():
            levels = tuple(parameter.grid(1))
            yield Axis(name, name, levels=levels, high=len(levels) - 1.0)
        case Ordinal(values):
            yield Axis(name, name, low=float(values[0]), high=float(values[-1]), listed=tuple(map(float, values)))
        case Float() | Int():
            yield Axis(name, name, unit=parameter.unit, log=parameter.log, low=float(parameter.low), high=float(parameter.high))


def _linear_ticks(low: float, high: float) -> list[float]:
    step = 10.0 ** math.floor(math.log10((high - low) / 2 or 1.0))
    step = next((step * k for k in (1, 2, 5, 10) if (high - low) / (step * k) <= 6), step * 10)
    first = math.ceil(low / step - 1e-9)
    return [k * step for k in range(first, math.floor(high / step + 1e-9) + 1)]
