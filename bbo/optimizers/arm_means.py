"""The model of a bandit without a regression: what its arms were measured at on average."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bbo.optimizers.arms import ArmModel, Plays

Array = NDArray[np.float64]

Bin = Callable[[Mapping[str, Any]], int | None]


@dataclass(frozen=True, slots=True, eq=False)
class ArmMeans(ArmModel):
    """Means of the arms, drawn to the mean of all by one trial: an arm that was lucky once is not yet the best.

    In each bin of a context an arm with the sum ``s`` of `n` results has the mean ``(s + m) / (n + 1)``, with `m` the mean of all results
    in the bin, and the standard deviation ``e / sqrt(n + 1)``, with `e` the root of the mean squared error around the means of arms.
    A point that is no arm is judged by the nearest one.

    Args:
        plays: What is known.
        bin_of: Which bin a point is in.
        cells: Sum and number of results, and number of failures, by bin and arm.
        means: Mean of all results in a bin; under None that of all bins, for bins without any.
        error: Root of the mean squared error, in the objective's units.
    """

    bin_of: Bin
    cells: Mapping[tuple[int | None, int], tuple[float, int, int]]
    means: Mapping[int | None, float]
    error: float

    @classmethod
    def of(cls, plays: Plays, bin_of: Bin) -> ArmMeans | None:
        """The model of all results, None where there are none."""
        results = plays.results()
        values: dict[tuple[int | None, int], list[float]] = {}
        for number, arm, loss in zip(results.numbers.tolist(), results.arms.tolist(), results.losses.tolist(), strict=True):
            values.setdefault((bin_of(plays.records[number].params), arm), []).append(loss)
        if np.isnan(results.losses).all():
            return None
        sign = plays.problem.objectives[0].sign
        done = {key: sign * np.array([loss for loss in losses if not math.isnan(loss)]) for key, losses in values.items()}
        cells = {key: (float(y.sum()), len(y), len(values[key]) - len(y)) for key, y in done.items()}
        every = np.concatenate(list(done.values()))
        bins = {key[0] for key in done}
        means: dict[int | None, float] = {None: float(every.mean())}
        for each in bins:
            inside = np.concatenate([y for key, y in done.items() if key[0] == each])
            if len(inside):
                means[each] = float(inside.mean())
        squared = sum(float(((y - y.mean()) ** 2).sum()) for y in done.values() if len(y))
        free = sum(len(y) - 1 for y in done.values() if len(y))
        error = float(np.sqrt(squared / free)) if free else float(every.std())
        return cls(plays, bin_of, cells, means, error)

    def predict(self, rows: Sequence[Mapping[str, Any]]) -> tuple[Array, Array]:
        """Mean and standard deviation of the outcome at each point, each `n x 1`."""
        found = np.array([self._judge(row) for row in rows]).reshape(-1, 2)
        return found[:, :1], found[:, 1:]

    def log_p_feasible(self, rows: Sequence[Mapping[str, Any]]) -> Array:
        """Log of the share of trials that did not fail, with one more added to them, shape `n`."""
        cells = [self.cells.get(self._key(row), (0.0, 0, 0)) for row in rows]
        return np.array([np.log((n + 1) / (n + failed + 1)) for _, n, failed in cells])

    def _key(self, row: Mapping[str, Any]) -> tuple[int | None, int]:
        return self.bin_of(row), self.plays.nearest(row)

    def _judge(self, row: Mapping[str, Any]) -> tuple[float, float]:
        key = self._key(row)
        total, n, _ = self.cells.get(key, (0.0, 0, 0))
        return (total + self.means.get(key[0], self.means[None])) / (n + 1), self.error / float(np.sqrt(n + 1))
