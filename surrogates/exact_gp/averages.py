"""How far each of some points goes together with an average over partners of its own."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from surrogates.exact_gp.arrays import Array, of
from surrogates.exact_gp.kernels.base import Features, Gram

if TYPE_CHECKING:
    from surrogates.exact_gp.gp import ExactGP

_PART = 8  # points whose covariances with their partners are taken from one matrix, of which one block in so many is wanted


@dataclass(frozen=True, eq=False, repr=False)
class Averages:
    """Posterior means of weighted averages of the latent function, and their covariances with its values at X.

    The average that belongs to row i of X is over rows ``i q`` to ``i q + q - 1`` of Z. No system is solved for Z: O(n^2) a row of X.

    Args:
        X: `m x d`.
        Z: `(m q) x d`.
        weights: `q`.
    """

    X: Array
    Z: Array
    weights: Array
    _gp: ExactGP

    @cached_property
    def mean(self) -> Array:
        """Of the averages, `m`."""
        values = self._gp.mean(self.Z) + self._partners.matrix @ self._gp.alpha
        mean: Array = values.reshape(len(self.X), len(self.weights)) @ self.weights
        return mean

    @cached_property
    def covariance(self) -> Array:
        """Of each average with the value at its row of X, `m`."""
        xp, q = of(self.X), len(self.weights)
        parts = [xp.zeros(0)]
        for start in range(0, len(self.X), _PART):
            matrix = self._beside(start)[2].matrix
            k = len(matrix)
            parts.append(xp.diagonal((matrix.reshape(k * k, q) @ self.weights).reshape(k, k)))
        covariance: Array = xp.concatenate(parts, 0) - (self._averaged * self._solved).sum(1)
        return covariance

    def pull(self, d_mean: Array, d_covariance: Array) -> tuple[Array, Array]:
        """Gradients of ``sum(d_mean * mean) + sum(d_covariance * covariance)`` with respect to X (`m x d`) and Z (`(m q) x d`)."""
        gp, xp, m, q = self._gp, of(self.X), len(self.X), len(self.weights)
        here, there = [], []
        for start in range(0, m, _PART):
            A, B, gram = self._beside(start)
            W = xp.zeros(A.n, B.n)
            for k in range(A.n):
                W[k, k * q : (k + 1) * q] = d_covariance[start + k] * self.weights
            here.append(gram.pull_inputs(W))
            there.append(gram.transposed().pull_inputs(W.T))
        solved = xp.solve_upper(gp.L, xp.solve_lower(gp.L, self._averaged.T)).T
        d_X = xp.concatenate(here, 0) + self._points.pull_inputs(-d_covariance[:, None] * solved)
        each = d_mean[:, None] * gp.alpha[None, :] - d_covariance[:, None] * self._solved
        d_Z = xp.concatenate(there, 0) + self._partners.pull_inputs((each[:, None, :] * self.weights[None, :, None]).reshape(m * q, -1))
        if len(gp.weights) > 1:
            d_Z = d_Z + xp.outer((d_mean[:, None] * self.weights[None, :]).reshape(-1), gp.weights[1:])
        return d_X, d_Z

    def _beside(self, start: int) -> tuple[Features, Features, Gram]:
        """Some points, all their partners, and their covariance before any data."""
        gp, q = self._gp, len(self.weights)
        A = gp.kernel.features(self.X[start : start + _PART])
        B = gp.kernel.features(self.Z[start * q : (start + _PART) * q])
        return A, B, gp.kernel.gram(gp.theta, A, B)

    @cached_property
    def _points(self) -> Gram:
        return self._gp.kernel.gram(self._gp.theta, self._gp.kernel.features(self.X), self._gp.features)

    @cached_property
    def _partners(self) -> Gram:
        return self._gp.kernel.gram(self._gp.theta, self._gp.kernel.features(self.Z), self._gp.features)

    @cached_property
    def _averaged(self) -> Array:
        """Covariance of the averages with the training points before any data, `m x n`."""
        averaged: Array = self.weights @ self._partners.matrix.reshape(len(self.X), len(self.weights), -1)
        return averaged

    @cached_property
    def _solved(self) -> Array:
        """``k(X, training points) K^-1``, `m x n`."""
        xp, L = of(self.X), self._gp.L
        solved: Array = xp.solve_upper(L, xp.solve_lower(L, self._points.matrix.T)).T
        return solved
