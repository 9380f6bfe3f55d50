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
from bbo.optimizers.phases import InPhases, Phases, executed, one_objective_on_a_box
from bbo.problem import Problem
from bbo.zeroth_order.consensus import (
    alpha_by_sample_size,
    consensus,
    hop,
    increment,
    polarised_consensus,
    remember,
    standardized,
)

_STILL = 1e-8  # ranges of a continuous axis: a swarm no wider than this has drawn together
_KICK = 0.1  # noise that drives a swarm that has drawn together apart, as in CBXpy
_COOLING = 0.98, 100  # the spread of consensus hopping falls by the factor every so many phases


@dataclass(frozen=True, slots=True)
class CBO(InPhases):
    """Consensus-based optimization on boxes of floats and integers, log axes and steps included.

    The cube of `Space.encode` is searched; particles that leave it are put back on its boundary, and integers and steps are rounded
    when a point is handed out. Losses count in interquartile ranges of those of a phase, so that units make no difference. Failed,
    pruned, abandoned and lost trials have no weight, and where a phase has no result at all its particles are drawn anew.
    A swarm that has drawn together is driven apart again by noise. Trials of other origin are ignored. The defaults of `dt`, `alpha`
    and `memory` did best, of a few, on the Rastrigin, sphere and Rosenbrock functions in 4 to 10 dimensions.

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

    Raises:
        InvalidStudy: A setting is out of range, or two exclude each other.

    Source: see `bbo.zeroth_order.consensus`; `noise` from https://github.com/KonstantinRiedl/CBOGlobalConvergenceAnalysis, `memory` and
    the noise that drives apart from https://github.com/PdIPS/CBXpy.
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
    name: ClassVar[str] = "cbo"
    version: ClassVar[int] = 1

    def __post_init__(self) -> None:
        def demand(name: str, allowed: str, *, least: float, open_end: bool = True, most: float = math.inf) -> None:
            value = getattr(self, name)
            number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
            if not number or not (value > least if open_end else value >= least) or value > most:
                raise InvalidStudy(f"cbo: {name} is {value!r}; it is {allowed}")

        for name, most in (("particles", math.inf), ("batch", self.particles)):
            value = getattr(self, name)
            if name == "batch" and value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, int) or not 2 <= value <= most:
                raise InvalidStudy(f"cbo: {name} is {value!r}; it is an integer, at least 2 and at most the number of particles")
        demand("drift", "a number above 0", least=0)
        demand("noise", "a number, at least 0", least=0, open_end=False)
        demand("dt", f"a number above 0, at most 1 / drift = {1 / self.drift:g}", least=0, most=1 / self.drift)
        if not isinstance(self.isotropic, bool):
            raise InvalidStudy(f"cbo: isotropic is {self.isotropic!r}; it is True or False")
        for name in ("alpha", "truncation", "polarised", "hopping"):
            if getattr(self, name) is not None:
                demand(name, "None or a number above 0", least=0)
        if self.memory is not None:
            demand("memory", "None or a number, at least 0", least=0, open_end=False)
        if self.hopping is not None and self.polarised is not None:
            raise InvalidStudy("cbo: hopping has one consensus, and polarised one for each particle; leave out one of them")

    def supports(self, problem: Problem) -> str | None:
        """None for one measured objective over a box without constraints, else the reason."""
        if (reason := one_objective_on_a_box(problem)) is not None:
            return reason
        space = problem.space
        if problem.outcome_constraints:
            return f"it cannot keep outcome constraints, and there is one on {problem.outcome_constraints[0].name!r}"
        if not space.d:
            return "there is nothing to search"
        # Almost surely a particle draws near its centre only if 2 drift > (d - 2) noise^2 (Ito); truncated noise always lets it.
        scatter = (space.d - 2) * self.noise**2
        if self.isotropic and self.truncation is None and self.hopping is None and scatter >= 2 * self.drift:
            return f"isotropic noise drives the swarm apart in {space.d} dimensions: (d - 2) noise^2 = {scatter:.3g} >= 2 drift"
        return None

    def init(self, problem: Problem) -> Swarm:
        """A swarm spread over the box, its first phase open."""
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
        best: The best point each particle has seen (`N x d`), with a memory.
        best_losses: Their losses, infinite where nothing was seen.
        centre: The last consensus, None before the first and where each particle has its own.
    """

    settings: CBO
    members: NDArray[np.intp] = field(init=False)
    best: NDArray[np.float64] = field(init=False)
    best_losses: NDArray[np.float64] = field(init=False)
    centre: NDArray[np.float64] | None = None
    _still: NDArray[np.float64] = field(init=False)

    def __post_init__(self) -> None:
        space, n = self.problem.space, self.settings.particles
        rng = self.problem.rng("cbo", self.phase)
        points = rng.uniform(size=(n, space.d))
        self.best, self.best_losses = points.copy(), np.full(n, np.inf)
        # Within a quarter of a level all particles of a discrete axis stand for one value, or for two neighbours.
        self._still = np.array([0.25 / len(column.levels) if column.levels else _STILL for column in space.columns])
        self._open(points, rng)

    def close(self) -> None:
        """Move the swarm by the losses at the points as they were run."""
        records = [self.trials[i] for i in self.members]
        points = [executed(self.problem.space, self.points[i], r) for i, r in zip(self.members, records, strict=True)]
        losses = [self.problem.losses(r.values)[0] if r.state is State.DONE else math.inf for r in records]
        self.advance(np.array(points), np.array(losses))

    def advance(self, points: NDArray[np.float64], losses: NDArray[np.float64]) -> None:
        """Close the phase by the points of its members, as they were run, and their losses; move the swarm and open the next."""
        settings, members = self.settings, self.members
        self.points[members] = points
        heard, told = points, losses
        if settings.memory is not None and settings.hopping is None:
            self.best[members], self.best_losses[members] = remember(self.best[members], self.best_losses[members], points, losses)
            heard, told = self.best[members], self.best_losses[members]
        self.phase += 1
        self.note = ""
        rng = self.problem.rng("cbo", self.phase)
        if np.isfinite(told).any():
            self._move(heard, standardized(told), rng)
        else:
            self.note = "particles drawn anew, since the phase before had no result"
            self.points[members] = rng.uniform(size=points.shape)
        self._open(self.points, rng)

    def _move(self, heard: NDArray[np.float64], losses: NDArray[np.float64], rng: np.random.Generator) -> None:
        """Move all particles by the consensus of those that are heard."""
        settings, shape = self.settings, self.points.shape
        alpha = alpha_by_sample_size(losses) if settings.alpha is None else settings.alpha
        centre = consensus(heard, losses, alpha)
        self.centre = None if settings.polarised is not None else centre
        if settings.hopping is not None:
            factor, phases = _COOLING
            spread = settings.hopping * factor ** (self.phase // phases)
            self.points = hop(centre, rng.standard_normal(shape), spread).clip(0, 1)
            return
        if settings.polarised is not None:
            centre = polarised_consensus(self.points, heard, losses, alpha, settings.polarised)
        step: dict[str, Any] = {"dt": settings.dt, "isotropic": settings.isotropic, "longest": settings.truncation or math.inf}
        moved = self.points + increment(self.points, centre, rng.standard_normal(shape), drift=settings.drift, noise=settings.noise, **step)
        if settings.memory is not None:
            own = np.where(np.isfinite(self.best_losses)[:, None], self.best, self.points)
            noise = settings.memory * settings.noise
            moved += increment(self.points, own, rng.standard_normal(shape), drift=settings.memory, noise=noise, **step)
        if (np.abs(self.points - centre) <= self._still).all():
            self.note = "the swarm had drawn together, and was driven apart by noise"
            moved += _KICK * math.sqrt(settings.dt) * rng.standard_normal(shape)
        self.points = moved.clip(0, 1)

    def _open(self, points: NDArray[np.float64], rng: np.random.Generator) -> None:
        """Choose who is evaluated in the open phase."""
        n = len(points)
        size = n if self.settings.batch is None else self.settings.batch
        self.open(points, members=np.arange(n) if size == n else np.sort(rng.choice(n, size, replace=False)))
