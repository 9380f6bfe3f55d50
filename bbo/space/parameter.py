"""What every kind of parameter can do: check a value, encode and decode it, draw it, list it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from bbo.errors import InvalidSpace, OutOfRange
from bbo.space.expressions import Value
from bbo.space.expressions.types import Type
from surrogates.columns import Column, Role

Array = NDArray[np.float64]
When = str | Mapping[str, Any] | None


@dataclass(frozen=True, kw_only=True)
class Parameter(ABC):
    """An input of the function.

    A condition `when` is an equality (``{"kernel": "poly"}``), membership (``{"kernel": ["poly", "rbf"]}``), several of these at
    once, or an expression (``"layers >= 2"``). While it does not hold, or a parameter in it is inactive, this one is inactive
    too: absent from the trial, so that the function uses its own default.
    """

    when: When = None
    tag: ClassVar[str]  # the key that names this kind in JSON and in study files
    main: ClassVar[tuple[str, ...]] = ()  # the fields that stand under the tag; all others stand under their own names
    width: ClassVar[int] = 1

    def __post_init__(self) -> None:
        if isinstance(self.when, Mapping):
            object.__setattr__(self, "when", {name: list(v) if isinstance(v, (list, tuple)) else v for name, v in self.when.items()})

    def __repr__(self) -> str:
        given = [repr(getattr(self, f.name)) for f in fields(self) if f.default is MISSING]
        options = [f"{f.name}={getattr(self, f.name)!r}" for f in fields(self) if f.default not in (MISSING, getattr(self, f.name))]
        return f"{type(self).__name__}({', '.join(given + options)})"

    @property
    def role(self) -> Role:
        """What the input stands for in the experiment."""
        return "decision"

    @property
    def columns_wide(self) -> int:
        """Number of columns of the encoding."""
        return self.width

    @property
    def draws(self) -> int:
        """How many uniform numbers one draw takes."""
        return self.columns_wide

    @property
    def magnitude(self) -> float | None:
        """Largest absolute value of what expressions see of it; None when that is always a whole number."""
        return None

    @property
    @abstractmethod
    def cardinality(self) -> int | None:
        """Number of different values, None when infinite."""

    @abstractmethod
    def check(self, value: Any, name: str, *, outside: bool = False) -> Any:
        """The value as a plain Python object of the canonical type.

        Raises:
            OutOfRange: It is of a wrong type or, unless `outside`, out of range.
        """

    @abstractmethod
    def encode(self, values: Sequence[Any]) -> Array:
        """Checked values as rows of the unit cube (`n x columns_wide`); values outside the range extrapolate."""

    @abstractmethod
    def decode(self, U: Array) -> list[Any]:
        """Legal values nearest to rows U (`n x columns_wide`) of the unit cube."""

    def draw(self, U: Array) -> list[Any]:
        """Values whose distribution is uniform over the legal ones when U (`n x draws`) is uniform in [0, 1)."""
        return self.decode(U)

    @abstractmethod
    def columns(self, name: str) -> tuple[Column, ...]:
        """The columns of the encoding, without role and condition."""

    @abstractmethod
    def grid(self, resolution: int) -> Iterator[Any]:
        """The values in order, or `resolution` of them evenly spread when they are infinitely many."""

    def types(self, name: str) -> Mapping[str, Type]:
        """The names by which expressions may speak of the value, with their types."""
        return {name: "number"}

    def flat(self, name: str, value: Any) -> Mapping[str, Value]:
        """The value under the names of `types`."""
        return {name: value}

    def identity(self, value: Any) -> Hashable:
        """A hashable that is equal for equal checked values only."""
        return value  # type: ignore[no-any-return]


def plain(value: Any) -> Any:
    """NumPy scalars as Python scalars; everything else as it is."""
    return value.item() if isinstance(value, np.generic) else value


def finite(value: Any, name: str, error: type[InvalidSpace | OutOfRange] = OutOfRange) -> int | float:
    """`value` as a finite Python number.

    Raises:
        error: It is a bool, no number, NaN or infinite.
    """
    value = plain(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise error(f"{name}={value!r} is a {type(value).__name__}; it must be a number")
    try:
        good = abs(float(value)) < float("inf")
    except OverflowError:
        good = False
    if not good:
        raise error(f"{name}={value!r} must be a finite number")
    return value


def evenly(levels: int) -> tuple[float, ...]:
    """Centres of `levels` equal cells of the unit interval; empty when they are too many to list."""
    return tuple((k + 0.5) / levels for k in range(levels)) if levels <= MAX_LISTED else ()


MAX_LISTED = 1024
"""Columns with more numeric levels than this do not list them."""
