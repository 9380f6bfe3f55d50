"""BOCA: where an upper confidence bound at the target is largest, at the cheapest fidelity that still has something to tell."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from acquisitions.gaussian import Array, GaussianModel
from acquisitions.standing import Standing
from acquisitions.upper_confidence_bound import UpperConfidenceBound


@dataclass(frozen=True, slots=True)
class BOCA:
    """``m + sqrt(beta) s`` of the value at the target, and then the fidelity to measure at, see `at_levels`.

    A fidelity z that is cheaper than the target qualifies at x where ``s(z, x) > sd(z) xi(z) (cost(z) / cost(target))^q``: where it is
    uncertain still, for how close it is to the target (the gap xi) and how cheap. Where ``xi(z) < max xi / sqrt(beta)``, close to the
    target, it does not: all of these would be run before the target ever is. The cheapest one that qualifies is taken, else the target.

    Source: Kandasamy et al. (2017), arXiv:1703.06240, with ``q = 1 / (p + d + 2)`` for p columns of fidelities and d others; q and the
    condition on xi from memory, since their text was not at hand. The code of Dragonfly (2020, arXiv:1903.06694), by the same authors,
    compares the same ``s / sd`` with the same gap times the square root of the cost ratio, the range of y and a factor that it adapts
    until a quarter to a half of twenty queries are at the target; it has no condition on xi but one on costs.

    Args:
        gp: The model of the objective, to be maximized.
        beta: Weight of the variance, at least 0.
        column: Index of the column of fidelities.
        fidelities: Its values that can be chosen, the target last.
        costs: Of each, positive.
        gaps: ``xi``, of each: ``sqrt(1 - r^2)`` of its correlation r with the target at the same point before there are data.
        sds: Standard deviation of each before there are data.
    """

    gp: GaussianModel
    beta: float
    column: int
    fidelities: Sequence[float]
    costs: Sequence[float]
    gaps: Sequence[float]
    sds: Sequence[float]

    def __post_init__(self) -> None:
        if not len(self.fidelities) == len(self.costs) == len(self.gaps) == len(self.sds) > 0:
            raise ValueError("fidelities, costs, gaps and sds are as many, and at least one")

    def value(self, X: Array) -> Array:
        """The score of each row of X (`m x d`) at the target, shape `m`."""
        return self._bound.value(X)

    def value_and_gradient(self, X: Array) -> tuple[Array, Array]:
        """The score (`m`) and its gradient (`m x d`), zero along the fidelities."""
        return self._bound.value_and_gradient(X)

    def at_levels(self, x: Array) -> Array:
        """The point x (`1 x d`) at the fidelities that qualify, the cheapest first, and then at the target, `k x d`."""
        there = np.repeat(x, len(self.fidelities), axis=0)
        there[:, self.column] = self.fidelities
        costs, gaps, sds = (np.asarray(part, dtype=float) for part in (self.costs, self.gaps, self.sds))
        thresholds = sds * gaps * (costs / costs[-1]) ** (1 / (x.shape[1] + 2))
        tells = np.sqrt(self.gp.predict(there)[1]) > thresholds
        apart = gaps >= gaps.max() / max(1.0, math.sqrt(self.beta))
        chosen = np.flatnonzero(tells & apart & (costs < costs[-1]))
        return there[[*chosen[np.argsort(costs[chosen], kind="stable")], -1]]

    @property
    def _bound(self) -> UpperConfidenceBound:
        return UpperConfidenceBound(Standing(self.gp, {self.column: float(self.fidelities[-1])}), self.beta)
