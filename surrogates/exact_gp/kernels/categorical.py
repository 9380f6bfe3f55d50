"""Kernels of columns whose levels have no order."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from surrogates.columns import Columns
from surrogates.exact_gp.arrays import Array, of
from surrogates.exact_gp.kernels.base import Features, Normalised, Parameters
from surrogates.exact_gp.kernels.levels import Levels
from surrogates.exact_gp.kernels.stationary import Profiled, waves


@dataclass(frozen=True, eq=False)
class Hamming(Normalised):
    """``exp(-sum_i [x_i != z_i] / l_i)``: all levels of a column are equally far from each other.

    The weighted Hamming distance of Hutter, Hoos & Leyton-Brown (2011); BoTorch's `CategoricalKernel` divides the sum
    by the number of columns. Where a column is active in one point and not in the other they differ in it; where in neither, they do
    not. The prior of ``l_i`` is that of the length scales of `Stationary`, for want of a published one.

    Args:
        columns: Indices of the categorical columns.
        table: What all columns mean.
        dimension: The d of the prior; the number of these columns by default.
    """

    columns: tuple[int, ...]
    table: Columns
    dimension: int | None = None
    multimodal: bool = False

    @cached_property
    def levels(self) -> Levels:
        """The coding of the columns."""
        return Levels(self.columns, self.table)

    @cached_property
    def parameters(self) -> Parameters:
        return Parameters.lengthscales([f"hamming[{i}]" for i in self.columns], self.dimension or len(self.columns), lower=1e-2, upper=1e6)

    def features(self, X: Array) -> Features:
        return Features(len(X), X.shape[1], (self.levels.indicators(X),))

    def gram(self, theta: Array, A: Features, B: Features) -> HammingGram:
        xp = of(theta)
        weights, ownership = xp.exp(-theta), xp.asarray(self.levels.ownership)
        agreement = A.arrays[0] @ (B.arrays[0] * (ownership @ weights)).T
        agreement -= weights.sum()
        if A is B:
            xp.diagonal(agreement)[:] = 0.0
        return HammingGram(xp.exp_(xp.clip(agreement, None, 0.0)), A, B, weights, ownership)

    @property
    def squared(self) -> bool:
        return True

    def embedded(self, theta: Array, A: Features) -> Array:
        xp = of(theta)
        placed: Array = A.arrays[0] * xp.sqrt(0.5 * (xp.asarray(self.levels.ownership) @ xp.exp(-theta)))  # two indicators differ
        return placed

    def frequencies(self, theta: Array, A: Features, count: int, rng: np.random.Generator) -> Array:
        return waves("rbf", len(self.levels.owners), count, rng)

    def pull_embedded(self, theta: Array, A: Features, G: Array) -> Array:
        return of(G).zeros(A.n, A.width)

    def within(self, theta: Array, A: Features, B: Features, S: Array, T: Array, whole: Array) -> HammingGram:
        xp = of(theta)
        return HammingGram(whole, A, B, xp.exp(-theta), xp.asarray(self.levels.ownership))


@dataclass(frozen=True, eq=False)
class HammingGram:
    """The covariance of indicators."""

    matrix: Array
    A: Features
    B: Features
    weights: Array
    ownership: Array

    def pull_parameters(self, W: Array) -> Array:
        xp, G = of(W), W * self.matrix
        if self.A is self.B:
            xp.diagonal(G)[:] = 0.0
        alike = (self.A.arrays[0] * (G @ self.B.arrays[0])).sum(0)
        differing: Array = G.sum() - alike @ self.ownership
        return self.weights * differing

    def pull_inputs(self, W: Array) -> Array:
        return of(W).zeros(self.A.n, self.A.width)

    def transposed(self) -> HammingGram:
        return HammingGram(self.matrix.T, self.B, self.A, self.weights, self.ownership)


@dataclass(frozen=True, eq=False)
class Latent(Normalised):
    """An RBF kernel between points of the plane that the levels of each column are mapped to: some levels are alike, others not.

    Zhang, Tao, Chen & Apley (2020), arXiv:1806.07504. A column that is inactive stands at a place of its own. The
    coordinates are the hyperparameters (not their logarithms), normal with variance 1 / d, so that correlations do not vanish as
    columns are added.

    Args:
        columns: Indices of the categorical columns.
        table: What all columns mean.
        dimension: The d of the prior; the number of these columns by default.
    """

    columns: tuple[int, ...]
    table: Columns
    dimension: int | None = None
    multimodal: bool = field(default=True, init=False)

    @cached_property
    def levels(self) -> Levels:
        """The coding of the columns."""
        return Levels(self.columns, self.table)

    @cached_property
    def parameters(self) -> Parameters:
        owners = np.array(self.levels.owners)
        rank = np.array([np.sum(owners[:k] == owner) for k, owner in enumerate(owners)])
        scale = 1.0 / math.sqrt(self.dimension or len(self.columns))
        angles = 2.0 * np.pi * rank / np.bincount(owners)[owners]  # evenly around a circle: no level is favoured at the start
        names = [f"latent[{self.columns[owner]},{k}].{axis}" for owner, k in zip(owners, rank, strict=True) for axis in "xy"]
        layout = Parameters.of(names, lower=-5.0, upper=5.0, scale=scale, jacobian=0.0)
        layout.start[:] = 0.7 * scale * np.column_stack((np.cos(angles), np.sin(angles))).ravel()
        return layout

    def features(self, X: Array) -> Features:
        return Features(len(X), X.shape[1], (self.levels.indicators(X),))

    def gram(self, theta: Array, A: Features, B: Features) -> LatentGram:
        places = math.sqrt(0.5) * self._places(theta)
        S = A.arrays[0] @ places
        return LatentGram(Profiled.between("rbf", S, S if A is B else B.arrays[0] @ places), A, B, self)

    def _places(self, theta: Array) -> Array:
        """`l x 2c`: the two coordinates of each indicator in the two columns that belong to its categorical column."""
        xp, owners = of(theta), self.levels.owners
        places = xp.zeros(len(owners), 2 * len(self.columns))
        rows = list(range(len(owners)))
        places[rows, [2 * k for k in owners]] = theta[0::2]
        places[rows, [2 * k + 1 for k in owners]] = theta[1::2]
        return places


@dataclass(frozen=True, eq=False)
class LatentGram:
    """The covariance of indicators by their places."""

    profiled: Profiled
    A: Features
    B: Features
    kernel: Latent

    @property
    def matrix(self) -> Array:
        return self.profiled.matrix

    def pull_parameters(self, W: Array) -> Array:
        left, right = self.profiled.pull_both(W)
        gradient = math.sqrt(0.5) * (self.A.arrays[0].T @ left + self.B.arrays[0].T @ right)
        owners = self.kernel.levels.owners
        rows = [k for k in range(len(owners)) for _ in "xy"]
        chosen: Array = gradient[rows, [2 * owner + axis for owner in owners for axis in (0, 1)]]
        return chosen

    def pull_inputs(self, W: Array) -> Array:
        return of(W).zeros(self.A.n, self.A.width)

    def transposed(self) -> LatentGram:
        return LatentGram(self.profiled.transposed(), self.B, self.A, self.kernel)
