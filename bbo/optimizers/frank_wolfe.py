"""Frank-Wolfe from values alone: steps towards extreme points of a convex set, along an averaged estimate of the gradient.

A phase is the base point and the points around it of one estimate.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, get_args

import numpy as np
from numpy.typing import NDArray

from acquisitions.domain import ConvexDomain, UnsupportedDomain
from bbo.errors import InvalidStudy
from bbo.log.ledger import Record
from bbo.log.states import State
from bbo.optimizers.base import Proposal, Query
from bbo.optimizers.phases import InPhases, Phases, one_measured_objective
from bbo.optimizers.settings import demand_integer, demand_number
from bbo.problem import Problem
from bbo.zeroth_order import coordinate_forward, either_way, gaussian, gaussian_directions
from bbo.zeroth_order.frank_wolfe import Estimator, Iterate, Rates, advance, rates

Array = NDArray[np.float64]

_EXACT, _NOISY = (0.01, 0.0), (1.0, 0.1)  # factors to the paper's distances, and least distances
_TIGHT = 1e-12  # how far outside its set, relative to its size, a point that is asked for may lie: rounding
_DEEPEST = 0.5  # of the way to the centre: how far a base point is drawn inside at most
_HALVINGS = 20  # of that, to find out how far it has to be
_ROUNDS = 3  # in which coordinates without a result are asked again
_GREATEST = 1e300  # losses and slopes beyond this are none: their differences and sums may overflow


@dataclass(frozen=True, slots=True)
class FrankWolfe(InPhases):
    """Zeroth-order stochastic Frank-Wolfe: one objective over a convex set that is never left, and nothing is ever projected.

    It runs on arrays between bounds or within any of bbo's convex sets, on floats, shares of a mixture, and under linear known
    constraints. Each phase estimates the gradient at one point by forward differences, averages it with the estimates before, and goes
    a part of the way, ``2 / (t + 8)``, to the extreme point of the set that is best along the average. On sets with sparse extreme
    points (the l1 and the nuclear ball, the simplex) iterates after few steps are sparse, or of low rank. Iterates are means of points
    of the set; all is in the cube of `Space.encode`, where every set keeps its form, but that boxes become cubes.

    **Points around an iterate** lie at a distance that falls with the steps, as in the paper, in diameters of the whole set, times
    `distance`. Where one would leave the set, the opposite one is taken; where both would, the base point is drawn towards the centre
    of the set until all fit, which shifts the estimate by no more than the order of the distance. In sets without interior (the
    simplex, the spectrahedron, linear equalities) directions lie in the set's own plane, and what counts as dimension is that of the
    plane: slopes across it make no difference to where the best extreme point is.

    **Noise.** All points of a phase have the same `Trial.seed`. If the outcome, with one seed, is a smooth function, short distances are
    best, and so they are without noise. Where each trial has noise of its own, of standard deviation s, a slope has one of 1.4 s over
    the distance it is measured over: then the distances have to be those of the paper, and not to go to zero. Which it is, the method
    takes from the objective: from ``bbo.Objective(name, sd=...)``, which is the noise of a single measurement.

    **Failures.** Directions without a result, or that were run elsewhere than planned, are left out of the mean. Coordinates
    (``"kwsa"``) are asked again half as far away, three times at most; then they keep the slope of the average. A base point without a
    result draws the iterate half of the way back to the one before, or begins anew at a random point. Results beyond 1e300 are failures.
    Trials of other origin are ignored, but it starts at the best point known when its first phase opens; otherwise at the centre.

    Args:
        estimator: ``"kwsa"``, differences along all coordinates, all up or all down by chance, d + 1 trials a phase; ``"rdsa"``, along one
            random direction, 2 trials; ``"i_rdsa"``, the mean over several, one trial more than `directions`.
        directions: Random directions in a phase of ``"i_rdsa"``; None means a quarter of the dimension, and at least 4.
        distance: Factor to the paper's distances. None means 1, the paper's, where the objective has an `sd`, and else 0.01. (Those of
            ``"i_rdsa"`` are not settled, see `bbo.zeroth_order.frank_wolfe.rates`.)
        least_distance: No distance falls below it, in diameters of the set; along a random direction it counts in lengths of that, which
            are about the root of the dimension. Distances that do not fit into the set are halved even so. None means 0.1 where the
            objective has an `sd`, and else 0. A rule of thumb is the root of that `sd`, as a share of how much the function varies.
        gap: Where the averaged Frank-Wolfe gap is no larger, in units of the objective, the method has converged: it asks for the last
            iterate itself, and ends (`Exhausted`). The gap estimates how far above its minimum a convex function is at most. It is not
            looked at before as many directions as dimensions are in the average. None: it never ends.

    Raises:
        InvalidStudy: A setting is out of range, or `directions` stands beside another estimator.

    `study.recommend()` asks Gaussian processes, as for every method without a model. Where evaluations are exact, `best_trial` is the
    point to use; where they are not, the last ones are near the last iterate.

    Source: Sahu, Zaheer and Kar (AISTATS 2019), see `bbo.zeroth_order.frank_wolfe`; how points are kept inside is ours, and so is that
    coordinates go up or down: their error by curvature then cancels in the average, as it does along random directions.
    """

    estimator: Estimator = "kwsa"
    directions: int | None = None
    distance: float | None = None
    least_distance: float | None = None
    gap: float | None = None
    name: ClassVar[str] = "frank_wolfe"
    version: ClassVar[int] = 2
    uses_sd: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.estimator not in get_args(Estimator):
            raise InvalidStudy(f"frank_wolfe: estimator is {self.estimator!r}; it is one of {', '.join(map(repr, get_args(Estimator)))}")
        demand_integer(self, "directions", least=1, optional=True)
        if self.directions is not None and self.estimator != "i_rdsa":
            raise InvalidStudy(
                f"frank_wolfe: directions is {self.directions!r}, and belongs to estimator='i_rdsa'; {self.estimator!r} has its own number"
            )
        demand_number(self, "distance", least=1e-6, most=10, optional=True)
        demand_number(self, "least_distance", least=0, most=0.5, optional=True)
        demand_number(self, "gap", least=0, optional=True)

    def supports(self, problem: Problem) -> str | None:
        """None for one measured objective without outcome constraints over a convex set, else the reason."""
        if (reason := one_measured_objective(problem)) is not None:
            return reason
        if problem.outcome_constraints:
            return f"it knows no outcome constraints, and there is one on {problem.outcome_constraints[0].name!r}"
        space = problem.space
        for name, parameter in space.parameters.items():
            if parameter.role != "decision":
                return f"it searches decisions only, and {name!r} is a {parameter.role} parameter"
        for constraint in space.cube.binding:
            if constraint.strict:
                return f"it goes to the boundary of its set, and {constraint.text!r} leaves that out; write <= or >="
        try:
            domain = ConvexDomain.of(space.cube)
        except UnsupportedDomain as error:
            return f"it searches convex sets, and {error}"
        return None if domain.d and domain.dimension else "there is nothing to search"

    def init(self, problem: Problem) -> Walk:
        """No phase open yet."""
        return Walk(problem, self)

    def distances(self, problem: Problem) -> tuple[float, float]:
        """The factor to the paper's distances, and the least distance, in diameters of the set."""
        factor, least = _NOISY if problem.objectives[0].sd else _EXACT
        return factor if self.distance is None else self.distance, least if self.least_distance is None else self.least_distance

    def remark(self, state: Walk) -> str:
        """How far it has come, and where it stands."""
        if state.iterate is None or not state.steps:
            return ""
        where = f"; it stands at {state.problem.space.decode(state.iterate.x[None, :])[0]}" if state.problem.space.d <= 10 else ""
        return f"After {state.steps} steps the averaged Frank-Wolfe gap is {state.iterate.gap:.3g}{where}."


@dataclass(slots=True)
class Walk(Phases):
    """Where the method stands. The first point of a phase is its base point; the others are those along its directions.

    Attributes:
        settings: The settings it runs with.
        domain: The set, in the cube.
        iterate: The iterate and the averaged gradient, None before the first ticket is out.
        steps: Steps so far, `t`.
        drawn: How often directions were drawn: the key of their random numbers, and of those common to their trials.
        directions: Directions of the open phase, `b x d`, as they are asked for: all signs are chosen.
        reach: Distances along them, `b`.
        slopes: What is known of the slopes along them, NaN elsewhere.
        base_value: The loss at the base point, NaN before it is known.
        worked: The last base point that had a result, None before there was one.
        round: How often coordinates of these directions were asked again.
        ending: Whether it has converged, and the open phase is the last iterate.
    """

    settings: FrankWolfe
    domain: ConvexDomain = field(init=False)
    iterate: Iterate | None = None
    steps: int = 0
    drawn: int = -1
    directions: Array = field(default_factory=lambda: np.empty((0, 0)))
    reach: Array = field(default_factory=lambda: np.empty(0))
    slopes: Array = field(default_factory=lambda: np.empty(0))
    base_value: float = math.nan
    worked: Array | None = None
    round: int = 0
    ending: bool = False

    def __post_init__(self) -> None:
        self.domain = ConvexDomain.of(self.problem.space.cube)

    # -- what is asked -----------------------------------------------------------------------------------------------------------

    def best_known(self) -> list[float]:
        """The best point of the log, or the centre of the set."""
        known = Phases.best_known(self)
        return known if self.domain.contains([known])[0] else [float(u) for u in self.domain.centre]

    def start(self, x0: Sequence[float]) -> None:
        """Begin at a point of the set."""
        self.iterate = Iterate.at(x0)
        self._draw()

    def tickets(self, n: int, *, memo: Mapping[str, Any] | None = None) -> Proposal:
        """The next tickets of the open phase; ``"exhausted"`` once the last iterate has a result."""
        if self.ending and not len(self.members):
            assert self.iterate is not None
            return Proposal(status="exhausted", note=f"the averaged Frank-Wolfe gap is {self.iterate.gap:.3g} after {self.steps} steps")
        return Phases.tickets(self, n, memo=memo)

    def query(self, index: int, params: Mapping[str, Any]) -> Query:
        """The base point or one around it; all of an estimate, also those asked again, have common random numbers."""
        role = "iterate" if self.ending else "direction" if index else "base"
        return Query(params, ticket=(self.phase, index), role=role, group=self.drawn, crn_key=self.drawn)

    @property
    def at(self) -> Rates:
        """Rates of the step that the open phase is for; the distance in the units of the cube."""
        at = rates(self.settings.estimator, self.steps, d=self.domain.dimension, m=self._directions)
        factor, least = self.settings.distances(self.problem)
        return replace(at, c=max(factor * at.c, least) * self.domain.diameter)

    @property
    def _directions(self) -> int:
        """Random directions in a phase."""
        if self.settings.estimator == "rdsa":
            return 1
        return self.settings.directions or max(4, math.ceil(self.domain.dimension / 4))

    def _draw(self) -> None:
        """Open a phase with directions of its own."""
        assert self.iterate is not None
        self.drawn += 1
        self.round = 0
        rng = self.problem.rng("frank_wolfe", self.drawn)
        if self.settings.estimator == "kwsa":
            directions = either_way(self.domain.axes, rng)
        else:
            directions = self.domain.tangent(gaussian_directions(self._directions, self.domain.d, rng))
        base, self.directions, c = fitted(self.domain, self.iterate.x, directions, self.at.c)
        self.reach = np.full(len(directions), c)
        self.slopes, self.base_value = np.full(len(directions), np.nan), math.nan
        self.open(np.concatenate([base[None, :], base + c * self.directions]))

    # -- what is made of results -------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Take the slopes of the open phase, make the step or ask for what is missing, and open the next phase."""
        if self.ending:
            self.members = ()
            return
        self.note = ""
        values = np.full(len(self.points), np.nan)
        for index, record in self.trials.items():
            values[index] = self._value(record)
        if 0 in self.trials:
            self.base_value = float(values[0])
        with np.errstate(over="ignore"):
            slopes = (values[1:] - self.base_value) / self.reach
        told = np.abs(slopes) <= _GREATEST
        self.slopes[told] = slopes[told]
        missing = np.isnan(self.slopes)
        self.phase += 1
        if math.isnan(self.base_value):
            self._step_back()
            self._draw()
        elif self.settings.estimator == "kwsa" and missing.any() and self.round < _ROUNDS:
            self._ask_again(missing)
        elif missing.all():
            self.note = "the directions are drawn anew, since none of those before had a result"
            self._draw()
        else:
            self._step(~missing)

    def _value(self, record: Record) -> float:
        """The loss; NaN for a trial without a result that differences can be taken of, or run elsewhere than the estimate wants it."""
        if record.state is not State.DONE or record.outside or record.params != record.planned:
            return math.nan
        loss = float(self.problem.losses(record.values)[0])
        return loss if abs(loss) <= _GREATEST else math.nan

    def _ask_again(self, missing: NDArray[np.bool_]) -> None:
        """Open a phase of the coordinates without a result, half as far away."""
        self.round += 1
        self.reach = np.where(missing, self.reach / 2, self.reach)
        self.note = "coordinates without a result are asked again, half as far away"
        base = self.points[0]
        self.open(np.concatenate([base[None, :], base + self.reach[:, None] * self.directions]), members=1 + np.flatnonzero(missing))

    def _step_back(self) -> None:
        """Move the iterate away from where the base point had no result."""
        assert self.iterate is not None
        if self.worked is None:
            self.note = "it begins anew at a random point, since the point it began at had no result"
            x = self.domain.sample(1, self.problem.rng("frank_wolfe", "start", self.drawn))[0]
        else:
            self.note = "it went half of the way back, since the last base point had no result"
            x = (self.iterate.x + self.worked) / 2
        self.iterate = replace(self.iterate, x=x)

    def _step(self, known: NDArray[np.bool_]) -> None:
        """The step along the average, and the next phase."""
        assert self.iterate is not None
        self.worked = self.points[0]
        if self.settings.estimator == "kwsa":
            slopes = np.where(known, self.slopes, self.directions @ self.iterate.average)
            gradient = coordinate_forward(0.0, slopes, self.directions, 1.0)  # of slopes, which are differences over one
        else:
            gradient = gaussian(0.0, self.slopes, self.directions, 1.0, ok=known)
        self.iterate = advance(self.iterate, gradient, self._lmo, self.at)
        self.steps += 1
        if self.settings.gap is not None and self.iterate.gap <= self.settings.gap and self._has_seen_all:
            self.ending = True
            self.drawn += 1
            nearest, *_ = fitted(self.domain, self.iterate.x, np.zeros((1, self.domain.d)), 0.0)  # itself, up to rounding
            self.open(nearest[None, :])
        else:
            self._draw()

    @property
    def _has_seen_all(self) -> bool:
        """Whether as many directions as dimensions are in the average: one of fewer is blind to some."""
        return self.settings.estimator == "kwsa" or self.steps * self._directions >= self.domain.dimension

    def _lmo(self, gradient: Array) -> Array:
        return np.asarray(self.domain.lmo(gradient[None, :])[0])


def fitted(domain: ConvexDomain, x: Array, directions: Array, c: float) -> tuple[Array, Array, float]:
    """A base point, directions and a distance with which all points of an estimate lie in the set.

    As given where they do. Where ``x + c u`` leaves the set, u is reversed; where ``x - c u`` does too, the base point is drawn towards the
    centre, as little as lets one of both in for every direction and at most half of the way; where that does not do, the distance is
    halved. A point that keeps the set's equalities but roughly is put on them first.

    Args:
        domain: The set.
        x: A point of it, `d`, up to rounding such as that of a user's decimals.
        directions: Directions within its span, `b x d`.
        c: The distance.

    Returns:
        The base point (`d`), the directions with their signs (`b x d`), and the distance.
    """

    def signs(share: float) -> tuple[Array, Array]:
        """The base point that share of the way to the centre, and for each direction the side that fits, 0 where none does."""
        base = x + share * (domain.centre - x)
        ahead, behind = (domain.contains(base + side * c * directions, _TIGHT) for side in (1, -1))
        return base, np.where(ahead, 1.0, np.where(behind, -1.0, 0.0))

    low, high = 0.0, _DEEPEST
    base, side = signs(low)
    if side.all():
        return base, side[:, None] * directions, c
    if not domain.contains(signs(high)[0][None, :], _TIGHT)[0]:  # off an equality no direction fits, however short
        return fitted(domain, domain.project(x[None, :])[0], directions, c)
    while not signs(high)[1].all():
        c /= 2
    for _ in range(_HALVINGS):  # what fits at a share fits at every larger one: all points move towards one that is inside
        middle = (low + high) / 2
        low, high = (low, middle) if signs(middle)[1].all() else (middle, high)
    base, side = signs(high)
    return base, side[:, None] * directions, c
