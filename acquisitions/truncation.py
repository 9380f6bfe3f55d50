"""A standard normal truncated from above, and what is learned of its bound from a noisy look at it: the algebra of max-value entropies.

Let f be standard normal, ``f <= g`` what knowing the maximum says of it, and ``z = rho f + c e`` a measurement with ``rho^2 + c^2 = 1``
and e standard normal. The entropy of z falls by the information below when the bound becomes known.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.polynomial.hermite_e import hermegauss
from numpy.typing import NDArray
from scipy.special import erfcx, log_ndtr

Array = NDArray[np.float64]

_ROOT_HALF = math.sqrt(0.5)
_ROOT_HALF_PI = math.sqrt(math.pi / 2)
_LOG_ROOT_2PI = 0.5 * math.log(2 * math.pi)
_FAR = 15.0  # from here the series below and its two derivatives are exact to 1e-11, and plain differences have lost as much
_SERIES = (1.0, -2.0, 10.0, -74.0, 706.0, -8162.0, 110410.0, -1708394.0, 29752066.0, -576037442.0, 12277827850.0, -285764591114.0)
_NODES, _WEIGHTS = hermegauss(16)  # 16 leave 2e-11 of the information, as rounding does
_WEIGHTS = _WEIGHTS / _WEIGHTS.sum()
_FAINT = 1e-5  # share of signal in a measurement below which its third cumulant adds less than 1e-10 of the information


@dataclass(frozen=True, eq=False)
class Truncated:
    """A standard normal f given ``f <= g``, for bounds g of any shape; accurate from -1e10 to 1e10.

    Args:
        g: The bounds.
    """

    g: Array

    @cached_property
    def log_hazard(self) -> Array:
        """``log r(g)`` of ``r = phi(g) / Phi(g)``."""
        far = self.g < -_FAR
        value: Array = -0.5 * self.g**2 - _LOG_ROOT_2PI - log_ndtr(self.g)
        value[far] = np.log(self.gap[far] - self.g[far])
        return value

    @cached_property
    def hazard(self) -> Array:
        """``r(g)``, by which the mean lies below zero; zero where it underflows."""
        return np.asarray((1.0 / _ROOT_HALF_PI) / erfcx(-_ROOT_HALF * self.g))

    @cached_property
    def gap(self) -> Array:
        """``q(g) = g + r(g)``: how far the mean lies below the bound, ``1/(t + 2/(t + 3/(t + ...)))`` with ``t = -g`` far below."""
        value = self.g + self.hazard
        far = self.g < -_FAR
        t = -self.g[far]
        value[far] = _series(t**-2, np.array(_SERIES)) / t
        return value

    @cached_property
    def variance(self) -> Array:
        """``w(g) = 1 - r q``, which is also the slope of the gap."""
        value = 1.0 - self.hazard * self.gap
        far = self.g < -_FAR
        s = self.g[far] ** -2
        value[far] = s * _series(s, np.array([(2 * k + 1) * a for k, a in enumerate(_SERIES)]))
        return value

    @cached_property
    def slope(self) -> Array:
        """Of the variance, ``w'(g) = r (q^2 - w)``; less the third cumulant of f."""
        value = self.hazard * (self.gap**2 - self.variance)
        far = self.g < -_FAR
        t = -self.g[far]
        value[far] = t**-3 * _series(t**-2, np.array([(2 * k + 1) * (2 * k + 2) * a for k, a in enumerate(_SERIES)]))
        return value


def information_bound(g: Array, signal: Array, noise: Array) -> tuple[Array, Array, Array]:
    """``-1/2 log(1 - rho^2 r q)``: the information if z given the bound were normal, which it exceeds by what z then is not.

    Of all distributions of that variance the normal one has the largest entropy, so that this is a lower bound of the information.

    Source: Moss, Leslie, Gonzalez & Rayson (2021), arXiv:2102.03324, for one measurement.

    Args:
        g: Bounds of the standardised value.
        signal: ``rho^2``, the share of the value in the variance of the measurement; shaped like g.
        noise: ``c^2``, the rest of it.

    Returns:
        The bound in nats, its slope in g, and that in the logarithm of ``rho^2 / c^2``; shaped like g.
    """
    normal = Truncated(g)
    left = noise + signal * normal.variance
    lost = signal * normal.hazard * normal.gap
    value = np.where(lost < 0.5, -0.5 * np.log1p(-np.minimum(lost, 0.5)), -0.5 * np.log(left))
    return value, -0.5 * signal * normal.slope / left, 0.5 * noise * lost / left


def log_information(g: Array, signal: Array, noise: Array) -> tuple[Array, Array, Array]:
    """Logarithm of ``H(z) - H(z | f <= g)``, what a noisy measurement z and a bound on its value tell of each other.

    With ``M = Phi / phi`` it is ``r (c E[kappa(c g - rho N)] - kappa(g))``, where ``kappa(u) = M(u) log Phi(u) - u / 2`` and N is
    standard normal. What is expected is smooth everywhere and grows as ``-max(u, 0) / 2``, so that few Gauss-Hermite nodes give it to
    rounding, whatever the noise; without noise it counts nothing, and ``-r kappa(g) = g r / 2 - log Phi(g)``. Found here by writing the
    density of z, ``phi(z) Phi(u) / Phi(g)`` with ``u = (g - rho z) / c`` (Takeno et al. 2020, arXiv:1901.08275, integrate over z), in
    ``N = (z - rho g) / c``, for ``z^2 + u^2 = g^2 + N^2``.

    Source: without noise Wang & Jegelka (2017), arXiv:1703.01968, equation 6.

    Args:
        g, signal, noise: As for `information_bound`.

    Returns:
        The logarithm, its slope in g, and that in the logarithm of ``rho^2 / c^2``; shaped like g.
    """
    normal = Truncated(g)
    q = normal.gap
    faint = signal < _FAINT
    with np.errstate(divide="ignore"):
        log_lost = np.log(signal) + normal.log_hazard + np.log(q)
    lost = np.exp(np.minimum(log_lost, math.log(_FAINT)))
    growth = 1.0 + lost / 2 + lost**2 / 3  # -log(1 - x) / x
    value = log_lost - math.log(2.0) + np.log(growth)
    ratio = 1.0 / ((1.0 - lost) * growth)
    d_signal = ratio * noise
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        d_g = ratio * np.where(g < 0, -normal.slope / (normal.hazard * q), normal.variance / q - q)  # of log(r q), as is exact there
    clear = np.flatnonzero(~faint)
    if len(clear):
        value.flat[clear], d_g.flat[clear], d_signal.flat[clear] = _clear(g.flat[clear], signal.flat[clear], noise.flat[clear])
    return value, d_g, d_signal


def _clear(g: Array, signal: Array, noise: Array) -> tuple[Array, Array, Array]:
    """`log_information` of measurements that are not all noise, each of shape `p`, in units of r, which may underflow."""
    normal = Truncated(g)
    q, c, rho = normal.gap, np.sqrt(noise), np.sqrt(signal)
    kappa, slope = _kappa((c * g)[:, None] - rho[:, None] * _NODES)
    expected, d_expected = kappa @ _WEIGHTS, slope @ _WEIGHTS
    total = c * expected - _kappa(g)[0]
    d_g = (-0.5 * (normal.variance + q**2) - q * c * expected + noise * d_expected) / total
    d_signal = -0.5 * signal * (c * expected + noise * g * d_expected + noise * c / rho * (slope @ (_WEIGHTS * _NODES))) / total
    return normal.log_hazard + np.log(total), d_g, d_signal


def _kappa(u: Array) -> tuple[Array, Array]:
    """``Phi(u) log Phi(u) / phi(u) - u / 2`` and its slope, any shape."""
    a = np.abs(u)
    mills = _ROOT_HALF_PI * erfcx(_ROOT_HALF * a)
    second = 1.0 - a * mills
    third = mills - a * second
    if np.any(far := a > _FAR):
        normal = Truncated(-a[far])
        mills[far] = 1.0 / (a[far] + normal.gap)
        second[far] = normal.gap * mills[far]
        third[far] = (normal.variance + normal.gap**2) * mills[far]
    # below: log Phi = log mills - a^2 / 2 - log sqrt(2 pi), whose square is taken out
    rest = np.log(mills) - _LOG_ROOT_2PI
    below, d_below = 0.5 * a * second + mills * rest, 0.5 * (a * third + second) + second * rest
    # above: Phi = 1 - p, in terms of p
    p = np.exp(-0.5 * a**2 - _LOG_ROOT_2PI) * mills
    log_cdf = np.log1p(-p)
    with np.errstate(invalid="ignore", divide="ignore"):
        above = np.where(p > 0, log_cdf / p, -1.0) * (1.0 - p) * mills
    d_above = log_cdf + a * above + 0.5
    return np.where(u < 0, below, above - 0.5 * u), np.where(u < 0, d_below, d_above)


def _series(s: Array, coefficients: Array) -> Array:
    total = np.full_like(s, coefficients[-1])
    for coefficient in coefficients[-2::-1]:
        total = total * s + coefficient
    return total
