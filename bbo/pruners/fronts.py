"""Who stands before whom with several objectives: by nondominated front, and within a front by what spreads best.

Nothing here depends on the objectives' scales: fronts follow from the order of the values alone, and distances are taken between
ranks. With one objective the fronts are the distinct values, and all orders are those of the values.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from bbo.best import nondominated


def fronts(losses: NDArray[np.float64]) -> Iterator[NDArray[np.intp]]:
    """The rows that no other row dominates, then those of the rest that no other one of the rest dominates, and so on.

    Nondominated sorting, K. Deb et al., "A Fast and Elitist Multiobjective Genetic Algorithm: NSGA-II" (IEEE Transactions on
    Evolutionary Computation 6, 2002), section III.A. Equal rows stand in one front.

    Args:
        losses: ``n x m``, minimized.

    Yields:
        Row numbers, ascending; every row in one front.
    """
    left = np.arange(len(losses))
    while len(left):
        first = nondominated(losses[left])
        yield left[first]
        left = left[~first]


def ahead(own: NDArray[np.float64], others: NDArray[np.float64]) -> int:
    """How many of the others stand in a better front than the best of one's own vectors would among them.

    It is 0 where one of them is dominated by none of the others.

    Args:
        own: ``r x m``, minimized; r at least 1.
        others: ``n x m``.
    """
    own = own[nondominated(own)]
    count = 0
    for front in fronts(others):
        if nondominated(np.vstack([own, others[front]]))[: len(own)].any():
            break
        count += len(front)
    return count


def among_best(losses: NDArray[np.float64], i: int, places: int) -> bool:
    """Whether row i is among so many best: better fronts first, of the front that does not fit in whole those that spread best.

    The first front is always in, however large it is, and of equal rows all are in or none.

    Args:
        losses: ``n x m``, minimized.
        i: A row.
        places: At least 1.

    Raises:
        IndexError: There is no row i.
    """
    before = 0
    for k, front in enumerate(fronts(losses)):
        if i in front:
            return k == 0 or before + len(front) <= places or before + _ahead_in_front(_ranks(losses), front, i) < places
        before += len(front)
        if before >= places:
            return False
    raise IndexError(f"row {i} of {len(losses)}")


def spread(points: NDArray[np.intp]) -> list[int]:
    """An order in which every beginning of it covers the points well: an epsilon-net.

    Always the point farthest from those before it (K. L. Clarkson, "Nearest-Neighbor Searching and Metric Space Dimensions", 2005). It
    begins with the least sum, the best compromise; of equally far ones the lesser sum comes first, then the lexicographically
    lesser row: the order is one of the points, whatever order they come in.

    Args:
        points: Distinct rows, ``n x m``, n at least 1. Integers, so that equal distances are equal.

    Returns:
        Row numbers.
    """
    by_sum = np.lexsort((*points.T[::-1], points.sum(axis=1)))
    points = points[by_sum]
    order = [0]
    gaps = ((points - points[0]) ** 2).sum(axis=1)
    while len(order) < len(points):
        order.append(int(gaps.argmax()))
        gaps = np.minimum(gaps, ((points - points[order[-1]]) ** 2).sum(axis=1))
    return [int(by_sum[k]) for k in order]


def _ranks(losses: NDArray[np.float64]) -> NDArray[np.intp]:
    """In each column, how many rows are less: distances then count the rows between, and no scale and no outlier has a say."""
    return np.stack([np.searchsorted(np.sort(column), column) for column in losses.T], axis=1)


def _ahead_in_front(ranks: NDArray[np.intp], front: NDArray[np.intp], i: int) -> int:
    """How many rows of a front come before row i in its epsilon-net. Equal rows hold one place together."""
    distinct, which, counts = np.unique(ranks[front], axis=0, return_inverse=True, return_counts=True)
    own = int(which.reshape(-1)[np.flatnonzero(front == i)[0]])
    order = spread(distinct)
    return int(counts[order[: order.index(own)]].sum())
