"""Polytopes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from acquisitions.domain.convex.convex_set import ConvexSet, numbers
from acquisitions.domain.errors import EmptyDomain
from acquisitions.domain.polytope import Polytope as Solid
from acquisitions.domain.shape import Array


@dataclass(frozen=True, repr=False)
class Polytope(ConvexSet):
    """``{x : A x <= b}``, which must be bounded; two opposite inequalities are an equality.

    The oracle gives a vertex by linear programming (HiGHS through SciPy), of equally good ones the one that HiGHS meets. `sample` is
    nearly uniform: independent hit-and-run walks. `diameter` is that of the box around it, an upper bound.

    Args:
        A: One row an inequality, `m x d`.
        b: Right-hand sides, `m`.
        shape: See `ConvexSet`; ``(d,)`` when not given.

    Raises:
        ValueError: Malformed; or, from the first method that has to know, unbounded.
        EmptyDomain: From the first method that has to know: no point satisfies it.
    """

    A: Any
    b: Any

    def __post_init__(self) -> None:
        (A, shape), (b, length) = numbers(self.A, "Polytope: A"), numbers(self.b, "Polytope: b")
        if len(shape) != 2 or length != shape[:1]:
            raise ValueError(f"Polytope: A must be m x d and b of length m; their shapes are {shape} and {length}")
        object.__setattr__(self, "A", A)
        object.__setattr__(self, "b", b)
        if self.shape is None:
            object.__setattr__(self, "shape", shape[1:])
        super().__post_init__()
        if self._size != shape[1]:
            raise ValueError(f"Polytope: shape={self.shape} has {self._size} entries, and A {shape[1]} columns")

    @cached_property
    def _rows_of_unit_norm(self) -> tuple[Array, Array]:
        A, b = np.array(self.A), np.array(self.b)
        size = np.linalg.norm(A, axis=1)
        size[size == 0] = 1.0
        return A / size[:, None], b / size

    @property
    def bounds(self) -> Array:
        return self._ends.reshape(2, *self._shape).copy()

    @cached_property
    def _ends(self) -> Array:
        """Lower and upper bounds, by two linear programs an entry."""
        A, b = self._rows_of_unit_norm
        scale = float(np.abs(b).max()) or 1.0  # tolerances of the solver are absolute
        _program(np.zeros(self._size), A, b / scale)
        ends = np.array([[sign * _program(sign * e, A, b / scale) for e in np.eye(self._size)] for sign in (1.0, -1.0)]) * scale
        return np.sort(ends, axis=0)

    @cached_property
    def _solid(self) -> Solid:
        """The set moved and scaled alike in all directions into the unit box."""
        A, b = self._rows_of_unit_norm
        low, high = self._ends
        b, ends = (b - A @ low) / self._scale, (high - low) / self._scale
        k = self._size
        return Solid(tuple(range(k)), A, b, np.empty((0, k)), np.empty(0), np.zeros(k), ends)

    @cached_property
    def _scale(self) -> float:
        low, high = self._ends
        return float(np.max(high - low)) or 1.0

    def _native(self, Y: Array) -> Array:
        return np.asarray(self._ends[0] + self._scale * Y)

    @property
    def interior_point(self) -> Array:
        """The analytic centre."""
        return self._native(self._solid.centre).reshape(self._shape)

    @property
    def inradius(self) -> float:
        A, b = self._solid.A, self._solid.b
        speed = np.linalg.norm(A @ self._solid.span, axis=1)
        moves = speed > 1e-9
        if not moves.any():
            return 0.0
        return self._scale * float(np.min((b - A @ self._solid.centre)[moves] / speed[moves]))

    @property
    def diameter(self) -> float:
        low, high = self._ends
        return float(np.linalg.norm(high - low))

    @property
    def dimension(self) -> int:
        return int(self._solid.span.shape[1])

    def _violation(self, P: Array) -> Array:
        A, b = self._rows_of_unit_norm
        size = np.abs(A) @ np.abs(self._ends).max(axis=0)
        return np.asarray(np.max((P @ A.T - b) / np.where(size > 0, size, 1.0), axis=1))

    def _project(self, P: Array) -> Array:
        inside = self._violation(P) <= 0
        X = P.copy()
        if not inside.all():
            X[~inside] = self._native(self._solid.project((P[~inside] - self._ends[0]) / self._scale))
        return X

    def _lmo(self, G: Array) -> Array:
        return self._native(self._solid.lmo(G))

    def _sample(self, n: int, rng: np.random.Generator) -> Array:
        return self._native(self._solid.sample(n, rng))

    def _tangent(self, D: Array) -> Array:
        Q = self._solid.span
        return np.asarray(D @ Q @ Q.T)


def _program(cost: Array, A: Array, b: Array) -> float:
    """The least value of a linear function on ``A x <= b``."""
    from scipy.optimize import linprog

    found: Any = linprog(cost, A_ub=A, b_ub=b, bounds=(None, None))
    if found.status == 2:
        raise EmptyDomain(f"Polytope: no point satisfies A x <= b ({found.message})")
    if found.status != 0:
        raise ValueError(f"Polytope: A x <= b is unbounded; add rows for the bounds of its entries ({found.message})")
    return float(found.fun)
