"""What the evolution strategies `SNES`, `PGPE`, `OpenAIES` and `SepCMA` share. A phase is a generation."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bbo.errors import InvalidStudy, OutOfRange
from bbo.log.ledger import Record
from bbo.optimizers.base import Query
from bbo.optimizers.cma_es import MIN_STEPS, ranking_values
from bbo.optimizers.phases import InPhases, Phases, executed, one_objective_on_a_box
from bbo.optimizers.settings import demand_number
from bbo.problem import Problem
from bbo.space import Array as ArrayParameter
from bbo.space import Fixed, Space

Array = NDArray[np.float64]

_NARROWEST = 1e-12  # standard deviation in ranges of the axes, where an axis is continuous
_WIDEST = 1.0  # a wider distribution is uniform over the box, once folded back into it
_SHOWN = 10  # columns of a mean that `study.explain()` shows


class Distribution(Protocol):
    """A `State` of one of `bbo.evolution`'s modules."""

    @property
    def mean(self) -> Array:
        """Mean, `d`."""
        ...

    @property
    def deviations(self) -> Array:
        """Standard deviations, `d`."""
        ...


@dataclass(frozen=True, slots=True)
class EvolutionStrategy(InPhases):
    """The settings that all have, and what all can run on.

    All search the cube of `Space.encode`, round integers and steps when a point is handed out, and ignore trials of other origin, but
    begin at the best point known where no `start` is given. Points that leave the cube are folded back at its bounds: in effect the
    function is continued beyond them by its mirror image, so no point is wasted, none of the distribution is cut off, and a minimum
    on a bound is a minimum. Standard deviations stay between 1e-12 and 1 range of an axis, and above a fifth of a step on a discrete
    one. Results count by rank: feasible ones by the objective, then infeasible ones by their violations, then failed and pruned
    trials. Trials that tie count alike, and where all of a generation tie nothing moves. Abandoned and lost trials are left out; a
    generation of which less than half is left is drawn anew.
    """

    sigma0: float = 0.3
    popsize: int | None = None
    start: Mapping[str, Any] | None = None
    mask: Mapping[str, Any] | None = None
    version: ClassVar[int]
    pairs: ClassVar[bool] = False
    """Whether points come in pairs at opposite sides of the mean."""

    def __post_init__(self) -> None:
        demand_number(self, "sigma0", above=0, most=1, unit="ranges of the axes")
        least = 2 if self.pairs else 4
        odd = self.pairs and isinstance(self.popsize, int) and self.popsize % 2 == 1
        if self.popsize is not None and (
            isinstance(self.popsize, bool) or not isinstance(self.popsize, int) or self.popsize < least or odd
        ):
            kind = "an even integer" if self.pairs else "an integer"
            raise InvalidStudy(f"{self.name}: popsize is {self.popsize!r}; it is None or {kind}, at least {least}")
        for name in ("start", "mask"):
            given = getattr(self, name)
            if given is None:
                continue
            if not isinstance(given, Mapping) or not all(isinstance(key, str) for key in given):
                raise InvalidStudy(f"{self.name}: {name} is {given!r}; it is None or a mapping by names of parameters")
            object.__setattr__(self, name, {key: _plain(value) for key, value in given.items()})
        for name, value in (self.mask or {}).items():
            try:
                boolean = np.asarray(value).dtype == bool
            except ValueError:  # rows of unlike lengths
                boolean = False
            if not boolean:
                raise InvalidStudy(f"{self.name}: mask has {value!r} for {name!r}; it is True, False, or an array of these")

    def supports(self, problem: Problem) -> str | None:
        """None for one measured objective over a box of floats, integers and arrays, some of it searched; else the reason."""
        if (reason := one_objective_on_a_box(problem)) is not None:
            return reason
        if self.start is not None:
            try:
                problem.space.validate(self.start, partial=True, what="its start")
            except OutOfRange as error:
                return str(error)
        try:
            searched = searched_columns(problem.space, self.mask)
        except InvalidStudy as error:
            return str(error)
        return None if len(searched) else "there is nothing to search"

    def init(self, problem: Problem) -> Generations:
        """No generation open yet."""
        return Generations(problem, self)

    def remark(self, state: Generations) -> str:
        """Where the distribution is."""
        if state.distribution is None:
            return ""
        least, most = state.distribution.deviations.min(), state.distribution.deviations.max()
        said = f"after {state.phase} generations the standard deviations are {least:.2g} to {most:.2g} ranges of the axes"
        return f"{said}, the mean is {state.mean()}" if state.problem.space.d <= _SHOWN else said

    def size(self, d: int) -> int:
        """Points in a generation over d searched columns."""
        n = self.popsize or 4 + int(3 * math.log(d))
        return n + n % 2 if self.pairs else n

    @abstractmethod
    def begin(self, mean: Array) -> Any:
        """The first distribution around a mean (`d`, cube)."""

    @abstractmethod
    def update(self, distribution: Any, z: Array, losses: Array, *, least: Array, most: float) -> Any:
        """The distribution after a generation: normals z and losses as the rule takes them, limits of the standard deviations."""


@dataclass(slots=True)
class Generations(Phases):
    """Where an evolution strategy stands.

    Attributes:
        settings: The settings it runs with.
        distribution: The distribution of the open generation over the searched columns, None before the first ticket is out. Its mean
            may lie outside the cube, in a mirror image of it.
        origin: Where it began (`d`, cube).
        begun: The same as a point: native values.
        searched: The columns that are searched.
        z: Standard normals of the open generation, `n x k`; of pairs `n/2 x k`, those of the first sides.
    """

    settings: EvolutionStrategy
    distribution: Any = None
    origin: Array = field(init=False)
    begun: dict[str, Any] = field(init=False)
    searched: NDArray[np.intp] = field(init=False)
    z: Array = field(init=False)
    _least: Array = field(init=False)
    _held: dict[str, tuple[NDArray[np.bool_], Any]] = field(init=False)

    def __post_init__(self) -> None:
        space = self.problem.space
        self.searched = searched_columns(space, self.settings.mask)
        levels = [len(space.columns[int(column)].levels) for column in self.searched]
        self._least = np.array([MIN_STEPS / n if n else _NARROWEST for n in levels])

    def best_known(self) -> list[float]:
        """Where to begin: the given start, with the middle for what it does not name; else the best point of the log, or the middle."""
        if self.settings.start is None:
            return Phases.best_known(self)
        x0 = np.full(self.problem.space.d, 0.5)
        for name, value in self.problem.space.validate(self.settings.start, partial=True).items():
            x0[self.problem.space.columns_of(name)] = self.problem.space.parameters[name].encode([value])[0]
        return [float(u) for u in x0]

    def start(self, x0: ArrayLike) -> None:
        """Begin at a point of the cube."""
        space = self.problem.space
        self.origin = np.array(x0, dtype=np.float64)
        self.begun = space.decode(self.origin[None, :])[0] | space.validate(self.settings.start or {}, partial=True)
        self._held = {}
        for name, value in self.begun.items():
            columns = space.columns_of(name)
            free = np.isin(columns, self.searched)
            if not free.all():
                self._held[name] = (free, value)
        self.distribution = self.settings.begin(self.origin[self.searched])
        self._draw()

    def query(self, index: int, params: Mapping[str, Any]) -> Query:
        """What is asked by a ticket; the two sides of a pair have common random numbers."""
        params = self._hold(params)
        if not self.settings.pairs:
            return Phases.query(self, index, params)
        pair = f"{self.phase}/{index // 2}"
        return Query(params, ticket=(self.phase, index), role="direction", group=pair, crn_key=pair)

    def mean(self) -> dict[str, Any]:
        """The mean of the distribution as a point: native values, what is held at its start."""
        row = self.origin.copy()
        row[self.searched] = reflected(self.distribution.mean)
        return self._hold(self.problem.space.decode(row[None, :])[0])

    def _hold(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """The point with what is not searched at its start, to the last bit."""
        point = dict(params)
        for name, (free, value) in self._held.items():
            point[name] = np.where(free.reshape(np.shape(value)), point[name], value).tolist() if free.any() else value
        return point

    def _latent(self) -> Array:
        """The points of the open generation over the searched columns, not folded: ``n x k``, of pairs ``n/2 x 2 x k``."""
        move = self.distribution.deviations * self.z
        mean: Array = self.distribution.mean
        return np.stack([mean + move, mean - move], axis=1) if self.settings.pairs else mean + move

    def _draw(self) -> None:
        """Open the generation: its points follow from the distribution and the generation's own random numbers."""
        k = len(self.searched)
        n = self.settings.size(k)
        rng = self.problem.rng(self.settings.name, self.phase)
        self.z = rng.standard_normal((n // 2 if self.settings.pairs else n, k))
        latent = self._latent()
        points = np.tile(self.origin, (*latent.shape[:-1], 1))
        points[..., self.searched] = reflected(latent)
        self.open(points)

    def close(self) -> None:
        """Move the distribution by the generation's results, and open the next generation."""
        kept = [index for index in range(len(self.trials)) if self.trials[index].state.finished]
        losses = np.full(len(self.trials), np.nan)
        losses[kept] = ranking_values(self.problem, [self.trials[index] for index in kept])
        known = np.isin(np.arange(len(self.trials)), kept)
        z = self.z
        if self.settings.pairs:
            as_planned = np.array([self.trials[index].params == self.trials[index].planned for index in range(len(self.trials))])
            whole = (known & as_planned).reshape(-1, 2).all(axis=1)
            z, losses = z[whole], losses.reshape(-1, 2)[whole]
        else:
            z, losses = np.array([self._normal(index, self.trials[index]) for index in kept]), losses[kept]
        self.note = ""
        if losses.size < max(2, len(self.trials) / 2):
            self.note = "the last generation is drawn anew, since it has less than half of its results"
        else:
            self.distribution = self.settings.update(self.distribution, z, losses, least=self._least, most=_WIDEST)
        self.phase += 1
        self._draw()

    def _normal(self, index: int, record: Record) -> Array:
        """The standard normals (`k`) of what a ticket was run with."""
        run = executed(self.problem.space, self.points[index], record)[self.searched]
        moved = run != self.points[index][self.searched]
        if not moved.any():
            return np.asarray(self.z[index])
        mean, deviations, z = self.distribution.mean, self.distribution.deviations, self.z[index].copy()
        near = mean[moved] + deviations[moved] * z[moved]
        z[moved] = (nearest_image(run[moved], near) - mean[moved]) / deviations[moved]
        return injected(z)


def searched_columns(space: Space, mask: Mapping[str, Any] | None) -> NDArray[np.intp]:
    """Which columns of the encoding are searched: all, or those of the parameters and entries that a mask names.

    Raises:
        InvalidStudy: The mask names no parameter to vary, or has another shape than one.
    """
    if mask is None:
        return np.arange(space.d)
    free = np.zeros(space.d, dtype=bool)
    for name, value in mask.items():
        if name not in space.parameters or isinstance(space.parameters[name], Fixed):
            raise InvalidStudy(f"its mask speaks of {name!r}, which is no parameter to vary; there are {', '.join(space.names)}")
        parameter, ones = space.parameters[name], np.asarray(value)
        shape = parameter.convex.shape if isinstance(parameter, ArrayParameter) else ()
        if ones.shape not in ((), shape):
            raise InvalidStudy(f"its mask has the shape {ones.shape} for {name!r}, which has {shape}")
        free[space.columns_of(name)] = ones.ravel()
    return np.flatnonzero(free)


def reflected(x: ArrayLike) -> Array:
    """Points folded into the unit cube at its bounds, as often as it takes: 1.2 becomes 0.8, and -0.2 becomes 0.2."""
    u = np.remainder(x, 2.0)
    return np.asarray(np.where(u > 1, 2 - u, u), dtype=np.float64)


def nearest_image(u: Array, near: Array) -> Array:
    """Of all numbers that fold to u (`k`, unit interval), the nearest to others (`k`)."""
    same, mirrored = u + 2 * np.rint((near - u) / 2), -u + 2 * np.rint((near + u) / 2)
    return np.asarray(np.where(np.abs(same - near) <= np.abs(mirrored - near), same, mirrored))


def injected(z: Array) -> Array:
    """Standard normals (`k`) of a point that was not drawn, shortened to what a draw may well have: ``sqrt(k) + 2k/(k + 2)``.

    Source: Hansen, Injecting external solutions into CMA-ES (2011), arXiv:1110.4181.
    """
    k = len(z)
    return np.asarray(z * min(1.0, (math.sqrt(k) + 2 * k / (k + 2)) / (float(np.linalg.norm(z)) or 1.0)))


def _plain(value: Any) -> Any:
    """As JSON would have it: lists for arrays, numbers for NumPy's."""
    if isinstance(value, (list, tuple)):
        return [_plain(entry) for entry in value]
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value
