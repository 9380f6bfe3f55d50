"""SNES: separable natural evolution strategy, which follows the natural gradient of the expected utility.

Source: Wierstra, Schaul, Glasmachers, Sun, Peters and Schmidhuber, Natural evolution strategies, JMLR 15 (2014).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from bbo.evolution.utilities import Array, all_tie, by_rank, natural_utilities


@dataclass(frozen=True, slots=True)
class State:
    """The distribution of the next generation: mean and standard deviations, `d` each."""

    mean: Array
    deviations: Array


def init(mean: ArrayLike, deviations: ArrayLike) -> State:
    """The first distribution; `mean` is of shape `d`, `deviations` of `d` or one number."""
    mean = np.array(mean, dtype=np.float64)
    return State(mean, np.broadcast_to(np.asarray(deviations, dtype=np.float64), mean.shape).copy())


def step(state: State, z: ArrayLike, losses: ArrayLike, *, least: ArrayLike = 1e-12, most: ArrayLike = 1e8) -> State:
    """The distribution after a generation.

    ``m + s * sum_i u_i z_i`` and ``s exp(r/2 sum_i u_i (z_i^2 - 1))`` with the utilities u and the rate
    ``r = (3 + ln d) / (5 sqrt(d))``.

    Args:
        state: The distribution that the points came from.
        z: Their standard normals, `n x d`.
        losses: Their losses, `n`.
        least: Standard deviations do not fall below these, `d` or one number.
        most: Nor rise above these.
    """
    if all_tie(losses):
        return state
    z = np.asarray(z, dtype=np.float64)
    n, d = z.shape
    u = by_rank(natural_utilities(n), losses)
    rate = (3 + math.log(d)) / (5 * math.sqrt(d))
    grown = state.deviations * np.exp(rate / 2 * (u @ (z**2 - 1)))
    return State(state.mean + state.deviations * (u @ z), grown.clip(least, most))
