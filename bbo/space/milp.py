"""Feasible numbers near wished-for ones, levels and supports included, by mixed-integer programming."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from bbo.space.linear_system import LinearSystem
from bbo.space.parameter import Array

_NODES = 2000  # of the branch-and-bound tree; enough for tens of variables, and an end for every search
_INFEASIBLE = 2  # SciPy's status


@dataclass(frozen=True, eq=False)
class Solution:
    """Feasible values, or None with the knowledge whether that is proof that there are none."""

    x: Array | None
    proved_empty: bool


def nearest_feasible(system: LinearSystem, target: Array) -> Solution:
    """The feasible values nearest to `target` in the sum of absolute distances, each relative to its range."""
    from scipy.optimize import Bounds, LinearConstraint, milp

    k = len(system.variables)
    width = np.maximum(system.high - system.low, 1e-300)
    switches = [(i, support) for support in system.supports for i in support.members]
    whole = list(system.whole)
    # unknowns: y in the unit box, distances t, levels z of the variables that have some, and one switch an entry of a support
    size = 2 * k + len(whole) + len(switches)
    y, t, z, on = 0, k, 2 * k, 2 * k + len(whole)
    rows: list[Array] = []
    least: list[float] = []
    most: list[float] = []

    def add(entries: dict[int, float], low: float, high: float) -> None:
        row = np.zeros(size)
        for place, value in entries.items():
            row[place] = value
        norm = np.abs(row).max() or 1.0
        rows.append(row / norm)
        least.append(low / norm)
        most.append(high / norm)

    for row, bound in zip(system.A * width, system.b - system.A @ system.low, strict=True):
        add({y + i: row[i] for i in range(k)}, -np.inf, bound)
    for row, bound in zip(system.E * width, system.e - system.E @ system.low, strict=True):
        add({y + i: row[i] for i in range(k)}, bound, bound)
    wish = (target - system.low) / width
    for i in range(k):
        add({y + i: 1.0, t + i: -1.0}, -np.inf, wish[i])
        add({y + i: 1.0, t + i: 1.0}, wish[i], np.inf)
    for j, i in enumerate(whole):
        step = system.variables[i].step or 1.0
        add({y + i: width[i] / step, z + j: -1.0}, 0.0, 0.0)
    for j, (i, support) in enumerate(switches):
        zero = -system.low[i] / width[i]
        add({y + i: 1.0, on + j: -(1.0 - zero)}, -np.inf, zero)
        add({y + i: 1.0, on + j: zero - support.least / width[i]}, zero, np.inf)
    first = on
    for support in system.supports:
        add(dict.fromkeys(range(first, first + len(support.members)), 1.0), 0.0, support.most)
        first += len(support.members)
    levels = [(system.high[i] - system.low[i]) / (system.variables[i].step or 1.0) for i in whole]
    found: Any = milp(
        np.concatenate([np.zeros(k), np.ones(k), np.zeros(size - 2 * k)]),
        constraints=LinearConstraint(np.array(rows), np.array(least), np.array(most)),
        bounds=Bounds(np.zeros(size), np.concatenate([np.ones(k), np.full(k, np.inf), np.array(levels), np.ones(len(switches))])),
        integrality=np.concatenate([np.zeros(2 * k), np.ones(size - 2 * k)]),
        options={"node_limit": _NODES},
    )
    return Solution(None if found.x is None else np.asarray(system.low + found.x[:k] * width), bool(found.status == _INFEASIBLE))
