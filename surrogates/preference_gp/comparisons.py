"""From rankings to comparisons of two."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Rows = NDArray[np.intp]


@dataclass(frozen=True, slots=True, order=True)
class Order:
    """A ranking of some rows.

    Args:
        tiers: Rows, best tier first; those of a tier are equally good.
        rest: Rows that all of these beat, and of whose order among themselves nothing is said.
    """

    tiers: tuple[tuple[int, ...], ...]
    rest: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Comparisons:
    """What rankings say of two rows each, in an order that does not depend on how they came in.

    Args:
        better: The rows that won, or the first of two that are equally good, `c`.
        worse: The others, `c`.
        tied: Whether they are equally good, `c`.
        ranking: The ranking that says it, `c`.
    """

    better: Rows
    worse: Rows
    tied: NDArray[np.bool_]
    ranking: Rows

    def __len__(self) -> int:
        return len(self.better)

    @classmethod
    def of(cls, orders: Iterable[Order]) -> Comparisons:
        """Each row of a tier beats each one of the next tier, or of the rest after the last; neighbours within a tier are tied.

        So k single rows make a chain of k - 1 comparisons, from which all others follow.
        """
        found: list[tuple[int, int, bool, int]] = []
        for number, order in enumerate(sorted(orders)):
            tiers = [tuple(sorted(tier)) for tier in (*order.tiers, order.rest) if tier]
            found += [(a, b, False, number) for above, below in pairwise(tiers) for a in above for b in below]
            found += [(a, b, True, number) for tier in order.tiers for a, b in pairwise(sorted(tier))]
        columns = np.array(found, dtype=np.intp).reshape(-1, 4).T
        return cls(columns[0], columns[1], columns[2].astype(bool), columns[3])

    def of_utilities(self, n: int) -> Array:
        """B with ``B f`` the differences of n utilities f, better less worse, `c x n`."""
        return _differences(self.better, self.worse, n)

    def of_errors(self) -> Array:
        """The covariance of the differences of what is judged, for errors of variance one: each ranking sees each row once, `c x c`."""
        seen, places = np.unique(
            np.stack([np.tile(self.ranking, 2), np.concatenate([self.better, self.worse])]), axis=1, return_inverse=True
        )
        better, worse = places.reshape(2, len(self))
        A = _differences(better, worse, seen.shape[1])
        return A @ A.T


def _differences(plus: Rows, minus: Rows, n: int) -> Array:
    matrix = np.zeros((len(plus), n))
    rows = np.arange(len(plus))
    matrix[rows, plus] += 1.0
    matrix[rows, minus] -= 1.0
    return matrix
