"""Tsallis-INF: a bandit for losses of any kind, stochastic or adversarial; with a context, one for each bin of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from bbo.bandits.tsallis_inf import importance_weighted, probabilities, rate_at
from bbo.log.ledger import Update
from bbo.optimizers.arm_means import ArmMeans
from bbo.optimizers.arms import (
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


@dataclass(frozen=True, slots=True)
class TsallisINF:
    """Plays a finite set of decisions so that little is lost in sum, whatever the losses do: a bandit, for tuning while at work.

    Each ask draws an arm; any number may be out at once. With a scalar context every bin of it has a learner of its own, which knows
    nothing of the others. Losses are weighted by one over the probability with which their arm was drawn, which the ticket keeps; so
    trials that were enqueued, added, run elsewhere than planned or drawn by another configuration count for the means that are shown
    and recommended, and not for what is drawn. Failed and pruned trials count as the worst loss seen, at least the mean; abandoned and
    lost ones do not count.

    Losses are what an outcome is worse than `best`, divided by the mean of that over the results, or, with `best` and `worst` given,
    by the range between the two, as in the analysis. Where known constraints forbid an arm in a context, it is taken to lose what was
    lost: else an arm that is seldom allowed would have the least sum, and be played for that alone.

    Args:
        arms: Values of each continuous parameter, equally spaced, both ends included (in the logarithm on log axes). Finite parameters
            are taken whole, and known constraints remove arms; up to 1,000 may be left.
        bins: Equal bins of a context, in its logarithm on log axes; a `Bool` or `Categorical` context has one for each value.
        best: The best outcome there can be, in the objective's units, such as 1 for a count of iterations; None takes the best seen.
        worst: What worse outcomes count as; None has no such limit.

    Raises:
        InvalidStudy: A setting is out of range.

    Source: see `bbo.bandits.tsallis_inf`; scale and bins as in Khodak et al. (2024) and its published code; forbidden arms as the
    specialists of Freund, Schapire, Singer and Warmuth, Using and combining predictors that specialize (1997).
    """

    arms: int = 20
    bins: int = 6
    best: float | None = None
    worst: float | None = None
    name: ClassVar[str] = "tsallis_inf"
    version: ClassVar[int] = 2

    def __post_init__(self) -> None:
        demand_integer(self, "arms", least=2)
        demand_integer(self, "bins", least=1)
        demand_range(self)

    def supports(self, problem: Problem) -> str | None:
        """None for one measured objective, at most 1,000 decisions and at most one context, else the reason."""
        contexts = problem.space.of_role("context")
        if len(contexts) > 1:
            return f"it divides one context into bins, and there are {len(contexts)}: {', '.join(contexts)}"
        if contexts and len(problem.space.columns_of(contexts[0])) != 1:
            return f"it divides a scalar context into bins, and {contexts[0]!r} is none"
        return playable(problem, self.arms, best=self.best, worst=self.worst)

    def init(self, problem: Problem) -> Plays:
        """Nothing played."""
        return Plays(problem, arms_of(problem.space, self.arms))

    def fold(self, state: Plays, update: Update) -> Plays:
        """Take in results, count draws."""
        state.fold(update)
        return state

    def propose(self, state: Plays, request: Request) -> Proposal:
        """Arms drawn by what the results of the context's bin say of them.

        Raises:
            Unsupported, OutOfRange: See `Plays.allowed`.
        """
        allowed = state.allowed(request, self.name)
        cell = bin_of(state.problem.space, request.context, self.bins)
        results = state.results()
        results = results.of(results.own & (results.groups == (-1 if cell is None else cell)))
        losses = self._scaled(results, state.problem)
        sums = importance_weighted(results.arms, losses, results.propensities, len(state.points))
        sums += losses @ state.forbidden(results)
        p = np.zeros(len(state.points))
        p[allowed] = probabilities(sums[allowed], rate_at(len(results) + 1))
        played = np.bincount(results.arms, minlength=len(state.points))
        where = "" if cell is None else f" in bin {cell}"

        def said(arm: int) -> str:
            return f"{played[arm]} of {len(results)} results{where} are of it"

        return state.draw(request, self.name, p, group=cell, said=said)

    def remark(self, state: Plays) -> str:
        """What each arm was measured at, and how often it was played."""
        return state.remark()

    def model(self, state: Plays) -> ArmMeans | None:
        """Means of the arms, in each bin of a context."""
        return ArmMeans.of(state, lambda params: bin_of(state.problem.space, params, self.bins))

    def _scaled(self, results: Results, problem: Problem) -> Array:
        """Losses from 0, of a size about one."""
        y = results.losses
        if np.isnan(y).all():
            return np.ones(len(y))
        best, worst = limits(problem, self.best, self.worst)
        low, above = above_least(y, best, worst)
        scale = worst - low if best is not None and worst is not None else float(np.nanmean(above))
        return standing_in(above / scale if scale > 0 else above, least=1.0)


def bin_of(space: Space, params: Mapping[str, Any], bins: int) -> int | None:
    """Which bin the context of a point is in, from 0; None in a space without a context."""
    contexts = space.of_role("context")
    if not contexts:
        return None
    (name,) = contexts
    column = space.columns[space.columns_of(name)[0]]
    count = len(column.levels) if column.kind == "categorical" else bins
    u = float(space.parameters[name].encode([params[name]])[0, 0])
    return min(max(int(u * count), 0), count - 1)
