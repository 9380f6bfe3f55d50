"""Upper confidence bound."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from acquisitions.gaussian import Array
from acquisitions.marginal import Marginal


@dataclass(frozen=True, slots=True)
class UpperConfidenceBound(Marginal):
    """``m + sqrt(beta) s`` with the posterior mean m and standard deviation s of the latent function.

    BoTorch: `UpperConfidenceBound`. Source: Srinivas et al. (2010), arXiv:0912.3995, equation 6.

    Args:
        gp: The model of the objective, to be maximized.
        beta: Weight of the variance, at least 0.
    """

    beta: float

    def __post_init__(self) -> None:
        if not self.beta >= 0:
            raise ValueError(f"beta is {self.beta}, must be at least 0")

    def score(self, mean: Array, sd: Array) -> tuple[Array, Array, Array]:
        """As `Marginal.score`."""
        weight = math.sqrt(self.beta)
        return mean + weight * sd, np.ones_like(sd), np.full_like(sd, weight)
