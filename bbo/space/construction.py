"""Feasible points where few random ones are feasible.

First by linear programming and hit-and-run at random skeletons, with levels and supports settled by mixed-integer programming; then, for
what is not linear, by descent on the violation from a random start; last by a walk from a feasible point that is known already.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from acquisitions.domain.errors import EmptyDomain
from bbo.errors import OutOfRange
from bbo.space.drawing import candidates, draws
from bbo.space.linear_system import LinearSystem, linear_system
from bbo.space.milp import nearest_feasible
from bbo.space.parameter import Array
from bbo.space.repair import descend, walk

if TYPE_CHECKING:
    from acquisitions.domain.polytope import Polytope
    from bbo.space.space import Params, Space

_ROUNDS = 6  # skeletons tried for one point
_EXTRA = 16  # points of one polytope tried against constraints that are not linear
_MAX_POLYTOPES = 256


def construct(space: Space, n: int, rng: np.random.Generator, fixed: Mapping[str, Any]) -> list[Params]:
    """`n` feasible points with the `fixed` values.

    Raises:
        OutOfRange: None was found; cannot happen in a space that was constructed, without `fixed`.
    """
    points = by_programming(space, n, rng, fixed, held=fixed)
    while len(points) < n:
        points.append(_by_search(space, rng, fixed))
    return points


def by_programming(space: Space, n: int, rng: np.random.Generator, near: Mapping[str, Any], *, held: Mapping[str, Any]) -> list[Params]:
    """Up to `n` feasible points with the `held` values, from linear programming at random skeletons with the values `near`."""
    points: list[Params] = []
    if not any(known.parts for known in space._known):
        return points
    for _ in range(_ROUNDS):
        if len(points) == n:
            break
        groups: dict[bytes, tuple[Polytope, list[LinearSystem]]] = {}
        for skeleton in candidates(space, rng.random((n - len(points), draws(space))), near):
            if skeleton is None:
                continue
            system = linear_system(space, skeleton, held)
            if not system.variables:
                points += [skeleton] if space._keeps(skeleton) else []
                continue
            if system.refuted(space) or _refuted(space, system):
                continue
            polytope = polytope_of(space, system, *_choose_supports(system, rng))
            groups.setdefault(_key(polytope), (polytope, []))[1].append(system)
        for polytope, systems in groups.values():
            points += _finish(space, polytope, systems, rng)
    return points


def _refuted(space: Space, system: LinearSystem) -> bool:
    """Whether it is proved that no values keep the system, so that no time is spent on its other skeletons."""
    if len(space._refuted) >= _MAX_POLYTOPES:
        space._refuted.clear()
    parts = (system.A, system.b, system.E, system.e, system.low, system.high)
    key = (_bytes(*parts), system.whole, system.supports)
    if key not in space._refuted:
        space._refuted[key] = nearest_feasible(system, (system.low + system.high) / 2).proved_empty
    return space._refuted[key]


def _finish(space: Space, polytope: Polytope, systems: list[LinearSystem], rng: np.random.Generator) -> list[Params]:
    try:
        starts = polytope.sample(len(systems), rng)
    except EmptyDomain:  # levels and supports have to be chosen together with the rest
        starts = polytope.low + rng.random((len(systems), len(polytope.low))) * (polytope.high - polytope.low)
    points: list[Params] = []
    for system, start in zip(systems, starts, strict=True):
        point = system.point(start, space)
        if not _kept(space, system, point, exact=True):
            settled = _settle(space, system, start, rng)
            if settled is None:
                continue
            point = settled
        points.append(point)
    return points


def _settle(space: Space, system: LinearSystem, target: Array, rng: np.random.Generator) -> Params | None:
    """A feasible point whose levels and supports are those of the feasible values nearest to the target."""
    polytope = settled_polytope(space, system, target)
    if polytope is None:
        return None
    try:
        tries = polytope.sample(_EXTRA, rng)
    except EmptyDomain:
        return None
    points = [system.point(x, space) for x in tries]
    exact = next((point for point in points if _kept(space, system, point, exact=True)), None)
    return exact or next((point for point in points if _kept(space, system, point)), None)


def _kept(space: Space, system: LinearSystem, point: Params, *, exact: bool = False) -> bool:
    return system.holds(point, space) and space._keeps(point, exact=exact)


def settled_polytope(space: Space, system: LinearSystem, target: Array) -> Polytope | None:
    """The polytope of what may still move once levels and supports are those of the feasible values nearest to `target`.

    None when there are no feasible values, or none were found.
    """
    low, high = system.low, system.high
    linked = system.linked
    if system.supports or set(linked) & set(system.whole):
        found = nearest_feasible(system.among(linked), target[list(linked)]).x
        if found is None:
            return None
        target = target.copy()
        target[list(linked)] = found
    for i in system.whole:
        step = system.variables[i].step or 1.0
        low[i] = high[i] = min(max(low[i] + step * round((target[i] - low[i]) / step), low[i]), high[i])
    for support in system.supports:
        members = np.array(support.members)
        used = np.abs(target[members]) > max(1e-6 * float(np.max(system.high[members])), 0.5 * support.least)
        for i in members[~used]:
            low[i] = high[i] = 0.0
        for i in members[used]:
            low[i] = max(low[i], min(support.least, high[i])) if support.least > 0 else low[i]
    return polytope_of(space, system, low, high)


def polytope_of(space: Space, system: LinearSystem, low: Array, high: Array) -> Polytope:
    """The polytope of a system between bounds, the same object for equal ones as long as it is remembered."""
    polytope = system.polytope(low, high)
    if len(space._polytopes) >= _MAX_POLYTOPES:
        space._polytopes.clear()
    return space._polytopes.setdefault(_key(polytope), polytope)


def _key(polytope: Polytope) -> bytes:
    return _bytes(polytope.A, polytope.b, polytope.E, polytope.e, polytope.low, polytope.high)


def _bytes(*parts: Array) -> bytes:
    return b"".join(np.int64(part.size).tobytes() + part.tobytes() for part in parts)


def _choose_supports(system: LinearSystem, rng: np.random.Generator) -> tuple[Array, Array]:
    """Bounds under which random members of each support, as many as allowed, may be other than zero."""
    low, high = system.low, system.high
    for support in system.supports:
        order = rng.permutation(np.array(support.members))
        for i in order[: support.most]:
            low[i] = max(low[i], support.least) if support.least > 0 else low[i]
        for i in order[support.most :]:
            low[i] = high[i] = 0.0
    return low, high


def _by_search(space: Space, rng: np.random.Generator, fixed: Mapping[str, Any]) -> Params:
    descends = any(known.parts for known in space._known)  # a callable gives no slope
    for start in candidates(space, rng.random((2 if descends else 0, draws(space))), fixed):
        found = None if start is None else descend(space, start, rng, fixed)
        if found is not None:
            return found
    if space._witness is not None and all(space._witness.get(name) == value for name, value in fixed.items()):
        return walk(space, space._witness, rng, fixed)
    for start in candidates(space, rng.random((500, draws(space))), fixed):
        if start is not None and space._keeps(start):
            return start
    for start in candidates(space, rng.random((5, draws(space))), fixed):
        found = None if start is None else descend(space, start, rng, fixed, budget=1500)
        if found is not None:
            return found
    raise OutOfRange(f"no feasible point was found with fixed={dict(fixed)!r}" if fixed else "no feasible point was found")
