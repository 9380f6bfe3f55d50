"""Ax's `Client` at its defaults, the initial design attached. Conditions are unknown to it."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping
from typing import Any

from ax.api.client import Client
from ax.api.configs import ChoiceParameterConfig, RangeParameterConfig

from benchmarks.peers.spec import Parameter, Point, Spec

PACKAGES = ("ax-platform", "botorch", "torch", "numpy")


class Adapter:
    """Trials of one arm."""

    def __init__(self, spec: Spec, seed: int, settings: Mapping[str, Any]) -> None:
        warnings.simplefilter("ignore")
        logging.disable(logging.CRITICAL)
        self._spec = spec
        self._client = Client(random_seed=seed)
        self._client.configure_experiment(parameters=[_parameter(p) for p in spec.parameters])
        # An objective threshold is an outcome constraint on an objective.
        thresholds = [f"{name} <= {r}" for name, r in zip(spec.objectives, spec.reference, strict=False)]
        self._client.configure_optimization(
            objective=", ".join(f"-{name}" for name in spec.objectives),
            outcome_constraints=[*(f"{name} <= 0" for name in spec.constraints), *thresholds] or None,
        )

    def ask(self, n: int) -> list[tuple[int, Point]]:
        trials = self._client.get_next_trials(max_trials=n)
        return [(index, {p.name: _plain(point[p.name], p) for p in self._spec.parameters}) for index, point in trials.items()]

    def tell(self, handle: int | None, point: Point, outcomes: Mapping[str, float]) -> None:
        if handle is None:
            full = self._spec.full(point)
            handle = self._client.attach_trial(parameters={p.name: _told(full[p.name], p) for p in self._spec.parameters})
        self._client.complete_trial(trial_index=handle, raw_data=dict(outcomes))


def _parameter(p: Parameter) -> RangeParameterConfig | ChoiceParameterConfig:
    if p.kind == "categorical":
        switch = p.choices == (False, True)
        return ChoiceParameterConfig(name=p.name, values=list(p.choices), parameter_type="bool" if switch else "str", is_ordered=switch)
    bounds = (p.low, p.high) if p.kind == "float" else (int(p.low), int(p.high))
    return RangeParameterConfig(name=p.name, bounds=bounds, parameter_type=p.kind, scaling="log" if p.log else "linear")


def _told(value: Any, p: Parameter) -> Any:
    return float(value) if p.kind == "float" else value


def _plain(value: Any, p: Parameter) -> Any:
    return value if p.kind == "categorical" else min(max(value, p.low), p.high) if p.kind == "float" else int(value)
