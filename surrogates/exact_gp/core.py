"""The formulas of a Gaussian process: evidence and its gradient, factor, posterior. No torch here: see `arrays`.

Rasmussen & Williams (2006), chapters 2 and 5. Values and variances come from triangular solves; the inverse of the covariance
matrix appears in the gradient of the evidence only, where its errors cost a step of the search and no prediction.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from surrogates.exact_gp.arrays import Array, of
from surrogates.exact_gp.kernels.base import Features, Kernel

JITTERS = (0.0, *(10.0**k for k in range(-10, 1)))
"""What is added to the diagonal, relative to its mean, until the covariance matrix has a Cholesky factor."""


@dataclass(frozen=True, slots=True, eq=False)
class Factor:
    """``L L' = K + jitter I``, L lower triangular."""

    L: Array
    jitter: float


@dataclass(frozen=True, slots=True, eq=False)
class Trend:
    """Generalized least squares of y on a basis H: mean ``H weights``, and ``alpha = K^-1 (y - H weights)``."""

    weights: Array
    alpha: Array
    quadratic: float


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """``log p(y | X, theta, noise)`` at the best weights of the mean, and its gradient.

    Args:
        value: Natural logarithm.
        kernel: Gradient with respect to the kernel's hyperparameters.
        noise: Gradient with respect to a variance added to every diagonal entry.
        diagonal: Gradient with respect to each diagonal entry, `n`.
    """

    value: float
    kernel: Array
    noise: float
    diagonal: Array


def factorise(K: Array, noise: Array | float = 0.0) -> Factor:
    """Cholesky factor of ``K + noise I`` with as little jitter as it takes.

    Args:
        K: Symmetric, `n x n`; left as it is.
        noise: Added to the diagonal, one number or `n`.

    Raises:
        ArithmeticError: There is none even with jitter as large as the diagonal: an entry is not finite.
    """
    xp = of(K)
    mean = abs(float((xp.diagonal(K) + noise).sum())) / len(K)
    for jitter in JITTERS:
        trial = xp.copy(K)
        xp.diagonal(trial)[:] += noise
        if jitter:
            xp.diagonal(trial)[:] += jitter * mean
        if (L := xp.cholesky(trial)) is not None:
            return Factor(L, jitter * mean)
    raise ArithmeticError(f"a covariance matrix of {len(K)} points has no Cholesky factor: an entry is not finite")


def trend(L: Array, y: Array, H: Array, ridge: Array | None = None) -> Trend:
    """Weights of the mean that maximize the likelihood, and what is left; Rasmussen & Williams (2006), section 2.7.

    Args:
        L: Factor of the covariance of y, `n x n`.
        y: `n`.
        H: Basis functions at the points, `n x p`.
        ridge: Precision of a zero-mean normal prior of each weight, `p`; zero where there is none.
    """
    xp = of(L)
    Z = xp.solve_lower(L, xp.concatenate((H, y[:, None]), 1))
    G, z = Z[:, :-1], Z[:, -1]
    if G.shape[1] == 1 and ridge is None:
        weights = (G[:, 0] @ z / (G[:, 0] @ G[:, 0]))[None]
    else:
        normal = G.T @ G
        if ridge is not None:
            xp.diagonal(normal)[:] += ridge
        factor = factorise(normal).L
        weights = xp.solve_upper(factor, xp.solve_lower(factor, G.T @ z))
    residual = z - G @ weights
    return Trend(weights, xp.solve_upper(L, residual), float(residual @ residual))


def evidence(kernel: Kernel, theta: Array, A: Features, y: Array, noise: Array | float, H: Array, ridge: Array | None = None) -> Evidence:
    """The log marginal likelihood at the best weights of the mean; Rasmussen & Williams (2006), equations 5.8 and 5.9.

    The weights maximize it, so that its gradient needs no term for how they move.

    Args:
        kernel, theta: The covariance and its hyperparameters.
        A: Features of the points.
        y: `n`.
        noise: Variance of the noise, one number or `n`.
        H, ridge: As for `trend`.
    """
    xp = of(theta)
    gram = kernel.gram(theta, A, A)
    L = factorise(gram.matrix, noise).L
    fitted = trend(L, y, H, ridge)
    log_det = 2.0 * float(xp.log(xp.diagonal(L)).sum())
    value = -0.5 * (fitted.quadratic + log_det + A.n * math.log(2.0 * math.pi))
    if ridge is not None:
        value -= 0.5 * float((ridge * fitted.weights) @ fitted.weights)
    # Of the symmetric inverse only the lower triangle is computed; each of its entries counts for two, but those on the diagonal.
    W = xp.outer(0.5 * fitted.alpha, fitted.alpha)
    inverse = xp.inverse_triangle(L)
    xp.diagonal(inverse)[:] *= 0.5
    W -= inverse.T  # the order of memory that W has; gram is symmetric
    return Evidence(value, gram.pull_parameters(W), float(xp.diagonal(W).sum()), xp.diagonal(W))
