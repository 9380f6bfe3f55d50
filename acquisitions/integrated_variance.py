"""Active learning: by how much one more measurement lowers the uncertainty all over a space."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from acquisitions.gaussian import LEAST_VARIANCE, Array, Baseline, GrowingModel, in_blocks

_BLOCK = 256  # candidates scored at a time: what is worked on stays in the cache
_LEAST = 1e-100  # covariances below this are none


@dataclass(frozen=True, slots=True)
class LogIntegratedVarianceReduction:
    """``log mean_i (v_n(x_i) - v_{n+1}(x_i))``, the variances v of the latent function before and after a measurement at x.

    Over fixed points x_i that stand for the space; exact, since what a Gaussian process is told does not change by how much it learns:
    the reduction at x_i is ``k_n(x_i, x)^2 / (k_n(x, x) + noise)``. Minus infinity where nothing is learnt. BoTorch's
    `qNegIntegratedPosteriorVariance` is minus the mean of the variances that are left.

    Cost: O(n^2 + n b) a candidate for n data and b points.

    Source: Cohn, Ghahramani & Jordan (1996), "Active learning with statistical models"; Seo et al. (2000) for Gaussian processes.

    Args:
        gp: The model.
        X: The points, `b x d` in the unit cube; at least one.
        noise: Variance of the noise of a new measurement, in the squared units of the model's y, at least 0.
    """

    gp: GrowingModel
    X: Array
    noise: float
    _baseline: Baseline = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not len(self.X):
            raise ValueError("X has no points; a variance is integrated over some")
        if not 0 <= self.noise < np.inf:
            raise ValueError(f"noise is {self.noise}, a variance, and must be at least 0 and finite")
        object.__setattr__(self, "_baseline", self.gp.baseline(self.X))

    def with_pending(self, X: Array) -> LogIntegratedVarianceReduction:
        """What is learnt beyond measurements at X (`q x d`)."""
        if not len(X):
            return self
        return replace(self, gp=self.gp.condition(X, self.gp.predict(X)[0], np.full(len(X), self.noise)))

    def value(self, X: Array) -> Array:
        """The score at each row of X (`m x d`), shape `m`."""
        return in_blocks(lambda part: self._score(part)[0], X, _BLOCK)

    def value_and_gradient(self, X: Array) -> tuple[Array, Array]:
        """The score (`m`) and its gradient (`m x d`) at each row of X (`m x d`); with zeros for minus infinity."""
        value, gradient = self._score(X, gradient=True)
        assert gradient is not None
        return value, gradient

    def _score(self, X: Array, *, gradient: bool = False) -> tuple[Array, Array | None]:
        moments = self.gp.at(X, self._baseline)
        covariance = moments.covariance
        assert covariance is not None
        largest = np.abs(covariance).max(1)
        known = largest < _LEAST
        scale = np.where(known, 1.0, largest)  # squares of covariances far apart would underflow
        shares = covariance / scale[:, None]
        total = np.where(known, 1.0, np.einsum("ij,ij->i", shares, shares))
        told = np.maximum(moments.variance, LEAST_VARIANCE) + self.noise
        value = np.where(known, -np.inf, np.log(total) + 2.0 * np.log(scale) - np.log(len(self.X) * told))
        if not gradient:
            return value, None
        weight = np.where(known, 0.0, 2.0 / (total * scale))
        d_variance = np.where((moments.variance > LEAST_VARIANCE) & ~known, -1.0 / told, 0.0)
        return value, moments.pull(None, d_variance, weight[:, None] * shares)
