"""Scores that the probability of being feasible weighs, or decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from acquisitions.feasibility import EVEN, LogProbabilityOfFeasibility, OutcomeConstraint
from acquisitions.gaussian import Array
from acquisitions.protocol import Climbable


@dataclass(frozen=True, slots=True)
class LogFeasibleGain:
    """``log gain(x) + sum_i log P(lower_i <= g_i(x) <= upper_i)``: the expected gain where what is infeasible gains nothing.

    For independent gain and constraints. Source: Schonlau et al. (1998); Gardner et al. (2014), equation 4.

    Args:
        log_gain: The logarithm of a gain, which is nowhere negative.
        constraints: At least one outcome with its bounds.
    """

    log_gain: Climbable
    constraints: Sequence[OutcomeConstraint]
    _feasibility: LogProbabilityOfFeasibility = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_feasibility", LogProbabilityOfFeasibility(self.constraints))

    def value(self, X: Array) -> Array:
        """The score at each row of X (`m x d`), shape `m`."""
        return self.log_gain.value(X) + self._feasibility.value(X)

    def value_and_gradient(self, X: Array) -> tuple[Array, Array]:
        """The score (`m`) and its gradient (`m x d`) at each row of X (`m x d`)."""
        gain, climb = self.log_gain.value_and_gradient(X)
        feasibility, push = self._feasibility.value_and_gradient(X)
        return gain + feasibility, climb + push


@dataclass(frozen=True, slots=True, eq=False)
class WhereLikely:
    """A score of points that are likelier feasible than not; none of others. For scores that may be negative, or are no logarithms."""

    score: Climbable
    constraints: Sequence[OutcomeConstraint]

    def value(self, X: Array) -> Array:
        """As `Acquisition.value`."""
        return self._where(X, self.score.value(X))

    def value_and_gradient(self, X: Array) -> tuple[Array, Array]:
        """As `Climbable.value_and_gradient`."""
        values, gradients = self.score.value_and_gradient(X)
        return self._where(X, values), gradients

    def _where(self, X: Array, values: Array) -> Array:
        return np.where(LogProbabilityOfFeasibility(self.constraints).value(X) >= EVEN, values, -np.inf)
