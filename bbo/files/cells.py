"""Cells: the values of trials as text under flat names, in CSV files and on the command line.

The names of a study's cells are ``trial``, its parameters (``T``; ``mix.THF`` for a share), its outcomes, ``sd.<outcome>``,
``failed`` (a reason) and ``note``.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches
from functools import cached_property
from typing import Any

from bbo.errors import InvalidStudy, InvalidTell, OutOfRange
from bbo.problem import Problem
from bbo.space import Array, Parameter, Sequence, Simplex, Space

Mark = str | None
"""Decimal mark of a text: ``"."`` or ``","``; None where either may be meant."""

_DIGITS = 6
"""Significant digits written. More would be in the way of people who set the value by hand; the plan itself stands in the log."""

_NUMBER = re.compile(r"[-+]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][-+]?\d+)?", re.ASCII)
_BLANKS = str.maketrans({"\u00a0": None, "\u202f": None, "\u2212": "-"})  # spaces and the minus sign of typeset numbers

_MAX_LISTED = 10_000  # values of a parameter that are compared with a text one by one


@dataclass(frozen=True, slots=True)
class Slot:
    """Where a parameter's cell belongs.

    Args:
        parameter: Name of the parameter.
        member: Name of the share, None where the cell holds the whole value.
        number: Whether the cell holds a number.
    """

    parameter: str
    member: str | None
    number: bool


@dataclass(frozen=True)
class Layout:
    """The cells of a study's trials.

    Args:
        space: The study's space.
        slots: Parameter cells by name.
        outcomes: Names of the outcomes.
    """

    space: Space
    slots: Mapping[str, Slot]
    outcomes: tuple[str, ...]

    @classmethod
    def of(cls, problem: Problem) -> Layout:
        """The cells of a problem.

        Raises:
            InvalidStudy: Two of them have one name.
        """
        slots: dict[str, Slot] = {}
        for name, parameter in problem.space.parameters.items():
            slots |= _slots(name, parameter)
        layout = cls(problem.space, slots, problem.outcomes)
        names = layout.names
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise InvalidStudy(
                f"two columns would be called {twice[0]!r}; rename that parameter or outcome to use files and the command line"
            )
        return layout

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of all cells, in the order in which they are written."""
        return ("trial", *self.slots, *self.outcomes, *(f"sd.{name}" for name in self.outcomes), "failed", "note")

    @cached_property
    def numbers(self) -> frozenset[str]:
        """Names of the cells that hold numbers."""
        measured = (*self.outcomes, *(f"sd.{name}" for name in self.outcomes))
        return frozenset((*(name for name, slot in self.slots.items() if slot.number), *measured))

    def check_name(self, name: str) -> str:
        """The name, if there is such a cell.

        Raises:
            InvalidTell: There is none; the message shows the nearest.
        """
        if name in self.names:
            return name
        near = get_close_matches(name, self.names, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise InvalidTell(f"unknown column {name!r}{hint} (columns: {', '.join(self.names)})")

    def write(self, params: Mapping[str, Any], mark: str = ".") -> dict[str, str]:
        """A point as cells; those of inactive parameters are empty."""
        cells = {}
        for name, slot in self.slots.items():
            if slot.parameter in params:
                value = params[slot.parameter]
                cells[name] = write_value(value[slot.member] if slot.member else value, mark)
            else:
                cells[name] = ""
        return cells

    def value(self, name: str, text: str, mark: Mark = None) -> Any:
        """The value that a parameter's cell states; whether it is in range is not looked at.

        Raises:
            OutOfRange: It is no number, or none of the choices.
        """
        slot = self.slots[name]
        if slot.number:
            return _number_of(text, name, mark, OutOfRange)
        parameter, text = self.space.parameters[slot.parameter], text.strip()
        if text.lower() in ("true", "false") and parameter.types(name)[name] == "truth":
            return text.lower() == "true"
        if isinstance(parameter, Array):
            return _array_of(text, name, parameter)
        if isinstance(parameter, Sequence):
            return text if isinstance(parameter.alphabet, str) else text.split()
        if parameter.cardinality is not None and parameter.cardinality <= _MAX_LISTED:
            return next((choice for choice in parameter.grid(1) if write_value(choice) == text), text)
        return text

    def measured(self, name: str, text: str, mark: Mark = None) -> float:
        """The number that a cell of an outcome, or of its standard deviation, states; `name` is only for the message.

        Raises:
            InvalidTell: It states none.
        """
        remedy = "; of a trial that failed give the reason instead (column 'failed', or bbo fail)"
        return _number_of(text, name, mark, InvalidTell, remedy)

    def agrees(self, name: str, text: str, planned: Any, mark: Mark = None) -> bool:
        """Whether a cell states the planned value, to the digits it is written with."""
        slot = self.slots[name]
        if not slot.number:
            return write_value(self.value(name, text, mark)) == write_value(planned)
        stated = _decimal_of(text, mark)
        if stated is None or self._is_other_level(slot, float(stated), planned):
            return False
        return abs(Decimal(planned) - stated) <= Decimal(1).scaleb(int(stated.as_tuple().exponent)) / 2

    def _is_other_level(self, slot: Slot, stated: float, planned: float) -> bool:
        """Whether a number is a legal value other than the planned one: of few values, one is not a rounding of another."""
        parameter = self.space.parameters[slot.parameter]
        if parameter.cardinality is None:
            return False
        if isinstance(parameter, Simplex):
            step = parameter.step or parameter.total
            return abs(stated / step - round(stated / step)) < 1e-9 and abs(stated - planned) > step / 2
        try:
            return bool(parameter.check(stated, slot.parameter) != planned)
        except OutOfRange:
            return False


def write_value(value: Any, mark: str = ".") -> str:
    """A value as people read it: numbers with six significant digits, true and false in lower case."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _write_float(value).replace(".", mark)
    if isinstance(value, list):
        words = all(isinstance(entry, str) for entry in value)  # a sequence whose letters are words
        return " ".join(value) if words else json.dumps(value)
    return "none" if value is None else str(value)


def _array_of(text: str, name: str, parameter: Array) -> Any:
    try:
        value = json.loads(text)
    except ValueError:
        raise OutOfRange(f"{name} is {text!r}; it is an array, such as [0.5, 1.0]") from None
    return parameter.check(value, name, outside=True)


def mark_of(text: str) -> Mark:
    """The decimal mark that a cell shows; None where it shows none, or holds no number."""
    text = _clean(text)
    if not _NUMBER.fullmatch(text):
        return None
    return "," if "," in text else "." if "." in text else None


def _slots(name: str, parameter: Parameter) -> dict[str, Slot]:
    types = parameter.types(name)
    if all(flat.startswith(f"{name}.") for flat in types):
        return {flat: Slot(name, flat.removeprefix(f"{name}."), number=True) for flat in types}
    return {name: Slot(name, None, number=types.get(name) == "number")}


def _write_float(value: float) -> str:
    if value == 0 or not 1e-4 <= abs(value) < 1e15:
        return f"{value:.{_DIGITS}g}" if abs(value) < 1 else repr(value)
    decimals = max(0, _DIGITS - 1 - math.floor(math.log10(abs(value))))
    text = f"{value:.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _clean(text: str) -> str:
    return text.strip().translate(_BLANKS)


def _decimal_of(text: str, mark: Mark) -> Decimal | None:
    text = _clean(text)
    if not _NUMBER.fullmatch(text) or (mark is not None and mark_of(text) not in (None, mark)):
        return None
    return Decimal(text.replace(",", "."))


def _number_of(text: str, name: str, mark: Mark, error: type[InvalidTell | OutOfRange], remedy: str = "") -> float:
    number = _decimal_of(text, mark)
    if number is None or not math.isfinite(float(number)):
        raise error(f"{name} is {text.strip()!r}; it is a finite number{remedy}")
    return float(number)
