"""What data say of the parameters of a family to first order: their estimate, and the ellipsoid around it.

With the gradients ``g_s`` of the family at each datum, each taken at the estimate of its own time, the precision is

    ``Sigma = lambda I + sum_s g_s g_s'``

and the estimate minimizes ``lambda |w - w_0|^2 / 2 + sum_s (f_s(w_s) + g_s . (w - w_s) - y_s)^2 / 2``. Since each linearisation is made
at the estimate before its datum, appending one moves the estimate by

    ``w_(s+1) = w_s + Sigma_(s+1)^-1 g_s (y_s - f_s(w_s))``,

which is recursive least squares. Source of the two formulas above: Liu & Wang (2023), "Global Optimization with Parametric Function
Approximation", ICML.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.linalg import cho_solve, cholesky, solve_triangular

from surrogates.parametric.family import Array


@dataclass(frozen=True, eq=False)
class LinearisedPosterior:
    """The estimate and precision of p parameters after t data. Appending makes a new one.

    While t < p it is kept as the Cholesky factor of ``lambda I + G G'`` (`t x t`, Woodbury), then as that of ``Sigma`` itself
    (`p x p`).

    Args:
        weights: The estimate, `p`.
        ridge: lambda, positive.
        gradients: G, `t x p`, one row a datum.
        factor: Lower triangular.
        dual: Whether it is the factor of ``lambda I + G G'``.
    """

    weights: Array
    ridge: float
    gradients: Array
    factor: Array
    dual: bool

    @classmethod
    def prior(cls, weights: Array, ridge: float) -> LinearisedPosterior:
        """Before any data: ``Sigma = lambda I`` around w_0.

        Raises:
            ValueError: `ridge` is not positive.
        """
        if not ridge > 0:
            raise ValueError(f"ridge is {ridge}, must be positive")
        return cls(weights, float(ridge), np.empty((0, len(weights))), np.empty((0, 0)), dual=True)

    @classmethod
    def rebuilt(cls, weights: Array, ridge: float, gradients: Array) -> LinearisedPosterior:
        """Of an estimate and all gradients at once, factorised afresh."""
        t, p = gradients.shape
        dual = t < p
        inner = gradients @ gradients.T if dual else gradients.T @ gradients
        factor = cholesky(ridge * np.eye(len(inner)) + inner, lower=True) if len(inner) else inner
        return cls(weights, float(ridge), gradients, factor, dual)

    def append(self, gradient: Array, residual: float = 0.0) -> LinearisedPosterior:
        """After one more datum, by rank-one updates.

        Args:
            gradient: ``g``, taken at `weights`, shape `p`.
            residual: ``y - f_x(weights)``; zero leaves the estimate as it is, for a datum whose value is awaited.
        """
        gradients = np.vstack([self.gradients, gradient])
        t, p = gradients.shape
        if self.dual and t >= p:
            after = self.rebuilt(self.weights, self.ridge, gradients)
        elif self.dual:
            row = solve_triangular(self.factor, self.gradients @ gradient, lower=True) if t > 1 else np.empty(0)
            # In exact arithmetic the new pivot is lambda (1 + g' Sigma^-1 g), never below lambda.
            pivot = max(self.ridge + float(gradient @ gradient - row @ row), self.ridge)
            factor = np.zeros((t, t))
            factor[:-1, :-1], factor[-1, :-1], factor[-1, -1] = self.factor, row, math.sqrt(pivot)
            after = replace(self, gradients=gradients, factor=factor)
        else:
            after = replace(self, gradients=gradients, factor=updated(self.factor, gradient))
        return replace(after, weights=self.weights + residual * after.solve(gradient[None])[0]) if residual else after

    def whiten(self, V: Array) -> Array:
        """``A' v`` for each row v (`m x p`), of a square root ``A A' = Sigma^-1``: their lengths are ``sqrt(v' Sigma^-1 v)``."""
        if not self.dual:
            return np.asarray(solve_triangular(self.factor, V.T, lower=True).T)
        if not len(self.gradients):
            return V / math.sqrt(self.ridge)
        return np.asarray((V - (V @ self.gradients.T) @ self._cross) / math.sqrt(self.ridge))

    def colour(self, U: Array) -> Array:
        """``A u`` for each row u (`m x p`): takes the unit ball to the ellipsoid ``w' Sigma w <= 1``."""
        if not self.dual:
            return np.asarray(solve_triangular(self.factor, U.T, lower=True, trans="T").T)
        if not len(self.gradients):
            return U / math.sqrt(self.ridge)
        return np.asarray((U - (U @ self._cross.T) @ self.gradients) / math.sqrt(self.ridge))

    def solve(self, V: Array) -> Array:
        """``Sigma^-1 v`` for each row, `m x p`."""
        if not self.dual:
            return self.colour(self.whiten(V))
        if not len(self.gradients):
            return V / self.ridge
        return np.asarray((V - cho_solve((self.factor, True), self.gradients @ V.T).T @ self.gradients) / self.ridge)

    @cached_property
    def _cross(self) -> Array:
        """``L^-T (L + sqrt(lambda) I)^-1 G``, with which ``A = (I - G' L^-T (L + sqrt(lambda) I)^-1 G) / sqrt(lambda)``.

        Andrews (1968), AIAA Journal 6: a square root filter for several measurements at once.
        """
        L = self.factor
        inner = solve_triangular(L + math.sqrt(self.ridge) * np.eye(len(L)), self.gradients, lower=True)
        return np.asarray(solve_triangular(L, inner, lower=True, trans="T"))


def updated(L: Array, g: Array) -> Array:
    """The lower Cholesky factor of ``L L' + g g'``, by a rotation for each column."""
    L, g = L.copy(), np.array(g, dtype=float)
    for k in range(len(L)):
        radius = math.hypot(L[k, k], g[k])
        cos, sin = L[k, k] / radius, g[k] / radius
        column = cos * L[k:, k] + sin * g[k:]
        g[k:] = cos * g[k:] - sin * L[k:, k]
        L[k:, k] = column
    return L
