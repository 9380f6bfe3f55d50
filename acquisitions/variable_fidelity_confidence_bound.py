"""Variable-fidelity confidence bounds: at each of several levels, the optimism at the target that its own uncertainty allows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from acquisitions.gaussian import Array, GaussianModel, Pairing
from acquisitions.variable_fidelity_expected_improvement import Split


@dataclass(frozen=True, slots=True)
class VariableFidelityConfidenceBound:
    """``m + sqrt(beta) s_l cost / cost_l``, m the mean of a candidate at the target, s_l what its uncertainty there owes to level l.

    What a level that costs a tenth could still settle counts ten times as much, until little is open there. The uncertainty is split
    among the levels as for `LogVariableFidelityExpectedImprovement`. With the target alone it is `UpperConfidenceBound`.

    Source: Jiang, Cheng, Zhou, Shu & Hu (2019), "Variable-fidelity lower confidence bounding approach for engineering optimization
    problems with expensive simulations", of two levels and to be minimized; from an implementation by others (mfpml, with
    ``sqrt(beta) = 1.96`` and the standard deviation of the lower level as it is), since its text was not at hand.

    Args:
        gp: The model of the objective, to be maximized, with `pairs` (see `acquisitions.gaussian.Pairing`).
        beta: Weight of the variance, at least 0.
        column: Index of the column of levels.
        levels: Its values, the target last; candidates are at the nearest one.
        costs: Of each, positive.
    """

    gp: GaussianModel
    beta: float
    column: int
    levels: Sequence[float]
    costs: Sequence[float]

    def __post_init__(self) -> None:
        if not isinstance(self.gp, Pairing):
            raise TypeError(f"{type(self.gp).__name__} has no pairs(), which the covariances between levels need")
        if not self.beta >= 0:
            raise ValueError(f"beta is {self.beta}, must be at least 0")
        if not len(self.levels) == len(self.costs) > 0:
            raise ValueError("levels and costs are as many, and at least one")

    def value(self, X: Array) -> Array:
        """The score at each row of X (`m x d`), shape `m`."""
        split = Split.of(self.gp, X, self.column, self.levels)
        return split.mean + self._weights(split) * split.sd

    def value_and_gradient(self, X: Array) -> tuple[Array, Array]:
        """The score (`m`) and its gradient (`m x d`) at each row of X (`m x d`), zero along the levels."""
        split = Split.of(self.gp, X, self.column, self.levels)
        weights = self._weights(split)
        return split.mean + weights * split.sd, split.pull(np.ones(len(X)), weights)

    def _weights(self, split: Split) -> Array:
        costs = np.asarray(self.costs, dtype=float)
        weights: Array = math.sqrt(self.beta) * (costs[-1] / costs)[split.level]
        return weights
