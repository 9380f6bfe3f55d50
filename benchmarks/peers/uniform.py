"""Random search: every point uniform in the space, inactive parameters left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from benchmarks.peers.spec import Point, Spec

PACKAGES = ("numpy",)


class Adapter:
    """Learns nothing."""

    def __init__(self, spec: Spec, seed: int, settings: Mapping[str, Any]) -> None:
        self._spec, self._rng, self._asked = spec, np.random.default_rng([seed, 2]), 0

    def ask(self, n: int) -> list[tuple[int, Point]]:
        points = [self._spec.active(self._spec.decode(u)) for u in self._rng.random((n, self._spec.d))]
        self._asked += n
        return list(enumerate(points, start=self._asked - n))

    def tell(self, handle: int | None, point: Point, outcomes: Mapping[str, float]) -> None:
        """Nothing to learn."""
