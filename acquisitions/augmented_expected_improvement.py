"""Augmented expected improvement: what a noisy and cheap measurement is worth for an improvement at the target, by three factors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from acquisitions.at_target import AtTarget, moved
from acquisitions.feasibility import LogProbabilityOfFeasibility, OutcomeConstraint
from acquisitions.gaussian import Array, GaussianModel, GrowingModel
from acquisitions.tails import log_h


def effective_best(gp: GaussianModel, X: Array) -> float:
    """The mean at the one of the points X (`n x d`, at the target) that is best for sure: of the largest ``m - s``.

    Source: Huang et al. (2006), whose points maximize ``m - c s``, with c = 1.
    """
    mean, variance = gp.predict(X)
    return float(mean[np.argmax(mean - np.sqrt(variance))])


@dataclass(frozen=True, slots=True)
class LogAugmentedExpectedImprovement:
    """``log (EI(x) |corr(y, f)| (1 - sigma / sqrt(s_l(x)^2 + sigma^2)))`` of a candidate that is measured at a level l.

    EI is the expected improvement of its value f at the target over the effective best of X; y is the measurement, noise of variance
    ``sigma^2`` included, and ``s_l`` the standard deviation of what it measures. The last factor is small where a level is known about
    as well as another measurement would tell. At the target and without noise it is `LogExpectedImprovement`. A correlation counts by
    its size: what goes against the target tells as much of it. Costs, by which the source divides as well, are
    `acquisitions.per_cost.LogPerCost`.

    Cost: O(n^2) a candidate for n data, and O(n^2 b) once.

    Source: Huang, Allen, Notz & Miller (2006), "Sequential kriging optimization using multiple-fidelity evaluations"; from memory
    and from implementations by others, since its text was not at hand.

    Args:
        gp: The model of the objective, to be maximized, of outcomes standardised to variance one, with `pairs` (see
            `acquisitions.gaussian.Pairing`) where columns differ.
        X: Points that were evaluated, at any level, `b x d` in the unit cube, at least one. They are moved to the target, and the mean
            there of the surest of them is to be improved on, see `effective_best`.
        noise: Variance of the noise of a new measurement, in the squared units of the model's y, at least 0, at every level.
        target: Values, by index, of the columns by which a candidate is at the target; none where every candidate is.
        constraints: Outcomes that must keep bounds, independent of each other and of the objective: the logarithm of the probability
            that the candidate does is added. A model of theirs that stands at the target (`acquisitions.standing`) judges it there.
    """

    gp: GrowingModel
    X: Array
    noise: float
    target: Mapping[int, float] = field(default_factory=dict)
    constraints: Sequence[OutcomeConstraint] = ()
    best: float = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not len(self.X):
            raise ValueError("X has no points; an improvement is over the best of some")
        if not 0 <= self.noise < np.inf:
            raise ValueError(f"noise is {self.noise}, a variance, and must be at least 0 and finite")
        object.__setattr__(self, "best", effective_best(self.gp, moved(self.X, self.target)))

    def with_pending(self, X: Array) -> LogAugmentedExpectedImprovement:
        """The same after measurements at X (`q x d`), whose results are taken to be the means; X will be among the evaluated points."""
        if not len(X):
            return self
        gp = self.gp.condition(X, self.gp.predict(X)[0], np.full(len(X), self.noise))
        return replace(self, gp=gp, X=np.vstack([self.X, X]))

    def value(self, X: Array) -> Array:
        """The score at each row of X (`m x d`), shape `m`."""
        value = self._score(AtTarget.of(self.gp, X, self.target, self.noise))[0]
        return value + LogProbabilityOfFeasibility(self.constraints).value(X) if self.constraints else value

    def value_and_gradient(self, X: Array) -> tuple[Array, Array]:
        """The score (`m`) and its gradient (`m x d`) at each row of X (`m x d`)."""
        point = AtTarget.of(self.gp, X, self.target, self.noise)
        value, d_mean, d_variance, d_measured = self._score(point)
        gradient = point.pull(d_mean, d_variance, 0.5 * point.rest, d_measured)
        if not self.constraints:
            return value, gradient
        likely, push = LogProbabilityOfFeasibility(self.constraints).value_and_gradient(X)
        return value + likely, gradient + push

    def _score(self, point: AtTarget) -> tuple[Array, Array, Array, Array]:
        """The score, and its slopes in mean and variance at the target and in the variance where it is measured; each `m`."""
        sd = np.sqrt(point.variance)
        z = (point.mean - self.best) / sd
        improvement, slope = log_h(z)
        value = np.log(sd) + improvement + 0.5 * np.log(point.signal)
        d_mean, d_variance = slope / sd, 0.5 * (1.0 - slope * z) / sd**2
        if self.noise == 0:
            return value, d_mean, d_variance, np.zeros_like(value)
        left = -np.expm1(-0.5 * np.log1p(point.measured / self.noise))  # without the cancellation of 1 - sigma / sqrt(s^2 + sigma^2)
        return value + np.log(left), d_mean, d_variance, 0.5 * (1.0 - left) / ((point.measured + self.noise) * left)
