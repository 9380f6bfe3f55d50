"""Points among which an acquisition function chooses: feasible and new by construction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bbo.optimizers.history import History
from bbo.space import Space

POOL = 2_000
"""Points of a pool. Finite spaces of no more points are taken whole."""

NEIGHBOURS = 60
"""Neighbours of each incumbent in a pool."""

SAMPLED = 500
"""Points of the space's own sampler that a maximizer is given where it draws none itself, see `hard`."""

_ACCEPTED = 0.1
"""Share of random points that keep the constraints, from which on they are drawn as arrays and thinned out."""

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


def hard(space: Space) -> bool:
    """Whether points are left to the space's own sampler: few keep the constraints, or to ask takes long, or the tree is not listed."""
    domain = space.cube
    if not (domain.opaque or (domain.constraints and domain.columns.discrete)):
        return False
    checks = any(callable(constraint) for constraint in space.constraints)
    return bool(domain.columns.unlisted) or checks or space.acceptance < _ACCEPTED


def standing(space: Space, fixed: Mapping[str, Any]) -> dict[int, float]:
    """Encoded values of the columns whose parameters are set."""
    found: dict[int, float] = {}
    for name, value in fixed.items():
        found |= dict(zip(space.columns_of(name), space.parameters[name].encode([value])[0].tolist(), strict=True))
    return found


def legal(space: Space, X: NDArray[np.float64], *, fixed: Mapping[str, Any]) -> list[Params]:
    """Encoded points as feasible points of the space with the fixed values, those that are such after rounding, in order.

    Fixed values are put in as they were given: through the unit cube they would come back with other last digits.
    """
    points = (held(space, point, fixed) for point in space.decode(X.clip(0.0, 1.0)))
    return [point for point in points if point is not None and space.satisfies(point)]


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
