"""Expected improvement over a known best value, and its logarithm."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from acquisitions.gaussian import Array, GaussianModel, spread
from acquisitions.tails import log_h


@dataclass(frozen=True, slots=True)
class LogExpectedImprovement:
    """``log E[max(f(x) - best, 0)] = log s + log h((m - best) / s)`` with ``h(z) = phi(z) + z Phi(z)``.

    m and s are the posterior mean and standard deviation of the latent function. BoTorch: `LogExpectedImprovement`.
    Source: Jones et al. (1998); the logarithm: Ament et al. (2023), arXiv:2310.20708, equation 9.

    Args:
        gp: The model of the objective, to be maximized.
        best: Value to improve on, in the units of the model's y.
    """

    gp: GaussianModel
    best: float

    def value(self, X: Array) -> Array:
        """The score at each row of X (`m x d`), shape `m`."""
        mean, variance = self.gp.predict(X)
        sd, _ = spread(variance)
        return np.log(sd) + log_h((mean - self.best) / sd)[0]

    def value_and_gradient(self, X: Array) -> tuple[Array, Array]:
        """The score (`m`) and its gradient (`m x d`) at each row of X (`m x d`)."""
        moments = self.gp.at(X)
        sd, d_sd = spread(moments.variance)
        z = (moments.mean - self.best) / sd
        log_improvement, slope = log_h(z)
        return np.log(sd) + log_improvement, moments.pull(slope / sd, (1.0 - slope * z) / sd * d_sd)


@dataclass(frozen=True, slots=True)
class ExpectedImprovement:
    """``E[max(f(x) - best, 0)]``; underflows where `LogExpectedImprovement` does not. Arguments, source as there.

    BoTorch: `ExpectedImprovement`.
    """

    gp: GaussianModel
    best: float

    def value(self, X: Array) -> Array:
        """The score at each row of X (`m x d`), shape `m`."""
        return np.exp(LogExpectedImprovement(self.gp, self.best).value(X))

    def value_and_gradient(self, X: Array) -> tuple[Array, Array]:
        """The score (`m`) and its gradient (`m x d`) at each row of X (`m x d`)."""
        value, gradient = LogExpectedImprovement(self.gp, self.best).value_and_gradient(X)
        return np.exp(value), np.exp(value)[:, None] * gradient
