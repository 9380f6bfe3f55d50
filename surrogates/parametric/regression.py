"""The regression oracle: parameters of a family by least squares with weight decay."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize

from surrogates.parametric.family import Array, Family

_ITERATIONS = 500  # of L-BFGS from each start


def fit(family: Family, X: Array, y: Array, *, rng: np.random.Generator, weight_decay: float = 0.0, restarts: int = 10) -> Array:
    """Minimize ``sum (f_x(w) - y)^2 / 2 + weight_decay |w|^2 / 2`` by L-BFGS from several starts; the best parameters found, `p`.

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

    best, least = None, np.inf
    for start in family.starts(restarts, rng):
        found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": _ITERATIONS, "ftol": 1e-10, "gtol": 1e-7})
        if found.fun < least:
            best, least = np.asarray(found.x, dtype=float), float(found.fun)
    if best is None:
        raise ArithmeticError(f"none of {restarts} starts leads to a finite loss of the {type(family).__name__}")
    return best
