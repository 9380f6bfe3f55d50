"""The volume dominated by a set of points."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def hypervolume(points: ArrayLike, reference: ArrayLike) -> float:
    """Volume of what `points` dominate and `reference` bounds; everything minimized.

    By slices along the last objective (Zitzler and Thiele, 1998), for a few objectives and some dozens of points.

    Args:
        points: ``n x m``, n may be 0.
        reference: Shape ``m``.
    """
    r = np.asarray(reference, dtype=float)
    Y = np.asarray(points, dtype=float).reshape(-1, len(r))
    return _volume(Y[(r > Y).all(axis=1)], r)


def _volume(Y: NDArray[np.float64], r: NDArray[np.float64]) -> float:
    if len(Y) == 0:
        return 0.0
    if len(r) == 1:
        return float(r[0] - Y.min())
    Y = Y[np.argsort(Y[:, -1], kind="stable")]
    bottoms = Y[:, -1].tolist()
    tops = [*bottoms[1:], float(r[-1])]
    slabs = [(k + 1, top - bottom) for k, (top, bottom) in enumerate(zip(tops, bottoms, strict=True)) if top > bottom]
    return sum((_volume(Y[:k, :-1], r[:-1]) * thickness for k, thickness in slabs), 0.0)
