"""What methods that own phases of queries share: what they can run on, where they start, and what they wait for."""

from __future__ import annotations

from collections.abc import Iterable

from bbo.log.ledger import Record
from bbo.log.states import State
from bbo.problem import Problem
from bbo.space import Array, Fixed, Float, Int

WAITED_FOR = frozenset({State.QUEUED, State.PENDING})
"""States in which a trial's result may still come, so that its phase stays open."""


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
