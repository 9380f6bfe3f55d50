"""Quasi-Newton steps that keep bounds and linear constraints, for many rows at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from acquisitions.maximizer.memory import Memory
from acquisitions.maximizer.polyhedron import SLACK, Polyhedron, room

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

_TIGHT = 1e-12  # slack below which a constraint is active
_WRONG = 1e-12  # size of a multiplier of the wrong sign that is rounding
_GUESSES = 6  # of the primal-dual method; it settles within them or cycles


def constrained_step(memory: Memory, x: Array, g: Array, low: Array, high: Array, polyhedron: Polyhedron) -> Array:
    """Steps p (`b x d`) that minimize ``g.p + p.B p / 2`` under bounds and linear constraints; x + p keeps them all.

    The primal-dual active-set method (Hintermüller, Ito and Kunisch 2002) guesses which constraints bind from multipliers and
    violations, and mostly is right after a few guesses. Rows where it is not go to the primal method. Zero where x is optimal.

    Args:
        memory: The Hessians B.
        x: Points that keep the constraints, `b x d`.
        g: Gradients of what is minimized.
        low: Lower bounds, `b x d`.
        high: Upper bounds.
        polyhedron: The linear constraints.
    """
    p, settled = _primal_dual(memory, x, g, low, high, polyhedron)
    if not settled.all():
        left = ~settled
        p[left] = _primal(memory.take(left), x[left], g[left], low[left], high[left], polyhedron)
    return p * np.minimum(room(x, p, low, high, polyhedron, 10 * SLACK), 1.0)[:, None]  # against rounding only


def _primal_dual(memory: Memory, x: Array, g: Array, low: Array, high: Array, polyhedron: Polyhedron) -> tuple[Array, Mask]:
    """Steps, and where they are optimal."""
    slack = _slack(x, polyhedron)
    bound = (x <= low) & (g > 0) | (x >= high) & (g < 0) | (low == high)
    tight = polyhedron.equal | (slack <= _TIGHT) & (g @ polyhedron.C.T < 0)
    delta, p = np.zeros_like(x), np.zeros_like(x)
    settled = np.zeros(len(x), dtype=bool)
    for _ in range(_GUESSES):
        p, multipliers, z = _equality_step(memory, g, delta, bound, tight, slack, polyhedron)
        y = x + p
        below, above = (y < low - _TIGHT) & ~bound, (y > high + _TIGHT) & ~bound
        beyond = (y @ polyhedron.C.T > polyhedron.c + _TIGHT) & ~tight
        on_low = 2 * (x + delta) < low + high  # rounding may leave it beside the bound
        free = bound & (low < high) & np.where(on_low, z < -_WRONG, z > _WRONG)
        loose = tight & ~polyhedron.equal & (multipliers < -_WRONG)
        missed = tight & (abs(p @ polyhedron.C.T - slack) > SLACK)  # by entries all set on bounds
        settled = ~((below | above | free).any(axis=-1) | (beyond | loose | missed).any(axis=-1))
        if settled.all():
            break
        bound = (bound | below | above) & ~free
        delta = np.where(below, low - x, np.where(above, high - x, np.where(free, 0.0, delta)))
        tight = (tight | beyond) & ~loose
    return p, settled


def _primal(memory: Memory, x: Array, g: Array, low: Array, high: Array, polyhedron: Polyhedron) -> Array:
    """Steps by the primal active-set method (Nocedal and Wright 2006, algorithm 16.3); near-optimal where it runs out of rounds."""
    d, k = x.shape[1], len(polyhedron)
    slack = _slack(x, polyhedron)
    bound = (x <= low) & (g > 0) | (x >= high) & (g < 0) | (low == high)
    tight = polyhedron.equal | (slack <= _TIGHT) & (g @ polyhedron.C.T < 0)
    p = np.zeros_like(x)
    left = np.arange(len(x))
    for _ in range(3 * (d + k) + 10):
        if not len(left):
            break
        part, held, binding = memory.take(left), bound[left], tight[left]
        used = np.where(polyhedron.equal, slack[left], p[left] @ polyhedron.C.T)
        target, multipliers, z = _equality_step(part, g[left], np.where(held, p[left], 0.0), held, binding, used, polyhedron)
        move, y = target - p[left], x[left] + p[left]
        with np.errstate(divide="ignore", invalid="ignore"):
            to_bound = np.where(move > 0, (high[left] - y) / move, np.where(move < 0, (low[left] - y) / move, np.inf))
            speed = move @ polyhedron.C.T
            to_row = np.where(speed > _TIGHT, (polyhedron.c - y @ polyhedron.C.T) / speed, np.inf)
        reach = np.maximum(np.hstack([np.where(held, np.inf, to_bound), np.where(binding, np.inf, to_row)]), 0.0)
        first = reach.argmin(axis=-1)
        alpha = reach[np.arange(len(left)), first]
        p[left] += np.minimum(alpha, 1.0)[:, None] * move
        wrong = np.hstack(
            [
                np.where(held & (low < high)[left], np.where(2 * y < (low + high)[left], -z, z), -np.inf),
                np.where(binding & ~polyhedron.equal, -multipliers, -np.inf),
            ]
        )
        worst = wrong.argmax(axis=-1)
        blocked = alpha < 1
        change = np.where(blocked, first, worst)
        ends = ~blocked & (wrong[np.arange(len(left)), worst] <= _WRONG)
        for which, offset, state in ((change < d, 0, bound), (change >= d, d, tight)):
            rows = which & ~ends
            state[left[rows], change[rows] - offset] = blocked[rows]
        left = left[~ends]
    return p


def _slack(x: Array, polyhedron: Polyhedron) -> Array:
    """What is left of each row, without rounding errors, whose correction a stretched step would overdo."""
    slack = polyhedron.c - x @ polyhedron.C.T
    return np.where(abs(slack) <= SLACK, 0.0, slack)


def _equality_step(
    memory: Memory, g: Array, delta: Array, bound: Mask, tight: Mask, slack: Array, polyhedron: Polyhedron
) -> tuple[Array, Array, Array]:
    """Minimize the quadratic where `bound` entries move by `delta` and `tight` rows use up their `slack`.

    Returns:
        The step, the multipliers of the rows (`b x k`), and those of the bounds (`b x d`, the gradient of the Lagrangian).
    """
    C, k = polyhedron.C, len(polyhedron)
    free = ~bound
    offset = memory.times(delta) if delta.any() else delta
    sides = np.concatenate([-(g + offset)[..., None], np.broadcast_to(C.T, (len(g), *C.T.shape))], axis=2) * free[..., None]
    solved = memory.solve(free, sides)
    a, Q = solved[..., 0], solved[..., 1:]
    S = C @ Q
    both = tight[:, :, None] & tight[:, None, :]
    size: Array = np.trace(S, axis1=1, axis2=2)[:, None, None]
    ridge = np.where(size > 0, 1e-14 * size, 1.0)  # for constraints that repeat each other, or have no free entry
    system = np.where(both, S, 0.0) + np.eye(k) * np.where(tight[:, :, None], ridge, 1.0)
    gap = np.where(tight, (delta + a) @ C.T - slack, 0.0)
    multipliers = np.asarray(np.linalg.solve(system, gap[..., None]), dtype=float)
    p = delta + a - (Q @ multipliers)[..., 0]
    for _ in range(3):  # where B is nearly singular, refine
        gap = np.where(tight, p @ C.T - slack, 0.0)
        if abs(gap).max() < 1e-15:  # a step may be stretched a thousandfold
            break
        correction = np.linalg.solve(system, gap[..., None])
        p, multipliers = p - (Q @ correction)[..., 0], multipliers + correction
    multipliers = multipliers[..., 0]
    return p, multipliers, g + memory.times(p) + multipliers @ C
