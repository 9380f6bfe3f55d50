"""pycma at its defaults: from the best of the initial points, with a step of a quarter of the cube.

Whole numbers and choices are cells of the unit interval; what breaks constraints counts as worse than all that keeps them. Conditions
are unknown to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import cma
import numpy as np

from benchmarks.peers.base import Unsupported
from benchmarks.peers.spec import Array, Penalty, Point, Spec

PACKAGES = ("cma", "numpy")


class Adapter:
    """Asked one point at a time; a generation is told when it is complete."""

    def __init__(self, spec: Spec, seed: int, settings: Mapping[str, Any]) -> None:
        if len(spec.objectives) > 1:
            raise Unsupported("CMA-ES has one objective")
        self._spec, self._penalty = spec, Penalty(spec)
        self._random = np.random.default_rng([seed, 3])
        self._seed = seed
        self._start: tuple[float, Array] | None = None
        self._strategy: Any = None
        self._generation: list[Array] = []
        self._losses: list[float] = []

    def ask(self, n: int) -> list[tuple[int, Point]]:
        if self._strategy is None:
            place = np.full(self._spec.d, 0.5) if self._start is None else self._start[1]
            options = {"bounds": [0, 1], "seed": self._seed + 1, "verbose": -9, "randn": self._normal}
            self._strategy = cma.CMAEvolutionStrategy(place, 0.25, options)
        if len(self._losses) == len(self._generation):
            if self._generation:
                self._strategy.tell(self._generation, self._losses)
            self._generation, self._losses = self._strategy.ask(), []
        k = len(self._losses)
        return [(k, self._spec.decode(self._generation[k]))]

    def tell(self, handle: int | None, point: Point, outcomes: Mapping[str, float]) -> None:
        loss = self._penalty(outcomes)
        if handle is not None:
            self._losses.append(loss)
        elif self._start is None or loss < self._start[0]:
            self._start = loss, self._spec.encode(point)

    def _normal(self, *shape: int) -> Array:
        """Of its own: left alone pycma seeds NumPy's global generator."""
        return self._random.standard_normal(shape)
