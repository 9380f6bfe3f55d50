"""Vectors and matrices of real numbers."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any, ClassVar, cast

import numpy as np

from acquisitions.domain.convex import Box, ConvexSet, Product, StandardSimplex
from bbo.errors import InvalidSpace, OutOfRange
from bbo.space.axis import REACH
from bbo.space.expressions.types import Type
from bbo.space.parameter import Array as Numbers
from bbo.space.parameter import Parameter
from surrogates.columns import Column


@dataclass(frozen=True, repr=False)
class Array(Parameter):
    """A vector, matrix or larger array of real numbers, between bounds or within a convex set.

    The value is a list of floats, for a matrix a list of its rows; `numpy.asarray` makes an array of it, and arrays are taken wherever a
    value is. Expressions cannot speak of it; a known constraint on it is a callable.

    In the unit cube each entry has a column. Between bounds, each has its own range. Within a set, decoding gives the nearest point of
    the set; all entries have one range, as wide as the widest (in a `Product`, one for each of its sets), and draws are those of the
    set's `sample`, also where a quasi-random sequence is asked for.

    Args:
        shape: Length of a vector, or the lengths along each axis.
        low: Least values: a number, or an array of that shape.
        high: Greatest values.
        within: A convex set instead of bounds, such as ``bbo.L1Ball(1)``; it need not know its shape.
        when: Condition under which it is active, see `Parameter`.

    Raises:
        InvalidSpace: The shape is malformed, both or neither of bounds and set are given, bounds are not finite or do not leave every
            entry a range, or the set is of another shape, empty or unbounded.
    """

    shape: tuple[int, ...] | int
    low: Any = None
    high: Any = None
    within: ConvexSet | None = None
    tag: ClassVar[str] = "array"
    main: ClassVar[tuple[str, ...]] = ("shape",)

    def __post_init__(self) -> None:
        super().__post_init__()
        shape = tuple(self.shape) if isinstance(self.shape, (list, tuple)) else (self.shape,)
        object.__setattr__(self, "shape", shape)
        if self.within is not None and not isinstance(self.within, ConvexSet):
            raise InvalidSpace(f"Array: within={self.within!r} must be a convex set, such as bbo.L1Ball(1)")
        if self.within is not None and (self.low is not None or self.high is not None):
            raise InvalidSpace("Array: low and high stand beside within; a set has its own bounds, so give one or the other")
        if self.within is None and (self.low is None or self.high is None):
            raise InvalidSpace("Array: give low and high, or within")
        try:
            low, high = self.convex.bounds
            with np.errstate(over="ignore"):
                finite = bool(np.all(np.isfinite(high - low)))
        except ValueError as error:
            raise InvalidSpace(f"Array: {error}") from None
        if not finite:
            raise InvalidSpace("Array: an entry has no finite range")
        if isinstance(self.convex, Box) and self.within is None:
            if not np.all(low < high):
                raise InvalidSpace("Array: an entry holds one value only; low must be less than high everywhere")
            object.__setattr__(self, "low", self.convex.low)
            object.__setattr__(self, "high", self.convex.high)

    @cached_property
    def convex(self) -> ConvexSet:
        """The set of its values, of its shape."""
        return Box(self.low, self.high, shape=self._shape) if self.within is None else self.within.with_shape(self._shape)

    @property
    def size(self) -> int:
        """Number of entries."""
        return math.prod(self._shape)

    @property
    def _shape(self) -> tuple[int, ...]:
        return cast("tuple[int, ...]", self.shape)

    @property
    def columns_wide(self) -> int:
        return self.size

    @property
    def draws(self) -> int:
        return self.size if self.fills(self.convex) else 1

    @property
    def cardinality(self) -> None:
        return None

    @cached_property
    def pieces(self) -> tuple[tuple[ConvexSet, slice], ...]:
        """The sets whose product it is, none of them a `Product`, with their places among the entries."""
        return tuple(_pieces(self.convex, 0))

    @staticmethod
    def fills(piece: ConvexSet) -> bool:
        """Whether a set is the box of its bounds, each entry with a range of its own."""
        return isinstance(piece, Box) and bool(np.all(piece.bounds[0] < piece.bounds[1]))

    @property
    def searchable(self) -> bool:
        """Whether bounds and sums are all that is to be kept."""
        return all(self.fills(piece) or (isinstance(piece, StandardSimplex) and part.stop > part.start + 1) for piece, part in self.pieces)

    @cached_property
    def _axes(self) -> tuple[Numbers, Numbers]:
        low, high = self.convex.bounds.reshape(2, -1)
        offset, scale = low.copy(), high - low
        for piece, place in self.pieces:
            if not self.fills(piece):
                widest = float(scale[place].max()) or 1.0
                offset[place] -= (widest - scale[place]) / 2
                scale[place] = widest
        return offset, scale

    @property
    def offset(self) -> Numbers:
        """Value of each entry at 0 of its column."""
        return self._axes[0]

    @property
    def scale(self) -> Numbers:
        """How much each entry changes from 0 to 1 of its column."""
        return self._axes[1]

    def check(self, value: Any, name: str, *, outside: bool = False) -> list[Any]:
        try:
            x = np.asarray(value)
        except ValueError:  # rows of unlike lengths
            x = np.empty(0, dtype=object)
        if x.dtype.kind not in "iuf" or x.shape != self._shape:
            raise OutOfRange(f"{name}={value!r} must be an array of numbers of shape {self._shape}")
        x = x.astype(float) + 0.0  # no negative zero
        if not np.isfinite(x).all():
            raise OutOfRange(f"{name}={value!r} must hold finite numbers")
        if not outside and not self.convex.contains(x):
            raise OutOfRange(f"{name}={value!r} {self._outside(x, name)}")
        return x.tolist()  # type: ignore[no-any-return]

    def _outside(self, x: Numbers, name: str) -> str:
        if self.within is not None:
            return f"lies outside {self.within!r}"
        low, high = self.convex.bounds
        worst = np.unravel_index(int(np.argmax(np.maximum(low - x, x - high))), self._shape)
        entry = _entry(name, tuple(int(i) for i in worst))
        return f"is out of range; {entry} must lie between {float(low[worst])} and {float(high[worst])}"

    def encode(self, values: Sequence[Any]) -> Numbers:
        X = np.asarray(values, dtype=float).reshape(len(values), self.size)
        return np.clip((X - self.offset) / self.scale, -REACH, 1.0 + REACH)

    def decode(self, U: Numbers) -> list[Any]:
        far = self.offset + self.scale
        X = np.where(U <= 0.5, self.offset + U * self.scale, far - (1.0 - U) * self.scale)  # both ends are met to the last bit
        X = X.reshape(len(U), *self._shape)
        if self.within is None:
            return (self.convex.project(X) + 0.0).tolist()  # type: ignore[no-any-return]
        illegal = ~self.convex.contains(X)
        if illegal.any():
            X[illegal] = self.convex.project(X[illegal])
        return (X + 0.0).tolist()  # type: ignore[no-any-return]

    def draw(self, U: Numbers) -> list[Any]:
        if self.fills(self.convex):
            return self.decode(U)
        return [self.convex.sample(1, np.random.default_rng(int(u * 2**53)))[0].tolist() for u in U[:, 0]]

    def columns(self, name: str) -> tuple[Column, ...]:
        return tuple(Column(_entry(name, index), group=name) for index in np.ndindex(*self._shape))

    def grid(self, resolution: int) -> Iterator[Any]:
        """The combinations of `resolution` values of every entry, within a set each nearest point of it once."""
        values = np.linspace(0, 1, resolution) if resolution > 1 else np.array([0.5])
        met: set[Hashable] = set()
        for u in product(values, repeat=self.size):
            value = self.decode(np.array([u]))[0]
            if self.within is not None:
                key = self.identity(value)
                if key in met:
                    continue
                met.add(key)
            yield value

    def types(self, name: str) -> dict[str, Type]:
        return {name: "label"}

    def identity(self, value: Any) -> Hashable:
        return _nested(value)


def _pieces(convex: ConvexSet, first: int) -> Iterator[tuple[ConvexSet, slice]]:
    if isinstance(convex, Product):
        for part in convex.sets:
            yield from _pieces(part, first)
            first += math.prod(cast(Any, part.shape))
    else:
        yield convex, slice(first, first + math.prod(cast(Any, convex.shape)))


def _entry(name: str, index: tuple[int, ...]) -> str:
    return f"{name}[{','.join(map(str, index))}]"


def _nested(value: Any) -> Hashable:
    return tuple(map(_nested, value)) if isinstance(value, list) else value
