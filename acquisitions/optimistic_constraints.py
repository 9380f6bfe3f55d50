"""Outcome constraints by the most favourable values that confidence intervals allow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from acquisitions.feasibility import OutcomeConstraint
from acquisitions.gaussian import Array, spread


@dataclass(frozen=True, slots=True)
class OptimisticConstraints:
    """``l(x) <= 0`` for each bound: ``lower - (m + b s)`` and ``(m - b s) - upper``, with mean m and standard deviation s of an outcome.

    Where an entry is positive, the bound is broken whatever value of the confidence interval is the true one.
    Source: Xu, Jiang, Svetozarevic & Jones (2023), arXiv:2211.00162.

    Args:
        constraints: Outcomes with their bounds.
        beta: Half widths of the confidence intervals in standard deviations, one a constraint; a negative one is a margin of safety.
    """

    constraints: Sequence[OutcomeConstraint]
    beta: Sequence[float]

    def __post_init__(self) -> None:
        if len(self.beta) != len(self.constraints) or not np.all(np.isfinite(self.beta)):
            raise ValueError(f"beta is {list(self.beta)} for {len(self.constraints)} constraints; it is one finite number a constraint")

    @property
    def entries(self) -> tuple[tuple[int, float], ...]:
        """Of each entry of `value` the constraint, and 1 for its upper bound or -1 for its lower one, which comes first."""
        return tuple((k, sign) for k, constraint in enumerate(self.constraints) for sign, _ in _ends(constraint))

    def value(self, X: Array) -> Array:
        """The entries at each row of X (`m x d`), `m x k`, in units of the models' y."""
        found = [np.empty((len(X), 0))]
        for constraint, beta in zip(self.constraints, self.beta, strict=True):
            mean, variance = constraint.gp.predict(X)
            reach = beta * spread(variance)[0]
            found += [(sign * (mean - end) - reach)[:, None] for sign, end in _ends(constraint)]
        return np.hstack(found)

    def jacobian(self, X: Array) -> Array:
        """Derivatives of `value`, `m x k x d`."""
        found = []
        for constraint, beta in zip(self.constraints, self.beta, strict=True):
            moments = constraint.gp.at(X)
            d_sd = -beta * spread(moments.variance)[1]
            found += [moments.pull(np.full(len(X), sign), d_sd) for sign, _ in _ends(constraint)]
        return np.stack(found, axis=1) if found else np.empty((len(X), 0, X.shape[1]))


def _ends(constraint: OutcomeConstraint) -> list[tuple[float, float]]:
    """The bounds as ``sign * (g - end) <= 0``."""
    return [(sign, end) for sign, end in ((-1.0, constraint.lower), (1.0, constraint.upper)) if end is not None]


@dataclass(frozen=True, slots=True)
class LeastViolation:
    """``-max_k l_k(x)``: at least 0 where every bound may be kept; the largest value tells whether there is such a point.

    The best point is often a kink, where climbs get stuck. With a temperature T the score is ``-T log sum_k exp(l_k(x) / T)``, which
    is smooth, and less by T log k at most.

    Args:
        bounds: At least one bound.
        temperature: T; 0 for the maximum itself.
    """

    bounds: OptimisticConstraints
    temperature: float = 0.0

    def __post_init__(self) -> None:
        if not self.bounds.constraints:
            raise ValueError("the least violation needs at least one constraint")

    def value(self, X: Array) -> Array:
        """The score at each row of X (`m x d`), shape `m`."""
        return self._score(X)[0]

    def value_and_gradient(self, X: Array) -> tuple[Array, Array]:
        """The score (`m`) and its gradient (`m x d`; at a temperature of 0 that of the worst bound) at each row of X (`m x d`)."""
        score, weights = self._score(X)
        return score, -np.einsum("mk,mkd->md", weights, self.bounds.jacobian(X))

    def _score(self, X: Array) -> tuple[Array, Array]:
        """The score, and how much each bound has to do with it (`m x k`)."""
        entries = self.bounds.value(X)
        worst = entries.max(axis=1)
        if self.temperature == 0:
            return -worst, np.eye(entries.shape[1])[entries.argmax(axis=1)]
        parts = np.exp((entries - worst[:, None]) / self.temperature)
        total = parts.sum(axis=1)
        return -(worst + self.temperature * np.log(total)), parts / total[:, None]
