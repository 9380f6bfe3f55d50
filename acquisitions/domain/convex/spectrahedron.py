"""The spectrahedron: positive semidefinite matrices of fixed trace."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from acquisitions.domain.convex.convex_set import ConvexSet, positive
from acquisitions.domain.convex.standard_simplex import scaled_to
from acquisitions.domain.shape import Array


@dataclass(frozen=True, repr=False)
class Spectrahedron(ConvexSet):
    """Symmetric positive semidefinite matrices with trace `trace`; the extreme points have rank one.

    The oracle is ``trace v v^T`` for the eigenvector v of the least eigenvalue of the symmetric part of g.

    Args:
        trace: Their trace.
        shape: See `ConvexSet`; a whole number k stands for ``(k, k)``.
    """

    trace: float = 1.0
    matrix = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "trace", positive(self.trace, "Spectrahedron: trace"))
        if isinstance(self.shape, int):
            object.__setattr__(self, "shape", (self.shape, self.shape))
        super().__post_init__()
        if self.shape is not None and self._shape[0] != self._shape[1]:
            raise ValueError(f"Spectrahedron: shape={self.shape} must be square")

    @property
    def _k(self) -> int:
        return self._shape[0]

    @property
    def bounds(self) -> Array:
        low, high = np.full(self._shape, -self.trace / 2), np.full(self._shape, self.trace / 2)
        np.fill_diagonal(low, 0.0 if self._k > 1 else self.trace)
        np.fill_diagonal(high, self.trace)
        return np.stack([low, high])

    @property
    def interior_point(self) -> Array:
        return np.eye(self._k) * (self.trace / self._k)

    @property
    def inradius(self) -> float:
        return self.trace / math.sqrt(self._k * (self._k - 1)) if self._k > 1 else 0.0

    @property
    def diameter(self) -> float:
        return self.trace * math.sqrt(2.0) if self._k > 1 else 0.0

    @property
    def dimension(self) -> int:
        return self._k * (self._k + 1) // 2 - 1

    def _violation(self, P: Array) -> Array:
        skew = np.abs(P - P.transpose(0, 2, 1)).max(axis=(1, 2))
        negative = -np.linalg.eigvalsh(_symmetric(P))[:, 0]
        off = np.abs(np.trace(P, axis1=1, axis2=2) - self.trace)
        return np.asarray(np.maximum(np.maximum(skew, negative), off) / self.trace)

    def _project(self, P: Array) -> Array:
        w, V = np.linalg.eigh(_symmetric(P))
        return _symmetric((V * scaled_to(w, self.trace)[:, None, :]) @ V.transpose(0, 2, 1))

    def _lmo(self, G: Array) -> Array:
        v = np.linalg.eigh(_symmetric(G))[1][:, :, 0]
        return np.asarray(self.trace * v[:, :, None] * v[:, None, :])

    def _sample(self, n: int, rng: np.random.Generator) -> Array:
        """Wishart matrices with k + 1 degrees of freedom over their trace: their density has no power of the determinant."""
        Z = rng.standard_normal((n, self._k, self._k + 1))
        W = Z @ Z.transpose(0, 2, 1)
        return _symmetric(self.trace * W / np.trace(W, axis1=1, axis2=2)[:, None, None])

    def _tangent(self, D: Array) -> Array:
        S = _symmetric(D)
        return np.asarray(S - (np.trace(S, axis1=1, axis2=2) / self._k)[:, None, None] * np.eye(self._k))


def _symmetric(P: Array) -> Array:
    return np.asarray((P + P.transpose(0, 2, 1)) / 2)
