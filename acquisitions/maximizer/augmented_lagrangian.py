"""Smooth nonlinear constraints: a few climbs of an augmented Lagrangian, all rows together, then back to the feasible side."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from acquisitions.maximizer.lbfgs import Climbed, ClimbSettings, Objective, climb
from acquisitions.maximizer.polyhedron import Polyhedron

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Rows = NDArray[np.int_]

_OUTER = 10  # climbs, at most
_GROWTH = 10.0  # of the penalty where a climb has not brought a violation down to a quarter (Nocedal and Wright 2006, section 17.4)
_VIOLATION = 1e-7  # in lengths; what is left is removed by `_restored`
_INSIDE = 1e-10  # how far inside restored points lie, in lengths
_DIFFERENCE = 1e-6  # step of forward differences


@dataclass(frozen=True, eq=False)
class Smooth:
    """Constraints ``g(x) <= 0`` with g smooth.

    Args:
        g: Maps points (`m x d`) to values (`m x k`).
        jacobian: Maps points to derivatives (`m x k x d`); differences where None.
    """

    g: Callable[[Array], Array]
    jacobian: Callable[[Array], Array] | None = None

    def holds(self, X: Array) -> Mask:
        """Where all of them hold."""
        mask: Mask = np.all(np.asarray(self.g(X)) <= 0, axis=1)
        return mask

    def slopes(self, X: Array, values: Array) -> Array:
        """Derivatives at X, where the constraints have the given values."""
        if self.jacobian is not None:
            return np.asarray(self.jacobian(X), dtype=float)
        m, d = X.shape
        step = _DIFFERENCE * np.maximum(np.abs(X), 1.0)
        moved = X[:, None] + step[:, :, None] * np.eye(d)
        ahead = np.asarray(self.g(moved.reshape(m * d, d)), dtype=float).reshape(m, d, -1)
        return np.asarray(((ahead - values[:, None]) / step[..., None]).mT)

    def scaled(self, scale: Array) -> Smooth:
        """The same for points divided by `scale` (shape ``d``)."""
        jacobian = self.jacobian
        return Smooth(lambda U: self.g(U * scale), None if jacobian is None else lambda U: jacobian(U * scale) * scale)


def climb_smooth(
    objective: Objective, X: Array, low: Array, high: Array, smooth: Smooth, settings: ClimbSettings, polyhedron: Polyhedron
) -> Climbed:
    """`climb` under smooth constraints beside the others (Nocedal and Wright 2006, algorithm 17.4, for inequalities).

    Points evaluated on the way may break them; what is returned keeps them when the starts do.

    Args:
        objective: What to climb.
        X: Starts that keep all constraints, `b x d`.
        low: Lower bounds, `b x d`.
        high: Upper bounds.
        smooth: The smooth constraints.
        settings: Tolerances and budget, of all climbs together.
        polyhedron: The linear constraints.
    """
    values, gradient = objective(X, np.arange(len(X)))
    g = np.asarray(smooth.g(X), dtype=float)
    size = np.maximum(np.linalg.norm(smooth.slopes(X, g), axis=2), 1e-12)  # constraints in lengths from here on
    penalty = np.maximum(np.linalg.norm(gradient, axis=1), 1.0)[:, None] * 100.0 * np.ones_like(g)
    multipliers, violation = np.zeros_like(g), np.full_like(g, np.inf)
    x, evaluations, rounds, dropped = X.copy(), len(X), 1, 0

    turn = np.arange(len(X))  # the rows that are not done yet

    def lagrangian(U: Array, rows: Rows) -> tuple[Array, Array]:
        rows = turn[rows]
        value, slope = objective(U, rows)
        g = np.asarray(smooth.g(U), dtype=float)
        pressed = np.maximum(g / size[rows] + multipliers[rows] / penalty[rows], 0.0)
        if pressed.any():
            slope = slope - ((penalty[rows] * pressed / size[rows])[:, None] @ smooth.slopes(U, g))[:, 0]
        return value - 0.5 * np.sum(penalty[rows] * pressed**2, axis=1), slope

    for _ in range(_OUTER):
        left = replace(settings, evaluations=settings.evaluations - evaluations, lag=np.inf)
        climbed = climb(lagrangian, x[turn], low[turn], high[turn], left, polyhedron)
        x[turn], evaluations, rounds = climbed.X, evaluations + climbed.evaluations, rounds + climbed.rounds
        g = np.asarray(smooth.g(x[turn]), dtype=float) / size[turn]
        shortfall = np.abs(np.maximum(g, -multipliers[turn] / penalty[turn]))  # violation, or a multiplier that should not be
        multipliers[turn] = np.maximum(multipliers[turn] + penalty[turn] * g, 0.0)
        penalty[turn] = np.where(shortfall > 0.25 * violation[turn], _GROWTH * penalty[turn], penalty[turn])
        violation[turn] = shortfall
        turn = turn[shortfall.max(axis=1, initial=0.0) > _VIOLATION]
        if not len(turn) or evaluations >= settings.evaluations:
            break
    x = _restored(x, X, low, high, smooth, polyhedron)
    ends, _ = objective(x, np.arange(len(x)))
    worse = ~(ends >= values)
    return Climbed(np.where(worse[:, None], X, x), np.where(worse, values, ends), evaluations + len(x), rounds + 1, dropped)


def _restored(x: Array, X: Array, low: Array, high: Array, smooth: Smooth, polyhedron: Polyhedron) -> Array:
    """Points moved to the feasible side by Gauss-Newton steps, or else back towards the feasible starts X."""
    for _ in range(5):
        g = np.asarray(smooth.g(x), dtype=float)
        if np.all(g <= 0):
            break
        J = smooth.slopes(x, g) * (low < high)[:, None]
        J = np.concatenate([J, np.broadcast_to(polyhedron.C[polyhedron.equal], (len(x), int(polyhedron.equal.sum()), x.shape[1]))], axis=1)
        size = np.maximum(np.linalg.norm(J, axis=2), 1e-12)
        gap = np.hstack([np.where(g > 0, g + _INSIDE * size[:, : g.shape[1]], 0.0), np.zeros((len(x), J.shape[1] - g.shape[1]))])
        J = np.where(np.hstack([g > 0, np.ones((len(x), J.shape[1] - g.shape[1]), dtype=bool)])[..., None], J, 0.0)
        x = np.clip(x - (np.linalg.pinv(J) @ gap[..., None])[..., 0], low, high)
    linear = x @ polyhedron.C.T - polyhedron.c
    linear = np.where(polyhedron.equal, np.abs(linear), linear).max(axis=1, initial=-np.inf)
    bad = ~smooth.holds(x) | (linear > 1e-10)
    if bad.any():
        near, far = np.zeros(int(bad.sum())), np.ones(int(bad.sum()))
        for _ in range(40):
            middle = 0.5 * (near + far)
            inside = smooth.holds(X[bad] + middle[:, None] * (x[bad] - X[bad]))
            near, far = np.where(inside, middle, near), np.where(inside, far, middle)
        x[bad] = X[bad] + near[:, None] * (x[bad] - X[bad])
    return x
