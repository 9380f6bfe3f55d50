"""Kernels of what is observed at several levels: fidelities that build on each other, sources that all look at the target."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property, reduce
from operator import add
from typing import Literal

import numpy as np

from surrogates.columns import Columns
from surrogates.exact_gp.arrays import Array, of
from surrogates.exact_gp.kernels.base import Features, Gram, Kernel, Parameters
from surrogates.exact_gp.kernels.composite import joined, pieces
from surrogates.exact_gp.kernels.levels import Levels

_REACH = 10.0  # largest factor between levels, either sign
_DISCREPANCY = (
    -2.0,
    1.5,
)  # location and scale of the logarithm of a discrepancy's variance: levels that say nothing of each other are rare


@dataclass(frozen=True, eq=False)
class Coregional:
    """``sum_k C_k(s) C_k(t) k_k(x, z)``: each level s is a mixture of independent processes, of which there is one a level.

    In a chain, level s is rho_s times the level below plus a discrepancy of its own, ``f_s = rho_s f_{s-1} + delta_s`` (Kennedy &
    O'Hagan 2000, Biometrika 87; there the levels' designs are nested, here they need not be). In a star the last level is the target
    and every other one ``f_s = rho_s f_target + delta_s`` (as Poloczek, Wang & Frazier 2017, arXiv:1603.00389, whose rho is one).

    The hyperparameters of the parts come first; then the logarithms of the processes' variances, those of discrepancies with the prior
    N(-1, 2^2); then the factors rho themselves, of either sign, with the prior N(1, 1).

    Args:
        parts: Kernels of the other columns, of variance one; that of the lowest level, or of the target in a star, comes first.
        column: Index of the column of levels, active always.
        table: What all columns mean.
        order: Whether levels build on each other or look at the last one.
    """

    parts: tuple[Kernel, ...]
    column: int
    table: Columns
    order: Literal["chain", "star"]

    def __post_init__(self) -> None:
        if len(self.parts) != len(self.table[self.column].levels) or len(self.parts) < 2:
            raise ValueError(
                f"there are {len(self.parts)} kernels for {len(self.table[self.column].levels)} levels; it is one each, two at least"
            )

    @cached_property
    def levels(self) -> Levels:
        """The coding of the column."""
        return Levels((self.column,), self.table)

    @cached_property
    def parameters(self) -> Parameters:
        n, bound = len(self.parts), math.log(1e3)
        location, scale = _DISCREPANCY
        return Parameters.joined(
            [
                joined(self.parts),
                Parameters.of(["variance[0]"], lower=-bound, upper=bound, scale=1.0, jacobian=0.0),
                Parameters.of(
                    [f"variance[{k}]" for k in range(1, n)], lower=-2 * bound, upper=bound, location=location, scale=scale, jacobian=0.0
                ),
                Parameters.of([f"rho[{k}]" for k in range(1, n)], lower=-_REACH, upper=_REACH, location=1.0, scale=1.0, jacobian=0.0),
            ]
        )

    @property
    def multimodal(self) -> bool:
        """Which of two levels is the bent one may be told in several ways."""
        return True

    def features(self, X: Array) -> Features:
        return Features(len(X), X.shape[1], (self.levels.indicators(X),), tuple(part.features(X) for part in self.parts))

    def gram(self, theta: Array, A: Features, B: Features) -> CoregionalGram:
        xp = of(theta)
        inner, mixing = self._split(theta)
        grams = tuple(
            part.gram(piece, a, b) for part, piece, a, b in zip(self.parts, pieces(self.parts, inner), A.parts, B.parts, strict=True)
        )
        weights = xp.asarray(mixing.weights.T)
        S = A.arrays[0] @ weights
        return CoregionalGram(grams, A, B, S, S if A is B else B.arrays[0] @ weights, mixing)

    def diagonal(self, theta: Array, A: Features) -> Array:
        inner, mixing = self._split(theta)
        S = A.arrays[0] @ of(theta).asarray(mixing.weights.T)
        together = zip(self.parts, pieces(self.parts, inner), A.parts, strict=True)
        return reduce(add, (S[:, k] ** 2 * part.diagonal(piece, a) for k, (part, piece, a) in enumerate(together)))

    def pull_diagonal(self, theta: Array, A: Features, w: Array) -> Array | None:
        inner, mixing = self._split(theta)
        S = A.arrays[0] @ of(theta).asarray(mixing.weights.T)
        together = zip(self.parts, pieces(self.parts, inner), A.parts, strict=True)
        pulled = [
            found for k, (part, piece, a) in enumerate(together) if (found := part.pull_diagonal(piece, a, w * S[:, k] ** 2)) is not None
        ]
        return reduce(add, pulled) if pulled else None

    def _split(self, theta: Array) -> tuple[Array, Mixing]:
        n = len(self.parts)
        inner, own = theta[: len(theta) - 2 * n + 1], of(theta).numpy(theta[len(theta) - 2 * n + 1 :])
        return inner, (Mixing.chain if self.order == "chain" else Mixing.star)(own[:n], own[n:])


@dataclass(frozen=True, slots=True, eq=False)
class Mixing:
    """How much of each process a level has.

    Args:
        weights: ``C_k(s)``, `processes x levels`.
        slopes: Its derivatives with respect to the logarithms of the variances and then the factors, `parameters x processes x levels`.
    """

    weights: Array
    slopes: Array

    @classmethod
    def chain(cls, log_variances: Array, factors: Array) -> Mixing:
        """Level s has of process k what the levels from k to s hand on: ``sd_k prod_{k < j <= s} rho_j``."""
        n = len(log_variances)
        passed, slopes = np.zeros((n, n)), np.zeros((2 * n - 1, n, n))
        for k in range(n):
            for s in range(k, n):
                steps = factors[k:s]
                passed[k, s] = np.prod(steps)
                for j in range(k, s):
                    slopes[n + j, k, s] = np.prod(np.delete(steps, j - k))
        return cls._scaled(passed, slopes, log_variances)

    @classmethod
    def star(cls, log_variances: Array, factors: Array) -> Mixing:
        """The target, the last level, is the first process; every other level has a multiple of it and a process of its own."""
        n = len(log_variances)
        passed, slopes = np.zeros((n, n)), np.zeros((2 * n - 1, n, n))
        passed[0] = [*factors, 1.0]
        for s in range(n - 1):
            passed[s + 1, s] = 1.0
            slopes[n + s, 0, s] = 1.0
        return cls._scaled(passed, slopes, log_variances)

    @classmethod
    def _scaled(cls, passed: Array, slopes: Array, log_variances: Array) -> Mixing:
        sds = np.exp(0.5 * log_variances)[:, None]
        weights = sds * passed
        slopes = slopes * sds
        for k in range(len(weights)):
            slopes[k, k] = 0.5 * weights[k]
        return cls(weights, slopes)


@dataclass(frozen=True, eq=False)
class CoregionalGram:
    """The covariance of points at levels; `S` (`m x processes`) and `T` are the points' weights in each process."""

    parts: tuple[Gram, ...]
    A: Features
    B: Features
    S: Array
    T: Array
    mixing: Mixing

    @cached_property
    def matrix(self) -> Array:
        return reduce(add, (self._weighted(k, part.matrix) for k, part in enumerate(self.parts)))

    def pull_parameters(self, W: Array) -> Array:
        xp = of(W)
        pulled, slopes = [], []
        for k, part in enumerate(self.parts):
            pulled.append(part.pull_parameters(self._weighted(k, W)))
            G = W * part.matrix
            slopes.append(self.A.arrays[0].T @ (G @ self.T[:, k]) + self.B.arrays[0].T @ (G.T @ self.S[:, k]))
        by_level = np.stack([xp.numpy(slope) for slope in slopes])
        own = np.einsum("pkl,kl->p", self.mixing.slopes, by_level)
        return xp.concatenate([*pulled, xp.asarray(own)], 0)

    def pull_inputs(self, W: Array) -> Array:
        return reduce(add, (part.pull_inputs(self._weighted(k, W)) for k, part in enumerate(self.parts)))

    def transposed(self) -> CoregionalGram:
        return CoregionalGram(tuple(part.transposed() for part in self.parts), self.B, self.A, self.T, self.S, self.mixing)

    def _weighted(self, k: int, matrix: Array) -> Array:
        return of(matrix).outer(self.S[:, k], self.T[:, k]) * matrix
