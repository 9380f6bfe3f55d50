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
from surrogates.exact_gp.kernels.levels import Levels

_REACH = 10.0  # largest factor between levels, either sign
_FACTOR = (1.0, 0.5)  # location and scale of the priors of the factors,
_DISCREPANCY = (-0.5, 1.0)  # of the logarithms of discrepancies' variances,
_STRETCH = (0.0, 0.5)  # and of the logarithms of what their length scales are multiples of. Few points at a level are explained by a factor
# alone, or by a discrepancy of long length scales, and the model is then sure of it; hence priors that allow neither without evidence.


@dataclass(frozen=True, eq=False)
class Coregional:
    """``sum_k C_k(s) C_k(t) k(x, z; theta_k)``: each level s is a mixture of independent processes, of which there is one a level.

    In a chain, level s is rho_s times the level below plus a discrepancy of its own, ``f_s = rho_s f_{s-1} + delta_s`` (Kennedy &
    O'Hagan 2000, Biometrika 87; there the levels' designs are nested, here they need not be). In a star the last level is the target
    and every other one ``f_s = rho_s f_target + delta_s`` (as Poloczek, Wang & Frazier 2017, arXiv:1603.00389, whose rho is one).

    The hyperparameters of the first process, that of the lowest level or of the target in a star, come first; then how far those of
    every other process are from them, with the priors N(0, 0.5^2); then the logarithms of the processes' variances, those of
    discrepancies with the prior N(-0.5, 1); then the factors rho themselves, of either sign, with the prior N(1, 0.5^2).

    Args:
        part: Kernel of the other columns, of variance one.
        column: Index of the column of levels, active always.
        table: What all columns mean.
        order: Whether levels build on each other or look at the last one.
    """

    part: Kernel
    column: int
    table: Columns
    order: Literal["chain", "star"]

    def __post_init__(self) -> None:
        if self.n < 2:
            raise ValueError(f"column {self.column} has {self.n} levels; it needs two at least")

    @property
    def n(self) -> int:
        """Number of levels, and of processes."""
        return len(self.table[self.column].levels)

    @cached_property
    def levels(self) -> Levels:
        """The coding of the column."""
        return Levels((self.column,), self.table)

    @cached_property
    def parameters(self) -> Parameters:
        n, bound, names = self.n, math.log(1e3), self.part.parameters.names
        layouts = [
            self.part.parameters,
            *(_normal([f"stretch[{k}]{name}" for name in names], _STRETCH, bound=2.0) for k in range(1, n)),
            _normal(["variance[0]"], (0.0, 1.0), bound=bound),
            _normal([f"variance[{k}]" for k in range(1, n)], _DISCREPANCY, bound=2 * bound),
            _normal([f"rho[{k}]" for k in range(1, n)], _FACTOR, bound=_REACH),
        ]
        return Parameters.joined(layouts)

    @property
    def multimodal(self) -> bool:
        """Which of two levels is the bent one may be told in several ways."""
        return True

    def features(self, X: Array) -> Features:
        return Features(len(X), X.shape[1], (self.levels.indicators(X),), (self.part.features(X),))

    def gram(self, theta: Array, A: Features, B: Features) -> CoregionalGram:
        xp = of(theta)
        thetas, mixing = self._split(theta)
        grams = tuple(self.part.gram(piece, A.parts[0], B.parts[0]) for piece in thetas)
        weights = xp.asarray(mixing.weights.T)
        S = A.arrays[0] @ weights
        return CoregionalGram(grams, A, B, S, S if A is B else B.arrays[0] @ weights, mixing)

    def diagonal(self, theta: Array, A: Features) -> Array:
        thetas, mixing = self._split(theta)
        S = A.arrays[0] @ of(theta).asarray(mixing.weights.T)
        return reduce(add, (S[:, k] ** 2 * self.part.diagonal(piece, A.parts[0]) for k, piece in enumerate(thetas)))

    def pull_diagonal(self, theta: Array, A: Features, w: Array) -> Array | None:
        thetas, mixing = self._split(theta)
        S = A.arrays[0] @ of(theta).asarray(mixing.weights.T)
        pulled = [
            found for k, piece in enumerate(thetas) if (found := self.part.pull_diagonal(piece, A.parts[0], w * S[:, k] ** 2)) is not None
        ]
        return reduce(add, pulled) if pulled else None

    def _split(self, theta: Array) -> tuple[list[Array], Mixing]:
        """The hyperparameters of each process, and how they are mixed."""
        n, m = self.n, len(self.part.parameters)
        first, own = theta[:m], of(theta).numpy(theta[n * m :])
        thetas = [first, *(first + theta[k * m : (k + 1) * m] for k in range(1, n))]
        return thetas, (Mixing.chain if self.order == "chain" else Mixing.star)(own[:n], own[n:])


def _normal(names: list[str], prior: tuple[float, float], *, bound: float) -> Parameters:
    location, scale = prior
    return Parameters.of(names, lower=-bound, upper=bound, location=location, scale=scale, jacobian=0.0)


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
        n, rho = len(log_variances), factors.tolist()
        passed, slopes = np.zeros((n, n)), np.zeros((2 * n - 1, n, n))
        for k in range(n):
            for s in range(k, n):
                passed[k, s] = math.prod(rho[k:s])  # few numbers: arrays of them cost more than all else of a small covariance
                for j in range(k, s):
                    slopes[n + j, k, s] = math.prod(rho[k:j] + rho[j + 1 : s])
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
        return xp.concatenate([reduce(add, pulled), *pulled[1:], xp.asarray(own)], 0)

    def pull_inputs(self, W: Array) -> Array:
        return reduce(add, (part.pull_inputs(self._weighted(k, W)) for k, part in enumerate(self.parts)))

    def transposed(self) -> CoregionalGram:
        return CoregionalGram(tuple(part.transposed() for part in self.parts), self.B, self.A, self.T, self.S, self.mixing)

    def _weighted(self, k: int, matrix: Array) -> Array:
        return of(matrix).outer(self.S[:, k], self.T[:, k]) * matrix
