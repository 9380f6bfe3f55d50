"""How good a run is after each evaluation."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from bbo.hypervolume import hypervolume
from benchmarks.suite.case import Case


def progress(case: Case, true: Sequence[Mapping[str, float]], told: Sequence[Mapping[str, float]]) -> list[float]:
    """What counts after each evaluation, in the units of the case.

    With one objective: the value without noise of the point whose told value is least among the feasible ones; the case's `fallback`
    stands for it while nothing feasible, or nothing better, is found. With several: the hypervolume of the feasible points so far,
    without noise.

    Args:
        case: The problem.
        true: Outcomes without noise, one an evaluation.
        told: Outcomes as they were told.
    """
    found: list[float] = []
    if len(case.objectives) > 1:
        front: list[list[float]] = []
        for outcomes in true:
            if feasible(case, outcomes):
                front.append([outcomes[name] for name in case.objectives])
            found.append(hypervolume(front, case.reference))
        return found
    (name,) = case.objectives
    fallback = math.inf if case.fallback is None else case.fallback
    least, value = math.inf, math.inf
    for outcomes, observed in zip(true, told, strict=True):
        if feasible(case, outcomes) and observed[name] < least:
            least, value = observed[name], outcomes[name]
        found.append(min(value, fallback))
    return found


def regret(case: Case, value: float) -> float:
    """How much worse a value of `progress` is than the best known: the gap in the objective, or in hypervolume."""
    return value - case.best if len(case.objectives) == 1 else case.best - value


def feasible(case: Case, outcomes: Mapping[str, float]) -> bool:
    """Whether a point keeps all constraints."""
    return all(outcomes[name] <= 0 for name in case.constraints)
