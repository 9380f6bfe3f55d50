"""Two stages: the point by its expected improvement at the target, then the level by what a measurement there tells per cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from acquisitions.at_target import AtTarget
from acquisitions.expected_improvement import LogExpectedImprovement
from acquisitions.feasibility import LogProbabilityOfFeasibility, OutcomeConstraint
from acquisitions.gaussian import Array, GaussianModel
from acquisitions.per_cost import Cost
from acquisitions.standing import Standing


@dataclass(frozen=True, slots=True, eq=False)
class LogTwoStageExpectedImprovement:
    """`LogExpectedImprovement` of the value at the target, and then the level to measure at, see `at_levels`.

    At the point x that was chosen, a noisy measurement at level l lowers the variance of the value at the target by ``rho_l^2 s^2``, for
    its correlation rho_l with that value. Levels are preferred by ``rho_l^2 / cost_l``: a cheap one while it tells enough for its price,
    which it does no more once it is known there.

    Source: Lam, Allaire & Willcox (2015), "Multifidelity optimization using statistical surrogate modeling for non-hierarchical
    information sources", as Frazier (2018), arXiv:1807.02811, describes it: first where, then which source; their text was not at hand.
    There sources are fused by their variances; here the model is a joint one, and the reduction that of its own posterior.

    Args:
        gp: The model of the objective, to be maximized, with `pairs` (see `acquisitions.gaussian.Pairing`).
        best: Value to improve on at the target, in the units of the model's y.
        noise: Variance of the noise of a new measurement, in the squared units of the model's y, at least 0, at every level.
        column: Index of the column of levels.
        levels: Its values that can be chosen, the target last.
        cost: Of an evaluation.
        constraints: Outcomes that must keep bounds, independent of each other and of the objective: the logarithm of the probability
            that the candidate does is added. A model of theirs that stands at the target (`acquisitions.standing`) judges it there.
    """

    gp: GaussianModel
    best: float
    noise: float
    column: int
    levels: Sequence[float]
    cost: Cost
    constraints: Sequence[OutcomeConstraint] = ()

    def __post_init__(self) -> None:
        if not len(self.levels):
            raise ValueError("levels are empty; the target is one")

    def value(self, X: Array) -> Array:
        """The score of each row of X (`m x d`) at the target, shape `m`."""
        value = self._improvement.value(X)
        return value + LogProbabilityOfFeasibility(self.constraints).value(X) if self.constraints else value

    def value_and_gradient(self, X: Array) -> tuple[Array, Array]:
        """The score (`m`) and its gradient (`m x d`); that of the improvement is zero along the levels."""
        value, gradient = self._improvement.value_and_gradient(X)
        if not self.constraints:
            return value, gradient
        likely, push = LogProbabilityOfFeasibility(self.constraints).value_and_gradient(X)
        return value + likely, gradient + push

    def at_levels(self, x: Array) -> Array:
        """The point x (`1 x d`) at all levels, those that tell most for their cost first, `k x d`."""
        there = np.repeat(x, len(self.levels), axis=0)
        there[:, self.column] = self.levels
        point = AtTarget.of(self.gp, there, {self.column: float(self.levels[-1])}, self.noise)
        return there[np.argsort(self.cost.log(there)[0] - np.log(point.signal), kind="stable")]

    @property
    def _improvement(self) -> LogExpectedImprovement:
        return LogExpectedImprovement(Standing(self.gp, {self.column: float(self.levels[-1])}), self.best)
