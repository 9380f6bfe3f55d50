"""The knowledge gradient of designs that meet several conditions: which designs may turn out best by the problem's measure."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from acquisitions.feasibility import EVEN
from acquisitions.integrated_knowledge_gradient import LogIntegratedKnowledgeGradient
from acquisitions.maximizer import maximize
from acquisitions.maximizer.screening import best_apart
from acquisitions.protocol import Acquisition
from acquisitions.risk_knowledge_gradient import LogRiskKnowledgeGradient
from acquisitions.risk_measures import RiskMeasure
from acquisitions.risk_of_mean import RiskOfMean
from acquisitions.scenarios import Scenarios
from bbo.optimizers import robust, search
from bbo.optimizers.asked import Asked
from bbo.optimizers.candidates import SAMPLED, held, legal, pool, standing, whole
from bbo.optimizers.surrogate import Surrogate

Array = NDArray[np.float64]

MOST = 32
"""Designs that may turn out best, at most, beside the candidate's."""

SAMPLED_DESIGNS = 12
"""The same where all of them are sampled under all conditions."""

_PART = 64  # designs asked at a time, under all conditions


def among_designs(asked: Asked) -> tuple[Acquisition, str]:
    """A knowledge gradient over designs."""
    scenarios, measure = robust.scenarios(asked.problem), robust.measure(asked.problem)
    assert scenarios is not None  # it is taken where there are some
    surrogate, waiting = asked.surrogate, asked.waiting
    designs = _designs(asked, scenarios, measure)
    gp, noise, constraints = surrogate.gps[0], surrogate.noise, surrogate.constraints
    aim = f"log knowledge gradient of the {measure} over {len(scenarios)} conditions, among {len(designs)} designs"
    if measure.kind == "expectation":
        integrated = LogIntegratedKnowledgeGradient(gp, designs, scenarios, noise, constraints)
        return integrated.with_pending(waiting), f"{aim} and the proposed one"
    gradient = LogRiskKnowledgeGradient(gp, designs, scenarios, measure, noise, constraints, seed=asked.seed)
    return gradient.with_pending(waiting), aim


def _designs(asked: Asked, scenarios: Scenarios, measure: RiskMeasure) -> Array:
    """Encoded designs that may have the best measure after one more measurement, up to `MOST`; a few apart where they are sampled.

    As for the plain knowledge gradient: the optima of the measure of the mean, and of what was measured and points from all over the
    space those with the largest sum of that and a standard deviation.
    """
    space, surrogate, rng = asked.space, asked.surrogate, np.random.default_rng(asked.seed)
    fixed = robust.nominal(space)
    score = RiskOfMean(surrogate.gps[0], scenarios, measure)
    known = search.incumbents(asked.problem, surrogate, asked.feasible, rng)
    leaders = [point for params in known if (point := held(space, params, fixed))]
    measured = [point for record in asked.feasible if (point := held(space, dict(record.params), fixed)) is not None]
    others = pool(asked.state, leaders[:1], rng, fixed=fixed, size=SAMPLED)
    X = np.unique(space.encode([*measured, *others]), axis=0)
    optima = np.empty((0, space.d))
    if not whole(space):
        settings = replace(search.SETTINGS, screened=0)
        found = maximize(score, space.cube, rng=rng, seeds=space.encode(leaders), pool=X, fixed=standing(space, fixed), settings=settings)
        optima = space.encode(legal(space, found.optima, fixed=fixed))
    if surrogate.constraints:
        X, optima = (points[surrogate.log_p_feasible(points) >= EVEN] for points in (X, optima))
        if not len(X) and not len(optima):
            X = space.encode(measured)
    hope = score.value(X) + np.sqrt(_doubt(surrogate, X, scenarios))
    if measure.kind == "expectation":
        return np.vstack([optima, X[np.argsort(-hope, kind="stable")]])[:MOST]
    X, hope = np.vstack([optima, X]), np.concatenate([np.full(len(optima), np.inf), hope])
    hope[: len(optima)] = hope[len(optima) :].max(initial=0.0) + 1.0 + score.value(optima)  # before all others, the best first
    return X[best_apart(X, hope, SAMPLED_DESIGNS, space.cube.bounds[1] - space.cube.bounds[0])]


def _doubt(surrogate: Surrogate, X: Array, scenarios: Scenarios) -> Array:
    """Average variance of the objective over the conditions at designs (`m x d`), `m`; a bound on that of any average."""
    bounds = [
        scenarios.by_row(surrogate.gps[0].at(scenarios.expand(X[start : start + _PART])).variance_bound) @ scenarios.weights
        for start in range(0, len(X), _PART)
    ]
    return np.concatenate([np.empty(0), *bounds])
