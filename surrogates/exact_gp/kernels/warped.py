"""Input warping by the distribution function of Kumaraswamy."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from surrogates.exact_gp.arrays import Array, of
from surrogates.exact_gp.kernels.base import Features, Gram, Kernel, Parameters, spectral

EDGE = 1e-7
"""Columns are squeezed into [EDGE, 1 - EDGE] first, where all derivatives exist; BoTorch's `Warp` does the same."""


@dataclass(frozen=True, eq=False)
class Warped:
    """A kernel of ``w(x) = 1 - (1 - x^a)^b`` for x in some columns, the others as they are.

    Snoek, Swersky, Zemel & Adams (2014), arXiv:1402.0929, with Kumaraswamy's distribution for the Beta distribution. The priors of
    a and b are LogNormal(0, sqrt(0.75)), which favours the identity, as in BoTorch's tutorial on input warping.

    Args:
        part: The kernel of the warped points.
        columns: Indices of the columns to warp.
    """

    part: Kernel
    columns: tuple[int, ...]
    multimodal: bool = field(default=True, init=False)

    @cached_property
    def parameters(self) -> Parameters:
        names = [f"warp.{letter}[{i}]" for letter in "ab" for i in self.columns]
        warp = Parameters.of(names, lower=-3.0, upper=3.0, scale=math.sqrt(0.75), start=0.0)
        return Parameters.joined([self.part.parameters, warp])

    def features(self, X: Array) -> Features:
        xp = of(X)
        x = X[:, list(self.columns)]
        inside = xp.where((x >= 0.0) & (x <= 1.0), 1.0, 0.0 * x)
        x = xp.clip(EDGE + (1.0 - 2.0 * EDGE) * x, EDGE, 1.0 - EDGE)
        return Features(len(X), X.shape[1], (X, x, xp.log(x), inside))

    def gram(self, theta: Array, A: Features, B: Features) -> WarpedGram:
        own, left = self._split(theta, A)
        right = left if A is B else self._split(theta, B)[1]
        first = self._mapped(A, left)
        second = first if A is B else self._mapped(B, right)
        return WarpedGram(self.part.gram(own, first, second), left, right, self.columns)

    def diagonal(self, theta: Array, A: Features) -> Array:
        own, warp = self._split(theta, A)
        return self.part.diagonal(own, self._mapped(A, warp))

    def pull_diagonal(self, theta: Array, A: Features, w: Array) -> Array | None:
        own, warp = self._split(theta, A)
        pulled = self.part.pull_diagonal(own, self._mapped(A, warp), w)
        if pulled is not None:
            pulled[:, list(self.columns)] *= warp.slope
        return pulled

    def frequencies(self, theta: Array, A: Features, count: int, rng: np.random.Generator) -> Array:
        own, warp = self._split(theta, A)
        return spectral(self.part).frequencies(own, self._mapped(A, warp), count, rng)

    def embedded(self, theta: Array, A: Features) -> Array:
        own, warp = self._split(theta, A)
        return spectral(self.part).embedded(own, self._mapped(A, warp))

    def pull_embedded(self, theta: Array, A: Features, G: Array) -> Array:
        own, warp = self._split(theta, A)
        pulled = spectral(self.part).pull_embedded(own, self._mapped(A, warp), G)
        pulled[:, list(self.columns)] *= warp.slope
        return pulled

    def _split(self, theta: Array, A: Features) -> tuple[Array, _Warp]:
        """The hyperparameters of the kernel of the warped points, and the warped columns of the points."""
        own, curves = theta[: len(self.part.parameters)], of(theta).exp(theta[len(self.part.parameters) :])
        c = len(self.columns)
        _, x, log_x, inside = A.arrays
        return own, _Warp(curves[:c], curves[c:], x, log_x, inside)

    def _mapped(self, A: Features, warp: _Warp) -> Features:
        X = of(warp.value).copy(A.arrays[0])
        X[:, list(self.columns)] = warp.value
        return self.part.features(X)


@dataclass(frozen=True, eq=False)
class _Warp:
    """Warped columns and their derivatives, each `n x c`."""

    a: Array
    b: Array
    x: Array
    log_x: Array
    inside: Array

    @cached_property
    def power(self) -> Array:
        """``x^a``."""
        return of(self.x).exp(self.a * self.log_x)

    @cached_property
    def log_rest(self) -> Array:
        """``log(1 - x^a)``."""
        xp = of(self.x)
        return xp.log(-xp.expm1(self.a * self.log_x))

    @cached_property
    def value(self) -> Array:
        """``1 - (1 - x^a)^b``."""
        return -of(self.x).expm1(self.b * self.log_rest)

    @cached_property
    def slope(self) -> Array:
        """Derivative with respect to x; zero outside the cube, where x is held at its edge."""
        inner = of(self.x).exp((self.b - 1.0) * self.log_rest)
        return (1.0 - 2.0 * EDGE) * self.inside * self.a * self.b * inner * self.power / self.x

    @property
    def by_log_a(self) -> Array:
        """Derivative with respect to log a."""
        return self.a * self.b * of(self.x).exp((self.b - 1.0) * self.log_rest) * self.power * self.log_x

    @property
    def by_log_b(self) -> Array:
        """Derivative with respect to log b."""
        return -self.b * self.log_rest * of(self.x).exp(self.b * self.log_rest)


@dataclass(frozen=True, eq=False)
class WarpedGram:
    """The covariance of warped points."""

    part: Gram
    left: _Warp
    right: _Warp
    columns: tuple[int, ...]

    @property
    def matrix(self) -> Array:
        return self.part.matrix

    def pull_parameters(self, W: Array) -> Array:
        chosen = list(self.columns)
        first, second = self.part.pull_inputs(W)[:, chosen], self.part.transposed().pull_inputs(W.T)[:, chosen]
        by_a = (first * self.left.by_log_a).sum(0) + (second * self.right.by_log_a).sum(0)
        by_b = (first * self.left.by_log_b).sum(0) + (second * self.right.by_log_b).sum(0)
        return of(W).concatenate((self.part.pull_parameters(W), by_a, by_b), 0)

    def pull_inputs(self, W: Array) -> Array:
        gradient = self.part.pull_inputs(W)
        gradient[:, list(self.columns)] *= self.left.slope
        return gradient

    def transposed(self) -> WarpedGram:
        return WarpedGram(self.part.transposed(), self.right, self.left, self.columns)
