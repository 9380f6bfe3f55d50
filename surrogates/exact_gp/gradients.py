"""Exact Gaussian processes of values and partial derivatives: a function and its gradient are one Gaussian process.

Every partial derivative that was measured is one more row of the data, so that `fit` takes any subset of them at any point, and what
comes back is an `ExactGP` like any other: it predicts values, and takes more of them. `derivative_rows` names derivatives to it.
Costs grow with the cube of the number of rows, that is O(n^3 (d + 1)^3) where all gradients are known.

Source: Rasmussen & Williams (2006), section 9.4; Wu, Poloczek, Wilson & Frazier (2017), arXiv:1703.04389, section 3.1.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from surrogates.columns import Columns
from surrogates.exact_gp.arrays import Array
from surrogates.exact_gp.fitting import Posterior, searched
from surrogates.exact_gp.gp import LEAST_VARIANCE, ExactGP, Memo, checked
from surrogates.exact_gp.settings import DEFAULT, Settings


@dataclass(frozen=True, slots=True, eq=False)
class Gradients:
    """Partial derivatives of y with respect to the columns of X.

    Args:
        values: `n x d`, in units of y for a side of the cube; NaN where there is none.
        variance: Of their noise, `n x d`, used where there are values; None infers one for all of them.
    """

    values: Array
    variance: Array | None = None

    def of_rows(self, kept: Array) -> Gradients:
        """Those of the points that the mask (`n`, of bool) holds, the others left out."""
        return replace(self, values=np.where(kept[:, None], self.values, np.nan))


def derivative_rows(X: Array, columns: ArrayLike) -> Array:
    """Rows that stand for the derivatives at each of X (`m x d`) by the column of the same place (`m`), `m x (d + 1)`."""
    return np.column_stack([X, np.asarray(columns, dtype=float) + 1.0])


def fit(
    X: ArrayLike,
    y: ArrayLike,
    gradients: Gradients,
    yvar: ArrayLike | None = None,
    *,
    columns: Columns | None = None,
    settings: Settings = DEFAULT,
    warm: Memo | None = None,
    seed: int = 0,
) -> ExactGP:
    """Fit a Gaussian process to values and partial derivatives by maximum a posteriori, with NumPy.

    The rows of the process are the values, in order, and then the derivatives, point by point. The noise of derivatives has the prior
    of that of values (`Settings.noise_prior`), and one variance for all of them, in the squared units of y for a side of the cube.

    Args:
        X: Points, `n x d`, unit cube.
        y: Values, `n`, standardised by the caller.
        gradients: Partial derivatives, of columns that are no categories and have no condition.
        yvar: Known variances of the noise of y, `n`; None infers one.
        columns: What the columns of X mean; all continuous by default.
        settings: Kernel (``rbf`` or ``matern52``), mean (no ``linear`` one), priors, effort; without warps.
        warm: A memo to start from, of a process of values alone as well.
        seed: Of the further starting points.

    Raises:
        ValueError: Shapes do not fit, an entry is not finite, or the settings or columns have no derivatives.
    """
    rows, values, known, slopes, settings = _data(X, y, gradients, yvar, columns, settings)
    kernel = settings.build(columns, rows.shape[1] - 1)
    problem = Posterior(kernel, rows, values, known, settings, slopes=slopes)
    (theta, noise), done = searched(problem, warm, seed)
    variances = problem.variances(theta, noise)
    return ExactGP.conditioned(kernel, theta, rows, values, variances, noise, columns, settings, record=(done,))


def from_memo(
    X: ArrayLike,
    y: ArrayLike,
    gradients: Gradients,
    yvar: ArrayLike | None,
    memo: Memo,
    *,
    columns: Columns | None = None,
    settings: Settings = DEFAULT,
) -> ExactGP:
    """The process with the hyperparameters of an earlier `fit`, conditioned on these data; arguments as there.

    Raises:
        ValueError: As `fit`, or the memo is of another kernel or another kind of noise.
    """
    rows, values, known, slopes, settings = _data(X, y, gradients, yvar, columns, settings)
    kernel = settings.build(columns, rows.shape[1] - 1)
    if set(kernel.parameters.names) != set(memo["parameters"]) or (memo["noise"] is None) != (known is not None) or len(memo["mean"]) != 1:
        raise ValueError("memo: it is of another kernel, mean or kind of noise than these data and settings")
    theta = np.array([memo["parameters"][name] for name in kernel.parameters.names])
    noise = 0.0 if memo["noise"] is None else memo["noise"]
    variances = Posterior(kernel, rows, values, known, settings, slopes=slopes).variances(theta, noise)
    return ExactGP.conditioned(kernel, theta, rows, values, variances, noise, columns, settings, weights=np.array(memo["mean"]))


def _data(
    X: ArrayLike, y: ArrayLike, gradients: Gradients, yvar: ArrayLike | None, columns: Columns | None, settings: Settings
) -> tuple[Array, Array, Array | None, Array | None, Settings]:
    """Rows, what was measured there, known variances of the noise of values and of derivatives, each a row, and settings that fit."""
    points, y, yvar = checked(X, y, yvar, columns)
    if settings.warp or settings.mean == "linear":
        raise ValueError("fit: a process with gradients has no warped columns and no linear mean")
    if gradients.values.shape != points.shape:
        raise ValueError(f"fit: gradients are {gradients.values.shape}, and X is {points.shape}")
    at, by = np.nonzero(~np.isnan(gradients.values))
    slopes = gradients.values[at, by]
    if not np.all(np.isfinite(slopes)):
        raise ValueError("fit: gradients have infinite entries; leave those out (NaN)")
    rows = np.vstack([np.column_stack([points, np.zeros(len(points))]), derivative_rows(points[at], by)])
    known = None if yvar is None else np.concatenate([yvar, np.zeros(len(at))])
    variances = None
    if gradients.variance is not None:
        told = gradients.variance[at, by]
        if not np.all(told >= 0):
            raise ValueError("fit: variances of gradients are non-negative, one a derivative")
        variances = np.concatenate([np.zeros(len(points)), np.maximum(told, LEAST_VARIANCE)])
    settings = replace(settings, derivatives="inferred" if variances is None else "known")
    return rows, np.concatenate([y, slopes]), known, variances, settings
