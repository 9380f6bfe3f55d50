"""Zeroth-order stochastic Frank-Wolfe: its rates and its step, to minimize a loss over a compact convex set from values alone.

With `g_t` an estimate of the gradient at `x_t` and `d_{-1} = 0`, a step is

    d_t = (1 - rho_t) d_{t-1} + rho_t g_t,      v_t = argmin_v <d_t, v>,      x_{t+1} = (1 - gamma_t) x_t + gamma_t v_t.

Estimates are averaged over the steps, so that a few differences a step are enough. An iterate is a mean of points of the set, so that
nothing is ever projected. Vectors have shape `d`, in any units; what they are decides what `c_t` means, see `rates`.

Source: Sahu, Zaheer and Kar, Towards gradient free and projection free stochastic optimization (AISTATS 2019), arXiv:1810.03233.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
Estimator = Literal["kwsa", "rdsa", "i_rdsa"]
"""How the gradient is estimated by forward differences over the distance `c_t`: along every axis (Kiefer and Wolfowitz,
`coordinate_forward`), along one normal direction (`gaussian`), or along the mean of `m` of them."""

_LAG = 8  # steps that all schedules are ahead of t


@dataclass(frozen=True, slots=True)
class Rates:
    """What step t goes by.

    Args:
        rho: Weight of the new estimate in the average, in (0, 1].
        c: Distance of the differences.
        gamma: Share of the way to the vertex.
    """

    rho: float
    c: float
    gamma: float


def rates(estimator: Estimator, t: int, *, d: int, m: int = 1) -> Rates:
    """The rates of step ``t = 0, 1, ...``

    ``gamma_t = 2 / (t + 8)`` for all; with ``s = t + 8``

    | estimator | rho_t | c_t | values a step |
    |---|---|---|---|
    | ``"kwsa"`` | ``4 / s^(2/3)`` | ``2 / (d^(1/2) s^(1/3))`` | ``d + 1`` |
    | ``"rdsa"`` | ``4 / (d^(1/3) s^(2/3))`` | ``2 / (d^(3/2) s^(1/3))`` | 2 |
    | ``"i_rdsa"`` | ``4 / ((1 + d/m)^(1/3) s^(2/3))`` | ``2 m^(1/2) / (d^(3/2) s^(1/3))`` | ``m + 1`` |

    These distances are of a set whose diameter is about one: scale them with the set. That of ``"i_rdsa"`` is not settled: among
    re-implementations there is also ``2 / (m^(1/2) d^(3/2) s^(1/3))``. On a quadratic function without noise both end equally near.

    Args:
        estimator: How the gradient is estimated.
        t: The step.
        d: Dimension of the set.
        m: Directions a step, of ``"i_rdsa"`` alone.
    """
    s = t + _LAG
    slow, gamma = math.cbrt(s), 2 / s
    fast = slow**2
    match estimator:
        case "kwsa":
            return Rates(4 / fast, 2 / (math.sqrt(d) * slow), gamma)
        case "rdsa":
            return Rates(4 / (math.cbrt(d) * fast), 2 / (d**1.5 * slow), gamma)
        case "i_rdsa":
            return Rates(4 / (math.cbrt(1 + d / m) * fast), 2 * math.sqrt(m) / (d**1.5 * slow), gamma)
    raise ValueError(f"estimator is {estimator!r}; it is 'kwsa', 'rdsa' or 'i_rdsa'")


@dataclass(frozen=True, slots=True)
class Iterate:
    """Where the method stands before step t.

    Args:
        x: The iterate `x_t`.
        average: The averaged gradient `d_{t-1}`; zero at the start.
        weight: How much all estimates together weigh in it: one less what is left of the zero it began with.
        gap: The averaged Frank-Wolfe gap of the step before, infinite at the start; see `advance`.
    """

    x: Array
    average: Array
    weight: float = 0.0
    gap: float = math.inf

    @classmethod
    def at(cls, x0: ArrayLike) -> Iterate:
        """The iterate before step 0, at a point of the set."""
        x = np.array(x0, dtype=np.float64)
        return cls(x, np.zeros_like(x))


def advance(before: Iterate, gradient: ArrayLike, lmo: Callable[[Array], Array], at: Rates) -> Iterate:
    """One step.

    The gap of the result is ``<d_t / w_t, x_t - v_t>``, with `w_t` the weight of the estimates in `d_t`. It is never negative. With
    the exact gradient at `x_t` in the place of ``d_t / w_t`` it bounds ``f(x_t) - min f`` of a convex function, and is zero where a
    function that is not convex has no descent within the set. As it stands, it is an estimate: the average lags behind, and its
    noise makes the gap too large rather than too small.

    Args:
        before: Where the method stands.
        gradient: The estimate `g_t`.
        lmo: The linear minimization oracle: for g, a point v of the set that minimizes ``<g, v>``.
        at: The rates of this step.
    """
    average = (1 - at.rho) * before.average + at.rho * np.asarray(gradient, dtype=np.float64)
    weight = (1 - at.rho) * before.weight + at.rho
    vertex = lmo(average)
    gap = max(float(average @ (before.x - vertex)) / weight, 0.0)  # of rounding only
    return Iterate((1 - at.gamma) * before.x + at.gamma * vertex, average, weight, gap)
