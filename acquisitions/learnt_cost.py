"""What an evaluation costs, learnt from what some did."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from acquisitions.gaussian import Array, GaussianModel
from acquisitions.per_cost import Cost


@dataclass(frozen=True, slots=True, eq=False)
class LearntCost:
    """A cost that was given, times a factor that is learnt: ``log cost(x) = log given(x) + shift + scale m(x)``.

    m is the mean of a model of the logarithm of that factor, so that ``exp(shift + scale m)`` is the median of a factor whose logarithm is
    normal. Far from what is known it is as good as constant, and there the ratios of costs are those that were given.

    Args:
        given: What was said of costs beforehand.
        log_factor: Model of the logarithm of what was paid for each unit of it, standardised.
        shift: Of the logarithm.
        scale: Of the logarithm.
    """

    given: Cost
    log_factor: GaussianModel
    shift: float
    scale: float

    def log(self, X: Array) -> tuple[Array, Array]:
        """Logarithm of the cost at each row of X (`m x d`), shape `m`, and its gradient, `m x d`."""
        log_given, slope = self.given.log(X)
        moments = self.log_factor.at(X)
        return log_given + self.shift + self.scale * moments.mean, slope + moments.pull(np.full(len(X), self.scale), None)
