"""A trust region: how large it is, what makes it grow and shrink, and which part of a space it is.

Source: Eriksson, Pearce, Gardner, Turner & Poloczek (2019), arXiv:1910.01739, section 2 and appendix D.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from acquisitions.domain import Box, Domain
from surrogates.columns import Column, Columns

Array = NDArray[np.float64]

FIRST, LEAST, MOST = 0.8, 2.0**-7, 1.6
"""Lengths in sides of the cube: where a region begins, below which it is given up, and beyond which it does not grow."""

SUCCESSES = 3
"""Batches in a row that brought a better point, after which a region grows."""

_FEWEST = 4  # trials in a row without a better point that it takes at least to make a region shrink
_LONGEST = 4.0  # length scales in sides of the cube beyond which columns count alike, as BoTorch bounds them for this method


@dataclass(frozen=True, slots=True)
class TrustRegion:
    """The size of a region, and how it has done since that last changed.

    Args:
        length: Of a side, in the geometric mean over the columns.
        successes: Batches in a row that brought a better point.
        failures: Trials in a row that brought none.
    """

    length: float = FIRST
    successes: int = 0
    failures: int = 0

    def after(self, *, better: bool, trials: int, d: int) -> TrustRegion:
        """The region after one more batch.

        It shrinks after as many trials without success as there are columns. Where all batches have q trials that is the paper's number
        of batches, ``ceil(max(4, d) / q)``; they need not have.

        Args:
            better: Whether the batch brought a better point than all before it.
            trials: How many trials of it have ended.
            d: Number of columns.
        """
        if better:
            grown = self.successes + 1 == SUCCESSES
            return TrustRegion(min(2 * self.length, MOST) if grown else self.length, 0 if grown else self.successes + 1)
        shrunk = self.failures + trials >= max(_FEWEST, d)
        return TrustRegion(self.length / 2) if shrunk else replace(self, successes=0, failures=self.failures + trials)

    @property
    def ended(self) -> bool:
        """Whether it is too small to go on with."""
        return self.length < LEAST


def limited(columns: Columns) -> tuple[int, ...]:
    """The columns that a region has sides along: numbers without a condition. Others are free within it."""
    return tuple(i for i, column in enumerate(columns) if column.kind != "categorical" and column.parent is None)


def sides(length: float, lengthscales: Array) -> Array:
    """Sides in proportion to the length scales (`k`), those beyond 4 taken for 4, with the geometric mean `length`."""
    scales = np.minimum(lengthscales, _LONGEST)
    found: Array = length * scales / np.exp(np.mean(np.log(scales)))
    return found


def part(whole: Domain, centre: Array, widths: Mapping[int, float], fixed: Collection[int] = ()) -> Domain:
    """The points of a domain in a box around one of them, cut off at its bounds.

    Numbers that go in steps take the levels within the box, and in any case the next on either side of the centre's.

    Args:
        whole: The domain, of boxes and constraints.
        centre: The point, `d`.
        widths: Sides of the box by column, in units of the domain; columns that are missing have none.
        fixed: Columns that stand still, wherever that is.
    """
    bounds = whole.bounds.copy()
    levels = [column.levels for column in whole.columns]
    for i, width in widths.items():
        if i in fixed:
            continue
        bounds[:, i] = np.clip([centre[i] - width / 2, centre[i] + width / 2], *whole.bounds[:, i])
        if levels[i]:
            levels[i] = _near(whole.columns[i], centre[i], *bounds[:, i])
            bounds[:, i] = levels[i][0], levels[i][-1]
    return replace(whole, bounds=bounds, shapes=(_box(bounds, levels),))


def _near(column: Column, centre: float, low: float, high: float) -> tuple[float, ...]:
    levels = np.asarray(column.levels)
    here = int(np.abs(levels - centre).argmin())
    inside = (low <= levels) & (levels <= high)
    inside[max(here - 1, 0) : here + 2] = True
    return tuple(levels[inside].tolist())


def _box(bounds: Array, levels: list[tuple[float, ...]]) -> Box:
    low, high = (tuple(end.tolist()) for end in bounds)
    return Box(tuple(range(len(levels))), low, high, tuple(levels))
