"""Inverse gap weighting: probabilities of arms from predicted losses, the less the further an arm is behind the best one.

It makes a contextual bandit of any online regression: of one for the squared error SquareCB, of one for the log loss FastCB, whose
regret grows with the loss of the best policy instead of the number of rounds.

Sources: Foster and Rakhlin, Beyond UCB: optimal and efficient contextual bandits with regression oracles (2020); Foster and
Krishnamurthy, Efficient first-order contextual bandits: prediction, allocation, and triangular discrimination (2021).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

FLOOR = 1e-3
"""Predicted losses below it count as this in `fast_cb`: at a loss of zero it would never draw another arm again."""


def square_cb(predicted: ArrayLike, gamma: float) -> Array:
    """``1 / (K + gamma (y_a - y_b))`` for each arm `a` but the best one `b`, which has what is left; shape `K`.

    The best arm is the first of the least predicted loss, and has at least ``1 / K``. Uniform for ``gamma = 0`` and for equal
    predictions; greedy as `gamma` grows.

    Args:
        predicted: Predicted losses, shape `K`, finite.
        gamma: How much is exploited, at least 0 and finite.
    """
    y = np.asarray(predicted, float)
    best = int(y.argmin())
    return _the_rest_to(best, 1 / (len(y) + gamma * (y - y[best])))


def fast_cb(predicted: ArrayLike, gamma: float) -> Array:
    """``y_b / (K y_b + gamma (y_a - y_b))`` for each arm `a` but the best one `b`, which has what is left; shape `K`.

    As `square_cb`, but for positive losses, and the smaller the best loss, the greedier. ``fast_cb(y, gamma)`` is
    ``square_cb(y, gamma / min(y))``.

    Args:
        predicted: Predicted losses, shape `K`; see `FLOOR`.
        gamma: How much is exploited, at least 0 and finite.
    """
    y = np.maximum(np.asarray(predicted, float), FLOOR)
    best = int(y.argmin())
    return _the_rest_to(best, y[best] / (len(y) * y[best] + gamma * (y - y[best])))


def _the_rest_to(best: int, p: Array) -> Array:
    p[best] = 0.0
    p[best] = 1 - p.sum()  # the others have at most 1 / K each
    return p
