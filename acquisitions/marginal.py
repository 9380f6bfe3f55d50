"""Scores in closed form of the mean and the standard deviation at a candidate, and of nothing else."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from acquisitions.gaussian import Array, GaussianModel, spread


@dataclass(frozen=True, slots=True)
class Marginal(ABC):
    """A function of the posterior mean m and standard deviation s of the latent function of gp."""

    gp: GaussianModel

    @abstractmethod
    def score(self, mean: Array, sd: Array) -> tuple[Array, Array, Array]:
        """The score for Gaussian values, and its derivatives with respect to their mean and sd; all of one shape."""

    def value(self, X: Array) -> Array:
        """The score at each row of X (`m x d`), shape `m`."""
        mean, variance = self.gp.predict(X)
        return self.score(mean, spread(variance)[0])[0]

    def value_and_gradient(self, X: Array) -> tuple[Array, Array]:
        """The score (`m`) and its gradient (`m x d`) at each row of X (`m x d`)."""
        moments = self.gp.at(X)
        sd, d_sd = spread(moments.variance)
        value, d_mean, d_spread = self.score(moments.mean, sd)
        return value, moments.pull(d_mean, d_spread * d_sd)


def exponential(logarithm: Array, d_mean: Array, d_sd: Array) -> tuple[Array, Array, Array]:
    """The score whose logarithm this is, with its derivatives."""
    value: Array = np.exp(logarithm)
    return value, value * d_mean, value * d_sd
