"""One number of several objectives: the augmented Chebyshev scalarization, whose best point is on the Pareto front for any weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from acquisitions.gaussian import Array

RHO = 0.05
"""Weight of the sum beside the largest loss, which leaves no weakly dominated point among the best (Knowles 2006, equation 2)."""


@dataclass(frozen=True, slots=True, eq=False)
class AugmentedChebyshev:
    """``-(max_k w_k u_k + rho sum_k w_k u_k)`` with the losses ``u_k = (ideal_k - y_k) / range_k``; larger is better.

    On the front the losses go from 0 to 1. Every Pareto optimal point is the best for some weights, on concave parts of a front too,
    which a weighted sum never reaches.

    Source: Knowles (2006), "ParEGO", equations 1 and 2, there to be minimized.

    Args:
        weights: Of the m objectives, positive, with sum one; see `random_weights`.
        ideal: The best value of each, `m`.
        range: What each differs by on the front, positive, `m`.
        rho: Of the augmentation.
    """

    weights: Array
    ideal: Array
    range: Array
    rho: float = RHO

    @classmethod
    def over(cls, front: Array, weights: Array) -> Self:
        """Normalised by a front (`p x m`, to be maximized); an objective that is the same all over it keeps its own units."""
        ideal = front.max(0)
        length = ideal - front.min(0)
        return cls(weights, ideal, np.where(length > 0, length, 1.0))

    def value(self, Y: Array) -> Array:
        """The scalarization of each row of Y (`n x m`), shape `n`."""
        losses = self._losses(Y)
        value: Array = -(losses.max(1) + self.rho * losses.sum(1))
        return value

    def variance(self, Y: Array, variance: Array) -> Array:
        """Its variance by noise with these variances (`n x m`, independent) in Y, shape `n`: to first order, off the ridges exact."""
        slopes = np.full(Y.shape, self.rho)
        slopes[np.arange(len(Y)), self._losses(Y).argmax(1)] += 1.0
        spread: Array = ((slopes * self.weights / self.range) ** 2 * variance).sum(1)
        return spread

    def _losses(self, Y: Array) -> Array:
        losses: Array = self.weights * (self.ideal - Y) / self.range
        return losses


def random_weights(m: int, rng: np.random.Generator) -> Array:
    """Weights of m objectives, uniform on the simplex, `m`; Knowles draws from a fine lattice on it."""
    weights: Array = rng.dirichlet(np.ones(m))
    return weights
