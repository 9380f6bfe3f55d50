"""Descent along gradients estimated from pairs of values on a sphere: what `GFM` and `GFMPlus` are made of. A phase is one estimate."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bbo.log.ledger import Record
from bbo.log.states import State
from bbo.optimizers.base import Query
from bbo.optimizers.phases import Phases
from bbo.zeroth_order import central_points, sphere_directions, sphere_two_point

Array = NDArray[np.float64]

_PATIENCE = 10  # phases without progress until the step is halved, as in the authors' attack
_SHORTEST = 0.01  # of the first step size: the authors go from 0.5 to 0.005
_BLOWN_UP = 5.0  # times the anchor's length: a recursion that has grown so much has lost the gradient


@dataclass(slots=True)
class Descent(Phases):
    """Where a descent stands.

    Attributes:
        delta: Radius of the ball that smooths, in the cube.
        step: Length of the first step, in the cube.
        batch: Pairs a point in a phase that corrects.
        anchor_batch: Pairs in a phase that estimates anew.
        every: Every so many steps the estimate is made anew; 1 for always.
        x: The iterate (`d`, cube), None before the first ticket is out.
        before: The iterate before it, None before the first step.
        gradient: The latest estimate, None before there is one.
        age: Steps since the estimate was made anew; the open phase makes it anew where this is 0.
        step_size: What the estimate is multiplied by to give the step, None before there is one.
        directions: Directions of the open phase, `b x d`.
        points: Its points, `b x places x 2 x d`: at the iterate and, in a correction, at the one before it; the two sides of the pair.
    """

    delta: float
    step: float
    batch: int
    anchor_batch: int
    every: int
    x: Array | None = None
    before: Array | None = None
    gradient: Array | None = None
    age: int = 0
    step_size: float | None = None
    directions: Array = field(default_factory=lambda: np.empty((0, 0)))
    _anchor_length: float = 0.0
    _best: float = np.inf
    _stalled: int = 0
    _first_step_size: float = 0.0

    def start(self, x0: ArrayLike) -> None:
        """Begin at a point of the cube, or as near to it as all pairs stay inside."""
        self.x = self._inside(np.array(x0, dtype=np.float64))
        self._draw()

    def query(self, index: int, params: Mapping[str, Any]) -> Query:
        """A point of a pair: all points of a direction, also those at the iterate before, have common random numbers."""
        pair = f"{self.phase}/{index // self.points[0, ..., 0].size}"
        return Query(params, ticket=(self.phase, index), role="direction", group=pair, crn_key=pair)

    def _inside(self, x: Array) -> Array:
        """The nearest point whose pairs lie in the cube: a pair with one side cut off would be biased."""
        return x.clip(self.delta, 1 - self.delta)

    def _draw(self) -> None:
        """Open the phase: pairs at the iterate, and for a correction the same pairs at the iterate before it."""
        assert self.x is not None
        correct = self.age > 0 and self.before is not None
        places = [self.x, self.before] if correct else [self.x]
        rng = self.problem.rng("gfm", self.phase)
        self.directions = sphere_directions(self.batch if correct else self.anchor_batch, len(self.x), rng)
        points = np.stack([central_points(place, self.directions, self.delta) for place in places if place is not None], axis=1)
        self.open(points.clip(0, 1))  # of rounding only

    def close(self) -> None:
        """Take the step that the open phase's values give, and open the next phase."""
        values = np.array([self._value(self.trials[index]) for index in range(len(self.trials))]).reshape(self.points.shape[:-1])
        whole = np.isfinite(values).all(axis=(1, 2))
        self.note = ""
        if not whole.any():
            self.note = "the last phase is drawn anew, since no pair of it has both values"
        else:
            with np.errstate(over="ignore", invalid="ignore"):
                self._advance(values[whole], self.directions[whole])
        self.phase += 1
        self._draw()

    def _value(self, record: Record) -> float:
        """The loss; NaN for a trial without a result, or one that was run elsewhere than its pair wants it."""
        if record.state is not State.DONE or record.outside or record.params != record.planned:
            return np.nan
        return float(self.problem.losses(record.values)[0])

    def _advance(self, values: Array, directions: Array) -> None:
        """The estimate of the phase and the step along it, from the values of whole pairs (`b x places x 2`)."""
        assert self.x is not None
        gradient = sphere_two_point(values[:, 0], directions, self.delta)
        if values.shape[1] == 2:
            assert self.gradient is not None
            gradient = self.gradient + (gradient - sphere_two_point(values[:, 1], directions, self.delta))
        if not np.isfinite(gradient).all():
            self.note = "the last phase is drawn anew, since its values are too large to take differences of"
            return
        length = _length(gradient)
        if values.shape[1] == 2:
            if length > _BLOWN_UP * self._anchor_length:
                self.age = 0
                self.note = f"the gradient is estimated anew, since corrections made it more than {_BLOWN_UP:g} times as long"
                return
        else:
            self._anchor_length = length
        self.gradient = gradient
        self._judge(float(values[:, 0].mean()))
        # The iterate before the step is kept: a correction compares the two. Overwritten by the new one, all corrections would be zero.
        self.before, self.x = self.x, self._inside(self.x - (self.step_size or 0.0) * gradient)
        self.age = (self.age + 1) % self.every

    def _judge(self, value: float) -> None:
        """Choose the step size by the mean over the pairs at the iterate, which is that of the smoothed function near it."""
        assert self.gradient is not None
        if self.step_size is None and (length := _length(self.gradient)) > 0:
            self.step_size = self._first_step_size = self.step / length
        self._stalled = 0 if value < self._best else self._stalled + 1
        self._best = min(self._best, value)
        if self._stalled >= _PATIENCE and self.step_size is not None:
            self._stalled = 0
            self.step_size = max(self.step_size / 2, _SHORTEST * self._first_step_size)
            self.note = (
                f"the step size is {self.step_size / self._first_step_size:.3g} of the first, after {_PATIENCE} phases without progress"
            )


def _length(vector: Array) -> float:
    """The Euclidean norm, also where squares of the entries are beyond the largest float."""
    length = float(np.linalg.norm(vector))
    return length if math.isfinite(length) else min(math.hypot(*vector), float(np.finfo(float).max))
