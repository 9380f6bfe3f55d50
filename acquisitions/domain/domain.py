"""A search space as a set of arrays: columns, bounds, linear and opaque constraints, and shapes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from acquisitions.domain.box import Box
from acquisitions.domain.errors import UnsupportedDomain
from acquisitions.domain.polytope import Polytope
from acquisitions.domain.shape import TOLERANCE, Array, Mask, Shape
from acquisitions.domain.simplex import Simplex
from surrogates.columns import Columns

_BATCHES = 200  # of rejection sampling before giving up


@dataclass(frozen=True, eq=False)
class Linear:
    """``low <= coefficients @ x <= high``, in the units of the domain.

    Args:
        coefficients: One a column, shape ``d``.
        low: Lower bound, perhaps minus infinity.
        high: Upper bound, perhaps infinity.
        text: What it is called in messages.
        strict: Whether the bounds themselves are left out, for methods that go to the boundary; `holds` does not tell that from rounding.
    """

    coefficients: Array
    low: float
    high: float
    text: str = ""
    strict: bool = False

    def holds(self, X: Array, size: Array) -> Mask:
        """At which rows it holds, up to rounding where entries are as large as `size` (shape ``d``)."""
        value = X @ self.coefficients
        slack = TOLERANCE * float(size @ np.abs(self.coefficients))
        mask: Mask = (value >= self.low - slack) & (value <= self.high + slack)
        return mask


@dataclass(frozen=True, eq=False)
class Opaque:
    """A constraint that is not linear: whether it holds, and perhaps by how much it is broken.

    Args:
        check: Maps rows (`n x d`) to a mask.
        text: What it is called in messages.
        excess: A smooth function of rows (`n x d`, between levels too) to numbers (`n`) that are at most zero where it holds, so that
            searches can follow its boundary; None where only the check is known.
    """

    check: Callable[[Array], Mask]
    text: str = ""
    excess: Callable[[Array], Array] | None = None

    def holds(self, X: Array, size: Array) -> Mask:
        """At which rows it holds; the size of entries does not matter."""
        return self.check(X)


@dataclass(frozen=True, eq=False)
class Domain:
    """A set of points (rows of `n x d` arrays) in the units of its bounds.

    Inactive entries of a tree stand in the middle of their bounds.

    Args:
        columns: What the columns mean; levels and parents' values in the units of the domain.
        bounds: Lower and upper ends, `2 x d`.
        constraints: What holds beside the shapes.
        shapes: Sets whose product the domain is, each column in exactly one.
    """

    columns: Columns
    bounds: Array
    constraints: tuple[Linear | Opaque, ...] = ()
    shapes: tuple[Shape, ...] = ()

    @property
    def d(self) -> int:
        """Number of columns."""
        return len(self.columns)

    @property
    def opaque(self) -> bool:
        """Whether some constraint is not linear in these units."""
        return any(isinstance(constraint, Opaque) for constraint in self.constraints)

    def contains(self, X: ArrayLike) -> Mask:
        """Which rows lie in the domain, up to rounding; the values of inactive entries do not matter."""
        points = np.asarray(X, dtype=float)
        inside = np.ones(len(points), dtype=bool)
        active = self.columns.active(points)
        unlisted = list(self.columns.unlisted)
        active[:, unlisted] &= points[:, unlisted] != self.bounds.mean(axis=0)[unlisted]  # may be inactive, and then stands there
        for shape in self.shapes:
            P = points[:, shape.columns]
            if not (part := active[:, shape.columns]).all():
                P = np.where(part, P, shape.project(P))
            inside &= shape.contains(P)
        for constraint in self.constraints:
            inside &= constraint.holds(points, np.abs(self.bounds).max(axis=0))
        return inside

    def sample(self, n: int, rng: np.random.Generator) -> Array:
        """Independent points of the domain, uniform within each shape and nearly so under linear constraints.

        Raises:
            EmptyDomain: The linear constraints contradict each other.
            UnsupportedDomain: Constraints that are opaque or bind levels, and too few random points meet them.
        """
        kept = np.empty((0, self.d))
        exact = not self._rejects
        for _ in range(_BATCHES):
            X = np.empty((n if exact else max(n, 256), self.d))
            for part in self._parts:
                X[:, part.columns] = part.sample(len(X), rng)
            X = np.where(self.columns.active(X), X, self.bounds.mean(axis=0))
            kept = np.vstack([kept, X if exact else X[self.contains(X)]])
            if len(kept) >= n:
                return kept[:n]
        raise UnsupportedDomain(
            f"fewer than {n} of {_BATCHES * max(n, 256)} random points meet {self._names}; use the sampler of the space"
        )

    def project(self, X: ArrayLike) -> Array:
        """The nearest points of the domain in the Euclidean norm.

        Raises:
            EmptyDomain: The linear constraints contradict each other.
            UnsupportedDomain: The domain has a tree, an opaque constraint, or linear constraints on columns with levels.
        """
        self._require_exact("project")
        points = np.array(X, dtype=float)
        for part in self._parts:
            points[:, part.columns] = part.project(points[:, part.columns])
        return points

    def lmo(self, G: ArrayLike) -> Array:
        """For each row g a point of the domain that minimizes ``<g, x>``: the linear minimization oracle.

        Raises:
            EmptyDomain: The linear constraints contradict each other.
            UnsupportedDomain: As for `project`.
        """
        self._require_exact("lmo")
        gradients = np.asarray(G, dtype=float)
        points = np.empty_like(gradients)
        for part in self._parts:
            points[:, part.columns] = part.lmo(gradients[:, part.columns])
        return points

    @property
    def binding(self) -> tuple[Linear, ...]:
        """The linear constraints that some column decides on; one on constants alone holds wherever there is a point at all."""
        return tuple(constraint for constraint in self._linear if constraint.coefficients.any())

    @property
    def _names(self) -> str:
        return ", ".join(repr(constraint.text) for constraint in self.constraints)

    @property
    def _linear(self) -> tuple[Linear, ...]:
        return tuple(constraint for constraint in self.constraints if isinstance(constraint, Linear))

    def _require_exact(self, operation: str) -> None:
        if self.columns.tree:
            raise UnsupportedDomain(f"{operation} has no exact method on a tree of conditional columns; treat each branch apart")
        if self._rejects:
            raise UnsupportedDomain(f"{operation} has no exact method under {self._names}: opaque, or linear on columns with levels")

    @cached_property
    def _rejects(self) -> bool:
        """Whether constraints remain that the parts do not carry."""
        return self.opaque or (bool(self._linear) and self._polytope is None)

    @cached_property
    def _parts(self) -> tuple[Shape, ...]:
        """Shapes whose product is the domain but for opaque constraints: the polytope, and what no linear constraint touches."""
        if self._polytope is None:
            return self.shapes
        taken = set(self._polytope.columns)
        rest = [_without(shape, taken) if isinstance(shape, Box) else shape for shape in self.shapes if not set(shape.columns) <= taken]
        return (self._polytope, *rest)

    @cached_property
    def _polytope(self) -> Polytope | None:
        """The columns under linear constraints; None without such, or when they bind what is not convex."""
        bound = {int(i) for constraint in self._linear for i in np.flatnonzero(constraint.coefficients)}
        if not bound or any(self.columns[i].levels or self.columns[i].parent for i in bound):
            return None
        sums: list[Simplex] = []
        for shape in self.shapes:
            if isinstance(shape, Box) or not bound & set(shape.columns):
                continue
            if not isinstance(shape, Simplex) or shape.support < shape.k or shape.min_share > 0 or shape.step is not None:
                return None
            sums.append(shape)
            bound |= set(shape.columns)
        columns = sorted(bound)
        rows = [(c.coefficients[columns], c.low, c.high) for c in self._linear]
        rows += [(np.isin(columns, shape.columns).astype(float), shape.total, shape.total) for shape in sums]
        equal = [(row, low) for row, low, high in rows if low == high]
        unequal = [(row, high) for row, low, high in rows if low < high < np.inf]
        unequal += [(-row, -low) for row, low, high in rows if -np.inf < low < high]
        return Polytope(tuple(columns), *_stacked(unequal, len(columns)), *_stacked(equal, len(columns)), *self.bounds[:, columns])


def _stacked(rows: list[tuple[Array, float]], width: int) -> tuple[Array, Array]:
    return np.array([row for row, _ in rows]).reshape(len(rows), width), np.array([rhs for _, rhs in rows])


def _without(box: Box, taken: set[int]) -> Box:
    keep = [j for j, column in enumerate(box.columns) if column not in taken]
    low, high, levels = ([values[j] for j in keep] for values in (box.low, box.high, box.levels))
    return Box(tuple(box.columns[j] for j in keep), tuple(low), tuple(high), tuple(levels))  # type: ignore[arg-type]
