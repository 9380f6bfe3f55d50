"""bbo.

Settings: ``optimizer``, a name or the JSON of one (default: ``auto`` with the run's budget, as `Study.optimize` states it);
``constraints``, known ones of the space, as strings.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import bbo
from bbo.optimizers.base import resolve
from benchmarks.peers.spec import Parameter, Point, Spec

PACKAGES = ("bbo-platform", "numpy", "scipy")


class Adapter:
    """A study in memory."""

    def __init__(self, spec: Spec, seed: int, settings: Mapping[str, Any]) -> None:
        several = len(spec.objectives) > 1
        references = spec.reference if several else (None,)
        given = settings.get("optimizer", "auto")
        self._study = bbo.Study(
            bbo.Space({p.name: _parameter(p) for p in spec.parameters}, settings.get("constraints", ())),
            [bbo.Objective(name, reference=reference) for name, reference in zip(spec.objectives, references, strict=True)],
            outcome_constraints=[f"{name} <= 0" for name in spec.constraints],
            optimizer=bbo.Auto(budget=spec.budget) if given == "auto" else resolve(given),
            seed=seed,
        )

    def ask(self, n: int) -> list[tuple[int, Point]]:
        return [(trial.number, dict(trial.params)) for trial in self._study.ask(n)]

    def tell(self, handle: int | None, point: Point, outcomes: Mapping[str, float]) -> None:
        if handle is None:
            self._study.add(point, outcomes)
        else:
            self._study.tell(handle, outcomes)


def _parameter(p: Parameter) -> Any:
    when: Any = {name: list(values) for name, values in p.when.items()} or None
    if p.kind == "float":
        return bbo.Float(p.low, p.high, log=p.log, when=when)
    if p.kind == "int":
        return bbo.Int(int(p.low), int(p.high), log=p.log, when=when)
    return bbo.Bool(when=when) if p.choices == (False, True) else bbo.Categorical(list(p.choices), when=when)
