"""Optuna. Settings: ``sampler``, ``"gp"`` or ``"tpe"``, each at its defaults; conditions by define-by-run, as its users write them."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import optuna

from benchmarks.peers.spec import Parameter, Point, Spec

PACKAGES = ("optuna", "torch", "scipy", "numpy")


class Adapter:
    """A study in memory."""

    def __init__(self, spec: Spec, seed: int, settings: Mapping[str, Any]) -> None:
        warnings.simplefilter("ignore")
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        sampler = {"gp": optuna.samplers.GPSampler, "tpe": optuna.samplers.TPESampler}[settings["sampler"]](seed=seed)
        self._spec = spec
        self._study = optuna.create_study(directions=["minimize"] * len(spec.objectives), sampler=sampler)
        self._open: dict[int, optuna.Trial] = {}

    def ask(self, n: int) -> list[tuple[int, Point]]:
        return [self._ask() for _ in range(n)]

    def _ask(self) -> tuple[int, Point]:
        trial = self._study.ask()
        self._open[trial.number] = trial
        point: Point = {}
        for p in self._spec.parameters:
            if all(point.get(parent) in values for parent, values in p.when.items()):
                point[p.name] = _suggest(trial, p)
        return trial.number, point

    def tell(self, handle: int | None, point: Point, outcomes: Mapping[str, float]) -> None:
        values = [outcomes[name] for name in self._spec.objectives]
        constraints = {name: outcomes[name] for name in self._spec.constraints}
        if handle is not None:
            trial = self._open.pop(handle)
            for name, value in constraints.items():
                trial.set_constraint(name, value)
            self._study.tell(trial, values)
            return
        distributions = {p.name: _distribution(p) for p in self._spec.parameters if p.name in point}
        told = optuna.trial.create_trial(values=values, params=dict(point), distributions=distributions, constraints=constraints or None)
        self._study.add_trial(told)


def _suggest(trial: optuna.Trial, p: Parameter) -> Any:
    if p.kind == "float":
        return trial.suggest_float(p.name, p.low, p.high, log=p.log)
    if p.kind == "int":
        return trial.suggest_int(p.name, int(p.low), int(p.high), log=p.log)
    return trial.suggest_categorical(p.name, list(p.choices))


def _distribution(p: Parameter) -> optuna.distributions.BaseDistribution:
    if p.kind == "float":
        return optuna.distributions.FloatDistribution(p.low, p.high, log=p.log)
    if p.kind == "int":
        return optuna.distributions.IntDistribution(int(p.low), int(p.high), log=p.log)
    return optuna.distributions.CategoricalDistribution(list(p.choices))
