"""Parameters with listed values: `Bool`, `Categorical`, `Ordinal`, and `Fixed` with one."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np

from bbo.errors import InvalidSpace, OutOfRange
from bbo.space.axis import Axis
from bbo.space.expressions import Value
from bbo.space.expressions.types import Type
from bbo.space.parameter import Array, Parameter, finite, plain
from surrogates.columns import Column


def scalar_identity(value: Hashable) -> Hashable:
    """Equal for equal values, with True and 1 kept apart."""
    return ("bool", value) if isinstance(value, bool) else value


def check_scalar(value: Any, where: str) -> Value:
    """A choice as a plain Python scalar.

    Raises:
        InvalidSpace: It is none of None, bool, int, float, str, or is not finite.
    """
    value = plain(value)
    if value is not None and not isinstance(value, (bool, int, float, str)):
        raise InvalidSpace(
            f"{where}: {value!r} is a {type(value).__name__}; choices are None, bool, int, float or str. "
            "Use names, and map them to objects inside the function"
        )
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return finite(value, where, InvalidSpace)
    return value


def _magnitude(values: Sequence[Value]) -> float | None:
    """Largest absolute value of the numbers among these, None when all of them are whole."""
    numbers = [abs(value) for value in values if isinstance(value, (int, float))]
    return None if all(number == int(number) for number in numbers) else max(numbers)


def _listed(values: Any, where: str) -> tuple[Any, ...]:
    if isinstance(values, (str, bytes)) or not isinstance(values, (Sequence, np.ndarray)):
        raise InvalidSpace(f"{where} takes a list of values, got {values!r}")
    if len(values) == 0:
        raise InvalidSpace(f"{where} is empty; list at least one value")
    return tuple(values)


@dataclass(frozen=True, repr=False)
class Categorical(Parameter):
    """One of several values without order.

    Args:
        choices: The values: None, bool, int, float or str, all different (True and 1 are different, 1 and 1.0 are not).
        when: Condition under which it is active, see `Parameter`.

    Raises:
        InvalidSpace: No choices, choices of another type, or the same choice twice.
    """

    choices: Sequence[Value]
    tag: ClassVar[str] = "categorical"
    main: ClassVar[tuple[str, ...]] = ("choices",)

    def __post_init__(self) -> None:
        super().__post_init__()
        choices = tuple(check_scalar(choice, "Categorical: choices") for choice in _listed(self.choices, "Categorical: choices"))
        seen: set[Hashable] = set()
        for choice in choices:
            if scalar_identity(choice) in seen:
                raise InvalidSpace(f"Categorical: {choice!r} stands twice in choices={list(choices)}")
            seen.add(scalar_identity(choice))
        object.__setattr__(self, "choices", choices)

    @cached_property
    def _index(self) -> dict[Hashable, int]:
        return {scalar_identity(choice): k for k, choice in enumerate(self.choices)}

    @property
    def cardinality(self) -> int:
        return len(self.choices)

    def check(self, value: Any, name: str, *, outside: bool = False) -> Value:
        value = plain(value)
        k = self._index.get(scalar_identity(value)) if isinstance(value, Hashable) else None
        if k is None:
            near = get_close_matches(value, [c for c in self.choices if isinstance(c, str)], n=1) if isinstance(value, str) else []
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise OutOfRange(f"{name}={value!r} is not one of the choices {list(self.choices)}{hint}")
        return self.choices[k]

    def encode(self, values: Sequence[Any]) -> Array:
        index, count = self._index, len(self.choices)
        return np.array([[(index[scalar_identity(value)] + 0.5) / count] for value in values])

    def decode(self, U: Array) -> list[Any]:
        count = len(self.choices)
        return [self.choices[k] for k in np.clip(np.floor(U[:, 0] * count), 0, count - 1).astype(int)]

    def columns(self, name: str) -> tuple[Column, ...]:
        count = len(self.choices)
        return (Column(name, "categorical", tuple((k + 0.5) / count for k in range(count))),)

    def grid(self, resolution: int) -> Iterator[Any]:
        yield from self.choices

    @property
    def magnitude(self) -> float | None:
        return _magnitude(self.choices)

    def types(self, name: str) -> dict[str, Type]:
        if all(isinstance(choice, bool) for choice in self.choices):
            return {name: "truth"}
        numbers = all(isinstance(choice, (int, float)) and not isinstance(choice, bool) for choice in self.choices)
        return {name: "number" if numbers else "label"}

    def identity(self, value: Any) -> Hashable:
        return scalar_identity(value)


@dataclass(frozen=True, repr=False)
class Bool(Parameter):
    """True or False."""

    tag: ClassVar[str] = "bool"

    @property
    def cardinality(self) -> int:
        return 2

    def check(self, value: Any, name: str, *, outside: bool = False) -> bool:
        value = plain(value)
        if not isinstance(value, bool):
            raise OutOfRange(f"{name}={value!r} is a {type(value).__name__}; it must be True or False")
        return value

    def encode(self, values: Sequence[Any]) -> Array:
        return np.array([[0.75 if value else 0.25] for value in values])

    def decode(self, U: Array) -> list[Any]:
        return (U[:, 0] >= 0.5).tolist()  # type: ignore[no-any-return]

    def columns(self, name: str) -> tuple[Column, ...]:
        return (Column(name, "categorical", (0.25, 0.75)),)

    def grid(self, resolution: int) -> Iterator[Any]:
        yield from (False, True)

    def types(self, name: str) -> dict[str, Type]:
        return {name: "truth"}


@dataclass(frozen=True, repr=False)
class Ordinal(Parameter):
    """One of several numbers, spaced by their value.

    Args:
        values: Increasing numbers, for instance ``[16, 32, 64, 128]``.
        when: Condition under which it is active, see `Parameter`.

    Raises:
        InvalidSpace: No values, not numbers, not increasing, or two too close to tell apart on the range.
    """

    values: Sequence[float]
    tag: ClassVar[str] = "ordinal"
    main: ClassVar[tuple[str, ...]] = ("values",)

    def __post_init__(self) -> None:
        super().__post_init__()
        values = tuple(finite(value, "Ordinal: values", InvalidSpace) for value in _listed(self.values, "Ordinal: values"))
        object.__setattr__(self, "values", values)
        for below, above in pairwise(values):
            if not below < above:
                what = "stands twice" if below == above else f"comes after {below}"
                raise InvalidSpace(f"Ordinal: values must increase, and {above} {what}; for values without order use Categorical")
        if np.any(np.diff(self._levels) <= 1e-14):
            raise InvalidSpace(f"Ordinal: some of {list(values)} are too close to tell apart; use Categorical")

    @cached_property
    def _axis(self) -> Axis:
        return Axis(float(self.values[0]), float(self.values[-1]))

    @cached_property
    def _levels(self) -> Array:
        return self._axis.encode(self.values) if len(self.values) > 1 else np.array([0.5])

    @property
    def magnitude(self) -> float | None:
        return _magnitude(self.values)

    @property
    def cardinality(self) -> int:
        return len(self.values)

    def check(self, value: Any, name: str, *, outside: bool = False) -> float:
        number = finite(value, name)
        for known in self.values:
            if known == number:
                return known
        if outside:
            return number
        nearest = min(self.values, key=lambda known: abs(known - number))
        raise OutOfRange(f"{name}={number!r} is not one of the values {list(self.values)}; the nearest is {nearest}")

    def encode(self, values: Sequence[Any]) -> Array:
        if len(self.values) == 1:
            return np.full((len(values), 1), 0.5)
        return self._axis.encode(np.asarray(values, dtype=float)[:, None])

    def decode(self, U: Array) -> list[Any]:
        return [self.values[k] for k in np.searchsorted((self._levels[1:] + self._levels[:-1]) / 2, U[:, 0])]

    @property
    def draws(self) -> int:
        return 1

    def draw(self, U: Array) -> list[Any]:
        count = len(self.values)
        return [self.values[k] for k in np.clip(np.floor(U[:, 0] * count), 0, count - 1).astype(int)]

    def columns(self, name: str) -> tuple[Column, ...]:
        return (Column(name, "ordinal", tuple(self._levels.tolist())),)

    def grid(self, resolution: int) -> Iterator[Any]:
        yield from self.values


@dataclass(frozen=True, repr=False)
class Fixed(Parameter):
    """One value, handed to the function with every trial and not encoded.

    Raises:
        InvalidSpace: The value is none of None, bool, int, float, str.
    """

    value: Value
    tag: ClassVar[str] = "fixed"
    main: ClassVar[tuple[str, ...]] = ("value",)
    width: ClassVar[int] = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "value", check_scalar(self.value, "Fixed: value"))

    @property
    def magnitude(self) -> float | None:
        return _magnitude((self.value,))

    @property
    def cardinality(self) -> int:
        return 1

    def check(self, value: Any, name: str, *, outside: bool = False) -> Value:
        value = plain(value)
        if not isinstance(value, Hashable) or scalar_identity(value) != scalar_identity(self.value):
            raise OutOfRange(f"{name}={value!r} differs from its fixed value {self.value!r}")
        return self.value

    def encode(self, values: Sequence[Any]) -> Array:
        return np.empty((len(values), 0))

    def decode(self, U: Array) -> list[Any]:
        return [self.value] * len(U)

    def columns(self, name: str) -> tuple[Column, ...]:
        return ()

    def grid(self, resolution: int) -> Iterator[Any]:
        yield self.value

    def types(self, name: str) -> dict[str, Type]:
        if isinstance(self.value, bool):
            return {name: "truth"}
        return {name: "number" if isinstance(self.value, (int, float)) else "label"}

    def identity(self, value: Any) -> Hashable:
        return scalar_identity(value)
