"""Extended probability of improvement: what a measurement at some level is worth for an improvement at the target, by three factors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from acquisitions.at_target import AtTarget, moved
from acquisitions.crowding import LogRoom
from acquisitions.feasibility import LogProbabilityOfFeasibility, OutcomeConstraint
from acquisitions.gaussian import Array
from acquisitions.tails import log_cdf


@dataclass(frozen=True, slots=True, eq=False)
class LogExtendedProbabilityOfImprovement:
    """``log (P(f > best) |corr(y, f)| prod_i (1 - R(x, x_i)))`` of a candidate's value f at the target and a measurement y of it.

    y is at the candidate's level, noise included, and the x_i are the data there, with the correlations R of the model before there are
    data: a probability of improvement alone would stay at the best point. At the target and without noise the correlation is one. It
    counts by its size. Costs, by which the source divides as well, are `acquisitions.per_cost.LogPerCost`.

    Source: Ruan, Jiang, Zhou, Hu & Shu (2020), "Variable-fidelity probability of improvement method for efficient global optimization of
    expensive black-box problems"; from implementations by others, since its text was not at hand. They agree on the product and on
    the density, and not on the correlation: one has ``s_l / (|m - m_l| + s)``, another the posterior correlation, as here.

    Args:
        room: The model of the objective, to be maximized, and how near a candidate is to its data at the same level.
        best: Value to improve on at the target, in the units of the model's y.
        noise: Variance of the noise of a new measurement, in the squared units of the model's y, at least 0, at every level.
        target: Values, by index, of the columns by which a candidate is at the target; none where every candidate is.
        constraints: Outcomes that must keep bounds, independent of each other and of the objective: the logarithm of the probability
            that the candidate does is added. A model of theirs that stands at the target (`acquisitions.standing`) judges it there.
    """

    room: LogRoom
    best: float
    noise: float
    target: Mapping[int, float] = field(default_factory=dict)
    constraints: Sequence[OutcomeConstraint] = ()

    def with_pending(self, X: Array) -> LogExtendedProbabilityOfImprovement:
        """The same after measurements at X (`q x d`), whose results are taken to be the means; X will be among the data."""
        if not len(X):
            return self
        gp = self.room.gp
        grown = gp.condition(X, gp.predict(X)[0], None if gp.yvar is None else np.full(len(X), self.noise))
        best = max(self.best, float(gp.predict(moved(X, self.target))[0].max()))
        return replace(self, room=replace(self.room, gp=grown), best=best)

    def value(self, X: Array) -> Array:
        """The score at each row of X (`m x d`), shape `m`."""
        value = self._score(AtTarget.of(self.room.gp, X, self.target, self.noise))[0] + self.room.value(X)
        return value + LogProbabilityOfFeasibility(self.constraints).value(X) if self.constraints else value

    def value_and_gradient(self, X: Array) -> tuple[Array, Array]:
        """The score (`m`) and its gradient (`m x d`) at each row of X (`m x d`)."""
        point = AtTarget.of(self.room.gp, X, self.target, self.noise)
        value, d_mean, d_variance = self._score(point)
        room, push = self.room.value_and_gradient(X)
        value, gradient = value + room, point.pull(d_mean, d_variance, 0.5 * point.rest) + push
        if not self.constraints:
            return value, gradient
        likely, push = LogProbabilityOfFeasibility(self.constraints).value_and_gradient(X)
        return value + likely, gradient + push

    def _score(self, point: AtTarget) -> tuple[Array, Array, Array]:
        """The first two factors, and their slopes in mean and variance at the target but for the correlation; each `m`."""
        sd = np.sqrt(point.variance)
        z = (point.mean - self.best) / sd
        likely, slope = log_cdf(z)
        return likely + 0.5 * np.log(point.signal), slope / sd, -0.5 * slope * z / sd**2
