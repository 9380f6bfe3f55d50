"""Inputs that are not plain decisions: fidelities, sources, tasks, contexts and environments."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import NormalDist
from typing import Any, ClassVar

import numpy as np

from bbo.errors import InvalidSpace
from bbo.space.choices import Categorical
from bbo.space.expressions import Value
from bbo.space.expressions.types import Type
from bbo.space.numeric import Float, Int
from bbo.space.parameter import Array, Parameter, finite
from surrogates.columns import Column, Role


@dataclass(frozen=True, repr=False)
class _Played(Parameter):
    """A parameter whose values are those of an inner one, in another role."""

    @property
    @abstractmethod
    def inner(self) -> Parameter:
        """The parameter whose values it takes."""

    @property
    def columns_wide(self) -> int:
        return self.inner.columns_wide

    @property
    def draws(self) -> int:
        return self.inner.draws

    @property
    def magnitude(self) -> float | None:
        return self.inner.magnitude

    @property
    def cardinality(self) -> int | None:
        return self.inner.cardinality

    def check(self, value: Any, name: str, *, outside: bool = False) -> Any:
        return self.inner.check(value, name, outside=outside)

    def encode(self, values: Sequence[Any]) -> Array:
        return self.inner.encode(values)

    def decode(self, U: Array) -> list[Any]:
        return self.inner.decode(U)

    def draw(self, U: Array) -> list[Any]:
        return self.inner.draw(U)

    def columns(self, name: str) -> tuple[Column, ...]:
        return self.inner.columns(name)

    def grid(self, resolution: int) -> Iterator[Any]:
        return self.inner.grid(resolution)

    def types(self, name: str) -> Mapping[str, Type]:
        return self.inner.types(name)

    def flat(self, name: str, value: Any) -> Mapping[str, Value]:
        return self.inner.flat(name, value)

    def identity(self, value: Any) -> Hashable:
        return self.inner.identity(value)


@dataclass(frozen=True, repr=False)
class Fidelity(_Played):
    """How faithful and expensive an evaluation is; the target is `high`, or the last level.

    Args:
        low: Lowest fidelity, or the levels' names with their costs (``{"coarse": 1, "fine": 20}``).
        high: Highest fidelity; None with named levels.
        cost: Costs at `low` and at `high`, linear between them.
        integer: Whether fidelities are whole numbers, such as epochs.
        log: Whether it acts on a logarithmic scale.
        when: Condition under which it is active, see `Parameter`.

    Raises:
        InvalidSpace: As for `Float` and `Int`; a cost that is not positive, fewer than two levels, options of the other form.
    """

    low: float | Mapping[str, float]
    high: float | None = None
    cost: Sequence[float] | None = None
    integer: bool = False
    log: bool = False
    tag: ClassVar[str] = "fidelity"
    main: ClassVar[tuple[str, ...]] = ("low", "high")

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.low, Mapping):
            object.__setattr__(self, "low", _levels(self.low, "Fidelity"))
            if self.high is not None or self.cost is not None or self.integer or self.log:
                raise InvalidSpace("Fidelity: named levels carry their costs; high, cost, integer and log belong to a range")
        elif self.high is None:
            raise InvalidSpace(f"Fidelity: high is missing beside low={self.low!r}")
        elif self.cost is not None:
            if isinstance(self.cost, str) or not isinstance(self.cost, Sequence) or len(self.cost) != 2:
                raise InvalidSpace(f"Fidelity: cost={self.cost!r} must be two numbers, the costs at low and at high")
            object.__setattr__(self, "cost", tuple(_cost(cost, "Fidelity: cost") for cost in self.cost))
        _ = self.inner

    @property
    def role(self) -> Role:
        return "fidelity"

    @cached_property
    def inner(self) -> Parameter:
        if isinstance(self.low, Mapping):
            return Categorical(list(self.low))
        kind = Int if self.integer else Float
        return kind(self.low, self.high, log=self.log)  # type: ignore[arg-type]

    @property
    def target(self) -> Value:
        """The fidelity of the real thing."""
        return self.inner.choices[-1] if isinstance(self.inner, Categorical) else self.inner.high  # type: ignore[attr-defined]

    def cost_at(self, value: Any) -> float:
        """Cost of an evaluation at this fidelity; 1 when no costs are known."""
        if isinstance(self.low, Mapping):
            return float(self.low[value])
        if self.cost is None or self.high is None:
            return 1.0
        share = (value - self.low) / (self.high - self.low)
        return float(self.cost[0] + share * (self.cost[1] - self.cost[0]))

    def columns(self, name: str) -> tuple[Column, ...]:
        column = self.inner.columns(name)[0]  # named levels have an order
        return (Column(name, "ordinal" if isinstance(self.low, Mapping) else column.kind, column.levels),)


@dataclass(frozen=True, repr=False)
class Source(_Played):
    """Where an evaluation comes from, without an order among the sources; the target is the last one.

    Args:
        levels: The sources' names with their costs (``{"simulation": 1, "wind tunnel": 500}``).
        when: Condition under which it is active, see `Parameter`.

    Raises:
        InvalidSpace: Fewer than two sources, or a cost that is not positive.
    """

    levels: Mapping[str, float]
    tag: ClassVar[str] = "source"
    main: ClassVar[tuple[str, ...]] = ("levels",)

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "levels", _levels(self.levels, "Source"))

    @property
    def role(self) -> Role:
        return "source"

    @cached_property
    def inner(self) -> Parameter:
        return Categorical(list(self.levels))

    @property
    def target(self) -> str:
        """The source of the real thing."""
        return list(self.levels)[-1]

    def cost_at(self, value: str) -> float:
        """Cost of an evaluation by this source."""
        return float(self.levels[value])


@dataclass(frozen=True, repr=False)
class Task(_Played):
    """Which of several related problems is being solved, fixed by the caller.

    Args:
        choices: The tasks, as for `Categorical`.
        when: Condition under which it is active, see `Parameter`.
    """

    choices: Sequence[Value]
    tag: ClassVar[str] = "task"
    main: ClassVar[tuple[str, ...]] = ("choices",)

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "choices", self.inner.choices)  # type: ignore[attr-defined]

    @property
    def role(self) -> Role:
        return "task"

    @cached_property
    def inner(self) -> Parameter:
        return Categorical(self.choices)


@dataclass(frozen=True, repr=False)
class Context(_Played):
    """What is given at the time of asking, such as the weather or a batch of raw material.

    Args:
        parameter: Its range or choices: a `Float`, `Int`, `Bool`, `Categorical` or `Ordinal`.
        when: Condition under which it is active, see `Parameter`.

    Raises:
        InvalidSpace: `parameter` is no plain parameter.
    """

    parameter: Parameter
    tag: ClassVar[str] = "context"
    main: ClassVar[tuple[str, ...]] = ("parameter",)

    def __post_init__(self) -> None:
        super().__post_init__()
        parameter: Any = self.parameter
        if not isinstance(parameter, Parameter) or isinstance(parameter, _Played) or parameter.when is not None:
            raise InvalidSpace(f"Context: parameter={parameter!r} must be a Float, Int, Bool, Categorical or Ordinal without `when`")

    @property
    def role(self) -> Role:
        return "context"

    @property
    def inner(self) -> Parameter:
        return self.parameter


@dataclass(frozen=True)
class Normal:
    """The normal distribution, cut off four standard deviations from the mean."""

    mean: float
    sd: float

    def __post_init__(self) -> None:
        finite(self.mean, "Normal: mean", InvalidSpace)
        if finite(self.sd, "Normal: sd", InvalidSpace) <= 0:
            raise InvalidSpace(f"Normal: sd={self.sd} must be positive")


@dataclass(frozen=True)
class Uniform:
    """The uniform distribution on ``[low, high]``."""

    low: float
    high: float


@dataclass(frozen=True, repr=False)
class Environment(_Played):
    """What nobody controls in service but whose distribution is known, and which trials can be set to.

    `Study.recommend` is the design that is best over it, by `Objective.risk`.

    Args:
        distribution: `Normal`, `Uniform`, or a mapping of values to their probabilities (``{"dry": 0.7, "wet": 0.3}``).
        when: Condition under which it is active, see `Parameter`.

    Raises:
        InvalidSpace: Not a distribution: an empty range, probabilities that are not positive or do not add up to one.
    """

    distribution: Normal | Uniform | Mapping[Value, float]
    tag: ClassVar[str] = "environment"
    main: ClassVar[tuple[str, ...]] = ("distribution",)

    def __post_init__(self) -> None:
        super().__post_init__()
        given: Any = self.distribution
        if isinstance(given, Mapping):
            weights = [finite(weight, "Environment: probability", InvalidSpace) for weight in given.values()]
            if not weights or min(weights) <= 0 or abs(sum(weights) - 1) > 1e-9:
                raise InvalidSpace(f"Environment: the probabilities {weights} must be positive and add up to 1")
            object.__setattr__(self, "distribution", dict(given))
        elif not isinstance(given, (Normal, Uniform)):
            raise InvalidSpace(
                f"Environment: distribution={given!r} must be Normal(mean, sd), Uniform(low, high) or a mapping of probabilities"
            )
        _ = self.inner

    @property
    def role(self) -> Role:
        return "environment"

    @cached_property
    def inner(self) -> Parameter:
        match self.distribution:
            case Normal(mean, sd):
                return Float(mean - 4 * sd, mean + 4 * sd)
            case Uniform(low, high):
                return Float(low, high)
            case choices:
                return Categorical(list(choices))

    def draw(self, U: Array) -> list[Any]:
        """Values of the distribution, by inversion."""
        match self.distribution:
            case Normal(mean, sd):
                tail = NormalDist().cdf(-4.0)
                return [mean + sd * NormalDist().inv_cdf(tail + u * (1 - 2 * tail)) for u in U[:, 0].tolist()]
            case Uniform():
                return self.inner.draw(U)
            case weights:
                edges = np.cumsum(list(weights.values()))[:-1]
                return [list(weights)[k] for k in np.searchsorted(edges, U[:, 0], side="right")]


def _levels(levels: Any, kind: str) -> dict[str, float]:
    if not isinstance(levels, Mapping) or len(levels) < 2 or not all(isinstance(name, str) for name in levels):
        raise InvalidSpace(f"{kind}: {levels!r} must map at least two names to their costs; the last one is the target")
    return {name: _cost(cost, f"{kind}: cost of {name!r}") for name, cost in levels.items()}


def _cost(cost: Any, where: str) -> float:
    value = float(finite(cost, where, InvalidSpace))
    if value <= 0:
        raise InvalidSpace(f"{where} is {cost}; it must be positive")
    return value
