"""Two ways of the literature to weigh outcome constraints, to compare the default with; without constraints both are its improvement.

While nothing feasible is known, the probability of feasibility is maximized as elsewhere.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from acquisitions.constrained_expected_improvement import LogConstrainedExpectedImprovement
from acquisitions.expected_improvement import LogExpectedImprovement
from acquisitions.noisy_expected_improvement import LogNoisyExpectedImprovement
from acquisitions.protocol import Acquisition
from bbo.log.ledger import Record
from bbo.log.states import State
from bbo.optimizers import fitting, search
from bbo.optimizers.asked import Asked
from bbo.optimizers.targets import WORKS, Target, usable
from bbo.problem import Problem

_GROWTH, _PATIENCE = 1.5, 5


def cei_plus(asked: Asked) -> tuple[Acquisition, str]:
    """Log CEI+ over the best mean among feasible points."""
    believed = asked.surrogate.believing(asked.waiting)
    gp, constraints = believed.gps[0], believed.constraints
    best = float(gp.predict(asked.measured)[0].max())
    if not constraints:
        return LogExpectedImprovement(gp, best), "log expected improvement"
    return LogConstrainedExpectedImprovement(gp, best, constraints, capped=True), "log constrained expected improvement, capped (CEI+)"


def penalty(asked: Asked) -> tuple[Acquisition, str]:
    """The log expected improvement of a process of ``y - rho sum_i max(0, g_i)^2``.

    The objective y, to be maximized, and the excesses g_i over bounds are in the models' units: standard deviations of the objective, and
    root mean squares of the distances from a bound. The weight rho begins with 1 and grows by a half whenever five more trials have
    brought no better feasible point.

    Source: the schedule of Yu, Picard & Ahmed (2025), arXiv:2404.04495, there in the outcomes' own units.
    """
    targets = asked.surrogate.targets
    target, rho = targets[0], weight(asked.problem, usable(asked.state, State.DONE))
    excess = sum((_excess(other) for other in targets if other.bounded and other.name != WORKS), np.zeros(len(target.y)))
    penalised = replace(target, name="(penalised)", y=target.y - rho * excess, lower=None, upper=None, before=())
    gp = fitting.further(asked.problem, penalised, asked.settings, warm=None, seed=asked.seed)
    baseline = np.vstack([penalised.X, asked.waiting])
    score = search.where_it_works(LogNoisyExpectedImprovement(gp, baseline, seed=asked.seed), asked.surrogate)
    return score, f"log expected improvement of the objective less {rho:.3g} times the squared excesses"


def weight(problem: Problem, done: Sequence[Record]) -> float:
    """The weight of a penalty after these trials, in the order of the log."""
    best, idle = math.inf, 0
    for record in done:
        if problem.feasible(record.values) and (loss := float(problem.losses(record.values)[0])) < best:
            best = loss
        else:
            idle += 1
    return float(_GROWTH ** (idle // _PATIENCE))


def _excess(target: Target) -> NDArray[np.float64]:
    """Squares of what a constrained outcome exceeds its bounds by, in the model's units."""
    excess = np.zeros(len(target.y))
    if target.lower is not None:
        excess += np.maximum(target.lower - target.y, 0.0) ** 2
    if target.upper is not None:
        excess += np.maximum(target.y - target.upper, 0.0) ** 2
    return excess
