"""What the analytic acquisition functions ask of a model: the moments of a Gaussian posterior and their gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

LEAST_VARIANCE = 1e-12
"""Variances below this count as this, of outcomes standardised to variance one (BoTorch's analytic functions clamp alike)."""


class Baseline(Protocol):
    """Fixed points whose latent values are of interest together with those of candidates."""

    @property
    def mean(self) -> Array:
        """Posterior means at the b points, shape `b`."""

    @property
    def covariance(self) -> Array:
        """Posterior covariances between them, `b x b`."""


class Moments(Protocol):
    """Posterior moments of the latent function at m points, and the way back from their gradients to the points."""

    @property
    def mean(self) -> Array:
        """Posterior means, shape `m`."""

    @property
    def variance(self) -> Array:
        """Posterior variances, shape `m`."""

    @property
    def variance_bound(self) -> Array:
        """At least the variances, shape `m`, for much less work where the model has many data."""

    @property
    def covariance(self) -> Array | None:
        """Posterior covariances with the points of the baseline, `m x b`; None where none was given."""

    def pull(self, d_mean: Array | None, d_variance: Array | None, d_covariance: Array | None = None) -> Array:
        """Gradient (`m x d`) of ``sum(d_mean * mean + d_variance * variance) + sum(d_covariance * covariance)`` in the points.

        None is zeros; without d_variance the gradient costs no solve.
        """


class GaussianModel(Protocol):
    """One output with a Gaussian posterior, such as `surrogates.exact_gp.ExactGP`; X is `m x d` in the unit cube."""

    def predict(self, X: Array) -> tuple[Array, Array]:
        """Posterior mean and variance of the latent function at X, each of shape `m`."""

    def baseline(self, B: Array) -> Baseline:
        """The points B (`b x d`), kept in the model's own type for its own `at`."""

    def at(self, X: Array, baseline: Any = None) -> Moments:
        """The moments at X, to be differentiated; with covariances where a baseline is given."""


class GrowingModel(GaussianModel, Protocol):
    """A `GaussianModel` that takes more data."""

    def condition(self, X: Array, y: Array, yvar: Array, /) -> Self:
        """The model with measurements y (`q`) at X (`q x d`) too, of noise with the variances yvar (`q`)."""


class Pairs(Protocol):
    """Points and a partner of each."""

    @property
    def covariance(self) -> Array:
        """Posterior covariance of each point with its partner, shape `m`."""

    def pull(self, d: Array) -> tuple[Array, Array]:
        """Gradients (`m x d` each) of ``sum(d * covariance)`` in the points and in their partners."""


@runtime_checkable
class Pairing(Protocol):
    """A model that tells how far points go together with partners of their own."""

    def pairs(self, here: Any, there: Any) -> Pairs:
        """Each of m points with the same of others, both as the model's own `at` has them."""


class Averages(Protocol):
    """Points and, for each, an average of the latent function over others."""

    @property
    def mean(self) -> Array:
        """Posterior means of the averages, shape `m`."""

    @property
    def covariance(self) -> Array:
        """Posterior covariance of each point with its average, shape `m`."""

    def pull(self, d_mean: Array, d_covariance: Array) -> tuple[Array, Array]:
        """Gradients of ``sum(d_mean * mean) + sum(d_covariance * covariance)`` in the points (`m x d`) and in the others (`(m q) x d`)."""


@runtime_checkable
class Averaging(Protocol):
    """A model that tells how far points go together with averages of its own function."""

    def averages(self, X: Array, Z: Array, weights: Array) -> Averages:
        """Each row of X (`m x d`) with the average over q rows of Z (`(m q) x d`), of these weights (`q`)."""


def spread(variance: Array) -> tuple[Array, Array]:
    """Standard deviation, floored, and its derivative with respect to the variance (zero at the floor), same shape."""
    sd = np.sqrt(np.maximum(variance, LEAST_VARIANCE))
    return sd, np.where(variance > LEAST_VARIANCE, 0.5 / sd, 0.0)


def in_blocks(score: Callable[[Array], Array], X: Array, size: int) -> Array:
    """Scores of the rows of X (`m x d`), shape `m`, `size` rows at a time: what is worked on stays in the cache."""
    return np.concatenate([np.empty(0), *(score(X[start : start + size]) for start in range(0, len(X), size))])
