"""Random and quasi-random feasible points."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from bbo.space.constraints import Condition
from bbo.space.construction import by_programming, construct
from bbo.space.drawing import candidates, draws
from bbo.space.linear_system import number
from bbo.space.parameter import Array

if TYPE_CHECKING:
    from bbo.space.space import Params, Space

_TRIES = 50  # random points tried before a feasible one is constructed by programming
_MORE_TRIES = 1000  # ... before one is searched for, where not everything can be programmed
_BATCH = (16, 256)


def sample(space: Space, n: int, rng: np.random.Generator, *, fixed: Mapping[str, Any] | None = None) -> list[Params]:
    """See `Space.sample`."""
    held = check_fixed(space, fixed)
    if not (space._known and space._tree.conditions):
        return _sample(space, n, rng, held)
    return [_in_branch(space, point, rng, held) for point in candidates(space, rng.random((n, draws(space))), held)]


def _in_branch(space: Space, point: Params | None, rng: np.random.Generator, held: Mapping[str, Any]) -> Params:
    """The point if it is feasible, else a feasible one of the same branch of the tree, else any feasible one.

    So a branch in which feasible points are rare is not lost among those in which they are many.
    """
    if point is not None:
        if space._keeps(point, exact=True):
            return point
        branch = {**held, **{name: point[name] for name in space._tree.inner if name in point}}
        if _barren(space, point, branch):
            return _sample(space, 1, rng, held)[0]
        for other in candidates(space, rng.random((_TRIES, draws(space))), branch):
            if other is not None and space._keeps(other, exact=True):
                return other
        if found := by_programming(space, 1, rng, branch, held=held):
            return found[0]
    return _sample(space, 1, rng, held)[0]


def _barren(space: Space, point: Params, branch: Params) -> bool:
    """Whether a constraint on the branch's choices and on constants alone fails."""
    settled = {
        name for name in point if space.parameters[name].cardinality == 1 or (name in branch and number(space.parameters[name]) is None)
    }
    flat = {name for name, owner in space._tree.owner.items() if owner in settled}
    env = space._tree.env(point)
    return any(isinstance(known, Condition) and known.names <= flat and not known.holds(env) for known in space._known)


def _sample(space: Space, n: int, rng: np.random.Generator, held: Mapping[str, Any]) -> list[Params]:
    points: list[Params] = []
    tried = 0
    enough = _TRIES if all(known.linear for known in space._known) else _MORE_TRIES
    rejects = bool(space._known or held)
    while len(points) < n:
        batch = min(max(n - len(points), _BATCH[0], tried), _BATCH[1]) if rejects else n
        U = rng.random((batch, draws(space)))
        points += [point for point in candidates(space, U, held) if point is not None and space._keeps(point, exact=True)]
        tried += batch
        if len(points) < n and len(points) * enough < tried:
            points += construct(space, n - len(points), rng, held)
    return points[:n]


def sobol(space: Space, n: int, *, seed: int, start: int = 0, fixed: Mapping[str, Any] | None = None) -> list[Params]:
    """See `Space.sobol`."""
    held = check_fixed(space, fixed)
    points: list[Params] = []
    for i, point in enumerate(candidates(space, sobol_points(n, draws(space), seed, start), held), start):
        if point is not None and space._keeps(point, exact=True):
            points.append(point)
        else:
            points.append(_in_branch(space, point, np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, i]))), held))
    return points


def sobol_points(n: int, d: int, seed: int, start: int = 0) -> Array:
    """Points `start` to ``start + n - 1`` (`n x d`) of the Sobol sequence scrambled by `seed` (Owen 1998, as in SciPy)."""
    if d == 0 or n == 0:
        return np.empty((n, d))
    from scipy.stats.qmc import Sobol

    engine = Sobol(d, scramble=True, rng=np.random.default_rng(seed))
    if start > 0:
        engine.fast_forward(start)
        return np.asarray(engine.random(n))
    return np.vstack([engine.random(1), engine.random(n - 1)]) if n > 1 else np.asarray(engine.random(1))


def check_fixed(space: Space, fixed: Mapping[str, Any] | None) -> Params:
    """`fixed` in canonical form.

    Raises:
        OutOfRange: It is not part of a legal point.
    """
    return space.validate(fixed, partial=True, what="fixed") if fixed else {}
