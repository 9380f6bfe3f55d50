"""Products of convex sets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from acquisitions.domain.convex.convex_set import ConvexSet
from acquisitions.domain.shape import Array


@dataclass(frozen=True, repr=False)
class Product(ConvexSet):
    """Vectors whose pieces, one after another, are points of the given sets (matrices row by row).

    Args:
        sets: The sets, each of a known shape.
        shape: The sum of their sizes, which need not be said.
    """

    sets: Sequence[ConvexSet]

    def __post_init__(self) -> None:
        sets = tuple(self.sets)
        if not sets or not all(isinstance(part, ConvexSet) for part in sets):
            raise ValueError(f"Product: sets={self.sets!r} must be convex sets, at least one")
        object.__setattr__(self, "sets", sets)
        size = sum(part._size for part in sets)  # raises where a shape is missing
        if self.shape is None:
            object.__setattr__(self, "shape", (size,))
        super().__post_init__()
        if self.shape != (size,):
            raise ValueError(f"Product: shape={self.shape} must be ({size},), the sum of the sizes of the sets")

    def split(self, X: ArrayLike) -> list[Array]:
        """The pieces of points, each in the shape of its set."""
        points = np.asarray(X, dtype=float)
        return [piece.reshape(*points.shape[:-1], *part._shape) for part, piece in zip(self.sets, self._pieces(points), strict=True)]

    @property
    def bounds(self) -> Array:
        return np.concatenate([part.bounds.reshape(2, -1) for part in self.sets], axis=1)

    @property
    def interior_point(self) -> Array:
        return np.concatenate([part.interior_point.reshape(-1) for part in self.sets])

    @property
    def inradius(self) -> float:
        """That of the smallest set which is more than one point."""
        return min((part.inradius for part in self.sets if part.inradius > 0), default=0.0)

    @property
    def diameter(self) -> float:
        return float(np.linalg.norm([part.diameter for part in self.sets]))

    @property
    def dimension(self) -> int:
        return sum(part.dimension for part in self.sets)

    def _pieces(self, P: Array) -> list[Array]:
        return np.split(P, np.cumsum([part._size for part in self.sets])[:-1], axis=-1)

    def _joined(self, pieces: list[Array]) -> Array:
        return np.concatenate([X.reshape(len(X), part._size) for part, X in zip(self.sets, pieces, strict=True)], axis=1)

    def _violation(self, P: Array) -> Array:
        pieces = zip(self.sets, self.split(P), strict=True)
        return np.asarray(np.max([part._violation(part._rows(X)[1]) for part, X in pieces], axis=0))

    def _project(self, P: Array) -> Array:
        return self._joined([part.project(X) for part, X in zip(self.sets, self.split(P), strict=True)])

    def _lmo(self, G: Array) -> Array:
        return self._joined([part.lmo(X) for part, X in zip(self.sets, self.split(G), strict=True)])

    def _sample(self, n: int, rng: np.random.Generator) -> Array:
        return self._joined([part.sample(n, rng) for part in self.sets])

    def _tangent(self, D: Array) -> Array:
        return self._joined([part.tangent(X) for part, X in zip(self.sets, self.split(D), strict=True)])
