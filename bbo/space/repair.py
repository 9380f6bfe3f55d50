"""From an infeasible point to a feasible one, and from a feasible one onward, for constraints of any form."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from bbo.space.constraints import Condition
from bbo.space.expressions import Compare, Expression, Logic
from bbo.space.mutation import mutate

if TYPE_CHECKING:
    from bbo.space.space import Params, Space

_STEPS = 40  # of a walk


def violation(space: Space, params: Mapping[str, Any]) -> float:
    """How far the known constraints are from holding: 0 where all hold, relative to the size of what is compared."""
    env = space._tree.env(params)
    total = 0.0
    for known in space._known:
        if known.holds(env if isinstance(known, Condition) else params):
            continue
        parts = [_excess(part, env) for part, _, _ in known.parts]
        total += max(math.fsum(parts), 1e-300) if parts else 1.0
    return total


def _excess(node: Expression, env: Mapping[str, Any]) -> float:
    match node:
        case Logic("and", arguments):
            return math.fsum(_excess(argument, env) for argument in arguments)
        case Logic("or", arguments):
            return min(_excess(argument, env) for argument in arguments)
        case Compare((_,), (left, right)):
            a, b = left.evaluate(env), right.evaluate(env)
            if node.evaluate(env):
                return 0.0
            if not all(isinstance(value, (int, float)) and math.isfinite(value) for value in (a, b)):
                return 1.0
            return float(max(abs(a - b) / (1e-12 + abs(a) + abs(b)), 1e-300))
    return 0.0 if node.evaluate(env) else 1.0


def descend(space: Space, start: Params, rng: np.random.Generator, fixed: Mapping[str, Any], *, budget: int = 250) -> Params | None:
    """A feasible point by random steps that never increase the violation, growing on success and shrinking on failure.

    None when the budget of evaluations is used up.
    """
    current, worst, scale = start, violation(space, start), 0.3
    for _ in range(budget):
        if worst == 0.0:
            return current
        trial = mutate(space, current, rng, scale, fixed)
        value = violation(space, trial)
        scale = min(1.5 * scale, 0.5) if value < worst else max(0.87 * scale, 1e-12)
        if value <= worst:
            current, worst = trial, value
    return current if worst == 0.0 else None


def walk(space: Space, start: Params, rng: np.random.Generator, fixed: Mapping[str, Any]) -> Params:
    """The end of a random walk over feasible points."""
    current = start
    for _ in range(_STEPS):
        trial = mutate(space, current, rng, 10 ** rng.uniform(-3, 0), fixed)
        if space._keeps(trial):
            current = trial
    return current
