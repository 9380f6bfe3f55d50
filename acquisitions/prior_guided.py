"""A belief where the optimum lies, and what it makes of an acquisition function: piBO."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Protocol, cast

import numpy as np
from numpy.typing import NDArray

from acquisitions.protocol import Acquisition, Climbable, Rough
from surrogates.columns import Columns

Array = NDArray[np.float64]


class Marginal(Protocol):
    """The belief about one column of the unit cube, as a density relative to the uniform one: its mean over the column is one."""

    @property
    def column(self) -> int:
        """Index of the column."""

    def log_density(self, u: Array) -> tuple[Array, Array]:
        """Its logarithm at entries u of the column (`m`), and the derivative, each `m`."""


@dataclass(frozen=True, slots=True)
class NormalMarginal:
    """A normal density cut off at the ends of the unit interval.

    Args:
        column: Index of the column.
        mean: In the unit interval.
        sd: Positive, in units of the interval.
    """

    column: int
    mean: float
    sd: float

    def log_density(self, u: Array) -> tuple[Array, Array]:
        """As `Marginal.log_density`."""
        z = (u - self.mean) / self.sd
        low, high = self._ends
        return -0.5 * z**2 - math.log(self.sd * math.sqrt(2.0 * math.pi) * (high - low)), -z / self.sd

    def quantile(self, p: float) -> float:
        """Where the distribution function is p, for p in [0, 1]."""
        low, high = self._ends
        at = min(max(low + p * (high - low), 1e-300), 1.0 - 1e-16)
        return min(max(self.mean + self.sd * NormalDist().inv_cdf(at), 0.0), 1.0)

    @property
    def _ends(self) -> tuple[float, float]:
        return NormalDist().cdf(-self.mean / self.sd), NormalDist().cdf((1.0 - self.mean) / self.sd)


@dataclass(frozen=True, slots=True)
class LevelsMarginal:
    """Weights of the levels of a column.

    Args:
        column: Index of the column.
        levels: Encoded values, increasing.
        weights: Theirs, positive; only their ratios count.
    """

    column: int
    levels: tuple[float, ...]
    weights: tuple[float, ...]

    def log_density(self, u: Array) -> tuple[Array, Array]:
        """As `Marginal.log_density`; that of the nearest level, without a slope."""
        levels = np.asarray(self.levels)
        logarithms = np.log(np.asarray(self.weights) / np.mean(self.weights))
        return logarithms[np.searchsorted((levels[1:] + levels[:-1]) / 2, u)], np.zeros(len(u))

    def quantile(self, p: float) -> float:
        """The middle of the k-th of equally many cells of the unit interval, where k is the level at which the sum of weights passes p."""
        share = np.cumsum(self.weights) / np.sum(self.weights)
        return (min(int(np.searchsorted(share, p, side="right")), len(self.weights) - 1) + 0.5) / len(self.weights)


@dataclass(frozen=True, slots=True)
class LogOptimumPrior:
    """``log pi(x)``, a sum over columns that are independent of each other; a column that is inactive adds nothing.

    Args:
        marginals: At least one.
        columns: What the columns of X are.
    """

    marginals: Sequence[Marginal]
    columns: Columns

    def value(self, X: Array) -> Array:
        """The logarithm at each row of X (`m x d`), shape `m`."""
        return self.value_and_gradient(X)[0]

    def value_and_gradient(self, X: Array) -> tuple[Array, Array]:
        """The logarithm (`m`) and its gradient (`m x d`)."""
        value, gradient = np.zeros(len(X)), np.zeros_like(X)
        active = self.columns.active(X) if self.columns.tree else None
        for marginal in self.marginals:
            j = marginal.column
            added, slope = marginal.log_density(X[:, j])
            value += added if active is None else np.where(active[:, j], added, 0.0)
            gradient[:, j] += slope if active is None else np.where(active[:, j], slope, 0.0)
        return value, gradient


@dataclass(frozen=True, slots=True, eq=False)
class PriorGuided:
    """``log gain(x) + exponent * log pi(x)``: a gain times a power of the belief where the optimum lies.

    With the exponent ``beta / n`` after n trials the belief fades, so that a wrong one is forgiven. Source: Hvarfner et al. (2022),
    arXiv:2204.11051, equation 6. BoTorch: `PriorGuidedAcquisitionFunction`.

    Args:
        log_gain: The logarithm of a gain.
        prior: The logarithm of the belief.
        exponent: How much it counts, not negative.
    """

    log_gain: Climbable
    prior: LogOptimumPrior
    exponent: float

    def value(self, X: Array) -> Array:
        """The score at each row of X (`m x d`), shape `m`."""
        return self.log_gain.value(X) + self.exponent * self.prior.value(X)

    def value_and_gradient(self, X: Array) -> tuple[Array, Array]:
        """The score (`m`) and its gradient (`m x d`)."""
        gain, climb = self.log_gain.value_and_gradient(X)
        prior, push = self.prior.value_and_gradient(X)
        return gain + self.exponent * prior, climb + self.exponent * push


@dataclass(frozen=True, slots=True, eq=False)
class RoughlyPriorGuided(PriorGuided):
    """The same of a gain that has a cheaper score for screening."""

    def rough(self, X: Array) -> Array:
        """Nearly the scores, shape `m`."""
        return cast(Rough, self.log_gain).rough(X) + self.exponent * self.prior.value(X)


def prior_guided(log_gain: Acquisition, prior: LogOptimumPrior, exponent: float) -> PriorGuided:
    """The gain times a power of the belief, in logarithms, with a cheaper score for screening where the gain has one."""
    kind = RoughlyPriorGuided if isinstance(log_gain, Rough) else PriorGuided
    return kind(cast(Climbable, log_gain), prior, exponent)
