"""Balls of the l1, l2 and maximum norms."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from acquisitions.domain.convex.convex_set import ConvexSet, numbers, positive
from acquisitions.domain.convex.standard_simplex import scaled_to
from acquisitions.domain.shape import Array


@dataclass(frozen=True, repr=False)
class _Ball(ConvexSet):
    radius: float
    centre: Any = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "radius", positive(self.radius, f"{self._name}: radius"))
        centre, shape = numbers(self.centre, f"{self._name}: centre")
        object.__setattr__(self, "centre", centre)
        if shape and self.shape is None:
            object.__setattr__(self, "shape", shape)
        super().__post_init__()
        if shape and shape != self.shape:
            raise ValueError(f"{self._name}: centre={centre!r} must be a number or an array of shape {self.shape}")

    @property
    def interior_point(self) -> Array:
        return np.array(np.broadcast_to(np.asarray(self.centre, dtype=float), self._shape))

    @property
    def bounds(self) -> Array:
        return np.stack([self.interior_point - self.radius, self.interior_point + self.radius])

    @property
    def _middle(self) -> Array:
        return self.interior_point.reshape(-1)

    def _excess(self, norm: Array) -> Array:
        """Violation of a distance from the centre; far from the origin it cannot be told more sharply than coordinates are."""
        return (norm - self.radius) / max(self.radius, float(np.abs(self._middle).max()))


@dataclass(frozen=True, repr=False)
class L1Ball(_Ball):
    """``{x : sum |x - centre| <= radius}``, whose extreme points differ from the centre in one entry: the sparse ones.

    The oracle moves the entry with the largest abs(g), of equal ones the first, down where g > 0 and up elsewhere.

    Args:
        radius: Its radius.
        centre: A number, or an array of the shape of a point.
        shape: See `ConvexSet`; known from `centre` when that is an array.
    """

    @property
    def inradius(self) -> float:
        return self.radius / math.sqrt(self._size)

    @property
    def diameter(self) -> float:
        return 2 * self.radius

    def _violation(self, P: Array) -> Array:
        return self._excess(np.abs(P - self._middle).sum(axis=1))

    def _project(self, P: Array) -> Array:
        """By the simplex of absolute values (Duchi et al. 2008, section 4)."""
        D = P - self._middle
        outside = np.abs(D).sum(axis=1) > self.radius
        X = P.copy()
        X[outside] = self._middle + np.copysign(scaled_to(np.abs(D[outside]), self.radius), D[outside])
        return X

    def _lmo(self, G: Array) -> Array:
        rows, first = np.arange(len(G)), np.argmax(np.abs(G), axis=1)
        X = np.repeat(self._middle[None, :], len(G), axis=0)
        X[rows, first] += np.where(G[rows, first] > 0, -self.radius, self.radius)
        return X

    def _sample(self, n: int, rng: np.random.Generator) -> Array:
        """Signed exponentials over their sum and one more (Barthe, Guédon, Mendelson, Naor 2005, theorem 1)."""
        E = rng.standard_exponential((n, self._size + 1))
        signs = rng.choice([-1.0, 1.0], (n, self._size))
        return np.asarray(self._middle + self.radius * signs * E[:, :-1] / E.sum(axis=1, keepdims=True))


@dataclass(frozen=True, repr=False)
class L2Ball(_Ball):
    """``{x : norm(x - centre) <= radius}`` in the Euclidean norm; of matrices in the Frobenius norm.

    Where g = 0 the oracle gives the centre.

    Args:
        radius: Its radius.
        centre: A number, or an array of the shape of a point.
        shape: See `ConvexSet`; known from `centre` when that is an array.
    """

    @property
    def inradius(self) -> float:
        return self.radius

    @property
    def diameter(self) -> float:
        return 2 * self.radius

    def _violation(self, P: Array) -> Array:
        return self._excess(_norm(P - self._middle))

    def _project(self, P: Array) -> Array:
        D = P - self._middle
        norm = _norm(D)
        outside = norm > self.radius
        X = P.copy()
        X[outside] = self._middle + self.radius * (D[outside] / norm[outside, None])
        return X

    def _lmo(self, G: Array) -> Array:
        norm = _norm(G)[:, None]
        return self._middle - self.radius * (G / np.where(norm > 0, norm, 1.0))

    def _sample(self, n: int, rng: np.random.Generator) -> Array:
        Z = rng.standard_normal((n, self._size))
        return self._middle + self.radius * rng.random((n, 1)) ** (1 / self._size) * Z / _norm(Z)[:, None]


@dataclass(frozen=True, repr=False)
class LInfBall(_Ball):
    """``{x : max |x - centre| <= radius}``: what an attack may change at most, entry by entry.

    The oracle moves entries down where g > 0 and up elsewhere.

    Args:
        radius: Its radius.
        centre: A number, or an array of the shape of a point.
        shape: See `ConvexSet`; known from `centre` when that is an array.
    """

    @property
    def inradius(self) -> float:
        return self.radius

    @property
    def diameter(self) -> float:
        return 2 * self.radius * math.sqrt(self._size)

    def _violation(self, P: Array) -> Array:
        return self._excess(np.abs(P - self._middle).max(axis=1))

    def _project(self, P: Array) -> Array:
        return np.clip(P, self._middle - self.radius, self._middle + self.radius)

    def _lmo(self, G: Array) -> Array:
        return self._middle + np.where(G > 0, -self.radius, self.radius)

    def _sample(self, n: int, rng: np.random.Generator) -> Array:
        return self._middle + self.radius * rng.uniform(-1.0, 1.0, (n, self._size))


def _norm(P: Array) -> Array:
    """Euclidean norms of rows, of entries of any size."""
    size = np.abs(P).max(axis=1)
    return np.asarray(size * np.linalg.norm(P / np.where(size > 0, size, 1.0)[:, None], axis=1))
