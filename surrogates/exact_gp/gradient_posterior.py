"""The gradient of a function, given values of it: a Gaussian process too, with a mean and a covariance in closed form.

With ``c_a`` the covariances of the derivative by column a with the training values, its mean is ``c_a' K^-1 (y - m)`` plus the slope of
the prior mean, and its variance ``k_aa - c_a' K^-1 c_a``, K with the noise; Rasmussen & Williams (2006), section 9.4. The process is one
that was fitted to values alone: for a process of measured derivatives see `surrogates.exact_gp.gradients`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from surrogates.exact_gp.arrays import Array, of
from surrogates.exact_gp.gp import ExactGP
from surrogates.exact_gp.gradients import derivative_rows
from surrogates.exact_gp.kernels.derivatives import Derivatives
from surrogates.exact_gp.kernels.stationary import Stationary

_ROWS = 4096  # derivatives at a time: each has a covariance with every training point


def gradient_posterior(gp: ExactGP, X: ArrayLike) -> tuple[Array, Array]:
    """Mean and variance of every partial derivative of the latent function, in units of y for a side of the cube.

    Costs O(m d n^2) for n training points.

    Args:
        gp: Fitted to values (NumPy) with the kernel ``rbf`` or ``matern52`` on columns that are all numbers, without a scale of its own.
        X: Points, `m x d`, unit cube.

    Returns:
        Mean and variance, each `m x d`. Variances are at least 0, and those of the prior far from all data.

    Raises:
        ValueError: The process has another kernel, whose functions have no derivatives here.
    """
    points = np.asarray(X, dtype=float)
    if not isinstance(gp.kernel, Stationary):
        raise ValueError(f"gradient_posterior: the kernel is a {type(gp.kernel).__name__}; it has to be stationary in columns of numbers")
    m, d = points.shape
    kernel, xp = Derivatives(gp.kernel, d), of(gp.L)
    data, variances = kernel.features(gp.X), np.empty((m, d))
    step = max(1, _ROWS // d)
    for start in range(0, m, step):
        part = points[start : start + step]
        rows = kernel.features(derivative_rows(np.repeat(part, d, axis=0), np.tile(np.arange(d), len(part))))
        whitened = xp.solve_lower(gp.L, kernel.gram(gp.theta, rows, data).matrix.T)
        left = kernel.diagonal(gp.theta, rows) - xp.squares(whitened, 0)
        variances[start : start + step] = np.maximum(left, 0.0).reshape(part.shape)
    return gp.at(points).pull(np.ones(m), None), variances
