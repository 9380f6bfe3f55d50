"""Polytopes: linear constraints inside a box, thin ones and equalities included."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from acquisitions.domain.errors import EmptyDomain
from acquisitions.domain.shape import TOLERANCE, Array, Mask

_LEAST_SLACK = 1e-100  # whose inverse can be squared
_FLAT = 1e-9  # a polytope thinner than this (in units of its box) along some direction is flat there


@dataclass(frozen=True, eq=False)
class Polytope:
    """``{x : A x <= b, E x == e, low <= x <= high}``.

    Args:
        columns: Indices of the columns.
        A: Inequalities, `m x k`.
        b: Their right-hand sides.
        E: Equalities, `p x k`.
        e: Their right-hand sides.
        low: Finite lower bounds.
        high: Finite upper bounds.
    """

    columns: tuple[int, ...]
    A: Array
    b: Array
    E: Array
    e: Array
    low: Array
    high: Array

    def contains(self, P: Array) -> Mask:
        """Which points lie in the set, up to rounding at the scale of each constraint."""
        size = np.maximum(np.abs(self.low), np.abs(self.high))
        slack = TOLERANCE * (np.abs(self.A) @ size + np.abs(self.b))
        inside: Mask = np.all(P @ self.A.T - self.b <= slack, axis=1)
        inside &= np.all(np.abs(P @ self.E.T - self.e) <= TOLERANCE * (np.abs(self.E) @ size + np.abs(self.e)), axis=1)
        edge = TOLERANCE * (self.high - self.low)
        inside &= np.all((self.low - edge <= P) & (self.high + edge >= P), axis=1)
        return inside

    def sample(self, n: int, rng: np.random.Generator) -> Array:
        """Independent, nearly uniform points, each the end of a hit-and-run walk (Smith 1984) from the analytic centre.

        Directions are drawn from the inverse Hessian of the logarithmic barrier at the centre, so that thin sets mix as well as
        round ones.

        Raises:
            EmptyDomain: There is no point.
        """
        frame = self._frame
        V = np.zeros((n, frame.rank))
        for _ in range(20 + 4 * frame.rank if frame.rank else 0):
            D = rng.standard_normal(V.shape)
            room = frame.h - V @ frame.G.T
            speed = D @ frame.G.T
            with np.errstate(divide="ignore", invalid="ignore"):
                reach = room / speed
            far = np.min(np.where(speed > 0, reach, np.inf), axis=1)
            near = np.max(np.where(speed < 0, reach, -np.inf), axis=1)
            t = near + (far - near) * (1e-9 + (1 - 2e-9) * rng.random(n))  # never on the boundary
            V += t[:, None] * D
        return self.to_native(frame.centre + V @ frame.basis.T)

    def project(self, P: Array) -> Array:
        """The nearest points of the set, by least-distance programming (Lawson and Hanson 1974, chapter 23).

        Raises:
            EmptyDomain: There is no point.
        """
        from scipy.optimize import nnls

        frame = self._frame
        centre = self.to_native(frame.centre[None, :])[0]
        basis = frame.hull * self._width[:, None]
        if frame.rank == 0:
            return np.repeat(centre[None, :], len(P), axis=0)
        Q = np.linalg.qr(basis).Q
        A = np.vstack([self.A, np.eye(len(self.low)), -np.eye(len(self.low))])
        room = np.concatenate([self.b, self.high, -self.low]) - A @ centre
        G = A @ Q
        size = np.linalg.norm(G, axis=1)
        keep = size > _FLAT * np.linalg.norm(A, axis=1).clip(min=1e-300)
        G, h = G[keep] / size[keep, None], np.maximum(room[keep], 0.0) / size[keep]
        result = np.empty_like(P)
        for i, w in enumerate((P - centre) @ Q):
            if np.all(G @ w <= h):
                step = w
            else:
                scale = max(float(np.max(G @ w - h)), 1e-300)
                system = np.vstack([-G.T, (G @ w - h) / scale])
                target = np.concatenate([np.zeros(len(w)), [1.0]])
                dual, _ = nnls(system, target, maxiter=50 * system.shape[1])
                binding = dual > 1e-12 * dual.max()
                step, inverse = w, np.linalg.pinv(G[binding])
                for _ in range(3):  # the second and third refine what rounding left
                    step = step - inverse @ (G[binding] @ step - h[binding])
            result[i] = centre + Q @ step
        return np.clip(result, self.low, self.high)

    def lmo(self, G: Array) -> Array:
        """A vertex that minimizes ``<g, x>`` for each row g.

        Raises:
            EmptyDomain: There is no point.
        """
        bounds = np.column_stack([self.low, self.high])
        return np.array([_solve(g, self.A, self.b, self.E, self.e, bounds) for g in G]).reshape(G.shape)

    def to_native(self, Y: Array) -> Array:
        """Points of the unit box as points of the box."""
        return np.clip(self.low + Y * self._width, self.low, self.high)

    @property
    def centre(self) -> Array:
        """Its analytic centre."""
        return self.to_native(self._frame.centre)

    @property
    def span(self) -> Array:
        """An orthonormal basis of the directions within the set, `k x rank`."""
        return np.asarray(np.linalg.qr(self._frame.hull * self._width[:, None]).Q)

    @property
    def _width(self) -> Array:
        return self.high - self.low

    @cached_property
    def _frame(self) -> _Frame:
        return _make_frame(self)


@dataclass(frozen=True, eq=False)
class _Frame:
    """The set seen from its centre: unit-box points are ``centre + basis @ v`` with ``G v <= h``; `hull` spans the affine hull."""

    centre: Array
    hull: Array
    basis: Array
    G: Array
    h: Array

    @property
    def rank(self) -> int:
        return int(self.basis.shape[1])


def _make_frame(p: Polytope) -> _Frame:
    k = len(p.low)
    width = p.high - p.low
    A, b = _normalise(p.A * width, p.b - p.A @ p.low)
    E, e = _normalise(p.E * width, p.e - p.E @ p.low)
    stuck = np.eye(k)[width == 0]  # columns without width stand still
    E, e = np.vstack([E, stuck]), np.concatenate([e, np.zeros(len(stuck))])
    free = np.eye(k)[width > 0]
    A, b = np.vstack([A, free, -free]), np.concatenate([b, np.ones(len(free)), np.zeros(len(free))])
    start, radius = _ball(A, b, E, e, np.ones(len(b)))
    if radius <= _FLAT:
        tight = _tight_rows(A, b, E, e)
        E, e = np.vstack([E, A[tight]]), np.concatenate([e, b[tight]])
        A, b = A[~tight], b[~tight]
    hull, start = _affine_hull(E, e, start)
    if hull.shape[1] == 0:
        return _Frame(start, hull, hull, np.empty((0, 0)), np.empty(0))
    G, h = A @ hull, b - A @ start
    size = np.linalg.norm(G, axis=1)
    G, h = G[size > _FLAT], h[size > _FLAT]
    nothing = np.empty((0, hull.shape[1]))
    w, _ = _ball(G, h, nothing, np.empty(0), np.linalg.norm(G, axis=1), free=True)
    w, factor = _analytic_centre(G, h, w)
    basis = np.asarray(np.linalg.solve(factor, hull.T).T)  # hull @ factor^-T
    return _Frame(start + hull @ w, hull, basis, np.linalg.solve(factor, G.T).T, h - G @ w)


def _normalise(A: Array, b: Array) -> tuple[Array, Array]:
    size = np.linalg.norm(A, axis=1)
    size[size == 0] = 1.0
    return A / size[:, None], b / size


def _ball(A: Array, b: Array, E: Array, e: Array, norms: Array, *, free: bool = False) -> tuple[Array, float]:
    """Chebyshev centre and radius: the largest ball inside ``A x <= b`` with its centre on ``E x == e``."""
    k = A.shape[1]
    bounds = np.array([(-np.inf, np.inf) if free else (-1e-12, 1 + 1e-12)] * k + [(0.0, 1.0)])
    gain = np.concatenate([np.zeros(k), [-1.0]])
    x = _solve(gain, np.column_stack([A, norms]), b, np.column_stack([E, np.zeros(len(E))]), e, bounds)
    return x[:k], float(x[k])


def _tight_rows(A: Array, b: Array, E: Array, e: Array) -> Mask:
    """Rows that hold with equality all over the set: a row is loose when some point leaves it room."""
    m, k = A.shape
    tight = np.ones(m, dtype=bool)
    while tight.any():
        bounds = np.array([(-1e-12, 1 + 1e-12)] * k + [(0.0, 1e-3)] * m)
        gain = np.concatenate([np.zeros(k), -tight.astype(float)])
        x = _solve(gain, np.hstack([A, np.eye(m)]), b, np.hstack([E, np.zeros((len(E), m))]), e, bounds)
        loose = tight & (x[k:] > _FLAT)
        if not loose.any():
            break
        tight &= ~loose
    return tight


def _affine_hull(E: Array, e: Array, start: Array) -> tuple[Array, Array]:
    """An orthonormal basis of the directions along ``E x == e``, and the point nearest to `start` on it."""
    if len(E) == 0:
        return np.eye(len(start)), start
    U, s, Vt = np.linalg.svd(E)
    rank = int(np.sum(s > 1e-10 * max(s[0], 1.0)))
    start = start - Vt[:rank].T @ ((U[:, :rank].T @ (E @ start - e)) / s[:rank])
    return Vt[rank:].T, start


def _analytic_centre(G: Array, h: Array, w: Array) -> tuple[Array, Array]:
    """Minimize ``-sum(log(h - G w))`` by damped Newton steps from an interior point; with the Cholesky factor of its Hessian."""
    for _ in range(100):
        inverse = 1.0 / np.maximum(h - G @ w, _LEAST_SLACK)
        factor = np.linalg.cholesky((G * inverse[:, None] ** 2).T @ G)
        step = -np.linalg.solve(factor.T, np.linalg.solve(factor, G.T @ inverse))
        decrement = float(np.linalg.norm(factor.T @ step))
        w = w + step / (1.0 + decrement) if decrement > 0.25 else w + step
        if decrement < 1e-6:
            break
    inverse = 1.0 / np.maximum(h - G @ w, _LEAST_SLACK)
    return w, np.asarray(np.linalg.cholesky((G * inverse[:, None] ** 2).T @ G))


def _solve(cost: Array, A: Array, b: Array, E: Array, e: Array, bounds: Array) -> Array:
    """A minimizer of a linear program by HiGHS.

    Raises:
        EmptyDomain: It is infeasible.
    """
    from scipy.optimize import linprog

    found: Any = linprog(
        cost, A_ub=A if len(A) else None, b_ub=b if len(A) else None, A_eq=E if len(E) else None, b_eq=e if len(E) else None, bounds=bounds
    )
    if found.x is None:
        raise EmptyDomain(f"no point satisfies the linear constraints ({found.message})")
    return np.asarray(found.x)
