"""The augmented upper confidence bound of a proposal: where, and at which fidelity or source, to measure next by optimism."""

from __future__ import annotations

from acquisitions.augmented_upper_confidence_bound import AugmentedUpperConfidenceBound
from acquisitions.per_cost import PerCost
from acquisitions.protocol import Acquisition
from acquisitions.standing import Standing
from bbo.optimizers import search
from bbo.optimizers.asked import Asked
from bbo.optimizers.candidates import standing
from bbo.optimizers.confidence_bound import beta
from bbo.optimizers.costs import of_evaluations, per


def augmented_bound(asked: Asked) -> tuple[Acquisition, str]:
    """The augmented upper confidence bound per cost.

    The best mean at the target, over all points that were measured at any level, is what is to be improved on.
    """
    space, surrogate = asked.space, asked.surrogate
    gp, target, costs = surrogate.gps[0], standing(space, space.targets), of_evaluations(asked)
    best = float(Standing(gp, target).predict(surrogate.targets[0].X)[0].max())
    bound = AugmentedUpperConfidenceBound(gp, best, beta(asked.settings), target, surrogate.noise).with_pending(asked.waiting)
    score = bound if costs is None else PerCost(bound, costs)
    return search.where_it_works(score, surrogate), f"augmented upper confidence bound{per(costs)}"
