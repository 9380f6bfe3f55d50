"""Domains that are convex sets: what methods that walk inside them need to know beside `Domain`."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from acquisitions.domain import convex
from acquisitions.domain.box import Box
from acquisitions.domain.domain import Domain, Linear
from acquisitions.domain.errors import UnsupportedDomain
from acquisitions.domain.shape import TOLERANCE, Array, Mask, Shape
from acquisitions.domain.simplex import Simplex
from acquisitions.domain.within import Within


@dataclass(frozen=True, eq=False)
class ConvexDomain:
    """A product of convex sets. Points are rows of `n x d` arrays, in the units of the domain it is made from.

    Args:
        parts: The sets, each column of the domain in exactly one.
    """

    parts: tuple[Within, ...]

    @classmethod
    def of(cls, domain: Domain) -> ConvexDomain:
        """The domain as such a product; columns under linear constraints make a polytope.

        Raises:
            UnsupportedDomain: It is not convex, or not known to be: levels, conditional columns, restricted mixtures, opaque constraints.
        """
        if domain.columns.tree:
            raise UnsupportedDomain("the domain has conditional columns")
        if domain.opaque:
            names = [constraint.text for constraint in domain.constraints if not isinstance(constraint, Linear)]
            raise UnsupportedDomain(f"{names[0]!r} is not linear")
        if stepped := [column.name for column in domain.columns if column.kind != "continuous"]:
            raise UnsupportedDomain(f"{stepped[0]} goes in steps or has choices")
        parts = tuple(_part(shape, domain) for shape in domain.shapes)
        return cls(tuple(_under(domain.binding, parts)) if domain.binding else parts)

    @property
    def d(self) -> int:
        """Number of columns."""
        return sum(len(part.columns) for part in self.parts)

    @cached_property
    def dimension(self) -> int:
        """Dimension of the span of `tangent`."""
        return sum(part.convex.dimension for part in self.parts)

    @cached_property
    def diameter(self) -> float:
        """Largest Euclidean distance of two points, or an upper bound where that of a part is one."""
        return math.hypot(*(part.convex.diameter / part.scale for part in self.parts))

    @cached_property
    def centre(self) -> Array:
        """A point deep inside, shape `d`."""
        point = np.empty(self.d)
        for part in self.parts:
            point[list(part.columns)] = part.centre
        return point

    @cached_property
    def axes(self) -> Array:
        """An orthonormal basis of the span of `tangent`, `dimension x d`: unit vectors of columns, but in parts without interior."""
        rows = []
        for part in self.parts:
            k = len(part.columns)
            block = np.eye(k)
            if part.convex.dimension < k:
                block = np.linalg.svd(part.tangent(block))[2][: part.convex.dimension]
            rows.append(np.zeros((len(block), self.d)))
            rows[-1][:, part.columns] = block
        return np.concatenate(rows)

    def contains(self, X: ArrayLike, tol: float = TOLERANCE) -> Mask:
        """Which rows lie in the domain, up to `tol` relative to the size of each part."""
        points = np.asarray(X, dtype=float)
        return np.asarray(np.all([part.contains(points[:, part.columns], tol) for part in self.parts], axis=0))

    def sample(self, n: int, rng: np.random.Generator) -> Array:
        """Independent points, distributed as the sets' classes say."""
        points = np.empty((n, self.d))
        for part in self.parts:
            points[:, part.columns] = part.sample(n, rng)
        return points

    def project(self, X: ArrayLike) -> Array:
        """The nearest points of the domain, in the Euclidean norm."""
        return self._by_part("project", X)

    def lmo(self, G: ArrayLike) -> Array:
        """For each row g an extreme point that minimizes ``<g, x>``."""
        return self._by_part("lmo", G)

    def tangent(self, D: ArrayLike) -> Array:
        """Directions (rows) projected onto the span of the differences of points."""
        return self._by_part("tangent", D)

    def _by_part(self, method: str, X: ArrayLike) -> Array:
        rows = np.array(X, dtype=float)
        for part in self.parts:
            rows[:, part.columns] = getattr(part, method)(rows[:, part.columns])
        return rows


def _part(shape: Shape, domain: Domain) -> Within:
    """A shape of a domain as a convex set."""
    columns, k = shape.columns, len(shape.columns)
    match shape:
        case Within():
            return shape
        case Simplex(support=support, min_share=least, step=None) if support == k and least == 0:
            return Within(columns, convex.StandardSimplex(shape.total, shape=k), np.zeros(k), 1.0)
        case Box():
            return Within(columns, convex.Box(shape.low, shape.high, shape=k), np.zeros(k), 1.0)
    names = ", ".join(domain.columns[i].name for i in columns)
    raise UnsupportedDomain(f"{names} are a mixture of few components, or of least shares")


def _under(linear: Sequence[Linear], parts: Sequence[Within]) -> Iterator[Within]:
    """Parts with the columns that linear constraints touch made into one polytope."""
    bound = {int(i) for constraint in linear for i in np.flatnonzero(constraint.coefficients)}
    rows = [(sign * c.coefficients, sign * end) for c in linear for sign, end in ((1.0, c.high), (-1.0, c.low)) if math.isfinite(end)]
    d = len(linear[0].coefficients)
    for part in parts:
        if bound.isdisjoint(part.columns):
            yield part
            continue
        taken = tuple(i for i in part.columns if i in bound)
        if isinstance(part.convex, convex.StandardSimplex):
            taken = part.columns
            whole = np.isin(np.arange(d), taken).astype(float)
            rows += [(whole, part.convex.total), (-whole, -part.convex.total)]
            bound |= set(taken)
        elif not isinstance(part.convex, convex.Box):
            raise UnsupportedDomain(f"{linear[0].text!r} binds entries of {part.convex!r}")
        low, high = part.convex.bounds
        for i in taken:
            unit, j = np.eye(1, d, i)[0], part.columns.index(i)
            rows += [(unit, float(high[j])), (-unit, -float(low[j]))]
        if rest := [j for j, i in enumerate(part.columns) if i not in taken]:
            box = convex.Box(low[rest], high[rest])
            yield Within(tuple(part.columns[j] for j in rest), box, np.zeros(len(rest)), 1.0)
    columns = sorted(bound)
    polytope = convex.Polytope([row[columns] for row, _ in rows], [end for _, end in rows])
    yield Within(tuple(columns), polytope, np.zeros(len(columns)), 1.0)
