"""Mixtures: named shares that add up to a total."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, pairwise
from typing import Any, ClassVar

import numpy as np

from acquisitions.domain.simplex import Simplex as Shape
from bbo.errors import InvalidSpace, OutOfRange
from bbo.space.axis import REACH
from bbo.space.expressions import Value
from bbo.space.expressions.types import Type
from bbo.space.parameter import MAX_LISTED, Array, Parameter, finite
from surrogates.columns import Column, Kind

_ENTERED = 1e-6  # how far, relative to the total, shares typed in by people may add up to something else


@dataclass(frozen=True, repr=False)
class Simplex(Parameter):
    """A mixture: a dict of non-negative shares that add up to `total`. Expressions write ``mix.THF`` for one share.

    Args:
        names: The components.
        total: What the shares add up to.
        max_nonzero: At most so many components are used.
        min_share: A component is left out, or its share is at least this (in the unit of `total`).
        step: Shares are whole multiples of this (in the unit of `total`).
        when: Condition under which it is active, see `Parameter`.

    Raises:
        InvalidSpace: Fewer than two components, one named twice, a total, step or least share that is not positive, a step that
            does not divide the total, or restrictions that no mixture meets.
    """

    names: Sequence[str]
    total: float = 1.0
    max_nonzero: int | None = None
    min_share: float | None = None
    step: float | None = None
    tag: ClassVar[str] = "simplex"
    main: ClassVar[tuple[str, ...]] = ("names",)

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.names, str) or not isinstance(self.names, Sequence) or len(self.names) < 2:
            raise InvalidSpace(f"Simplex: names={self.names!r} must list at least two components")
        for name in self.names:
            if not isinstance(name, str) or not name.strip() or "`" in name:
                raise InvalidSpace(f"Simplex: the component {name!r} must be a non-empty string without backquotes")
        if len(set(self.names)) < len(self.names):
            raise InvalidSpace(f"Simplex: a component stands twice in names={list(self.names)}")
        object.__setattr__(self, "names", tuple(self.names))
        for field in ("total", "min_share", "step"):
            value = getattr(self, field)
            if value is None:
                continue
            if finite(value, f"Simplex: {field}", InvalidSpace) <= 0:
                raise InvalidSpace(f"Simplex: {field}={value} must be positive")
            object.__setattr__(self, field, float(value))
        most = self.max_nonzero
        if most is not None and (isinstance(most, bool) or not isinstance(most, int) or not 1 <= most <= len(self.names)):
            raise InvalidSpace(f"Simplex: max_nonzero={most!r} must be a whole number from 1 to {len(self.names)}")
        if self.step is not None and abs(self.total / self.step - round(self.total / self.step)) > 1e-9 * self.total / self.step:
            raise InvalidSpace(f"Simplex: step={self.step} does not divide total={self.total}")
        if (self.min_share or 0.0) > self.total or self.shape.support < 1:
            raise InvalidSpace(f"Simplex: min_share={self.min_share} leaves no mixture of total={self.total}")

    @cached_property
    def shape(self) -> Shape:
        """The set of legal mixtures."""
        return Shape(tuple(range(len(self.names))), self.total, self.max_nonzero, self.min_share or 0.0, self.step)

    @property
    def columns_wide(self) -> int:
        return len(self.names)

    @property
    def draws(self) -> int:
        return self.shape.draws

    @property
    def magnitude(self) -> float:
        return self.total

    @property
    def cardinality(self) -> int | None:
        return self.shape.cardinality

    def check(self, value: Any, name: str, *, outside: bool = False) -> dict[str, float]:
        if not isinstance(value, Mapping):
            raise OutOfRange(f"{name}={value!r} must map each of {', '.join(self.names)} to its share")
        unknown = [repr(key) for key in value if key not in self.names]
        missing = [key for key in self.names if key not in value]
        if unknown or missing:
            what = f"unknown component {', '.join(unknown)}" if unknown else f"no share of {', '.join(missing)}"
            raise OutOfRange(f"{name}: {what}; the components are {', '.join(self.names)}")
        shares = np.array([float(finite(value[key], f"{name}.{key}")) + 0.0 for key in self.names])
        if not outside:
            shares = self._legal(shares, name)
        return dict(zip(self.names, shares.tolist(), strict=True))

    def _legal(self, shares: Array, name: str) -> Array:
        slack, shape = _ENTERED * self.total, self.shape
        for key, share in zip(self.names, shares.tolist(), strict=True):
            if share < 0:
                raise OutOfRange(f"{name}.{key}={share} is negative")
            if 0 < share < shape.min_share - slack:
                raise OutOfRange(f"{name}.{key}={share} is less than min_share={self.min_share}; leave the component out with 0")
            if self.step is not None and abs(share / self.step - round(share / self.step)) > 1e-6:
                raise OutOfRange(f"{name}.{key}={share} is not a multiple of step={self.step}")
        if abs(math.fsum(shares) - self.total) > slack:
            raise OutOfRange(f"{name}: the shares add up to {math.fsum(shares)}; they must add up to total={self.total}")
        if self.max_nonzero is not None and np.count_nonzero(shares) > self.max_nonzero:
            used = ", ".join(key for key, share in zip(self.names, shares, strict=True) if share)
            raise OutOfRange(
                f"{name}: {np.count_nonzero(shares)} components are used ({used}); at most max_nonzero={self.max_nonzero} may be"
            )
        return self._settled(shares)

    def _settled(self, shares: Array) -> Array:
        """Shares that are legal up to rounding, on the grid or with their exact sum."""
        if self.step is not None:
            return np.array([self.shape.level(round(share / self.step)) for share in shares.tolist()])
        added = math.fsum(shares)
        exact = abs(added - self.total) <= 0.5e-15 * len(shares) * self.total
        return np.minimum(shares if exact else shares * (self.total / added), self.total)

    def encode(self, values: Sequence[Any]) -> Array:
        shares = np.array([[value[key] for key in self.names] for value in values])
        return np.clip(shares / self.total, -REACH, 1.0 + REACH)

    def decode(self, U: Array) -> list[Any]:
        shares = U * self.total
        illegal = ~self.shape.contains(shares)
        if illegal.any():
            shares[illegal] = self.shape.project(shares[illegal])
        return self._dicts(np.array([self._settled(np.maximum(row, 0.0)) for row in shares]).reshape(shares.shape))

    def draw(self, U: Array) -> list[Any]:
        return self._dicts(self.shape.from_uniform(U))

    def _dicts(self, shares: Array) -> list[Any]:
        return [dict(zip(self.names, row, strict=True)) for row in shares.tolist()]

    def columns(self, name: str) -> tuple[Column, ...]:
        units = self.shape.units
        levels = tuple(k / units for k in range(units + 1)) if self.step is not None and units < MAX_LISTED else ()
        kind: Kind = "continuous" if self.step is None else "integer"
        return tuple(Column(f"{name}.{key}", kind, levels, group=name) for key in self.names)

    def grid(self, resolution: int) -> Iterator[Any]:
        """The mixtures in multiples of the step, or of ``1 / (resolution - 1)`` of the total, that meet the restrictions."""
        units = self.shape.units if self.step is not None else max(resolution - 1, 1)
        for bars in combinations(range(units + len(self.names) - 1), len(self.names) - 1):
            edges = (-1, *bars, units + len(self.names) - 1)
            parts = [right - left - 1 for left, right in pairwise(edges)]
            shares = np.array([self.shape.level(part) if self.step is not None else self.total * part / units for part in parts])
            if self.shape.contains(shares[None, :])[0]:
                yield dict(zip(self.names, shares.tolist(), strict=True))

    def types(self, name: str) -> dict[str, Type]:
        return {f"{name}.{key}": "number" for key in self.names}

    def flat(self, name: str, value: Any) -> dict[str, Value]:
        return {f"{name}.{key}": share for key, share in value.items()}

    def identity(self, value: Any) -> Hashable:
        return tuple(value[key] for key in self.names)
