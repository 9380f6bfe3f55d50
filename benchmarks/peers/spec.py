"""A problem as peers see it: plain JSON, and maps between parameter values and the unit cube. Needs NumPy only.

Everything is minimized; a constraint is kept where its outcome is at most 0.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Value = float | int | str | bool
Point = dict[str, Value]
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Parameter:
    """One input.

    Args:
        name: Its name.
        kind: ``"float"``, ``"int"`` or ``"categorical"``.
        low, high: The range of a number, both ends included.
        log: Whether a number acts on a logarithmic scale.
        choices: The values of a categorical one.
        when: It is active while each parent named here is active and has one of the values listed.
    """

    name: str
    kind: Literal["float", "int", "categorical"]
    low: float = 0.0
    high: float = 1.0
    log: bool = False
    choices: tuple[Value, ...] = ()
    when: Mapping[str, tuple[Value, ...]] = field(default_factory=dict)

    def decode(self, u: float) -> Value:
        """The value at `u` in [0, 1]; whole numbers and choices own cells of equal width (in the logarithm where `log`)."""
        u = min(max(u, 0.0), 1.0)
        if self.kind == "categorical":
            return self.choices[min(int(u * len(self.choices)), len(self.choices) - 1)]
        half = 0.5 if self.kind == "int" else 0.0
        low, high = self.low - half, self.high + half
        x = math.exp(math.log(low) + u * math.log(high / low)) if self.log else low + u * (high - low)
        x = min(max(x, self.low), self.high)
        return int(min(max(round(x), self.low), self.high)) if self.kind == "int" else x

    def encode(self, value: Value) -> float:
        """The centre of the value's cell, or the place of a real number."""
        if self.kind == "categorical":
            return (self.choices.index(value) + 0.5) / len(self.choices)
        half = 0.5 if self.kind == "int" else 0.0
        low, high = self.low - half, self.high + half
        x = float(value)
        return math.log(x / low) / math.log(high / low) if self.log else (x - low) / (high - low)


@dataclass(frozen=True)
class Spec:
    """What a peer is told of a problem.

    Args:
        parameters: Parents stand before what depends on them.
        objectives: Names of the outcomes to minimize.
        constraints: Names of the outcomes to keep at most 0.
        budget: Evaluations in all, the given initial points among them; None where nobody has said.
        reference: With several objectives, the worst values of interest.
        noisy: Whether measurements are.
    """

    parameters: tuple[Parameter, ...]
    objectives: tuple[str, ...]
    constraints: tuple[str, ...] = ()
    budget: int | None = None
    reference: tuple[float, ...] = ()
    noisy: bool = False

    @property
    def d(self) -> int:
        return len(self.parameters)

    @property
    def outcomes(self) -> tuple[str, ...]:
        """Names of what is told of each point."""
        return (*self.objectives, *self.constraints)

    def active(self, point: Mapping[str, Value]) -> Point:
        """A full point without what is inactive in it."""
        kept: Point = {}
        for p in self.parameters:
            if all(parent in kept and kept[parent] in values for parent, values in p.when.items()):
                kept[p.name] = point[p.name]
        return kept

    def full(self, point: Mapping[str, Value]) -> Point:
        """A point with what is inactive set to the middle of its range, for libraries that know no conditions."""
        return {p.name: point.get(p.name, p.decode(0.5)) for p in self.parameters}

    def decode(self, u: Sequence[float] | Array) -> Point:
        """The full point at a place of the cube."""
        return {p.name: p.decode(float(x)) for p, x in zip(self.parameters, u, strict=True)}

    def encode(self, point: Mapping[str, Value]) -> Array:
        """The place of a point in the cube, shape ``d``; inactive parameters in the middle."""
        full = self.full(point)
        return np.array([p.encode(full[p.name]) for p in self.parameters])

    def to_json(self) -> dict[str, Any]:
        parameters = [
            {**vars(p), "choices": list(p.choices), "when": {name: list(values) for name, values in p.when.items()}}
            for p in self.parameters
        ]
        return {**vars(self), "parameters": parameters}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Spec:
        parameters = tuple(
            Parameter(**{**p, "choices": tuple(p["choices"]), "when": {name: tuple(values) for name, values in p["when"].items()}})
            for p in data["parameters"]
        )
        names = ("objectives", "constraints", "reference")
        return cls(**{**data, "parameters": parameters, **{name: tuple(data[name]) for name in names}})


def latin_hypercube(spec: Spec, n: int, rng: np.random.Generator) -> list[Point]:
    """`n` points, one in each of `n` slices of every axis (McKay, Beckman and Conover, 1979), inactive parameters left out."""
    slices = np.stack([rng.permutation(n) for _ in range(spec.d)], axis=1)
    return [spec.active(spec.decode(u)) for u in (slices + rng.random((n, spec.d))) / n]


class Penalty:
    """One number for libraries without constraints: what breaks them counts worse than all that was seen to keep them.

    An infeasible point gets the worst value seen so far plus its violations, each in units of the largest seen.
    """

    def __init__(self, spec: Spec) -> None:
        self._spec = spec
        self._worst = -math.inf
        self._scales = dict.fromkeys(spec.constraints, 0.0)

    def __call__(self, outcomes: Mapping[str, float]) -> float:
        value = outcomes[self._spec.objectives[0]]
        self._worst = max(self._worst, value)
        violation = 0.0
        for name in self._spec.constraints:
            excess = max(outcomes[name], 0.0)
            self._scales[name] = max(self._scales[name], excess)
            violation += excess / self._scales[name] if excess else 0.0
        return self._worst + (1.0 + abs(self._worst)) * violation if violation else value
