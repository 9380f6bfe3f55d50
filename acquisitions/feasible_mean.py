"""Where models expect the best feasible point."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from acquisitions.domain import Domain
from acquisitions.feasibility import OutcomeConstraint
from acquisitions.gaussian import GaussianModel
from acquisitions.maximizer.region import Region
from acquisitions.optimistic_constraints import OptimisticConstraints

Array = NDArray[np.float64]

_ITERATIONS = 50
_PRECISION = 1e-8  # of the objective's mean, in units of the model's y


def best_feasible_mean(
    gp: GaussianModel,
    constraints: Sequence[OutcomeConstraint],
    domain: Domain,
    start: ArrayLike,
    *,
    margin: float = 0.0,
    fixed: Mapping[int, float] | None = None,
) -> Array:
    """A local optimum of the objective's mean where each outcome's mean keeps its bounds by so many standard deviations; shape `d`.

    Found by sequential quadratic programming (SLSQP), which walks along bounds and into the corners where several meet. There the
    probability of feasibility is a ridge as narrow as the models are sure, at whose sides climbs of a score that it weighs come to a
    stop: this is a start for them. Bounds and linear constraints of the domain are kept too, to rounding; of its other constraints
    nothing is known here. Columns with levels, inactive ones and those that decide on the activity of others keep the start's values.

    Source: Kraft (1988), DFVLR-FB 88-28, for the method. Sasena, Papalambros & Goovaerts (2002), Eng. Optim. 34, lead the search
    of expected improvement by such constraints on the means.

    Args:
        gp: The model of the objective, to be maximized.
        constraints: Outcomes with their bounds.
        domain: Where to search.
        start: Where to begin, shape `d`; it need not be feasible.
        margin: The standard deviations.
        fixed: Values of columns that stand still.
    """
    from scipy.optimize import minimize  # takes long to import, and most studies have no constraints

    region = Region(domain, fixed or {})
    beginning = region.with_fixed(np.array(start, dtype=float)[None])
    low, high = (each[0] for each in region.moving(beginning))
    bounds = OptimisticConstraints(constraints, [-margin] * len(constraints))

    def loss(x: Array) -> tuple[float, Array]:
        moments = gp.at(x[None])
        return -float(moments.mean[0]), moments.pull(-np.ones(1), None)[0]

    linear = region.polyhedron
    C = linear.C / region.scale
    rules: list[dict[str, Any]] = []
    if constraints:
        rules.append({"type": "ineq", "fun": lambda x: -bounds.value(x[None])[0], "jac": lambda x: -bounds.jacobian(x[None])[0]})
    for kind, rows in (("eq", linear.equal), ("ineq", ~linear.equal)):
        if rows.any():
            rules.append({"type": kind, "fun": lambda x, rows=rows: linear.c[rows] - C[rows] @ x, "jac": lambda x, rows=rows: -C[rows]})
    found = minimize(
        loss,
        beginning[0],
        jac=True,
        method="SLSQP",
        bounds=np.column_stack([low, high]),
        constraints=rules,
        options={"maxiter": _ITERATIONS, "ftol": _PRECISION},
    )
    best: Array = np.clip(found.x, low, high) if np.isfinite(found.x).all() else beginning[0]
    return best
