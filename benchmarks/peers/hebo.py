"""HEBO at its defaults. What breaks constraints counts as worse than all that keeps them; conditions are unknown to it."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import torch
from hebo.design_space.design_space import DesignSpace
from hebo.optimizers.hebo import HEBO

from benchmarks.peers.base import Unsupported
from benchmarks.peers.spec import Parameter, Penalty, Point, Spec

PACKAGES = ("HEBO", "torch", "numpy")


class Adapter:
    """Suggestions are rows of a frame."""

    def __init__(self, spec: Spec, seed: int, settings: Mapping[str, Any]) -> None:
        if len(spec.objectives) > 1:
            raise Unsupported("HEBO has one objective")
        warnings.simplefilter("ignore")
        np.random.seed(seed)  # noqa: NPY002 - what it draws from
        torch.manual_seed(seed)
        self._spec, self._penalty = spec, Penalty(spec)
        space = DesignSpace().parse([_parameter(p) for p in spec.parameters])
        self._optimizer = HEBO(space, scramble_seed=seed)
        self._open: dict[int, pd.DataFrame] = {}
        self._asked = 0

    def ask(self, n: int) -> list[tuple[int, Point]]:
        frame = self._optimizer.suggest(n_suggestions=n)
        found = []
        for k in range(n):
            self._open[self._asked] = frame.iloc[[k]]
            found.append((self._asked, {p.name: _plain(frame.iloc[k][p.name], p) for p in self._spec.parameters}))
            self._asked += 1
        return found

    def tell(self, handle: int | None, point: Point, outcomes: Mapping[str, float]) -> None:
        if handle is None:
            full = self._spec.full(point)
            frame = pd.DataFrame([{p.name: _told(full[p.name], p) for p in self._spec.parameters}])
        else:
            frame = self._open.pop(handle)
        self._optimizer.observe(frame, np.array([[self._penalty(outcomes)]]))


def _parameter(p: Parameter) -> dict[str, Any]:
    if p.kind == "categorical":
        if p.choices == (False, True):
            return {"name": p.name, "type": "bool"}
        return {"name": p.name, "type": "cat", "categories": list(p.choices)}
    kind = ("pow" if p.kind == "float" else "pow_int") if p.log else ("num" if p.kind == "float" else "int")
    return {"name": p.name, "type": kind, "lb": p.low, "ub": p.high}


def _told(value: Any, p: Parameter) -> Any:
    return value if p.kind == "categorical" else float(value) if p.kind == "float" else int(value)


def _plain(value: Any, p: Parameter) -> Any:
    if p.kind == "categorical":
        return bool(value) if p.choices == (False, True) else value
    inside = min(max(float(value), p.low), p.high)
    return round(inside) if p.kind == "int" else inside
