"""The straddle: where a function may cross a level."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from acquisitions.gaussian import Array
from acquisitions.marginal import Marginal


@dataclass(frozen=True, slots=True)
class Straddle(Marginal):
    """``sqrt(beta) s - |m - level|`` with the posterior mean m and standard deviation s of the latent function.

    Positive where the level lies within ``sqrt(beta)`` standard deviations of the mean, and largest where that is least certain: it
    learns the set where the function exceeds the level. Its gradient at ``m = level`` is that of ``sqrt(beta) s``.
    Source: Bryan et al. (2005), "Active learning for identifying function threshold boundaries", with ``sqrt(beta)`` = 1.96.

    Args:
        gp: The model.
        level: In the units of the model's y.
        beta: Weight of the variance, at least 0.
    """

    level: float
    beta: float = 1.96**2

    def __post_init__(self) -> None:
        if not self.beta >= 0:
            raise ValueError(f"beta is {self.beta}, must be at least 0")
        if not math.isfinite(self.level):
            raise ValueError(f"level is {self.level}, must be finite")

    def score(self, mean: Array, sd: Array) -> tuple[Array, Array, Array]:
        """As `Marginal.score`."""
        weight, above = math.sqrt(self.beta), mean - self.level
        return weight * sd - np.abs(above), -np.sign(above), np.full_like(sd, weight)
