"""Consensus-based optimization: the update rules of a swarm of particles, to minimize a loss.

Particles are rows: points `N x d` in any units, losses of shape `N`. A loss that is not finite is the worst there is and has weight
zero. Random numbers are given, not drawn: standard normals `N x d`.

Sources: Pinnau, Totzeck, Tse and Martin, A consensus-based model for global optimization and its mean-field limit (2017), for the
method; Carrillo, Jin, Li and Zhu, A consensus-based global optimization method for high dimensional machine learning problems
(2021), for anisotropic noise and mini-batches.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

_ALPHAS = (1e-5, 1e5)  # bracket of the temperature rule, for losses of a spread near one
_HALVINGS = 60


def gibbs_weights(losses: ArrayLike, alpha: float) -> Array:
    """Weights proportional to ``exp(-alpha losses)`` that sum to one, shape `N`.

    Equal weights at ``alpha = 0``, all weight on the best particle as `alpha` grows. Adding a constant to the losses changes
    nothing; scaling them is scaling `alpha`.

    Raises:
        ValueError: No loss is finite.
    """
    return _normalized(_exponents(losses, alpha))


def consensus(points: ArrayLike, losses: ArrayLike, alpha: float) -> Array:
    """The consensus point, the mean of the particles by their Gibbs weights, shape `d`."""
    mean: Array = gibbs_weights(losses, alpha) @ np.asarray(points, float)
    return mean


def polarised_consensus(at: ArrayLike, points: ArrayLike, losses: ArrayLike, alpha: float, width: float) -> Array:
    """Consensus points of particles that heed the near ones more, so that several minima are found, `M x d`.

    Particle `j` has for position `i` the weight ``(k(at_i, points_j) exp(-losses_j)) ** alpha``, with the Gaussian kernel
    ``k(x, y) = exp(-|x - y|^2 / (2 width^2))``. For an infinite width each row is the plain consensus.

    Args:
        at: Positions that ask, `M x d`.
        points: Particles with a loss, `N x d`.
        losses: Their losses.
        alpha: Inverse temperature.
        width: Standard deviation of the kernel, in the units of the points.

    Source: Bungert, Roith and Wacker, Polarized consensus-based dynamics for optimization and sampling (2024); here the kernel is to
    the power `alpha`, so that its width is a distance that a loss can be weighed against.
    """
    heard = np.asarray(points, float)
    apart = ((np.asarray(at, float)[:, None, :] - heard[None, :, :]) ** 2).sum(-1)
    means: Array = _normalized(_exponents(losses, alpha) - alpha * apart / (2 * width**2)) @ heard
    return means


def effective_sample_size(weights: ArrayLike) -> float:
    """``(sum w)^2 / sum w^2``: how many particles with equal weights would count as much."""
    w = np.asarray(weights, float)
    return float(w.sum() ** 2 / (w @ w))


def alpha_by_sample_size(losses: ArrayLike, share: float = 0.5) -> float:
    """The `alpha` at which the effective sample size of the Gibbs weights is a share of the particles with a finite loss.

    The effective sample size falls with `alpha`, so that bisection finds it; where no `alpha` in ``[1e-5, 1e5]`` will do (ties among
    the best), the nearer end. With it a method depends on the losses only up to shift and scale, as far as the bracket reaches.
    """
    target = share * np.isfinite(np.asarray(losses, float)).sum()
    low, high = (math.log(end) for end in _ALPHAS)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if effective_sample_size(gibbs_weights(losses, math.exp(middle))) > target:
            low = middle
        else:
            high = middle
    return math.exp((low + high) / 2)


def spread(values: ArrayLike) -> float:
    """Interquartile range of the finite values; their range where that is zero, so zero only where all are equal or there are none."""
    v = np.asarray(values, float)
    finite = v[np.isfinite(v)]
    if not finite.size:
        return 0.0
    halves = finite / 2 - finite.min() / 2  # lest the range of values near the largest float overflow
    low, high = np.quantile(halves, [0.25, 0.75])
    return min(2 * (float(high - low) or float(halves.max())), float(np.finfo(float).max))


def standardized(losses: ArrayLike, unit: float | None = None) -> Array:
    """Losses above the best of them in a unit, by default their own `spread`; infinite where a loss is not finite. Shape `N`."""
    f = np.asarray(losses, float)
    finite = np.isfinite(f)
    above = np.full(f.shape, np.inf)
    if finite.any():
        half = (spread(f) if unit is None else unit) / 2 or 0.5
        with np.errstate(over="ignore"):
            above[finite] = (f[finite] / 2 - f[finite].min() / 2) / half
    return above


def increment(
    points: ArrayLike,
    centre: ArrayLike,
    normals: ArrayLike,
    *,
    drift: float,
    noise: float,
    dt: float,
    isotropic: bool = False,
    longest: float = math.inf,
) -> Array:
    """One Euler-Maruyama step of each particle towards its centre, less its start, `N x d`.

    ``-drift dt D + noise sqrt(dt) S`` with ``D = points - centre``. Anisotropic noise is ``S = D * normals``, so that an axis on which
    a particle agrees with its centre stays still, and its strength does not grow with `d`; isotropic noise is
    ``S = |D| normals``. At a fixed centre a step changes the mean of ``|D|^2`` by the factor ``(1 - drift dt)^2 + noise^2 dt``,
    with ``d noise^2 dt`` in place of the last term where isotropic: the swarm draws together only where that is below one.

    Args:
        points: The particles, `N x d`.
        centre: Where they are drawn, of shape `d` or, one for each, `N x d`: the consensus, or their personal bests.
        normals: Standard normals, `N x d`.
        drift: Rate of the drift.
        noise: Strength of the noise.
        dt: Time step.
        isotropic: Whether the noise has no preferred axes.
        longest: The noise counts no distance (entry of `D`; ``|D|`` where isotropic) beyond this one: truncated noise, whose tails are
            lighter.

    Source of truncated noise: Fornasier, Richtarik, Riedl and Sun, Consensus-based optimisation with truncated noise (2024).
    """
    away = np.asarray(points, float) - np.asarray(centre, float)
    reach = np.linalg.norm(away, axis=1, keepdims=True) if isotropic else away
    scale = np.clip(reach, -longest, longest)
    step: Array = -drift * dt * away + noise * math.sqrt(dt) * scale * np.asarray(normals, float)
    return step


def hop(centre: ArrayLike, normals: ArrayLike, spread: float) -> Array:
    """Consensus hopping: particles around the consensus before, ``centre + spread * normals``, `N x d`.

    For many particles the consensus of these is a step of the proximal method, the minimizer of
    ``loss(x) + |x - centre|^2 / (2 alpha spread^2)``: nearly for large `alpha`, exactly for any where the loss is quadratic.

    Source: Riedl, Klock, Geldhauser and Fornasier, Gradient is all you need? (2023), https://arxiv.org/abs/2306.09778.
    """
    return np.asarray(centre, float) + spread * np.asarray(normals, float)


def remember(best: ArrayLike, best_losses: ArrayLike, points: ArrayLike, losses: ArrayLike) -> tuple[Array, Array]:
    """Personal bests (`N x d`, `N`) after the particles were measured again; what is not finite or no better changes nothing."""
    old, new = np.asarray(best_losses, float), np.asarray(losses, float)
    better = np.isfinite(new) & ~(old <= new)
    return np.where(better[:, None], points, best), np.where(better, new, old)


def _exponents(losses: ArrayLike, alpha: float) -> Array:
    """Logarithms of the Gibbs weights, the largest zero; minus infinity where a loss is not finite."""
    f = np.asarray(losses, float)
    finite = np.isfinite(f)
    if not finite.any():
        raise ValueError("losses: none of them is finite, and there is no consensus")
    filled = np.full(f.shape, -np.inf)
    with np.errstate(over="ignore"):
        above = np.minimum(f[finite] - f[finite].min(), np.finfo(float).max)  # capped, lest alpha = 0 meet an infinity
        filled[finite] = -alpha * above
    return filled


def _normalized(exponents: Array) -> Array:
    """Their exponentials, each row (the last axis) scaled to sum to one: the largest is subtracted first, so none overflows."""
    weights = np.exp(exponents - exponents.max(axis=-1, keepdims=True))
    normal: Array = weights / weights.sum(axis=-1, keepdims=True)
    return normal
