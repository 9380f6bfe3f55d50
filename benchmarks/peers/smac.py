"""SMAC3: its facade for hyperparameters (random forest), or for up to 20 real numbers the one with a Gaussian process.

What breaks constraints counts as worse than all that keeps them. The initial design is told before the first ask.
"""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ConfigSpace
from smac import BlackBoxFacade, HyperparameterOptimizationFacade, Scenario
from smac.runhistory.dataclasses import TrialInfo, TrialValue

from benchmarks.peers.base import Unsupported
from benchmarks.peers.spec import Parameter, Penalty, Point, Spec

PACKAGES = ("smac", "ConfigSpace", "scikit-learn", "numpy")


class Adapter:
    """Ask and tell."""

    def __init__(self, spec: Spec, seed: int, settings: Mapping[str, Any]) -> None:
        warnings.simplefilter("ignore")
        if len(spec.objectives) > 1 and spec.constraints:
            raise Unsupported("SMAC has no constraints on outcomes; with several objectives no penalty stands for them")
        self._spec, self._penalty = spec, Penalty(spec)
        self._space = ConfigSpace.ConfigurationSpace(seed=seed)
        made = {p.name: _parameter(p) for p in spec.parameters}
        self._space.add(list(made.values()))
        self._space.add([c for p in spec.parameters if (c := _condition(p, made)) is not None])
        self._folder = tempfile.TemporaryDirectory(prefix="smac-")
        several = len(spec.objectives) > 1
        scenario = Scenario(
            self._space,
            objectives=list(spec.objectives) if several else "cost",
            deterministic=not spec.noisy,
            n_trials=spec.budget or 10_000,
            seed=seed,
            output_directory=Path(self._folder.name),
        )
        # Its documentation has that facade for few dimensions; in 100 its first ask takes longer than two minutes.
        plain = spec.d <= 20 and all(p.kind == "float" for p in spec.parameters)
        facade = BlackBoxFacade if plain else HyperparameterOptimizationFacade
        # The shared initial design stands for its own.
        design = facade.get_initial_design(scenario, n_configs=0, additional_configs=[])
        extra: dict[str, Any] = {"multi_objective_algorithm": facade.get_multi_objective_algorithm(scenario)} if several else {}
        self._smac = facade(scenario, _never, initial_design=design, overwrite=True, logging_level=False, **extra)
        self._open: dict[int, TrialInfo] = {}
        self._asked = 0

    def ask(self, n: int) -> list[tuple[int, Point]]:
        found = []
        for _ in range(n):
            info = self._smac.ask()
            self._open[self._asked] = info
            point = dict(info.config)
            found.append((self._asked, {p.name: _plain(point[p.name], p) for p in self._spec.parameters if p.name in point}))
            self._asked += 1
        return found

    def tell(self, handle: int | None, point: Point, outcomes: Mapping[str, float]) -> None:
        several = [outcomes[name] for name in self._spec.objectives]
        cost = several if len(several) > 1 else self._penalty(outcomes)
        if handle is None:
            values = {
                p.name: p.choices.index(point[p.name]) if _by_index(p) else point[p.name] for p in self._spec.parameters if p.name in point
            }
            info = TrialInfo(ConfigSpace.Configuration(self._space, values=values), seed=0)
        else:
            info = self._open.pop(handle)
        self._smac.tell(info, TrialValue(cost=cost), save=False)


def _by_index(p: Parameter) -> bool:
    """Switches are told by number: ConfigSpace takes no Python booleans for NumPy's."""
    return p.kind == "categorical" and not all(isinstance(choice, str) for choice in p.choices)


def _never(config: ConfigSpace.Configuration, seed: int = 0) -> float:
    raise AssertionError("trials are told, not run")


def _parameter(p: Parameter) -> Any:
    if p.kind == "float":
        return ConfigSpace.Float(p.name, (p.low, p.high), log=p.log)
    if p.kind == "int":
        return ConfigSpace.Integer(p.name, (int(p.low), int(p.high)), log=p.log)
    return ConfigSpace.Categorical(p.name, list(range(len(p.choices))) if _by_index(p) else list(p.choices))


def _condition(p: Parameter, made: Mapping[str, Any]) -> Any:
    if not p.when:
        return None
    ((parent, values),) = p.when.items()
    return ConfigSpace.InCondition(made[p.name], made[parent], list(values))


def _plain(value: Any, p: Parameter) -> Any:
    if p.kind == "categorical":
        return p.choices[int(value)] if _by_index(p) else str(value)
    return float(value) if p.kind == "float" else int(value)
