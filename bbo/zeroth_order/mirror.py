"""Mirror maps: coordinates without bounds for points of a box or a simplex.

A mirror map is the gradient of a convex function ``phi`` whose slope grows without end towards the boundary. A method then moves the dual
``y = grad phi(x)`` and takes ``x = grad phi*(y)``, which lies in the interior whatever y is. Steps are those of the dual: the nearer a
point is to the boundary, the less a step moves it. Each phi is scaled such that in the middle a step of the dual is one of the point.

Points are rows, `N x k`.

Source: Nemirovski and Yudin (1983) for mirror descent; Bungert, Hoffmann, Kim and Roith, MirrorCBO: A consensus-based optimization
method in the spirit of mirror descent (2025), for swarms, where phi has other scales.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

_EDGE = 1e-6  # points of a box nearer to an end than this, in its width, count as this near: at the end itself the dual is infinite
_LEAST = 1e-12  # the same of a share, in the total


def box_to_dual(points: ArrayLike) -> Array:
    """``y = (1 / (1 - u) - 1 / u) / 8``, entry by entry, for points u of the unit cube: ``phi = -sum(log u + log(1 - u)) / 8``."""
    u = np.clip(np.asarray(points, float), _EDGE, 1 - _EDGE)
    dual: Array = (1 / (1 - u) - 1 / u) / 8
    return dual


def box_from_dual(dual: ArrayLike) -> Array:
    """``u = (1 + w / (1 + sqrt(1 + w^2))) / 2`` with ``w = 4 y``, in a form that divides zero by nothing: the inverse of `box_to_dual`."""
    w = 4 * np.asarray(dual, float)
    points: Array = (1 + w / (1 + np.hypot(1, w))) / 2
    return points


def simplex_to_dual(points: ArrayLike, total: float = 1.0) -> Array:
    """``y = (total / k) log(x)`` for shares x that sum to the total: the negative entropy ``phi = (total / k) sum(x log x)``.

    Up to a constant in each row, which changes nothing.
    """
    x = np.asarray(points, float)
    dual: Array = total / x.shape[-1] * np.log(np.maximum(x, _LEAST * total))
    return dual


def simplex_from_dual(dual: ArrayLike, total: float = 1.0) -> Array:
    """``x = total exp(y') / sum(exp(y'))`` with ``y' = y k / total``, the largest subtracted first: the inverse of `simplex_to_dual`."""
    y = np.asarray(dual, float)
    exponents = (y - y.max(axis=-1, keepdims=True)) * (y.shape[-1] / total)
    weights = np.exp(exponents)
    points: Array = weights * (total / weights.sum(axis=-1, keepdims=True))
    return points
