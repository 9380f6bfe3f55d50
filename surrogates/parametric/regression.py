"""The regression oracle: parameters of a family by least squares with weight decay."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize

from surrogates.parametric.family import Array, Family

_ROUGH, _FINE = 50, 500  # iterations of L-BFGS from each start, and from the best of where these end


def fit(family: Family, X: Array, y: Array, *, rng: np.random.Generator, weight_decay: float = 0.0, restarts: int = 10) -> Array:
    """Minimize ``sum (f_x(w) - y)^2 / 2 + weight_decay |w|^2 / 2`` by L-BFGS; the best parameters found, `p`.

    Several starts are followed a short way, and the best of them to the end.

    Args:
        family: What to fit.
        X: Points, `n x d`.
        y: Values, `n`.
        rng: Draws the starts.
        weight_decay: Weight of the penalty, at least 0.
        restarts: Starts, at least 1.

    Raises:
        ArithmeticError: No start leads to a finite loss.
    """

    def loss(w: Array) -> tuple[float, Array]:
        values, slopes = family.weight_gradient(w, X)
        residuals = values - y
        return float(residuals @ residuals + weight_decay * w @ w) / 2, residuals @ slopes + weight_decay * w

    def descend(start: Array, iterations: int) -> tuple[float, Array]:
        options = {"maxiter": iterations, "ftol": 1e-10, "gtol": 1e-7}
        found = minimize(loss, start, jac=True, method="L-BFGS-B", options=options)
        return float(found.fun), np.asarray(found.x, dtype=float)

    ends = [end for start in family.starts(restarts, rng) if np.isfinite((end := descend(start, _ROUGH))[0])]
    if not ends:
        raise ArithmeticError(f"none of {restarts} starts leads to a finite loss of the {type(family).__name__}")
    return descend(min(ends, key=lambda end: end[0])[1], _FINE)[1]
