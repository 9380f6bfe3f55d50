"""How probable the outcome of a comparison is, given a normal belief about the difference of two utilities as they are judged.

Whoever ranks some points judges the utility of each with a normal error, and orders them by what is judged; two of them pass for equally
good when what is judged differs by less than a threshold. Thurstone (1927), case V, of any number of points at a time; the threshold:
Glenn & David (1960), the normal form of what Rao & Kupper (1967) have for Bradley and Terry's model. For pairs without ties it is
the likelihood of Chu & Ghahramani (2005), "Preference learning with Gaussian processes".

The error of a point is one and the same in all comparisons of one ranking. A chain of comparisons with errors of their own would give a
ranking of k points by pure chance the probability ``2^(1-k)``, where it has ``1/k!``, and so take long rankings for noise.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import erfcx, log_ndtr

Array = NDArray[np.float64]

_ROOT_HALF = math.sqrt(0.5)
_ROOT_TWO_OVER_PI = math.sqrt(2 / math.pi)


@dataclass(frozen=True, slots=True, eq=False)
class Tilted:
    """``log Z``, the log probability of each outcome under ``N(mean, variance)``, and its derivatives; each `c`.

    Args:
        log_z: The logarithm.
        slope, curvature: First and second derivative with respect to the mean.
        d_threshold: Derivative with respect to the threshold.
    """

    log_z: Array
    slope: Array
    curvature: Array
    d_threshold: Array


def tilted(mean: Array, variance: Array, tied: NDArray[np.bool_], threshold: float) -> Tilted:
    """Of differences as they are judged (`c` each), better less worse: above the threshold, or where tied, within it."""
    sd = np.sqrt(variance)
    log_z, slope, curvature, d_threshold = (np.empty_like(sd) for _ in range(4))
    won = ~tied
    s, z = sd[won], (mean[won] - threshold) / sd[won]
    r = _hazard(z)
    log_z[won], slope[won], curvature[won], d_threshold[won] = log_ndtr(z), r / s, -r * (z + r) / s**2, -r / s
    if tied.any():  # mirrored into the lower tail, so that no difference of numbers near one is taken
        s, m = sd[tied], -np.abs(mean[tied])
        low, high = (m - threshold) / s, (m + threshold) / s
        log_share = log_ndtr(low) - log_ndtr(high)
        rest = -np.expm1(log_share)
        at_high, at_low = _hazard(high) / rest, _hazard(low) * np.exp(log_share) / rest  # densities over Z
        d_m = (at_high - at_low) / s
        log_z[tied] = log_ndtr(high) + np.log(rest)
        slope[tied] = np.where(mean[tied] > 0, -d_m, d_m)
        curvature[tied] = -(high * at_high - low * at_low) / s**2 - d_m**2
        d_threshold[tied] = (at_high + at_low) / s
    return Tilted(log_z, slope, curvature, d_threshold)


def _hazard(z: Array) -> Array:
    """``phi(z) / Phi(z)``."""
    ratio: Array = _ROOT_TWO_OVER_PI / erfcx(-_ROOT_HALF * z)
    return ratio
