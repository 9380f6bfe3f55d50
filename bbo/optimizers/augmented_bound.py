"""The augmented upper confidence bound of a proposal: where, and at which fidelity or source, to measure next by optimism."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from acquisitions.augmented_upper_confidence_bound import AugmentedUpperConfidenceBound
from acquisitions.per_cost import PerCost
from acquisitions.protocol import Acquisition
from acquisitions.standing import Standing
from bbo.log.ledger import Record
from bbo.optimizers import search
from bbo.optimizers.acquisitions import BETA
from bbo.optimizers.candidates import standing
from bbo.optimizers.costs import of_evaluations, per
from bbo.optimizers.history import History
from bbo.optimizers.surrogate import Surrogate
from bbo.problem import Problem

if TYPE_CHECKING:
    from bbo.optimizers.bayes import Bayes


@dataclass(frozen=True, slots=True, eq=False)
class AugmentedBound:
    """Makes the augmented upper confidence bound per cost; see `bbo.optimizers.acquisitions.Score`.

    The best mean at the target, over all points that were measured at any level, is what is to be improved on.
    """

    state: History
    settings: Bayes

    def __call__(
        self, problem: Problem, surrogate: Surrogate, feasible: Sequence[Record], running: Sequence[Mapping[str, Any]], *, seed: int
    ) -> tuple[Acquisition, str]:
        """As `Score`."""
        space, gp = problem.space, surrogate.gps[0]
        target, costs = standing(space, space.targets), of_evaluations(self.state, self.settings, seed=seed)
        best = float(Standing(gp, target).predict(surrogate.targets[0].X)[0].max())
        beta = BETA if self.settings.beta is None else self.settings.beta
        bound = AugmentedUpperConfidenceBound(gp, best, beta, target, surrogate.noise).with_pending(space.encode(running))
        score = bound if costs is None else PerCost(bound, costs)
        return search.where_it_works(score, surrogate), f"augmented upper confidence bound{per(costs)}"
