"""The covariance of a function and of its partial derivatives.

With ``u = |s - t|^2`` of scaled points, ``delta = s - t`` and a kernel ``g(u)``, covariances of derivatives with respect to the scaled
points are ``g' 2 delta_a`` (derivative a of the first with the value of the second), ``-2 g' delta_b`` and ``-4 g'' delta_a delta_b -
2 g' [a = b]``; Rasmussen & Williams (2006), section 9.4. With ``G1 = -2 g'``, ``G2 = 4 g''``, ``G3 = -8 g'''``, each of which has minus
the next times delta for its gradient, all of them and their own gradients are polynomials in delta.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from surrogates.exact_gp.arrays import Array
from surrogates.exact_gp.kernels.base import Features, Gram, Kernel, Parameters, scattered
from surrogates.exact_gp.kernels.stationary import FACTOR, Profile, Profiled, Stationary

PROFILES = ("rbf", "matern52")
"""Kernels whose functions have derivatives that are smooth enough here: three derivatives of g are needed."""

Indices = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Derivatives:
    """A stationary kernel of rows that stand for values or for partial derivatives. NumPy only.

    A point of `d` columns stands for the value there. A row of `d + 1` columns has in the last one what it stands for: 0 for the value,
    j + 1 for the derivative with respect to column j.

    Args:
        base: The kernel of the values, ``rbf`` or ``matern52``.
        d: Number of columns of a point.
    """

    base: Stationary
    d: int

    def __post_init__(self) -> None:
        if self.base.profile not in PROFILES:
            raise ValueError(f"a process of derivatives has the kernel {' or '.join(PROFILES)}, and not {self.base.profile}")

    @property
    def parameters(self) -> Parameters:
        return self.base.parameters

    @property
    def multimodal(self) -> bool:
        return self.base.multimodal

    def features(self, X: Array) -> Features:
        plain = self.base.features(X[:, : self.d])
        if X.shape[1] == self.d:
            return plain
        position = np.full(self.d + 1, -2)
        position[0], position[1 + np.array(self.base.columns)] = -1, np.arange(len(self.base.columns))
        tags = position[X[:, -1].astype(int)]
        if np.any(tags < -1):
            raise ValueError(f"a derivative by column {int(X[tags < -1][0, -1]) - 1}; the kernel has those by {self.base.columns} only")
        return Features(len(X), X.shape[1], (*plain.arrays, tags))

    def gram(self, theta: Array, A: Features, B: Features) -> DerivativesGram:
        return DerivativesGram(self.base.profile, A, B, math.sqrt(FACTOR[self.base.profile]) * np.exp(-theta), self.base.columns)

    def diagonal(self, theta: Array, A: Features) -> Array:
        scale = FACTOR[self.base.profile] * np.exp(-2.0 * theta) * float(_Block.slopes(self.base.profile, np.zeros(1), np.ones(1))[0][0])
        return np.concatenate([np.ones(1), scale])[tags + 1] if (tags := _tags(A)) is not None else np.ones(A.n)

    def pull_diagonal(self, theta: Array, A: Features, w: Array) -> Array | None:
        return None


@dataclass(frozen=True, eq=False)
class DerivativesGram:
    """Its covariances, in blocks of values and of derivatives.

    Args:
        profile: Which g.
        A, B: The first and the second rows.
        inverse: What columns are multiplied by.
        columns: Which of the points they are.
    """

    profile: Profile
    A: Features
    B: Features
    inverse: Array
    columns: tuple[int, ...]

    @cached_property
    def _blocks(self) -> list[tuple[Indices, Indices, _Block]]:
        found = []
        for rows, a in _kinds(self.A):
            for others, b in _kinds(self.B):
                S, T = self.A.arrays[0][rows] * self.inverse, self.B.arrays[0][others] * self.inverse
                found.append((rows, others, _Block(self.profile, S, T, a, b, self.inverse)))
        return found

    @cached_property
    def matrix(self) -> Array:
        whole = np.empty((self.A.n, self.B.n))
        for rows, others, block in self._blocks:
            whole[np.ix_(rows, others)] = block.matrix
        return whole

    def pull_parameters(self, W: Array) -> Array:
        total = np.zeros(len(self.columns))
        for rows, others, block in self._blocks:
            total += block.pull_scales(W[np.ix_(rows, others)])
        return total

    def pull_inputs(self, W: Array) -> Array:
        pulled = np.zeros((self.A.n, len(self.columns)))
        for rows, others, block in self._blocks:
            pulled[rows] += block.pull(W[np.ix_(rows, others)])
        return scattered(pulled * self.inverse, self.columns, self.A.width)

    def transposed(self) -> DerivativesGram:
        return DerivativesGram(self.profile, self.B, self.A, self.inverse, self.columns)


@dataclass(frozen=True, eq=False)
class _Block:
    """Covariances of values, or of derivatives, with values, or derivatives: in the scaled space, times what the scale makes of it.

    Args:
        profile: Which g.
        S, T: Scaled points, `m x k` and `n x k`.
        a, b: Which derivatives the rows and the columns are, `m` and `n`; None for values.
        inverse: What columns were scaled by, `k`.
    """

    profile: Profile
    S: Array
    T: Array
    a: Indices | None
    b: Indices | None
    inverse: Array

    @staticmethod
    def slopes(profile: Profile, root: Array, decay: Array) -> tuple[Array, Array]:
        """G1 and G2; the root of u is of no use to ``rbf``."""
        return (2.0 * decay, 4.0 * decay) if profile == "rbf" else ((1.0 + root) * decay / 3.0, decay / 3.0)

    @cached_property
    def _profiled(self) -> Profiled:
        return Profiled.between(self.profile, self.S, self.T)

    @cached_property
    def _slopes(self) -> tuple[Array, Array]:
        found = self._profiled
        return self.slopes(self.profile, found.decay if found.root is None else found.root, found.decay)

    @property
    def _third(self) -> Array:
        """G3; where points meet, which leaves it without a limit for ``matern52``, it is multiplied by zero."""
        found = self._profiled
        if found.root is None:
            return 8.0 * found.decay
        return np.divide(found.decay, 3.0 * found.root, out=np.zeros_like(found.decay), where=found.root > 0)

    @cached_property
    def _delta_a(self) -> Array:
        """``delta_a`` of each row's a, `m x n`."""
        return self.S[np.arange(len(self.S)), self.a][:, None] - self.T.T[self.a]

    @cached_property
    def _delta_b(self) -> Array:
        """``delta_b`` of each column's b, `m x n`."""
        return self.S[:, self.b] - self.T[np.arange(len(self.T)), self.b]

    @cached_property
    def _same(self) -> NDArray[np.bool_]:
        assert self.a is not None
        same: NDArray[np.bool_] = self.a[:, None] == self.b
        return same

    @cached_property
    def _scaled(self) -> Array:
        """The covariance in the scaled space, `m x n`."""
        if self.a is None and self.b is None:
            return self._profiled.matrix
        first, second = self._slopes
        if self.b is None:
            return -first * self._delta_a
        return first * self._delta_b if self.a is None else np.where(self._same, first, 0.0) - second * self._delta_a * self._delta_b

    @cached_property
    def _fall(self) -> Array:
        """By minus which times delta the scaled covariance grows with s, where delta_a and delta_b stand still, `m x n`."""
        first, second = self._slopes
        if self.a is None and self.b is None:
            return first
        if self.b is None:
            return -second * self._delta_a
        return second * self._delta_b if self.a is None else np.where(self._same, second, 0.0) - self._third * self._delta_a * self._delta_b

    def _beside(self) -> tuple[Array | None, Array | None]:
        """Derivatives of the scaled covariance by delta_a and by delta_b as they stand in it, each `m x n`."""
        first, second = self._slopes
        by_a = None if self.a is None else -first if self.b is None else -second * self._delta_b
        by_b = None if self.b is None else first if self.a is None else -second * self._delta_a
        return by_a, by_b

    def _weighed(self, W: Array) -> Array:
        """W times what the scale makes of a derivative."""
        if self.a is not None:
            W = W * self.inverse[self.a][:, None]
        return W if self.b is None else W * self.inverse[self.b]

    @property
    def matrix(self) -> Array:
        """`m x n`."""
        return self._weighed(self._scaled)

    def pull(self, W: Array) -> Array:
        """Gradient of ``sum(W * matrix)`` with respect to S, `m x k`."""
        W = self._weighed(W)
        M = W * self._fall
        gradient: Array = M @ self.T - M.sum(1)[:, None] * self.S
        by_a, by_b = self._beside()
        if by_a is not None:
            gradient[np.arange(len(W)), self.a] += (W * by_a).sum(1)
        if by_b is not None:
            gradient += (W * by_b) @ self._which(self.b)
        return gradient

    def pull_scales(self, W: Array) -> Array:
        """Gradient of ``sum(W * matrix)`` with respect to the logarithms of the length scales, `k`."""
        W = self._weighed(W)
        M = W * self._fall
        total: Array = M.sum(1) @ self.S**2 + M.sum(0) @ self.T**2 - 2.0 * (self.S * (M @ self.T)).sum(0)
        by_a, by_b = self._beside()
        if by_a is not None:
            total -= (W * (by_a * self._delta_a + self._scaled)).sum(1) @ self._which(self.a)
        if by_b is not None:
            total -= (W * (by_b * self._delta_b + self._scaled)).sum(0) @ self._which(self.b)
        return total

    def _which(self, of: Indices | None) -> Array:
        """One in the column of each entry's derivative, else zero."""
        return np.eye(self.S.shape[1])[of]


@dataclass(frozen=True, eq=False)
class DerivativeNoise:
    """A kernel, and with its hyperparameters the variance of the noise of derivatives, which its covariances do not have.

    Args:
        part: The kernel, of rows as `Derivatives` has them.
        prior: Location and scale of the LogNormal prior of the variance.
        floor: Its least value.
    """

    part: Kernel
    prior: tuple[float, float]
    floor: float

    @cached_property
    def parameters(self) -> Parameters:
        location, scale = self.prior
        noise = Parameters.of(["derivative_noise"], lower=math.log(self.floor), upper=math.log(1e3), location=location, scale=scale)
        return Parameters.joined([self.part.parameters, noise])

    @property
    def multimodal(self) -> bool:
        return self.part.multimodal

    def features(self, X: Array) -> Features:
        return self.part.features(X)

    def gram(self, theta: Array, A: Features, B: Features) -> _Padded:
        return _Padded(self.part.gram(theta[:-1], A, B))

    def diagonal(self, theta: Array, A: Features) -> Array:
        return self.part.diagonal(theta[:-1], A)

    def pull_diagonal(self, theta: Array, A: Features, w: Array) -> Array | None:
        return self.part.pull_diagonal(theta[:-1], A, w)


@dataclass(frozen=True, eq=False)
class _Padded:
    """A covariance that one more hyperparameter does nothing to."""

    part: Gram

    @property
    def matrix(self) -> Array:
        return self.part.matrix

    def pull_parameters(self, W: Array) -> Array:
        return np.append(self.part.pull_parameters(W), 0.0)

    def pull_inputs(self, W: Array) -> Array:
        return self.part.pull_inputs(W)

    def transposed(self) -> _Padded:
        return _Padded(self.part.transposed())


def _tags(A: Features) -> Indices | None:
    """What rows stand for: -1 for a value; None where all are values."""
    return A.arrays[1].astype(np.intp) if len(A.arrays) > 1 else None


def _kinds(A: Features) -> list[tuple[Indices, Indices | None]]:
    """The rows that are values, and those that are derivatives with which; those that there are."""
    tags = _tags(A)
    if tags is None:
        return [(np.arange(A.n), None)]
    values, others = np.flatnonzero(tags < 0), np.flatnonzero(tags >= 0)
    parts: list[tuple[Indices, Indices | None]] = [(values, None), (others, tags[others])]
    return [(rows, which) for rows, which in parts if len(rows)]
