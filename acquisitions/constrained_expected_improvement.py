"""Expected improvement among feasible points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from acquisitions.expected_improvement import LogExpectedImprovement
from acquisitions.feasibility import LogProbabilityOfFeasibility, OutcomeConstraint
from acquisitions.gaussian import Array, GaussianModel


@dataclass(frozen=True, slots=True)
class LogConstrainedExpectedImprovement:
    """``log EI(x) + sum_i log P_i`` with ``P_i = P(lower_i <= g_i(x) <= upper_i)``, for independent objective and constraints.

    With ``min(1, 2 P_i)`` in the place of P_i it is CEI+, which does not keep away from a bound that is kept for sure or not: there the
    optimum often lies. BoTorch: `LogConstrainedExpectedImprovement`, without that.
    Source: Schonlau et al. (1998); Gardner et al. (2014); in logarithms: Ament et al. (2023), arXiv:2310.20708; CEI+: Yu, Picard & Ahmed
    (2025), arXiv:2404.04495 (their code for Gaussian processes caps the product of the P_i, with a jump, and is another function).

    Args:
        gp: The model of the objective, to be maximized.
        best: Best feasible value, in the units of the model's y.
        constraints: At least one outcome with its bounds.
        capped: Whether it is CEI+.
    """

    gp: GaussianModel
    best: float
    constraints: Sequence[OutcomeConstraint]
    capped: bool = False
    _improvement: LogExpectedImprovement = field(init=False, repr=False)
    _feasibility: LogProbabilityOfFeasibility = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_improvement", LogExpectedImprovement(self.gp, self.best))
        object.__setattr__(self, "_feasibility", LogProbabilityOfFeasibility(self.constraints, self.capped))

    def value(self, X: Array) -> Array:
        """The score at each row of X (`m x d`), shape `m`."""
        return self._improvement.value(X) + self._feasibility.value(X)

    def value_and_gradient(self, X: Array) -> tuple[Array, Array]:
        """The score (`m`) and its gradient (`m x d`) at each row of X (`m x d`)."""
        improvement, climb = self._improvement.value_and_gradient(X)
        feasibility, push = self._feasibility.value_and_gradient(X)
        return improvement + feasibility, climb + push
