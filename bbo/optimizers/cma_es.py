"""CMA-ES: covariance matrix adaptation evolution strategy, by the library `cma`. A phase is a generation."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bbo.errors import Unsupported
from bbo.log.ledger import Record
from bbo.log.states import State
from bbo.optimizers.known_constraints import begin_within, hardly_any, keeping, redrawn
from bbo.optimizers.phases import InPhases, Phases, best_first, executed, one_objective_on_a_box, total_violations
from bbo.optimizers.settings import demand_integer, demand_number
from bbo.problem import Problem

_WIDE, _NARROW = 0.3, 1e-3  # standard deviations to begin with
MIN_STEPS = 0.2
"""Least standard deviation of a discrete axis, in levels: what `cma` grants integers, lest rounding hides every move."""


@dataclass(frozen=True, slots=True)
class CMAES(InPhases):
    """CMA-ES with restarts of doubled population (IPOP) on boxes of floats and integers, log axes and steps included.

    The cube of `Space.encode` is searched; integers and steps are rounded when a point is handed out, so that two tickets may
    stand for equal points. Trials of other origin are ignored, but the first run starts at the best point known when its first
    generation opens. Results count by rank: feasible ones by the objective, then infeasible ones by their violations (each bound
    scaled by the largest in the generation), then failed and pruned trials. Abandoned and lost trials are left out; a
    generation of which less than half is left is drawn anew. Points that break known constraints are drawn again, and moved towards
    the best of the last generation where that goes on failing.

    Args:
        sigma0: Standard deviation of the first generation, in ranges of the axes. None: that of the best trials known around the best
            of them, ``2 d`` or a tenth of all, at most 0.3 and at least 0.001; for a search that others have begun. Restarts have 0.3.
        popsize: Points in a generation of the first run; None means ``4 + floor(3 ln d)``, the default of `cma`.

    Raises:
        InvalidStudy: A setting is out of range.

    Source: Hansen, The CMA evolution strategy: a tutorial (2016), arXiv:1604.00772; Auger and Hansen (2005) for the restarts.
    """

    sigma0: float | None = 0.3
    popsize: int | None = None
    name: ClassVar[str] = "cma_es"
    version: ClassVar[int] = 1

    def __post_init__(self) -> None:
        demand_number(self, "sigma0", above=0, most=1, unit="ranges of the axes", optional=True)
        demand_integer(self, "popsize", least=4, optional=True)

    def supports(self, problem: Problem) -> str | None:
        """None for one measured objective over a box of at least two floats, integers or entries of arrays, else the reason."""
        reason = one_objective_on_a_box(problem, constraints=True) or hardly_any(problem.space)
        if reason is not None:
            return reason
        if problem.space.d < 2:
            return "it needs at least two parameters"
        return None

    def init(self, problem: Problem) -> Evolution:
        """No generation open yet."""
        return Evolution(problem, self)


class Normals:
    """Normal random numbers for `cma`, which would else draw from NumPy's global generator."""

    rng: np.random.Generator

    def __call__(self, *shape: int) -> NDArray[np.float64]:
        """An array of that shape."""
        return self.rng.standard_normal(shape)


@dataclass(slots=True)
class Evolution(Phases):
    """Where an evolution stands; its phases are generations, counted through all runs.

    Attributes:
        settings: The settings it runs with.
        strategy: The library's object, None before the first ticket is out.
        run: Number of the run; each restart begins one.
        anchor: A point that keeps the known constraints (`d`, cube): the start of the run, then the best of its last generation.
    """

    settings: CMAES
    strategy: Any = None
    run: int = 0
    anchor: NDArray[np.float64] = field(init=False)
    _normals: Normals = field(default_factory=Normals)

    def beginning(self) -> dict[str, Any]:
        """The best point known, and without a `sigma0` of the settings how far other good ones lie from it."""
        x0 = self.best_known()
        return {"x0": x0} if self.settings.sigma0 is not None else {"x0": x0, "sigma0": self._spread(x0)}

    def start(self, x0: ArrayLike, sigma0: float | None = None) -> None:
        """Begin the current run at a point of the cube, or where that breaks known constraints at a random one that keeps them."""
        within: NDArray[np.float64] | None = np.array(x0, dtype=np.float64)
        if self.problem.space.constraints:
            within = begin_within(np.array(x0), self._keeps, self.problem.rng("cma_es", "start", self.run))
        if within is not None:
            self.anchor = within
        elif self.run == 0:  # a restart has the anchor of the run before it
            raise Unsupported(f"cma_es found no point that keeps {str(self.problem.space.constraints[0])!r}")
        options = _options(self.problem, popsize=self._popsize() * 2**self.run, randn=self._normals)
        with _quiet():
            import cma

            self.strategy = cma.CMAEvolutionStrategy(self.anchor, sigma0 or self.settings.sigma0 or _WIDE, options)
        self._draw()

    def _spread(self, x0: ArrayLike) -> float:
        """How far the best trials known lie from `x0`, in the root mean square over axes."""
        good = best_first(self.problem, self._known.values())
        nearest = good[: max(2 * self.problem.space.d, len(good) // 10)]
        if not nearest:
            return _WIDE
        apart = self.problem.space.encode([record.params for record in nearest]) - np.array(x0)
        return float(np.sqrt((apart**2).mean()).clip(_NARROW, _WIDE))

    def _popsize(self) -> int:
        return self.settings.popsize or 4 + int(3 * math.log(self.problem.space.d))

    def _draw(self) -> None:
        """Open the generation: its points follow from the strategy and the generation's own random numbers."""
        self._normals.rng = self.problem.rng("cma_es", self.phase)
        points = self._drawn(self.strategy.popsize)
        if self.problem.space.constraints:
            points = redrawn(points, self._drawn, self._keeps, self.anchor)
        self.open(points)

    def _drawn(self, n: int) -> NDArray[np.float64]:
        with _quiet():
            return np.array(self.strategy.ask(n))

    def _keeps(self, X: NDArray[np.float64]) -> NDArray[np.bool_]:
        return keeping(self.problem.space, X)

    def close(self) -> None:
        """Update the strategy by the generation's results, restart where it has converged, and open the next generation."""
        # Of a trial that was abandoned or lost nothing is known: it is left out, and `cma` takes the best half of the rest.
        kept = [(index, self.trials[index]) for index in sorted(self.trials) if self.trials[index].state.finished]
        stop = ""
        if len(kept) >= max(3, self.strategy.sp.weights.mu):
            points = [executed(self.problem.space, self.points[index], record) for index, record in kept]
            values = ranking_values(self.problem, [record for _, record in kept])
            self.anchor = self.points[kept[int(np.argmin(values))][0]]
            try:
                with _quiet():
                    self.strategy.tell(points, values)
                    stop = ", ".join(self.strategy.stop())
            except (ArithmeticError, RuntimeError, ValueError) as error:  # a degenerate covariance ends this run, not the study
                stop = f"{type(error).__name__}: {error}"
        self.phase += 1
        if stop:
            self.run += 1
            self.note = f"run {self.run} of CMA-ES, from a random point with twice the population, since the one before stopped ({stop})"
            self.start(self.problem.rng("cma_es", "restart", self.run).uniform(size=self.problem.space.d))
        else:
            self._draw()


def ranking_values(problem: Problem, records: Sequence[Record]) -> list[float]:
    """Numbers that order a generation's trials: feasible by objective, infeasible by violation, then failed and pruned ones.

    Feasible trials keep their objective (minimized), because `cma` reads from it whether progress has ended.
    """
    done = {record.number: record.values for record in records if record.state is State.DONE}
    G = [problem.violations(values) for values in done.values()]
    excess = dict(zip(done, total_violations(G).tolist() if G else [], strict=True))
    ranked = {number: float(problem.losses(values)[0]) for number, values in done.items() if not excess[number]}
    floor = max(ranked.values(), default=0.0)
    ranked |= {number: floor + max(over, float(np.spacing(abs(floor)))) for number, over in excess.items() if over}
    worst = max(ranked.values(), default=0.0)
    return [ranked.get(record.number, worst + max(1.0, float(np.spacing(abs(worst))))) for record in records]


def _options(problem: Problem, *, popsize: int, randn: Normals) -> dict[str, Any]:
    """Options of `cma`: the cube's bounds, our random numbers, no files and no output."""
    columns = problem.space.columns
    return {
        "bounds": [0, 1],
        "popsize": popsize,
        "minstd": [MIN_STEPS / len(column.levels) if column.levels else 0.0 for column in columns],
        "CMA_mirrors": 0,
        "randn": randn,
        "seed": math.nan,
        "verbose": -10,
        "verb_log": 0,
        "verb_disp": 0,
    }


@contextmanager
def _quiet() -> Iterator[None]:
    """The library warns at import that it cannot plot, and of what it does about extreme values."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield
