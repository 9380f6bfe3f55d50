"""How well a model foretells what it has been fitted to, each value from the others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class LeaveOneOut:
    """Each measured value of an outcome beside what a model expects of it from all others, with the same hyperparameters.

    Args:
        measured: `n`, in the units of the fit (standardised, and to be maximized where the outcome is an objective).
        mean: Expected, `n`.
        sd: Standard deviation of what is expected, the noise of a measurement included, `n`.
        noise: Share of the variance of the measured values that the model takes for noise.
    """

    measured: Array
    mean: Array
    sd: Array
    noise: float

    @property
    def residuals(self) -> Array:
        """``(measured - mean) / sd``, `n`: standard normal, were the model right."""
        return (self.measured - self.mean) / self.sd

    @property
    def rank_correlation(self) -> float:
        """Spearman's, between measured and expected values; zero where either are all alike."""
        a, b = (_ranks(values) - (len(values) + 1) / 2 for values in (self.measured, self.mean))
        size = float(np.sqrt((a @ a) * (b @ b)))
        return float(a @ b) / size if size > 0 else 0.0

    def coverage(self, z: float = 1.959964) -> float:
        """Share of the measured values within z standard deviations of what is expected; 0.95 of them, were the model right."""
        return float(np.mean(np.abs(self.residuals) <= z))


def _ranks(values: Array) -> Array:
    """From 1 to `n`; equal values share the mean of theirs."""
    _, where, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    ranks: Array = (ends - (counts - 1) / 2)[where]
    return ranks
