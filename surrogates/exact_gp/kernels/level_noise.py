"""Noise of measurements at each level of a column but the last, beside the noise that all have."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

from surrogates.columns import Columns
from surrogates.exact_gp.arrays import Array, of
from surrogates.exact_gp.kernels.base import Features, Parameters
from surrogates.exact_gp.kernels.levels import Levels

_PRIOR = (-6.0, 2.0)  # location and scale of a normal density of the logarithm of a variance, for values of variance one

_START = math.log(0.3)  # where a fit begins: from little noise it would be led to short length scales instead


@dataclass(frozen=True, eq=False)
class LevelNoise:
    """A variance for each level but the last, which a measurement shares with nothing else, not even with another one of the same point.

    So it stands on the diagonal of the covariance of points with themselves, that is among one and the same `Features`, and nowhere
    else; the latent function has none of it (`diagonal` is zero).

    Args:
        column: Index of the column of levels, active always.
        table: What all columns mean.
    """

    column: int
    table: Columns

    @cached_property
    def levels(self) -> Levels:
        """The coding of the column."""
        return Levels((self.column,), self.table)

    @cached_property
    def parameters(self) -> Parameters:
        names, (location, scale) = [f"noise[{k}]" for k in range(len(self.table[self.column].levels) - 1)], _PRIOR
        return Parameters.of(names, lower=math.log(1e-8), upper=math.log(10.0), location=location, scale=scale, jacobian=0.0, start=_START)

    @property
    def multimodal(self) -> bool:
        return False

    def features(self, X: Array) -> Features:
        return Features(len(X), X.shape[1], (self.levels.indicators(X)[:, :-1],))

    def gram(self, theta: Array, A: Features, B: Features) -> LevelNoiseGram:
        return LevelNoiseGram(of(theta).exp(theta), A, B)

    def diagonal(self, theta: Array, A: Features) -> Array:
        return of(theta).zeros(A.n)

    def pull_diagonal(self, theta: Array, A: Features, w: Array) -> Array | None:
        return None


@dataclass(frozen=True, eq=False)
class LevelNoiseGram:
    """A diagonal where both sets of points are the same object, elsewhere zero."""

    variances: Array
    A: Features
    B: Features

    @cached_property
    def matrix(self) -> Array:
        xp = of(self.variances)
        matrix = xp.zeros(self.A.n, self.B.n)
        if self.A is self.B:
            xp.diagonal(matrix)[:] = self.A.arrays[0] @ self.variances
        return matrix

    def pull_parameters(self, W: Array) -> Array:
        xp = of(self.variances)
        if self.A is not self.B:
            return xp.zeros(len(self.variances))
        pulled: Array = self.variances * (self.A.arrays[0].T @ xp.copy(xp.diagonal(W)))
        return pulled

    def pull_inputs(self, W: Array) -> Array:
        return of(W).zeros(self.A.n, self.A.width)

    def transposed(self) -> LevelNoiseGram:
        return LevelNoiseGram(self.variances, self.B, self.A)
