"""Pareto fronts, and the region above them cut into boxes. Everything is maximized."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def nondominated(Y: Array) -> NDArray[np.bool_]:
    """Which of the points are on the Pareto front: no other is at least as good in all objectives and better in one.

    Args:
        Y: `... x k x m`, m objectives of k points; minus infinity in all of them takes a point out of the comparison.

    Returns:
        Of shape `... x k`. Of equal points the first counts.
    """
    if Y.shape[-1] == 2:  # sweep down the first objective: on the front is who raises the second
        order = np.lexsort((-Y[..., 1], -Y[..., 0]), axis=-1)
        second = np.take_along_axis(Y[..., 1], order, -1)
        before = np.full_like(second, -np.inf)
        before[..., 1:] = np.maximum.accumulate(second, axis=-1)[..., :-1]
        front = np.empty(Y.shape[:-1], dtype=bool)
        np.put_along_axis(front, order, second > before, -1)
        return front
    better_or_equal = np.all(Y[..., :, None, :] >= Y[..., None, :, :], axis=-1)  # i against j
    first = np.tri(Y.shape[-2], k=-1, dtype=bool)
    beaten = better_or_equal & (~np.swapaxes(better_or_equal, -1, -2) | first.T)
    best: NDArray[np.bool_] = ~np.any(beaten, axis=-2) & (Y[..., 0] > -np.inf)
    return best


def decompose(front: Array, reference: Array) -> tuple[Array, Array]:
    """Disjoint boxes that fill what is above the reference point and not dominated by the front.

    The points come in by falling first objective. One cuts what it dominates off every box it reaches into; the rest of the box is in
    one slab for each objective. Slabs above the point in the first objective are never touched again. Neighbours that differ in one
    interval only are merged, which makes k + 1 boxes for two objectives and 2 k + 1 for three (the number of Yang et al. 2019,
    arXiv:1904.12672), and about O(k^2) for four.

    Args:
        front: `k x m`, none dominated by another, each above the reference point in every objective; k may be 0.
        reference: `m`.

    Returns:
        Lower and upper corners, each `boxes x m`; upper ones may be infinite.
    """
    m = len(reference)
    order = np.argsort(-front[:, 0], kind="stable")
    if m == 2:
        first, second = front[order].T
        lower = np.column_stack([np.append(first, reference[0]), np.insert(second, 0, reference[1])])
        return lower, np.column_stack([np.insert(first, 0, np.inf), np.full(len(lower), np.inf)])
    lower, upper = reference[None].astype(float), np.full((1, m), np.inf)
    for point in front[order]:
        reached = np.all(lower < point, axis=1)
        cut_lower, cut_upper = lower[reached], upper[reached]
        lowers, uppers = [lower[~reached]], [upper[~reached]]
        for j in range(m):
            rest = point[j] < cut_upper[:, j]
            low, high = cut_lower[rest], cut_upper[rest]
            low[:, j] = point[j]
            high[:, :j] = np.minimum(high[:, :j], point[:j])
            if j == m - 1:
                low, high = _merged(low, high, m - 2)
            lowers.append(low)
            uppers.append(high)
        lower, upper = np.concatenate(lowers), np.concatenate(uppers)
    return lower, upper


def _merged(lower: Array, upper: Array, j: int) -> tuple[Array, Array]:
    """The boxes with those united that touch along objective j and agree in the others."""
    others = [i for i in range(lower.shape[1]) if i != j]
    key = np.hstack([lower[:, others], upper[:, others]])
    order = np.lexsort((lower[:, j], *key.T))
    lower, upper, key = lower[order], upper[order], key[order]
    starts = np.ones(len(lower), dtype=bool)
    starts[1:] = np.any(key[1:] != key[:-1], axis=1) | (lower[1:, j] != upper[:-1, j])
    begin = np.flatnonzero(starts)
    joined = upper[begin]
    joined[:, j] = upper[np.append(begin[1:], len(lower)) - 1, j]
    return lower[begin], joined


def infer_reference_point(front: Array) -> Array:
    """A reference point (`m`) for a Pareto front (`k x m`, at least one point): the nadir less a tenth of the range.

    With one point, that point less a tenth of its absolute value. Ranges and values below 1e-7 count as that.
    The rule is BoTorch's `infer_reference_point`. Source: Ishibuchi et al. (2011).
    """
    if not len(front):
        raise ValueError("front has no points; give the reference point")
    extent = np.abs(front[0]) if len(front) == 1 else front.max(0) - front.min(0)
    return np.asarray(front.min(0) - 0.1 * np.maximum(extent, 1e-7))
