"""The contract of a shape: a set of points on some columns of a domain."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

TOLERANCE = 1e-9
"""How far, relative to its size, a point may lie outside a set and still count as inside."""


class Shape(Protocol):
    """A set of points over `columns`; all arrays hold these columns only (`n x k`), in the units of the domain."""

    @property
    def columns(self) -> tuple[int, ...]:
        """Indices of the columns it governs."""

    def contains(self, P: Array) -> Mask:
        """Which points lie in the set."""

    def sample(self, n: int, rng: np.random.Generator) -> Array:
        """Independent uniform points."""

    def project(self, P: Array) -> Array:
        """The nearest points of the set in the Euclidean norm."""

    def lmo(self, G: Array) -> Array:
        """A point of the set that minimizes ``<g, x>``, for each row g: the linear minimization oracle."""
