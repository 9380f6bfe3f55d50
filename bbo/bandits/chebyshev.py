"""Regression of costs on a scalar context by Chebyshev polynomials with bounded coefficients, as ChebCB does for each arm.

The bounds are those of the coefficients of Lipschitz functions. All is in scaled costs: costs over `Scale.scale`.

Source: Khodak, Chow, Balcan and Talwalkar, Learning to relax: setting solver parameters across a sequence of linear system
instances (2024), Algorithm 2 and its published code for the scale and the learning rate.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

_NARROWEST = 1e-9  # of the widest bound: solvers want bounds that leave room


@dataclass(frozen=True, slots=True)
class Scale:
    """What costs are divided by, and what is known of a Lipschitz function of such a range.

    Args:
        largest: The largest cost, above 0.
        spread: The largest cost less the least: the length of the contexts' interval times an estimate of the Lipschitz constant.
        m: Number of Chebyshev polynomials, at least 1.
    """

    largest: float
    spread: float
    m: int

    @property
    def margin(self) -> float:
        """``N = 2 + 4 spread / largest (1 + ln m)``: polynomials with bounded coefficients stay within it of the largest cost."""
        return 2 + 4 * self.spread / self.largest * (1 + math.log(self.m))

    @property
    def scale(self) -> float:
        """What costs are divided by."""
        return self.largest * self.margin

    @property
    def bounds(self) -> Array:
        """Largest absolute value of each coefficient, in scaled costs, shape `m`: ``1 / N`` and ``2 spread / (j scale)``."""
        return np.array([1 / self.margin, *(2 * self.spread / (self.scale * j) for j in range(1, self.m))])

    @property
    def misfit(self) -> float:
        """How far from a Lipschitz function its best polynomial may be, in scaled costs: the ``alpha`` of the learning rate."""
        m = self.m
        return (math.pi + 2 / math.pi * math.log(2 * m + 1)) / (2 * self.scale * (m + 1)) * self.spread


def features(x: ArrayLike, m: int) -> Array:
    """Chebyshev polynomials ``T_0`` to ``T_{m-1}`` at `n` points of ``[-1, 1]``, `n x m`."""
    values: Array = np.polynomial.chebyshev.chebvander(np.asarray(x, float), m - 1)
    return values


def fit(phi: ArrayLike, costs: ArrayLike, bounds: ArrayLike) -> Array:
    """Coefficients within the bounds with the least sum of squared errors, shape `m`; of several the shortest, if that is within.

    Args:
        phi: Features, `n x m`.
        costs: Shape `n`.
        bounds: Largest absolute value of each coefficient, shape `m`.
    """
    A, y, most = (np.asarray(each, float) for each in (phi, costs, bounds))
    if len(A) > A.shape[1]:  # as many rows as coefficients say the same
        A, R = np.linalg.qr(A)
        A, y = R, A.T @ y
    theta: Array = np.linalg.lstsq(A, y, rcond=None)[0]
    if (np.abs(theta) <= most).all():
        return theta
    from scipy.optimize import lsq_linear

    most = np.maximum(most, _NARROWEST * most.max())
    bounded: Array = lsq_linear(A, y, bounds=(-most, most), method="bvls").x
    return bounded


def rate_at(t: int, k: int, regret: float, misfit: float) -> float:
    """The weight of gaps in `inverse_gap.square_cb` at round `t`: `t` times ``2 sqrt(k t / (regret + 2 misfit^2 t))``.

    The square root is the analysis: as a weight `gamma` it makes the bound on what SquareCB loses in `t` rounds the least,
    ``2 k t / gamma + gamma / 2 (regret + 2 misfit^2 t)``. But it stays below ``sqrt(2 k) / misfit``, with a misfit that covers every
    Lipschitz function: of 20 arms with 6 polynomials the best is drawn half of the time at most, for ever, however bad the others are.

    The factor `t` is in the published code alone, which says so. With it an arm that is behind is played in proportion to ``ln t``
    instead of `t`; the bound does not hold then, and if polynomials are no fit, nothing else limits what is lost. On 600 systems of
    `bbo.problems.Relaxation` with offsets of low variance it took 61 iterations a system with the factor and 130 without, over three
    seeds; arms drawn at random took 145.

    Args:
        t: Number of results so far.
        k: Number of arms.
        regret: Sum of squared errors of what was predicted before each result, less that of the fit to all of them; at least 0.
        misfit: See `Scale.misfit`.
    """
    return 2 * t * math.sqrt(k * t / max(regret + 2 * misfit**2 * t, 1e-12))
