"""A model seen with some columns held: what a cheap evaluation at x says is one thing, what x is worth at the target another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from acquisitions.at_target import moved
from acquisitions.gaussian import Array, Baseline, GaussianModel, Moments


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """A `GaussianModel` at points whose given columns are replaced.

    Args:
        gp: The model.
        columns: Values by index of the column, in the unit cube.
    """

    gp: GaussianModel
    columns: Mapping[int, float]

    def predict(self, X: Array) -> tuple[Array, Array]:
        """Posterior mean and variance of the latent function at X (`m x d`), each of shape `m`."""
        return self.gp.predict(self.moved(X))

    def baseline(self, B: Array) -> Baseline:
        """The points B (`b x d`) for `at`."""
        return self.gp.baseline(self.moved(B))

    def moved(self, X: Array) -> Array:
        """X with the values in place."""
        return moved(X, self.columns)

    def at(self, X: Array, baseline: Any = None) -> Moments:
        """The moments at X, to be differentiated."""
        return _StandingMoments(self.gp.at(self.moved(X), baseline), tuple(self.columns))


@dataclass(frozen=True, slots=True)
class _StandingMoments:
    """Moments on which some columns have no influence."""

    inner: Moments
    columns: tuple[int, ...]

    @property
    def mean(self) -> Array:
        return self.inner.mean

    @property
    def variance(self) -> Array:
        return self.inner.variance

    @property
    def variance_bound(self) -> Array:
        return self.inner.variance_bound

    @property
    def covariance(self) -> Array | None:
        return self.inner.covariance

    def pull(self, d_mean: Array | None, d_variance: Array | None, d_covariance: Array | None = None) -> Array:
        gradient = self.inner.pull(d_mean, d_variance, d_covariance)
        gradient[:, list(self.columns)] = 0.0
        return gradient
