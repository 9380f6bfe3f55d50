"""Tsallis-INF: follow the regularized leader with the Tsallis entropy of power 1/2, on losses weighted by importance.

An algorithm for adversarial bandits that is also near the best possible for stochastic ones, and needs no knowledge of which it meets.

Source: Zimmert and Seldin, Tsallis-INF: an optimal algorithm for stochastic and adversarial bandits (2021), Algorithm 1 with the
importance-weighted estimator. The start of Newton's method is ours.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

_ENOUGH = 1e-13  # how near to one the probabilities add up before they are divided by their sum
_STEPS = 100  # of Newton's method: it takes about ten


def probabilities(losses: ArrayLike, rate: float) -> Array:
    """Probabilities of the arms, ``argmin <p, losses> - (4 / rate) sum sqrt(p)`` over the simplex, shape `K`.

    They are ``4 / (rate (losses - x))^2``, where `x` is below all losses and makes them add up to one. Newton's method for `x` starts at
    ``min(losses) - 2 / rate``: there the best arm alone has probability one, so that the sum is too large, and as it is convex and
    increasing in `x` no step goes beyond the solution. Adding a constant to the losses changes nothing; equal losses are equally likely.

    Args:
        losses: Estimated sums of losses, shape `K`, finite.
        rate: Learning rate, above 0; see `rate_at`.
    """
    above = np.asarray(losses, float)
    above = above - above.min()
    gap = 2 / rate  # from x to the least loss
    p: Array = 4 / (rate * (above + gap)) ** 2
    for _ in range(_STEPS):
        excess = p.sum() - 1
        if excess <= _ENOUGH:
            break
        gap += excess / (rate * (p**1.5).sum())
        p = 4 / (rate * (above + gap)) ** 2
    found: Array = p / p.sum()
    return found


def rate_at(t: int) -> float:
    """The learning rate of round `t`, from 1, for losses in ``[0, 1]``: ``2 / sqrt(t)``, whatever the number of rounds to come."""
    return 2 / math.sqrt(t)


def importance_weighted(arms: ArrayLike, losses: ArrayLike, propensities: ArrayLike, k: int) -> Array:
    """Sums of losses over the probability with which their arms were drawn, shape `k`: unbiased for what each arm would have lost.

    Args:
        arms: Which arm was played, `n` integers from 0.
        losses: What it lost, shape `n`.
        propensities: The probability it was drawn with, shape `n`, above 0.
        k: Number of arms.
    """
    weights = np.asarray(losses, float) / np.asarray(propensities, float)
    return np.bincount(np.asarray(arms, int), weights=weights, minlength=k).astype(float)
