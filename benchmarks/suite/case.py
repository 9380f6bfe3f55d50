"""A benchmark problem as a frozen value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

import bbo
from bbo.problem import derive
from benchmarks.peers.spec import Parameter, Point, Spec, Value, latin_hypercube

Outcomes = dict[str, float]


@dataclass(frozen=True)
class Case:
    """What is optimized, with what budget, and what is known of the answer. Everything is minimized.

    Args:
        name: Unique in all suites.
        space: The parameters: `Float`, `Int`, `Categorical` and `Bool`, with conditions given as mappings.
        function: Maps parameters to all outcomes, without noise.
        budget: Evaluations of a run, the initial design among them.
        best: With one objective the least feasible value known, else the largest hypervolume known. Frozen before any tuning.
        source: Where `best` is from.
        objectives: Names of the outcomes to minimize.
        constraints: Names of the outcomes that must be at most 0.
        noise: Standard deviation of what is added to each objective as it is told. Runs are scored without it.
        reference: With several objectives the reference point of the hypervolume.
        fallback: What a run counts that found nothing feasible: the median value of feasible points drawn at random.
        tags: What sort of problem it is.
    """

    name: str
    space: bbo.Space
    function: Callable[[Mapping[str, Any]], Mapping[str, float]]
    budget: int
    best: float
    source: str
    objectives: tuple[str, ...] = ("value",)
    constraints: tuple[str, ...] = ()
    noise: float = 0.0
    reference: tuple[float, ...] = ()
    fallback: float | None = None
    tags: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        assert 30 <= self.budget <= 100, f"{self.name}: a budget is 30 to 100 evaluations"
        assert len(self.reference) == (len(self.objectives) if len(self.objectives) > 1 else 0), f"{self.name}: reference"
        assert (self.fallback is not None) == (bool(self.constraints) and len(self.objectives) == 1), f"{self.name}: fallback"

    @property
    def d(self) -> int:
        """Number of parameters."""
        return len(self.space.parameters)

    @property
    def n_initial(self) -> int:
        """Points that every optimizer starts from: one more than parameters, 5 to 10."""
        return min(max(5, self.d + 1), 10)

    @property
    def spec(self) -> Spec:
        """The problem as optimizers see it."""
        return Spec(
            tuple(_parameter(name, parameter) for name, parameter in self.space.parameters.items()),
            self.objectives,
            self.constraints,
            self.budget,
            self.reference,
            noisy=self.noise > 0,
        )

    def evaluate(self, point: Mapping[str, Value]) -> Outcomes:
        """All outcomes of a point, without noise."""
        outcomes = self.function(point)
        return {name: float(outcomes[name]) for name in (*self.objectives, *self.constraints)}

    def observe(self, outcomes: Mapping[str, float], seed: int, number: int) -> Outcomes:
        """Outcomes as they are told: the noise of the evaluation `number` is the same for all optimizers."""
        if not self.noise:
            return dict(outcomes)
        draws = self.noise * self.rng("noise", seed, number).standard_normal(len(self.objectives))
        return {**outcomes, **{name: outcomes[name] + e for name, e in zip(self.objectives, draws.tolist(), strict=True)}}

    def initial(self, seed: int) -> list[Point]:
        """The initial design of a seed, the same for all optimizers."""
        return latin_hypercube(self.spec, self.n_initial, self.rng("initial", seed))

    def rng(self, *key: str | int) -> np.random.Generator:
        """Random numbers for one purpose."""
        return np.random.Generator(np.random.Philox(key=derive("benchmarks", self.name, *key, bits=128)))


def _parameter(name: str, parameter: Any) -> Parameter:
    when = {parent: tuple(v) if isinstance(v, list) else (v,) for parent, v in (parameter.when or {}).items()}
    if isinstance(parameter, bbo.Float):
        return Parameter(name, "float", parameter.low, parameter.high, log=parameter.log, when=when)
    if isinstance(parameter, bbo.Int):
        return Parameter(name, "int", parameter.low, parameter.high, log=parameter.log, when=when)
    choices = (False, True) if isinstance(parameter, bbo.Bool) else tuple(parameter.choices)
    return Parameter(name, "categorical", choices=choices, when=when)
