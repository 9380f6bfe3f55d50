"""Feasible points near a feasible point."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from acquisitions.domain.errors import EmptyDomain
from bbo.space.construction import settled_polytope
from bbo.space.linear_system import linear_system
from bbo.space.mutation import mutate

if TYPE_CHECKING:
    from bbo.space.space import Params, Space

_SCALES = (-3.0, -0.3)  # decimal exponents between which the size of a step is drawn, in ranges
_HALVINGS = 8
_PULLED = 0.3  # of the infeasible steps are brought back onto the linear constraints, the others shortened ...
_THIN = 0.05  # ... where fewer random points than these are feasible; elsewhere
_RARELY = 0.05  # of them, since shortening is cheaper
_TRIES = 20  # an asked neighbour, before the rest is drawn from the whole space
_ROUNDS = 20  # of drawing from the whole space


def neighbours(space: Space, params: Mapping[str, Any], rng: np.random.Generator, n: int) -> list[Params]:
    """See `Space.neighbours`."""
    base = space.validate(params)
    seen: set[Hashable] = {space.key(base)}
    found: list[Params] = []

    def keep(point: Params | None) -> None:
        if point is not None and (key := space.key(point)) not in seen:
            seen.add(key)
            found.append(point)

    for _ in range(_TRIES * n):
        if len(found) == n:
            return found
        keep(_step(space, base, rng))
    if space.cardinality is not None and space.cardinality <= 100 * n:
        others = list(space.enumerate())
        for i in rng.permutation(len(others)):
            if len(found) < n:
                keep(others[i])
        return found
    for _ in range(_ROUNDS):
        for point in space.sample(n - len(found), rng):
            keep(point)
    return found


def _step(space: Space, base: Params, rng: np.random.Generator) -> Params | None:
    scale = 10 ** rng.uniform(*_SCALES)
    pulled_share = _PULLED if space.acceptance < _THIN else _RARELY
    for _ in range(_HALVINGS):
        point = mutate(space, base, rng, scale, {})
        if space._keeps(point, exact=True):
            return point
        if rng.random() < pulled_share and (pulled := _pull_back(space, point, rng, scale)) is not None:
            return pulled
        scale /= 2
    return None


def _pull_back(space: Space, start: Params, rng: np.random.Generator, scale: float) -> Params | None:
    """A step in all numbers at once, brought back onto the linear constraints: how thin slices and equalities are walked."""
    system = linear_system(space, start, ())
    if not (system.variables and (len(system.b) or len(system.e))) or system.refuted(space):
        return None
    width = system.high - system.low
    least = np.array([2.0 * (variable.step or 0.0) for variable in system.variables])
    target = system.values(start, space) + np.maximum(scale * width, least) * rng.standard_normal(len(width))
    try:
        polytope = settled_polytope(space, system, target)
        if polytope is None:
            return None
        point = system.point(polytope.project(target[None, :])[0], space)
    except EmptyDomain:
        return None
    return point if system.holds(point, space) and space._keeps(point) else None
