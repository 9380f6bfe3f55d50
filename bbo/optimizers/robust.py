"""Designs that meet more than one condition: which ones stand for an environment and for inexact settings, and what counts of them.

The measure is the problem's (`Objective.risk`); proposals and recommendations rest on the same conditions.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from acquisitions.quadrature import Standard, product
from acquisitions.risk_measures import RiskMeasure
from acquisitions.scenarios import Scenarios, Shift
from bbo.problem import Problem
from bbo.space import Float, Int, Normal, Space, Uniform
from bbo.space.constraints import Check
from surrogates.columns import Role

Array = NDArray[np.float64]

ROLES: tuple[Role, ...] = ("environment",)

REACH = 4.0
"""Standard deviations at which normal distributions are cut off, as `bbo.Normal` is."""

MOST = 64
"""Conditions, at most, where distributions are continuous."""

_ONE = {"expectation": 16, "var": 32, "cvar": 32, "worst_case": 17}
"""Nodes of a single distribution.

Sixteen integrate an RBF kernel of length scale 0.1 over the side of the cube to 3e-8 of its variance, and of 0.05 to 1e-3, where twelve
leave 1e-5 and 1e-2 (over a uniform distribution; a normal one, whose standard deviation is an eighth of the side, is easier).
"""

_FEWEST = {"expectation": 4, "worst_case": 3}
"""Nodes a distribution below which the product of several rules gives way to low-discrepancy points; where tails count, at once."""


def environments(space: Space) -> list[str]:
    """Names of the environment parameters."""
    return space.of_role("environment")


def inexact(space: Space) -> list[str]:
    """Names of the decisions that are set inexactly, as far as that is modelled: those that are always active."""
    return [n for n, p in space.parameters.items() if isinstance(p, (Float, Int)) and p.input_sd is not None and p.when is None]


def measure(problem: Problem) -> RiskMeasure:
    """What counts of the first objective's gain."""
    return RiskMeasure(problem.objectives[0].risk, problem.objectives[0].risk_level)


def needed(problem: Problem) -> bool:
    """Whether a method that leaves conditions out of account solves another problem."""
    return bool(environments(problem.space)) or any(objective.risk != "expectation" for objective in problem.objectives)


def applies(problem: Problem) -> bool:
    """Whether designs are judged by a measure over conditions: with an environment, and with inexact settings in a plain problem."""
    space = problem.space
    if len(problem.objectives) > 1 or problem.objectives[0].feedback != "value":
        return False
    if names := environments(space):
        return all(space.parameters[name].when is None for name in names)
    return bool(inexact(space)) and not problem.outcome_constraints and not space.targets


def refusal(problem: Problem) -> str | None:
    """Why the conditions of a problem that needs them cannot be modelled; None where they can, or where there are none."""
    if not needed(problem):
        return None
    space, names = problem.space, environments(problem.space)
    what = f"with the environment {', '.join(map(repr, names))}" if names else f"with risk={problem.objectives[0].risk!r}"
    if len(problem.objectives) > 1:
        return f"{what} it takes one objective, and there are {len(problem.objectives)}"
    if problem.outcome_constraints:
        return f"{what} it takes no outcome constraints"
    if space.targets:
        return f"{what} it takes no fidelity or source, and there is {', '.join(map(repr, space.targets))}"
    for name in names:
        if space.parameters[name].when is not None:
            return f"it models environments that are always active, and {name!r} has a condition"
    for known in space._known:
        if isinstance(known, Check) and names:
            return f"{what} it takes known constraints as expressions, so that none depends on it, and {known.text!r} is a function"
        if shared := sorted(known.names & set(names)):
            return f"{what} it takes no known constraint that depends on it, as {known.text!r} does on {shared[0]!r}"
    return None


def unmodelled(problem: Problem, what: str) -> str:
    """Why something that models no conditions cannot be used."""
    if names := environments(problem.space):
        return f"with {what} it models no environment, and {', '.join(map(repr, names))} {'is one' if len(names) == 1 else 'are some'}"
    return f"with {what} it models no risk measure, and there is risk={problem.objectives[0].risk!r}"


def nominal(space: Space) -> dict[str, Any]:
    """A value of each environment parameter that stands for it where a full point is needed: the mean, the middle, the likeliest."""
    found: dict[str, Any] = {}
    for name in environments(space):
        parameter: Any = space.parameters[name]
        match parameter.distribution:
            case Normal(mean, _):
                found[name] = float(mean)
            case Uniform(low, high):
                found[name] = low + 0.5 * (high - low)
            case weights:
                found[name] = max(weights, key=weights.get)
    return found


def scenarios(problem: Problem) -> Scenarios | None:
    """The conditions that a design is judged by; None where there are none."""
    if not applies(problem):
        return None
    space, kind = problem.space, measure(problem).kind
    continuous: dict[str, Standard] = {}
    levels: dict[str, Mapping[Any, float]] = {}
    for name in environments(space):
        given: Any = space.parameters[name]
        if isinstance(given.distribution, (Normal, Uniform)):
            continuous[name] = Standard(REACH if isinstance(given.distribution, Normal) else None)
        else:
            levels[name] = given.distribution
    continuous |= dict.fromkeys(inexact(space), Standard(REACH))
    nodes, weights = _nodes(levels, list(continuous.values()), kind)
    columns = dict(zip([*levels, *continuous], nodes.T, strict=True))
    placed, moved = {}, {}
    for name, values in columns.items():
        (index,) = space.columns_of(name)
        if name in inexact(space):
            moved[index] = _shift(space.parameters[name], values)
        else:
            placed[index] = _encoded(space.parameters[name], values)
    return Scenarios(weights / weights.sum(), placed, moved)


def _nodes(levels: Mapping[str, Mapping[Any, float]], continuous: Sequence[Standard], kind: str) -> tuple[Array, Array]:
    """Numbers of levels and nodes in standard units, `q x k`, and their probabilities, `q`."""
    count, k = math.prod(len(each) for each in levels.values()), len(continuous)
    if count > MOST:
        return _drawn(levels, continuous)
    listed, chances = product([(np.arange(len(each), dtype=float), np.array(list(each.values()))) for each in levels.values()])
    if not k:
        return listed, chances
    most = max(MOST // count, 8)
    n = min(_ONE[kind], int(most ** (1 / k) + 1e-9))
    if k == 1 or n >= _FEWEST.get(kind, MOST):
        rule = {"expectation": Standard.gauss, "worst_case": Standard.lattice}.get(kind, Standard.strata)
        points, weights = product([rule(each, n) for each in continuous])
    else:
        points = np.column_stack([each.quantile(u) for each, u in zip(continuous, _uniform(most, k).T, strict=True)])
        weights = np.full(most, 1.0 / most)
    nodes = np.column_stack([np.repeat(listed, len(points), axis=0), np.tile(points, (len(listed), 1))])
    return nodes, np.multiply.outer(chances, weights).ravel()


def _drawn(levels: Mapping[str, Mapping[Any, float]], continuous: Sequence[Standard]) -> tuple[Array, Array]:
    """Low-discrepancy points of all distributions together, where combinations of levels are too many to be listed."""
    U = _uniform(4 * MOST, len(levels) + len(continuous))
    edges = [np.cumsum(list(each.values()))[:-1] for each in levels.values()]
    chosen = [np.searchsorted(e, u, side="right").astype(float) for e, u in zip(edges, U.T, strict=False)]
    rest = [each.quantile(u) for each, u in zip(continuous, U.T[len(levels) :], strict=True)]
    return np.column_stack([*chosen, *rest]), np.full(len(U), 1.0 / len(U))


def _uniform(n: int, d: int) -> Array:
    from bbo.space.sampling import sobol_points

    return sobol_points(n, d, seed=0)


def _encoded(parameter: Any, nodes: Array) -> Array:
    """Nodes in standard units, or numbers of levels, as entries of the parameter's column."""
    match parameter.distribution:
        case Normal(mean, sd):
            values: list[Any] = (mean + sd * nodes).tolist()
        case Uniform(low, high):
            values = (low + (high - low) * nodes).tolist()
        case weights:
            values = [list(weights)[int(k)] for k in nodes]
    return np.asarray(np.clip(parameter.encode(values)[:, 0], 0.0, 1.0))


def _shift(parameter: Any, nodes: Array) -> Shift:
    """Nodes in standard deviations as what a setting is off, held inside the range."""
    off = parameter.input_sd * nodes
    if parameter.log:
        axis = parameter.position_axis
        return Shift(off / axis.low, parameter.low / axis.low, parameter.high / axis.low, float(np.log(axis.high / axis.low)))
    if (levels := parameter.cardinality) is not None:  # the k-th of them stands in the middle of the k-th cell
        return Shift(off / ((parameter.step or 1) * levels), 0.5 / levels, 1.0 - 0.5 / levels)
    return Shift(off / (parameter.high - parameter.low))
