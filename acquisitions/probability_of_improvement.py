"""Probability of improving on a known best value, and its logarithm."""

from __future__ import annotations

from dataclasses import dataclass

from acquisitions.gaussian import Array
from acquisitions.marginal import Marginal, exponential
from acquisitions.tails import log_cdf


@dataclass(frozen=True, slots=True)
class LogProbabilityOfImprovement(Marginal):
    """``log P(f(x) > best) = log Phi((m - best) / s)`` with the posterior mean m and standard deviation s of the latent function.

    BoTorch: `LogProbabilityOfImprovement`. Source: Kushner (1964); the logarithm: Ament et al. (2023), arXiv:2310.20708.

    Args:
        gp: The model of the objective, to be maximized.
        best: Value to improve on, in the units of the model's y.
    """

    best: float

    def score(self, mean: Array, sd: Array) -> tuple[Array, Array, Array]:
        """As `Marginal.score`."""
        z = (mean - self.best) / sd
        value, slope = log_cdf(z)
        return value, slope / sd, -slope * z / sd


@dataclass(frozen=True, slots=True)
class ProbabilityOfImprovement(Marginal):
    """``P(f(x) > best)``; underflows where `LogProbabilityOfImprovement` does not. Arguments, source as there.

    BoTorch: `ProbabilityOfImprovement`.
    """

    best: float

    def score(self, mean: Array, sd: Array) -> tuple[Array, Array, Array]:
        """As `Marginal.score`."""
        return exponential(*LogProbabilityOfImprovement(self.gp, self.best).score(mean, sd))
