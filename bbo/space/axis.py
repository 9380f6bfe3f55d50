"""Maps between a range of numbers and the unit interval, exact at both ends, linear or logarithmic."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

REACH = 10.0
"""Values outside a range extrapolate at most this many ranges beyond either end."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Axis:
    """The range ``[low, high]``, low < high, in its own units.

    On a linear axis decode(encode(x)) is within 4 ulp of x at the scale of the range; on a logarithmic one the same holds for log x.
    """

    low: float
    high: float
    log: bool = False

    def encode(self, x: ArrayLike) -> Array:
        """Position in the unit interval; below a logarithmic axis everything that has no logarithm is `REACH` ranges away."""
        x = np.asarray(x, dtype=float)
        with np.errstate(all="ignore"):
            if self.log:
                u = np.where(x > 0, self._log_ratio(np.where(x > 0, x, 1.0)) / self._span, -REACH)
            elif math.isinf(self.high - self.low):  # half the range is finite, and halving is exact up there
                u = (x / 2 - self.low / 2) / (self.high / 2 - self.low / 2)
            else:
                u = (x - self.low) / (self.high - self.low)
        return np.clip(u, -REACH, 1.0 + REACH)

    def decode(self, u: ArrayLike) -> Array:
        """The value at position u, held inside the range."""
        at = _within(np.asarray(u, dtype=float), 0.0, 1.0)
        if self.log:
            with np.errstate(over="ignore"):
                x = self.low * np.exp(at * self._span) if self._divides else np.exp(math.log(self.low) + at * self._span)
            x = np.where(at == 0.0, self.low, np.where(at == 1.0, self.high, x))
        else:
            x = self.low * (1.0 - at) + self.high * at
        return _within(x, self.low, self.high)

    def stretch(self, x: float) -> float:
        """How fast the value grows with the position, dx/du, where it is x; NaN where a logarithmic axis has no such value."""
        if not self.log:
            return self.high - self.low
        return x * self._span if x > 0 else math.nan

    @property
    def _divides(self) -> bool:
        return self.high / self.low < 1e300 and self.low > 1e-300

    @property
    def _span(self) -> float:
        return float(self._log_ratio(np.asarray(self.high)))

    def _log_ratio(self, x: Array) -> Array:
        return np.log(x / self.low) if self._divides else np.log(x) - math.log(self.low)


def _within(x: Array, low: float, high: float) -> Array:
    """`numpy.clip`, which costs ten times as much on the few numbers that a point has."""
    return np.asarray(np.minimum(np.maximum(x, low), high))
