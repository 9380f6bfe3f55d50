"""Numbers with a range: `Float` and `Int`."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import KW_ONLY, dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from bbo.errors import InvalidSpace, OutOfRange
from bbo.space.axis import REACH, Axis
from bbo.space.parameter import Array, Parameter, evenly, finite
from surrogates.columns import Column

_MAX_LEVELS = 2**48  # beyond, neighbouring levels are no longer told apart in the unit interval


@dataclass(frozen=True, repr=False)
class Float(Parameter):
    """A real number in ``[low, high]``.

    Args:
        low: Least value.
        high: Greatest value.
        log: Whether it acts on a logarithmic scale; `low` must then be positive.
        step: Only ``low, low + step, ...`` up to `high` are allowed, computed in decimal.
        unit: Unit shown to people, such as ``"°C"``.
        input_sd: Standard deviation, in the unit of the range, with which the value is really set: normal, cut off at four of them and
            held inside the range.
        when: Condition under which it is active, see `Parameter`.

    Raises:
        InvalidSpace: The range is empty, reversed or not finite, `log` with ``low <= 0`` or with `step`, a `step` that does not
            lead from `low` to `high`.
    """

    low: float
    high: float
    _: KW_ONLY
    log: bool = False
    step: float | None = None
    unit: str = ""
    input_sd: float | None = None
    tag: ClassVar[str] = "float"
    main: ClassVar[tuple[str, ...]] = ("low", "high")

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_range(self)
        for field in ("low", "high", "step", "input_sd"):
            if getattr(self, field) is not None:
                object.__setattr__(self, field, float(getattr(self, field)) + 0.0)  # no negative zero
        if self.step is not None:
            _check_step(self)

    @cached_property
    def position_axis(self) -> Axis:
        """The range as a map to the unit interval."""
        return Axis(self.low, self.high, self.log)

    @property
    def magnitude(self) -> float:
        return max(abs(self.low), abs(self.high))

    @property
    def cardinality(self) -> int | None:
        return None if self.step is None else _count(self)

    def check(self, value: Any, name: str, *, outside: bool = False) -> float:
        number = float(finite(value, name)) + 0.0
        if outside:
            return number
        _check_inside(self, number, name)
        return number if self.step is None else float(_on_grid(self, number, name))

    def encode(self, values: Sequence[Any]) -> Array:
        x = np.asarray(values, dtype=float)[:, None]
        return self.position_axis.encode(x) if self.step is None else _encode_grid(self, x)

    def decode(self, U: Array) -> list[Any]:
        if self.step is None:
            return self.position_axis.decode(U[:, 0]).tolist()  # type: ignore[no-any-return]
        return [float(_level(self, k)) for k in _cells(U[:, 0], _count(self))]

    def columns(self, name: str) -> tuple[Column, ...]:
        return (Column(name) if self.step is None else Column(name, "integer", evenly(_count(self))),)

    def grid(self, resolution: int) -> Iterator[Any]:
        if self.step is None:
            yield from self.decode(np.linspace(0, 1, resolution)[:, None] if resolution > 1 else np.array([[0.5]]))
        else:
            yield from (float(_level(self, k)) for k in range(_count(self)))


@dataclass(frozen=True, repr=False)
class Int(Parameter):
    """A whole number in ``[low, high]``, both included.

    The arguments are those of `Float`. In the unit interval the k-th of K values stands in the middle of the k-th of K cells,
    which are equally wide, or equally wide in the logarithm of the value when `log`.

    Raises:
        InvalidSpace: As for `Float`, or an end of the range is not whole, or the range is too long to tell its values apart.
    """

    low: int
    high: int
    _: KW_ONLY
    log: bool = False
    step: int | None = None
    unit: str = ""
    input_sd: float | None = None
    tag: ClassVar[str] = "int"
    main: ClassVar[tuple[str, ...]] = ("low", "high")

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_range(self)
        for field in ("low", "high", "step"):
            value = getattr(self, field)
            if value is None:
                continue
            if value != int(value):
                raise InvalidSpace(f"Int: {field}={value!r} is not a whole number; use Float")
            object.__setattr__(self, field, int(value))
        if self.step is not None:
            _check_step(self)
        finest = 2**-48 * self.high * math.log(self.high / self.low) if self.log else 0.0  # rounding error, in levels
        if _count(self) > _MAX_LEVELS or finest > 1.0:
            raise InvalidSpace(f"Int({self.low}, {self.high}) has too many values to tell apart; use Float, or a step")

    @cached_property
    def position_axis(self) -> Axis:
        """The map to the unit interval when `log`: the cells of the values, side by side."""
        return Axis(self.low - 0.5, self.high + 0.5, log=True)

    @property
    def cardinality(self) -> int:
        return _count(self)

    def check(self, value: Any, name: str, *, outside: bool = False) -> int:
        number = finite(value, name)
        if number != int(number):
            raise OutOfRange(f"{name}={value!r} is not a whole number; the nearest is {round(number)}")
        number = int(number)
        if outside:
            return number
        _check_inside(self, number, name)
        return number if self.step is None else int(_on_grid(self, number, name))

    def encode(self, values: Sequence[Any]) -> Array:
        x = np.asarray(values, dtype=float)[:, None]
        return self.position_axis.encode(x) if self.log else _encode_grid(self, x)

    def decode(self, U: Array) -> list[Any]:
        if self.log:
            return [int(x) for x in np.clip(np.rint(self.position_axis.decode(U[:, 0])), self.low, self.high)]
        return [int(_level(self, k)) for k in _cells(U[:, 0], _count(self))]

    def columns(self, name: str) -> tuple[Column, ...]:
        levels = evenly(_count(self))
        if self.log and levels:
            levels = tuple(self.encode(range(self.low, self.high + 1))[:, 0].tolist())
        return (Column(name, "integer", levels),)

    def grid(self, resolution: int) -> Iterator[Any]:
        yield from (int(_level(self, k)) for k in range(_count(self)))


_Numeric = Float | Int


def _check_range(p: _Numeric) -> None:
    kind = type(p).__name__
    for field, kind_of_field in (("log", bool), ("unit", str)):
        if not isinstance(getattr(p, field), kind_of_field):
            raise InvalidSpace(f"{kind}: {field}={getattr(p, field)!r} must be a {kind_of_field.__name__}")
    for field in ("low", "high"):
        finite(getattr(p, field), f"{kind}: {field}", InvalidSpace)
    if not p.low < p.high:
        what = "is reversed" if p.low > p.high else "holds one value only"
        raise InvalidSpace(f"{kind}: the range low={p.low}, high={p.high} {what}; low must be less than high (for one value use Fixed)")
    if p.log and p.low <= 0:
        raise InvalidSpace(f"{kind}: log=True needs low > 0, got low={p.low}")
    if p.log and p.step is not None:
        raise InvalidSpace(f"{kind}: log=True and step={p.step} exclude each other; list the values in an Ordinal")
    for field in ("step", "input_sd"):
        value = getattr(p, field)
        if value is not None and finite(value, f"{kind}: {field}", InvalidSpace) <= 0:
            raise InvalidSpace(f"{kind}: {field}={value} must be positive")


def _check_step(p: _Numeric) -> None:
    steps = (_decimal(p.high) - _decimal(p.low)) / _decimal(p.step)
    if steps > _MAX_LEVELS:
        raise InvalidSpace(f"{type(p).__name__}: step={p.step} is too small for the range {p.low} to {p.high}")
    if abs(steps - round(steps)) > Decimal("1e-9") or round(steps) == 0:
        below = _decimal(p.low) + math.floor(steps) * _decimal(p.step)
        raise InvalidSpace(
            f"{type(p).__name__}: step={p.step} does not lead from low={p.low} to high={p.high}; "
            f"use high={below if below > _decimal(p.low) else below + _decimal(p.step)}"
        )


def _decimal(x: float | None) -> Decimal:
    return Decimal(repr(x))


def _count(p: _Numeric) -> int:
    """Number of values of a parameter that has finitely many."""
    return p.high - p.low + 1 if p.step is None and isinstance(p, Int) else _steps(p) + 1


def _steps(p: _Numeric) -> int:
    return round((_decimal(p.high) - _decimal(p.low)) / _decimal(p.step))


def _level(p: _Numeric, k: int) -> float | Decimal:
    """The k-th value; in decimal, so that 0.1 + 2 * 0.1 is 0.3."""
    if isinstance(p, Int):
        return p.low + k * (p.step or 1)
    return p.high if k == _steps(p) else _decimal(p.low) + k * _decimal(p.step)


def _cells(u: Array, levels: int) -> list[int]:
    return np.clip(np.floor(u * levels), 0, levels - 1).astype(int).tolist()  # type: ignore[no-any-return]


def _encode_grid(p: _Numeric, x: Array) -> Array:
    levels = _count(p)
    k = (x - p.low) / (p.step or 1)
    nearest = np.rint(k)  # values on the grid stand exactly in the middle of their cell
    k = np.where(np.abs(k - nearest) < 1e-6, nearest, k)
    return np.clip((k + 0.5) / levels, -REACH, 1.0 + REACH)


def _check_inside(p: _Numeric, number: float, name: str) -> None:
    if not p.low <= number <= p.high:
        unit = f" {p.unit}" if p.unit else ""
        raise OutOfRange(f"{name}={number!r} is out of range; it must lie between {p.low} and {p.high}{unit}")


def _on_grid(p: _Numeric, number: float, name: str) -> float | Decimal:
    assert p.step is not None
    k = (number - p.low) / p.step
    if abs(k - round(k)) > 1e-6:
        below, above = _level(p, math.floor(k)), _level(p, min(math.ceil(k), _steps(p)))
        raise OutOfRange(f"{name}={number!r} is not on the grid of step {p.step} from {p.low}; the nearest values are {below} and {above}")
    return _level(p, round(k))
