"""The batched L-BFGS against dense formulas, SciPy's L-BFGS-B and SLSQP, from equal starts."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from acquisitions.domain import Polytope
from acquisitions.expected_improvement import LogExpectedImprovement
from acquisitions.maximizer import ClimbSettings, climb, from_botorch
from acquisitions.maximizer.memory import Memory
from acquisitions.maximizer.polyhedron import Polyhedron
from acquisitions.maximizer.screening import best_apart
from surrogates.exact_gp import Settings, fit

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


DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.cuda)]


def native(name, d, make):
    """A function, its starts, and bounds, of arrays that `make` makes; each works with them where they are."""
    r = np.random.default_rng(d)
    starts, low, high = r.random((8, d)), np.zeros(d), np.ones(d)
    if name == "held entries":
        low, high = np.tile(low, (8, 1)), np.tile(high, (8, 1))
        low[:, 0] = high[:, 0] = starts[:, 0]
    root = np.linalg.qr(r.normal(size=(d, d))).Q
    A, centre = make((root * np.geomspace(1, 1e3, d)) @ root.T), make(r.uniform(-0.3, 1.3, d))

    def quadratic_there(X, rows):
        return -0.5 * (((X - centre) @ A) * (X - centre)).sum(-1), -(X - centre) @ A

    def rosenbrock_there(X, rows):
        X = 4 * X - 2
        a, gradient = X[:, 1:] - X[:, :-1] ** 2, 0 * X
        gradient[:, 1:] += 200 * a
        gradient[:, :-1] += -400 * a * X[:, :-1] - 2 * (1 - X[:, :-1])
        return -(100 * a**2 + (1 - X[:, :-1]) ** 2).sum(-1), -4 * gradient

    def walled_there(X, rows):  # there is no score beyond a wall
        values, gradients = quadratic_there(X, rows)
        gap = 0 * values
        gap[X[:, 0] > 0.9] = np.nan
        return values + gap, gradients

    function = {"rosenbrock": rosenbrock_there, "walls": walled_there}.get(name, quadratic_there)
    return function, make(starts), make(low), make(high)


def tensors_on(device):
    import torch

    return lambda array: torch.tensor(array, dtype=torch.float64, device=device)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("d", [2, 12])
@pytest.mark.parametrize("name", ["quadratic", "rosenbrock", "held entries", "walls"])
def test_tensors_reach_the_optimum_of_arrays_where_they_are(name, d, device):
    import torch

    settings = ClimbSettings(lag=np.inf, value_tolerance=1e-13, gradient_tolerance=1e-7)
    function, *starts_and_bounds = native(name, d, np.asarray)
    plain = climb(function, *starts_and_bounds, settings)
    function, *starts_and_bounds = native(name, d, tensors_on(device))
    # Whatever is made without saying where comes out as a tensor without data, which mixes with none that has some.
    with torch.device("meta"):
        found = climb(function, *starts_and_bounds, settings)
    for tensor in (found.X, found.values):
        assert isinstance(tensor, torch.Tensor) and tensor.device.type == device and tensor.dtype == torch.float64
    values = found.values.cpu().numpy()
    assert np.nanmax(values) == pytest.approx(np.nanmax(plain.values), abs=1e-8)
    if name in {"quadratic", "held entries"}:  # one optimum, whatever way rounding leads
        np.testing.assert_allclose(values, plain.values, rtol=0, atol=1e-8)
        np.testing.assert_allclose(found.X.cpu().numpy(), plain.X, rtol=0, atol=1e-4)


@pytest.mark.parametrize("device", DEVICES)
def test_tensors_drop_what_lags_and_keep_a_budget(device):
    valley, starts, low, high = native("rosenbrock", 6, tensors_on(device))
    found = climb(valley, starts, low, high, ClimbSettings(evaluations=33))
    assert found.evaluations <= 33
    hill = native("quadratic", 6, tensors_on(device))[0]

    def ridge(X, rows):  # for all starts but the first, a slow valley far below
        slow, fast = valley(X, rows), hill(X, rows)
        first = rows == 0
        values, gradients = slow[0] - 1e3, slow[1] + 0.0
        values[first], gradients[first] = fast[0][first], fast[1][first]
        return values, gradients

    hasty, patient = (climb(ridge, starts, low, high, ClimbSettings(lag=lag)) for lag in (5.0, np.inf))
    assert hasty.dropped > 0 and hasty.evaluations < patient.evaluations
    assert float(hasty.values[0]) == pytest.approx(float(patient.values[0]), abs=1e-12)


@pytest.mark.filterwarnings("ignore:A not p.d.")  # GPyTorch says when it adds jitter, as it must where points of a batch meet
@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("q", [1, 3])
def test_botorchs_score_of_a_model_on_a_device_climbs_as_that_of_arrays(q, device):
    import torch
    from botorch.acquisition import LogExpectedImprovement as Single
    from botorch.acquisition.logei import qLogExpectedImprovement as Batch
    from botorch.sampling import SobolQMCNormalSampler

    from surrogates.exact_gp import fit_model

    d, r = 3, np.random.default_rng(0)
    X = r.random((14, d))
    Y = -((X - 0.4) ** 2).sum(1, keepdims=True) + 0.1 * np.sin(9 * X[:, :1])
    warm = fit_model(X, Y, seed=0).memo()
    starts = r.random((6, q * d))
    best = []
    for chosen, make in (("cpu", tensors_on("cpu")), ("torch" if device == "cpu" else device, tensors_on(device))):
        model = fit_model(X, Y, warm=warm, settings=Settings(max_iterations=0), device=chosen)
        sampler = SobolQMCNormalSampler(torch.Size([64]), seed=0)
        score = (Single(model, Y.max()) if q == 1 else Batch(model, Y.max(), sampler=sampler)).to(make(starts).device)

        def objective(X, rows, score=score):
            points = X.detach().reshape(len(X), q, d).requires_grad_()
            values = score(points)
            return values.detach(), torch.autograd.grad(values.sum(), points)[0].reshape(X.shape)

        settings = ClimbSettings(lag=np.inf, value_tolerance=1e-13, gradient_tolerance=1e-7)
        found = climb(objective, make(starts), make(np.zeros(q * d)), make(np.ones(q * d)), settings)
        assert found.values.device == make(starts).device
        best.append(float(found.values.max()))
    assert best[0] == pytest.approx(best[1], abs=1e-8)
    adapted = from_botorch(score, q)  # the same from arrays, as `maximize` climbs
    found = climb(lambda X, rows: adapted.value_and_gradient(X), starts, np.zeros(q * d), np.ones(q * d), settings)
    assert isinstance(found.values, np.ndarray)
    assert found.values.max() == pytest.approx(best[1], abs=1e-8)


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
