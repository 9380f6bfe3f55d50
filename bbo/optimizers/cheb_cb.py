"""ChebCB: a bandit whose losses are polynomials of a scalar context, for tuning that depends smoothly on what is given."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from bbo.bandits.chebyshev import Scale, features, fit, rate_at
from bbo.bandits.inverse_gap import square_cb
from bbo.log.ledger import Update
from bbo.optimizers.arms import (
    ArmModel,
    Plays,
    Results,
    above_least,
    arms_of,
    demand_range,
    limits,
    playable,
    standing_in,
)
from bbo.optimizers.base import Proposal, Request
from bbo.optimizers.settings import demand_integer
from bbo.problem import Problem
from bbo.space import Space

Array = NDArray[np.float64]

_RIDGE = 1e-8  # of the largest entry of a Gram matrix, so that one of few observations has an inverse


@dataclass(frozen=True, slots=True)
class ChebCB:
    """Plays a finite set of decisions that suit a given number: a contextual bandit that fits a polynomial of the context to each arm.

    Each ask draws an arm by inverse gap weighting of what the polynomials predict for its context; any number may be out at once.
    The polynomials are fitted to all results of arms, whoever asked for them, by least squares with bounds on their coefficients that
    hold for Lipschitz functions; an arm without results is taken to be as good as can be. Exploration falls as the predictions of the
    past, which the tickets keep, turn out to have been nearly as good as the fit is now. Failed and pruned trials count as the worst
    loss seen.

    Args:
        arms: Values of each continuous parameter, equally spaced, both ends included (in the logarithm on log axes). Finite parameters
            are taken whole, and known constraints remove arms; up to 1,000 may be left.
        polynomials: Chebyshev polynomials for each arm: one more than their degree.
        best: The best outcome there can be, in the objective's units, such as 1 for a count of iterations; None takes the best seen.
        worst: What worse outcomes count as; None has no such limit. A few very bad outcomes make all others look alike, so set it where
            they happen.

    Raises:
        InvalidStudy: A setting is out of range.

    Source: Khodak, Chow, Balcan and Talwalkar, Learning to relax (2024), Algorithm 2, with the learning rate of its published code: see
    `bbo.bandits.chebyshev.rate_at` for why.
    """

    arms: int = 20
    polynomials: int = 6
    best: float | None = None
    worst: float | None = None
    name: ClassVar[str] = "cheb_cb"
    version: ClassVar[int] = 2

    def __post_init__(self) -> None:
        demand_integer(self, "arms", least=2)
        demand_integer(self, "polynomials", least=1)
        demand_range(self)

    def supports(self, problem: Problem) -> str | None:
        """None for one measured objective, at most 1,000 decisions and one numerical context, else the reason."""
        space = problem.space
        contexts = space.of_role("context")
        if len(contexts) != 1:
            return f"it fits polynomials of one context, and there {'are ' + str(len(contexts)) if contexts else 'is none'}"
        columns = space.columns_of(contexts[0])
        if len(columns) != 1 or space.columns[columns[0]].kind == "categorical":
            return f"it fits polynomials of a number, and the context {contexts[0]!r} is none"
        return playable(problem, self.arms, best=self.best, worst=self.worst)

    def init(self, problem: Problem) -> Polynomials:
        """Nothing played."""
        return Polynomials(Plays(problem, arms_of(problem.space, self.arms)), self)

    def fold(self, state: Polynomials, update: Update) -> Polynomials:
        """Take in results, count draws."""
        state.plays.fold(update)
        return state

    def propose(self, state: Polynomials, request: Request) -> Proposal:
        """Arms drawn by what the polynomials predict in this context.

        Raises:
            Unsupported, OutOfRange: See `Plays.allowed`.
        """
        plays = state.plays
        allowed = plays.allowed(request, self.name)
        fitted = state.fitted()
        scaled = fitted.theta @ features(position(plays.problem.space, [request.context]), self.polynomials)[0]
        rate = fitted.rate(int(allowed.sum()))
        p = np.zeros(len(plays.points))
        p[allowed] = square_cb(scaled[allowed], rate)
        predicted = fitted.low + fitted.scale.scale * scaled if state.begun else None
        sign = plays.problem.objectives[0].sign

        def said(arm: int) -> str:
            if predicted is None:
                return "nothing has been measured yet"
            return f"predicted {sign * predicted[arm]:.4g} after {fitted.played[arm]} plays of it; gaps weigh {rate:.3g}"

        return plays.draw(request, self.name, p, predicted=predicted, said=said)

    def remark(self, state: Polynomials) -> str:
        """What each arm was measured at, over all contexts, and how often it was played."""
        return state.plays.remark()

    def model(self, state: Polynomials) -> Fitted | None:
        """The polynomials."""
        return state.fitted() if state.begun else None


@dataclass(slots=True)
class Polynomials:
    """What is known of the arms, and the polynomials fitted to it, each again only when its results or the scale have changed."""

    plays: Plays
    settings: ChebCB
    _fits: dict[int, tuple[bytes, Array]] = field(default_factory=dict)
    _fitted: tuple[Results, Fitted] | None = None

    @property
    def begun(self) -> bool:
        """Whether anything has been measured."""
        return not bool(np.isnan(self.plays.results().losses).all())

    def fitted(self) -> Fitted:
        """The polynomials fitted to all results."""
        from bbo.optimizers.fitting import one_thread

        results = self.plays.results()
        if self._fitted is None or self._fitted[0] is not results:
            with one_thread():
                self._fitted = results, self._fit(results)
        return self._fitted[1]

    def _fit(self, results: Results) -> Fitted:
        plays, m, k = self.plays, self.settings.polynomials, len(self.plays.points)
        played = np.bincount(results.arms, minlength=k)
        if not self.begun:
            return Fitted(plays, np.zeros((k, m)), 0.0, Scale(1.0, 1.0, m), played, 0, 0.0, np.zeros((k, m, m)))
        best, worst = limits(plays.problem, self.settings.best, self.settings.worst)
        low, above = above_least(results.losses, best, worst)
        costs = standing_in(above)
        scale = Scale(float(costs.max()) or 1.0, float(np.ptp(costs)), m)
        x = position(plays.problem.space, [plays.records[number].params for number in results.numbers.tolist()])
        phi, targets = features(x, m), costs / scale.scale
        theta, grams, residuals = np.zeros((k, m)), np.zeros((k, m, m)), np.zeros(len(results))
        for arm in np.flatnonzero(played).tolist():
            mine = results.arms == arm
            theta[arm] = self._refit(arm, phi[mine], targets[mine], scale.bounds)
            grams[arm] = phi[mine].T @ phi[mine]
            residuals[mine] = phi[mine] @ theta[arm] - targets[mine]
        own = results.own
        # Before anything was measured each arm was taken to be as good as can be, in units that only show now.
        errors = (np.nan_to_num(results.predicted[own], nan=low) - low) / scale.scale - targets[own]
        regret = max(0.0, float(errors @ errors - residuals[own] @ residuals[own]))
        return Fitted(plays, theta, low, scale, played, int(own.sum()), regret, grams, float(np.sqrt((residuals**2).mean())))

    def _refit(self, arm: int, phi: Array, targets: Array, bounds: Array) -> Array:
        key = phi.tobytes() + targets.tobytes() + bounds.tobytes()
        if self._fits.get(arm, (b"",))[0] != key:
            self._fits[arm] = key, fit(phi, targets, bounds)
        return self._fits[arm][1]


@dataclass(frozen=True, slots=True, eq=False)
class Fitted(ArmModel):
    """Polynomials of the context, one for each arm: the model behind proposals. A point that is no arm is judged by the nearest one.

    Its standard deviations are those of linear regression on the polynomials, with the error of all arms; that of an arm without
    results is the scale.

    Args:
        plays: What they are fitted to.
        theta: Coefficients, `K x m`, in scaled costs.
        low: The loss that is a cost of zero.
        scale: What costs are divided by.
        played: Results of each arm, shape `K`.
        own: Number of results of this configuration.
        regret: By how much its predictions had a larger sum of squared errors than the fit has, in scaled costs.
        grams: ``phi' phi`` of each arm, `K x m x m`.
        error: Root of the mean squared error of the fit, in scaled costs.
    """

    theta: Array
    low: float
    scale: Scale
    played: NDArray[np.intp]
    own: int
    regret: float
    grams: Array
    error: float = 0.0

    def rate(self, k: int) -> float:
        """The weight of gaps between `k` arms; 0 before the first result."""
        return rate_at(self.own, k, self.regret, self.scale.misfit)

    def predict(self, rows: Sequence[Mapping[str, Any]]) -> tuple[Array, Array]:
        """Mean and standard deviation of the outcome at each point, each `n x 1`."""
        arms = np.array([self.plays.nearest(row) for row in rows], int)
        phi = features(position(self.plays.problem.space, rows), self.theta.shape[1])
        losses = self.low + self.scale.scale * (phi * self.theta[arms]).sum(axis=1)
        sds = [self.scale.scale * self._sd(arm, each) for arm, each in zip(arms.tolist(), phi, strict=True)]
        return self.plays.problem.objectives[0].sign * losses[:, None], np.array(sds)[:, None]

    def log_p_feasible(self, rows: Sequence[Mapping[str, Any]]) -> Array:
        """Zero, shape `n`: failures count as the worst loss."""
        return np.zeros(len(rows))

    def _sd(self, arm: int, phi: Array) -> float:
        if not self.played[arm]:
            return 1.0
        gram = self.grams[arm]
        ridged = gram + _RIDGE * gram.max() * np.eye(len(gram))
        return min(1.0, self.error * math.sqrt(max(0.0, float(phi @ np.linalg.solve(ridged, phi)))))


def position(space: Space, rows: Sequence[Mapping[str, Any]]) -> Array:
    """The context of points on ``[-1, 1]``, shape `n`; from the logarithm on log axes. Beyond its range the ends stand in."""
    (name,) = space.of_role("context")
    u: Array = space.parameters[name].encode([row[name] for row in rows])
    return (2 * u[:, 0] - 1).clip(-1, 1) if len(rows) else np.zeros(0)
