"""The batched L-BFGS against dense formulas, SciPy's L-BFGS-B and SLSQP, from equal starts."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from acquisitions.domain import Polytope
from acquisitions.expected_improvement import LogExpectedImprovement
from acquisitions.maximizer import ClimbSettings, climb
from acquisitions.maximizer.memory import Memory
from acquisitions.maximizer.polyhedron import Polyhedron
from acquisitions.maximizer.screening import best_apart
from surrogates.exact_gp import fit

EVERY = ClimbSettings(lag=np.inf)


def rosenbrock(X):
    X = 4 * X - 2
    a = X[:, 1:] - X[:, :-1] ** 2
    gradient = np.zeros_like(X)
    gradient[:, 1:] += 200 * a
    gradient[:, :-1] += -400 * a * X[:, :-1] - 2 * (1 - X[:, :-1])
    return -(100 * a**2 + (1 - X[:, :-1]) ** 2).sum(1), -4 * gradient


def quadratic(d, condition, seed):
    r = np.random.default_rng(seed)
    Q = np.linalg.qr(r.normal(size=(d, d))).Q
    A, centre = (Q * np.geomspace(1, condition, d)) @ Q.T, r.uniform(-0.3, 1.3, d)
    return lambda X: (-0.5 * np.einsum("bi,ij,bj->b", X - centre, A, X - centre), -(X - centre) @ A)


def improvement(d, n, seed):
    """Log expected improvement of a Gaussian process fitted to a smooth function, and good starts."""
    r = np.random.default_rng(seed)
    X = r.random((n, d))
    y = np.sin(4 * X @ r.normal(size=d) / np.sqrt(d)) + (X - r.random(d)) ** 2 @ r.normal(size=d) + 0.01 * r.normal(size=n)
    y = (y - y.mean()) / y.std()
    acq = LogExpectedImprovement(fit(X, y, seed=0), y.max())
    pool = r.random((500, d))
    return acq, pool[best_apart(pool, acq.value(pool), 10, np.ones(d))]


def scipy_climbs(function, starts, **options):
    counted, values = 0, []
    for start in starts:
        one = minimize(
            lambda x: tuple(-part[0] for part in function(x[None])),
            start,
            jac=True,
            method="L-BFGS-B",
            bounds=[(0, 1)] * len(start),
            **options,
        )
        counted += one.nfev
        values.append(-one.fun)
    return np.array(values), counted


def ours(function, starts, low=0.0, high=1.0, settings=EVERY, polyhedron=None):
    d = starts.shape[1]
    return climb(lambda X, rows: function(X), starts, np.full(d, low), np.full(d, high), settings, polyhedron)


def test_the_memory_is_the_dense_bfgs_matrix_on_any_free_entries():
    r = np.random.default_rng(0)
    b, d, m = 3, 7, 4
    memory = Memory.empty(m, np.zeros((b, d)), np.ones(b))
    pairs = [[] for _ in range(b)]
    root = r.normal(size=(b, d, d))
    H = root @ root.mT + np.eye(d)
    for k in range(7):
        s = r.normal(size=(b, d))
        y = (H @ s[..., None])[..., 0]
        rows = np.array([True, k % 2 == 0, k < 1])
        memory.update(rows, s, y)
        free, R, P = r.random((b, d)) < 0.7, r.normal(size=(b, d, 2)), r.normal(size=(b, d))
        R *= free[..., None]
        solved, product = memory.solve(free, R), memory.times(P)
        for i in range(b):
            if rows[i]:
                pairs[i].append((s[i], y[i]))
            last = pairs[i][-m:]
            B = np.eye(d) * (last[-1][1] @ last[-1][1]) / (last[-1][0] @ last[-1][1])
            for step, change in last:
                B = B - np.outer(B @ step, B @ step) / (step @ B @ step) + np.outer(change, change) / (step @ change)
            F = free[i]
            assert np.allclose(solved[i][F], np.linalg.solve(B[np.ix_(F, F)], R[i][F]), rtol=1e-9, atol=1e-12)
            assert not solved[i][~F].any()
            assert np.allclose(product[i], B @ P[i], rtol=1e-9, atol=1e-10)


def test_pairs_without_curvature_are_left_out():
    memory = Memory.empty(3, np.zeros((1, 2)), np.ones(1))
    memory.update(np.array([True]), np.array([[1.0, 0.0]]), np.array([[-1.0, 0.5]]))
    assert np.array_equal(memory.times(np.array([[2.0, 3.0]])), [[2.0, 3.0]])


@pytest.mark.parametrize("d", [2, 6, 20])
@pytest.mark.parametrize("name", ["rosenbrock", "quadratic"])
def test_smooth_functions_take_about_as_many_evaluations_as_scipy(d, name):
    function = rosenbrock if name == "rosenbrock" else quadratic(d, 1e3, d)
    starts = np.random.default_rng(0).random((10, d))
    found = ours(function, starts)
    theirs, counted = scipy_climbs(function, starts)
    assert found.values.max() == pytest.approx(theirs.max(), abs=1e-6)
    assert found.evaluations <= 1.3 * counted


def same_optimum(seeds):
    ratio = []
    for seed in seeds:
        d = (2, 4, 6, 10)[seed % 4]
        acq, starts = improvement(d, 10 + 3 * d, seed)
        found = ours(acq.value_and_gradient, starts)
        theirs, counted = scipy_climbs(acq.value_and_gradient, starts, options={"ftol": 1e-12})
        assert abs(found.values.max() - theirs.max()) < 1e-6, seed
        ratio.append(found.evaluations / counted)
    return np.array(ratio)


def test_the_optimum_of_log_expected_improvement_is_scipys_from_equal_starts():
    ratio = same_optimum(range(12))
    assert np.exp(np.log(ratio).mean()) < 1.15


@pytest.mark.slow
def test_the_optimum_is_scipys_in_fifty_cases():
    ratio = same_optimum(range(50))
    assert np.exp(np.log(ratio).mean()) < 1.15


def test_every_point_evaluated_is_in_the_box_and_held_entries_do_not_move():
    seen = []

    def watched(X, rows):
        seen.append(X)
        return rosenbrock(X)

    starts = np.random.default_rng(0).random((4, 5))
    low, high = np.tile(np.zeros(5), (4, 1)), np.tile(np.full(5, 0.8), (4, 1))
    starts[:, 2] *= 0.8
    low[:, 2] = high[:, 2] = starts[:, 2]
    found = climb(watched, starts, low, high, EVERY)
    X = np.vstack(seen)
    assert X.min() >= 0 and X.max() <= 0.8
    assert np.array_equal(found.X[:, 2], starts[:, 2])


def test_rows_do_not_disturb_each_other():
    starts = np.random.default_rng(1).random((6, 4))
    together = ours(rosenbrock, starts)
    for k, start in enumerate(starts):
        alone = ours(rosenbrock, start[None])
        assert alone.values[0] == pytest.approx(together.values[k], abs=1e-7)


def test_regions_without_a_score_are_walls():
    def walled(X):
        values, gradients = rosenbrock(X)
        outside = X[:, 0] > 0.6
        return np.where(outside, np.nan, values), np.where(outside[:, None], np.nan, gradients)

    found = ours(walled, np.array([[0.3, 0.3], [0.9, 0.5]]))
    assert np.isfinite(found.values[0]) and found.X[0, 0] <= 0.6
    assert found.values[0] > rosenbrock(np.array([[0.3, 0.3]]))[0][0]
    assert not np.isfinite(found.values[1]) and np.array_equal(found.X[1], [0.9, 0.5])


def test_lagging_rows_are_dropped_and_the_best_is_kept():
    def ridge(X):  # a slow valley far below a fast hill
        far = X[:, 0] < 0.5
        slow, fast = rosenbrock(X), quadratic(2, 2.0, 0)(X)
        return np.where(far, slow[0] - 1e3, fast[0]), np.where(far[:, None], slow[1], fast[1])

    starts = np.array([[0.1, 0.9], [0.8, 0.8]])
    patient, hasty = ours(ridge, starts), ours(ridge, starts, settings=ClimbSettings(lag=5.0))
    assert hasty.dropped == 1
    assert hasty.evaluations < patient.evaluations
    assert hasty.values[1] == patient.values[1]


def test_a_budget_of_evaluations_is_kept():
    found = ours(rosenbrock, np.random.default_rng(0).random((5, 8)), settings=ClimbSettings(evaluations=33))
    assert found.evaluations <= 33


def test_torch_tensors_take_the_same_way():
    import torch

    starts = np.random.default_rng(0).random((5, 6))

    def function(X, rows):
        values, gradients = rosenbrock(X.numpy())
        return torch.from_numpy(values), torch.from_numpy(gradients)

    plain = ours(rosenbrock, starts)
    tensors = climb(function, torch.from_numpy(starts), torch.zeros(6, dtype=torch.float64), torch.ones(6, dtype=torch.float64), EVERY)
    assert isinstance(tensors.X, torch.Tensor)
    assert np.allclose(tensors.values.numpy(), plain.values, atol=1e-9)


@pytest.mark.parametrize("equal", [False, True])
@pytest.mark.parametrize("d", [3, 8])
def test_linear_constraints_give_the_optimum_of_slsqp(d, equal):
    for seed in range(6):
        r = np.random.default_rng(seed)
        function = quadratic(d, 1e3, seed)
        C = r.normal(size=(4, d))
        C /= np.linalg.norm(C, axis=1)[:, None]
        c = C @ np.full(d, 0.5) + 0.05
        which = np.array([equal, False, False, False])
        c[which] -= 0.05
        starts = Polytope(tuple(range(d)), C[~which], c[~which], C[which], c[which], np.zeros(d), np.ones(d)).project(r.random((4, d)))
        seen = []

        def watched(X, seen=seen, function=function):
            seen.append(X)
            return function(X)

        found = ours(watched, starts, polyhedron=Polyhedron(C, c, which))
        X = np.vstack(seen)
        assert (X @ C.T - c).max() < 1e-9 and np.abs((X @ C.T - c)[:, which]).max(initial=0.0) < 1e-9
        one = minimize(
            lambda x, function=function: tuple(-part[0] for part in function(x[None])),
            starts[0],
            jac=True,
            method="SLSQP",
            bounds=[(0, 1)] * d,
            constraints=[
                {"type": "eq" if e else "ineq", "fun": lambda x, a=a, b=b: b - a @ x} for a, b, e in zip(C, c, which, strict=True)
            ],
            options={"ftol": 1e-12, "maxiter": 500},
        )
        assert found.values.min() == pytest.approx(-one.fun, abs=2e-5 * max(1, abs(one.fun)))
        assert found.values.max() >= -one.fun - 1e-6 * max(1, abs(one.fun))
