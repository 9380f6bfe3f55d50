"""MF-GP-UCB: the tightest of the upper confidence bounds that several levels put on the value at the target."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from acquisitions.at_target import moved
from acquisitions.gaussian import Array, GaussianModel
from acquisitions.standing import Standing
from acquisitions.upper_confidence_bound import UpperConfidenceBound


def largest_differences(gp: GaussianModel, X: Array, column: int, fidelities: Sequence[float]) -> Array:
    """How far the means of each of k levels are from those of the target, the last one, over the points X (`n x d`) at most, shape `k`."""
    means = np.array([gp.predict(moved(X, {column: level}))[0] for level in fidelities])
    largest: Array = np.abs(means - means[-1]).max(1)
    return largest


@dataclass(frozen=True, slots=True)
class MultiFidelityUpperConfidenceBound:
    """``min_l m_l + sqrt(beta) s_l + zeta_l`` over the levels l of a point, and then the level to measure at, see `at_levels`.

    ``zeta_l`` bounds how far level l is from the target, where it is zero. Levels are gone through upwards: the first one where
    ``sqrt(beta) s_l >= gamma_l`` is measured, with ``gamma_l = zeta_l sqrt(cost_l / cost_(l+1))``, else the target. With the target alone
    it is `UpperConfidenceBound`.

    Source: Kandasamy et al. (2016), "Gaussian process bandit optimisation with multi-fidelity evaluations", arXiv:1603.06288. The bound
    and the rule are those of the authors' code (github.com/kirthevasank/mf-gp-ucb), the ratio of costs in gamma is from memory, since
    the text was not at hand: it makes ``cost_l / gamma_l^2``, what a point costs at level l, as large as what it costs above to come to
    zeta. Their code begins with a hundredth of the range of y, and raises gamma where a level is run for longer than the next one costs.
    There each level has a model of its own, and zeta is given; here both are the joint model's.

    Args:
        gp: The model of the objective, to be maximized.
        beta: Weight of the variance, at least 0.
        column: Index of the column of levels.
        fidelities: Its values, from the lowest level to the target.
        costs: Of each, positive.
        zeta: Of each, at least 0, and 0 of the target, such as `largest_differences`.
    """

    gp: GaussianModel
    beta: float
    column: int
    fidelities: Sequence[float]
    costs: Sequence[float]
    zeta: Sequence[float]

    def __post_init__(self) -> None:
        if not len(self.fidelities) == len(self.costs) == len(self.zeta) > 0:
            raise ValueError("fidelities, costs and zeta are as many, and at least one")
        if self.zeta[-1] != 0 or min(self.zeta) < 0:
            raise ValueError(f"zeta is {self.zeta!r}; no value is negative, and that of the target, the last one, is 0")

    def value(self, X: Array) -> Array:
        """The score at each row of X (`m x d`), whatever level it is at, shape `m`."""
        least: Array = np.min([bound.value(X) + zeta for bound, zeta in self._bounds()], axis=0)
        return least

    def value_and_gradient(self, X: Array) -> tuple[Array, Array]:
        """The score (`m`) and its gradient (`m x d`), zero along the levels."""
        parts = [(*bound.value_and_gradient(X), zeta) for bound, zeta in self._bounds()]
        values = np.array([value + zeta for value, _, zeta in parts])
        least, rows = values.argmin(0), np.arange(len(X))
        return values[least, rows], np.array([gradient for _, gradient, _ in parts])[least, rows]

    def at_levels(self, x: Array) -> Array:
        """The point x (`1 x d`) at the lowest level that is not known well enough, and at those above it, `k x d`."""
        there = np.repeat(x, len(self.fidelities), axis=0)
        there[:, self.column] = self.fidelities
        costs, zeta = np.asarray(self.costs, dtype=float), np.asarray(self.zeta, dtype=float)
        gamma = zeta[:-1] * np.sqrt(costs[:-1] / costs[1:])
        tells = math.sqrt(self.beta) * np.sqrt(self.gp.predict(there)[1][:-1]) >= gamma
        return there[int(np.argmax([*tells, True])) :]

    def _bounds(self) -> list[tuple[UpperConfidenceBound, float]]:
        levels = zip(self.fidelities, self.zeta, strict=True)
        return [(UpperConfidenceBound(Standing(self.gp, {self.column: float(level)}), self.beta), float(zeta)) for level, zeta in levels]
