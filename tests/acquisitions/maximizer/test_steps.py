"""One step and one line search of the climbs, against their definitions."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from acquisitions.domain import Polytope
from acquisitions.maximizer.active_set import constrained_step
from acquisitions.maximizer.line_search import LineSearch
from acquisitions.maximizer.memory import Memory
from acquisitions.maximizer.polyhedron import Polyhedron


@pytest.mark.parametrize("d", [2, 5, 12])
def test_a_constrained_step_minimizes_the_quadratic(d):
    for seed in range(15):
        r = np.random.default_rng(seed)
        k = int(r.integers(1, 2 * d))
        C = r.normal(size=(k, d))
        C /= np.linalg.norm(C, axis=1)[:, None]
        equal = np.arange(k) < (seed % 3 == 0)
        c = C @ np.full(d, 0.5) + np.where(equal, 0.0, 0.1)
        x = Polytope(tuple(range(d)), C[~equal], c[~equal], C[equal], c[equal], np.zeros(d), np.ones(d)).project(
            r.uniform(-0.5, 1.5, (3, d))
        )
        g = 10 * r.normal(size=(3, d))
        root = r.normal(size=(d, d))
        memory = Memory.empty(4, x, np.full(3, 2.0))
        for _ in range(5):
            s = r.normal(size=(3, d))
            memory.update(np.ones(3, dtype=bool), s, s @ root @ root.T + s)
        p = constrained_step(memory, x, g, np.zeros((3, d)), np.ones((3, d)), Polyhedron(C, c, equal))
        for i in range(3):
            B = np.stack([memory.take(np.arange(3) == i).times(e[None])[0] for e in np.eye(d)])
            y = x[i] + p[i]
            assert (y >= -1e-12).all() and (y <= 1 + 1e-12).all()
            assert (C @ y - c).max() < 1e-10 and np.abs((C @ y - c)[equal]).max(initial=0.0) < 1e-10
            one = minimize(
                lambda q, B=B, gradient=g[i]: (gradient @ q + q @ B @ q / 2, gradient + B @ q),
                np.zeros(d),
                jac=True,
                method="SLSQP",
                bounds=list(zip(-x[i], 1 - x[i], strict=True)),
                constraints=[
                    {"type": "eq" if e else "ineq", "fun": lambda q, a=a, h=h: h - a @ q}
                    for a, h, e in zip(C, c - C @ x[i], equal, strict=True)
                ],
                options={"ftol": 1e-13, "maxiter": 500},
            )
            value = g[i] @ p[i] + p[i] @ B @ p[i] / 2
            assert value <= one.fun + 1e-6 * (1 + abs(one.fun))


def test_line_searches_end_where_the_strong_wolfe_conditions_hold():
    r = np.random.default_rng(0)
    b = 200
    a, w, phase, lean = r.uniform(0.1, 3, b), 10.0 ** r.uniform(-2, 1.5, b), r.uniform(0, 2 * np.pi, b), 10.0 ** r.uniform(-2, 2, b)

    def f(t):
        return a * np.sin(w * t + phase) + lean * (t - 1.0) ** 2, a * w * np.cos(w * t + phase) + 2 * lean * (t - 1.0)

    value, slope = f(np.zeros(b))
    falls = slope < 0
    search = LineSearch.start(value, np.where(falls, slope, -1.0))
    ended = np.zeros(b, dtype=bool)
    steps, tries = np.zeros(b), np.zeros(b)
    for _ in range(20):
        t = search.step.copy()
        now, at = f(t)
        accepted, failed = search.judge(now, at, lambda: np.full(b, 1e6))
        new = accepted & ~ended
        steps[new], tries[new] = t[new], search.tries[new]
        ended |= accepted
        assert not np.any(failed & ~ended & falls)
    assert ended[falls].all()
    values, slopes = f(steps)
    met = (values <= value + 1e-3 * steps * slope + 1e-12) & (np.abs(slopes) <= 0.9 * np.abs(slope) + 1e-12)
    assert np.all(met[falls] | (tries[falls] >= 8))
    assert met[falls].mean() > 0.97
    assert np.median(tries[falls]) <= 3


def test_a_step_to_the_wall_is_taken_where_the_function_still_falls():
    search = LineSearch.start(np.array([0.0]), np.array([-1.0]))
    accepted, _ = search.judge(np.array([-1.0]), np.array([-1.0]), lambda: np.array([1.5]))
    assert not accepted[0] and search.step[0] == 1.5
    accepted, _ = search.judge(np.array([-1.5]), np.array([-1.0]), lambda: np.array([1.5]))
    assert accepted[0]
