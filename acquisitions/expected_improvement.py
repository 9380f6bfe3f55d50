"""Expected improvement over a known best value, and its logarithm."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from acquisitions.gaussian import Array
from acquisitions.marginal import Marginal, exponential
from acquisitions.tails import log_h


@dataclass(frozen=True, slots=True)
class LogExpectedImprovement(Marginal):
    """``log E[max(f(x) - best, 0)] = log s + log h((m - best) / s)`` with ``h(z) = phi(z) + z Phi(z)``.

    m and s are the posterior mean and standard deviation of the latent function. BoTorch: `LogExpectedImprovement`.
    Source: Jones et al. (1998); the logarithm: Ament et al. (2023), arXiv:2310.20708, equation 9.

    Args:
        gp: The model of the objective, to be maximized.
        best: Value to improve on, in the units of the model's y.
    """

    best: float

    def score(self, mean: Array, sd: Array) -> tuple[Array, Array, Array]:
        """As `Marginal.score`."""
        z = (mean - self.best) / sd
        log_improvement, slope = log_h(z)
        return np.log(sd) + log_improvement, slope / sd, (1.0 - slope * z) / sd


@dataclass(frozen=True, slots=True)
class ExpectedImprovement(Marginal):
    """``E[max(f(x) - best, 0)]``; underflows where `LogExpectedImprovement` does not. Arguments, source as there.

    BoTorch: `ExpectedImprovement`.
    """

    best: float

    def score(self, mean: Array, sd: Array) -> tuple[Array, Array, Array]:
        """As `Marginal.score`."""
        return exponential(*LogExpectedImprovement(self.gp, self.best).score(mean, sd))
