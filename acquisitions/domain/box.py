"""Intervals, and lists of levels, side by side."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from acquisitions.domain.shape import TOLERANCE, Array, Mask


@dataclass(frozen=True)
class Box:
    """A product of one set a column: the interval ``[low, high]``, or the listed levels where there are any.

    Args:
        columns: Indices of the columns.
        low: Lower ends, one a column.
        high: Upper ends.
        levels: Increasing levels of each column, empty for an interval.
    """

    columns: tuple[int, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    levels: tuple[tuple[float, ...], ...]

    def contains(self, P: Array) -> Mask:
        """Which points lie in the set."""
        slack = TOLERANCE * (np.asarray(self.high) - np.asarray(self.low))
        inside: Mask = np.all((np.asarray(self.low) - slack <= P) & (np.asarray(self.high) + slack >= P), axis=1)
        inside &= np.all(np.abs(self._snap(P) - P) <= slack, axis=1)
        return inside

    def sample(self, n: int, rng: np.random.Generator) -> Array:
        """Independent uniform points; each level is equally likely."""
        U = rng.random((n, len(self.columns)))
        P: Array = np.asarray(self.low) + U * (np.asarray(self.high) - np.asarray(self.low))
        for j, levels in enumerate(self.levels):
            if levels:
                P[:, j] = np.asarray(levels)[np.floor(U[:, j] * len(levels)).astype(int)]
        return P

    def project(self, P: Array) -> Array:
        """The nearest points of the set."""
        return self._snap(np.clip(P, self.low, self.high))

    def lmo(self, G: Array) -> Array:
        """A minimizer of ``<g, x>`` for each row g."""
        ends = [
            (levels[0], levels[-1]) if levels else (low, high) for low, high, levels in zip(self.low, self.high, self.levels, strict=True)
        ]
        least, greatest = np.asarray(ends).reshape(-1, 2).T
        return np.where(G > 0, least, greatest)

    def _snap(self, P: Array) -> Array:
        snapped = np.array(P, dtype=float)
        for j, listed in enumerate(self.levels):
            if listed:
                levels = np.asarray(listed)
                snapped[:, j] = levels[np.searchsorted((levels[1:] + levels[:-1]) / 2, P[:, j])]
        return snapped
