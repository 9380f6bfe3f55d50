"""Which model speaks for a study, and what it expects at given points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from bbo.errors import NoBest
from bbo.log.states import State
from bbo.model.contract import Model

if TYPE_CHECKING:
    from bbo.study import Study


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the model expects at a point.

    Args:
        mean: Expected outcomes by name; where results are rankings, the utility, which has no unit: before any ranking its mean is
            zero and its standard deviation one, and it is large where trials come first.
        sd: Their standard deviations: the model's doubt, without the noise of a measurement.
        p_feasible: Probability that the point can be evaluated and keeps the outcome constraints.
    """

    mean: Mapping[str, float]
    sd: Mapping[str, float]
    p_feasible: float


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
    predictions = predictions_of(model, points) if points else []
    return predictions[0] if isinstance(params, Mapping) else predictions


def predictions_of(model: Model, points: Sequence[Mapping[str, Any]]) -> list[Prediction]:
    """What a model expects at points of the space."""
    means, sds = model.predict(points)
    return [
        Prediction(
            dict(zip(model.outcomes, map(float, mean), strict=True)), dict(zip(model.outcomes, map(float, sd), strict=True)), float(p)
        )
        for mean, sd, p in zip(means, sds, np.exp(model.log_p_feasible(points)), strict=True)
    ]


def model_of(study: Study) -> tuple[Model, str]:
    """The optimizer's model, or where it has none the default surrogate fitted to the log; and a note that says which.

    Raises:
        NoBest: Fewer than two trials are done, or none of those that are is ranked beside another.
    """
    with study._synced() as replica:
        problem, records = replica.problem, replica.ledger.records
        if problem.objectives[0].feedback == "ranking" and problem.outcome_constraints:
            raise NoBest(
                "the study is told rankings, and no values that could keep its outcome constraints: nothing is known to be feasible"
            )
        done = sum(record.state is State.DONE for record in records)
        if done < 2:
            raise NoBest(f"a model needs two finished trials at least, and {done} {'is' if done == 1 else 'are'} done")
        model = own_model_of(study)
        if model is not None:
            return model, f"by the model of {replica.optimizer.name}"
    return default_model_of(study)


def default_model_of(study: Study) -> tuple[Model, str]:
    """The default surrogate fitted to the log, and a note that says so.

    Raises:
        NoBest: No trial can be used.
    """
    from bbo.optimizers import bayes
    from bbo.optimizers.fitted import Model
    from bbo.optimizers.history import History

    with study._lock:
        replica = study._replica
        problem, ledger = replica.problem, replica.ledger
        history = History(problem, {record.number: record for record in ledger.records}, rankings=list(ledger.rankings))
        fitted = Model.of(history, bayes.Bayes())
    if fitted is None and problem.objectives[0].feedback == "ranking":
        raise NoBest("no ranking compares two of the finished trials; use study.tell_ranking")
    if fitted is None:
        raise NoBest("the finished trials lie in an older definition of the space, and none can be used for a model")
    return fitted, f"by Gaussian processes fitted for this question, since {replica.optimizer.name} has no model"


def own_model_of(study: Study) -> Model | None:
    """The model that the optimizer's proposals rest on; None where it has none, or none yet."""
    with study._synced() as replica:
        model: Model | None = replica.optimizer.model(replica.state)
        return model
