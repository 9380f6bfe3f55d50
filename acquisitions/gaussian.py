"""What the analytic acquisition functions ask of a model: the moments of a Gaussian posterior and their gradients."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

LEAST_VARIANCE = 1e-12
"""Variances below this count as this, of outcomes standardised to variance one (BoTorch's analytic functions clamp alike)."""


class Moments(Protocol):
    """Posterior mean and variance of the latent function at m points, and the way back from their gradients to the points."""

    @property
    def mean(self) -> Array:
        """Posterior means, shape `m`."""

    @property
    def variance(self) -> Array:
        """Posterior variances, shape `m`."""

    def pull(self, d_mean: Array, d_variance: Array) -> Array:
        """Gradient (`m x d`) of ``sum(d_mean * mean + d_variance * variance)`` with respect to the points."""


class GaussianModel(Protocol):
    """One output with a Gaussian posterior, such as `surrogates.exact_gp.ExactGP`; X is `m x d` in the unit cube."""

    def predict(self, X: Array) -> tuple[Array, Array]:
        """Posterior mean and variance of the latent function at X, each of shape `m`."""

    def at(self, X: Array) -> Moments:
        """The moments at X, to be differentiated."""


def spread(variance: Array) -> tuple[Array, Array]:
    """Standard deviation, floored, and its derivative with respect to the variance (zero at the floor), same shape."""
    sd = np.sqrt(np.maximum(variance, LEAST_VARIANCE))
    return sd, np.where(variance > LEAST_VARIANCE, 0.5 / sd, 0.0)
