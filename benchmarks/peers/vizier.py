"""Vizier's default algorithm, the Gaussian-process bandit with pure exploration, in this process.

Conditions are unknown to its Gaussian process: the space is flat. Constraints are safety metrics.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from vizier import algorithms as vza
from vizier import pyvizier as vz
from vizier._src.algorithms.designers import gp_ucb_pe

from benchmarks.peers.base import Unsupported
from benchmarks.peers.spec import Parameter, Penalty, Point, Spec

PACKAGES = ("google-vizier", "jax", "numpy")


class Adapter:
    """A designer that is updated with completed trials."""

    def __init__(self, spec: Spec, seed: int, settings: Mapping[str, Any]) -> None:
        logging.disable(logging.CRITICAL)
        if len(spec.objectives) > 1 and spec.constraints:
            raise Unsupported("no penalty stands for constraints with several objectives")
        self._spec, self._penalty = spec, Penalty(spec)
        statement = vz.ProblemStatement()
        for p in spec.parameters:
            _add(statement.search_space.root, p)
        for name in spec.objectives:
            statement.metric_information.append(vz.MetricInformation(name=name, goal=vz.ObjectiveMetricGoal.MINIMIZE))
        self._designer = gp_ucb_pe.VizierGPUCBPEBandit(statement, rng=_key(seed))
        self._open: dict[int, Any] = {}
        self._number = 0

    def ask(self, n: int) -> list[tuple[int, Point]]:
        found = []
        for suggestion in self._designer.suggest(n):
            self._number += 1
            self._open[self._number] = suggestion.to_trial(self._number)
            point = {p.name: _plain(suggestion.parameters[p.name].value, p) for p in self._spec.parameters}
            found.append((self._number, point))
        return found

    def tell(self, handle: int | None, point: Point, outcomes: Mapping[str, float]) -> None:
        if handle is None:
            self._number += 1
            full = self._spec.full(point)
            trial = vz.Trial(id=self._number, parameters={p.name: _told(full[p.name], p) for p in self._spec.parameters})
        else:
            trial = self._open.pop(handle)
        several = {name: outcomes[name] for name in self._spec.objectives}
        metrics = several if len(several) > 1 else {self._spec.objectives[0]: self._penalty(outcomes)}
        trial.complete(vz.Measurement(metrics))
        self._designer.update(vza.CompletedTrials([trial]), vza.ActiveTrials([]))


def _key(seed: int) -> Any:
    import jax

    return jax.random.PRNGKey(seed)


def _add(root: Any, p: Parameter) -> None:
    if p.kind == "categorical":
        root.add_categorical_param(p.name, [str(choice) for choice in p.choices])
        return
    scale = vz.ScaleType.LOG if p.log else vz.ScaleType.LINEAR
    if p.kind == "float":
        root.add_float_param(p.name, p.low, p.high, scale_type=scale)
    else:
        root.add_int_param(p.name, int(p.low), int(p.high), scale_type=scale)


def _told(value: Any, p: Parameter) -> Any:
    return str(value) if p.kind == "categorical" else value


def _plain(value: Any, p: Parameter) -> Any:
    if p.kind == "categorical":
        return next(choice for choice in p.choices if str(choice) == str(value))
    inside = min(max(float(value), p.low), p.high)
    return round(inside) if p.kind == "int" else inside
