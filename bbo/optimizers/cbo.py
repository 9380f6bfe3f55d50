"""CBO: consensus-based optimization, a swarm of particles drawn to the mean of the good ones and scattered by their distance to it.

A phase is a step of the swarm.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from bbo.errors import InvalidStudy
from bbo.log.states import State
from bbo.optimizers.phases import InPhases, Phases, executed, one_measured_objective
from bbo.optimizers.region import Mirrored, Region, no_mirror, not_convex
from bbo.optimizers.settings import demand_boolean, demand_integer, demand_number
from bbo.problem import Problem
from bbo.zeroth_order.consensus import (
    alpha_by_sample_size,
    consensus,
    gibbs_weights,
    hop,
    increment,
    polarised_consensus,
    remember,
    spread,
    standardized,
)
from bbo.zeroth_order.penalty import AdaptivePenalty, violation

_STILL = 1e-8  # ranges of a continuous axis: a swarm no wider than this has drawn together
_KICK = 0.1  # noise that drives a swarm that has drawn together apart, as in CBXpy
_DEAREST = 1e300  # what a violation costs at most, so that a result which is there stays finite
_COOLING = 0.98, 100  # the spread of consensus hopping falls by the factor every so many phases


@dataclass(frozen=True, slots=True)
class CBO(InPhases):
    """Consensus-based optimization on convex sets of numbers.

    These are floats and integers between bounds, log axes and steps included; arrays between bounds or within a convex set; mixtures whose
    shares only have to add up; and known constraints may be linear in floats and shares. The cube of `Space.encode` is searched. A particle
    that leaves the set is put back on the nearest point of it, and integers and steps are rounded when a point is handed out.

    Losses count in interquartile ranges of those of a phase, so that units make no difference. Failed, pruned, abandoned and lost trials
    have no weight, and where a phase has no result at all its particles are drawn anew. A swarm that has drawn together is driven
    apart again by noise. Trials of other origin are ignored. The defaults of `dt`, `alpha` and `memory` did best, of a few, on the
    Rastrigin, sphere and Rosenbrock functions in 4 to 10 dimensions.

    Outcome constraints are added to the loss by an exact penalty, whose weight grows from phase to phase until the consensus keeps them
    (`bbo.zeroth_order.penalty`). Violations count in interquartile ranges of the first phase, so that units make no difference here either.

    Args:
        particles: Particles of the swarm, at least 2. All are evaluated in each phase, unless `batch` is given.
        drift: Rate at which particles are drawn to the consensus.
        noise: Strength of the noise. In the mean square the swarm draws together only for ``noise^2 < 2 drift - drift^2 dt``
            (anisotropic). The default is that of the authors' code for the Rastrigin function.
        dt: Time step, at most ``1 / drift``. Shorter steps follow the differential equation better and cost evaluations.
        alpha: Inverse temperature, in one over the interquartile range of the losses; large is nearly the best particle. None
            chooses it in each phase such that half of the particles have weight (effective sample size), which is slower.
        isotropic: Whether the noise has no preferred axes; for few dimensions only.
        memory: Rate at which particles are also drawn to the best point each has seen; these then make the consensus. Noise towards
            them is `memory` times that towards the consensus. None: without.
        truncation: The noise counts no distance beyond this one, in ranges of the axes.
        batch: Particles that are evaluated in each phase, drawn at random, and make the consensus for all.
        polarised: Width of a Gaussian kernel in ranges of the axes: particles heed the near ones, and the swarm finds several minima,
            about two widths and more apart. Particles that hear nobody stay where they are, so 0.2 or 0.3, rather than 0.1.
        hopping: Consensus hopping: each phase is drawn around the consensus with this standard deviation, in ranges of the axes; it
            falls by 2 % every 100 phases. `drift`, `noise`, `dt`, `memory`, `isotropic` and `truncation` then count for nothing.
        mirror: Whether particles move in coordinates without bounds instead of being put back (`bbo.zeroth_order.mirror`), so that they
            stay inside bounds and mixtures, and shares that differ by orders of magnitude are told apart. Steps get shorter towards the
            boundary, which makes it slower everywhere else.

    Raises:
        InvalidStudy: A setting is out of range, or two exclude each other.

    Source: see `bbo.zeroth_order.consensus`, `.penalty` and `.mirror`; `noise` from
    https://github.com/KonstantinRiedl/CBOGlobalConvergenceAnalysis, `memory` and the noise that drives apart from
    https://github.com/PdIPS/CBXpy.
    """

    particles: int = 40
    drift: float = 1.0
    noise: float = math.sqrt(1.6)
    dt: float = 0.3
    alpha: float | None = 30.0
    isotropic: bool = False
    memory: float | None = 0.4
    truncation: float | None = None
    batch: int | None = None
    polarised: float | None = None
    hopping: float | None = None
    mirror: bool = False
    name: ClassVar[str] = "cbo"
    version: ClassVar[int] = 1

    def __post_init__(self) -> None:
        demand_integer(self, "particles", least=2)
        demand_integer(self, "batch", least=2, most=self.particles, optional=True)
        demand_number(self, "drift", above=0)
        demand_number(self, "noise", least=0)
        demand_number(self, "dt", above=0, most=1 / self.drift)
        demand_number(self, "memory", least=0, optional=True)
        for name in ("alpha", "truncation", "hopping"):
            demand_number(self, name, above=0, optional=True)
        demand_number(self, "polarised", least=1e-6, optional=True, unit="ranges of the axes")
        demand_boolean(self, "isotropic")
        demand_boolean(self, "mirror")
        if self.hopping is not None and self.polarised is not None:
            raise InvalidStudy("cbo: hopping has one consensus, and polarised one for each particle; leave out one of them")

    def supports(self, problem: Problem) -> str | None:
        """None for one measured objective over convex sets of numbers, else the reason."""
        reason = one_measured_objective(problem) or not_convex(problem.space)
        if reason is None and self.mirror:
            reason = no_mirror(problem.space)
        if reason is not None:
            return reason
        space = problem.space
        if not space.d:
            return "there is nothing to search"
        # Almost surely a particle draws near its centre only if 2 drift > (d - 2) noise^2 (Ito); truncated noise always lets it.
        scatter = (space.d - 2) * self.noise**2
        if self.isotropic and self.truncation is None and self.hopping is None and scatter >= 2 * self.drift:
            return f"isotropic noise drives the swarm apart in {space.d} dimensions: (d - 2) noise^2 = {scatter:.3g} >= 2 drift"
        return None

    def init(self, problem: Problem) -> Swarm:
        """A swarm spread over the set, its first phase open."""
        return Swarm(problem, self)

    def remark(self, state: Swarm) -> str:
        """Where the consensus is."""
        if state.centre is None:
            return ""
        return f"consensus after {state.phase} phases: {state.problem.space.decode(state.centre[None, :])[0]}"


@dataclass(slots=True)
class Swarm(Phases):
    """Where a swarm stands; its first phase is open at once, and a ticket's index is that of its particle.

    Attributes:
        settings: The settings it runs with.
        region: Where particles may be.
        best: The best point each particle has seen (`N x d`), with a memory.
        best_results: Their losses and constraints ``g <= 0``, `N x (1 + m)`, infinite where nothing was seen.
        penalty: What violations cost, in `units`.
        units: Spread of the losses and of each constraint in the first phase where they had any; zero before.
        centre: The last consensus, None before the first and where each particle has its own.
    """

    settings: CBO
    members: NDArray[np.intp] = field(init=False)
    region: Region = field(init=False)
    best: NDArray[np.float64] = field(init=False)
    best_results: NDArray[np.float64] = field(init=False)
    penalty: AdaptivePenalty = field(default_factory=AdaptivePenalty)
    units: NDArray[np.float64] = field(init=False)
    centre: NDArray[np.float64] | None = None
    _still: NDArray[np.float64] = field(init=False)

    def __post_init__(self) -> None:
        space, n = self.problem.space, self.settings.particles
        self.region = (Mirrored if self.settings.mirror else Region)(self.problem)
        rng = self.problem.rng("cbo", self.phase)
        points = self.region.sample(n, rng)
        self.units = np.zeros(1 + sum(len(c.violations(0.0)) for c in self.problem.outcome_constraints))
        self.best, self.best_results = points.copy(), np.full((n, len(self.units)), np.inf)
        # Within a quarter of a level all particles of a discrete axis stand for one value, or for two neighbours.
        self._still = np.array([0.25 / len(column.levels) if column.levels else _STILL for column in space.columns])
        self._open(points, rng)

    def close(self) -> None:
        """Move the swarm by the results at the points as they were run."""
        records = [self.trials[i] for i in self.members]
        points = [executed(self.problem.space, self.points[i], r) for i, r in zip(self.members, records, strict=True)]
        results = np.full((len(records), len(self.units)), np.inf)
        for row, record in zip(results, records, strict=True):
            if record.state is State.DONE:
                row[:] = *self.problem.losses(record.values), *self.problem.violations(record.values)
        self.advance(np.array(points), results)

    def advance(self, points: NDArray[np.float64], results: NDArray[np.float64]) -> None:
        """Close the phase by the points of its members, as they were run, and their results; move the swarm and open the next.

        Results are rows of the loss and the constraints ``g <= 0``, infinite where there is none.
        """
        settings, members = self.settings, self.members
        self.points[members] = points
        self.units = np.where(self.units > 0, self.units, [spread(column) for column in results.T])
        heard, told = points, results
        if settings.memory is not None and settings.hopping is None:
            before = np.column_stack([self.best[members], self.best_results[members]])
            worths = self._penalized(np.vstack([self.best_results[members], results]))
            kept, _ = remember(before, worths[: len(points)], np.column_stack([points, results]), worths[len(points) :])
            heard, told = kept[:, : points.shape[1]], kept[:, points.shape[1] :]
            self.best[members], self.best_results[members] = heard, told
        self.phase += 1
        self.note = ""
        rng = self.problem.rng("cbo", self.phase)
        if np.isfinite(told[:, 0]).any():
            self._move(heard, told, rng)
        else:
            self.note = "particles drawn anew, since the phase before had no result"
            self.points[members] = self.region.sample(len(points), rng)
        self._open(self.points, rng)

    def _penalized(self, results: NDArray[np.float64]) -> NDArray[np.float64]:
        """Losses, and where there are constraints, in the swarm's units and with the penalty."""
        losses, constraints = results[:, 0], results[:, 1:]
        if not constraints.size:
            return losses
        with np.errstate(over="ignore"):
            broken = self.penalty.weight * violation(constraints, self.units[1:])
        return standardized(losses, self.units[0]) + np.minimum(broken, _DEAREST)

    def _move(self, heard: NDArray[np.float64], told: NDArray[np.float64], rng: np.random.Generator) -> None:
        """Move all particles by the consensus of those that are heard, and adapt the penalty to how far these keep the constraints."""
        settings, shape = self.settings, self.points.shape
        losses = standardized(self._penalized(told))
        alpha = alpha_by_sample_size(losses) if settings.alpha is None else settings.alpha
        centre = consensus(heard, losses, alpha)
        if self.problem.outcome_constraints:
            weights = gibbs_weights(losses, alpha)
            some = weights > 0
            self.penalty = self.penalty.adapted(float(weights[some] @ violation(told[some, 1:], self.units[1:])))
        self.centre = None if settings.polarised is not None else centre
        if settings.hopping is not None:
            factor, phases = _COOLING
            wide = settings.hopping * factor ** (self.phase // phases)
            self.points = self.region.from_dual(hop(self.region.to_dual(centre[None, :]), rng.standard_normal(shape), wide))
            return
        if settings.polarised is not None:
            centre = polarised_consensus(self.points, heard, losses, alpha, settings.polarised)
        step: dict[str, Any] = {"dt": settings.dt, "isotropic": settings.isotropic, "longest": settings.truncation or math.inf}
        start = self.region.to_dual(self.points)
        moved = start + increment(self.points, centre, rng.standard_normal(shape), drift=settings.drift, noise=settings.noise, **step)
        if settings.memory is not None:
            own = np.where(np.isfinite(self.best_results[:, :1]), self.best, self.points)
            noise = settings.memory * settings.noise
            moved += increment(self.points, own, rng.standard_normal(shape), drift=settings.memory, noise=noise, **step)
        if (np.abs(self.points - centre) <= self._still).all():
            self.note = "the swarm had drawn together, and was driven apart by noise"
            moved += _KICK * math.sqrt(settings.dt) * rng.standard_normal(shape)
        self.points = self.region.from_dual(moved)

    def _open(self, points: NDArray[np.float64], rng: np.random.Generator) -> None:
        """Choose who is evaluated in the open phase."""
        n = len(points)
        size = n if self.settings.batch is None else self.settings.batch
        self.open(points, members=np.arange(n) if size == n else np.sort(rng.choice(n, size, replace=False)))
