"""The standard simplex, scaled."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from acquisitions.domain.convex.convex_set import ConvexSet, positive
from acquisitions.domain.shape import Array
from acquisitions.domain.simplex import onto_simplex


@dataclass(frozen=True, repr=False)
class StandardSimplex(ConvexSet):
    """``{x : x >= 0, sum(x) == total}``.

    The oracle puts all of it on the entry with the smallest g, of equal ones the first.

    Args:
        total: What the entries add up to.
        shape: See `ConvexSet`.
    """

    total: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "total", positive(self.total, "StandardSimplex: total"))
        super().__post_init__()

    @property
    def bounds(self) -> Array:
        return np.stack([np.full(self._shape, 0.0 if self._size > 1 else self.total), np.full(self._shape, self.total)])

    @property
    def interior_point(self) -> Array:
        return np.full(self._shape, self.total / self._size)

    @property
    def inradius(self) -> float:
        return self.total / math.sqrt(self._size * (self._size - 1)) if self._size > 1 else 0.0

    @property
    def diameter(self) -> float:
        return self.total * math.sqrt(2.0) if self._size > 1 else 0.0

    @property
    def dimension(self) -> int:
        return self._size - 1

    def _violation(self, P: Array) -> Array:
        return np.asarray(np.maximum(-P.min(axis=1), np.abs(P.sum(axis=1) - self.total)) / self.total)

    def _project(self, P: Array) -> Array:
        return scaled_to(P, self.total)

    def _lmo(self, G: Array) -> Array:
        X = np.zeros_like(G)
        X[np.arange(len(G)), np.argmin(G, axis=1)] = self.total
        return X

    def _sample(self, n: int, rng: np.random.Generator) -> Array:
        E = rng.standard_exponential((n, self._size))  # Devroye 1986, chapter V.2
        return np.asarray(self.total * E / E.sum(axis=1, keepdims=True))

    def _tangent(self, D: Array) -> Array:
        return np.asarray(D - D.mean(axis=1, keepdims=True))


def scaled_to(P: Array, total: float) -> Array:
    """Rows projected onto ``{x >= 0, sum(x) == total}``, their sums exact up to rounding for entries of any size."""
    X = onto_simplex(P - P.max(axis=1, keepdims=True), total)  # adding a constant to all entries changes nothing but rounding
    return np.asarray(X * (total / X.sum(axis=1, keepdims=True)))
