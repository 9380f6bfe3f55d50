"""What `bbo.Bayes` makes of finished studies: other tasks beside its own, in one process for each outcome, and points to begin with.

A finished study is a multiple of this one plus a discrepancy and a constant of its own (`surrogates.exact_gp.kernels.Coregional`, in a
star, and `Offsets`), all of which are fitted: one that has nothing to do with this study gets a multiple of zero and says nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bbo.errors import BBOError
from bbo.optimizers import robust
from bbo.optimizers.candidates import Params, held
from bbo.optimizers.history import History
from bbo.optimizers.targets import WORKS, Before, Target, fitted_transform
from bbo.optimizers.thinning import chosen
from bbo.prior_studies import key
from surrogates.columns import Column, Columns
from surrogates.exact_gp.transforms import Chain, Standardise

if TYPE_CHECKING:
    from bbo.optimizers.acquisitions import Entry
    from bbo.problem import Problem

Array = NDArray[np.float64]

KEPT = 250
"""Trials of a finished study that are fitted."""

_BEST = 10  # of the points of a finished study to begin with
_APART = 0.1  # least distance between these, in diagonals of the cube
_NEAREST = 3  # trials by which a finished study is asked for its value at a point
_LEAST, _MOST = 0.2, 2.0  # spread of the values of this study in units of that of a finished one

Sources = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Trial:
    """One of a finished study, in the space of this one."""

    params: Mapping[str, Any]
    values: Mapping[str, float]
    sd: Mapping[str, float]


def refusal(problem: Problem, acquisition: str | None, entry: Entry | None) -> str | None:
    """Why finished studies cannot be learned from; None where they can.

    Args:
        problem: What is optimized.
        acquisition: The acquisition function's name; None for a function or a model of the user's.
        entry: What it can; None likewise.
    """
    if other := [f"{name!r} is a {role} parameter" for name, role in problem.space.roles.items() if role != "decision"]:
        return f"it learns from finished studies where all parameters are decisions, and {other[0]}"
    if problem.objectives[0].feedback == "ranking":
        return "it learns from finished studies of values, and this one is told rankings"
    if robust.applies(problem) or robust.needed(problem):
        return "it learns from finished studies where no measure over conditions and inexact settings counts"
    if entry is None:
        return "it learns from finished studies by models and acquisition functions of bbo, and one is yours"
    if acquisition == "thompson":
        return "it draws no functions ('thompson') from a process that learns from finished studies"
    if entry.decides_level or entry.needs_gradients or not entry.gradients:  # these ask more of a process than `OneTask` has
        return f"the acquisition {acquisition!r} does not know processes that learn from finished studies"
    if entry.botorch:
        return f"the acquisition {acquisition!r} is BoTorch's, and cannot ask a process that learns from finished studies"
    return None


def trials_of(state: History, source: Mapping[str, Any]) -> list[Trial]:
    """Those of a finished study that are points of the space as it is now, perhaps out of range."""
    found = []
    for entry in state.transferred.get(key(source), ()):
        try:
            state.problem.space.validate(entry["params"], outside=True)
        except BBOError:  # of an older definition
            continue
        found.append(Trial(entry["params"], entry["values"], entry["sd"]))
    return found


def learned(state: History, targets: Sequence[Target], sources: Sources, *, power: bool) -> list[Target]:
    """The targets, each with what finished studies say of its outcome, in a unit that makes it comparable with them."""
    if not sources:
        return list(targets)
    problem = state.problem

    def look() -> list[list[Trial]]:
        kept = []
        for trials in (trials_of(state, source) for source in sources):
            losses = np.array([problem.losses(trial.values) for trial in trials])
            kept.append(trials if len(trials) <= KEPT else chosen(problem, trials, losses, kept=KEPT))
        return kept

    studies = state.once(("learned", tuple(key(source) for source in sources)), look)
    return [target if target.name == WORKS else _with(target, problem, studies, power=power) for target in targets]


def _with(target: Target, problem: Problem, studies: Sequence[Sequence[Trial]], *, power: bool) -> Target:
    objective = any(o.name == target.name for o in problem.objectives)
    before = []
    for trials in studies:
        if not trials or target.name not in trials[0].values:
            continue
        gains = target.sign * np.array([trial.values[target.name] for trial in trials])
        transform = fitted_transform(gains, objective=objective, power=power)
        variance = None
        if all(target.name in trial.sd for trial in trials):
            variance = (np.array([trial.sd[target.name] for trial in trials]) * transform.derivative(gains)) ** 2
        before.append(Before(problem.space.encode([trial.params for trial in trials]), transform.forward(gains), variance))
    if not before:
        return target
    known = target.variance is not None and all(study.variance is not None for study in before)
    scaled = rescaled(target, _spread(target, before))
    return replace(scaled, before=tuple(before), variance=scaled.variance if known else None)


def rescaled(target: Target, factor: float) -> Target:
    """The target in units of which there are `factor` to one of now."""
    return replace(
        target,
        y=factor * target.y,
        variance=None if target.variance is None else factor**2 * target.variance,
        transform=Chain((target.transform, Standardise(0.0, 1.0 / factor))),
        lower=None if target.lower is None else factor * target.lower,
        upper=None if target.upper is None else factor * target.upper,
    )


def _spread(target: Target, before: Sequence[Before]) -> float:
    """The spread that a target's values, whose own is one, are to have: that of the finished study that is most like it, at these points.

    Values of points that were chosen for being good are much alike. Taken to be as different as those of a whole study, they
    would seem to come from another function.
    """
    found = []
    for study in before:
        distance = np.sum((target.X[:, None, :] - study.X[None, :, :]) ** 2, axis=-1)
        nearest = np.argsort(distance, axis=1, kind="stable")[:, :_NEAREST]
        values = study.y[nearest].mean(axis=1)
        spread = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
        alike = abs(float(np.corrcoef(values, target.y)[0, 1])) if spread > 0 and np.ptp(target.y) > 0 else 0.0
        found.append((alike, spread))
    return float(np.clip(max(found)[1], _LEAST, _MOST)) if max(found)[0] > 0 else 1.0


def stacked(target: Target) -> tuple[Array, Array, Array | None]:
    """All data of a target: points and which study each is of (`n x (d + 1)`), values, and variances; those of finished studies first."""
    tasks = task_levels(len(target.before))
    parts = [*((study.X, study.y, study.variance) for study in target.before), (target.X, target.y, target.variance)]
    X = np.vstack([np.column_stack([x, np.full(len(x), task)]) for (x, _, _), task in zip(parts, tasks, strict=True)])
    variances = [variance for _, _, variance in parts if variance is not None]
    return X, np.concatenate([y for _, y, _ in parts]), np.concatenate(variances) if len(variances) == len(parts) else None


def task_levels(n: int) -> tuple[float, ...]:
    """How n finished studies are encoded, and this one, which comes last."""
    return tuple((k + 0.5) / (n + 1) for k in range(n + 1))


def with_task(columns: Columns, n: int) -> Columns:
    """The columns of a space, and one for which of n finished studies, or this one, a point is of."""
    return Columns((*columns, Column("(study)", "categorical", task_levels(n), role="task")))


# -- points to begin with


def beginnings(state: History, sources: Sources) -> list[Params]:
    """Points of finished studies that were good there, best first, the studies taking turns: feasible here, and not close together."""
    problem = state.problem
    turns = [list(_best(problem, trials_of(state, source))) for source in sources]
    return [dict(trial.params) for turn in zip_longest(*turns) for trial in turn if trial is not None]


def _best(problem: Problem, trials: Sequence[Trial]) -> Iterator[Trial]:
    space = problem.space
    inside = [trial for trial in trials if space.contains(trial.params)]
    measured = {constraint.name for constraint in problem.outcome_constraints}
    known = [trial for trial in inside if measured <= trial.values.keys()]
    inside = [trial for trial in known if problem.feasible(trial.values)] or inside
    if not inside:
        return
    losses = np.array([problem.losses(trial.values) for trial in inside])
    ranks = losses.argsort(axis=0, kind="stable").argsort(axis=0, kind="stable").sum(axis=1)
    X = space.encode([trial.params for trial in inside])
    taken: list[int] = []
    for k in np.argsort(ranks, kind="stable"):
        if len(taken) < _BEST and all(np.sqrt(np.mean((X[k] - X[j]) ** 2)) > _APART for j in taken):
            taken.append(int(k))
            yield inside[k]


Drawn = Callable[[int, int, Mapping[str, Any]], Params]


def drawn(state: History, sources: Sources, otherwise: Drawn | None) -> Drawn:
    """Points of an initial design: of even numbers a finished study's next best one, elsewhere what is drawn otherwise or a Sobol point."""
    space, best = state.problem.space, state.once(("beginnings", tuple(map(key, sources))), lambda: beginnings(state, sources))

    def draw(seed: int, number: int, fixed: Mapping[str, Any]) -> Params:
        if number % 2 == 0 and number // 2 < len(best) and (point := held(space, best[number // 2], fixed)) is not None:
            return point
        return space.sobol(1, seed=seed, start=number, fixed=fixed)[0] if otherwise is None else otherwise(seed, number, fixed)

    return draw
