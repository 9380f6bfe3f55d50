"""What an evaluation costs, learnt from what was told: beside expected improvement, and beside what fidelities are given to cost."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from acquisitions.cost_cooling import LogPerLearntCost
from acquisitions.learnt_cost import LearntCost
from acquisitions.per_cost import Cost
from acquisitions.protocol import Acquisition, Climbable
from bbo.log.states import State
from bbo.optimizers import fidelities, fitting
from bbo.optimizers.asked import Asked
from bbo.optimizers.history import History
from bbo.optimizers.improvement import expected_improvement
from bbo.optimizers.targets import Target, usable
from surrogates.exact_gp.transforms import Standardise

Array = NDArray[np.float64]

FEWEST = 2
"""Trials with a cost from which on costs are modelled."""

_EQUAL = 1e-9  # of logarithms of factors: all of them this close are one


def improvement_per_cost(asked: Asked) -> tuple[Acquisition, str]:
    """The log expected improvement less the logarithm of the cost.

    A Gaussian process is fitted to the logarithms of the positive costs that were told, of failed trials too. With `Bayes.max_cost` the
    cost counts by the share of it that is left.
    """
    max_cost = asked.settings.max_cost
    gain, aim = expected_improvement(asked)
    target = log_costs(asked.state)
    if target is None:
        return gain, f"{aim}, whatever it costs, since fewer than {FEWEST} trials were told with a cost"
    gp = fitting.further(asked.problem, target, asked.settings, warm=None, seed=asked.seed)
    alpha = share_left(asked.state, max_cost)
    assert isinstance(gain, Climbable)
    assert isinstance(target.transform, Standardise)
    said = "" if alpha == 1.0 else f" to the power of {alpha:.2g}, the share of {max_cost:g} that is left"
    return LogPerLearntCost(gain, gp, target.transform.scale, alpha), f"{aim} per learnt cost{said}"


def log_costs(state: History) -> Target | None:
    """Logarithms of what finished trials cost, standardised; None where too few were told with a positive cost."""
    told = _told(state)
    if told is None:
        return None
    X, values = told
    unit = Standardise.fit(values)
    return Target("(cost)", X, unit.forward(values), transform=unit)


def of_evaluations(asked: Asked) -> Cost | None:
    """What an evaluation costs by its fidelity or source; None in a space without.

    With `Bayes.learn_costs` a Gaussian process is fitted to the logarithm of what was paid for each unit of the given cost, once costs
    were told that are not simply those given in another unit.
    """
    given = fidelities.cost(asked.space)
    if given is None or not asked.settings.learn_costs or (told := _told(asked.state)) is None:
        return given
    X, values = told
    factors = values - given.log(X)[0]
    if np.ptp(factors) < _EQUAL:
        return given
    unit = Standardise.fit(factors)
    target = Target("(cost)", X, unit.forward(factors), transform=unit)
    gp = fitting.further(asked.problem, target, asked.settings, warm=None, seed=asked.seed)
    return LearntCost(given, gp, unit.shift, unit.scale)


def per(costs: Cost | None) -> str:
    """What a score is per, to be added to its name."""
    return "" if costs is None else " per learnt cost" if isinstance(costs, LearntCost) else " per cost"


def _told(state: History) -> tuple[Array, Array] | None:
    """Encoded points of finished trials with the logarithms of what they cost; None where too few were told with a positive cost."""
    finished = [*usable(state, State.DONE), *usable(state, State.FAILED)]
    told = [(record.params, record.cost) for record in finished if record.cost]
    if len(told) < FEWEST:
        return None
    return state.problem.space.encode([params for params, _ in told]), np.log([cost for _, cost in told])


def share_left(state: History, max_cost: float | None) -> float:
    """Which share of a budget has not been spent, 0 to 1; 1 without a budget."""
    if max_cost is None or math.isinf(max_cost):
        return 1.0
    return max(0.0, 1.0 - math.fsum(record.cost or 0.0 for record in state.records.values()) / max_cost)
