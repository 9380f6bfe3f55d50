"""Expected improvement per cost, where what an evaluation costs is learnt from what was told."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from acquisitions.cost_cooling import LogPerLearntCost
from acquisitions.protocol import Acquisition, Climbable
from bbo.log.ledger import Record
from bbo.log.states import State
from bbo.optimizers import fitting
from bbo.optimizers.history import History
from bbo.optimizers.improvement import expected_improvement
from bbo.optimizers.surrogate import Surrogate
from bbo.optimizers.targets import Target, usable
from bbo.problem import Problem
from surrogates.exact_gp.transforms import Standardise

if TYPE_CHECKING:
    from bbo.optimizers.bayes import Bayes

FEWEST = 2
"""Trials with a cost from which on costs are modelled."""


@dataclass(frozen=True, slots=True, eq=False)
class ImprovementPerCost:
    """Makes the log expected improvement less the logarithm of the cost; see `bbo.optimizers.acquisitions.Score`.

    A Gaussian process is fitted to the logarithms of the positive costs that were told, of failed trials too. With `Bayes.max_cost` the
    cost counts by the share of it that is left.
    """

    state: History
    settings: Bayes

    def __call__(
        self, problem: Problem, surrogate: Surrogate, feasible: Sequence[Record], running: Sequence[Mapping[str, Any]], *, seed: int
    ) -> tuple[Acquisition, str]:
        """As `Score`."""
        gain, aim = expected_improvement(problem, surrogate, feasible, running, seed=seed)
        target = log_costs(self.state)
        if target is None:
            return gain, f"{aim}, whatever it costs, since fewer than {FEWEST} trials were told with a cost"
        gp = fitting.further(problem, target, self.settings, warm=None, seed=seed)
        alpha = share_left(self.state, self.settings.max_cost)
        assert isinstance(gain, Climbable)
        assert isinstance(target.transform, Standardise)
        said = "" if alpha == 1.0 else f" to the power of {alpha:.2g}, the share of {self.settings.max_cost:g} that is left"
        return LogPerLearntCost(gain, gp, target.transform.scale, alpha), f"{aim} per learnt cost{said}"


def log_costs(state: History) -> Target | None:
    """Logarithms of what finished trials cost, standardised; None where too few were told with a positive cost."""
    finished = [*usable(state, State.DONE), *usable(state, State.FAILED)]
    told = [(record.params, record.cost) for record in finished if record.cost]
    if len(told) < FEWEST:
        return None
    values = np.log([cost for _, cost in told])
    unit = Standardise.fit(values)
    return Target("(cost)", state.problem.space.encode([params for params, _ in told]), unit.forward(values), transform=unit)


def share_left(state: History, max_cost: float | None) -> float:
    """Which share of a budget has not been spent, 0 to 1; 1 without a budget."""
    if max_cost is None or math.isinf(max_cost):
        return 1.0
    return max(0.0, 1.0 - math.fsum(record.cost or 0.0 for record in state.records.values()) / max_cost)
