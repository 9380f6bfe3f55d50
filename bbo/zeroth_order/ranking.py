"""Gradients from rankings: which points are known to be better than which others, and from that the way in which points get worse.

What is known is a relation, a matrix `m x m` of booleans: entry (i, j) says that point i is known to be better than point j, an edge
of a directed graph without cycles. Losses give it by `better_by_losses`, told rankings by `told_better` and `known_better`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
Relation = NDArray[np.bool_]


def better_by_losses(losses: ArrayLike, *, k: int | None = None) -> Relation:
    """The relation that losses make, as someone tells it who names the k best of them in order, `m x m`.

    Points of equal loss are in no order. An infinite loss is worse than any other, and of a point whose loss is NaN nothing is known.

    Args:
        losses: One a point, `m`, minimized.
        k: So many of the best are in order, and better than all others, of whose order nothing is known. None: all are in order.
    """
    losses = np.asarray(losses, dtype=np.float64)
    better: Relation = losses[:, None] < losses[None, :]
    return better if k is None else better & (better.sum(axis=0) < k)[:, None]


def told_better(m: int, tiers: Sequence[Sequence[int]], rest: Sequence[int] = ()) -> Relation:
    """What one ranking says of m points, `m x m`; nothing of points that do not take part.

    Args:
        m: The number of points.
        tiers: Points by number, best tier first; those of a tier are in no order.
        rest: Points that come after all of these, in no order.
    """
    place = np.full(m, -1)
    for number, tier in enumerate([*tiers, rest]):
        place[list(tier)] = number
    takes_part = place >= 0
    return (place[:, None] < place[None, :]) & takes_part[:, None] & takes_part[None, :]


def known_better(told: Sequence[Relation]) -> Relation:
    """What is known when several rankings were told, `m x m`.

    A point is better than another where more rankings say so than say the opposite, and better than all that the other one is better
    than. What would be better than itself in this way, because judges contradict each other, is in no order.

    Args:
        told: What each ranking says (`told_better`), at least one.
    """
    counts = np.sum(told, axis=0, dtype=np.intp)
    above: Relation = counts > counts.T
    for k in range(len(above)):  # Warshall: the paths that have no station beyond point k
        above |= above[:, k, None] & above[None, k, :]
    return above & ~above.T


def dag_weights(better: Relation) -> NDArray[np.intp]:
    """Of each point, how many are known to be better less how many are known to be worse, `m`. They add up to zero.

    Of m points the k best in order, the point of rank r (from 0) has the weight ``-(m - 1 - 2 r)``, and each of those in no order k.
    """
    weights: NDArray[np.intp] = better.sum(axis=0) - better.sum(axis=1)
    return weights


def ranking_gradient(better: Relation, directions: Array, step: float) -> Array:
    """The mean of ``(u_j - u_i) / step`` over all pairs of which point i is known to be better than point j: it points to the worse, `d`.

    On a linear function, with normal directions, its expectation is parallel to the gradient. Its length says nothing of the slope.
    Moving all directions by one vector changes nothing. Two points make it the difference of the two, worse less better.

    Args:
        better: The relation, `m x m`.
        directions: Where the points lie, ``x + step u``, `m x d` (`gaussian_directions`).
        step: The step.

    Raises:
        ValueError: Nothing is known of any two points.

    Source: Tang, Rybin & Chang (ICLR 2024), Zeroth-order optimization meets human feedback, arXiv:2303.03751. The code the authors
    published has weights that add up to k, not to zero; these are the exact ones.
    """
    pairs = int(np.count_nonzero(better))
    if not pairs:
        raise ValueError(f"of {len(better)} points no two are in order, so there is nothing to average")
    gradient: Array = dag_weights(better) @ directions / (pairs * step)
    return gradient
