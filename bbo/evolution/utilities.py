"""What a point of a generation counts for, by the rank of its loss.

Only the order of losses decides, so that any increasing transformation of them changes nothing, bit for bit. Points that tie share the
mean of what their ranks are worth: looked up at their mean rank instead, points that all tie would all get the same worth and the
mean of the distribution would drift.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def centred_ranks(n: int) -> Array:
    """From 1/2 for the best of n points to -1/2 for the worst, evenly (Salimans et al. 2017, arXiv:1703.03864)."""
    return 0.5 - np.arange(n) / max(n - 1, 1)


def natural_utilities(n: int) -> Array:
    """``max(0, ln(n/2 + 1) - ln k)`` for rank k = 1, ..., n, scaled to sum to one, less ``1/n`` (Wierstra et al. 2014, JMLR 15)."""
    raw = np.maximum(0.0, np.log(n / 2 + 1) - np.log(np.arange(1, n + 1)))
    return np.asarray(raw / raw.sum() - 1 / n)


def recombination_weights(n: int) -> Array:
    """``max(0, ln((n + 1)/2) - ln k)`` for rank k = 1, ..., n, scaled to sum to one: the better half has weight (Hansen 2016)."""
    raw = np.maximum(0.0, np.log((n + 1) / 2) - np.log(np.arange(1, n + 1)))
    return np.asarray(raw / raw.sum())


def by_rank(worth: ArrayLike, losses: ArrayLike) -> Array:
    """What each point is worth, of the shape of `losses`.

    Args:
        worth: What each rank is worth, best first, `n`.
        losses: Losses of the n points, of any shape; NaN is as bad as infinity.
    """
    f = _ordered(losses)
    order = np.argsort(f, axis=None, kind="stable")
    ordered = f.ravel()[order]
    first = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    size = np.diff(np.append(first, len(ordered)))
    found = np.empty(f.size)
    found[order] = np.repeat(np.add.reduceat(np.asarray(worth, dtype=np.float64), first) / size, size)
    return found.reshape(f.shape)


def all_tie(losses: ArrayLike) -> bool:
    """Whether no point is better than another: such a generation says nothing, and nothing moves."""
    f = _ordered(losses)
    return bool((f == f.flat[0]).all())


def _ordered(losses: ArrayLike) -> Array:
    f = np.asarray(losses, dtype=np.float64)
    return np.where(np.isnan(f), np.inf, f)
