"""The point that the model believes best."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bbo.errors import NoBest
from bbo.log.states import State
from bbo.model.climbing import Climber, Mask
from bbo.model.contract import CubeModel, ListedModel, Model
from bbo.model.prediction import default_model_of, model_of, predictions_of
from bbo.optimizers import fitted, robust, tasks
from bbo.optimizers.candidates import Params, held, whole

if TYPE_CHECKING:
    from acquisitions.maximizer import Smooth
    from acquisitions.protocol import Acquisition
    from acquisitions.scenarios import Scenarios
    from bbo.model.robust_recommendation import Designs
    from bbo.problem import Problem
    from bbo.study import Study

Array = NDArray[np.float64]

_EVEN = float(np.log(0.5))  # log of an even chance
_SAFE = 1e-6  # how much more than that is asked of points on the way, so that none loses it by rounding
_LEADERS = 5  # measured points that are looked around
_SAMPLED = 40  # designs that are compared by samples


@dataclass(frozen=True, slots=True)
class Recommendation:
    """The point that the model believes best.

    Args:
        params: The point, feasible for every known constraint; of a study with an environment the design alone.
        mean: As in `Prediction`; where designs meet several conditions, the objective's measure over them (`Objective.risk`), and
            averages of other outcomes.
        sd: As in `Prediction`, of that.
        p_feasible: As in `Prediction`; where designs meet several conditions, in one of them drawn by its probability.
        note: Which model spoke, what the mean is, and what it could not keep.
    """

    params: Mapping[str, Any]
    mean: Mapping[str, float]
    sd: Mapping[str, float]
    p_feasible: float
    note: str


def recommend(study: Study, fixed: Mapping[str, Any] | None = None) -> Recommendation:
    """The point with the best predicted objective among those that are feasible rather than not, at the target of fidelities.

    With `fixed` it is the best among those that have these values; a `bbo.Task` has to be among them.

    The posterior mean is maximized over the space (`acquisitions.maximize`) under the known constraints and an even chance of
    being feasible, in the units of the fit; where the climbs end and what was measured is then compared in its own units. Spaces
    of few points are searched whole. Where no point is found that has an even chance of being feasible, the likeliest one is taken.

    With a `bbo.Environment`, or decisions that are set inexactly (`input_sd`), it is the design of the best expectation, or other
    `Objective.risk`, over all conditions that it meets: that of the mean is climbed, and the ends are compared by that of the latent
    function. It holds no environment, which nobody sets in service.

    Raises:
        NoBest: Too little was told for a model, there can be none, or there are several objectives, or a task and none is fixed, or a
            bandit's context.
        OutOfRange: A fixed value is not in the space.
    """
    from bbo.optimizers.fitting import one_thread

    problem = study._problem
    if len(problem.objectives) > 1:
        raise NoBest(f"{len(problem.objectives)} objectives have no single best point; use study.pareto_front()")
    space = problem.space
    held_at = {**space.targets, **(space.validate(fixed, partial=True, what="fixed") if fixed else {})}
    if open_tasks := [name for name in tasks.names(space) if name not in held_at]:
        raise NoBest(f"which is best depends on the task; use study.recommend(fixed={{{open_tasks[0]!r}: ...}})")
    model, note = model_of(study)
    if (scenarios := robust.scenarios(problem)) is not None:
        if fixed:
            raise NoBest("the best design over all conditions is found without fixed values; use study.recommend()")
        with one_thread():
            return _design(study, scenarios, model, note)
    measured = [r.params for r in study._replica.ledger.records if r.state is State.DONE and not r.outside]
    points = [dict(p) for p in measured if space.contains(p) and held_at.items() <= p.items()]
    with one_thread():
        if isinstance(model, ListedModel):
            points = model.points(held_at)
        elif whole(space):
            points += [point for every in space.enumerate() if (point := held(space, every, held_at)) is not None]
        else:
            points += _optima(problem, model, _best_first(model, points, problem)[:_LEADERS], held_at)
        best = _best_first(model, points, problem)[0]
        (expected,) = predictions_of(model, [best])
    if expected.p_feasible < 0.5:
        note = "; ".join(filter(None, [note, "no point has an even chance of being feasible: this is the likeliest one"]))
    return Recommendation(best, expected.mean, expected.sd, expected.p_feasible, note)


def _design(study: Study, scenarios: Scenarios, model: Model, note: str) -> Recommendation:
    """The best design over conditions."""
    from bbo.model.robust_recommendation import Designs

    problem, space = study._problem, study._problem.space
    if not isinstance(model, fitted.Model):
        model, note = default_model_of(study)
    assert isinstance(model, fitted.Model)  # the default surrogate is
    designs, nominal = Designs(problem, model, scenarios), robust.nominal(space)
    fixed = {**space.targets, **nominal}
    measured = (r.params for r in study._replica.ledger.records if r.state is State.DONE and not r.outside)
    points = [point for p in measured if space.contains(p) and (point := held(space, dict(p), fixed)) is not None]
    if whole(space):
        points += [point for every in space.enumerate() if (point := held(space, every, fixed)) is not None]
    points = list({space.key(point): point for point in points}.values())
    if not whole(space):
        climb = Climber(space, designs.likeliest(points, _LEADERS), problem.rng("recommend"), nominal)
        points += climb.points(climb(designs.score, feasible=_even(designs)).optima)
    best = designs.best_first(designs.likeliest(points, _SAMPLED))[0]
    X = space.encode([best])
    (means,), (sds,), p = *designs.expected(X), float(np.exp(designs.log_p_feasible(X)[0]))
    over = ", ".join([*nominal, *(f"the error of {name}" for name in robust.inexact(space))])
    note = f"{note}; {problem.objectives[0].name} is the {designs.measure} over {over}"
    if p < 0.5:
        note += "; no design has an even chance of being feasible: this is the likeliest one"
    named = [dict(zip(model.outcomes, map(float, part), strict=False)) for part in (means, sds)]
    return Recommendation({key: value for key, value in best.items() if key not in nominal}, named[0], named[1], p, note)


def _even(designs: Designs) -> Callable[[Array], Mask] | None:
    """That a design has an even chance of being feasible, where that is in question and any measured one has it."""
    if not designs.model.constraints:
        return None
    return lambda X: designs.log_p_feasible(X) >= _EVEN + _SAFE


def _best_first(model: Model, points: Sequence[Params], problem: Problem) -> list[Params]:
    """The points by their lack of an even chance of being feasible, then by their expected loss."""
    if not points:
        return []
    lack = np.maximum(_EVEN - model.log_p_feasible(points), 0)
    loss = problem.objectives[0].sign * model.predict(points)[0][:, 0]
    return [points[k] for k in np.lexsort((loss, lack))]


def _optima(problem: Problem, model: Model, leaders: Sequence[Params], fixed: Mapping[str, Any]) -> list[Params]:
    """Where climbs of the expected objective end; of the probability of feasibility, where no point screened has an even one."""
    climb, aim = Climber(problem.space, leaders, problem.rng("recommend"), fixed), _aim(problem, model)
    try:
        optima = climb(aim.score, feasible=aim.feasible, smooth=aim.smooth).optima
    except ArithmeticError:
        if aim.likely is None:
            raise
        optima = climb(aim.likely).optima
        if aim.likely.value(optima[:1])[0] >= _EVEN + _SAFE:
            more = climb(aim.score, seeds=optima, feasible=aim.feasible, smooth=aim.smooth).optima
            optima = np.vstack([optima, more])
    return climb.points(optima)


@dataclass(frozen=True, slots=True)
class _Aim:
    """The expected objective, larger is better; log probability of feasibility, None where it is certain; and that it be an even one."""

    score: Acquisition
    likely: Acquisition | None = None
    feasible: Callable[[Array], Mask] | None = None
    smooth: Smooth | None = None


def _aim(problem: Problem, model: Model) -> _Aim:
    """With gradients where the model has them."""
    from acquisitions.feasibility import LogProbabilityOfFeasibility
    from acquisitions.maximizer import Smooth

    if not isinstance(model, CubeModel):
        space, sign = problem.space, problem.objectives[0].sign
        likely = _Score(lambda X: model.log_p_feasible(space.decode(X)))
        return _Aim(
            _Score(lambda X: -sign * model.predict(space.decode(X))[0][:, 0]), likely, feasible=lambda X: likely.value(X) >= _EVEN + _SAFE
        )
    if not model.constraints:
        return _Aim(model.score)
    feasibility = LogProbabilityOfFeasibility(tuple(model.constraints.values()))
    smooth = Smooth(lambda X: (_EVEN + _SAFE - feasibility.value(X))[:, None], lambda X: -feasibility.value_and_gradient(X)[1][:, None, :])
    return _Aim(model.score, feasibility, smooth=smooth)


@dataclass(frozen=True, slots=True)
class _Score:
    """A score of encoded points without a gradient."""

    of: Callable[[Array], Array]

    def value(self, X: Array) -> Array:
        """One score a row."""
        return self.of(X)
