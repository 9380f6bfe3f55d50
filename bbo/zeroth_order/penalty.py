"""An adaptive penalty: outcome constraints for methods that weigh points by one number.

Points are rows: losses of shape `N` and constraints ``g <= 0`` of shape `N x m`, measured together. Both count in units that the method
keeps while it compares old results with new ones.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

_GREATEST = 1e15  # of weight and strictness, as in CBXpy


def violation(constraints: ArrayLike, units: ArrayLike) -> Array:
    """How far each point is from keeping all constraints, ``sum_i max(g_i, 0) / units_i``: zero where it keeps them, shape `N`.

    A unit of zero counts as one.
    """
    scale = np.asarray(units, float)
    with np.errstate(over="ignore"):
        total: Array = (np.maximum(np.asarray(constraints, float), 0) / np.where(scale > 0, scale, 1.0)).sum(axis=-1)
    return total


@dataclass(frozen=True, slots=True)
class AdaptivePenalty:
    """The weight of the violation in ``loss + weight * violation``, and the violation that is let pass before it grows.

    The penalty is exact: the violation is not squared, so that some finite weight makes the constrained minimum that of the sum. It
    is larger than the multipliers of the constraints, which nobody knows; so the weight grows as long as the method, by its own mean of the
    violation, does not keep to a tolerance ``1 / sqrt(strictness)``, which falls as long as it does.

    Args:
        weight: What a unit of violation costs, in units of the loss.
        strictness: One over the square of the tolerance.
        factor: What weight and strictness are multiplied by in a step.

    Source: Borghi, Herty and Pareschi, Constrained consensus-based optimization (2023), https://arxiv.org/abs/2111.10571; the
    factor and the first weight from https://github.com/PdIPS/CBXpy. The first strictness is ours: with the one of CBXpy, 1, fast swarms
    had drawn together out of the feasible region before the weight grew.
    """

    weight: float = 1.0
    strictness: float = 100.0
    factor: float = 1.1

    def adapted(self, mean_violation: float) -> AdaptivePenalty:
        """The penalty of the next step.

        Where the tolerance is kept, strictness is multiplied by the factor; elsewhere the weight is, and strictness is divided by it.
        """
        if mean_violation <= 1 / math.sqrt(self.strictness):
            return AdaptivePenalty(self.weight, min(self.strictness * self.factor, _GREATEST), self.factor)
        return AdaptivePenalty(min(self.weight * self.factor, _GREATEST), self.strictness / self.factor, self.factor)
