"""PGPE: policy gradients with parameter-based exploration, by pairs of points at opposite sides of the mean, with ClipUp.

Sources: Sehnke et al., Parameter-exploring policy gradients, Neural Networks 23 (2010); Toklu, Liskowski and Srivastava, ClipUp (2020),
arXiv:2008.02387. Utilities are centred ranks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from bbo.evolution.utilities import Array, all_tie, by_rank, centred_ranks

_MOMENTUM = 0.9
_RATE = 0.1  # of the standard deviations
_MOST_CHANGE = 0.2  # of a standard deviation in a generation
COOLEST = 0.1
"""What falls from generation to generation falls to this share of what it was at first."""


@dataclass(frozen=True, slots=True)
class State:
    """The distribution of the next generation, and where the mean was going.

    Args:
        mean: Mean, `d`.
        deviations: Standard deviations, `d`.
        velocity: The last step of the mean, `d`.
        speed: The greatest length of such a step.
        cooled: Share of the first `speed` that it has come down to.
    """

    mean: Array
    deviations: Array
    velocity: Array
    speed: float
    cooled: float = 1.0


def init(mean: ArrayLike, deviations: ArrayLike, *, speed: float | None = None) -> State:
    """The first distribution.

    Args:
        mean: Mean, `d`.
        deviations: Standard deviations, `d` or one number.
        speed: The greatest length of a step of the mean; None means a 15th of the length of `deviations`, the rule of thumb of ClipUp.
    """
    mean = np.array(mean, dtype=np.float64)
    deviations = np.broadcast_to(np.asarray(deviations, dtype=np.float64), mean.shape).copy()
    return State(mean, deviations, np.zeros_like(mean), float(np.linalg.norm(deviations)) / 15 if speed is None else speed)


def gradients(deviations: ArrayLike, z: ArrayLike, losses: ArrayLike) -> tuple[Array, Array]:
    """Estimated gradients of the expected utility by mean and by standard deviations (`d` each), both times the squared deviations.

    ``1/n sum_j (F+_j - F-_j) s z_j`` and ``1/n sum_j (F+_j + F-_j - 2 mean F) ((s z_j)^2 - s^2) / s`` over n/2 pairs.

    Args:
        deviations: Standard deviations s, `d`.
        z: Standard normals of the pairs, `n/2 x d`: the points are ``m + s z`` and ``m - s z``.
        losses: Their losses, `n/2 x 2`.
    """
    s, z = np.asarray(deviations, dtype=np.float64), np.asarray(z, dtype=np.float64)
    n = 2 * len(z)
    utility = by_rank(centred_ranks(n), losses)
    odd, even = utility[:, 0] - utility[:, 1], utility.sum(axis=1) - 2 * utility.mean()
    return s * (odd @ z) / n, s * (even @ (z**2 - 1)) / n


def clip_up(gradient: ArrayLike, velocity: ArrayLike, *, speed: float) -> Array:
    """The next step (`d`): half of `speed` along the gradient, whatever its length, with momentum, no longer than `speed`."""
    g = np.asarray(gradient, dtype=np.float64)
    ahead = _MOMENTUM * np.asarray(velocity, dtype=np.float64) + speed / 2 * g / (np.linalg.norm(g) or 1.0)
    length = float(np.linalg.norm(ahead))
    return np.asarray(ahead if length <= speed else speed / length * ahead)


def step(state: State, z: ArrayLike, losses: ArrayLike, *, decay: float = 1.0, least: ArrayLike = 1e-12, most: ArrayLike = 1e8) -> State:
    """The distribution after a generation of pairs.

    A standard deviation follows its gradient at the rate 0.1, and changes by at most a fifth.

    Args:
        state: The distribution that the points came from.
        z: Standard normals of the pairs, `n/2 x d`: the points are ``m + s z`` and ``m - s z``.
        losses: Their losses, `n/2 x 2`.
        decay: What the speed is multiplied by, until it is a tenth of what it was at first.
        least: Standard deviations do not fall below these, `d` or one number.
        most: Nor rise above these.
    """
    if all_tie(losses):
        return state
    s = state.deviations
    by_mean, by_deviation = gradients(s, z, losses)
    velocity = clip_up(by_mean, state.velocity, speed=state.speed)
    changed = s + np.clip(_RATE * by_deviation, -_MOST_CHANGE * s, _MOST_CHANGE * s)
    cooled = max(state.cooled * decay, COOLEST)
    return State(state.mean + velocity, changed.clip(least, most), velocity, state.speed * cooled / state.cooled, cooled)
