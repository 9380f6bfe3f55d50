"""Stationary kernels with a length scale for each column (automatic relevance determination).

Every one is a function of ``u = c sum_i (x_i - z_i)^2 / l_i^2``, so that its gradients are contractions with the matrix of
``dk/du`` and need one matrix product each: no array of `m x n x d` is made.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from surrogates.exact_gp.arrays import Array, of
from surrogates.exact_gp.kernels.base import Features, Normalised, Parameters, scattered

Profile = Literal["rbf", "matern12", "matern32", "matern52"]

FACTOR: dict[Profile, float] = {"rbf": 0.5, "matern12": 1.0, "matern32": 3.0, "matern52": 5.0}
"""The constant c in u, with which the kernels are ``exp(-u)`` and a polynomial in ``sqrt(u)`` times ``exp(-sqrt(u))``."""


def waves(profile: Profile, k: int, count: int, rng: np.random.Generator) -> Array:
    """Draws of a profile's spectral density over `k` dimensions, `k x count`; of columns that are multiplied by the root of c.

    A normal density for ``rbf``, and Student's of 2 nu degrees of freedom for Matern kernels; Rasmussen & Williams (2006), section 4.2.1.
    """
    normal = rng.standard_normal((k, count))
    return math.sqrt(2.0) * normal if profile == "rbf" else normal / np.sqrt(rng.chisquare(FACTOR[profile], count))


_NEAR = 1e-8  # of the largest squared norms: nearer pairs are measured again where it matters, since norms cancel


@dataclass(frozen=True, eq=False)
class Profiled:
    """A profile of the distance between scaled points S (`m x k`) and T (`n x k`); see Rasmussen & Williams (2006), section 4.2.

    Args:
        profile: Which.
        S, T: Columns divided by length scales, and multiplied by the square root of c.
        root: ``sqrt(u)``, `m x n`; None for ``rbf``, which does not need it.
        decay: ``exp(-u)`` for ``rbf``, else ``exp(-sqrt(u))``.
    """

    profile: Profile
    S: Array
    T: Array
    root: Array | None
    decay: Array

    @classmethod
    def between(cls, profile: Profile, S: Array, T: Array) -> Profiled:
        """Measure the distances: ``u = s's + t't - 2 s't`` in one matrix product."""
        xp = of(S)
        s, one = xp.squares(S, 1)[:, None], xp.ones(len(S), 1)
        t, one_t = (s, one) if T is S else (xp.squares(T, 1)[:, None], xp.ones(len(T), 1))
        right = xp.concatenate((T, one_t, t), 1).T
        if profile == "rbf":
            minus_u = xp.clip(xp.concatenate((2.0 * S, -s, -one), 1) @ right, None, 0.0)
            if T is S:
                xp.diagonal(minus_u)[:] = 0.0
            return cls(profile, S, T, None, xp.exp_(minus_u))
        u = xp.clip(xp.concatenate((-2.0 * S, s, one), 1) @ right, 0.0, None)
        if profile == "matern12":  # the others are smooth in u; here an error of 1e-16 in u is one of 1e-8 in k
            near = xp.nonzero(u < _NEAR * (float(s.max()) + float(t.max())))
            u[near] = xp.squares(S[near[0]] - T[near[1]], 1)
        if T is S:
            xp.diagonal(u)[:] = 0.0
        root = xp.sqrt(u)
        return cls(profile, S, T, root, xp.exp_(-root))

    @cached_property
    def matrix(self) -> Array:
        """The kernel, `m x n`."""
        r = self.root
        if r is None or self.profile == "matern12":
            return self.decay
        return (1.0 + r) * self.decay if self.profile == "matern32" else (1.0 + r * (1.0 + r / 3.0)) * self.decay

    def slope(self, W: Array) -> Array:
        """``W dk/du``, elementwise; zero between a point and itself, where it counts for nothing but rounding errors."""
        xp, r = of(self.S), self.root
        G: Array = W * self.decay
        if r is None:
            G *= -1.0
        elif self.profile == "matern32":
            G *= -0.5
        elif self.profile == "matern52":
            G *= (-1.0 / 6.0) * (1.0 + r)
        else:  # not differentiable where points meet: zero, the middle of its one-sided derivatives
            G *= -0.5 * xp.where(r > 0.0, 1.0 / xp.where(r > 0.0, r, 1.0), 0.0)
        if self.T is self.S:
            xp.diagonal(G)[:] = 0.0
        return G

    def pull(self, W: Array) -> Array:
        """Gradient of ``sum(W * matrix)`` with respect to S, T held fixed."""
        G = self.slope(W)
        gradient: Array = 2.0 * (G.sum(1)[:, None] * self.S - G @ self.T)
        return gradient

    def pull_both(self, W: Array) -> tuple[Array, Array]:
        """Gradients of ``sum(W * matrix)`` with respect to S and to T, each with the other held fixed."""
        G = self.slope(W)
        return 2.0 * (G.sum(1)[:, None] * self.S - G @ self.T), 2.0 * (G.sum(0)[:, None] * self.T - G.T @ self.S)

    def pull_scales(self, W: Array) -> Array:
        """Gradient of ``sum(W * matrix)`` with respect to the logarithms of scales that the columns of S and T are divided by."""
        G = self.slope(W)
        squares: Array = G.sum(1) @ (self.S * self.S) + G.sum(0) @ (self.T * self.T)
        squares -= 2.0 * (self.S * (G @ self.T)).sum(0)
        return -2.0 * squares

    def transposed(self) -> Profiled:
        """The same with S and T exchanged."""
        return Profiled(self.profile, self.T, self.S, None if self.root is None else self.root.T, self.decay.T)


@dataclass(frozen=True, eq=False)
class StationaryGram:
    """The covariance of points whose columns are divided by length scales."""

    profiled: Profiled
    inverse: Array
    columns: tuple[int, ...]
    width: int

    @property
    def matrix(self) -> Array:
        return self.profiled.matrix

    def pull_parameters(self, W: Array) -> Array:
        return self.profiled.pull_scales(W)

    def pull_inputs(self, W: Array) -> Array:
        return scattered(self.profiled.pull(W) * self.inverse, self.columns, self.width)

    def transposed(self) -> StationaryGram:
        return StationaryGram(self.profiled.transposed(), self.inverse, self.columns, self.width)


@dataclass(frozen=True, eq=False)
class Stationary(Normalised):
    """RBF or Matern kernel on some columns, one length scale each.

    Their prior is that of `Parameters.lengthscales`.

    Args:
        columns: Indices of the columns it looks at.
        profile: ``rbf``, ``matern12``, ``matern32`` or ``matern52``.
        floor: Least length scale, in units of the cube's side.
        dimension: The d of the prior; the number of columns by default.
    """

    columns: tuple[int, ...]
    profile: Profile = "rbf"
    floor: float = 2.5e-2
    dimension: int | None = None
    multimodal: bool = False

    @cached_property
    def parameters(self) -> Parameters:
        names = [f"lengthscale[{i}]" for i in self.columns]
        return Parameters.lengthscales(names, self.dimension or len(self.columns), lower=self.floor, upper=max(1e4, self.floor))

    def features(self, X: Array) -> Features:
        chosen = X if self.columns == tuple(range(X.shape[1])) else X[:, list(self.columns)]
        return Features(len(X), X.shape[1], (chosen - 0.5,))  # centred: distances are differences of norms

    def gram(self, theta: Array, A: Features, B: Features) -> StationaryGram:
        S = self.embedded(theta, A)
        T = S if B is A else self.embedded(theta, B)
        return StationaryGram(Profiled.between(self.profile, S, T), self._inverse(theta), self.columns, A.width)

    @property
    def squared(self) -> bool:
        return self.profile == "rbf"

    def embedded(self, theta: Array, A: Features) -> Array:
        scaled: Array = A.arrays[0] * self._inverse(theta)
        return scaled

    def frequencies(self, theta: Array, A: Features, count: int, rng: np.random.Generator) -> Array:
        return waves(self.profile, len(self.columns), count, rng)

    def pull_embedded(self, theta: Array, A: Features, G: Array) -> Array:
        return scattered(G * self._inverse(theta), self.columns, A.width)

    def within(self, theta: Array, A: Features, B: Features, S: Array, T: Array, whole: Array) -> StationaryGram:
        return StationaryGram(Profiled(self.profile, S, T, None, whole), self._inverse(theta), self.columns, A.width)

    def _inverse(self, theta: Array) -> Array:
        return math.sqrt(FACTOR[self.profile]) * of(theta).exp(-theta)
