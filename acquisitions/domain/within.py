"""A convex set on some columns of a domain."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from acquisitions.domain.convex import ConvexSet
from acquisitions.domain.shape import TOLERANCE, Array, Mask


@dataclass(frozen=True, eq=False)
class Within:
    """Points P for which ``offset + scale * P`` lies in a convex set; one scale for all columns, so that nearest stays nearest.

    Args:
        columns: Indices of the columns, as many as the set has entries.
        convex: The set, of a known shape, in its own units.
        offset: Its units at zero, one a column.
        scale: Its units in one unit of the domain.
    """

    columns: tuple[int, ...]
    convex: ConvexSet
    offset: Array
    scale: float

    @property
    def centre(self) -> Array:
        """A point deep inside, one entry a column."""
        return np.asarray(self._units(self.convex.interior_point[None, ...])[0])

    def contains(self, P: Array, tol: float = TOLERANCE) -> Mask:
        """Which points lie in the set, up to `tol` relative to its size."""
        return self.convex.contains(self._native(self.offset + self.scale * P), tol)

    def sample(self, n: int, rng: np.random.Generator) -> Array:
        """Independent points, distributed as the set's class says."""
        return self._units(self.convex.sample(n, rng))

    def project(self, P: Array) -> Array:
        """The nearest points of the set."""
        return self._units(self.convex.project(self._native(self.offset + self.scale * P)))

    def lmo(self, G: Array) -> Array:
        """A minimizer of ``<g, x>`` for each row g."""
        return self._units(self.convex.lmo(self._native(G)))

    def tangent(self, D: Array) -> Array:
        """Directions projected onto the span of the differences of points."""
        return self.convex.tangent(self._native(D)).reshape(D.shape)

    def _native(self, P: Array) -> Array:
        assert isinstance(self.convex.shape, tuple)
        return P.reshape(len(P), *self.convex.shape)

    def _units(self, X: Array) -> Array:
        return (X.reshape(len(X), len(self.columns)) - self.offset) / self.scale
