"""Gradient estimates from the values at the points of `bbo.zeroth_order.directions`.

Each takes the values, the directions they belong to and the step, in float64 throughout, and returns the estimate (`d`). ``ok`` tells
which values came back (all by default); what a failed one holds is not read. Estimators that average over random directions leave
out those without all of their values and average over the rest, which stays unbiased as long as failures do not depend on the
direction.

What the random ones estimate is the gradient of a smoothed function, of ``E f(x + step u)``: with u standard normal by `gaussian`,
`antithetic` and `likelihood_ratio`, with u uniform in the unit ball by `sphere_two_point`. On linear and quadratic functions that is
the gradient at x. With noise of variance s^2 that is independent in the two values of a difference, the variance of its slope is
``2 s^2 / step^2`` for a forward and ``s^2 / (2 step^2)`` for a central one, without bound as the step goes to zero; common random
numbers in both are the remedy.

Sources: Nesterov & Spokoiny (2017), Found. Comput. Math. 17; Flaxman, Kalai & McMahan (2005) and Shamir (2017), JMLR 18 for the sphere;
Salimans et al. (2017), arXiv:1703.03864 for antithetic pairs; Glynn (1990), Commun. ACM 33 for likelihood ratios.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def coordinate_forward(
    base: float, values: ArrayLike, directions: NDArray[np.float64], step: float, *, ok: ArrayLike | None = None
) -> NDArray[np.float64]:
    """Forward differences along axes: ``sum_i (f(x + step e_i) - f(x)) / step e_i``.

    On a quadratic function with Hessian A the error in coordinate i is ``step A_ii / 2``. Derivatives along axes that were not
    measured are 0; there is nothing to average over, so a point that failed is better asked again.

    Args:
        base: f(x).
        values: ``f(x + step e_i)``, `b`.
        directions: The axes, `b x d`, different ones (`coordinate_directions`).
        step: The step.
        ok: Which of `values` came back, `b`.
    """
    slopes, came = _forward(base, values, step, ok)
    return slopes[came] @ directions[came]


def coordinate_central(
    values: ArrayLike, directions: NDArray[np.float64], step: float, *, ok: ArrayLike | None = None
) -> NDArray[np.float64]:
    """Central differences along axes, exact on quadratic functions; derivatives that were not measured are 0.

    Args:
        values: ``f(x + step e_i)`` and ``f(x - step e_i)``, `b x 2`.
        directions: The axes, `b x d`, different ones (`coordinate_directions`).
        step: The step.
        ok: Which of `values` came back, `b x 2`.
    """
    slopes, came = _central(values, step, ok)
    return slopes[came] @ directions[came]


def gaussian(
    base: float, values: ArrayLike, directions: NDArray[np.float64], step: float, *, ok: ArrayLike | None = None
) -> NDArray[np.float64]:
    """Forward differences along normal directions: the mean of ``(f(x + step u) - f(x)) / step u``.

    Args:
        base: f(x).
        values: ``f(x + step u)``, `b`.
        directions: The directions u, `b x d` (`gaussian_directions`).
        step: The step.
        ok: Which of `values` came back, `b`.

    Raises:
        ValueError: None came back.
    """
    slopes, came = _forward(base, values, step, ok)
    return _mean(slopes, directions, came)


def antithetic(values: ArrayLike, directions: NDArray[np.float64], step: float, *, ok: ArrayLike | None = None) -> NDArray[np.float64]:
    """Central differences along normal directions: the mean of ``(f(x + step u) - f(x - step u)) / (2 step) u``.

    What is even about x cancels within every pair: curvature adds no variance.

    Args:
        values: ``f(x + step u)`` and ``f(x - step u)``, `b x 2`.
        directions: The directions u, `b x d` (`gaussian_directions`).
        step: The step, the standard deviation of an evolution strategy.
        ok: Which of `values` came back, `b x 2`.

    Raises:
        ValueError: No pair came back whole.
    """
    slopes, came = _central(values, step, ok)
    return _mean(slopes, directions, came)


def sphere_two_point(
    values: ArrayLike, directions: NDArray[np.float64], step: float, *, ok: ArrayLike | None = None
) -> NDArray[np.float64]:
    """Central differences along unit vectors: d times the mean of ``(f(x + step u) - f(x - step u)) / (2 step) u``.

    On a quadratic function each term is ``d (u' grad f) u``, whatever the step.

    Args:
        values: ``f(x + step u)`` and ``f(x - step u)``, `b x 2`.
        directions: The directions u, `b x d` (`sphere_directions`).
        step: The step, the radius of the ball that smooths.
        ok: Which of `values` came back, `b x 2`.

    Raises:
        ValueError: No pair came back whole.
    """
    slopes, came = _central(values, step, ok)
    return _mean(directions.shape[1] * slopes, directions, came)


def likelihood_ratio(
    values: ArrayLike, directions: NDArray[np.float64], step: float, *, ok: ArrayLike | None = None
) -> NDArray[np.float64]:
    """The score function's estimate: the mean of ``(f(x + step u) - baseline) u / step``, without a value at x.

    The baseline of each term is the mean of the other values, so that it is independent of the term's direction and the estimate
    stays unbiased; in all that is the sample covariance of values and directions, over the step.

    Args:
        values: ``f(x + step u)``, `b`.
        directions: The directions u, `b x d` (`gaussian_directions`).
        step: The step, the standard deviation of the noise.
        ok: Which of `values` came back, `b`.

    Raises:
        ValueError: Less than two came back.
    """
    values, came = _values(values, ok)
    if (n := int(came.sum())) < 2:
        raise ValueError(f"likelihood_ratio: {n} of {len(values)} values came back; it needs two, one to be the other's baseline")
    estimate: NDArray[np.float64] = (values[came] - values[came].mean()) @ directions[came] / ((n - 1) * step)
    return estimate


def _forward(base: float, values: ArrayLike, step: float, ok: ArrayLike | None) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Slopes, and which of them are known."""
    values, came = _values(values, ok)
    return (values - base) / step, came


def _central(values: ArrayLike, step: float, ok: ArrayLike | None) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Slopes, and which of them are known: those of whole pairs."""
    values, came = _values(values, ok)
    return (values[:, 0] - values[:, 1]) / (2 * step), np.logical_and(came[:, 0], came[:, 1])


def _values(values: ArrayLike, ok: ArrayLike | None) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    values = np.asarray(values, dtype=np.float64)
    came = np.ones(values.shape, dtype=bool) if ok is None else np.asarray(ok, dtype=bool)
    if came.shape != values.shape:
        raise ValueError(f"ok has shape {came.shape}, and values {values.shape}; they belong together")
    return np.where(came, values, 0.0), came


def _mean(slopes: NDArray[np.float64], directions: NDArray[np.float64], came: NDArray[np.bool_]) -> NDArray[np.float64]:
    if not came.any():
        raise ValueError(f"no difference of {len(came)} is known, so there is nothing to average")
    mean: NDArray[np.float64] = slopes[came] @ directions[came] / int(came.sum())
    return mean
