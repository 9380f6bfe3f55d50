"""The linear kernel: planes through the middle of the cube."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

from surrogates.exact_gp.arrays import Array, of
from surrogates.exact_gp.kernels.base import Features, Parameters, scattered


@dataclass(frozen=True, eq=False)
class Linear:
    """``sum_i v_i (x_i - 1/2) (z_i - 1/2)``, one variance a column; Rasmussen & Williams (2006), section 4.2.2.

    Args:
        columns: Indices of the columns it looks at.
    """

    columns: tuple[int, ...]
    multimodal: bool = False

    @cached_property
    def parameters(self) -> Parameters:
        return Parameters.of([f"slope[{i}]" for i in self.columns], lower=math.log(1e-6), upper=math.log(1e4))

    def features(self, X: Array) -> Features:
        return Features(len(X), X.shape[1], (X[:, list(self.columns)] - 0.5,))

    def gram(self, theta: Array, A: Features, B: Features) -> LinearGram:
        return LinearGram(A.arrays[0], B.arrays[0], of(theta).exp(theta), self.columns, A.width)

    def diagonal(self, theta: Array, A: Features) -> Array:
        return A.arrays[0] ** 2 @ of(theta).exp(theta)

    def pull_diagonal(self, theta: Array, A: Features, w: Array) -> Array | None:
        return scattered(2.0 * w[:, None] * A.arrays[0] * of(theta).exp(theta), self.columns, A.width)


@dataclass(frozen=True, eq=False)
class LinearGram:
    """The covariance of centred points S and T with variances of the slopes."""

    S: Array
    T: Array
    variances: Array
    columns: tuple[int, ...]
    width: int

    @cached_property
    def matrix(self) -> Array:
        return (self.S * self.variances) @ self.T.T

    def pull_parameters(self, W: Array) -> Array:
        pulled: Array = self.variances * (self.S * (W @ self.T)).sum(0)
        return pulled

    def pull_inputs(self, W: Array) -> Array:
        return scattered((W @ self.T) * self.variances, self.columns, self.width)

    def transposed(self) -> LinearGram:
        return LinearGram(self.T, self.S, self.variances, self.columns, self.width)
