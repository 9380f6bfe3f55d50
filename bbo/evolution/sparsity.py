"""Which weights of a network a search distribution can do without: signal-to-noise pruning.

A weight whose mean is small beside its standard deviation might as well be zero, or of the other sign. Dropping the weakest and
starting again leaves sparse networks that can be trained from that start: lottery tickets.

Source: Lange and Sprekeler, Lottery tickets in evolutionary optimization (ICML 2023), https://github.com/RobertTLange/es-lottery.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bbo.evolution.utilities import Array


def signal_to_noise(mean: ArrayLike, deviations: ArrayLike) -> Array:
    """``|m| / s`` by entries. With Sep-CMA, s is the step size times the square root of the variance."""
    return np.asarray(np.abs(np.asarray(mean, dtype=np.float64)) / np.asarray(deviations, dtype=np.float64))


def scheduled_sparsity(rounds: int) -> float:
    """The share of weights that are zero after so many rounds that each drop a fifth of what is left: ``1 - 0.8^k``."""
    return float(1 - 0.8**rounds)


def strongest(scores: ArrayLike, sparsity: float) -> NDArray[np.bool_]:
    """Which entries are kept, of the shape of `scores`, when the share `sparsity` of them is dropped by one threshold.

    Of n entries the ``n - round(sparsity n)`` of the highest scores are kept; of equal ones those that come first.
    """
    score = np.asarray(scores, dtype=np.float64)
    return largest(score, score.size - round(sparsity * score.size))


def largest(scores: ArrayLike, n: int) -> NDArray[np.bool_]:
    """Which entries are the n largest, of the shape of `scores`; of equal ones those that come first."""
    score = np.asarray(scores, dtype=np.float64)
    found = np.zeros(score.size, dtype=bool)
    found[np.argsort(-score, axis=None, kind="stable")[:n]] = True
    return found.reshape(score.shape)
