"""Which of very many trials a model is fitted to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from bbo.problem import Problem


class Placed(Protocol):
    """What has a point."""

    @property
    def params(self) -> Mapping[str, Any]:
        """Native values."""


T = TypeVar("T", bound=Placed)

MOST = 2_000
"""Finished trials up to which all are fitted; a fit costs their cube."""

KEPT = 1_000
"""Trials fitted beyond that: half of them the best, the others spread over the space."""

_DRAWN = 4_000  # of the others, among which those far apart are looked for


def chosen(problem: Problem, records: Sequence[T], losses: NDArray[np.float64], *, kept: int | None = None) -> list[T]:
    """So many of the records, in their order: the best by the sum of their ranks, and ones far apart from each other.

    The second half grows by farthest-point traversal (Gonzalez 1985) from a random draw.

    Args:
        problem: What is optimized.
        records: More than are kept.
        losses: Theirs, `n x m`.
        kept: How many; None means `KEPT`.
    """
    kept = KEPT if kept is None else kept
    ranks = losses.argsort(axis=0, kind="stable").argsort(axis=0, kind="stable").sum(axis=1)
    order = ranks.argsort(kind="stable")
    best, others = order[: kept // 2], np.sort(order[kept // 2 :])
    rng = problem.rng("bayes", "thinning")
    drawn = np.sort(rng.choice(others, min(_DRAWN, len(others)), replace=False))
    X = problem.space.encode([records[i].params for i in drawn])
    apart = [0]
    distance = np.sum((X - X[0]) ** 2, axis=1)
    while len(apart) < kept - len(best):
        farthest = int(np.argmax(distance))
        apart.append(farthest)
        distance = np.minimum(distance, np.sum((X - X[farthest]) ** 2, axis=1))
        distance[farthest] = -1.0
    return [records[i] for i in np.sort(np.concatenate([best, drawn[apart]]))]
