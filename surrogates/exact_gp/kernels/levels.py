"""Indicators of the levels of categorical columns, a level of its own for those that are inactive."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from surrogates.columns import Columns
from surrogates.exact_gp.arrays import Array, of


@dataclass(frozen=True, eq=False)
class Levels:
    """Turns categorical columns into one column of zeros and ones for each level.

    A value stands for the nearest level of its column, so that it need not be equal to the last digit.

    Args:
        columns: Indices of the categorical columns.
        table: What all columns mean.
    """

    columns: tuple[int, ...]
    table: Columns

    @cached_property
    def conditional(self) -> tuple[int, ...]:
        """Positions (among the categorical columns) of those that are active only under a condition."""
        return tuple(k for k, i in enumerate(self.columns) if self.table[i].parent is not None)

    @cached_property
    def owners(self) -> tuple[int, ...]:
        """The position of the column that each indicator belongs to; those of being inactive come last."""
        return (*(k for k, i in enumerate(self.columns) for _ in self.table[i].levels), *self.conditional)

    @cached_property
    def ownership(self) -> Array:
        """The owners as a matrix of zeros and ones, `l x c`."""
        return np.equal.outer(self.owners, range(len(self.columns))).astype(float)

    def indicators(self, X: Array) -> Array:
        """`n x l` for points `n x d`: one 1 a categorical column in each row."""
        xp = of(X)
        low, high = (xp.asarray(ends) for ends in self._intervals)
        values = X[:, list(self._sources)]
        found = xp.where((values > low) & (values <= high), 1.0, 0.0 * values)
        if not self.conditional:
            return found
        active = xp.asarray(self.table.active(xp.numpy(X))[:, list(self.columns)])
        listed = list(self.owners[: len(self._sources)])
        return xp.concatenate((found * active[:, listed], 1.0 - active[:, list(self.conditional)]), 1)

    @cached_property
    def _sources(self) -> tuple[int, ...]:
        return tuple(i for i in self.columns for _ in self.table[i].levels)

    @cached_property
    def _intervals(self) -> tuple[Array, Array]:
        """Between which values (low < x <= high) each level is the nearest."""
        low: list[float] = []
        high: list[float] = []
        for i in self.columns:
            levels = self.table[i].levels
            middles = [(a + b) / 2 for a, b in pairwise(levels)]
            low += [-math.inf, *middles]
            high += [*middles, math.inf]
        return np.array(low), np.array(high)
