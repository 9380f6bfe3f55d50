"""What an evaluation is worth for each unit of what it costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol, cast

import numpy as np
from numpy.typing import NDArray

from acquisitions.protocol import Acquisition, Climbable, Rough

Array = NDArray[np.float64]


class Cost(Protocol):
    """What an evaluation costs."""

    def log(self, X: Array) -> tuple[Array, Array]:
        """Logarithm of the cost at each row of X (`m x d`), shape `m`, and its gradient, `m x d`."""


@dataclass(frozen=True, slots=True, eq=False)
class ColumnCost:
    """A cost that depends on one column: linear between knots in its encoded value, the logarithm of which is taken.

    Args:
        column: Index of the column.
        knots: Encoded values, increasing.
        costs: There, positive.
    """

    column: int
    knots: Sequence[float]
    costs: Sequence[float]

    def __post_init__(self) -> None:
        knots, costs = np.asarray(self.knots, dtype=float), np.asarray(self.costs, dtype=float)
        if len(knots) != len(costs) or not len(knots) or np.any(np.diff(knots) <= 0):
            raise ValueError(f"knots are {self.knots!r}; they increase, one for each of {len(costs)} costs")
        if not np.all((costs > 0) & (costs < np.inf)):
            raise ValueError(f"costs are {self.costs!r}; they are positive and finite")

    def log(self, X: Array) -> tuple[Array, Array]:
        """Logarithm of the cost at each row of X (`m x d`), shape `m`, and its gradient, `m x d`."""
        x, knots, costs = X[:, self.column], np.asarray(self.knots, dtype=float), np.asarray(self.costs, dtype=float)
        cost, gradient = np.interp(x, knots, costs), np.zeros_like(X)
        if len(knots) > 1:
            k = np.clip(np.searchsorted(knots, x, side="right") - 1, 0, len(knots) - 2)
            inside = (x >= knots[0]) & (x <= knots[-1])
            gradient[:, self.column] = np.where(inside, (np.diff(costs) / np.diff(knots))[k] / cost, 0.0)
        return np.log(cost), gradient


@dataclass(frozen=True, slots=True, eq=False)
class LogPerCost:
    """The logarithm of a score for each unit of cost: ``acq(x) - log cost(x)``, where acq is a logarithm itself.

    What has the largest ratio is bought first, as in knapsack's greedy rule; with knowledge gradients this is the multi-information source
    rule of Poloczek, Wang & Frazier (2017), arXiv:1603.00389.

    Args:
        acq: The logarithm of a score.
        cost: Of an evaluation.
    """

    acq: Acquisition
    cost: Cost

    def with_pending(self, X: Array) -> LogPerCost:
        """The same with X (`q x d`) awaited as well."""
        return replace(self, acq=self.acq.with_pending(X))  # type: ignore[attr-defined]

    def value(self, X: Array) -> Array:
        """The score at each row of X (`m x d`), shape `m`."""
        return self.acq.value(X) - self.cost.log(X)[0]

    def value_and_gradient(self, X: Array) -> tuple[Array, Array]:
        """The score (`m`) and its gradient (`m x d`)."""
        value, gradient = cast(Climbable, self.acq).value_and_gradient(X)
        log_cost, slope = self.cost.log(X)
        return value - log_cost, gradient - slope


@dataclass(frozen=True, slots=True, eq=False)
class LogRoughPerCost(LogPerCost):
    """The same of a score that has a rough one (`acquisitions.protocol.Rough`), and so has this."""

    def rough(self, X: Array) -> Array:
        """Nearly the score, to rank candidates by; shape `m`."""
        return cast(Rough, self.acq).rough(X) - self.cost.log(X)[0]


@dataclass(frozen=True, slots=True, eq=False)
class PerCost:
    """A score that is no logarithm for each unit of cost: ``acq(x) / cost(x)``, and ``acq(x) cost(x)`` where it is negative.

    What is worse than nothing is worse the more it costs. BoTorch's `InverseCostWeightedUtility` does the same.

    Args:
        acq: The score.
        cost: Of an evaluation.
    """

    acq: Acquisition
    cost: Cost

    def with_pending(self, X: Array) -> PerCost:
        """The same with X (`q x d`) awaited as well."""
        return replace(self, acq=self.acq.with_pending(X))  # type: ignore[attr-defined]

    def value(self, X: Array) -> Array:
        """The score at each row of X (`m x d`), shape `m`."""
        value = self.acq.value(X)
        weighed: Array = value * np.exp(np.where(value > 0, -1.0, 1.0) * self.cost.log(X)[0])
        return weighed

    def value_and_gradient(self, X: Array) -> tuple[Array, Array]:
        """The score (`m`) and its gradient (`m x d`)."""
        value, gradient = cast(Climbable, self.acq).value_and_gradient(X)
        log_cost, slope = self.cost.log(X)
        power = np.where(value > 0, -1.0, 1.0)
        weight = np.exp(power * log_cost)
        return value * weight, weight[:, None] * (gradient + (power * value)[:, None] * slope)
