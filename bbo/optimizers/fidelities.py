"""Fidelities and sources as a model's inputs: what an evaluation costs, and what is known, seen at the target."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from acquisitions.learnt_cost import LearntCost
from acquisitions.per_cost import ColumnCost, LogPerCost
from acquisitions.protocol import Acquisition
from bbo.optimizers.candidates import Params, held
from bbo.problem import Problem
from bbo.space import Fidelity, Source, Space
from surrogates.columns import Role

Array = NDArray[np.float64]

ROLES: tuple[Role, ...] = ("fidelity", "source")

_LEAST_GAIN = float(np.log(1e-5))  # of the model's units, in which outcomes have standard deviation one

_KNOTS = 65  # between which the cost of a range of fidelities is linear in its encoded value


def refusal(problem: Problem) -> str | None:
    """Why the fidelities and sources of a problem cannot be modelled; None where they can, or where there are none."""
    names = [name for name, role in problem.space.roles.items() if role in ROLES]
    if len(names) > 1:
        return f"it models one fidelity or source, and there are {', '.join(map(repr, names))}"
    if names and problem.space.parameters[names[0]].when is not None:
        return f"it models fidelities and sources that are always active, and {names[0]!r} has a condition"
    if names and len(problem.objectives) > 1:
        return f"with a {problem.space.roles[names[0]]} it takes one objective, and there are {len(problem.objectives)}"
    return None


def ranges(space: Space) -> list[str]:
    """Names of the fidelities that are a range of numbers and no named levels."""
    return [name for name, p in space.parameters.items() if isinstance(p, Fidelity) and not isinstance(p.low, Mapping)]


def leveled(space: Space) -> bool:
    """Whether there are named levels or sources, each a multiple of another and a discrepancy in the model."""
    return bool(space.targets) and not ranges(space)


def _chosen(space: Space) -> tuple[str, Any] | None:
    """The fidelity or source of a space, by name; None where it has none."""
    return next(((name, space.parameters[name]) for name, role in space.roles.items() if role in ROLES), None)


def cost(space: Space) -> ColumnCost | None:
    """What an evaluation costs by its fidelity or source; None where the space has none."""
    if (chosen := _chosen(space)) is None:
        return None
    name, parameter = chosen
    (index,) = space.columns_of(name)
    levels = space.columns[index].levels
    knots = np.array(levels) if levels else np.linspace(0.0, 1.0, _KNOTS)
    costs = [parameter.cost_at(value) for value in parameter.decode(knots[:, None])]
    return ColumnCost(index, tuple(knots.tolist()), tuple(costs))


def design(space: Space) -> list[Any]:
    """Fidelities or sources of an initial design, one a point, in its order; none where the space has none.

    Named ones, of a range both ends and the middle, but below the target none that costs more than half of it. Of a cheap one there are
    as many points as a design of the decisions alone has, twice as many where all of these together cost no more than one at the
    target; at the target half as many.
    """
    if (chosen := _chosen(space)) is None:
        return []
    _, parameter = chosen
    named = parameter.levels if isinstance(parameter, Source) else parameter.low
    values = list(named) if isinstance(named, Mapping) else parameter.decode(np.array([[0.0], [0.5], [1.0]]))
    each, dear = points(sum(column.role == "decision" for column in space.columns)), parameter.cost_at(values[-1])
    counts = {
        value: 2 * each if 2 * each * cost <= dear else each for value in values[:-1] if (cost := parameter.cost_at(value)) <= 0.5 * dear
    }
    counts[values[-1]] = (each + 1) // 2 if counts else each
    spread = [((k + 0.5) / count, place, value) for place, (value, count) in enumerate(counts.items()) for k in range(count)]
    return [value for *_, value in sorted(spread, key=lambda entry: entry[:2])]


def points(decisions: int) -> int:
    """Points of an initial design of so many decisions: one more, 5 to 10."""
    return min(max(5, decisions + 1), 10)


def turn(space: Space, number: int) -> dict[str, Any]:
    """At which fidelity or source the point of that number in an initial design is."""
    if not (values := design(space)):
        return {}
    (name,) = space.targets
    return {name: values[number % len(values)]}


def at_target(space: Space, points: Iterable[Mapping[str, Any]]) -> list[Params]:
    """The points moved to the target, each once, without those that a known constraint forbids there."""
    if not (targets := space.targets):
        return [dict(point) for point in points]
    moved = (held(space, dict(point), targets) for point in points)
    return list({space.key(point): point for point in moved if point is not None}.values())


def is_target(space: Space, params: Mapping[str, Any]) -> bool:
    """Whether a point is the real thing."""
    return all(params.get(name) == value for name, value in space.targets.items())


def due_at_target(space: Space, points: Iterable[Mapping[str, Any]], acquisition: Acquisition | None = None) -> bool:
    """Whether more was spent elsewhere than at the target, where half of the cost belongs: a model of what is cheap may mislead for long.

    Where the acquisition function rests on learnt costs, these count.

    Dragonfly keeps a quarter to a half of the evaluations of BOCA at the target likewise (Kandasamy et al. 2020, arXiv:1903.06694).
    """
    if (chosen := _chosen(space)) is None:
        return False
    name, parameter = chosen
    points = list(points)
    costs = [parameter.cost_at(point[name]) for point in points]
    if isinstance(acquisition, LogPerCost) and isinstance(acquisition.cost, LearntCost):
        costs = np.exp(acquisition.cost.log(space.encode(points))[0]).tolist()
    balance = math.fsum((-1.0 if is_target(space, point) else 1.0) * cost for point, cost in zip(points, costs, strict=True))
    return balance > 0


def settled(acquisition: Acquisition, x: Array) -> bool:
    """Whether the best evaluation, at x (`1 x d`), is worth next to nothing, whatever it costs.

    More of them would crowd around points that are known, until the fit goes by their last digits.
    """
    return isinstance(acquisition, LogPerCost) and bool(acquisition.acq.value(x)[0] < _LEAST_GAIN)
