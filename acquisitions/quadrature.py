"""Points and weights that stand for a distribution: normal ones cut off at some reach, and uniform ones, in standard units.

A Gauss rule integrates smooth functions with few points; equally likely strata show where tails begin; a lattice up to both ends has
the extremes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_NORMAL = NormalDist()
_FINE = 200  # points of the rule that the density of a normal distribution is known by


@dataclass(frozen=True, slots=True)
class Standard:
    """The uniform distribution on [0, 1], or the standard normal one cut off at plus and minus `reach`.

    Args:
        reach: Of the normal one; None for the uniform one.
    """

    reach: float | None = None

    @property
    def ends(self) -> tuple[float, float]:
        """Least and largest value."""
        return (0.0, 1.0) if self.reach is None else (-self.reach, self.reach)

    def quantile(self, u: Array) -> Array:
        """Values below which the shares u lie, in the shape of u."""
        if self.reach is None:
            return u
        tail = _NORMAL.cdf(-self.reach)
        z = np.vectorize(_NORMAL.inv_cdf, otypes=[float])(tail + np.clip(u, 0.0, 1.0) * (1 - 2 * tail))
        return np.asarray(np.clip(z, *self.ends))

    def gauss(self, n: int) -> tuple[Array, Array]:
        """Nodes and weights (`n` each) that integrate polynomials up to degree ``2 n - 1`` exactly.

        By the eigenvalues of the Jacobi matrix (Golub & Welsch 1969), which Lanczos' recurrence makes of a fine rule.
        """
        nodes, weights = _gauss(self.reach, n)
        return nodes.copy(), weights.copy()

    def strata(self, n: int) -> tuple[Array, Array]:
        """Means of n parts that are equally likely, and their probabilities: tail means of straight lines are exact between parts."""
        edges = self.quantile(np.linspace(0.0, 1.0, n + 1))
        weights = np.full(n, 1.0 / n)
        if self.reach is None:
            return 0.5 * (edges[:-1] + edges[1:]), weights
        density = np.vectorize(_NORMAL.pdf, otypes=[float])(edges)
        return n * -np.diff(density) / (1 - 2 * _NORMAL.cdf(-self.reach)), weights

    def lattice(self, n: int) -> tuple[Array, Array]:
        """Evenly spaced values, both ends among them; the weights say nothing."""
        return np.linspace(*self.ends, n), np.full(n, 1.0 / n)


def product(rules: list[tuple[Array, Array]]) -> tuple[Array, Array]:
    """All combinations of the nodes of k rules, `q x k`, and the products of their weights, `q`; one empty one of no rules."""
    if not rules:
        return np.empty((1, 0)), np.ones(1)
    grids = np.meshgrid(*(nodes for nodes, _ in rules), indexing="ij")
    weights = np.ones(1)
    for _, each in rules:
        weights = np.multiply.outer(weights, each).ravel()
    return np.stack([grid.ravel() for grid in grids], axis=1), weights


@lru_cache
def _gauss(reach: float | None, n: int) -> tuple[Array, Array]:
    x, w = np.polynomial.legendre.leggauss(max(n, _FINE) if reach is not None else n)
    if reach is None:
        return 0.5 + 0.5 * x, 0.5 * w
    x = reach * x
    w = w * np.exp(-0.5 * x * x)
    nodes, weights = _of_points(x, w / w.sum(), n)
    return 0.5 * (nodes - nodes[::-1]), 0.5 * (weights + weights[::-1])  # the density is symmetric


def _of_points(x: Array, w: Array, n: int) -> tuple[Array, Array]:
    """The Gauss rule of a measure of points x with weights w that add up to one."""
    diagonal, beside = np.zeros(n), np.zeros(n)
    basis = [np.sqrt(w)]
    for k in range(n):
        following = x * basis[k]
        diagonal[k] = following @ basis[k]
        for _ in range(2):  # twice is enough (Parlett 1980): without it they would not stay orthogonal
            for vector in basis:
                following = following - (following @ vector) * vector
        beside[k] = np.sqrt(following @ following)
        basis.append(following / beside[k])
    nodes, vectors = np.linalg.eigh(np.diag(diagonal) + np.diag(beside[:-1], 1) + np.diag(beside[:-1], -1))
    return nodes, vectors[0] ** 2
