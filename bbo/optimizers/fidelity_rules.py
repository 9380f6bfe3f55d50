"""Rules of the literature for where, and at which fidelity or source, to measure next; the default is the knowledge gradient per cost.

Each decides itself when to run the target. In a space without fidelities each is what it is at the target.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from acquisitions.feasibility import OutcomeConstraint
from acquisitions.multi_fidelity_max_value_entropy import LogMultiFidelityMaxValueEntropy, MultiFidelityGIBBON
from acquisitions.per_cost import LogPerCost, PerCost
from acquisitions.protocol import Acquisition
from acquisitions.standing import Standing
from bbo.log.ledger import Record
from bbo.optimizers import search
from bbo.optimizers.candidates import standing
from bbo.optimizers.entropy_search import WhereLikely, may_be_best
from bbo.optimizers.fidelities import at_target, cost
from bbo.optimizers.history import History
from bbo.optimizers.surrogate import Surrogate
from bbo.problem import Problem
from bbo.space import Space

if TYPE_CHECKING:
    from bbo.optimizers.bayes import Bayes

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class MaxValueEntropy:
    """Makes the information about the largest value at the target, per cost; see `bbo.optimizers.acquisitions.Score`.

    Args:
        state: What is known.
        bound: Whether its lower bound is taken (GIBBON), which batches of points have too.
    """

    state: History
    bound: bool

    def __call__(
        self, problem: Problem, surrogate: Surrogate, feasible: Sequence[Record], running: Sequence[Mapping[str, Any]], *, seed: int
    ) -> tuple[Acquisition, str]:
        """As `Score`."""
        space = problem.space
        waiting, constraints = space.encode(running), judged_at_target(surrogate, space)
        if not feasible and constraints:
            return search.likely(surrogate, waiting)
        gp, noise, target, costs = surrogate.gps[0], surrogate.noise, standing(space, space.targets), cost(space)
        measured = known_at_target(problem, surrogate, feasible)
        X = may_be_best(self.state, problem, surrogate, feasible, measured, np.random.default_rng(seed))
        per = "" if costs is None else " per cost"
        if not self.bound:
            information = LogMultiFidelityMaxValueEntropy(gp, X, noise, target, constraints, seed=seed).with_pending(waiting)
            return information if costs is None else LogPerCost(information, costs), f"multi-fidelity max-value entropy search{per}"
        score = MultiFidelityGIBBON(gp, X, noise, target, seed=seed).with_pending(waiting)
        each = score if costs is None else PerCost(score, costs)
        return WhereLikely(each, constraints) if constraints else each, f"multi-fidelity GIBBON{per}"


def judged_at_target(surrogate: Surrogate, space: Space) -> list[OutcomeConstraint]:
    """The constraints of a surrogate, which count at the target wherever a point is measured."""
    target = standing(space, space.targets)
    return [replace(constraint, gp=Standing(constraint.gp, target)) if target else constraint for constraint in surrogate.constraints]


def known_at_target(problem: Problem, surrogate: Surrogate, feasible: Sequence[Record]) -> Array:
    """What was measured, at whichever fidelity, as points at the target, `n x d`; only feasible points where there are some."""
    space = problem.space
    if feasible:
        return space.encode(at_target(space, [record.params for record in feasible]))
    return Standing(surrogate.gps[0], standing(space, space.targets)).moved(surrogate.targets[0].X)


def _max_value_entropy(bound: bool, state: History, settings: Bayes) -> MaxValueEntropy:
    return MaxValueEntropy(state, bound)


mf_mes, mf_gibbon = (partial(_max_value_entropy, bound) for bound in (False, True))
