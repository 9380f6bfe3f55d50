"""The kernel of numeric columns that are active only under a condition."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from surrogates.columns import Columns
from surrogates.exact_gp.arrays import Array, of
from surrogates.exact_gp.kernels.base import Features, Normalised, Parameters, scattered
from surrogates.exact_gp.kernels.stationary import FACTOR, Profile, Profiled, waves


@dataclass(frozen=True, eq=False)
class Arc(Normalised):
    """A stationary kernel of points on arcs: ``(sin(pi r x), cos(pi r x)) / l`` where a column is active, the centre where it is not.

    Hutter & Osborne (2013), arXiv:1310.5738, with ``1 / l`` for their omega. A column that is inactive in both points
    adds nothing to their distance; one that is active in one of them adds ``1 / l`` whatever its value; one that is active in both
    adds ``2 sin(pi r |x - z| / 2) / l``. Being a kernel of mapped points it is positive definite.

    Args:
        columns: Indices of the numeric columns with a condition.
        table: What all columns mean.
        profile: As of `Stationary`.
        floor: Least l.
        dimension: The d of the prior of l, which is that of the length scales of `Stationary`; by default the number of these columns.
    """

    columns: tuple[int, ...]
    table: Columns
    profile: Profile = "rbf"
    floor: float = 2.5e-2
    dimension: int | None = None
    multimodal: bool = False

    @cached_property
    def parameters(self) -> Parameters:
        names = [f"lengthscale[{i}]" for i in self.columns]
        scales = Parameters.lengthscales(names, self.dimension or len(self.columns), lower=self.floor, upper=max(1e4, self.floor))
        names = [f"angle[{i}]" for i in self.columns]  # at most half a turn, so that what is farther apart correlates less
        angles = Parameters.of(names, lower=math.log(0.05), upper=0.0, location=math.log(0.5), scale=1.0, jacobian=0.0)
        return Parameters.joined([scales, angles])

    def features(self, X: Array) -> Features:
        xp = of(X)
        active = xp.asarray(self.table.active(xp.numpy(X))[:, list(self.columns)])
        return Features(len(X), X.shape[1], (X[:, list(self.columns)], active))

    def gram(self, theta: Array, A: Features, B: Features) -> ArcGram:
        S = self.embedded(theta, A)
        T = S if A is B else self.embedded(theta, B)
        return ArcGram(Profiled.between(self.profile, S, T), A, B, self._turn(theta), self.columns)

    @property
    def squared(self) -> bool:
        return self.profile == "rbf"

    def frequencies(self, theta: Array, A: Features, count: int, rng: np.random.Generator) -> Array:
        return waves(self.profile, 2 * len(self.columns), count, rng)

    def pull_embedded(self, theta: Array, A: Features, G: Array) -> Array:
        pulled = _turned(G, self.embedded(theta, A)) * self._turn(theta)
        return scattered(pulled, self.columns, A.width)

    def within(self, theta: Array, A: Features, B: Features, S: Array, T: Array, whole: Array) -> ArcGram:
        return ArcGram(Profiled(self.profile, S, T, None, whole), A, B, self._turn(theta), self.columns)

    def _turn(self, theta: Array) -> Array:
        return np.pi * of(theta).exp(theta[len(self.columns) :])

    def embedded(self, theta: Array, A: Features) -> Array:
        xp, k = of(theta), len(self.columns)
        x, active = A.arrays
        radius = active * (math.sqrt(FACTOR[self.profile]) * xp.exp(-theta[:k]))
        angle = x * (np.pi * xp.exp(theta[k:]))
        return xp.concatenate((radius * xp.sin(angle), radius * xp.cos(angle)), 1)


@dataclass(frozen=True, eq=False)
class ArcGram:
    """The covariance of embedded points; turn is how fast their angles grow with x."""

    profiled: Profiled
    A: Features
    B: Features
    turn: Array
    columns: tuple[int, ...]

    @property
    def matrix(self) -> Array:
        return self.profiled.matrix

    def pull_parameters(self, W: Array) -> Array:
        left, right = self.profiled.pull_both(W)
        scales = -(self._folded(left * self.profiled.S) + self._folded(right * self.profiled.T))
        angles = _turned(left, self.profiled.S) * self.A.arrays[0], _turned(right, self.profiled.T) * self.B.arrays[0]
        return of(W).concatenate((scales, self.turn * (angles[0].sum(0) + angles[1].sum(0))), 0)

    def pull_inputs(self, W: Array) -> Array:
        pulled = _turned(self.profiled.pull(W), self.profiled.S) * self.turn
        return scattered(pulled, self.columns, self.A.width)

    def transposed(self) -> ArcGram:
        return ArcGram(self.profiled.transposed(), self.B, self.A, self.turn, self.columns)

    def _folded(self, product: Array) -> Array:
        k = len(self.columns)
        summed: Array = (product[:, :k] + product[:, k:]).sum(0)
        return summed


def _turned(gradient: Array, S: Array) -> Array:
    """Gradient with respect to the angles, from that with respect to sines and cosines S (`n x 2k`)."""
    k = S.shape[1] // 2
    return gradient[:, :k] * S[:, k:] - gradient[:, k:] * S[:, :k]
