"""From a surrogate to the points to evaluate next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from acquisitions.box_decomposition import infer_reference_point
from acquisitions.domain import Domain
from acquisitions.feasibility import ExpectedViolation, LogProbabilityOfFeasibility
from acquisitions.feasible_mean import best_feasible_mean
from acquisitions.maximizer import ClimbSettings, MaximizerSettings, Smooth, maximize
from acquisitions.noisy_expected_improvement import LogNoisyExpectedImprovement
from acquisitions.posterior_mean import PosteriorMean
from acquisitions.protocol import Acquisition, Climbable, Growing, Joint, Seeking, Staged
from acquisitions.risk_of_mean import RiskOfMean
from acquisitions.weighed import LogFeasibleGain
from bbo.best import nondominated
from bbo.log.ledger import Record
from bbo.log.states import State
from bbo.optimizers import robust, tasks
from bbo.optimizers.asked import Asked, Score
from bbo.optimizers.base import Query, Request
from bbo.optimizers.belief import Guide, guided
from bbo.optimizers.candidates import SAMPLED, Params, fresh, hard, held, legal, pool, standing, whole
from bbo.optimizers.fidelities import at_target, due_at_target, is_target, settled
from bbo.optimizers.history import History
from bbo.optimizers.surrogate import Process, Surrogate
from bbo.optimizers.targets import Target, usable
from bbo.optimizers.together import together
from bbo.problem import Problem
from bbo.space import Space

if TYPE_CHECKING:
    from bbo.optimizers.bayes import Bayes

Array = NDArray[np.float64]

_LEADERS = 5  # points that are looked around
_MARGINS = (0.0, 1.0)  # standard deviations within bounds at which the best feasible mean is looked around

SETTINGS = MaximizerSettings(
    screened=2_000, starts=8, climb=ClimbSettings(value_tolerance=1e-4, gradient_tolerance=1e-3, patience=3, lag=3.0)
)
"""What a proposal takes: 0.6 of the time of the maximizer's defaults, which found a maximum better by 5 % of the improvement in 1 of 136
searches; with 1,000 points screened it was 2 and with fewer starts 3 (`docs/benchmarks/latency.md`).
"""

_LATER = replace(SETTINGS, screened=1_000, starts=6)
"""For points of a batch after the first, which are searched for around the optima of the one before as well."""

_TOGETHER = replace(SETTINGS, screened=256, near=1.0, starts=4)
"""For a batch, around what was found one by one, which is at least 1 - 1/e of the best: others, drawn at random, are far behind it."""


def points(
    state: History,
    settings: Bayes,
    surrogate: Surrogate,
    request: Request,
    score: Score,
    guide: Guide | None = None,
    *,
    decides_level: bool = False,
    within: Domain | None = None,
) -> tuple[list[Query], str, str]:
    """Up to ``request.n`` points, one after the other, what they aim at, and how the last was found; fewer where no new ones are left.

    Where the score is of batches too, the points are moved together in the end. What is maximized for each of them is made by `score`, and
    weighed by the belief of `guide`. Where it does not decide so itself, the target of fidelities and sources is run when that is due (see
    `bbo.optimizers.fidelities`). With `within`, a part of the encoded space, all points are of it.
    """
    problem, space = state.problem, state.problem.space
    running = state.running()
    eligible = [record for record in usable(state, State.DONE) if state.inside(record)]
    feasible = [record for record in eligible if problem.feasible(record.values)]
    fixed, queries, path = {**request.fixed, **request.context}, list[Query](), ""
    if task := tasks.fixed(space, fixed):
        feasible = [record for record in feasible if tasks.of(task, [record.params])]
    if surrogate.constraints:  # what counts is feasibility at the target, and it is looked for there
        feasible = [record for record in feasible if is_target(space, record.params)]
        fixed = fixed if feasible else {**space.targets, **fixed}
    acquisition: Acquisition | None = None
    first: Acquisition | None = None
    waiting = list(running)
    aim, optima = "", np.empty((0, space.d))
    params: Params | None = None
    rngs = [problem.rng("bayes", number) for number in range(state.draws, state.draws + request.n)]
    corner = _corner(problem, surrogate, feasible, fixed, within, rngs[0])
    for number, rng in enumerate(rngs, state.draws):
        if isinstance(acquisition, Growing):
            acquisition = acquisition.with_pending(space.encode(running[-1:]))
        else:
            asked = Asked(state, settings, surrogate, feasible, tasks.of(task, running), seed=int(rng.integers(2**31)))
            acquisition, aim = score(asked)
        if task and not feasible and not surrogate.constraints:
            acquisition, aim = PosteriorMean(surrogate.gps[0]), "best mean, since nothing of this task is known"
        first = acquisition if first is None else first
        leaders = incumbents(problem, surrogate, feasible or eligible, rng)
        leaders = [point for leader in leaders if (point := held(space, leader, task)) is not None]
        if guide is not None:
            leaders += guide.leaders(rng, fixed)
        known = [*(record.params for record in eligible), *running]
        owed = not decides_level and due_at_target(space, known, acquisition)
        find = partial(best_new, state, leaders=leaders, running=running, rng=rng, within=within, others=corner)
        if isinstance(acquisition, Staged):
            params, path, optima = find(acquisition, fixed={**space.targets, **fixed}, before=optima)
            params = _at_its_level(state, acquisition, params, running, fixed)
        elif not owed:
            params, path, optima = find(guided(acquisition, guide), fixed=fixed, before=optima)
        if owed or (not decides_level and params is not None and settled(acquisition, space.encode([params]))):
            there, goal = _at_the_target(problem, surrogate, feasible, running, seed=int(rng.integers(2**31)))
            aim = f"{goal}, since {'half of the cost is spent there' if owed else 'no evaluation is expected to change where the best is'}"
            params, path, _ = find(guided(there, guide), fixed={**space.targets, **fixed}, before=optima)
        if params is None:
            break
        queries.append(Query(params, draw=number))
        running.append(params)
        fixed |= {name: params[name] for name in request.shared if name in params}
    if isinstance(first, Joint) and len(queries) > 1:
        if moved := together(state, first, running[len(waiting) :], waiting, fixed, rngs[len(queries) - 1], _TOGETHER, within):
            queries = [replace(query, params=params) for query, params in zip(queries, moved, strict=True)]
        aim = f"{aim} of {len(queries)} points {'together' if moved else 'one by one, which moving them together does not raise'}"
    return queries, aim if guide is None else f"{aim}, {guide.aim}", path


def _corner(
    problem: Problem,
    surrogate: Surrogate,
    feasible: Sequence[Record],
    fixed: Mapping[str, Any],
    within: Domain | None,
    rng: np.random.Generator,
) -> Array:
    """Where the models expect the best feasible point near the best known one: with even odds for each bound, and a deviation within them.

    Climbs of a score that feasibility weighs stop at the sides of the ridge where several bounds meet: started from there as well, they
    found scores higher by 2 to 7 on five models of three engineering problems, with 4 to 11 constraints (`docs/benchmarks/ablations.md`).
    """
    space = problem.space
    if not (surrogate.constraints and feasible and len(problem.objectives) == 1) or whole(space):
        return np.empty((0, space.d))
    (start,) = space.encode(incumbents(problem, surrogate, feasible, rng)[:1])
    still = standing(space, {**space.targets, **fixed})
    given = surrogate.gps[0], surrogate.constraints, within or space.cube, start
    return np.array([best_feasible_mean(*given, margin=margin, fixed=still) for margin in _MARGINS])


def _at_its_level(
    state: History, staged: Staged, params: Params | None, running: Sequence[Params], fixed: Mapping[str, Any]
) -> Params | None:
    """A point at the target moved to the first fidelity that is wanted of it and is new; as it is where the fidelity is set."""
    space = state.problem.space
    if params is None or not space.targets or any(name in fixed for name in space.targets):
        return params
    (name,) = space.targets
    rows = staged.at_levels(space.encode([params]))
    moved = (held(space, params, {name: value}) for value in space.parameters[name].decode(rows[:, list(space.columns_of(name))]))
    return next(iter(fresh(state, [point for point in moved if point is not None], beside=running)), params)


def _at_the_target(
    problem: Problem, surrogate: Surrogate, feasible: Sequence[Record], running: Sequence[Params], *, seed: int
) -> tuple[Climbable, str]:
    """What to maximize where the target is to be run, and its name."""
    gp, space = surrogate.gps[0], problem.space
    known = [params for params in (*(record.params for record in feasible), *running) if is_target(space, params)]
    if not known:
        return PosteriorMean(gp), "best mean at the target"
    return LogNoisyExpectedImprovement(gp, space.encode(known), surrogate.constraints, seed=seed), "log expected improvement at the target"


def feasibility_first(score: Score, asked: Asked) -> tuple[Acquisition, str]:
    """What a score makes; while nothing feasible is known, in turn the probability of feasibility and the least expected violation.

    On Ackley's function in ten dimensions within a ball cut in half, of which 5e-5 of the box are feasible, that took 29 evaluations (16 to
    47 in six runs), and the probability alone 56 (37 to more than 100).
    """
    if asked.feasible or not asked.surrogate.constraints:
        return score(asked)
    constraints = asked.surrogate.believing(asked.waiting).constraints
    since = "since nothing feasible is known"
    if (len(asked.measured) + len(asked.running)) % 2:
        return ExpectedViolation(constraints), f"least expected violation, {since}"
    return LogProbabilityOfFeasibility(constraints), f"probability of feasibility, {since}"


def weighed(log_gain: Climbable, surrogate: Surrogate) -> Climbable:
    """The gain times the probability that a point is feasible, in logarithms."""
    return LogFeasibleGain(log_gain, surrogate.constraints) if surrogate.constraints else log_gain


def where_it_works(score: Climbable, surrogate: Surrogate) -> Climbable:
    """The score, and none where a failure is likelier than not: for one that is no gain, which a probability could weigh."""
    works = surrogate.works
    return score if works is None else _Working(score, works)


@dataclass(frozen=True, slots=True, eq=False)
class _Working:
    score: Climbable
    works: Process

    def value(self, X: Array) -> Array:
        """As `Acquisition.value`."""
        return self._where_it_works(X, self.score.value(X))

    def value_and_gradient(self, X: Array) -> tuple[Array, Array]:
        """As `Climbable.value_and_gradient`."""
        values, gradients = self.score.value_and_gradient(X)
        return self._where_it_works(X, values), gradients

    def _where_it_works(self, X: Array, values: Array) -> Array:
        return np.where(self.works.predict(X)[0] >= 0, values, -np.inf)


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
    points = at_target(problem.space, [record.params for record in records])
    losses = np.stack([problem.losses(record.values) for record in records])
    if not problem.feasible(records[0].values):
        order = np.argsort(-surrogate.log_p_feasible(problem.space.encode(points)), kind="stable")
    elif problem.space.targets:  # what was measured elsewhere is not to be compared
        order = np.argsort(-surrogate.gps[0].at(problem.space.encode(points)).mean, kind="stable")
    elif robust.environments(problem.space) and (scenarios := robust.scenarios(problem)) is not None:  # measured in other conditions each
        score = RiskOfMean(surrogate.gps[0], scenarios, robust.measure(problem))
        order = np.argsort(-score.value(problem.space.encode(points)), kind="stable")
    elif losses.shape[1] == 1:
        order = np.argsort(losses[:, 0], kind="stable")
    else:
        order = rng.permutation(np.flatnonzero(nondominated(losses)))
    return [points[k] for k in order[:_LEADERS]]


def best_new(
    state: History,
    acquisition: Acquisition,
    leaders: Sequence[Params],
    running: Sequence[Params],
    fixed: Mapping[str, Any],
    rng: np.random.Generator,
    *,
    before: Array,
    smooth: Smooth | None = None,
    settings: MaximizerSettings | None = None,
    within: Domain | None = None,
    others: Array | None = None,
) -> tuple[Params | None, str, Array]:
    """The best point that is not known, None where there is none; how it was found; and optima to search around after it.

    Args:
        state: What is known.
        acquisition: What is maximized.
        leaders: Points to search around.
        running: Points that count as known too.
        fixed: Parameters that are set.
        rng: Source of all draws.
        before: Optima of the search for the point before it, of a batch.
        smooth: Constraints beside those of the space, on encoded points.
        settings: What it may take; by default less where there are optima to begin with.
        within: The part of the encoded space that is searched; None for all of it.
        others: Further encoded points to search around, `k x d`.
    """
    space = state.problem.space
    if whole(space):
        every = _inside(space, within, pool(state, leaders, rng, fixed=fixed, beside=running))
        return _best_of(acquisition, space, every, smooth), "the best of all points left", before
    domain = within or space.cube
    own = hard(space)
    extra = pool(state, leaders, rng, fixed=fixed, size=SAMPLED, beside=running) if own else []
    settings = settings or (_LATER if len(before) else SETTINGS)
    if isinstance(acquisition, Seeking):
        found = acquisition.seek(space.encode(space.sample(acquisition.starts, rng, fixed=fixed)), standing(space, fixed), rng)
    else:
        found = maximize(
            acquisition,
            domain,
            rng=rng,
            seeds=np.vstack([space.encode(leaders), before, *([] if others is None else [others])]),
            pool=space.encode(extra),
            fixed=standing(space, fixed),
            smooth=smooth,
            settings=replace(settings, screened=0) if own else settings,
        )
    kept = found.optima[:_LEADERS]
    if new := fresh(state, legal(space, found.optima, fixed=fixed), beside=running):
        return new[0], found.path, kept
    left = _inside(space, within, extra or pool(state, leaders, rng, fixed=fixed, size=SAMPLED, beside=running))
    best = _best_of(acquisition, space, left, smooth)
    return best, f"{found.path}; its optima are known, so the best of {len(left)} other points", kept


def _inside(space: Space, within: Domain | None, points: list[Params]) -> list[Params]:
    if within is None or not points:
        return points
    return [point for point, inside in zip(points, within.contains(space.encode(points)), strict=True) if inside]


def _best_of(acquisition: Acquisition, space: Space, others: Sequence[Params], smooth: Smooth | None) -> Params | None:
    if smooth is not None and others:
        others = [point for point, holds in zip(others, smooth.holds(space.encode(others)), strict=True) if holds]
    if not others:
        return None
    values = acquisition.value(space.encode(others))
    best = int(np.argmax(np.where(np.isnan(values), -np.inf, values)))
    if not values[best] > -np.inf:
        raise ArithmeticError("the acquisition function is a number nowhere")
    return others[best]
