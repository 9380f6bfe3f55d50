"""Upper confidence bounds with optimistic constraints weighed in, by a penalty or by multipliers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from acquisitions.gaussian import Array
from acquisitions.optimistic_constraints import OptimisticConstraints
from acquisitions.upper_confidence_bound import UpperConfidenceBound


@dataclass(frozen=True, slots=True)
class ExactPenalty:
    """``u(x) - rho sum_k max(l_k(x), 0)``: upper confidence bound u of the objective, optimistic constraints ``l <= 0``.

    For rho above the multipliers of the problem "maximize u under l <= 0" both have the same solutions, where that one has any.
    Source: Lu & Paulson (2022), IFAC-PapersOnLine 55(7) (EPBO).

    Args:
        objective: u, to be maximized.
        bounds: The constraints.
        penalty: rho, at least 0, in units of the objective's y per unit of the constraints' y.
    """

    objective: UpperConfidenceBound
    bounds: OptimisticConstraints
    penalty: float

    def value(self, X: Array) -> Array:
        """The score at each row of X (`m x d`), shape `m`."""
        score: Array = self.objective.value(X) - self.penalty * np.maximum(self.bounds.value(X), 0.0).sum(axis=1)
        return score

    def value_and_gradient(self, X: Array) -> tuple[Array, Array]:
        """The score (`m`) and its gradient (`m x d`; there is none where an entry of l is zero) at each row of X (`m x d`)."""
        value, gradient = self.objective.value_and_gradient(X)
        entries = self.bounds.value(X)
        broken = (entries > 0).astype(float)[:, :, None]
        value = value - self.penalty * np.maximum(entries, 0.0).sum(axis=1)
        return value, gradient - self.penalty * (broken * self.bounds.jacobian(X)).sum(axis=1)


@dataclass(frozen=True, slots=True)
class OptimisticLagrangian:
    """``u(x) - sum_k lambda_k l_k(x)``: upper confidence bound u of the objective, optimistic constraints ``l <= 0``.

    Source: Zhou & Ji (2022), arXiv:2203.15589.

    Args:
        objective: u, to be maximized.
        bounds: The constraints.
        multipliers: lambda, one a bound, as in `OptimisticConstraints.entries`, at least 0.
    """

    objective: UpperConfidenceBound
    bounds: OptimisticConstraints
    multipliers: Sequence[float]

    def value(self, X: Array) -> Array:
        """The score at each row of X (`m x d`), shape `m`."""
        score: Array = self.objective.value(X) - self.bounds.value(X) @ np.asarray(self.multipliers, dtype=float)
        return score

    def value_and_gradient(self, X: Array) -> tuple[Array, Array]:
        """The score (`m`) and its gradient (`m x d`) at each row of X (`m x d`)."""
        value, gradient = self.objective.value_and_gradient(X)
        weights = np.asarray(self.multipliers, dtype=float)
        return value - self.bounds.value(X) @ weights, gradient - np.einsum("k,mkd->md", weights, self.bounds.jacobian(X))
