"""What a domain says in bounds and linear rows, in units in which its box is one wide."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from acquisitions.domain import Box, Domain, Linear, Simplex

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


SLACK = 1e-11
"""A row may be violated by this much, which is rounding and far below what `Domain.contains` forgives."""


@dataclass(frozen=True, eq=False)
class Polyhedron:
    """``C x <= c``, with equality in the rows of `equal`; rows of C are of unit length.

    Args:
        C: Coefficients, `k x d`.
        c: Right-hand sides, shape `k`.
        equal: Which rows are equalities, shape `k`.
    """

    C: Array
    c: Array
    equal: Mask

    def __len__(self) -> int:
        return len(self.c)

    @classmethod
    def of(cls, domain: Domain, scale: Array) -> Polyhedron:
        """The linear constraints and sums of a domain, for points divided by `scale` (shape ``d``)."""
        rows: list[tuple[Array, float, bool]] = []
        for constraint in domain.constraints:
            if isinstance(constraint, Linear):
                a = constraint.coefficients * scale
                if constraint.low == constraint.high:
                    rows.append((a, constraint.high, True))
                    continue
                if constraint.high < np.inf:
                    rows.append((a, constraint.high, False))
                if constraint.low > -np.inf:
                    rows.append((-a, -constraint.low, False))
        mixtures = [shape for shape in domain.shapes if isinstance(shape, Simplex)]
        rows += [(np.isin(np.arange(domain.d), shape.columns) * scale, shape.total, True) for shape in mixtures]
        C = np.array([a for a, _, _ in rows]).reshape(len(rows), domain.d)
        size = np.linalg.norm(C, axis=1)
        size[size == 0] = 1.0
        return cls(C / size[:, None], np.array([b for _, b, _ in rows]) / size, np.array([e for _, _, e in rows], dtype=bool))


def room(x: Array, p: Array, low: Array, high: Array, polyhedron: Polyhedron, slack: float = 0.0) -> Array:
    """The largest multiple of each direction p that keeps bounds and inequalities, shape `b`; x and p are `b x d`.

    Args:
        x: Points.
        p: Directions.
        low: Lower bounds.
        high: Upper bounds.
        polyhedron: Of which the inequalities count.
        slack: How far bounds may be overstepped, and rows, which may be by `SLACK` anyhow.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        reach = np.where(p > 0, (high - x + slack) / p, np.where(p < 0, (low - x - slack) / p, np.inf)).min(axis=-1, initial=np.inf)
        speed = p @ polyhedron.C.T
        left = np.maximum(polyhedron.c - x @ polyhedron.C.T, 0.0) + max(slack, SLACK)
        blocked = (speed > 0) & ~polyhedron.equal
        reach = np.minimum(reach, np.where(blocked, left / speed, np.inf).min(axis=-1, initial=np.inf))
    return np.asarray(np.maximum(reach, 0.0))


def convex(domain: Domain) -> bool:
    """Whether bounds and linear rows are all there is."""
    return not domain.opaque and not domain.columns.tree and all(_convex(shape) for shape in domain.shapes)


def _convex(shape: object) -> bool:
    if isinstance(shape, Simplex):
        return shape.support == shape.k and not shape.min_share and shape.step is None
    return isinstance(shape, Box) and not any(shape.levels)
