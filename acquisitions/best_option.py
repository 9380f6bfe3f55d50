"""The utility that is to be expected of the better one of two points: what a comparison is worth that picks it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from acquisitions.gaussian import Array, GaussianModel, in_blocks, spread
from acquisitions.tails import log_h

_BLOCK = 256  # candidates scored at a time: what is worked on stays in the cache


@dataclass(frozen=True, slots=True)
class LogGainOfBestOption:
    """``log (E[max(f(x), f(b))] - E[f(b)])`` for a point b: what a second option adds to it, exact.

    f(x) and f(b) are normal together, and ``E[max(f(x), f(b))] - m_b = s h((m_x - m_b) / s)`` with ``s^2 = v_x + v_b - 2 c`` and
    ``h(z) = phi(z) + z Phi(z)``: the expected improvement over f(b), uncertain as it is. Its maximum is the best partner of b in a
    comparison of two. Where b is the best point so far, that is a challenger of it. BoTorch: `AnalyticExpectedUtilityOfBestOption` with
    a ``previous_winner`` is this without the logarithm.

    Source: Astudillo et al. (2023), arXiv:2303.15746, "qEUBO", and Lin et al. (2022), arXiv:2203.11382, for two points; the closed
    form: Clark (1961), "The greatest of a finite set of random variables".

    Args:
        gp: The model of the utility, to be maximized, of variance about one.
        partner: The point b, `d` in the unit cube.
    """

    gp: GaussianModel
    partner: Array
    _baseline: Any = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_baseline", self.gp.baseline(np.reshape(self.partner, (1, -1))))

    @property
    def floor(self) -> float:
        """``E[f(b)]``, what there is without a second option."""
        return float(self._baseline.mean[0])

    def value(self, X: Array) -> Array:
        """The score at each row of X (`m x d`), shape `m`."""
        return in_blocks(lambda X: self._score(self.gp.at(X, self._baseline))[0], X, _BLOCK)

    def value_and_gradient(self, X: Array) -> tuple[Array, Array]:
        """The score (`m`) and its gradient (`m x d`) at each row of X (`m x d`)."""
        moments = self.gp.at(X, self._baseline)
        value, d_mean, d_variance = self._score(moments)
        return value, moments.pull(d_mean, d_variance, -2.0 * d_variance[:, None])

    def _score(self, moments: Any) -> tuple[Array, Array, Array]:
        """The score and its derivatives with respect to the mean of the candidate and the variance of the difference, `m` each."""
        difference = moments.variance + self._baseline.covariance[0, 0] - 2.0 * moments.covariance[:, 0]
        sd, d_sd = spread(difference)
        z = (moments.mean - self.floor) / sd
        value, slope = log_h(z)
        return np.log(sd) + value, slope / sd, (1.0 - slope * z) / sd * d_sd


@dataclass(frozen=True, slots=True)
class ExpectedUtilityOfBestOption:
    """``E[max(f(x), f(b))]``, in the units of the utility; arguments and source as `LogGainOfBestOption`, which does not underflow."""

    gp: GaussianModel
    partner: Array
    _gain: LogGainOfBestOption = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_gain", LogGainOfBestOption(self.gp, self.partner))

    def value(self, X: Array) -> Array:
        """The score at each row of X (`m x d`), shape `m`."""
        return self._gain.floor + np.exp(self._gain.value(X))

    def value_and_gradient(self, X: Array) -> tuple[Array, Array]:
        """The score (`m`) and its gradient (`m x d`) at each row of X (`m x d`)."""
        value, gradient = self._gain.value_and_gradient(X)
        gain = np.exp(value)
        return self._gain.floor + gain, gain[:, None] * gradient
