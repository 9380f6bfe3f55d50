"""Variation of a genetic algorithm on rows of the unit cube: children of pairs of parents, by crossover and mutation.

Numbers take simulated binary crossover and polynomial mutation, by the functions of `pymoo`. Categories, which have no between, are
exchanged between the parents with even odds and mutate to any other level.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from surrogates.columns import Columns

Array = NDArray[np.float64]

_EVEN = 0.5  # odds that two parents cross in a column, and that their children change places in it
_ETA_MUTATION = 20.0


@dataclass(frozen=True, slots=True)
class Variation:
    """How children differ from their parents.

    Args:
        columns: What the columns are.
        eta: Distribution index of the crossover: the larger, the nearer children are to their parents.
        share: Of the pairs that cross at all.

    Source: Deb and Agrawal (1995), Complex Systems 9, for the crossover; Deb and Goyal (1996) for the mutation, with index 20 and one
    column a child on average, in at most half of them.
    """

    columns: Columns
    eta: float
    share: float

    def children(self, parents: Array, rng: np.random.Generator) -> Array:
        """Two children of each pair (`2 x k x d`, unit cube): ``2k x d``, the first ones of all pairs before the second ones."""
        from pymoo.operators.crossover.sbx import cross_sbx
        from pymoo.operators.mutation.pm import mut_pm

        _, k, d = parents.shape
        categories = self.columns.indices("categorical")
        numbers = [i for i in range(d) if i not in categories]
        low, high, even = np.zeros(len(numbers)), np.ones(len(numbers)), np.full((k, 1), _EVEN)
        crossing = rng.random((k, 1)) < self.share
        children = parents.copy()
        if numbers:
            crossed = cross_sbx(parents[:, :, numbers], low, high, np.full((k, 1), self.eta), even, even, random_state=rng)
            children[:, :, numbers] = np.where(crossing, crossed, parents[:, :, numbers])
        for i in categories:
            swapped = crossing[:, 0] & (rng.random(k) < _EVEN)
            children[:, swapped, i] = parents[::-1, swapped, i]
        children = children.reshape(2 * k, d)
        rate = min(_EVEN, 1 / d)
        if numbers:
            etas, rates = np.full(2 * k, _ETA_MUTATION), np.full(2 * k, rate)
            children[:, numbers] = mut_pm(children[:, numbers], low, high, etas, rates, at_least_once=False, random_state=rng)
        for i in categories:
            hit = rng.random(2 * k) < rate
            children[hit, i] = other_levels(children[hit, i], self.columns[i].levels, rng)
        return children


def other_levels(u: Array, levels: Sequence[float], rng: np.random.Generator) -> Array:
    """For each of `n` values of a categorical column, another of its levels, all of these with even odds."""
    centres = np.asarray(levels)
    if len(centres) == 1:
        return u
    here = np.abs(u[:, None] - centres).argmin(axis=1)
    return np.asarray(centres[(here + rng.integers(1, len(centres), len(u))) % len(centres)])
