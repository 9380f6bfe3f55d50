"""What the genetic algorithms `NSGA2` and `NSGA3` share: a population, parents and children, and who ranks before whom.

A phase is a generation. Of `pymoo` the parts are called that are functions of arrays (crossover, mutation, sorting, niches), and not its
algorithm objects: those keep populations, random numbers and normalization to themselves, which here all follow from the log.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from bbo.best import nondominated
from bbo.errors import Unsupported
from bbo.log.ledger import Record, Update
from bbo.log.states import State
from bbo.optimizers.known_constraints import hardly_any, keeping
from bbo.optimizers.phases import InPhases, Phases, executed, total_violations
from bbo.optimizers.settings import demand_integer
from bbo.optimizers.variation import Variation
from bbo.problem import Problem

Array = NDArray[np.float64]

_ROUNDS = 10  # of mating, until the rest of a generation is drawn from the whole space


class Survival(Protocol):
    """Who survives among feasible points. It may keep what it has seen of the objectives."""

    def select(self, F: Array, n: int, rng: np.random.Generator) -> tuple[NDArray[np.intp], Array]:
        """The survivors among losses F (`k x m`, k at least 1): at most n indices, and what tournaments between them compare.

        The latter has a row for each survivor; of two rows the one that comes first in lexical order wins.
        """
        ...


@dataclass(frozen=True, slots=True)
class GeneticAlgorithm(InPhases):
    """The settings that both have, and what both can run on.

    Any space of decisions: numbers vary in the cube of `Space.encode`, where integers, steps and sets are restored when a point is handed
    out; categories are exchanged and mutate to any other; parameters that are inactive are inherited unseen. Children that are in the
    population already or break known constraints are drawn again, and the rest of a generation that cannot be had so, at random.

    The first generation is random. After each, the best of it and the population survive: feasible ones before infeasible ones, these by
    the sum of their violations (each bound scaled by the largest among them), then failed and pruned ones. Trials of other origin
    take part once they are done, at the end of the generation that is out; if none is, and they are as many, they stand for it. Abandoned
    and lost trials are left out, and those that were run outside the space.
    """

    popsize: int | None = None
    version: ClassVar[int]

    def __post_init__(self) -> None:
        demand_integer(self, "popsize", least=4, optional=True)

    def supports(self, problem: Problem) -> str | None:
        """None for measured objectives over decisions, at least one of them to vary; else the reason."""
        for objective in problem.objectives:
            if objective.feedback == "ranking":
                return f"it needs values, and {objective.name!r} is told as rankings"
        space = problem.space
        for name, parameter in space.parameters.items():
            if parameter.role != "decision":
                return f"it searches decisions only, and {name!r} is a {parameter.role} parameter"
        if space.d < 1:
            return "it needs a parameter to vary"
        if (reason := hardly_any(space)) is not None:
            return reason
        if find_spec("pymoo") is None:
            return "it needs the library pymoo: pip install 'bbo-platform[nsga]'"
        return None

    @abstractmethod
    def size(self, m: int) -> int:
        """Points in the population for m objectives."""

    @abstractmethod
    def survival(self, m: int) -> Survival:
        """Who survives, with nothing seen yet."""

    @abstractmethod
    def variation(self, problem: Problem) -> Variation:
        """How children come from parents."""

    def init(self, problem: Problem) -> Population:
        """The first generation, drawn at random."""
        return Population(problem, self)

    def remark(self, state: Population) -> str:
        """What the population is made of."""
        if not state.phase or not len(state.X):
            return ""
        feasible = state.excess == 0
        front = int(nondominated(state.F[feasible]).sum())
        return (
            f"after {state.phase} generations {feasible.sum()} of {len(feasible)} in the population are feasible, and {front} nondominated"
        )


@dataclass(slots=True)
class Population(Phases):
    """Where a genetic algorithm stands.

    Attributes:
        settings: The settings it runs with.
        survival: Who survives, with what it has seen.
        variation: How children come from parents.
        X: The population's latent points, ``n x d``, unit cube.
        F: Their losses, ``n x m``; NaN where the trial failed.
        G: Their outcome constraints as ``g <= 0``, ``n x c``; NaN where the trial failed.
        excess: How far they are from feasible, ``n``: 0 where they are, infinite where the trial failed.
        standing: Their places in a tournament, ``n``; the smaller wins.
    """

    settings: GeneticAlgorithm
    survival: Survival = field(init=False)
    variation: Variation = field(init=False)
    X: Array = field(init=False)
    F: Array = field(init=False)
    G: Array = field(init=False)
    excess: Array = field(init=False)
    standing: NDArray[np.intp] = field(init=False)
    _others: dict[int, Record] = field(default_factory=dict)
    _joined: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        m, d = len(self.problem.objectives), self.problem.space.d
        self.survival, self.variation = self.settings.survival(m), self.settings.variation(self.problem)
        self.X, self.F = np.empty((0, d)), np.empty((0, m))
        self.G = np.empty((0, sum(len(constraint.violations(0.0)) for constraint in self.problem.outcome_constraints)))
        self._next()

    def fold(self, update: Update) -> None:
        """Take in one event; close the generation that is complete, or that others have told as many points as it would have."""
        self.take(update)
        if self.complete or (not self.trials and len(self._others) >= len(self.members)):
            self.close()

    def take(self, update: Update) -> None:
        """Take in one event."""
        Phases.take(self, update)
        for record in update.records:
            if record.number in self._joined or self.trials.get(record.ticket[1] if record.ticket else -1) is record:
                continue
            if self._takes_part(record):
                self._others[record.number] = record
            else:
                self._others.pop(record.number, None)

    def close(self) -> None:
        """Let the best of the population and the generation survive, and open the next generation."""
        told = [(index, self.trials[index]) for index in sorted(self.trials)]
        told = [(index, record) for index, record in told if record.state.finished and not record.outside]
        others = [record for _, record in sorted(self._others.items())]
        records = [record for _, record in told] + others
        self._others.clear()
        self._joined.update(record.number for record in records)
        latent = [executed(self.problem.space, self.points[index], record) for index, record in told]
        self.X = np.vstack([self.X, *latent, *self.problem.space.encode([record.params for record in others]).clip(0, 1)])
        self.F = np.vstack([self.F, *_measured(records, self.problem.losses, self.F.shape[1])])
        self.G = np.vstack([self.G, *_measured(records, self.problem.violations, self.G.shape[1])])
        self.phase += 1
        self._next()

    def _takes_part(self, record: Record) -> bool:
        """Whether a trial that is not of the open generation is known in full as a point of the space."""
        whole = record.state is State.DONE and not record.outside and all(name in record.values for name in self.problem.outcomes)
        return whole and self.problem.space.contains(record.params)

    def _next(self) -> None:
        """Select from those at hand, and open the generation of their children: both by the generation's own random numbers."""
        n, rng = self.settings.size(len(self.problem.objectives)), self.problem.rng(self.settings.name, self.phase)
        if len(self.X):
            self._select(n, rng)
        children = self._children(n, rng) if len(self.X) else self._drawn(n, rng)
        if not len(children):
            raise Unsupported(f"{self.settings.name} found no point that keeps {str(self.problem.space.constraints[0])!r}")
        self.open(children)

    def _select(self, n: int, rng: np.random.Generator) -> None:
        """Keep n at most, and say how they stand."""
        excess = total_excess(self.F, self.G)
        feasible, others = np.flatnonzero(excess == 0), np.flatnonzero(excess)
        kept, merits = np.zeros(0, dtype=np.intp), np.empty((0, 0))
        if len(feasible):
            with quiet():
                survivors, merits = self.survival.select(self.F[feasible], n, rng)
            kept = feasible[survivors]
        rest = others[np.argsort(excess[others], kind="stable")][: n - len(kept)]
        keys = np.zeros((len(kept) + len(rest), 1 + merits.shape[1]))
        keys[: len(kept), 1:], keys[len(kept) :, 0] = merits, excess[rest]
        kept = np.concatenate([kept, rest])
        self.X, self.F, self.G, self.excess = self.X[kept], self.F[kept], self.G[kept], excess[kept]
        self.standing = np.unique(keys, axis=0, return_inverse=True)[1].reshape(-1)

    def _children(self, n: int, rng: np.random.Generator) -> Array:
        """New points from the population, ``n x d``."""
        space = self.problem.space
        seen = {space.key(params) for params in space.decode(self.X)}
        found: list[Array] = []
        for _ in range(_ROUNDS):
            pairs = -(-(n - len(found)) // 2)
            parents = tournaments(self.standing, 2 * pairs, rng).reshape(2, pairs)
            with quiet():
                rows = self.variation.children(self.X[parents], rng)
            for row, params in zip(rows, space.decode(rows), strict=True):
                if (key := space.key(params)) not in seen and space.satisfies(params):
                    seen.add(key)
                    found.append(row)
            if len(found) >= n:
                return np.array(found[:n])
        return np.vstack([*found, self._drawn(n - len(found), rng)])

    def _drawn(self, n: int, rng: np.random.Generator) -> Array:
        """Random points of the space, ``n x d``, with random numbers for what is inactive; fewer where rounding breaks a constraint."""
        space = self.problem.space
        points = space.sample(n, rng)
        rows = space.encode(points)
        if space.columns.tree:
            for row, params in zip(rows, points, strict=True):
                hidden = [column for name in space.names if name not in params for column in space.columns_of(name)]
                row[hidden] = rng.random(len(hidden))
        return rows[keeping(space, rows)]


def tournaments(standing: NDArray[np.intp], n: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Winners of n tournaments of two: indices of members by their standing, the smaller wins, of equals either one.

    Opponents come from random permutations of the members, so that each takes part about equally often.
    """
    members = len(standing)
    drawn = np.concatenate([rng.permutation(members) for _ in range(-(-2 * n // members))])[: 2 * n]
    a, b = drawn.reshape(n, 2).T
    toss = rng.random(n) < 0.5
    first = (standing[a] < standing[b]) | ((standing[a] == standing[b]) & toss)
    return np.where(first, a, b)


def total_excess(F: Array, G: Array) -> Array:
    """How far points are from feasible: 0 where they are, infinite where the losses are NaN.

    Args:
        F: Losses, ``n x m``.
        G: Constraints ``g <= 0``, ``n x c``; see `total_violations`.
    """
    failed = np.isnan(F[:, 0])
    excess = np.full(len(F), np.inf)
    excess[~failed] = total_violations(G[~failed])
    return excess


@contextmanager
def quiet() -> Iterator[None]:
    """The library sets the filters of warnings, and divides by ranges that are zero."""
    import warnings

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        yield


def _measured(records: Iterable[Record], what: Callable[[Mapping[str, float]], Array], width: int) -> list[Array]:
    """Rows of what was measured, NaN where the trial failed or was pruned."""
    return [what(record.values) if record.state is State.DONE else np.full(width, np.nan) for record in records]
