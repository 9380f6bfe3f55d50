"""Balls of the nuclear and the spectral norm."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from acquisitions.domain.convex.convex_set import ConvexSet, positive
from acquisitions.domain.convex.standard_simplex import scaled_to
from acquisitions.domain.shape import Array


@dataclass(frozen=True, repr=False)
class _MatrixBall(ConvexSet):
    radius: float
    matrix = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "radius", positive(self.radius, f"{self._name}: radius"))
        super().__post_init__()

    @property
    def bounds(self) -> Array:
        return np.stack([np.full(self._shape, -self.radius), np.full(self._shape, self.radius)])

    @property
    def interior_point(self) -> Array:
        return np.zeros(self._shape)

    @property
    def _rank(self) -> int:
        return min(self._shape)


@dataclass(frozen=True, repr=False)
class NuclearBall(_MatrixBall):
    """Matrices whose singular values add up to at most `radius`; the extreme points have rank one.

    The oracle is ``-radius u v^T`` of the first pair of singular vectors of g. `sample` draws singular vectors uniformly and singular
    values uniformly among those allowed, which gives matrices of low rank more weight than their volume does.

    Args:
        radius: Its radius.
        shape: See `ConvexSet`.
    """

    @property
    def inradius(self) -> float:
        return self.radius / math.sqrt(self._rank)

    @property
    def diameter(self) -> float:
        return 2 * self.radius

    def _violation(self, P: Array) -> Array:
        return np.asarray(np.linalg.svd(P, compute_uv=False).sum(axis=1) / self.radius - 1)

    def _project(self, P: Array) -> Array:
        """The singular values projected onto the l1 ball (Cai, Candès, Shen 2010 for the proximal map behind it)."""
        U, s, Vt = np.linalg.svd(P, full_matrices=False)
        outside = s.sum(axis=1) > self.radius
        X = P.copy()
        X[outside] = (U[outside] * scaled_to(s[outside], self.radius)[:, None, :]) @ Vt[outside]
        return X

    def _lmo(self, G: Array) -> Array:
        U, _, Vt = np.linalg.svd(G, full_matrices=False)
        return np.asarray(-self.radius * U[:, :, :1] * Vt[:, :1, :])

    def _sample(self, n: int, rng: np.random.Generator) -> Array:
        rows, columns = self._shape
        E = rng.standard_exponential((n, self._rank + 1))
        s = self.radius * E[:, :-1] / E.sum(axis=1, keepdims=True)
        U, V = (haar_frames(n, k, self._rank, rng) for k in (rows, columns))
        return np.asarray((U * s[:, None, :]) @ V.transpose(0, 2, 1))


@dataclass(frozen=True, repr=False)
class SpectralBall(_MatrixBall):
    """Matrices whose singular values are at most `radius` (the operator norm); the extreme points are multiples of orthonormal frames.

    The oracle is ``-radius U V^T`` of the thin singular value decomposition of g.

    Args:
        radius: Its radius.
        shape: See `ConvexSet`.
    """

    @property
    def inradius(self) -> float:
        return self.radius

    @property
    def diameter(self) -> float:
        return 2 * self.radius * math.sqrt(self._rank)

    def _violation(self, P: Array) -> Array:
        return np.asarray(np.linalg.svd(P, compute_uv=False)[:, 0] / self.radius - 1)

    def _project(self, P: Array) -> Array:
        U, s, Vt = np.linalg.svd(P, full_matrices=False)
        outside = s[:, 0] > self.radius
        X = P.copy()
        X[outside] = (U[outside] * np.minimum(s[outside], self.radius)[:, None, :]) @ Vt[outside]
        return X

    def _lmo(self, G: Array) -> Array:
        U, _, Vt = np.linalg.svd(G, full_matrices=False)
        return np.asarray(-self.radius * (U @ Vt))

    def _sample(self, n: int, rng: np.random.Generator) -> Array:
        """A `p x q` block of a uniform orthonormal frame with ``p + q + 1`` rows.

        The block has density ``det(I - X^T X) ** ((m - q - 1) / 2)`` with m rows outside it (Gupta and Nagar 2000, chapter 4), which
        is constant for ``m = q + 1``.
        """
        rows, columns = self._shape
        return self.radius * haar_frames(n, rows + columns + 1, columns, rng)[:, :rows]


def haar_frames(n: int, k: int, r: int, rng: np.random.Generator) -> Array:
    """Uniform `k x r` matrices with orthonormal columns, ``r <= k`` (Mezzadri 2007: a QR decomposition made unique)."""
    Q, R = np.linalg.qr(rng.standard_normal((n, k, r)))
    return np.asarray(Q * np.copysign(1.0, np.diagonal(R, axis1=1, axis2=2))[:, None, :])
