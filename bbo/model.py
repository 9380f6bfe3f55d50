"""What rests on a model of the outcomes: predictions, the recommended point, importances. Native units and signs throughout."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, overload

import numpy as np
from numpy.typing import NDArray

from bbo.errors import NoBest
from bbo.log.states import State
from bbo.optimizers.candidates import around

if TYPE_CHECKING:
    from bbo.problem import Problem
    from bbo.study import Study

Array = NDArray[np.float64]

_SAMPLES = 2_000  # points among which a recommendation is looked for
_ROUNDS = 4  # of the local search that follows
_LEADERS = 5  # points that it goes on from
_BASE = 1_024  # base points of the importances


class Model(Protocol):
    """What `Optimizer.model` returns."""

    @property
    def outcomes(self) -> tuple[str, ...]:
        """Names of the outcomes, in the order of the columns of `predict`."""
        ...

    def predict(self, rows: Sequence[Mapping[str, Any]]) -> tuple[Array, Array]:
        """Mean and standard deviation of each outcome at each point, each `n x m`, without the noise of a measurement."""
        ...

    def log_p_feasible(self, rows: Sequence[Mapping[str, Any]]) -> Array:
        """Log probability that each point can be evaluated and keeps the outcome constraints, shape `n`."""
        ...


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the model expects at a point.

    Args:
        mean: Expected outcomes by name.
        sd: Their standard deviations: the model's doubt, without the noise of a measurement.
        p_feasible: Probability that the point can be evaluated and keeps the outcome constraints.
    """

    mean: Mapping[str, float]
    sd: Mapping[str, float]
    p_feasible: float


@dataclass(frozen=True, slots=True)
class Recommendation:
    """The point that the model believes best.

    Args:
        params: The point, feasible for every known constraint.
        mean: As in `Prediction`.
        sd: As in `Prediction`.
        p_feasible: As in `Prediction`.
        note: Which model spoke, and what it could not keep.
    """

    params: Mapping[str, Any]
    mean: Mapping[str, float]
    sd: Mapping[str, float]
    p_feasible: float
    note: str


@dataclass(frozen=True, slots=True)
class Importance:
    """How much a parameter matters to an outcome.

    Args:
        parameter: Its name.
        outcome: The outcome's name.
        value: Share of the variance of the model's mean over the space in which the parameter has a part, alone or together
            with others (total-order Sobol index). The shares of interacting parameters add up to more than 1.
    """

    parameter: str
    outcome: str
    value: float


@overload
def predict(study: Study, params: Mapping[str, Any]) -> Prediction: ...
@overload
def predict(study: Study, params: Sequence[Mapping[str, Any]]) -> list[Prediction]: ...
def predict(study: Study, params: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> Prediction | list[Prediction]:
    """What the model expects at a point, or at each of several.

    Raises:
        OutOfRange: A point is not in the space. NoBest: Too little was told for a model, or there can be none.
    """
    rows = [params] if isinstance(params, Mapping) else list(params)
    points = [study.space.validate(row) for row in rows]
    model, _ = model_of(study)
    predictions = _predictions(model, points) if points else []
    return predictions[0] if isinstance(params, Mapping) else predictions


def recommend(study: Study) -> Recommendation:
    """The point with the best predicted objective among those that are feasible rather than not, at the target of fidelities.

    Looked for among measured points, random ones, and the neighbours of the best of these. Where no point has an even chance of
    being feasible, the likeliest one is taken.

    Raises:
        NoBest: Too little was told for a model, there can be none, or there are several objectives.
    """
    problem = study._problem
    if len(problem.objectives) > 1:
        raise NoBest(f"{len(problem.objectives)} objectives have no single best point; use study.pareto_front()")
    model, note = model_of(study)
    space, objective = problem.space, problem.objectives[0]
    rng = problem.rng("recommend")
    measured = [r.params for r in study._replica.ledger.records if r.state is State.DONE and not r.outside]
    at_target = [dict(p) for p in measured if space.contains(p) and space.targets.items() <= p.items()]
    points = at_target + space.sample(_SAMPLES, rng, fixed=space.targets)
    merit = _merit(model, points, objective.sign)
    for _ in range(_ROUNDS):
        leaders = [points[k] for k in np.lexsort(merit[::-1])[:_LEADERS]]
        near = around(space, leaders, rng, fixed=space.targets)
        points, merit = points + near, np.hstack([merit, _merit(model, near, objective.sign)])
    best = points[int(np.lexsort(merit[::-1])[0])]
    (expected,) = _predictions(model, [best])
    if expected.p_feasible < 0.5:
        note = "; ".join(filter(None, [note, "no point has an even chance of being feasible: this is the likeliest one"]))
    return Recommendation(best, expected.mean, expected.sd, expected.p_feasible, note)


def importance(study: Study) -> list[Importance]:
    """Total-order Sobol indices of the model's mean, by Monte Carlo; most important first.

    Parameters are varied independently over their ranges (log axes on their scale); known constraints are left aside. A
    parameter that changes which others are active is charged with what that does.

    Raises:
        NoBest: Too little was told for a model, or there can be none.

    Source: Jansen (1999), doi:10.1016/S0010-4655(98)00154-4, as in Saltelli et al. (2010), doi:10.1016/j.cpc.2009.09.018, table 2 (f).
    """
    problem, (model, _) = study._problem, model_of(study)
    space, groups = problem.space, _columns_of(problem)
    A, B = problem.rng("importance").random((2, _BASE, space.d))
    means = [model.predict(space.decode(A))[0]]
    for columns in groups.values():
        mixed = A.copy()
        mixed[:, columns] = B[:, columns]
        means.append(model.predict(space.decode(mixed))[0])
    base, *changed = means
    variance = base.var(axis=0)
    found = [
        Importance(name, outcome, float(np.mean((base[:, k] - other[:, k]) ** 2) / 2 / variance[k]) if variance[k] > 0 else 0.0)
        for name, other in zip(groups, changed, strict=True)
        for k, outcome in enumerate(model.outcomes)
    ]
    return sorted(found, key=lambda entry: -entry.value)


def model_of(study: Study) -> tuple[Model, str]:
    """The optimizer's model, or where it has none the default surrogate fitted to the log; and a note that says which.

    Raises:
        NoBest: Fewer than two trials are done, or the study is told rankings.
    """
    from bbo.optimizers import bayes
    from bbo.optimizers.history import History

    with study._lock:
        study._replica.sync()
        replica = study._replica
        problem, records = replica.problem, replica.ledger.records
        if problem.objectives[0].feedback == "ranking":
            raise NoBest("the study is told rankings, and there is no model of rankings; use study.best_trial")
        done = sum(record.state is State.DONE for record in records)
        if done < 2:
            raise NoBest(f"a model needs two finished trials at least, and {done} {'is' if done == 1 else 'are'} done")
        model = replica.optimizer.model(replica.state)
        if model is not None:
            return model, f"by the model of {replica.optimizer.name}"
        fitted = bayes.Model.of(History(problem, {record.number: record for record in records}), bayes.Bayes())
    if fitted is None:
        raise NoBest("the finished trials lie in an older definition of the space, and none can be used for a model")
    return fitted, f"by Gaussian processes fitted for this question, since {replica.optimizer.name} has no model"


def _predictions(model: Model, points: Sequence[Mapping[str, Any]]) -> list[Prediction]:
    means, sds = model.predict(points)
    return [
        Prediction(
            dict(zip(model.outcomes, map(float, mean), strict=True)), dict(zip(model.outcomes, map(float, sd), strict=True)), float(p)
        )
        for mean, sd, p in zip(means, sds, np.exp(model.log_p_feasible(points)), strict=True)
    ]


def _merit(model: Model, points: Sequence[Mapping[str, Any]], sign: float) -> Array:
    """What a recommendation sorts by, least first: lack of an even chance of being feasible, then the expected loss (`2 x n`)."""
    if not points:
        return np.empty((2, 0))
    return np.stack([np.maximum(np.log(0.5) - model.log_p_feasible(points), 0), sign * model.predict(points)[0][:, 0]])


def _columns_of(problem: Problem) -> dict[str, list[int]]:
    """The columns of each parameter's encoding, by its name; constants have none and are left out."""
    widths = [(name, parameter.columns_wide) for name, parameter in problem.space.parameters.items()]
    ends = np.cumsum([width for _, width in widths])
    return {name: list(range(end - width, end)) for (name, width), end in zip(widths, ends.tolist(), strict=True) if width}
