"""Primal-dual: the lower confidence bound of a Lagrangian, whose multipliers grow with what was violated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from bbo.optimizers.optimistic import Optimistic
from bbo.optimizers.settings import demand_number

if TYPE_CHECKING:
    from bbo.optimizers.auxiliary import Aim, Auxiliary
    from bbo.optimizers.surrogate import Surrogate

_FIRST = 1.0  # multipliers before any trial: that of the comparison in Xu et al. (2023)


@dataclass(frozen=True, slots=True)
class PrimalDual(Optimistic):
    """Constrained optimization by lower confidence bounds and multipliers that learn (constrained kernelized bandits).

    Each proposal minimizes ``l_0 + sum_i lambda_i l_i`` with the lower confidence bounds ``l = m - beta s`` of the objective and of the
    constraints ``g_i <= 0``; after each trial ``lambda_i`` becomes ``max(lambda_i + eta g_i, 0)``, from one on, with what was
    measured. Units are those of the models: the objective's values have standard deviation one, the constraints' distances to their
    bounds root mean square one, and the multipliers of all trials, in the order of their numbers, are computed anew in these.
    Constraints hold in the long run on average: one trial's violation is made up for by another's slack.
    Source: Zhou & Ji (NeurIPS 2022), arXiv:2203.15589.

    The settings `beta`, `delta`, `n_initial` and `kernel` are those of `CONFIG`.

    Args:
        eta: Step of the multipliers, more than 0.

    Raises:
        InvalidStudy: A setting is not one of these.
    """

    eta: float = 1.0
    name: ClassVar[str] = "primal_dual"
    version: ClassVar[int] = 1

    def __post_init__(self) -> None:
        Optimistic.__post_init__(self)
        demand_number(self, "eta", above=0)

    def aim(self, auxiliary: Auxiliary) -> Aim:
        """The Lagrangian with the multipliers of the moment."""
        from acquisitions.optimistic_penalty import OptimisticLagrangian
        from bbo.optimizers.auxiliary import Aim

        if not auxiliary.bounds.constraints:
            return Aim(auxiliary.objective, "lower confidence bound")
        multipliers = self.multipliers(auxiliary.surrogate)
        said = ", ".join(f"{value:.3g}" for value in multipliers)
        return Aim(
            OptimisticLagrangian(auxiliary.objective, auxiliary.bounds, multipliers), f"lower confidence bound with multipliers {said}"
        )

    def multipliers(self, surrogate: Surrogate) -> tuple[float, ...]:
        """After all trials, one a bound, lower before upper."""
        found = []
        for target in surrogate.targets:
            for sign, end in ((-1.0, target.lower), (1.0, target.upper)):
                if end is not None:
                    value = _FIRST
                    for broken in (sign * (np.asarray(target.y) - end)).tolist():
                        value = max(value + self.eta * broken, 0.0)
                    found.append(value)
        return tuple(found)
