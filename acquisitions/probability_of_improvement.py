"""Probability of improving on a known best value, and its logarithm."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from acquisitions.gaussian import Array, GaussianModel, spread
from acquisitions.tails import log_cdf


@dataclass(frozen=True, slots=True)
class LogProbabilityOfImprovement:
    """``log P(f(x) > best) = log Phi((m - best) / s)`` with the posterior mean m and standard deviation s of the latent function.

    BoTorch: `LogProbabilityOfImprovement`. Source: Kushner (1964); the logarithm: Ament et al. (2023), arXiv:2310.20708.

    Args:
        gp: The model of the objective, to be maximized.
        best: Value to improve on, in the units of the model's y.
    """

    gp: GaussianModel
    best: float

    def value(self, X: Array) -> Array:
        """The score at each row of X (`m x d`), shape `m`."""
        mean, variance = self.gp.predict(X)
        return log_cdf((mean - self.best) / spread(variance)[0])[0]

    def value_and_gradient(self, X: Array) -> tuple[Array, Array]:
        """The score (`m`) and its gradient (`m x d`) at each row of X (`m x d`)."""
        moments = self.gp.at(X)
        sd, d_sd = spread(moments.variance)
        z = (moments.mean - self.best) / sd
        value, slope = log_cdf(z)
        return value, moments.pull(slope / sd, -slope * z / sd * d_sd)


@dataclass(frozen=True, slots=True)
class ProbabilityOfImprovement:
    """``P(f(x) > best)``; underflows where `LogProbabilityOfImprovement` does not. Arguments, source as there.

    BoTorch: `ProbabilityOfImprovement`.
    """

    gp: GaussianModel
    best: float

    def value(self, X: Array) -> Array:
        """The score at each row of X (`m x d`), shape `m`."""
        return np.exp(LogProbabilityOfImprovement(self.gp, self.best).value(X))

    def value_and_gradient(self, X: Array) -> tuple[Array, Array]:
        """The score (`m`) and its gradient (`m x d`) at each row of X (`m x d`)."""
        value, gradient = LogProbabilityOfImprovement(self.gp, self.best).value_and_gradient(X)
        return np.exp(value), np.exp(value)[:, None] * gradient
