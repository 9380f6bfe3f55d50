"""Descent along gradients estimated from pairs of values on a sphere: what `GFM` and `GFMPlus` are made of.

A phase is one estimate. Its pairs are drawn in `fold`, when the phase before it closes, from random numbers keyed by the phase; points
are matched by ticket ``(phase, index)``. A phase closes once all its tickets are out and none is waited for, and its values then
count in the order of their tickets: the order in which they came in changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bbo.log.ledger import Record, Update
from bbo.log.states import State
from bbo.optimizers.base import Proposal, Query
from bbo.optimizers.phases import awaited, best_known
from bbo.problem import Problem
from bbo.zeroth_order import central_points, sphere_directions, sphere_two_point

Array = NDArray[np.float64]

_PATIENCE = 10  # phases without progress until the step is halved, as in the authors' attack
_SHORTEST = 0.01  # of the first step size: the authors go from 0.5 to 0.005
_BLOWN_UP = 5.0  # times the anchor's length: a recursion that has grown so much has lost the gradient


@dataclass(slots=True)
class Descent:
    """Where a descent stands.

    Attributes:
        problem: What is optimized.
        delta: Radius of the ball that smooths, in the cube.
        step: Length of the first step, in the cube.
        batch: Pairs a point in a phase that corrects.
        anchor_batch: Pairs in a phase that estimates anew.
        every: Every so many steps the estimate is made anew; 1 for always.
        x: The iterate (`d`, cube), None before the first ticket is out.
        before: The iterate before it, None before the first step.
        gradient: The latest estimate, None before there is one.
        phase: Number of the open phase.
        age: Steps since the estimate was made anew; the open phase makes it anew where this is 0.
        step_size: What the estimate is multiplied by to give the step, None before there is one.
        directions: Directions of the open phase, `b x d`.
        points: Its points, `b x places x 2 x d`: at the iterate and, in a correction, at the one before it; the two sides of the pair.
        trials: Its trials, by index of the ticket into `points`.
        note: What the latest phases led to, where that was out of the ordinary.
    """

    problem: Problem
    delta: float
    step: float
    batch: int
    anchor_batch: int
    every: int
    x: Array | None = None
    before: Array | None = None
    gradient: Array | None = None
    phase: int = 0
    age: int = 0
    step_size: float | None = None
    directions: Array = field(default_factory=lambda: np.empty((0, 0)))
    points: Array = field(default_factory=lambda: np.empty((0, 1, 2, 0)))
    trials: dict[int, Record] = field(default_factory=dict)
    note: str = ""
    _known: dict[int, Record] = field(default_factory=dict)
    _anchor_length: float = 0.0
    _best: float = np.inf
    _stalled: int = 0
    _first_step_size: float = 0.0

    def best_known(self) -> list[float]:
        """Where to begin: the best point of the log (in the cube), or the middle of it."""
        return best_known(self.problem, self._known.values())

    def start(self, x0: ArrayLike) -> None:
        """Begin at a point of the cube, or as near to it as all pairs stay inside."""
        self.x = self._inside(np.array(x0, dtype=np.float64))
        self._draw()

    def fold(self, update: Update) -> None:
        """Take in one event."""
        for record in update.records:
            if record.ticket is None or record.configuration != self.problem.configuration:
                if self.x is None:
                    self._known[record.number] = record
                continue
            if self.x is None:  # the first ticket is out, and with it the memo of where the descent starts
                self.start(update.event.body["memo"]["x0"])
                self._known.clear()
            phase, index = record.ticket
            if phase == self.phase:
                self.trials[index] = record
        if self.x is not None and self._complete():
            self._close()

    def tickets(self, n: int, memo: Mapping[str, Any] | None = None) -> Proposal:
        """The next points of the open phase, at most n; waiting when all of them are out."""
        points = self.points.reshape(-1, self.points.shape[-1])
        free = [index for index in range(len(points)) if index not in self.trials][:n]
        if not free:
            return Proposal(status="waiting")
        per_direction = self.points[0, ..., 0].size
        pairs = [f"{self.phase}/{index // per_direction}" for index in free]
        queries = (
            Query(params, ticket=(self.phase, index), role="direction", group=pair, crn_key=pair)
            for index, pair, params in zip(free, pairs, self.problem.space.decode(points[free]), strict=True)
        )
        return Proposal(tuple(queries), memo=memo, note=self.note)

    def _inside(self, x: Array) -> Array:
        """The nearest point whose pairs lie in the cube: a pair with one side cut off would be biased."""
        return x.clip(self.delta, 1 - self.delta)

    def _complete(self) -> bool:
        """Whether every ticket of the open phase is out and none is waited for."""
        size = self.points[..., 0].size
        return len(self.trials) == size and not awaited(self.trials.values())

    def _draw(self) -> None:
        """Open the phase: pairs at the iterate, and for a correction the same pairs at the iterate before it."""
        assert self.x is not None
        correct = self.age > 0 and self.before is not None
        places = [self.x, self.before] if correct else [self.x]
        rng = self.problem.rng("gfm", self.phase)
        self.directions = sphere_directions(self.batch if correct else self.anchor_batch, len(self.x), rng)
        self.points = np.stack([central_points(place, self.directions, self.delta) for place in places if place is not None], axis=1)
        self.points = self.points.clip(0, 1)  # of rounding only
        self.trials = {}

    def _close(self) -> None:
        """Take the step that the open phase's values give, and open the next phase."""
        values = np.array([self._value(self.trials[index]) for index in range(len(self.trials))]).reshape(self.points.shape[:-1])
        whole = np.isfinite(values).all(axis=(1, 2))
        self.note = ""
        if not whole.any():
            self.note = "the last phase is drawn anew, since no pair of it has both values"
        else:
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
            if np.linalg.norm(gradient) > _BLOWN_UP * self._anchor_length:
                self.age = 0
                self.note = f"the gradient is estimated anew, since corrections made it more than {_BLOWN_UP:g} times as long"
                return
        else:
            self._anchor_length = float(np.linalg.norm(gradient))
        self.gradient = gradient
        self._judge(float(values[:, 0].mean()))
        # The iterate before the step is kept: a correction compares the two. Overwritten by the new one, all corrections would be zero.
        self.before, self.x = self.x, self._inside(self.x - (self.step_size or 0.0) * gradient)
        self.age = (self.age + 1) % self.every

    def _judge(self, value: float) -> None:
        """Choose the step size by the mean over the pairs at the iterate, which is that of the smoothed function near it."""
        assert self.gradient is not None
        if self.step_size is None and (length := float(np.linalg.norm(self.gradient))) > 0:
            self.step_size = self._first_step_size = self.step / length
        self._stalled = 0 if value < self._best else self._stalled + 1
        self._best = min(self._best, value)
        if self._stalled >= _PATIENCE and self.step_size is not None:
            self._stalled = 0
            self.step_size = max(self.step_size / 2, _SHORTEST * self._first_step_size)
            self.note = (
                f"the step size is {self.step_size / self._first_step_size:.3g} of the first, after {_PATIENCE} phases without progress"
            )
