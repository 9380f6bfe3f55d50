"""What methods that own phases of queries share: what they run on, where they start, what they wait for, and where points were run."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from bbo.log.ledger import Record
from bbo.log.states import State
from bbo.problem import Problem
from bbo.space import Array, Fixed, Float, Int, Space

_WAITED_FOR = frozenset({State.QUEUED, State.PENDING})


def one_objective_on_a_box(problem: Problem) -> str | None:
    """None for one measured objective over floats, integers and arrays between bounds, without conditions; else the reason."""
    if len(problem.objectives) > 1:
        return f"it minimizes one objective, and there are {len(problem.objectives)}"
    if problem.objectives[0].feedback == "ranking":
        return "it needs values, and the study is told rankings"
    space = problem.space
    for name, parameter in space.parameters.items():
        if parameter.role != "decision":
            return f"it searches decisions only, and {name!r} is a {parameter.role} parameter"
        if isinstance(parameter, Array) and not parameter.fills(parameter.convex):
            return f"it searches boxes, and {name!r} is an array within another set"
        if not isinstance(parameter, (Float, Int, Array, Fixed)):
            return f"it searches numbers only, and {name!r} is a {type(parameter).__name__}"
        if parameter.when is not None:
            return f"it cannot leave parameters out, and {name!r} is conditional"
    if space.constraints:
        return f"it cannot keep known constraints, and there is {str(space.constraints[0])!r}"
    return None


def best_known(problem: Problem, records: Iterable[Record]) -> list[float]:
    """Where to begin: the best feasible point among trials (in the cube), or the middle of it."""
    found = [
        record
        for record in records
        if record.state is State.DONE and not record.outside and problem.feasible(record.values) and problem.space.contains(record.params)
    ]
    if not found:
        return [0.5] * problem.space.d
    best = min(found, key=lambda record: (problem.losses(record.values)[0], record.number))
    return [float(u) for u in problem.space.encode([best.params])[0]]


def awaited(records: Iterable[Record]) -> bool:
    """Whether a result of any of these trials may still come."""
    return any(record.state in _WAITED_FOR for record in records)


def executed(space: Space, latent: NDArray[np.float64], record: Record) -> NDArray[np.float64]:
    """The latent point (`d`, unit cube) of a ticket, in the columns where what was run differs from the plan moved to what was run."""
    if record.params == record.planned:
        return latent
    planned, run = space.encode([record.planned, record.params])
    moved = planned != run
    latent = latent.copy()
    latent[moved] = run[moved].clip(0, 1)
    return latent
