"""Outcomes that must keep bounds, the probability that they do, and by how much they are expected to fall short."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from acquisitions.gaussian import Array, GaussianModel, spread
from acquisitions.tails import log_cdf, log_h, log_interval

EVEN = float(np.log(0.5))
"""Logarithm of the probability of feasibility from which on a point counts as feasible."""


@dataclass(frozen=True, slots=True)
class OutcomeConstraint:
    """``lower <= g(x) <= upper`` for the latent function g of a model.

    Args:
        gp: The model of the outcome.
        lower: Lower bound in the units of the model's y; None where there is none.
        upper: Upper bound; ``g <= 0`` is ``upper=0``.
    """

    gp: GaussianModel
    lower: float | None = None
    upper: float | None = None

    def __post_init__(self) -> None:
        if self.lower is None and self.upper is None:
            raise ValueError("an outcome constraint needs a lower or an upper bound")
        if self.lower is not None and self.upper is not None and not self.lower < self.upper:
            raise ValueError(f"lower ({self.lower}) must be less than upper ({self.upper})")

    def satisfied(self, values: Array) -> NDArray[np.bool_]:
        """Which of the values (any shape) keep the bounds."""
        kept = np.ones(np.shape(values), dtype=bool)
        if self.lower is not None:
            kept &= values >= self.lower
        if self.upper is not None:
            kept &= values <= self.upper
        return kept

    def verdict(self, mean: Array, variance: Array, *, margin: float = 5.0) -> NDArray[np.int8]:
        """For each Gaussian value: 1 if it keeps the bounds by `margin` standard deviations, -1 if it breaks one by that, else 0."""
        reach = margin * np.sqrt(variance)
        low, high = mean - reach, mean + reach
        kept = self.satisfied(low) & self.satisfied(high)
        broken = np.zeros(mean.shape, dtype=bool)
        if self.lower is not None:
            broken |= high < self.lower
        if self.upper is not None:
            broken |= low > self.upper
        return kept.astype(np.int8) - broken

    def log_probability(self, mean: Array, sd: Array) -> tuple[Array, Array, Array]:
        """``log P(lower <= g <= upper)`` for Gaussian g, and its derivatives with respect to its mean and sd; all of one shape."""
        if self.lower is None or self.upper is None:
            sign, bound = (-1.0, self.upper) if self.lower is None else (1.0, self.lower)
            assert bound is not None
            z = sign * (mean - bound) / sd
            value, slope = log_cdf(z)
            return value, sign * slope / sd, -slope * z / sd
        a, b = (self.lower - mean) / sd, (self.upper - mean) / sd
        value, d_a, d_b = log_interval(a, b)
        return value, -(d_a + d_b) / sd, -(d_a * a + d_b * b) / sd

    def expected_violation(self, mean: Array, sd: Array) -> tuple[Array, Array, Array]:
        """How far Gaussian g is expected to be beyond the bounds, and its derivatives with respect to its mean and sd; all of one shape."""
        total, d_mean, d_sd = np.zeros_like(mean), np.zeros_like(mean), np.zeros_like(mean)
        for sign, bound in ((1.0, self.upper), (-1.0, self.lower)):
            if bound is None:
                continue
            z = sign * (mean - bound) / sd
            log_part, slope = log_h(z)
            part = np.exp(log_part)
            total += sd * part
            d_mean += sign * part * slope
            d_sd += np.exp(-0.5 * z * z) / np.sqrt(2 * np.pi)
        return total, d_mean, d_sd


@dataclass(frozen=True, slots=True)
class _Summed(ABC):
    """A sum over outcomes that are independent of each other."""

    constraints: Sequence[OutcomeConstraint]

    def __post_init__(self) -> None:
        if not self.constraints:
            raise ValueError(f"{type(self).__name__} needs at least one constraint")

    @abstractmethod
    def _part(self, constraint: OutcomeConstraint, mean: Array, sd: Array) -> tuple[Array, Array, Array]:
        """What an outcome adds, and the derivatives of that with respect to its mean and sd; all of one shape."""

    def value(self, X: Array) -> Array:
        """The score at each row of X (`m x d`), shape `m`."""
        total = np.zeros(len(X))
        for constraint in self.constraints:
            mean, variance = constraint.gp.predict(X)
            total += self._part(constraint, mean, spread(variance)[0])[0]
        return total

    def value_and_gradient(self, X: Array) -> tuple[Array, Array]:
        """The score (`m`) and its gradient (`m x d`) at each row of X (`m x d`)."""
        total, gradient = np.zeros(len(X)), np.zeros_like(X)
        for constraint in self.constraints:
            moments = constraint.gp.at(X)
            sd, d_sd = spread(moments.variance)
            value, d_mean, d_spread = self._part(constraint, moments.mean, sd)
            total += value
            gradient += moments.pull(d_mean, d_spread * d_sd)
        return total, gradient


@dataclass(frozen=True, slots=True)
class LogProbabilityOfFeasibility(_Summed):
    """``sum_i log P(lower_i <= g_i(x) <= upper_i)`` over independent outcomes.

    To be maximized alone while nothing feasible is known. BoTorch: `LogProbabilityOfFeasibility`.
    Source: Schonlau et al. (1998); Gardner et al. (2014); in logarithms: Ament et al. (2023), arXiv:2310.20708.

    Args:
        constraints: At least one outcome with its bounds.
        capped: Whether ``min(1, 2 P_i)`` counts in the place of each probability P_i, so that even odds count as kept.
    """

    capped: bool = False

    def _part(self, constraint: OutcomeConstraint, mean: Array, sd: Array) -> tuple[Array, Array, Array]:
        value, d_mean, d_sd = constraint.log_probability(mean, sd)
        if not self.capped:
            return value, d_mean, d_sd
        short = value < EVEN
        return np.minimum(value - EVEN, 0.0), np.where(short, d_mean, 0.0), np.where(short, d_sd, 0.0)


@dataclass(frozen=True, slots=True)
class ExpectedViolation(_Summed):
    """``-sum_i E[max(lower_i - g_i(x), 0) + max(g_i(x) - upper_i, 0)]`` over outcomes, each in its model's units; 0 is best.

    Where the probability of feasibility looks far and wide, since a wide posterior keeps bounds more often, this goes step by step to where
    bounds are nearly kept. Closed form: that of expected improvement.

    Args:
        constraints: At least one outcome with its bounds.
    """

    def _part(self, constraint: OutcomeConstraint, mean: Array, sd: Array) -> tuple[Array, Array, Array]:
        value, d_mean, d_sd = constraint.expected_violation(mean, sd)
        return -value, -d_mean, -d_sd
