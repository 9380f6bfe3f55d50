"""Upper confidence bound."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from acquisitions.gaussian import Array, GaussianModel, spread


@dataclass(frozen=True, slots=True)
class UpperConfidenceBound:
    """``m + sqrt(beta) s`` with the posterior mean m and standard deviation s of the latent function.

    BoTorch: `UpperConfidenceBound`. Source: Srinivas et al. (2010), arXiv:0912.3995, equation 6.

    Args:
        gp: The model of the objective, to be maximized.
        beta: Weight of the variance, at least 0.
    """

    gp: GaussianModel
    beta: float

    def __post_init__(self) -> None:
        if not self.beta >= 0:
            raise ValueError(f"beta is {self.beta}, must be at least 0")

    def value(self, X: Array) -> Array:
        """The score at each row of X (`m x d`), shape `m`."""
        mean, variance = self.gp.predict(X)
        sd, _ = spread(variance)
        return mean + math.sqrt(self.beta) * sd

    def value_and_gradient(self, X: Array) -> tuple[Array, Array]:
        """The score (`m`) and its gradient (`m x d`) at each row of X (`m x d`)."""
        moments = self.gp.at(X)
        sd, d_sd = spread(moments.variance)
        weight = math.sqrt(self.beta)
        return moments.mean + weight * sd, moments.pull(np.ones_like(sd), weight * d_sd)
