"""From the log to what is modelled: one target an outcome, to be maximized, and one for whether a point can be evaluated at all.

The studies' minimization becomes the surrogates' maximization here, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bbo.log.ledger import Record
from bbo.log.states import State
from bbo.objectives import Constraint
from bbo.optimizers.history import History
from bbo.optimizers.slopes import with_gradients
from bbo.optimizers.thinning import MOST, chosen
from bbo.problem import Problem
from surrogates.exact_gp.gradients import Gradients
from surrogates.exact_gp.transforms import Bilog, Chain, OutputTransform, Standardise, fit_chain

if TYPE_CHECKING:
    from surrogates.preference_gp.comparisons import Comparisons

Array = NDArray[np.float64]

WORKS = "(works)"
"""Name of the target that says whether a point can be evaluated: 1 for done, -1 for failed, 0 and more is feasible."""

_BOUND_NOISE = 0.1  # variance of that target's noise, which keeps a lone failure from cutting a cliff
_LEAST_SD = 1e-3  # of the scale of an outcome; a smaller sd told with it is no noise to a model
_LEAST_UNIT = 1e-9  # of the spread of an outcome: what is closer to its bound counts as rounding


@dataclass(frozen=True, slots=True, eq=False)
class Before:
    """What was measured of an outcome in a finished study: points `n x d`, values in units of their own, variances where all are known."""

    X: Array
    y: Array
    variance: Array | None = None


@dataclass(frozen=True, slots=True)
class Bends:
    """How outcomes are bent before they are modelled.

    Args:
        objectives: Whether objectives go through a power transform.
        near: Of outcomes that have one bound and are no objectives, by name: the share of their values that counts as near the bound.
            Distances from it are taken in units of the farthest of these, and larger ones by their logarithm (bilog). All others stay
            as they are.
    """

    objectives: bool = True
    near: Mapping[str, float] = field(default_factory=dict)


_STRAIGHT = Bends(objectives=False)


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """What one Gaussian process is fitted to.

    Args:
        name: Name of the outcome.
        X: Encoded points, `n x d`.
        y: Values in the model's units, `n`; an objective's are to be maximized.
        variance: Variances of their noise, `n`; None where it is to be inferred.
        sign: -1 for an outcome that is minimized.
        transform: From ``sign * outcome`` to `y`, increasing.
        lower, upper: Bounds on y that make a point feasible, where the outcome is constrained.
        anchored: Whether zero is more than the middle of the data, so that the mean before any data is held there.
        comparisons: What is known of y, where it was not measured but ranked; y has only its length then.
        gradients: Partial derivatives of y with respect to the columns of X, where some are to be modelled.
        before: The same outcome in finished studies, see `bbo.optimizers.transfer`.
    """

    name: str
    X: Array
    y: Array
    variance: Array | None = None
    sign: float = 1.0
    transform: OutputTransform = field(default_factory=lambda: Standardise(0.0, 1.0))
    lower: float | None = None
    upper: float | None = None
    anchored: bool = False
    comparisons: Comparisons | None = None
    gradients: Gradients | None = None
    before: tuple[Before, ...] = ()

    @property
    def bounded(self) -> bool:
        """Whether it is constrained."""
        return self.lower is not None or self.upper is not None

    def native(self, mean: Array, variance: Array) -> tuple[Array, Array]:
        """Mean and standard deviation of the outcome in its own units and sign, from moments in those of the model."""
        centre, spread = self.transform.moments(mean, variance)
        return self.sign * centre, np.sqrt(spread)


def usable(history: History, state: State) -> list[Record]:
    """Trials of that state by number whose points can be encoded; where they are too many for a model, those that say most."""
    found = history.finished(state)
    if len(found) <= MOST:
        return found

    def choose() -> list[Record]:
        objectives = history.problem.objectives if state is State.DONE and not history.rankings else ()
        losses = [o.sign * np.array([record.values[o.name] for record in found], dtype=float) for o in objectives]
        return chosen(history.problem, found, np.column_stack(losses or [np.zeros(len(found))]))

    return history.once(("usable", state), choose)


def targets_of(history: History, bends: Bends, *, tails: bool = False, gradients: bool = False) -> list[Target]:
    """The objectives, the outcomes that are constraints only, and, after a failure, whether a point works.

    Args:
        history: What is known.
        bends: How outcomes are bent.
        tails: Whether an objective's bad values are kept as they are, since they count themselves or tell how levels are related.
        gradients: Whether told gradients of the first objective are modelled.
    """
    problem, done, failed = history.problem, usable(history, State.DONE), usable(history, State.FAILED)
    X = problem.space.encode([record.params for record in done])
    if problem.objectives[0].feedback == "ranking":
        found = [_utility(history)]
    else:
        found = [measured(problem, name, X, done, bends, tails=tails) for name in problem.outcomes]
    if gradients:
        found[0] = with_gradients(problem.space, found[0], done)
    if failed:
        both = np.vstack([X, problem.space.encode([record.params for record in failed])])
        y = np.repeat([1.0, -1.0], [len(done), len(failed)])
        found.append(Target(WORKS, both, y, np.full(len(y), _BOUND_NOISE), lower=0.0))
    return found


def anchored(target: Target) -> Target:
    """A target with zero at its bound (halfway between two bounds), and values in units of their root mean square from there.

    Far from the data such an outcome counts as close to its bound, however far off all that is known may be. A target's transform
    must be affine.
    """
    ends = [end for end in (target.lower, target.upper) if end is not None]
    zero = sum(ends) / len(ends)
    size = float(np.sqrt(np.mean((target.y - zero) ** 2)))
    unit = size if size > 0 and np.isfinite(size) else 1.0
    shift, further = (float(target.transform.inverse(value)) for value in (zero, zero + unit))
    return replace(
        target,
        y=(target.y - zero) / unit,
        variance=None if target.variance is None else target.variance / unit**2,
        transform=Standardise(shift, further - shift),
        lower=None if target.lower is None else (target.lower - zero) / unit,
        upper=None if target.upper is None else (target.upper - zero) / unit,
        anchored=True,
    )


def _utility(history: History) -> Target:
    """The utility of the trials that were ranked."""
    from bbo.optimizers.preferences import compared

    problem, (records, comparisons) = history.problem, compared(history)
    X = problem.space.encode([record.params for record in records])
    return Target(problem.objectives[0].name, X, np.zeros(len(X)), comparisons=comparisons)


def measured(problem: Problem, name: str, X: Array, done: Sequence[Record], bends: Bends = _STRAIGHT, *, tails: bool = False) -> Target:
    """One outcome of finished trials, at their points X (`n x d`); the rest as for `targets_of`."""
    values = np.array([record.values[name] for record in done], dtype=float)
    objective = next((o for o in problem.objectives if o.name == name), None)
    sign = 1.0 if objective is None else -objective.sign
    constraint = next((c for c in problem.outcome_constraints if c.name == name), None)
    if constraint is not None and name in bends.near:
        transform = _from_bound(values, constraint, bends.near[name])
    else:
        transform = fitted_transform(sign * values, objective=objective is not None and not tails, power=bends.objectives)
    given = [record.sd.get(name, objective and objective.sd) for record in done]
    variance = None
    if None not in given:
        sd = np.array(given, dtype=float) * transform.derivative(sign * values)
        variance = np.maximum(sd, _LEAST_SD) ** 2
    ends = (None, None) if constraint is None else (constraint.lower, constraint.upper)
    lower, upper = (None if end is None else float(transform.forward(sign * end)) for end in (ends if sign > 0 else ends[::-1]))
    return Target(name, X, transform.forward(sign * values), variance, sign, transform, lower, upper)


def bendable(problem: Problem) -> tuple[str, ...]:
    """Names of the outcomes that `Bends.near` may hold."""
    objectives = {objective.name for objective in problem.objectives}
    return tuple(c.name for c in problem.outcome_constraints if c.name not in objectives and (c.lower is None) != (c.upper is None))


def _from_bound(values: Array, constraint: Constraint, near: float) -> OutputTransform:
    """Bilog of distances from a bound, in units of the one that a share of them does not exceed; standardised then."""
    bound = constraint.lower if constraint.upper is None else constraint.upper
    assert bound is not None
    unit = max(float(np.quantile(np.abs(values - bound), near)), _LEAST_UNIT * float(np.std(values)))
    first = Chain((Standardise(bound, unit if unit > 0 else 1.0), Bilog()))
    return Chain((*first.steps, Standardise.fit(first.forward(values))))


def fitted_transform(gains: Array, *, objective: bool, power: bool) -> OutputTransform:
    """Standardised; an objective's bad tail is clipped before (Tukey's far fence), and may be bent towards a normal distribution."""
    if not len(gains):
        return Standardise(0.0, 1.0)
    if not objective:
        return Standardise.fit(gains)
    return fit_chain(gains, ("winsorise", "standardise", "yeo_johnson", "standardise") if power else ("winsorise", "standardise"))
