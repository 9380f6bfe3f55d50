"""Mixtures: shares that add up to a total, with few of them non-zero, none too small, or on a grid."""

from __future__ import annotations

import bisect
import math
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from itertools import accumulate

import numpy as np

from acquisitions.domain.shape import TOLERANCE, Array, Mask


@dataclass(frozen=True)
class Simplex:
    """Points with ``x >= 0`` and ``sum(x) == total``.

    Args:
        columns: Indices of the columns.
        total: What the shares add up to.
        max_nonzero: At most so many shares are not zero.
        min_share: A share is zero or at least this much (in the unit of `total`).
        step: Shares are whole multiples of this (in the unit of `total`).
    """

    columns: tuple[int, ...]
    total: float = 1.0
    max_nonzero: int | None = None
    min_share: float = 0.0
    step: float | None = None

    @property
    def k(self) -> int:
        """Number of shares."""
        return len(self.columns)

    @cached_property
    def units(self) -> int:
        """Number of steps in the total; 0 without a step."""
        return 0 if self.step is None else round(self.total / self.step)

    @cached_property
    def least_units(self) -> int:
        """Steps in the smallest non-zero share."""
        return 1 if self.step is None else max(1, math.ceil(self.min_share / self.step - 1e-9))

    @cached_property
    def support(self) -> int:
        """Largest possible number of non-zero shares."""
        most = self.k if self.max_nonzero is None else min(self.k, self.max_nonzero)
        if self.step is not None:
            return min(most, self.units // self.least_units)
        return min(most, math.floor(self.total / self.min_share * (1 + TOLERANCE))) if self.min_share > 0 else most

    @property
    def draws(self) -> int:
        """How many uniform numbers one point of `from_uniform` takes."""
        if self.step is not None:
            return 2 * self.k + 1
        return self.k if self.support == self.k else 2 * self.k

    def level(self, unit: int) -> float:
        """The share of so many steps, computed in decimal."""
        return self.total if unit == self.units else float(unit * Decimal(repr(self.step)))

    def contains(self, P: Array) -> Mask:
        """Which points lie in the set."""
        slack = TOLERANCE * self.total
        inside: Mask = np.all(P + slack >= 0, axis=1) & (np.abs(P.sum(axis=1) - self.total) <= slack * self.k)
        inside &= np.all((np.abs(P) <= slack) | (self.min_share - slack <= P), axis=1)
        if self.max_nonzero is not None:
            inside &= np.sum(np.abs(P) > slack, axis=1) <= self.max_nonzero
        if self.step is not None:
            inside &= np.all(np.abs(P / self.step - np.rint(P / self.step)) <= 1e-6, axis=1)
        return inside

    def sample(self, n: int, rng: np.random.Generator) -> Array:
        """Independent uniform points."""
        return self.from_uniform(rng.random((n, self.draws)))

    def from_uniform(self, U: Array) -> Array:
        """Points that are uniform when U (`n x draws`) is: over all points with a step, else over the largest supports."""
        if self.step is not None:
            return np.array([self._grid_point(u) for u in U]).reshape(len(U), self.k)
        if self.support == self.k:
            spread, chosen = U, np.ones(U.shape, dtype=bool)
        else:
            spread, order = U[:, : self.k], np.argsort(U[:, self.k :], axis=1)
            chosen = np.zeros(spread.shape, dtype=bool)
            np.put_along_axis(chosen, order[:, : self.support], values=True, axis=1)
        gaps = np.where(chosen, -np.log1p(-np.minimum(spread, 1 - 2.0**-53)) + 1e-300, 0.0)  # exponentials: Devroye 1986, chapter V.2
        free = max(self.total - self.support * self.min_share, 0.0)
        return self._rescale(np.where(chosen, self.min_share, 0.0) + free * gaps / gaps.sum(axis=1, keepdims=True))

    def _grid_point(self, u: Array) -> Array:
        """A uniform composition: the number of parts, which parts, then one part after another from its conditional law."""
        sizes = list(range(1, self.support + 1))
        weights = [math.comb(self.k, s) * self._compositions(s) for s in sizes]
        s = sizes[bisect.bisect_right(list(accumulate(weights))[:-1], u[0] * sum(weights))]
        parts = np.argsort(u[1 : self.k + 1])[:s]
        left = self.units - s * self.least_units
        x = np.zeros(self.k)
        for j, (part, v) in enumerate(zip(parts, u[self.k + 1 :], strict=False)):
            extra = left if j == s - 1 else _first_part(left, s - j, v)
            left -= extra
            x[part] = self.level(self.least_units + extra)
        return x

    def _compositions(self, parts: int) -> int:
        spare = self.units - parts * self.least_units
        return math.comb(spare + parts - 1, parts - 1) if spare >= 0 else 0

    @property
    def cardinality(self) -> int | None:
        """Number of points, None when infinite."""
        if self.step is not None:
            return sum(math.comb(self.k, s) * self._compositions(s) for s in range(1, self.support + 1))
        return self.k if self.support == 1 else None

    def project(self, P: Array) -> Array:
        """The nearest points of the set. For a given number of non-zero shares, the largest entries are the ones to keep."""
        order = np.argsort(-P, axis=1, kind="stable")
        ranked = np.take_along_axis(P, order, axis=1)
        sizes = range(1, self.support + 1) if self.min_share > 0 or self.step is not None else (self.support,)
        best, distance = np.zeros_like(ranked), np.full(len(P), np.inf)
        for s in sizes:
            head = np.zeros_like(ranked)
            if self.step is None:
                head[:, :s] = self.min_share + onto_simplex(ranked[:, :s] - self.min_share, max(self.total - s * self.min_share, 0.0))
            else:
                head[:, :s] = [self._round(row) for row in ranked[:, :s]]
            gap = np.sum((head - ranked) ** 2, axis=1)
            better = gap < distance
            best[better], distance[better] = head[better], gap[better]
        result = np.empty_like(best)
        np.put_along_axis(result, order, best, axis=1)
        return result if self.step is not None else self._rescale(result)

    def _round(self, row: Array) -> list[float]:
        """The nearest grid point with all entries non-zero: greedy increments are optimal for a separable convex cost."""
        scaled = row * (self.units / self.total)
        relaxed = self.least_units + onto_simplex((scaled - self.least_units)[None, :], self.units - len(row) * self.least_units)[0]
        units = np.maximum(np.floor(relaxed) - 1, self.least_units)
        while units.sum() < self.units:
            units[np.argmin(units - scaled)] += 1
        return [self.level(int(unit)) for unit in units]

    def lmo(self, G: Array) -> Array:
        """A minimizer of ``<g, x>`` for each row g: all on one share, which every restriction allows."""
        P = np.zeros_like(G)
        P[np.arange(len(G)), np.argmin(G, axis=1)] = self.total
        return P

    def _rescale(self, P: Array) -> Array:
        return np.asarray(np.minimum(P * (self.total / P.sum(axis=1, keepdims=True)), self.total))


def onto_simplex(P: Array, total: float) -> Array:
    """Projection of rows onto ``x >= 0, sum(x) == total`` by sorting (Held, Wolfe, Crowder 1974)."""
    ranked = -np.sort(-P, axis=1)
    excess = (np.cumsum(ranked, axis=1) - total) / np.arange(1, P.shape[1] + 1)
    last = np.maximum(np.sum(ranked > excess, axis=1) - 1, 0)
    return np.asarray(np.maximum(P - excess[np.arange(len(P)), last][:, None], 0.0))


def _first_part(units: int, parts: int, v: float) -> int:
    """The first of `parts` non-negative integers that add up to `units`, by inversion at v in [0, 1) of its law under uniformity."""
    total = math.comb(units + parts - 1, parts - 1)
    return bisect.bisect_right(range(units), v, key=lambda x: 1.0 - math.comb(units - x - 1 + parts - 1, parts - 1) / total)
