"""The one maximizer of acquisition functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from acquisitions.domain import Domain, UnsupportedDomain
from acquisitions.maximizer.augmented_lagrangian import Smooth, climb_smooth
from acquisitions.maximizer.lbfgs import climb
from acquisitions.maximizer.neighbours import neighbours
from acquisitions.maximizer.region import Region
from acquisitions.maximizer.result import Maximum
from acquisitions.maximizer.screening import best_apart
from acquisitions.maximizer.settings import MaximizerSettings
from acquisitions.protocol import Acquisition, Climbable, Rough

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

_SURE = 10
"""Points scored in full for each start, of those that a rough score puts first,"""

_SPREAD = 2
"""and of those that it puts first among points apart: the first ones may all be of one peak."""

_GAIN = 1e-9
"""A discrete move that gains a smaller fraction of the score is rounding."""


def maximize(
    acq: Acquisition,
    domain: Domain,
    *,
    rng: np.random.Generator,
    seeds: ArrayLike | None = None,
    pool: ArrayLike | None = None,
    fixed: Mapping[int, float] | None = None,
    feasible: Callable[[Array], Mask] | None = None,
    smooth: Smooth | None = None,
    settings: MaximizerSettings | None = None,
) -> Maximum:
    """The point of a domain with the largest score that a wide screening and climbs from the best points find.

    Boxes and linear constraints are climbed by projected L-BFGS. Where columns have levels, or are active under conditions,
    climbs of the continuous entries alternate with moves to the best discrete neighbour. Constraints of which only a check is
    known, and `feasible`, bound each line search. Deterministic given the state of `rng`.

    Args:
        acq: What to maximize; climbed where it has `value_and_gradient`.
        domain: Where.
        rng: Source of all draws.
        seeds: Points worth a closer look around, such as incumbents and the optima of the last maximization, `k x d`.
        pool: Points of the caller's to score beside the maximizer's own, or instead of them with ``settings.screened=0``. Needed
            where conditions of a tree cannot be listed (`Parent.values` is None), for the domain cannot draw legal points then.
        fixed: Values of columns that stand still.
        feasible: Which points (`m x d`) may be chosen, beside the domain's own constraints.
        smooth: Nonlinear constraints whose slopes are known or can be taken by differences, so that climbs follow them.
        settings: How much work to do.

    Raises:
        ArithmeticError: No point has a finite score.
        EmptyDomain: The linear constraints of the domain contradict each other.
        UnsupportedDomain: The domain cannot be sampled, and no pool is given that lies in it.
    """
    region = Region(domain, fixed or {}, feasible, smooth)
    search = _Search(acq, region, settings or MaximizerSettings(), rng)
    return search.run(_points(seeds, domain.d), _points(pool, domain.d))


def _points(X: ArrayLike | None, d: int) -> Array:
    return np.empty((0, d)) if X is None else np.array(X, dtype=float).reshape(-1, d)


def _unit(values: Array) -> float:
    """In what unit scores are climbed: their spread where it is less than one, since tolerances are meant for scores of about one."""
    finite = values[np.isfinite(values)]
    spread = float(finite.max() - np.median(finite))
    return spread if 0 < spread < 1 else 1.0


class _Search:
    """One maximization: its problem, and a count of evaluations."""

    def __init__(self, acq: Acquisition, region: Region, settings: MaximizerSettings, rng: np.random.Generator) -> None:
        self.acq, self.region, self.settings, self.rng = acq, region, settings, rng
        self.evaluations = 0
        self.notes: list[str] = []
        self.unit = 1.0

    def run(self, seeds: Array, pool: Array) -> Maximum:
        X = self._screened(seeds, pool)
        values = self._ranked(X)
        top = best_apart(X, values, self.settings.starts, self.region.width)
        if not len(top):
            raise ArithmeticError(f"none of {len(X)} points has a finite score")
        self.unit = _unit(values)
        starts, values = X[top], values[top]
        self.notes.append(f"{self.region.kind}: {len(X):,} screened")
        if self.region.mixed:
            optima, values = self._alternate(starts.copy(), values)
        else:
            optima, values = self._improve(starts.copy(), values)
            self.notes.append(f"{len(starts)} {self._improved}")
        optima, values = self._kept(optima, values, starts)
        order = np.argsort(-values, kind="stable")
        optima, values = optima[order], values[order]
        return Maximum(optima[0], float(values[0]), ", ".join(self.notes), self.evaluations, starts, optima, values)

    @property
    def _improved(self) -> str:
        return "climbed" if isinstance(self.acq, Climbable) else "searched around, since the score has no gradient"

    def _screened(self, seeds: Array, pool: Array) -> Array:
        """Seeds, the pool, and points of our own over the domain and around the seeds, those that may be chosen."""
        seeds, pool = (X[self.region.allowed(X)] for X in (self.region.with_fixed(seeds), pool))
        n = self.settings.screened
        n_near = int(self.settings.near * n) if len(seeds) else 0
        n_wide = n - n_near
        if self.region.domain.columns.unlisted and len(pool):
            n_wide = 0
            self.notes.append("the pool alone all over the domain, since it does not tell when every column is active")
        try:
            wide = self.region.wide(n_wide, self.rng)
        except UnsupportedDomain as error:
            if not len(seeds) and not len(pool):
                raise
            wide = np.empty((0, self.region.domain.d))
            self.notes.append(f"no points of our own, since {error}")
        return np.vstack([seeds, pool, self.region.near(seeds, n_near, self.rng), wide])

    def _ranked(self, X: Array) -> Array:
        """Scores of the points worth a start; where there is a rough score, only of those that it finds good, and elsewhere none."""
        if not isinstance(self.acq, Rough):
            return self._value(X)
        rough = self._value(X, self.acq.rough)
        n = self.settings.starts
        first = np.argsort(-rough, kind="stable")[: _SURE * n]
        good = np.union1d(first, best_apart(X, rough, _SPREAD * n, self.region.width))
        values = np.full(len(X), -np.inf)
        values[good] = self._value(X[good])
        return values

    def _value(self, X: Array, score: Callable[[Array], Array] | None = None) -> Array:
        """Scores of points, minus infinity where there is none."""
        self.evaluations += len(X)
        size = self.settings.chunk
        parts = [np.asarray((score or self.acq.value)(X[i : i + size]), dtype=float) for i in range(0, len(X), size)]
        values = np.concatenate(parts) if parts else np.empty(0)
        return np.where(np.isfinite(values), values, -np.inf)

    def _kept(self, X: Array, values: Array, starts: Array) -> tuple[Array, Array]:
        """The optima that are allowed; where rounding has led one astray, the starts come beside them."""
        kept = self.region.allowed(X) & np.isfinite(values)
        if kept.all():
            return X, values
        return np.vstack([X[kept], starts]), np.concatenate([values[kept], self._value(starts)])

    # -- local search ------------------------------------------------------------------------------------------------------------

    def _improve(self, X: Array, values: Array) -> tuple[Array, Array]:
        return self._climb(X) if isinstance(self.acq, Climbable) else self._wander(X, values)

    def _climb(self, X: Array) -> tuple[Array, Array]:
        """Where climbs of the continuous entries end."""
        region, scale = self.region, self.region.scale
        lowest, highest = region.moving(X)
        acq = cast("Climbable", self.acq)

        def objective(U: Array, rows: NDArray[np.int_]) -> tuple[Array, Array]:
            P = np.minimum(np.maximum(U * scale, lowest[rows]), highest[rows])
            values, gradients = acq.value_and_gradient(P)
            values, gradients = values / self.unit, gradients * (scale / self.unit)
            if not region.exact:
                values = np.where(region.allowed(P), values, -np.inf)
            return values, gradients

        U, low, high = X / scale, lowest / scale, highest / scale
        if region.smooth is None:
            climbed = climb(objective, U, low, high, self.settings.climb, region.polyhedron)
        else:
            smooth = region.smooth.scaled(scale)
            climbed = climb_smooth(objective, U, low, high, smooth, self.settings.climb, region.polyhedron)
        self.evaluations += climbed.evaluations
        return np.clip(climbed.X * scale, lowest, highest), climbed.values * self.unit

    def _wander(self, X: Array, values: Array) -> tuple[Array, Array]:
        """Perturb each point and move to the best, again and again."""
        for _ in range(self.settings.perturbations):
            for k in range(len(X)):
                near = self.region.near(X[k : k + 1], self.settings.wander, self.rng)
                scores = self._value(near)
                if len(near) and scores.max() > values[k]:
                    X[k], values[k] = near[scores.argmax()], scores.max()
        return X, values

    def _alternate(self, X: Array, values: Array) -> tuple[Array, Array]:
        """Climbs of the continuous entries, then moves to better discrete neighbours, until none is better; half of the points a time."""
        moves, rounds, count = 0, 0, len(X)
        done_X, done_values = X[:0], values[:0]
        for rounds in range(1, self.settings.alternations + 1):
            low, high = self.region.moving(X)
            free = (low < high).any(axis=1)
            if free.any():
                X[free], values[free] = self._improve(X[free], values[free])
            better = self._step(X, values)
            moves += int(better.sum())
            done_X, done_values = np.vstack([done_X, X[~better]]), np.concatenate([done_values, values[~better]])
            X, values = X[better], values[better]
            keep = np.argsort(-values, kind="stable")[: max(2, -(-count // 2**rounds))]
            done_X, done_values = np.vstack([done_X, np.delete(X, keep, axis=0)]), np.concatenate([done_values, np.delete(values, keep)])
            X, values = X[keep], values[keep]
            if not len(X):
                break
        self.notes.append(f"{count} {self._improved} in turn with {moves} discrete moves, {rounds} rounds")
        return np.vstack([done_X, X]), np.concatenate([done_values, values])

    def _step(self, X: Array, values: Array) -> Mask:
        """Move points to their best neighbours, in place, as long as that gains; which have moved."""
        moved = np.zeros(len(X), dtype=bool)
        turn = np.ones(len(X), dtype=bool)
        for _ in range(self.settings.discrete):
            rows = np.flatnonzero(turn)
            near, owner = neighbours(self.region, X[rows], self.rng)
            scores = self._value(near)
            turn[:] = False
            for k, row in enumerate(rows):
                mine = np.flatnonzero(owner == k)
                if (
                    len(mine)
                    and (best := mine[np.argmax(scores[mine])]) is not None
                    and scores[best] > values[row] + _GAIN * abs(values[row])
                ):
                    X[row], values[row] = near[best], scores[best]
                    turn[row] = moved[row] = True
            if not turn.any():
                break
        return moved
