"""A domain as the maximizer sees it: which points may be chosen, how to draw them, and within what each may be moved."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from acquisitions.domain import Box, Domain, Linear, Opaque, Simplex, UnsupportedDomain
from acquisitions.maximizer.augmented_lagrangian import Smooth
from acquisitions.maximizer.polyhedron import Polyhedron, convex, room
from acquisitions.maximizer.screening import latin_hypercube, perturb

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

_FEW = 32  # uniform points of a polytope that tell its middle and its widths
_ACCEPTED = 0.25  # of the points of a box that keep the constraints; with fewer, the domain's own sampler draws


class Region:
    """A domain, with columns that stand still and points that may not be chosen.

    Args:
        domain: Where to search.
        fixed: Values of columns that stand still.
        feasible: Which points (`m x d`) may be chosen, beside the domain's own constraints.
        smooth: Nonlinear constraints, beside those of the domain whose excess is known.
    """

    def __init__(
        self, domain: Domain, fixed: Mapping[int, float], feasible: Callable[[Array], Mask] | None = None, smooth: Smooth | None = None
    ) -> None:
        self.smooth = _together(domain, smooth)
        self.domain, self.fixed, self.feasible = domain, dict(fixed), feasible
        self.low, self.high = domain.bounds
        self.width = self.high - self.low
        self.scale = np.where(self.width > 0, self.width, 1.0)

    @cached_property
    def box(self) -> bool:
        """Whether the bounds are all there is."""
        plain = all(isinstance(shape, Box) and not any(shape.levels) for shape in self.domain.shapes)
        return plain and not self.domain.constraints and not self.domain.columns.tree

    @cached_property
    def convex(self) -> bool:
        """Whether bounds and linear rows are all there is."""
        return convex(self.domain)

    @cached_property
    def exact(self) -> bool:
        """Whether points within the bounds of `moving`, the polyhedron and the smooth constraints are all allowed."""
        unknown = any(isinstance(constraint, Opaque) and constraint.excess is None for constraint in self.domain.constraints)
        return not unknown and self.feasible is None

    @cached_property
    def polyhedron(self) -> Polyhedron:
        """The linear constraints on points divided by `scale`."""
        return Polyhedron.of(self.domain, self.scale)

    @property
    def kind(self) -> str:
        """What it is called in a path."""
        if self.smooth is not None:
            return "smooth constraints"
        if self.box:
            return "box"
        if self.domain.columns.tree:
            return "tree"
        return "linear constraints" if self.convex else "opaque constraints" if not self.mixed else "mixed"

    @cached_property
    def mixed(self) -> bool:
        """Whether some entries move in steps."""
        return bool(self.domain.columns.discrete) or any(stepped(shape) for shape in self.domain.shapes)

    def allowed(self, X: Array) -> Mask:
        """Which points may be chosen."""
        if not len(X):
            return np.ones(0, dtype=bool)
        mask = np.ones(len(X), dtype=bool) if self.box else self.domain.contains(X)
        for i, value in self.fixed.items():
            mask &= X[:, i] == value
        for check in (self.smooth.holds if self.smooth else None, self.feasible):
            if check is not None:
                mask &= check(X)
        return mask

    def moving(self, X: Array) -> tuple[Array, Array]:
        """Bounds for each row (`b x d` twice) within which its active continuous entries may move while all others are held.

        Held are also zero shares of a mixture that allows only few, and whatever decides on the activity of others.
        """
        columns = self.domain.columns
        moves = columns.active(X)
        moves[:, [*columns.discrete, *self.fixed]] = False
        moves[:, [j for column in columns if column.parent is not None for j in column.parent.columns]] = False
        unlisted = list(self.domain.columns.unlisted)
        moves[:, unlisted] &= X[:, unlisted] != self._middle[unlisted]  # inactive, for all that is known
        low, high = np.where(moves, self.low, X), np.where(moves, self.high, X)
        for shape in self.domain.shapes:
            if isinstance(shape, Simplex) and stepped(shape):
                part = np.ix_(np.arange(len(X)), np.asarray(shape.columns))
                share = X[part]
                held = (share <= 0) | (shape.step is not None) | ~moves[part]
                low[part] = np.where(held, share, np.minimum(shape.min_share, share))
                high[part] = np.where(held, share, shape.total)
        return low, high

    def wide(self, n: int, rng: np.random.Generator) -> Array:
        """About n points all over the region.

        Raises:
            UnsupportedDomain: The domain cannot be sampled.
        """
        if n <= 0:
            return np.empty((0, self.domain.d))
        if self.convex and not self.polyhedron.equal.any():
            X = self.with_fixed(self.low + self.width * latin_hypercube(n, self.domain.d, rng))
            kept = X[self.allowed(X)]
            if len(kept) >= _ACCEPTED * n or not len(self.polyhedron):
                return kept
        linear = any(isinstance(constraint, Linear) for constraint in self.domain.constraints)
        X = self.with_fixed(self._spread(n, rng) if self.convex and linear else self.domain.sample(n, rng))
        return X[self.allowed(X)]

    def _spread(self, n: int, rng: np.random.Generator) -> Array:
        """Points of a polytope on random rays from its middle, which cost far less than uniform ones.

        The rays' directions are combinations of a few uniform points, so that they suit thin and flat polytopes too.
        """
        few = self.domain.sample(max(_FEW, 2 * self.domain.d), rng) / self.scale
        low, high, middle = self.low / self.scale, self.high / self.scale, few.mean(axis=0)
        P = rng.standard_normal((n, len(few))) @ (few - middle)
        free = self.domain.d - int(self.polyhedron.equal.sum())
        reach = room(np.broadcast_to(middle, P.shape), P, low, high, self.polyhedron) * rng.random(n) ** (1 / max(free, 1))
        reach = np.where(np.isfinite(reach), reach, 0.0)
        X: Array = np.clip(middle + reach[:, None] * P, low, high) * self.scale
        return X

    def near(self, seeds: Array, n: int, rng: np.random.Generator) -> Array:
        """About n points around the seeds, which are allowed themselves."""
        if not len(seeds) or n <= 0:
            return np.empty((0, self.domain.d))
        base = seeds[np.arange(n) % len(seeds)]
        low, high = self.moving(base)
        X = np.clip(perturb(seeds, n, self.width, rng), low, high)
        if len(self.polyhedron):
            X = base + self.scale * self._kept((X - base) / self.scale, base, low, high)
            X = np.clip(X, low, high)
        if self.mixed or self.domain.columns.tree:
            X = self.mutate(X, rng)
        return X[self.allowed(X)]

    def _kept(self, P: Array, base: Array, low: Array, high: Array) -> Array:
        """Moves P (in units of the scale) bent to keep the equalities, turned back where an inequality is tight, and cut short."""
        C, equal = self.polyhedron.C, self.polyhedron.equal
        x, low, high = base / self.scale, low / self.scale, high / self.scale
        E = C[equal]
        if len(E):
            free = (low < high) & ~((x <= low) & (P < 0)) & ~((x >= high) & (P > 0))
            for _ in range(3):
                bent = E[None] * free[:, None]
                gram = bent @ E.T + 1e-12 * np.eye(len(E))
                moved = P * free
                P = moved - (bent.mT @ np.linalg.solve(gram, (moved @ E.T)[..., None]))[..., 0]
                free = free & ~((x <= low) & (P < 0)) & ~((x >= high) & (P > 0))  # else cut to nothing below
        slack = self.polyhedron.c - x @ C.T
        against: Mask = np.any((slack <= 1e-9) & (P @ C.T > 0) & ~equal, axis=1)
        P = np.where(against[:, None], -P, P)
        return np.asarray(P * np.minimum(room(x, P, low, high, self.polyhedron), 1.0)[:, None])

    def mutate(self, X: Array, rng: np.random.Generator) -> Array:
        """The points with about one stepped column in three moved to another level, at least one, and their trees put in order."""
        columns, before = self.domain.columns, X
        X = X.copy()
        movable = [i for i in columns.discrete if i not in self.fixed]
        if movable:
            turned = rng.random((len(X), len(movable))) < min(0.3, 3 / len(movable))
            turned[np.arange(len(X)), rng.integers(len(movable), size=len(X))] = True
            for j, i in enumerate(movable):
                levels = np.asarray(columns[i].levels)
                rows = np.flatnonzero(turned[:, j])
                here = np.abs(levels - X[rows, i][:, None]).argmin(axis=1)
                step = rng.integers(1, 1 + max(1, len(levels) // 4), size=len(rows)) * rng.choice([-1, 1], size=len(rows))
                other = rng.integers(len(levels), size=len(rows))
                there = other if columns[i].kind == "categorical" else np.clip(here + step, 0, len(levels) - 1)
                X[rows, i] = np.where(columns.active(X)[rows, i], levels[there], X[rows, i])
        return self.in_order(X, before, rng)

    def in_order(self, X: Array, before: Array, rng: np.random.Generator) -> Array:
        """The points with inactive entries in the middle, and entries active now but not `before` drawn anew."""
        columns = self.domain.columns
        if not columns.tree:
            return X
        woken = columns.active(X) & ~columns.active(before)
        if woken.any():
            rows = woken.any(axis=1)
            try:
                drawn = self.domain.sample(int(rows.sum()), rng)
            except UnsupportedDomain:  # what cannot be drawn as a whole is drawn entry by entry, and checked later
                drawn = columns.snap(self.low + self.width * rng.random((int(rows.sum()), len(columns))))
            drawn = np.where(drawn == self._middle, self._uniform(len(drawn), rng), drawn)  # inactive in the point drawn
            X[rows] = np.where(woken[rows], drawn, X[rows])
        return np.where(columns.active(X), X, self._middle)

    @property
    def _middle(self) -> Array:
        return np.asarray(self.domain.bounds.mean(axis=0))

    def _uniform(self, n: int, rng: np.random.Generator) -> Array:
        X = np.empty((n, self.domain.d))
        for shape in self.domain.shapes:
            X[:, shape.columns] = shape.sample(n, rng)
        return X

    def with_fixed(self, X: Array) -> Array:
        """The points with the values of the columns that stand still."""
        if self.fixed:
            X = X.copy()
            X[:, list(self.fixed)] = list(self.fixed.values())
            X = np.where(self.domain.columns.active(X), X, self._middle) if self.domain.columns.tree else X
            X[:, list(self.fixed)] = list(self.fixed.values())
        return X


def stepped(shape: object) -> bool:
    """Whether a shape is a mixture with more restrictions than its sum, so that which shares are zero is a discrete choice."""
    return isinstance(shape, Simplex) and (shape.step is not None or shape.support < shape.k or shape.min_share > 0)


def _together(domain: Domain, smooth: Smooth | None) -> Smooth | None:
    """The smooth constraints of a domain and others beside them."""
    known = [constraint.excess for constraint in domain.constraints if isinstance(constraint, Opaque) and constraint.excess is not None]
    if not known:
        return smooth

    def g(X: Array) -> Array:
        found = np.column_stack([excess(X) for excess in known])
        return found if smooth is None else np.hstack([found, smooth.g(X)])

    return Smooth(g)
