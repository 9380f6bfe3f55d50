"""The auxiliary problem of optimistic methods: the objective and its constraints by their confidence bounds, over the space."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from acquisitions.feasibility import OutcomeConstraint
from acquisitions.maximizer import Smooth, maximize
from acquisitions.optimistic_constraints import LeastViolation, OptimisticConstraints
from acquisitions.protocol import Climbable
from acquisitions.upper_confidence_bound import UpperConfidenceBound
from bbo.log.states import State
from bbo.optimizers import search
from bbo.optimizers.base import Query, Request, pinned
from bbo.optimizers.candidates import SAMPLED, Params, hard, held, pool, standing, whole
from bbo.optimizers.history import History
from bbo.optimizers.surrogate import Surrogate
from bbo.optimizers.targets import WORKS, usable
from surrogates.exact_gp import ExactGP

Array = NDArray[np.float64]

_KEPT = 8  # points that may be feasible from which the search begins

_COOLING = (0.1, 0.01, 0.001)
"""Temperatures at which the least violation is climbed again where several bounds meet.

Of 12 models of engineering problems with 4 to 11 constraints, the climbs of the maximum alone ended up to 0.1 short of what SLSQP found
from 48 starts, by the units of the models, and with these 0.004 except for one at 0.008; a kink there looks like an infeasible problem.
"""


@dataclass(frozen=True, slots=True, eq=False)
class Aim:
    """What to do for one point.

    Args:
        score: What to maximize.
        name: What it is called.
        smooth: Constraints on it.
        seeds: Encoded points to search around, `k x d`; with constraints at least one that keeps them.
    """

    score: Climbable
    name: str
    smooth: Smooth | None = None
    seeds: Array | None = None


@dataclass(frozen=True, eq=False)
class Auxiliary:
    """Where to measure next, as a question to the confidence bounds.

    Args:
        state: What is known.
        surrogate: Of the objective, first, and of whatever is constrained.
        beta: Half width of the confidence interval of each target, in standard deviations.
        running: Points whose results are awaited; they count as measured at the means.
        leaders: Points worth a closer look around.
        fixed: Parameters that are set.
        rng: Source of all draws.
    """

    state: History
    surrogate: Surrogate
    beta: tuple[float, ...]
    running: Sequence[Params]
    leaders: Sequence[Params]
    fixed: Mapping[str, Any]
    rng: np.random.Generator = field(repr=False)

    @cached_property
    def _believed(self) -> Surrogate:
        return self.surrogate.believing(self.state.problem.space.encode(self.running))

    @property
    def objective(self) -> UpperConfidenceBound:
        """The most that the objective's gain may be, to be maximized."""
        return UpperConfidenceBound(self._believed.gps[0], self.beta[0] ** 2)

    @cached_property
    def bounds(self) -> OptimisticConstraints:
        """What is constrained, by its most favourable values."""
        parts = zip(self.beta, self.surrogate.targets, strict=True)
        # There is nothing to gain where a point is likelier to fail than not: a failure says little of all else.
        beta = [0.0 if target.name == WORKS else each for each, target in parts if target.bounded]
        return OptimisticConstraints(self._believed.constraints, beta)

    @property
    def smooth(self) -> Smooth:
        """That every bound may be kept."""
        return Smooth(self.bounds.value, self.bounds.jacobian)

    def nearest(self) -> tuple[Array, float]:
        """Encoded points that come closest to keeping every bound, best first, `k x d`, and by how much: at least 0 where one may."""
        return self._nearest(self.bounds)

    def _nearest(self, bounds: OptimisticConstraints) -> tuple[Array, float]:
        space, score = self.state.problem.space, LeastViolation(bounds)
        if whole(space):
            every = [point for other in space.enumerate() if (point := held(space, other, self.fixed)) is not None]
            return _best(score, space.encode(every))
        measured = [dict(r.params) for r in usable(self.state, State.DONE) if self.state.inside(r)]
        if at := [point for point in measured if self.fixed.items() <= point.items()]:
            found, value = _best(score, space.encode(at))
            if value >= 0:
                return found[score.value(found) >= 0], value
        own = hard(space)
        extra = pool(self.state, self.leaders, self.rng, fixed=self.fixed, size=SAMPLED) if own else []
        alone, fixed = replace(search.SETTINGS, screened=0), standing(space, self.fixed)
        maximum = maximize(
            score,
            space.cube,
            rng=self.rng,
            seeds=space.encode(self.leaders),
            pool=space.encode(extra),
            fixed=fixed,
            settings=alone if own else search.SETTINGS,
        )
        found, value = maximum.optima, maximum.value
        for temperature in _COOLING if len(bounds.entries) > 1 else ():
            if value >= 0:
                break
            soft = LeastViolation(bounds, temperature)
            X = maximize(soft, space.cube, rng=self.rng, pool=found, fixed=fixed, settings=alone).optima
            found, value = _best(score, np.vstack([X, found]))
        return found[:_KEPT], value

    def constrained(self) -> Array | None:
        """Encoded optima of the objective where every bound may be kept, best first, `k x d`; None where nowhere."""
        points, least = self.nearest()
        if least < 0 or whole(self.state.problem.space):
            return None
        _, _, optima = search.best_new(
            self.state, self.objective, self.leaders, self.running, self.fixed, self.rng, before=points, smooth=self.smooth
        )
        return optima

    def infeasible(self) -> str:
        """Why no point can be feasible, by the outcomes measured so far alone; empty where one may be."""
        parts = zip(self.beta, self.surrogate.targets, self.surrogate.gps, strict=True)
        known = [(beta, target, gp) for beta, target, gp in parts if target.bounded and target.name != WORKS]
        if not known:
            return ""
        constraints = [OutcomeConstraint(gp, target.lower, target.upper) for _, target, gp in known]
        bounds = OptimisticConstraints(constraints, [beta for beta, *_ in known])
        points, value = self._nearest(bounds)
        if value >= 0:
            return ""
        wanted = {constraint.name: str(constraint) for constraint in self.state.problem.outcome_constraints}
        said = []
        for (k, sign), entry in zip(bounds.entries, bounds.value(points[:1])[0], strict=True):
            if entry > 0:
                beta, target, gp = known[k]
                mean, variance = gp.predict(points[:1])
                at_best = float(target.native(mean - sign * beta * np.sqrt(variance), np.zeros(1))[0][0])
                said.append(f"keeps {wanted[target.name]} (there {target.name} is {at_best:.4g} at best)")
        reach = " to ".join(dict.fromkeys(f"{each:.3g}" for each in (min(bounds.beta), max(bounds.beta))))
        return f"within {reach} standard deviations of the models' means no point {' and '.join(said)}"


def _best(score: LeastViolation, X: Array) -> tuple[Array, float]:
    values = score.value(X)
    order = np.argsort(-values, kind="stable")[:_KEPT]
    return X[order], float(values[order[0]])


def widths(surrogate: Surrogate, beta: float, delta: float | None) -> tuple[float, ...]:
    """Half width of each target's confidence interval in posterior standard deviations.

    ``beta``, or with `delta` the width at which all intervals hold everywhere and always with probability ``1 - delta``,

        ``beta + sigma sqrt(2 (gamma + 1 + log(m / delta)))``

    for m functions of norms at most beta in the space of their kernels, and noise of standard deviation sigma, with what the data
    tell of the function, ``gamma = log det(I + K / sigma^2) / 2``, in the place of the most that as many could tell.
    Source: Chowdhury & Gopalan (2017), arXiv:1704.00445, theorem 2; for several functions Xu et al. (2023).
    """
    if delta is None:
        return (beta,) * len(surrogate.gps)
    extra = 1.0 + math.log(len(surrogate.gps) / delta)
    return tuple(beta + math.sqrt(2.0 * (information(gp) + extra) * _noise(gp)) for gp in surrogate.gps if isinstance(gp, ExactGP))


def information(gp: ExactGP) -> float:
    """``log det(I + S^-1 K) / 2`` in nats, of the covariance K of the data and the variances S of their noise: what they tell."""
    noise = np.full(len(gp.y), gp.noise) if gp.yvar is None else np.asarray(gp.yvar)
    return float(np.log(np.diagonal(gp.L)).sum() - 0.5 * np.log(noise).sum())


def _noise(gp: ExactGP) -> float:
    return gp.noise if gp.yvar is None else float(np.max(gp.yvar))


def points(
    state: History, surrogate: Surrogate, request: Request, beta: tuple[float, ...], aim_of: Callable[[Auxiliary], Aim]
) -> tuple[list[Query], str, str]:
    """Up to ``request.n`` points, one after the other, what they aim at, and how the last was found; fewer where no new ones are left."""
    problem, space = state.problem, state.problem.space
    running = state.running()
    eligible = [record for record in usable(state, State.DONE) if state.inside(record)]
    feasible = [record for record in eligible if problem.feasible(record.values)]
    fixed, queries, name, path = pinned(space, request), list[Query](), "", ""
    for number in range(state.draws, state.draws + request.n):
        rng = problem.rng("bayes", number)
        leaders = search.incumbents(problem, surrogate, feasible or eligible, rng)
        auxiliary = Auxiliary(state, surrogate, beta, running, leaders, fixed, rng)
        aim = aim_of(auxiliary)
        name = aim.name if not queries else name
        params, path = _point(auxiliary, aim)
        if params is None:
            break
        queries.append(Query(params, draw=number))
        running.append(params)
        fixed |= {key: params[key] for key in request.shared if key in params}
    return queries, name, path


def _point(auxiliary: Auxiliary, aim: Aim) -> tuple[Params | None, str]:
    state, space = auxiliary.state, auxiliary.state.problem.space
    seeds = np.empty((0, space.d)) if aim.seeds is None else aim.seeds
    given = (auxiliary.leaders, auxiliary.running, auxiliary.fixed, auxiliary.rng)
    params, path, _ = search.best_new(state, aim.score, *given, before=seeds, smooth=aim.smooth, settings=search.SETTINGS)
    if params is None and aim.smooth is not None:
        nearest = LeastViolation(auxiliary.bounds)
        params, path, _ = search.best_new(state, nearest, *given, before=seeds[:0], settings=search.SETTINGS)
        path = f"{path}, since all points that may be feasible are known"
    return params, path


def current(state: History, surrogate: Surrogate, beta: tuple[float, ...]) -> Auxiliary:
    """The question for the space as a whole, nothing running and nothing set but targets."""
    problem = state.problem
    eligible = [record for record in usable(state, State.DONE) if state.inside(record)]
    feasible = [record for record in eligible if problem.feasible(record.values)]
    rng = problem.rng("bayes", "remark", state.draws)
    leaders = search.incumbents(problem, surrogate, feasible or eligible, rng)
    return Auxiliary(state, surrogate, beta, (), leaders, problem.space.targets, rng)
