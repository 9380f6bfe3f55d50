"""Logarithms of Gaussian tail functions with their slopes, accurate from -1e10 to 1e10 where the plain formulas underflow or cancel.

Phi and phi are the standard normal's distribution and density. Every function is vectorised and takes arrays of any shape.
Source of the problem and of the branches: Ament et al. (2023), arXiv:2310.20708, equation 9 and appendix A. Where they take the
logarithm of a difference of logarithms, an asymptotic series is summed here, which keeps the slope accurate as well.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import erfcx, log_ndtr, ndtr

Array = NDArray[np.float64]

_ROOT_HALF = math.sqrt(0.5)
_ROOT_HALF_PI = math.sqrt(math.pi / 2)
_LOG_ROOT_2PI = 0.5 * math.log(2 * math.pi)
_FAR = 20.0  # from here the series below is exact to 1e-15 with its ten terms, while 1 - t R(t) has lost 400 eps
_SERIES = (1.0, -3.0, 15.0, -105.0, 945.0, -10395.0, 135135.0, -2027025.0, 34459425.0, -654729075.0, 13749310575.0)


def log_h(z: Array) -> tuple[Array, Array]:
    """``log h(z)`` of ``h(z) = phi(z) + z Phi(z)``, the expected positive part of ``z + N(0, 1)``, and its slope ``Phi(z) / h(z)``.

    With the Mills ratio ``R(t) = (1 - Phi(t)) / phi(t)`` and ``t = -z``, ``h(z) = phi(z) (1 - t R(t))``; the bracket is
    ``t^-2 (1 - 3 t^-2 + 15 t^-4 - ...)`` in the far tail.
    """
    u = np.clip(z, -1.0, 40.0)  # phi(40) is 0 beside 40
    cdf = ndtr(u)
    h = np.exp(-0.5 * u * u - _LOG_ROOT_2PI) + np.maximum(z, -1.0) * cdf
    value, slope = np.log(h), cdf / h
    if np.any(low := z < -1.0):
        t = -z[low]
        ratio = _ROOT_HALF_PI * erfcx(_ROOT_HALF * t)
        bracket = 1.0 - t * ratio
        if np.any(far := t > _FAR):
            s = t[far] ** -2
            total = np.full_like(s, _SERIES[-1])
            for coefficient in _SERIES[-2::-1]:
                total = total * s + coefficient
            bracket[far] = s * total
        value[low] = np.log(bracket) - 0.5 * t * t - _LOG_ROOT_2PI
        slope[low] = ratio / bracket
    return value, slope


def log_cdf(z: Array) -> tuple[Array, Array]:
    """``log Phi(z)`` and its slope ``phi(z) / Phi(z)``."""
    return log_ndtr(z), (1.0 / _ROOT_HALF_PI) / erfcx(-_ROOT_HALF * z)


def log_interval(a: Array, b: Array) -> tuple[Array, Array, Array]:
    """``log(Phi(b) - Phi(a))`` for finite ``a < b``, and its slopes with respect to a and b.

    Both ends are mirrored into the lower tail where both lie in the upper one, so that no difference of numbers near one is taken.
    """
    mirrored = a > 0
    low, high = np.where(mirrored, -b, a), np.where(mirrored, -a, b)
    (log_low, hazard_low), (log_high, hazard_high) = log_cdf(low), log_cdf(high)
    share = np.exp(log_low - log_high)  # Phi(low) / Phi(high)
    value = log_high + np.log1p(-share)
    rest = -np.expm1(log_low - log_high)
    d_low, d_high = -hazard_low * share / rest, hazard_high / rest
    return value, np.where(mirrored, -d_high, d_low), np.where(mirrored, -d_low, d_high)


def log_mean(terms: Array) -> tuple[Array, Array]:
    """``log mean_s exp(terms)`` over the columns of `m x s`, and each column's share in the sum, `m x s`."""
    top: Array = terms.max(1, keepdims=True)
    weights = np.exp(terms - top)
    total = weights.sum(1, keepdims=True)
    value: Array = (top + np.log(total / terms.shape[1]))[:, 0]
    return value, weights / total
