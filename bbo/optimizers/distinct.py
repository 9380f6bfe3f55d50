"""Points that are not known yet, from a stream of points: no accidental duplicates, and an end where a finite space is done."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import Any

import numpy as np

from bbo.optimizers.history import History

TRIES = 64
"""Draws that may meet known points before a finite space is enumerated instead (a random order of what is left)."""

ENUMERABLE = 200_000
"""Spaces of more points are never enumerated: there a duplicate after so many tries is accepted as deliberate repetition."""


def distinct(
    history: History,
    n: int,
    draw: Callable[[int], Mapping[str, Any]],
    *,
    fixed: Mapping[str, Any],
    rng: Callable[[int], np.random.Generator],
) -> list[tuple[int, dict[str, Any]]]:
    """Up to n points that are neither known nor equal to each other, each with the number of its draw.

    Args:
        history: What is known, and where the draws stand.
        n: How many points at most; fewer come back only when a finite space has no more.
        draw: Makes the feasible point of a draw's number.
        fixed: Parameters that are set: the enumeration keeps to them.
        rng: Random numbers of a draw, for the choice among what is left.
    """
    space = history.problem.space
    number, points = history.draws, list[tuple[int, dict[str, Any]]]()
    taken: set[Hashable] = set()

    def fresh(params: Mapping[str, Any]) -> bool:
        return space.key(params) not in taken and not history.known(params)

    while len(points) < n:
        params: Mapping[str, Any] = {}
        for _ in range(TRIES):
            params, number = draw(number), number + 1
            if fresh(params):
                break
        else:
            if space.cardinality is not None and space.cardinality <= ENUMERABLE:
                left = [params for params in _with(space.enumerate(), fixed) if fresh(params)]
                if not left:
                    break
                params = left[int(rng(number - 1).integers(len(left)))]
        points.append((number - 1, dict(params)))
        taken.add(space.key(params))
    return points


def _with(points: Iterator[dict[str, Any]], fixed: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    return (params for params in points if all(params.get(name) == value for name, value in fixed.items()))
