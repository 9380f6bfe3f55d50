"""The fifteen constrained problems of `bbo.problems.constrained`, as corrected, with a hundred evaluations each."""

from __future__ import annotations

import math

import bbo
from benchmarks.suite.case import Case

PROBLEMS = (
    *("jlh1", "jlh2", "gkxwc1", "gkxwc2", "constrained_ackley", "keane_bump", "three_bar_truss", "concrete_beam", "tension_spring"),
    *("pressure_vessel", "welded_beam", "speed_reducer", "heat_exchanger", "cantilever", "car_side_impact"),
)
BUDGET = 100


def cases() -> list[Case]:
    """All of them. A run that found nothing feasible counts as infinite."""
    return [_case(name) for name in PROBLEMS]


def _case(name: str) -> Case:
    problem = bbo.problems.get(name, variant="corrected")
    assert problem.optimum is not None
    assert all(constraint.upper == 0.0 and constraint.lower is None for constraint in problem.outcome_constraints)
    return Case(
        f"{name}_corrected",
        problem.space,
        problem.function,
        BUDGET,
        problem.optimum.value,
        problem.optimum.source,
        tuple(objective.name for objective in problem.objectives),
        constraints=tuple(constraint.name for constraint in problem.outcome_constraints),
        fallback=math.inf,
        tags=("constrained",),
    )
