"""Nevergrad's NGOpt, which chooses by budget and space. Constraints as violations; conditions are unknown to it."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import nevergrad as ng
import numpy as np

from benchmarks.peers.spec import Parameter, Point, Spec

PACKAGES = ("nevergrad", "numpy")


class Adapter:
    """One point at a time."""

    def __init__(self, spec: Spec, seed: int, settings: Mapping[str, Any]) -> None:
        warnings.simplefilter("ignore")
        self._spec = spec
        inputs = ng.p.Dict(**{p.name: _parameter(p) for p in spec.parameters})
        inputs.random_state = np.random.RandomState(seed)
        self._optimizer = ng.optimizers.NGOpt(parametrization=inputs, budget=spec.budget, num_workers=1)
        if len(spec.objectives) > 1:
            self._optimizer.num_objectives = len(spec.objectives)
        self._open: dict[int, Any] = {}
        self._asked = 0

    def ask(self, n: int) -> list[tuple[int, Point]]:
        found = []
        for _ in range(n):
            candidate = self._optimizer.ask()
            self._open[self._asked] = candidate
            found.append((self._asked, {p.name: _plain(candidate.value[p.name], p) for p in self._spec.parameters}))
            self._asked += 1
        return found

    def tell(self, handle: int | None, point: Point, outcomes: Mapping[str, float]) -> None:
        if handle is None:
            full = self._spec.full(point)
            candidate = self._optimizer.parametrization.spawn_child(new_value=full)
        else:
            candidate = self._open.pop(handle)
        values = [outcomes[name] for name in self._spec.objectives]
        violations = [max(outcomes[name], 0.0) for name in self._spec.constraints]
        self._optimizer.tell(candidate, values if len(values) > 1 else values[0], constraint_violation=violations or None)


def _parameter(p: Parameter) -> Any:
    if p.kind == "categorical":
        return ng.p.Choice(list(p.choices))
    made = ng.p.Log(lower=p.low, upper=p.high) if p.log else ng.p.Scalar(lower=p.low, upper=p.high)
    return made.set_integer_casting() if p.kind == "int" else made


def _plain(value: Any, p: Parameter) -> Any:
    if p.kind == "categorical":
        return value
    inside = min(max(float(value), p.low), p.high)
    return round(inside) if p.kind == "int" else inside
