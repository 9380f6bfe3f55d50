"""OpenAI-ES: gradients of a smoothed function by pairs of points at opposite sides of the mean and centred ranks, followed by Adam.

Source: Salimans, Ho, Chen, Sidor and Sutskever, Evolution strategies as a scalable alternative to reinforcement learning (2017),
arXiv:1703.03864.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from bbo.evolution.pgpe import COOLEST
from bbo.evolution.utilities import Array, all_tie, by_rank, centred_ranks
from bbo.zeroth_order.adam import Adam

_EPSILON = 1e-8  # keeps Adam from dividing by zero


@dataclass(frozen=True, slots=True)
class State:
    """The distribution of the next generation, and what Adam remembers.

    Args:
        mean: Mean, `d`.
        deviations: Standard deviations, `d`; no result changes them.
        rate: About how far an entry of the mean moves in a step.
        adam: What is remembered of the gradients.
        cooled: Share of the first `deviations` and `rate` that they have come down to.
    """

    mean: Array
    deviations: Array
    rate: float
    adam: Adam
    cooled: float = 1.0


def init(mean: ArrayLike, deviations: ArrayLike, *, rate: float) -> State:
    """The first distribution; `mean` is of shape `d`, `deviations` of `d` or one number, for `rate` see `State`."""
    mean = np.array(mean, dtype=np.float64)
    deviations = np.broadcast_to(np.asarray(deviations, dtype=np.float64), mean.shape).copy()
    return State(mean, deviations, rate, Adam.at_rest(len(mean)))


def gradient(deviations: ArrayLike, z: ArrayLike, losses: ArrayLike) -> Array:
    """Estimated gradient of the expected utility by the mean (`d`): ``1/n sum_j (F+_j - F-_j) z_j / s`` over n/2 pairs.

    Args:
        deviations: Standard deviations s, `d` or one number.
        z: Standard normals of the pairs, `n/2 x d`: the points are ``m + s z`` and ``m - s z``.
        losses: Their losses, `n/2 x 2`.
    """
    s, z = np.asarray(deviations, dtype=np.float64), np.asarray(z, dtype=np.float64)
    n = 2 * len(z)
    utility = by_rank(centred_ranks(n), losses)
    return np.asarray((utility[:, 0] - utility[:, 1]) @ z / (n * s))


def step(state: State, z: ArrayLike, losses: ArrayLike, *, decay: float = 1.0, least: ArrayLike = 1e-12) -> State:
    """The distribution after a generation of pairs.

    Args:
        state: The distribution that the points came from.
        z: Standard normals of the pairs, `n/2 x d`.
        losses: Their losses, `n/2 x 2`.
        decay: What rate and standard deviations are multiplied by, until they are a tenth of what they were at first.
        least: Standard deviations do not fall below these, `d` or one number.
    """
    if all_tie(losses):
        return state
    adam = state.adam.after(gradient(state.deviations, z, losses))
    slope, size = adam.moments
    mean = state.mean + state.rate * slope / (size + _EPSILON)
    cooled = max(state.cooled * decay, COOLEST)
    factor = cooled / state.cooled
    return State(mean, np.maximum(state.deviations * factor, least), state.rate * factor, adam, cooled)
