"""From a surrogate to the points to evaluate next."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from acquisitions.box_decomposition import infer_reference_point
from acquisitions.entropy_search import LogEntropySearch
from acquisitions.feasibility import LogProbabilityOfFeasibility
from acquisitions.hypervolume_improvement import LogNoisyExpectedHypervolumeImprovement
from acquisitions.knowledge_gradient import LogDiscreteKnowledgeGradient, LogKGCP
from acquisitions.max_value_entropy import GIBBON, LogMaxValueEntropy
from acquisitions.maximizer import ClimbSettings, MaximizerSettings, maximize
from acquisitions.noisy_expected_improvement import LogNoisyExpectedImprovement
from acquisitions.protocol import Acquisition, Climbable
from bbo.best import nondominated
from bbo.log.ledger import Record
from bbo.log.states import State
from bbo.optimizers.base import Query, Request, pinned
from bbo.optimizers.candidates import SAMPLED, Params, fresh, hard, legal, pool, standing, whole
from bbo.optimizers.history import History
from bbo.optimizers.surrogate import Surrogate
from bbo.optimizers.targets import Target, usable
from bbo.problem import Problem
from bbo.space import Space

Array = NDArray[np.float64]

_LEADERS = 5  # points that are looked around

SETTINGS = MaximizerSettings(
    screened=2_000, starts=8, climb=ClimbSettings(value_tolerance=1e-4, gradient_tolerance=1e-3, patience=3, lag=3.0)
)
"""What a proposal takes: 0.6 of the time of the maximizer's defaults, which found a maximum better by 5 % of the improvement in 1 of 136
searches; with 1,000 points screened it was 2 and with fewer starts 3 (`docs/benchmarks/latency.md`).
"""

_LATER = replace(SETTINGS, screened=1_000, starts=6)
"""For points of a batch after the first, which are searched for around the optima of the one before as well."""

_Growing = (
    LogNoisyExpectedImprovement
    | LogNoisyExpectedHypervolumeImprovement
    | LogDiscreteKnowledgeGradient
    | LogKGCP
    | LogEntropySearch
    | LogMaxValueEntropy
    | GIBBON
)


def points(
    state: History, surrogate: Surrogate, request: Request, own: Callable[..., tuple[Acquisition, str]] | None = None
) -> tuple[list[Query], str, str]:
    """Up to ``request.n`` points, one after the other, what they aim at, and how the last was found; fewer where no new ones are left.

    `own` says what to maximize in the place of `improvement`, whose arguments it takes.
    """
    problem, space = state.problem, state.problem.space
    running = [dict(r.params) for r in state.records.values() if r.state in (State.QUEUED, State.PENDING) and state.inside(r)]
    eligible = [record for record in usable(state, State.DONE) if state.inside(record)]
    feasible = [record for record in eligible if problem.feasible(record.values)]
    fixed, queries, path = pinned(space, request), list[Query](), ""
    acquisition: Acquisition | None = None
    aim, optima = "", np.empty((0, space.d))
    for number in range(state.draws, state.draws + request.n):
        rng = problem.rng("bayes", number)
        if isinstance(acquisition, _Growing):
            acquisition = acquisition.with_pending(space.encode(running[-1:]))
        else:
            acquisition, aim = (own or improvement)(problem, surrogate, feasible, running, seed=int(rng.integers(2**31)))
        leaders = incumbents(problem, surrogate, feasible or eligible, rng)
        params, path, optima = _best_new(state, acquisition, leaders, optima, running, fixed, rng)
        if params is None:
            break
        queries.append(Query(params, draw=number))
        running.append(params)
        fixed |= {name: params[name] for name in request.shared if name in params}
    return queries, aim, path


def improvement(
    problem: Problem, surrogate: Surrogate, feasible: Sequence[Record], running: Sequence[Mapping[str, Any]], *, seed: int
) -> tuple[Climbable, str]:
    """What to maximize now, and its name."""
    space = problem.space
    waiting = space.encode(running)
    if not feasible and surrogate.constraints:
        return likely(surrogate, waiting)
    known = space.encode([record.params for record in feasible]) if feasible else surrogate.targets[0].X
    baseline = np.vstack([known, waiting])
    m = len(problem.objectives)
    if m == 1:
        return LogNoisyExpectedImprovement(surrogate.gps[0], baseline, surrogate.constraints, seed=seed), "log expected improvement"
    acquisition = LogNoisyExpectedHypervolumeImprovement(
        surrogate.gps[:m], baseline, reference(problem, surrogate.targets), surrogate.constraints, seed=seed
    )
    return acquisition, "log expected hypervolume improvement"


def likely(surrogate: Surrogate, waiting: Array) -> tuple[Climbable, str]:
    """What to maximize while nothing feasible is known, and its name; `waiting` are points whose results are awaited, encoded."""
    feasibility = LogProbabilityOfFeasibility(surrogate.believing(waiting).constraints)
    return feasibility, "probability of feasibility, since nothing feasible is known"


def reference(problem: Problem, targets: Sequence[Target]) -> Array:
    """The reference point in the model's units: as given, elsewhere inferred from the front."""
    targets = targets[: len(problem.objectives)]
    observed = np.column_stack([target.y for target in targets])
    inferred = infer_reference_point(observed[nondominated(-observed)])
    given = [o.reference for o in problem.objectives]
    return np.array(
        [
            inferred[k] if value is None else float(target.transform.forward(target.sign * value))
            for k, (target, value) in enumerate(zip(targets, given, strict=True))
        ]
    )


def incumbents(problem: Problem, surrogate: Surrogate, records: Sequence[Record], rng: np.random.Generator) -> list[Params]:
    """Points worth a closer look around: the best, some of the Pareto front, or the likeliest to be feasible."""
    if not records:
        return []
    losses = np.stack([problem.losses(record.values) for record in records])
    if not problem.feasible(records[0].values):
        order = np.argsort(-surrogate.log_p_feasible(problem.space.encode([record.params for record in records])), kind="stable")
    elif losses.shape[1] == 1:
        order = np.argsort(losses[:, 0], kind="stable")
    else:
        order = rng.permutation(np.flatnonzero(nondominated(losses)))
    return [dict(records[k].params) for k in order[:_LEADERS]]


def _best_new(
    state: History,
    acquisition: Acquisition,
    leaders: Sequence[Params],
    before: Array,
    running: Sequence[Params],
    fixed: Mapping[str, Any],
    rng: np.random.Generator,
) -> tuple[Params | None, str, Array]:
    """The best point that is not known, None where there is none; how it was found; and optima to search around after it.

    `before` are the optima of the search for the point before it, of a batch.
    """
    space = state.problem.space
    if whole(space):
        every = pool(state, leaders, rng, fixed=fixed, beside=running)
        return _best_of(acquisition, space, every), "the best of all points left", before
    domain = space.cube
    own = hard(space)
    extra = pool(state, leaders, rng, fixed=fixed, size=SAMPLED, beside=running) if own else []
    found = maximize(
        acquisition,
        domain,
        rng=rng,
        seeds=np.vstack([space.encode(leaders), before]),
        pool=space.encode(extra),
        fixed=standing(space, fixed),
        settings=replace(SETTINGS, screened=0) if own else _LATER if len(before) else SETTINGS,
    )
    kept = found.optima[:_LEADERS]
    if new := fresh(state, legal(space, found.optima, fixed=fixed), beside=running):
        return new[0], found.path, kept
    others = extra or pool(state, leaders, rng, fixed=fixed, size=SAMPLED, beside=running)
    return _best_of(acquisition, space, others), f"{found.path}; its optima are known, so the best of {len(others)} other points", kept


def _best_of(acquisition: Acquisition, space: Space, others: Sequence[Params]) -> Params | None:
    if not others:
        return None
    values = acquisition.value(space.encode(others))
    best = int(np.argmax(np.where(np.isnan(values), -np.inf, values)))
    if not values[best] > -np.inf:
        raise ArithmeticError("the acquisition function is a number nowhere")
    return others[best]
