"""Wide and cheap: many points over a domain and around good ones, and few different ones of the best."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_SCALES = (0.2, 0.05, 0.01, 0.001)
"""Standard deviations of perturbations, in widths of the box; BoTorch's ``sample_around_best`` has the last alone."""

_MOVED = 20
"""About so many entries are perturbed at a time, as in TuRBO (arXiv:1910.01739, appendix A)."""

_APART = 0.05
"""Starts are at least this far from each other, in units of the cube's diagonal, as long as there are enough such points."""


def latin_hypercube(n: int, d: int, rng: np.random.Generator) -> Array:
    """Points of the unit cube, one in each of n slices along every axis (McKay, Beckman and Conover 1979).

    Not Sobol points, whose module in SciPy takes longer to import than a maximization. The best of thousands of those is the better
    one somewhat more often, but the climbs then end at the same optimum in 99 of 100 cases (`benchmarks/maximizer.py`).
    """
    order = rng.permuted(np.tile(np.arange(n, dtype=float), (d, 1)), axis=1).T
    points: Array = (order + rng.random((n, d))) / n
    return points


def perturb(seeds: Array, n: int, width: Array, rng: np.random.Generator) -> Array:
    """About n Gaussian perturbations of the seeds (`k x d`), of several scales and of few entries at a time; not clipped.

    Args:
        seeds: Points to perturb, equally often.
        n: How many to make.
        width: Width of the box along each axis, shape `d`.
        rng: Source of the draws.
    """
    k, d = seeds.shape
    if not k or not d or n <= 0:
        return np.empty((0, d))
    base = seeds[np.arange(n) % k]
    scale = np.asarray(_SCALES)[(np.arange(n) // k) % len(_SCALES)]
    moved = rng.random((n, d)) < min(1.0, _MOVED / d)
    moved[np.arange(n), rng.integers(d, size=n)] = True
    step: Array = scale[:, None] * width * rng.standard_normal((n, d))
    return np.asarray(base + np.where(moved, step, 0.0))


def best_apart(X: Array, values: Array, k: int, width: Array) -> NDArray[np.int_]:
    """Indices of up to k rows of X (`n x d`): the best first, then always the best that is not close to those chosen.

    Where too few are apart, the best of the others fill up. Rows without a finite value are never chosen.
    """
    order = np.argsort(-values, kind="stable")
    order = order[np.isfinite(values[order])][: 50 * k]
    P = X[order] / np.where(width > 0, width, 1.0)
    radius = _APART * np.sqrt(max(X.shape[1], 1))
    apart, chosen = np.ones(len(order), dtype=bool), np.zeros(len(order), dtype=bool)
    while apart.any() and chosen.sum() < k:
        i = int(np.argmax(apart))
        chosen[i] = True
        apart &= np.sum((P - P[i]) ** 2, axis=1) > radius**2
    rest = np.flatnonzero(~chosen)[: k - int(chosen.sum())]
    picked: NDArray[np.int_] = order[np.sort(np.concatenate([np.flatnonzero(chosen), rest]))]
    return picked
