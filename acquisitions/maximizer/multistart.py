"""The one maximizer of acquisition functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from acquisitions.domain import Box, Domain
from acquisitions.maximizer.lbfgs import climb
from acquisitions.maximizer.result import Maximum
from acquisitions.maximizer.screening import best_apart, latin_hypercube, perturb
from acquisitions.maximizer.settings import MaximizerSettings
from acquisitions.protocol import Acquisition, Climbable

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


def maximize(
    acq: Acquisition,
    domain: Domain,
    *,
    rng: np.random.Generator,
    seeds: ArrayLike | None = None,
    pool: ArrayLike | None = None,
    fixed: Mapping[int, float] | None = None,
    feasible: Callable[[Array], Mask] | None = None,
    settings: MaximizerSettings | None = None,
) -> Maximum:
    """The point of a domain with the largest score that a wide screening and climbs from the best points find.

    Deterministic given the state of `rng`.

    Args:
        acq: What to maximize; climbed where it has `value_and_gradient`.
        domain: Where.
        rng: Source of all draws.
        seeds: Points worth a closer look around, such as incumbents and the optima of the last maximization, `k x d`.
        pool: Points of the caller's to score beside the maximizer's own, or instead of them with ``settings.screened=0``.
        fixed: Values of columns that stand still.
        feasible: Which points (`m x d`) may be chosen, beside the domain's own constraints.
        settings: How much work to do.

    Raises:
        ArithmeticError: No point has a finite score.
        EmptyDomain: The linear constraints of the domain contradict each other.
        UnsupportedDomain: The domain cannot be sampled, and no pool is given that lies in it.
    """
    settings = settings or MaximizerSettings()
    search = _Search(acq, domain, dict(fixed or {}), feasible, settings, rng)
    return search.run(_points(seeds, domain.d), _points(pool, domain.d))


def _points(X: ArrayLike | None, d: int) -> Array:
    return np.empty((0, d)) if X is None else np.array(X, dtype=float).reshape(-1, d)


class _Search:
    """One maximization: its problem, and a count of evaluations."""

    def __init__(
        self,
        acq: Acquisition,
        domain: Domain,
        fixed: dict[int, float],
        feasible: Callable[[Array], Mask] | None,
        settings: MaximizerSettings,
        rng: np.random.Generator,
    ) -> None:
        self.acq, self.domain, self.fixed, self.feasible, self.settings, self.rng = acq, domain, fixed, feasible, settings, rng
        self.low, self.high = domain.bounds
        self.width = self.high - self.low
        self.box = not domain.constraints and not domain.columns.tree and all(_plain(shape) for shape in domain.shapes)
        self.evaluations = 0

    def run(self, seeds: Array, pool: Array) -> Maximum:
        X = self._screened(seeds, pool)
        values = self.value(X)
        top = best_apart(X, values, self.settings.starts, self.width)
        if not len(top):
            raise ArithmeticError(f"none of {len(X)} points has a finite score")
        starts, values = X[top], values[top]
        where = "box" if self.box else "constrained or mixed"
        if isinstance(self.acq, Climbable):
            optima, values = self._climb(starts)
            path = f"{where}: {len(X):,} screened, {len(starts)} climbed"
        else:
            optima, values = self._wander(starts, values)
            path = f"{where}: {len(X):,} screened, local search around {len(starts)}, since the score has no gradient"
        order = np.argsort(-values, kind="stable")
        optima, values = optima[order], values[order]
        return Maximum(optima[0], float(values[0]), path, self.evaluations, starts, optima, values)

    # -- points ------------------------------------------------------------------------------------------------------------------

    def _screened(self, seeds: Array, pool: Array) -> Array:
        """Seeds, the pool, and points of our own over the domain and around the seeds, those that may be chosen."""
        n = self.settings.screened
        n_near = int(self.settings.near * n) if len(seeds) else 0
        near = np.clip(perturb(self._hold(seeds), n_near, self.width, self.rng), self.low, self.high)
        if self.box:
            wide = self.low + self.width * latin_hypercube(n - n_near, self.domain.d, self.rng)
        else:
            wide = self.domain.sample(n - n_near, self.rng) if n > n_near else np.empty((0, self.domain.d))
        X = np.vstack([seeds, pool, self._hold(near), self._hold(wide)])
        return X[self.allowed(X)]

    def _hold(self, X: Array) -> Array:
        """The points with the fixed values in them, and levels where columns have them."""
        if self.domain.columns.discrete:
            X = self.domain.columns.snap(X)
        for i, value in self.fixed.items():
            X[:, i] = value
        return X

    def allowed(self, X: Array) -> Mask:
        """Which points may be chosen."""
        mask = np.ones(len(X), dtype=bool) if self.box else self.domain.contains(X)
        for i, value in self.fixed.items():
            mask &= X[:, i] == value
        return mask if self.feasible is None else mask & self.feasible(X)

    def value(self, X: Array) -> Array:
        """Scores of points, minus infinity where there is none."""
        self.evaluations += len(X)
        size = self.settings.chunk
        parts = [np.asarray(self.acq.value(X[i : i + size]), dtype=float) for i in range(0, len(X), size)]
        values = np.concatenate(parts) if parts else np.empty(0)
        return np.where(np.isfinite(values), values, -np.inf)

    # -- local search ------------------------------------------------------------------------------------------------------------

    def _climb(self, X: Array) -> tuple[Array, Array]:
        low, high = self._moving(X)
        scale = np.where(self.width > 0, self.width, 1.0)
        acq, lenient = cast("Climbable", self.acq), self.box and self.feasible is None

        def objective(U: Array, rows: NDArray[np.int_]) -> tuple[Array, Array]:
            P = np.minimum(np.maximum(U * scale, low[rows]), high[rows])
            values, gradients = acq.value_and_gradient(P)
            if not lenient:
                values = np.where(self.allowed(P), values, -np.inf)
            return values, gradients * scale

        climbed = climb(objective, X / scale, low / scale, high / scale, self.settings.climb)
        self.evaluations += climbed.evaluations
        return np.clip(climbed.X * scale, low, high), climbed.values

    def _moving(self, X: Array) -> tuple[Array, Array]:
        """Bounds for each row within which the active continuous columns move, all others held."""
        moves = self.domain.columns.active(X)
        moves[:, [*self.domain.columns.discrete, *self.fixed]] = False
        for shape in self.domain.shapes:
            if not isinstance(shape, Box):
                moves[:, shape.columns] = False
        return np.where(moves, self.low, X), np.where(moves, self.high, X)

    def _wander(self, X: Array, values: Array) -> tuple[Array, Array]:
        """Perturb each point, move to the best, again and again, ever closer."""
        for _ in range(self.settings.perturbations):
            near = perturb(X, 20 * len(X), self.width, self.rng)
            owner = np.arange(len(near)) % len(X)
            low, high = self._moving(X)
            near = np.clip(near, low[owner], high[owner])
            scores = np.where(self.allowed(near), self.value(near), -np.inf)
            for k in range(len(X)):
                mine = np.flatnonzero(owner == k)
                best = mine[np.argmax(scores[mine])]
                if scores[best] > values[k]:
                    X[k], values[k] = near[best], scores[best]
        return X, values


def _plain(shape: object) -> bool:
    return isinstance(shape, Box) and not any(shape.levels)
