"""EPBO: the lower confidence bound with an exact penalty."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from bbo.optimizers.optimistic import Optimistic
from bbo.optimizers.settings import demand_number

if TYPE_CHECKING:
    from bbo.optimizers.auxiliary import Aim, Auxiliary


@dataclass(frozen=True, slots=True)
class EPBO(Optimistic):
    """Constrained optimization by lower confidence bounds and an exact penalty (EPBO).

    Each proposal minimizes ``l_0 + penalty sum_i max(l_i, 0)`` with the lower confidence bounds ``l = m - beta s`` of the objective
    and of the constraints ``g_i <= 0``. Units are those of the models: the objective's values have standard deviation one, the
    constraints' distances to their bounds root mean square one. With a penalty that is large enough proposals are those of `CONFIG`,
    wherever that one finds points that may be feasible; a small one buys gain with violation. Source: Lu & Paulson (2022),
    IFAC-PapersOnLine 55(7).

    The settings `beta`, `delta`, `n_initial` and `kernel` are those of `CONFIG`.

    Args:
        penalty: Weight of a violation, at least 0.

    Raises:
        InvalidStudy: A setting is not one of these.
    """

    penalty: float = 3.0
    name: ClassVar[str] = "epbo"
    version: ClassVar[int] = 1

    def __post_init__(self) -> None:
        Optimistic.__post_init__(self)
        demand_number(self, "penalty", least=0)

    def aim(self, auxiliary: Auxiliary) -> Aim:
        """The penalized bound, searched from the solution of the constrained problem too: its best point is often a kink."""
        from acquisitions.optimistic_penalty import ExactPenalty
        from bbo.optimizers.auxiliary import Aim

        if not auxiliary.bounds.constraints:
            return Aim(auxiliary.objective, "lower confidence bound")
        score = ExactPenalty(auxiliary.objective, auxiliary.bounds, self.penalty)
        return Aim(score, f"lower confidence bound with an exact penalty of {self.penalty:g}", seeds=auxiliary.constrained())
