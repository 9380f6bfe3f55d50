"""Boxes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from acquisitions.domain.convex.convex_set import ConvexSet, numbers
from acquisitions.domain.shape import Array


@dataclass(frozen=True, repr=False)
class Box(ConvexSet):
    """``{x : low <= x <= high}``, entry by entry.

    The oracle takes the lower end where g > 0 and the upper end elsewhere.

    Args:
        low: Lower ends, a number or an array of the shape of a point.
        high: Upper ends; where they equal the lower ones, entries stand still.
        shape: See `ConvexSet`; known from `low` and `high` when one of them is an array.
    """

    low: Any
    high: Any

    def __post_init__(self) -> None:
        for name in ("low", "high"):
            value, shape = numbers(getattr(self, name), f"Box: {name}")
            object.__setattr__(self, name, value)
            if shape and self.shape is None:
                object.__setattr__(self, "shape", shape)
        super().__post_init__()
        for value in (np.asarray(self.low), np.asarray(self.high)):
            if value.ndim and value.shape != self.shape:
                raise ValueError(f"Box: low={self.low!r} and high={self.high!r} must be numbers or arrays of one shape ({self.shape})")
        if np.any(np.asarray(self.low) > np.asarray(self.high)):
            raise ValueError(f"Box: low={self.low!r} lies above high={self.high!r}")

    @property
    def bounds(self) -> Array:
        return np.stack([np.broadcast_to(np.asarray(end, dtype=float), self._shape) for end in (self.low, self.high)])

    @property
    def interior_point(self) -> Array:
        return np.asarray(self.bounds[0] + (self.bounds[1] - self.bounds[0]) / 2)

    @property
    def inradius(self) -> float:
        wide = self._width[self._width > 0]
        return float(wide.min()) / 2 if len(wide) else 0.0

    @property
    def diameter(self) -> float:
        return float(np.linalg.norm(self._width))

    @property
    def dimension(self) -> int:
        return int((self._width > 0).sum())

    @property
    def _width(self) -> Array:
        low, high = self._ends
        return np.asarray(high - low)

    @property
    def _ends(self) -> Array:
        return self.bounds.reshape(2, -1)

    def _violation(self, P: Array) -> Array:
        low, high = self._ends
        size = np.maximum(np.abs(low), np.abs(high))
        return np.asarray(np.max(np.maximum(low - P, P - high) / np.where(size > 0, size, 1.0), axis=1))

    def _project(self, P: Array) -> Array:
        return np.clip(P, *self._ends)

    def _lmo(self, G: Array) -> Array:
        return np.asarray(np.where(G > 0, *self._ends))

    def _sample(self, n: int, rng: np.random.Generator) -> Array:
        low, high = self._ends
        return np.asarray(np.clip(low + rng.random((n, self._size)) * (high - low), low, high))

    def _tangent(self, D: Array) -> Array:
        return np.where(self._width > 0, D, 0.0)
