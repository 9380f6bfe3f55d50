"""Line searches along many rows at once, each at its own stage: every round each row asks for one step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from acquisitions.maximizer.memory import namespace

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

_DECREASE = 1e-3
"""Least decrease of a step, as a fraction of what the slope promises (L-BFGS-B's ``ftol`` of its line search)."""

_CURVATURE = 0.9
"""The slope at an accepted step is at most this fraction of the first one (L-BFGS-B's ``gtol`` of its line search)."""

_PATIENCE = 8
"""After so many steps one that decreases the function is taken whatever its slope."""

_TRIES = 20
"""After so many steps the direction is given up."""

_ROUNDING = 1e-15
"""Relative size of a change of the function that is rounding."""


@dataclass(eq=False)
class LineSearch:
    """Searches for steps that meet the strong Wolfe conditions, minimizing (Nocedal and Wright 2006, section 3.5).

    A minimum lies between `low`, which decreases the function and where it still falls, and `high`, once that is finite. All
    arrays have shape `b`.

    Args:
        value: At step zero.
        slope: At step zero, negative.
        step: The one to try now.
        low: Lower end of the bracket, with `low_value` and `low_slope`.
        high: Upper end, infinite as long as nothing is known, with `high_value` and `high_slope`.
        tries: Steps tried.
    """

    value: Array
    slope: Array
    step: Array
    low: Array
    low_value: Array
    low_slope: Array
    high: Array
    high_value: Array
    high_slope: Array
    tries: NDArray[np.int_]

    @classmethod
    def start(cls, value: Array, slope: Array) -> LineSearch:
        """Searches that begin with step one."""
        xp = namespace(value)
        zero = xp.zeros_like(value)
        far = zero + np.inf
        return cls(value, slope, zero + 1.0, zero, value, slope, far, far, far, xp.zeros_like(value, dtype=xp.int64))

    def take(self, rows: Mask) -> LineSearch:
        """The searches of some rows."""
        return LineSearch(*(getattr(self, field.name)[rows] for field in fields(self)))

    def restart(self, rows: Mask, value: Array, slope: Array) -> None:
        """Begin the given rows anew."""
        fresh = LineSearch.start(value, slope)
        if bool(rows.all()):
            self.__dict__.update(fresh.__dict__)
            return
        xp = namespace(value)
        for field in fields(self):
            setattr(self, field.name, xp.where(rows, getattr(fresh, field.name), getattr(self, field.name)))

    def judge(self, value: Array, slope: Array, room: Callable[[], Array]) -> tuple[Mask, Mask]:
        """Take in value and slope at `step`; which rows end there, and which give up. All others have a new `step`.

        Args:
            value: At `step`; not finite where there is none.
            slope: At `step`.
            room: Largest steps allowed, asked for where the function falls on.
        """
        xp = namespace(value)
        self.tries = self.tries + 1
        enough = (value <= self.value + _DECREASE * self.step * self.slope + _ROUNDING * abs(self.value)) & (value > -np.inf)
        accepted = enough & (abs(slope) <= -_CURVATURE * self.slope)
        if bool(accepted.all()):
            return accepted, ~accepted
        finite = xp.isfinite(value) & xp.isfinite(slope)
        value, enough = xp.where(finite, value, np.inf), enough & finite
        steep = enough & (slope < _CURVATURE * self.slope) & (self.high == np.inf)  # falls on: a longer step is better
        reach = room() if bool(steep.any()) else self.step
        accepted = accepted | steep & (self.step >= reach * (1 - 1e-12))
        accepted = accepted | enough & (self.tries >= _PATIENCE)
        self._narrow(value, slope, enough, reach)
        failed = ~accepted & ((self.tries >= _TRIES) | (self.low >= self.high * (1 - 1e-14)))
        return accepted, failed

    def _narrow(self, value: Array, slope: Array, enough: Mask, reach: Array) -> None:
        """Put the tried step into the bracket and choose the next."""
        xp = namespace(value)
        t = self.step
        beyond = ~enough | (value > self.low_value) | (slope > 0)
        self.high, self.high_value, self.high_slope = (
            xp.where(beyond, new, old) for new, old in ((t, self.high), (value, self.high_value), (slope, self.high_slope))
        )
        before = self.low, self.low_slope
        self.low, self.low_value, self.low_slope = (
            xp.where(beyond, old, new) for new, old in ((t, self.low), (value, self.low_value), (slope, self.low_slope))
        )
        with np.errstate(all="ignore"):
            width = self.high - self.low
            inside = _cubic(self.low_value, self.low_slope, self.high_value, self.high_slope, width)
            inside = xp.where(xp.isfinite(inside), inside, 0.25 * width)  # nothing is known of the far end
            inside = self.low + xp.minimum(xp.maximum(inside, 0.05 * width), 0.9 * width)
            secant = (t - before[0]) * self.low_slope / (before[1] - self.low_slope)  # to where the slope would vanish
            onward = xp.where((secant > 0) & xp.isfinite(secant), secant, 9 * t)
            onward = t + xp.minimum(xp.maximum(onward, t), 9 * t)
            self.step = xp.where(xp.isfinite(self.high), inside, xp.minimum(onward, reach))


def _cubic(value: Array, slope: Array, far_value: Array, far_slope: Array, width: Array) -> Array:
    """Distance to the minimum of the cubic through values and slopes at both ends (Nocedal and Wright 2006, equation 3.59)."""
    a = slope + far_slope - 3 * (far_value - value) / width
    root = (a * a - slope * far_slope) ** 0.5
    distance: Array = width * (1 - (far_slope + root - a) / (far_slope - slope + 2 * root))
    return distance
