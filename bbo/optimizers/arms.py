"""What bandits share: the arms of a space, what is known of their plays, and how the next ones are drawn.

A bandit plays a finite set of decisions again and again. Each ask draws an arm by probabilities computed from the results so far, with
random numbers keyed by the number of the draw. How probable the arm was stands in its ticket, ``(draw, propensity)`` or ``(draw,
propensity, predicted loss)``, so that estimates rest on what held when it was asked, however late its result comes and whatever came
in between. Results count in the order of trial numbers, whatever order they came in.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from bbo.errors import InvalidSpace, InvalidStudy, NoBest, OutOfRange, Unsupported
from bbo.log.ledger import Record, Update
from bbo.log.states import State
from bbo.optimizers.base import Proposal, Query, Request, refuse
from bbo.optimizers.candidates import held
from bbo.optimizers.settings import Named, demand_number
from bbo.problem import Problem
from bbo.space import Space

Array = NDArray[np.float64]

MOST = 1000
"""Arms that a bandit takes at most: each has to be played before anything is known of it."""

_HUGE = 1e150  # losses beyond count as this: squares and sums of such are still numbers
_SHOWN = 20  # arms that a remark lists

_ROW = np.dtype(
    [
        ("arm", np.intp),  # -1 where the trial is not one of an arm, or has no result
        ("loss", float),  # NaN where it failed
        ("own", bool),  # drawn by this configuration, and run as planned: its propensity is known
        ("propensity", float),
        ("predicted", float),
        ("group", np.intp),
    ]
)


class Ranged(Named, Protocol):
    """The settings of a bandit."""

    @property
    def best(self) -> float | None:
        """The best outcome there can be, None where it is learned."""
        ...

    @property
    def worst(self) -> float | None:
        """The worst one, None where it is learned."""
        ...


def demand_range(settings: Ranged) -> None:
    """Raise unless the settings `best` and `worst` are None or different numbers.

    Raises:
        InvalidStudy: They are not.
    """
    demand_number(settings, "best", optional=True)
    demand_number(settings, "worst", optional=True)
    if settings.best is not None and settings.best == settings.worst:
        raise InvalidStudy(f"{settings.name}: best and worst are both {settings.best!r}; they are different, or None")


def playable(problem: Problem, resolution: int, *, best: float | None, worst: float | None) -> str | None:
    """None for one measured objective over a finite set of decisions, perhaps with contexts; else the reason."""
    if len(problem.objectives) > 1:
        return f"it minimizes one objective, and there are {len(problem.objectives)}"
    objective = problem.objectives[0]
    if objective.feedback == "ranking":
        return "it needs values, and the study is told rankings"
    if problem.outcome_constraints:
        return f"it cannot keep outcome constraints, and there is one on {problem.outcome_constraints[0].name!r}"
    for name, parameter in problem.space.parameters.items():
        if parameter.role not in ("decision", "context"):
            return f"it plays decisions in given contexts, and {name!r} is a {parameter.role} parameter"
        if parameter.role == "context" and parameter.when is not None:
            return f"it needs every context at every ask, and {name!r} is conditional"
    try:
        points = arms_of(problem.space, resolution)
    except InvalidSpace:
        return "it lists decisions without their contexts, and one of them is conditional on a context"
    if not 2 <= len(points) <= MOST:
        there = f"there are more; each continuous parameter has arms={resolution} values" if points[1:] else f"there is {len(points)}"
        return f"it plays 2 to {MOST:,} different decisions, and {there}"
    if best is not None and worst is not None and objective.sign * best >= objective.sign * worst:
        return f"best={best:g} is no better than worst={worst:g} where {objective.name!r} is to be {objective.direction}d"
    return None


def arms_of(space: Space, resolution: int) -> list[dict[str, Any]]:
    """The decisions of a grid that may be played, at most one more than `MOST`: finite parameters whole, others at so many values.

    Without contexts they keep the known constraints; with contexts all are listed, and are looked at again at each ask.

    Raises:
        InvalidSpace: A decision depends on a context.
    """
    return list(islice(decisions_of(space).grid(resolution), MOST + 1))


def decisions_of(space: Space) -> Space:
    """The space without its contexts, and then without constraints; itself where it has none.

    Raises:
        InvalidSpace: A decision depends on a context.
    """
    contexts = space.of_role("context")
    return Space({name: each for name, each in space.parameters.items() if name not in contexts}) if contexts else space


@dataclass(frozen=True, slots=True)
class Results:
    """Plays with a result in the order of their trials, `n` of them.

    Args:
        numbers: Of the trials.
        arms: Which arm each was, from 0.
        losses: Minimized, in the objective's units; NaN where the trial failed or was pruned.
        own: Whether this configuration drew it and it was run as planned.
        propensities: How probable it was when it was drawn; NaN for those that are not `own`.
        predicted: The loss that was predicted then; NaN alike, and where none was.
        groups: The group of its query; -1 alike.
    """

    numbers: NDArray[np.intp]
    arms: NDArray[np.intp]
    losses: Array
    own: NDArray[np.bool_]
    propensities: Array
    predicted: Array
    groups: NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.numbers)

    def of(self, which: NDArray[np.bool_]) -> Results:
        """Those of a mask, shape `n`."""
        parts = (self.numbers, self.arms, self.losses, self.own, self.propensities, self.predicted, self.groups)
        return Results(*(part[which] for part in parts))  # type: ignore[arg-type]


@dataclass(slots=True)
class Plays:
    """What is known of the arms of a problem. Fold it inside an optimizer's `fold`.

    Attributes:
        problem: The problem it is kept for.
        points: The arms, as decisions.
        draws: How many arms this configuration has drawn: the number of the next draw.
        records: Every trial by number, as it stands.
        awaited: Numbers of trials whose results may still come.
        changed: The first trial, by number, whose result came or changed since this was set to None; for what is derived from results
            in order.
    """

    problem: Problem
    points: Sequence[Mapping[str, Any]]
    draws: int = 0
    records: dict[int, Record] = field(default_factory=dict)
    awaited: set[int] = field(default_factory=set)
    changed: int | None = None
    _rows: NDArray[Any] = field(default_factory=lambda: np.zeros(0, _ROW))
    _space: Space = field(init=False)
    _of: dict[Hashable, int] = field(default_factory=dict)
    _kept: dict[Hashable, NDArray[np.bool_]] = field(default_factory=dict)  # constraints by context
    _encoded: Array = field(init=False)
    _results: Results | None = None

    def __post_init__(self) -> None:
        self._space = decisions_of(self.problem.space)
        self._of = {self._space.key(point): k for k, point in enumerate(self.points)}
        self._encoded = self._space.encode(self.points)

    def fold(self, update: Update) -> None:
        """Take in one event."""
        for record in update.records:
            self.records[record.number] = record
            if record.configuration == self.problem.configuration and record.ticket is not None:
                self.draws = max(self.draws, record.ticket[0] + 1)
            if record.state in (State.QUEUED, State.PENDING):
                self.awaited.add(record.number)
            else:
                self.awaited.discard(record.number)
            self._enter(record)

    def allowed(self, request: Request, name: str) -> NDArray[np.bool_]:
        """Which arms keep the known constraints in the context of a request, shape `K`.

        Args:
            request: What is asked for.
            name: Of the optimizer.

        Raises:
            Unsupported: `fixed` or `shared` is given, or a context is missing, as where a point that was enqueued in part is completed.
            OutOfRange: There is no such arm.
        """
        refuse(request, "fixed", "shared", optimizer=name)
        space, context = self.problem.space, request.context
        if missing := [each for each in space.of_role("context") if each not in context]:
            raise Unsupported(f"{name} cannot choose without the context {missing[0]!r}")
        found = self._keeping(context)
        if not found.any():
            raise OutOfRange(f"{name}: no decision of its grid keeps the known constraints at {dict(context)}")
        return found

    def forbidden(self, results: Results) -> NDArray[np.bool_]:
        """Which arms broke the known constraints in the contexts of plays, `n x K`."""
        shape = len(results), len(self.points)
        if not self.problem.space.constraints:
            return np.zeros(shape, bool)
        allowed = [self._keeping(self.context_of(number)) for number in results.numbers.tolist()]
        return ~np.array(allowed, bool).reshape(shape)

    def context_of(self, number: int) -> dict[str, Any]:
        """The contexts of a trial."""
        params = self.records[number].params
        return {name: params[name] for name in self.problem.space.of_role("context") if name in params}

    def _keeping(self, context: Mapping[str, Any]) -> NDArray[np.bool_]:
        """Which arms keep the known constraints in a context, shape `K`."""
        space = self.problem.space
        if not space.constraints or not context:
            return np.ones(len(self.points), bool)
        key = space.key(context)
        if key not in self._kept:
            self._kept[key] = np.array([held(space, dict(point), context) is not None for point in self.points])
        return self._kept[key]

    def results(self) -> Results:
        """All plays with a result."""
        if self._results is None:
            numbers = np.flatnonzero(self._rows["arm"] >= 0)
            rows = self._rows[numbers]
            self._results = Results(numbers, rows["arm"], rows["loss"], rows["own"], rows["propensity"], rows["predicted"], rows["group"])
        return self._results

    def arm_of(self, params: Mapping[str, Any]) -> int | None:
        """Which arm a point is, None where it is not on the grid."""
        return self._of.get(self._space.key(self._decisions(params)))

    def nearest(self, params: Mapping[str, Any]) -> int:
        """The arm that a point is, or is nearest to in the unit cube; of another category only where there is no other."""
        arm = self.arm_of(params)
        if arm is not None:
            return arm
        columns = self._space.columns
        apart = (self._encoded - self._space.encode([self._decisions(params)])) ** 2
        other = np.array([column.kind == "categorical" for column in columns])
        return int(np.where(other & (apart > 0), len(columns), apart).sum(axis=1).argmin())

    def _decisions(self, params: Mapping[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in params.items() if name in self._space.parameters}

    def draw(
        self,
        request: Request,
        name: str,
        probabilities: Array,
        *,
        predicted: Array | None = None,
        group: int | None = None,
        said: Callable[[int], str],
    ) -> Proposal:
        """Independent plays.

        Args:
            request: How many, and in which context.
            name: Of the optimizer, the key of its random numbers.
            probabilities: Of the arms, shape `K`.
            predicted: Losses of the arms to be kept with their plays, shape `K`.
            group: To be kept with the plays.
            said: What is to be said of a play of an arm.
        """
        edges, last = np.cumsum(probabilities), int(np.flatnonzero(probabilities)[-1])
        queries = []
        for number in range(self.draws, self.draws + request.n):
            u = self.problem.rng(name, number).random() * edges[-1]
            arm = min(int(np.searchsorted(edges, u, side="right")), last)
            known = (float(probabilities[arm]), *([] if predicted is None else [float(predicted[arm])]))
            point = {**self.points[arm], **request.context}
            params = {each: point[each] for each in self.problem.space.names if each in point}
            note = f"arm {arm} of {len(self.points)}, drawn with probability {known[0]:.3g}; {said(arm)}"
            queries.append(Query(params, ticket=(number, *known), role="arm", group=group, note=note))
        return Proposal(tuple(queries))

    def remark(self) -> str:
        """Mean result of each arm, over all contexts, and how often it was played; the best first, up to twenty of them."""
        results = self.results()
        if not len(results):
            return ""
        played = np.bincount(results.arms, minlength=len(self.points))
        done = results.of(~np.isnan(results.losses))
        times = np.bincount(done.arms, minlength=len(self.points))
        with np.errstate(invalid="ignore"):
            means = np.bincount(done.arms, weights=done.losses, minlength=len(self.points)) / times
        order = [int(arm) for arm in np.argsort(means, kind="stable") if played[arm]]
        sign = self.problem.objectives[0].sign
        shown = [
            f"{_short(self.points[arm])} {f'{sign * means[arm]:.4g}' if times[arm] else 'failed'} ({played[arm]})" for arm in order[:_SHOWN]
        ]
        more = f", and {len(order) - _SHOWN} more" if len(order) > _SHOWN else ""
        where = " over all contexts" if self.problem.space.of_role("context") else ""
        return f"mean {self.problem.objectives[0].name} of each arm{where}, and how often it was played: {', '.join(shown)}{more}"

    def _enter(self, record: Record) -> None:
        number = record.number
        if number >= len(self._rows):
            longer = np.zeros(max(64, 2 * number), _ROW)
            longer["arm"] = -1
            longer[: len(self._rows)] = self._rows
            self._rows = longer
        row = self._row(record)
        if row == self._rows[number].item() or (row[0] == self._rows["arm"][number] == -1):
            return
        self._rows[number] = row
        self._results = None
        self.changed = number if self.changed is None else min(self.changed, number)

    def _row(self, record: Record) -> tuple[Any, ...]:
        arm = self.arm_of(record.params) if self._counts(record) else None
        if arm is None:
            return (-1, math.nan, False, math.nan, math.nan, -1)
        done = record.state is State.DONE
        loss = float(self.problem.losses(record.values)[0].clip(-_HUGE, _HUGE)) if done else math.nan
        own = record.configuration == self.problem.configuration and record.ticket is not None and record.params == record.planned
        if not own:
            return (arm, loss, False, math.nan, math.nan, -1)
        assert record.ticket is not None
        _, propensity, *predicted = record.ticket
        group = record.asked["group"]
        return (arm, loss, True, propensity, predicted[0] if predicted else math.nan, -1 if group is None else group)

    def _counts(self, record: Record) -> bool:
        """Whether a trial says something of an arm: a result, or a failure, within the space as it is now."""
        finished = record.state in (State.DONE, State.FAILED, State.PRUNED)
        return finished and not record.outside and self.problem.space.contains(record.params)


@dataclass(frozen=True, slots=True, eq=False)
class ArmModel:
    """What models of arms share (see `bbo.model.ListedModel`).

    Args:
        plays: What they rest on.
    """

    plays: Plays

    @property
    def outcomes(self) -> tuple[str, ...]:
        """The only objective."""
        return (self.plays.problem.objectives[0].name,)

    def points(self, fixed: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The arms that keep the known constraints, as points with these values, contexts among them.

        Raises:
            NoBest: There is none, or a context is missing.
        """
        space = self.plays.problem.space
        if missing := [name for name in space.of_role("context") if name not in fixed]:
            raise NoBest(f"which is best depends on the context; use study.recommend(fixed={{{missing[0]!r}: ...}})")
        points = [point for arm in self.plays.points if (point := held(space, dict(arm), fixed)) is not None]
        if not points:
            raise NoBest(f"no arm keeps the known constraints at {dict(fixed)}")
        return [{name: point[name] for name in space.names if name in point} for point in points]


def standing_in(losses: Array, least: float = 0.0) -> Array:
    """Losses with the largest of them, and at least `least`, for those of failed trials (NaN)."""
    failed = np.isnan(losses)
    worst = max(least, float(losses[~failed].max())) if not failed.all() else least
    return np.where(failed, worst, losses)


def above_least(losses: Array, best: float | None, worst: float | None) -> tuple[float, Array]:
    """The least loss there can be, and how far losses (`n`, not all NaN) are above it; those beyond the worst count as that.

    Args:
        losses: NaN where a trial failed, and then NaN in what is returned.
        best: The least loss; None takes the least seen.
        worst: The largest one, None where there is no limit.
    """
    least = float(np.nanmin(losses)) if best is None else best
    least = least if worst is None else min(least, worst)  # where all are beyond the worst, all are alike
    return least, np.clip(losses, least, worst) - least


def limits(problem: Problem, best: float | None, worst: float | None) -> tuple[float | None, float | None]:
    """The least and the largest loss there can be, from settings in the objective's units and sign."""
    sign = problem.objectives[0].sign
    return (None if best is None else sign * best, None if worst is None else sign * worst)


def _short(point: Mapping[str, Any]) -> str:
    return " ".join(f"{name}={value:.4g}" if isinstance(value, float) else f"{name}={value}" for name, value in point.items())
