"""Bayesian active learning by disagreement: how much a measurement says about the function."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from acquisitions.gaussian import LEAST_VARIANCE, Array
from acquisitions.marginal import Marginal


@dataclass(frozen=True, slots=True)
class LogBALD(Marginal):
    """``log I(y; f | x)``, the logarithm of the mutual information of a measurement and the function, ``I = log(1 + s^2 / noise) / 2``.

    The information that measurements carry together is the sum of what each adds to those before, so that candidates chosen one after
    the other, each conditioned on, are within 1 - 1/e of the best set of as many (Krause et al. 2008). It is largest where the variance is.

    Source: MacKay (1992), "Information-based objective functions for active data selection"; Houlsby et al. (2011), arXiv:1112.5745.

    Args:
        gp: The model.
        noise: Variance of the noise of a new measurement, in the squared units of the model's y; as `LEAST_VARIANCE` where less.
    """

    noise: float

    def __post_init__(self) -> None:
        if not 0 <= self.noise < math.inf:
            raise ValueError(f"noise is {self.noise}, a variance, and must be at least 0 and finite")

    def score(self, mean: Array, sd: Array) -> tuple[Array, Array, Array]:
        """As `Marginal.score`."""
        noise = max(self.noise, LEAST_VARIANCE)
        ratio = sd * sd / noise
        information = 0.5 * np.log1p(ratio)
        return np.log(information), np.zeros_like(mean), sd / noise / (1.0 + ratio) / information
