"""Tasks as inputs of a model: related problems that learn from each other, one of which the caller fixes at each ask."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from bbo.errors import Unsupported
from bbo.problem import Problem
from bbo.space import Space
from surrogates.columns import Columns

if TYPE_CHECKING:
    from bbo.optimizers.targets import Target

ACQUISITIONS = ("log_ei", "log_pi", "ucb", "straddle", "kgcp")
"""Those that look at nothing but candidates and what was measured: both are of the fixed task then."""

_SHARED = 2.0  # encoded value of what all tasks share, which is no task


def names(space: Space) -> list[str]:
    """Of the task parameters."""
    return space.of_role("task")


def refusal(problem: Problem, acquisition: str) -> str | None:
    """Why the tasks of a problem cannot be modelled; None where they can, or where there are none."""
    space = problem.space
    if not (found := names(space)):
        return None
    if len(found) > 1:
        return f"it models one task parameter, and there are {', '.join(map(repr, found))}"
    if space.parameters[found[0]].when is not None:
        return f"it models tasks that are always active, and {found[0]!r} has a condition"
    if other := [f"{name!r} is a {role} parameter" for name, role in space.roles.items() if role not in ("decision", "task")]:
        return f"with tasks it models decisions only, and {other[0]}"
    if len(problem.objectives) > 1 or problem.objectives[0].feedback != "value":
        return "with tasks it takes one objective of values"
    if acquisition not in ACQUISITIONS:
        return f"with tasks it takes the acquisitions {', '.join(map(repr, ACQUISITIONS))}"
    return None


def columns(space: Space) -> Columns:
    """The columns as they are modelled: a level more than there are tasks, of which nothing is ever measured.

    It stands for what tasks have in common: each is a multiple of it plus a discrepancy of its own, as all sources are of the target
    (`surrogates.exact_gp.kernels.Coregional`), and none of them is before the others.
    """
    if not names(space):
        return space.columns
    return Columns(tuple(replace(c, levels=(*c.levels, _SHARED)) if c.role == "task" else c for c in space.columns))


def within(target: Target, space: Space) -> Target:
    """The target in units of the spread that values of one task have; how far tasks are apart says nothing of that."""
    from bbo.optimizers.targets import WORKS
    from bbo.optimizers.transfer import rescaled

    if target.name == WORKS:
        return target
    (column,) = (space.columns_of(name).start for name in names(space))
    _, which = np.unique(target.X[:, column], return_inverse=True)
    counts = np.bincount(which)
    means = np.bincount(which, weights=target.y) / counts
    freedom = len(target.y) - len(counts)
    spread = float(np.sqrt(np.sum((target.y - means[which]) ** 2) / freedom)) if freedom > 0 else 0.0
    return rescaled(target, 1.0 / spread) if spread > 0 else target


def alike(table: Columns) -> Columns:
    """The columns with tasks as a choice like any other."""
    return Columns(tuple(replace(c, role="decision") if c.role == "task" else c for c in table))


def fixed(space: Space, values: Mapping[str, Any]) -> dict[str, Any]:
    """The task among values that are set, by the name of its parameter; empty where the space has none.

    Raises:
        Unsupported: It is not set.
    """
    found = names(space)
    if missing := [name for name in found if name not in values]:
        raise Unsupported(f"bayes needs to know the task; fix it: fixed={{{missing[0]!r}: ...}}")
    return {name: values[name] for name in found}


def of(task: Mapping[str, Any], points: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The points of a task."""
    return [dict(point) for point in points if all(point.get(name) == value for name, value in task.items())]
