"""Points among which an acquisition function chooses: feasible and new by construction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from bbo.optimizers.history import History
from bbo.space import Space

POOL = 2_000
"""Points of a pool. Finite spaces of no more points are taken whole."""

NEIGHBOURS = 60
"""Neighbours of each incumbent in a pool."""

_THIN = 0.02
"""Share of feasible points below which they are made one by one, by programming: pools are ten times smaller there."""

Params = dict[str, Any]


def pool(
    history: History,
    leaders: Sequence[Params],
    rng: np.random.Generator,
    *,
    fixed: Mapping[str, Any],
    size: int = POOL,
    beside: Iterable[Params] = (),
) -> list[Params]:
    """Different points that are not known yet: neighbours of the leaders and uniform ones, or all that is left of a small space.

    Args:
        history: What is known.
        leaders: Feasible points worth a closer look around.
        rng: Source of the draws.
        fixed: Parameters that are set.
        size: About how many points.
        beside: Further points that count as known.

    Raises:
        OutOfRange: No feasible point with the fixed values was found.
    """
    space = history.problem.space
    if whole(space):
        every = (held(space, point, fixed) for point in space.enumerate())
        return fresh(history, (point for point in every if point is not None), beside=beside)
    size = size // _scarcity(space)
    near = around(space, leaders, rng, fixed=fixed)
    return fresh(history, [*near, *space.sample(max(size - len(near), size // 2), rng, fixed=fixed)], beside=beside)


def whole(space: Space) -> bool:
    """Whether a pool holds every point of the space that is left."""
    return space.cardinality is not None and space.cardinality <= POOL


def around(space: Space, points: Iterable[Params], rng: np.random.Generator, *, fixed: Mapping[str, Any]) -> list[Params]:
    """Feasible neighbours of feasible points, with the fixed values held."""
    each = NEIGHBOURS // _scarcity(space)
    near = (held(space, other, fixed) for point in points for other in space.neighbours(point, rng, each))
    return [point for point in near if point is not None]


def _scarcity(space: Space) -> int:
    return 1 if space.acceptance >= _THIN else 10


def fresh(history: History, points: Iterable[Params], *, beside: Iterable[Params] = ()) -> list[Params]:
    """The points that are neither known nor among those `beside`, each once, in order."""
    key = history.problem.space.key
    taken = {key(point) for point in beside}
    new = []
    for point in points:
        if not history.known(point) and (identity := key(point)) not in taken:
            taken.add(identity)
            new.append(point)
    return new


def held(space: Space, point: Params, fixed: Mapping[str, Any]) -> Params | None:
    """The point with the fixed values in it; None where that is no feasible point of the space."""
    if not fixed:
        return point
    moved = {**point, **fixed}
    active = space.active(moved)
    if not set(fixed) <= set(active) <= moved.keys():
        return None
    moved = {name: moved[name] for name in active}
    return moved if space.satisfies(moved) else None
