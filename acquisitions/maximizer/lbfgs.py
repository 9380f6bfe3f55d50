"""Projected L-BFGS from many starts at once: one call of the function a round for all rows that still climb."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from acquisitions.maximizer.active_set import constrained_step
from acquisitions.maximizer.line_search import LineSearch
from acquisitions.maximizer.memory import Memory, dot, namespace
from acquisitions.maximizer.polyhedron import Polyhedron, room

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Rows = NDArray[np.int_]

Objective = Callable[[Array, Rows], tuple[Array, Array]]
"""Scores (shape `m`) and gradients (`m x d`) at X (`m x d`), of the starts with the given numbers; larger is better."""


_PROMISED = 0.1
"""A row ends when its next step promises less than this fraction of the gain that would end it anyway."""


@dataclass(frozen=True, slots=True)
class ClimbSettings:
    """How far to climb.

    Args:
        memory: Pairs of the Hessian's approximation (L-BFGS-B has 10 in SciPy; with fewer columns as many as those).
        value_tolerance: End when a step gains less than this fraction of the value (SciPy's ``ftol``, 1e7 machine epsilons).
        gradient_tolerance: End when no entry of the projected gradient is larger (SciPy's ``gtol``).
        rounds: Most calls of the function.
        evaluations: Most points evaluated, all starts together.
        first_step: Length of the first step, in the largest entry.
        patience: Steps after which a row may be dropped for lagging behind.
        lag: A row is dropped when it is behind the best by more than this multiple of what its last steps gained (the last, half of
            the one before, a quarter of the one before that, and so on).
    """

    memory: int = 10
    value_tolerance: float = 2.2e-9
    gradient_tolerance: float = 1e-5
    rounds: int = 200
    evaluations: int = 20_000
    first_step: float = 0.2
    patience: int = 6
    lag: float = 20.0


@dataclass(frozen=True, eq=False)
class Climbed:
    """Where the starts ended.

    Args:
        X: Points, `b x d`.
        values: Their scores; not finite where the start had none.
        evaluations: Points evaluated.
        rounds: Calls of the function.
        dropped: Starts given up because they lagged behind.
    """

    X: Array
    values: Array
    evaluations: int
    rounds: int
    dropped: int


def climb(
    objective: Objective,
    X: Array,
    low: Array,
    high: Array,
    settings: ClimbSettings | None = None,
    polyhedron: Polyhedron | None = None,
) -> Climbed:
    """Maximize from each row of X within ``low <= x <= high`` and a polyhedron.

    Quasi-Newton steps on the entries that no bound holds, entries that would leave the box set on its bound and the others solved
    for again, then a Wolfe line search. It reads values of the rows of X alone, so that rows do not disturb each other but by
    `lag`. NumPy arrays and torch tensors of one device are both taken, float64; torch is not imported for the former.

    Args:
        objective: What to climb.
        X: Starts, `b x d`.
        low: Lower bounds, shape `d` or `b x d`, in units in which the box is about one wide.
        high: Upper bounds; where equal to the lower ones, an entry stands still.
        settings: Tolerances and budget.
        polyhedron: Linear constraints, which the starts keep and so does every point evaluated (NumPy arrays only).
    """
    climber = _Climber(objective, X, low, high, settings or ClimbSettings(), polyhedron or None)
    climber.run()
    return climber.result()


class _Climber:
    """Minimizes the negative of the objective; arrays hold the rows that still climb."""

    def __init__(
        self, objective: Objective, X: Array, low: Array, high: Array, settings: ClimbSettings, polyhedron: Polyhedron | None
    ) -> None:
        xp = self.xp = namespace(X)
        self.objective, self.settings, self.polyhedron = objective, settings, polyhedron
        self.low, self.high = low + xp.zeros_like(X), high + xp.zeros_like(X)
        self.x = self._clip(X)
        self.rows = xp.arange(len(X), device=X.device)
        self.one = xp.ones((), dtype=X.dtype, device=X.device)
        self.evaluations, self.rounds, self.dropped = 0, 0, 0
        self.f, self.g = self._evaluate(self.x)
        self.X, self.values = self.x + 0.0, self.f + 0.0
        self.steps = xp.zeros_like(self.rows)
        self.recent, self.best = xp.zeros_like(self.f), np.inf
        self.memory = Memory.empty(max(1, min(settings.memory, X.shape[1])), X, self._steepness())
        self.p = xp.zeros_like(X)
        self.search = LineSearch.start(self.f, self.f)
        self._drop(~(xp.isfinite(self.f) & xp.isfinite(self.g).all(-1)))
        if len(self.rows):
            every = self.rows == self.rows
            self._head(every, ~every)

    def run(self) -> None:
        s = self.settings
        while len(self.rows) and self.rounds < s.rounds and self.evaluations + len(self.rows) <= s.evaluations:
            self._round()

    def result(self) -> Climbed:
        self._keep(self.rows == self.rows)
        return Climbed(self.X, -self.values, self.evaluations, self.rounds, self.dropped)

    def _round(self) -> None:
        xp, search = self.xp, self.search
        x = self._clip(self.x + search.step[:, None] * self.p)
        f, g = self._evaluate(x)
        accepted, failed = search.judge(f, dot(g, self.p), self._room)
        self.memory.update(accepted, x - self.x, g - self.g)
        gain, turn = self.f - f, accepted
        if bool(accepted.all()):
            self.x, self.f, self.g = x, f, g
        else:
            a = accepted[:, None]
            self.x, self.f, self.g = xp.where(a, x, self.x), xp.where(accepted, f, self.f), xp.where(a, g, self.g)
        done = accepted & (gain <= self._tolerance())
        if bool(failed.any()):
            done, turn = done | failed & self.memory.blank, accepted | failed
            self.memory.forget(failed, self._steepness())
        lagging = self._lagging(gain, accepted)
        if bool(lagging.any()):
            self.dropped += int((lagging & ~done).sum())
            done = done | lagging
        if bool(done.all()):
            self._drop(done)
        else:
            self._head(turn, done)

    def _evaluate(self, x: Array) -> tuple[Array, Array]:
        self.evaluations += len(x)
        self.rounds += 1
        value, gradient = self.objective(x, self.rows)
        return -value, -gradient

    def _clip(self, x: Array) -> Array:
        clipped: Array = self.xp.minimum(self.xp.maximum(x, self.low), self.high)
        return clipped

    def _steepness(self) -> Array:
        """Curvature at which the first step has its length, and no longer than the gradient."""
        steepness: Array = self.xp.maximum(self.xp.amax(abs(self.g), -1) / self.settings.first_step, self.one)
        return steepness

    def _tolerance(self) -> Array:
        """The gain of a step that ends a row."""
        tolerance: Array = self.settings.value_tolerance * self.xp.maximum(abs(self.f), self.one)
        return tolerance

    def _lagging(self, gain: Array, accepted: Mask) -> Mask:
        """Rows far behind the best that no longer gain much."""
        self.steps = self.steps + accepted
        self.recent = self.xp.where(accepted, 0.5 * self.recent + gain, self.recent)
        self.best = min(self.best, float(self.f.min()))
        lagging: Mask = (self.steps >= self.settings.patience) & ((self.f - self.best) / self.settings.lag > self.recent)
        return lagging

    def _keep(self, rows: Mask) -> None:
        self.X[self.rows[rows]], self.values[self.rows[rows]] = self.x[rows], self.f[rows]

    def _drop(self, rows: Mask) -> None:
        if not bool(rows.any()):
            return
        self._keep(rows)
        left = ~rows
        for name in ("rows", "low", "high", "x", "f", "g", "p", "steps", "recent"):
            setattr(self, name, getattr(self, name)[left])
        self.memory, self.search = self.memory.take(left), self.search.take(left)

    def _room(self) -> Array:
        """The largest step that keeps the constraints, at least one."""
        xp = self.xp
        if self.polyhedron is not None:
            return np.maximum(room(self.x, self.p, self.low, self.high, self.polyhedron), 1.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            reach = xp.where(self.p > 0, (self.high - self.x) / self.p, xp.where(self.p < 0, (self.low - self.x) / self.p, np.inf))
        largest: Array = xp.maximum(xp.amin(reach, -1), self.one)
        return largest

    def _head(self, rows: Mask, done: Mask) -> None:
        """Choose the directions of the given rows, begin their line searches, and drop the rows that are done or have nowhere to go."""
        xp = self.xp
        if self.polyhedron is None:
            p, flat = self._box_step()
            slope = dot(self.g, p)
            if bool((slope >= 0).any()):  # where the model misleads, along the gradient
                p = xp.where((slope >= 0)[:, None], self._clip(self.x - self.g / self.memory.theta[:, None]) - self.x, p)
                slope = dot(self.g, p)
        else:
            p = constrained_step(self.memory, self.x, self.g, self.low, self.high, self.polyhedron)
            slope = dot(self.g, p)
            flat = ~(slope < -1e-10 * (dot(self.g, self.g) * dot(p, p)) ** 0.5)  # no feasible way down but by rounding
        self.p = p if bool(rows.all()) else xp.where(rows[:, None], p, self.p)
        self.search.restart(rows, self.f, slope)
        self._drop(done | rows & (flat | (-slope <= _PROMISED * self._tolerance())))

    def _box_step(self) -> tuple[Array, Mask]:
        """About the minimum of the quadratic model in the box, and where the gradient vanishes on the entries that no bound holds."""
        xp, x, g = self.xp, self.x, self.g
        free = ~((x <= self.low) & (g > 0) | (x >= self.high) & (g < 0))
        r = g * free
        flat = xp.amax(abs(r), -1) <= self.settings.gradient_tolerance
        y = x - self.memory.solve(free, r[..., None])[..., 0]
        inside = self._clip(y)
        out = inside != y
        if bool(out.any()):
            delta = xp.where(out, inside - x, 0.0)
            free = free & ~out
            rest = self.memory.solve(free, ((g + self.memory.times(delta)) * free)[..., None])[..., 0]
            inside = self._clip(x + delta - rest)
        step: Array = inside - x
        return step, flat
