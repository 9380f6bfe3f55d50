"""Bayesian optimization: a Gaussian process for each outcome, and the point of greatest expected improvement.

The studies' minimization becomes BoTorch's maximization here, in `_gains`, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from bbo.best import nondominated
from bbo.errors import BBOError, InvalidStudy
from bbo.log.ledger import Record, Update
from bbo.log.states import State
from bbo.optimizers.base import Proposal, Query, Request, pinned, refuse
from bbo.optimizers.candidates import POOL, Params, around, fresh, pool, whole
from bbo.optimizers.features import Features
from bbo.optimizers.history import History
from bbo.optimizers.sobol import Sobol
from bbo.problem import Problem
from bbo.space import Sequence as SequenceParameter

if TYPE_CHECKING:
    from botorch.acquisition.acquisition import AcquisitionFunction

    from bbo.optimizers.gaussian_process import Surrogate, Target

Array = NDArray[np.float64]

SURROGATES = ("exact_gp",)
ACQUISITIONS = ("log_ei",)

WORKS = "(works)"
"""Name of the target that says whether a point can be evaluated: 1 for done, -1 for failed, 0 and more is feasible."""

_MAX_OBJECTIVES = 4  # beyond, the hypervolume takes too long
_MAX_ROWS = 400  # of a fit, whose cost grows with their cube
_LEADERS = 5  # points that a local search starts from
_ROUNDS = 2  # of the local search where the acquisition cannot be climbed


@dataclass(frozen=True, slots=True)
class Bayes:
    """Bayesian optimization with Gaussian processes.

    Starts with Sobol points. Then one objective is improved by (noisy) log expected improvement, several by log expected
    hypervolume improvement; outcome constraints and the risk of a failure weigh in by their modelled probability, and while
    nothing feasible is known that probability alone is maximized. Running trials count as if measured at their predicted
    value, which also spreads a batch. On plain boxes the acquisition is climbed from the best of a pool of points; elsewhere
    the best of the pool and of its neighbours is taken, so that every known constraint holds. Points that are known are not
    proposed again.

    Standard deviations told with the outcomes (or `Objective.sd`) are used where every trial has one, else the noise is inferred.
    Where trials are many, the best and the latest 200 each are fitted. An objective's bad values beyond three interquartile
    ranges are clipped in the fit.

    Args:
        surrogate: ``"exact_gp"``.
        acquisition: ``"log_ei"``.
        n_initial: Finished trials before the model takes over; None means ``2 d``, at least 5 and at most 12.

    Raises:
        InvalidStudy: A setting is not one of these.
    """

    surrogate: str = "exact_gp"
    acquisition: str = "log_ei"
    n_initial: int | None = None
    name: ClassVar[str] = "bayes"
    version: ClassVar[int] = 1

    def __post_init__(self) -> None:
        for setting, value, allowed in (("surrogate", self.surrogate, SURROGATES), ("acquisition", self.acquisition, ACQUISITIONS)):
            if value not in allowed:
                raise InvalidStudy(f"bayes: {setting} is {value!r}; it is one of {', '.join(map(repr, allowed))}")
        if self.n_initial is not None and (isinstance(self.n_initial, bool) or not isinstance(self.n_initial, int) or self.n_initial < 2):
            raise InvalidStudy(f"bayes: n_initial is {self.n_initial!r}; it is None or an integer, at least 2")

    def supports(self, problem: Problem) -> str | None:
        """None for up to four measured objectives over decisions, else the reason."""
        if problem.objectives[0].feedback == "ranking":
            return "it needs values, and the study is told rankings"
        if len(problem.objectives) > _MAX_OBJECTIVES:
            return f"it takes up to {_MAX_OBJECTIVES} objectives, and there are {len(problem.objectives)}"
        for name, parameter in problem.space.parameters.items():
            if parameter.role != "decision":
                return f"it models decisions only, and {name!r} is a {parameter.role} parameter"
            if isinstance(parameter, SequenceParameter):
                return f"it cannot model sequences, and {name!r} is one"
        return None

    def init(self, problem: Problem) -> History:
        """No point known."""
        return History(problem)

    def fold(self, state: History, update: Update) -> History:
        """Remember points, count draws."""
        state.fold(update)
        return state

    def propose(self, state: History, request: Request) -> Proposal:
        """Sobol points first, then the model's choice; Sobol points again, with the reason, where the model fails."""
        refuse(request, "context", optimizer="bayes")
        records = list(state.records.values())
        n_done, n_failed = (len(_usable(state.problem, records, finished)) for finished in (State.DONE, State.FAILED))
        n_initial = self.n_initial or min(max(5, 2 * state.problem.space.d), 12)
        if n_done < 2 or n_done + n_failed < n_initial:
            return replace(
                Sobol().propose(state, request), note=f"initial design, until {n_initial} trials are finished and 2 of them done"
            )
        try:
            return _choose(state, request)
        except BBOError:  # the request itself is at fault
            raise
        except Exception as error:  # noqa: BLE001 - whatever numerics run into, an ask is answered
            return replace(Sobol().propose(state, request), note=f"a Sobol point, since the model failed: {type(error).__name__}: {error}")

    def model(self, state: History) -> Model | None:
        """Gaussian processes fitted to what is known; None while fewer than two trials are done."""
        return Model.fit(state.problem, list(state.records.values()))


@dataclass(frozen=True, slots=True)
class Model:
    """A fitted surrogate in the study's own terms (see `bbo.model.Model`)."""

    problem: Problem
    surrogate: Surrogate

    @classmethod
    def fit(cls, problem: Problem, records: Sequence[Record]) -> Model | None:
        """Fit to the trials that are done or failed; None where fewer than two are done."""
        from bbo.optimizers import gaussian_process as gp

        targets = _targets(problem, records)
        if len(targets[0].y) < 2:
            return None
        with gp.numerics(seed=0):
            return cls(problem, gp.fit(targets))

    @property
    def outcomes(self) -> tuple[str, ...]:
        """Names of the modelled outcomes, in the order of the columns of `predict`."""
        return self.problem.outcomes

    def predict(self, rows: Sequence[Mapping[str, Any]]) -> tuple[Array, Array]:
        """Mean and standard deviation of each outcome at each point (`n x m`), native units and sign, without measurement noise."""
        from bbo.optimizers import gaussian_process as gp

        with gp.numerics(seed=0):
            means, sds = self.surrogate.predict(_inputs(self.problem, rows))
        shift, scale = np.array([(target.shift, target.scale) for target in self.surrogate.targets]).T
        m = len(self.outcomes)
        return (shift + scale * means)[:, :m], (np.abs(scale) * sds)[:, :m]

    def log_p_feasible(self, rows: Sequence[Mapping[str, Any]]) -> Array:
        """Log probability that each point can be evaluated and keeps the outcome constraints, shape `n`."""
        from bbo.optimizers import gaussian_process as gp

        with gp.numerics(seed=0):
            return self.surrogate.log_p_feasible(_inputs(self.problem, rows))


# -- from the log to targets ----------------------------------------------------------------------------------------------------


def _inputs(problem: Problem, rows: Sequence[Mapping[str, Any]]) -> Array:
    return Features(problem.space.columns)(problem.space.encode(rows))


def _usable(problem: Problem, records: Sequence[Record], state: State) -> list[Record]:
    """Trials of that state by number, as far as their points can be encoded, which those of an older space may not."""
    ordered = sorted((record for record in records if record.state is state), key=lambda record: record.number)
    if state is State.DONE and len(ordered) > _MAX_ROWS:
        losses = np.stack([problem.losses(record.values) for record in ordered])
        ranks = losses.argsort(axis=0, kind="stable").argsort(axis=0, kind="stable").sum(axis=1)
        best = set(ranks.argsort(kind="stable")[: _MAX_ROWS // 2].tolist())
        ordered = [record for k, record in enumerate(ordered) if k in best or k >= len(ordered) - _MAX_ROWS // 2]
    return [record for record in ordered[-_MAX_ROWS:] if _legal(problem, record.params)]


def _legal(problem: Problem, params: Mapping[str, Any]) -> bool:
    try:
        problem.space.validate(params, outside=True)
    except BBOError:
        return False
    return True


def _targets(problem: Problem, records: Sequence[Record]) -> list[Target]:
    """What is modelled: the objectives, the outcomes that are constraints only, and, after a failure, whether a point works."""
    from bbo.optimizers.gaussian_process import Target

    done, failed = _usable(problem, records, State.DONE), _usable(problem, records, State.FAILED)
    X = _inputs(problem, [record.params for record in done])
    targets = []
    for name in problem.outcomes:
        values = np.array([record.values[name] for record in done])
        objective = next((o for o in problem.objectives if o.name == name), None)
        sign, y = (1.0, values) if objective is None else _gains(objective.sign, values)
        shift, scale = (float(y.mean()), float(y.std()) or 1.0) if len(y) else (0.0, 1.0)
        given = [record.sd.get(name, objective and objective.sd) for record in done]
        variance = None if None in given else np.maximum((np.array(given, dtype=float) / scale) ** 2, 1e-6)
        constraint = next((c for c in problem.outcome_constraints if c.name == name), None)
        ends = (None, None) if constraint is None else (constraint.lower, constraint.upper)
        lower, upper = (None if end is None else (sign * end - shift) / scale for end in (ends if sign > 0 else ends[::-1]))
        targets.append(Target(name, X, (y - shift) / scale, variance, sign * shift, sign * scale, lower, upper))
    if failed:
        X = np.vstack([X, _inputs(problem, [record.params for record in failed])])
        y = np.repeat([1.0, -1.0], [len(done), len(failed)])
        # A step seen from both sides would be fitted by ever shorter length scales, and what lies beyond it be forgotten.
        targets.append(Target(WORKS, X, y, np.full(len(y), 0.1), lower=0.0, smooth=0.2))
    return targets


def _gains(sign: float, values: Array) -> tuple[float, Array]:
    """An objective to be maximized: the factor on its values, and the values, the bad tail clipped (Tukey's far fence)."""
    gains = -sign * values
    if not len(gains):
        return -sign, gains
    low, high = np.quantile(gains, [0.25, 0.75])
    return -sign, np.maximum(gains, low - 3 * (high - low)) if high > low else gains


# -- from targets to a proposal -------------------------------------------------------------------------------------------------


def _choose(state: History, request: Request) -> Proposal:
    from bbo.optimizers import gaussian_process as gp

    problem, space = state.problem, state.problem.space
    records = list(state.records.values())
    targets = _targets(problem, records)
    with gp.numerics(seed=int(problem.rng("bayes", "fit", state.draws).integers(2**31))):
        surrogate = gp.fit(targets) if request.memo is None else gp.condition(targets, request.memo)
        running = [dict(r.params) for r in records if r.state in (State.QUEUED, State.PENDING) and space.contains(r.params)]
        eligible = [record for record in _usable(problem, records, State.DONE) if space.contains(record.params)]
        feasible = [record for record in eligible if problem.feasible(record.values)]
        fixed, queries, aim = pinned(space, request), list[Query](), ""
        for number in range(state.draws, state.draws + request.n):
            rng = problem.rng("bayes", number)
            acquisition, aim = _acquisition(problem, surrogate, feasible, running, seed=int(rng.integers(2**31)))
            leaders = _leaders(problem, surrogate, feasible or eligible, rng)
            size = POOL if len(problem.objectives) == 1 else POOL // 4
            params = _maximize(state, acquisition, pool(state, leaders, rng, fixed=fixed, size=size, beside=running), rng, fixed)
            if params is None:
                break
            queries.append(Query(params, draw=number))
            running.append(params)
            fixed |= {name: params[name] for name in request.shared if name in params}
    if not queries:
        return replace(Sobol().propose(state, request), note="a Sobol point, since the model's pool holds known points only")
    return Proposal(tuple(queries), memo=surrogate.memo(), note=f"{aim}, by Gaussian processes on {len(targets[0].y)} trials")


def _acquisition(
    problem: Problem, surrogate: Surrogate, feasible: Sequence[Record], running: Sequence[Params], *, seed: int
) -> tuple[AcquisitionFunction, str]:
    """What to maximize now, and its name."""
    from bbo.optimizers import gaussian_process as gp

    waiting = _inputs(problem, running)
    believed = surrogate.believe(waiting)
    if not feasible and any(target.bounded for target in surrogate.targets):
        return gp.feasibility(believed), "probability of feasibility, since nothing feasible is known"
    known = _inputs(problem, [record.params for record in feasible]) if feasible else surrogate.targets[0].X
    baseline = np.vstack([known, waiting])
    if len(problem.objectives) == 1:
        return gp.improvement(believed, baseline, seed=seed), "log expected improvement"
    objectives = surrogate.targets[: len(problem.objectives)]
    front = np.column_stack([target.y for target in objectives])
    reference = [
        None if o.reference is None else (o.reference - t.shift) / t.scale for o, t in zip(problem.objectives, objectives, strict=True)
    ]
    acquisition = gp.hypervolume_improvement(believed, baseline, front[nondominated(-front)], reference, seed=seed)
    return acquisition, "log expected hypervolume improvement"


def _leaders(problem: Problem, surrogate: Surrogate, records: Sequence[Record], rng: np.random.Generator) -> list[Params]:
    """Points worth a closer look around: the best, some of the Pareto front, or the likeliest to be feasible."""
    if not records:
        return []
    losses = np.stack([problem.losses(record.values) for record in records])
    if not problem.feasible(records[0].values):
        order = np.argsort(-surrogate.log_p_feasible(_inputs(problem, [record.params for record in records])), kind="stable")
    elif losses.shape[1] == 1:
        order = np.argsort(losses[:, 0], kind="stable")
    else:
        order = rng.permutation(np.flatnonzero(nondominated(losses)))
    return [dict(records[k].params) for k in order[:_LEADERS]]


def _maximize(
    history: History, acquisition: AcquisitionFunction, points: list[Params], rng: np.random.Generator, fixed: Mapping[str, Any]
) -> Params | None:
    """The best of the points and of what a local search from the best of them finds; None where there is none."""
    from bbo.optimizers import gaussian_process as gp

    if not points:
        return None
    space = history.problem.space
    values = gp.evaluate(acquisition, _inputs(history.problem, points))
    for _ in range(0 if whole(space) else 1 if space.plain else _ROUNDS):
        top = [points[k] for k in np.argsort(-values, kind="stable")[:_LEADERS]]
        if space.plain:  # its inputs are its columns
            held = {space.names.index(name): float(space.encode(top[:1])[0, space.names.index(name)]) for name in fixed}
            near = space.decode(gp.climb(acquisition, space.encode(top), fixed=held).clip(0, 1))
        else:
            near = around(space, top, rng, fixed=fixed)
        if more := fresh(history, near, beside=points):
            points = points + more
            values = np.append(values, gp.evaluate(acquisition, _inputs(history.problem, more)))
    best = int(np.argmax(values))
    if not values[best] > -np.inf:
        raise ArithmeticError("the acquisition function is a number nowhere")
    return points[best]
