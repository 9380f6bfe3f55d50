"""The process itself: gradients by finite differences, growth, memos, leave-one-out, and data that break others."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from surrogates.columns import INACTIVE, Column, Columns, Parent
from surrogates.exact_gp import ExactGP, Settings, fit
from surrogates.exact_gp.fitting import Posterior

PROFILES = ("rbf", "matern12", "matern32", "matern52")


def data(n: int, d: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    X = rng.random((n, d))
    y = np.sin(6 * X[:, 0]) + X[:, -1] ** 2 + 0.1 * rng.standard_normal(n)
    return X, (y - y.mean()) / y.std()


def slopes(f, X, h=1e-5):
    """Central differences of a scalar function of X."""
    gradient = np.empty(X.shape)
    for k in np.ndindex(*X.shape):
        step = np.zeros(X.shape)
        step[k] = h
        gradient[k] = (f(X + step) - f(X - step)) / (2 * h)
    return gradient


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("mean", ["constant", "linear"])
def test_pulls_are_gradients(profile, mean):
    X, y = data(25, 3)
    gp = fit(X, y, settings=Settings(kernel=profile, mean=mean))
    rng = np.random.default_rng(1)
    Z, baseline = rng.random((4, 3)), gp.baseline(rng.random((5, 3)))
    a, b, c = rng.standard_normal(4), rng.standard_normal(4), rng.standard_normal((4, 5))

    def total(points):
        moments = gp.at(points, baseline)
        return a @ moments.mean + b @ moments.variance + np.sum(c * moments.covariance)

    np.testing.assert_allclose(gp.at(Z, baseline).pull(a, b, c), slopes(total, Z), rtol=1e-5, atol=1e-6)


def test_moments_agree_with_predict_and_covariance():
    X, y = data(30, 2)
    gp = fit(X, y)
    Z = np.random.default_rng(1).random((1500, 2))  # more than are predicted at a time
    mean, variance = gp.predict(Z)
    moments = gp.at(Z[:7], gp.baseline(Z[7:12]))
    np.testing.assert_allclose(moments.mean, mean[:7], rtol=1e-12)
    np.testing.assert_allclose(moments.variance, variance[:7], rtol=1e-9)
    np.testing.assert_allclose(moments.covariance, gp.covariance(Z[:7], Z[7:12]), atol=1e-13)
    np.testing.assert_allclose(np.diag(gp.covariance(Z[:7], Z[:7])), variance[:7], atol=1e-12)


@pytest.mark.parametrize("n", [1, 2, 30])
@pytest.mark.parametrize("known", [False, True])
def test_the_bound_of_the_variance_is_what_the_best_single_point_leaves(n, known):
    X, y = data(30, 3)
    yvar = np.full(30, 0.01) if known else None
    gp = ExactGP.from_memo(X[:n], y[:n], yvar if yvar is None else yvar[:n], fit(X, y, yvar).memo())
    moments = gp.at(np.random.default_rng(1).random((50, 3)))
    ratio = moments.variance_bound / moments.variance
    assert np.all(ratio > 1 - 1e-9)
    assert (ratio.max() < 1 + 1e-9) == (n == 1)


def test_the_bound_of_the_variance_holds_where_jitter_was_needed():
    X = np.repeat(np.random.default_rng(0).random((8, 2)), 4, axis=0)
    memo = fit(X, y := np.sin(5 * X[:, 0])).memo()
    memo["noise"], memo["parameters"] = 1e-18, dict.fromkeys(memo["parameters"], 1.0)
    gp = ExactGP.from_memo(X, y, None, memo)
    assert "jitter" in gp.record[0]
    moments = gp.at(X)
    assert np.all(moments.variance_bound > moments.variance * (1 - 1e-3))  # of 1e-10, as 1 less nearly 1


@pytest.mark.parametrize("known", [False, True])
def test_a_memo_is_the_process_bit_for_bit(known):
    X, y = data(20, 2)
    yvar = np.linspace(0.01, 0.1, 20) if known else None
    gp = fit(X, y, yvar, settings=Settings(mean="linear"))
    again = ExactGP.from_memo(X, y, yvar, json.loads(json.dumps(gp.memo())), settings=Settings(mean="linear"))
    Z = np.random.default_rng(1).random((9, 2))
    for ours, theirs in zip(gp.predict(Z), again.predict(Z), strict=True):
        assert np.array_equal(ours, theirs)
    assert again.memo() == gp.memo()


def test_a_warm_fit_ends_where_the_cold_one_does_in_fewer_steps():
    X, y = data(60, 4)
    gp = fit(X[:55], y[:55])
    warm, cold = fit(X, y, warm=gp.memo()), fit(X, y)
    assert warm.log_marginal_likelihood == pytest.approx(cold.log_marginal_likelihood, abs=60 * 1e-3)
    evaluations = [int(process.record[0].split(", ")[-1].split()[0]) for process in (warm, cold)]
    assert evaluations[0] < evaluations[1]


@pytest.mark.parametrize("known", [False, True])
def test_conditioning_is_refactoring(known):
    X, y = data(30, 3)
    yvar = np.linspace(0.01, 0.1, 30) if known else None
    gp = fit(X[:24], y[:24], None if yvar is None else yvar[:24])
    grown = gp.condition(X[24:27], y[24:27], None if yvar is None else yvar[24:27])
    grown = grown.condition(X[27:], y[27:], None if yvar is None else yvar[27:])
    whole = ExactGP.from_memo(X, y, yvar, gp.memo())
    Z = np.random.default_rng(1).random((9, 3))
    for ours, theirs in zip(grown.predict(Z), whole.predict(Z), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9)
    np.testing.assert_allclose(np.tril(grown.L), np.tril(whole.L), atol=1e-12)


def test_leave_one_out_is_leaving_one_out():
    X, y = data(12, 2)
    gp = fit(X, y)
    mean, variance = gp.loo()
    for k in range(12):
        rest = np.arange(12) != k
        without = ExactGP.from_memo(X[rest], y[rest], None, gp.memo())
        m, v = without.predict(X[k : k + 1])
        assert mean[k] == pytest.approx(m[0], rel=1e-8, abs=1e-10)
        assert variance[k] == pytest.approx(v[0] + gp.noise, rel=1e-8)


def test_the_fit_imports_no_torch():
    program = (
        "import sys, numpy as np; from surrogates.exact_gp import fit; fit(np.eye(3), [1., 2., 3.]).at(np.eye(3)).pull(np.ones(3), None)"
    )
    subprocess.run([sys.executable, "-c", program + "; assert 'torch' not in sys.modules"], check=True)


@settings(max_examples=60)
@given(
    n=st.integers(1, 25),
    d=st.integers(1, 5),
    seed=st.integers(0, 2**20),
    scale=st.sampled_from([0.0, 1e-12, 1.0, 1e12]),
    cluster=st.sampled_from([0.0, 1e-15, 1e-8, 1e-3, 1.0]),
    profile=st.sampled_from(PROFILES),
    known=st.sampled_from([None, 0.0, 1.0]),
)
def test_no_data_break_it(n, d, seed, scale, cluster, profile, known):
    rng = np.random.default_rng(seed)
    X = np.clip(rng.random(d) + cluster * rng.standard_normal((n, d)), 0, 1)
    y = scale * (rng.standard_normal(n) + rng.integers(0, 2))
    yvar = None if known is None else np.full(n, known)
    gp = fit(X, y, yvar, settings=Settings(kernel=profile, noise_floor=1e-6))
    Z = np.vstack([X, rng.random((3, d))])
    moments = gp.at(Z, gp.baseline(Z[-3:]))
    found = (*gp.predict(Z), moments.covariance, moments.pull(np.ones(len(Z)), np.ones(len(Z)), np.ones((len(Z), 3))), *gp.loo())
    assert all(np.all(np.isfinite(values)) for values in found)
    assert np.all(moments.variance > 0)
    grown = gp.condition(Z, np.zeros(len(Z)), None if yvar is None else np.zeros(len(Z)))
    assert np.all(np.isfinite(grown.predict(Z)[0]))


def test_what_is_not_data_is_refused():
    X, y = data(5, 2)
    for arguments in ((X, y[:4]), (X, [*y[:4], np.nan]), (X[:0], y[:0]), (X, y, -np.ones(5))):
        with pytest.raises(ValueError, match="fit: "):
            fit(*arguments)
    gp = fit(X, y)
    with pytest.raises(ValueError, match="another kernel"):
        ExactGP.from_memo(X[:, :1], y, None, gp.memo())


# -- settings, mixed and tree-structured columns --------------------------------------------------------------------------------

TREE = Columns(
    (
        Column("x"),
        Column("c", "categorical", (0.0, 0.5, 1.0)),
        Column("z", parent=Parent((1,), ((0.0,),))),
        Column("k", "integer", (0.0, 0.25, 0.5, 0.75, 1.0)),
    )
)


def tree_data(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    X = TREE.snap(rng.random((n, 4)))
    X[~TREE.active(X)] = INACTIVE
    y = np.sin(5 * X[:, 0]) + (X[:, 1] == 0) * (1 + X[:, 2]) - X[:, 3] + 0.05 * rng.standard_normal(n)
    return X, (y - y.mean()) / max(y.std(), 1e-9)


MANY = [
    Settings(),
    Settings(kernel="matern52", warp=True, mean="linear"),
    Settings(categorical="latent", outputscale=True),
    Settings(kernel="matern32", warp=True, categorical="latent", outputscale=True, noise_floor=1e-6),
]


@pytest.mark.parametrize("device", ["cpu", "torch"])
@pytest.mark.parametrize("chosen", MANY)
def test_the_objective_of_a_fit_has_its_gradient(chosen, device):
    X, y = tree_data(25)
    for yvar in (None, np.linspace(0.01, 0.2, 25)):
        posterior = Posterior(chosen.build(TREE, 4), X, y, yvar, chosen, device)
        layout = posterior.parameters
        theta = layout.start + 0.3 * np.random.default_rng(1).standard_normal(len(layout))
        found = posterior(theta)[1]
        np.testing.assert_allclose(found, slopes(lambda t, f=posterior: f(t)[0], theta), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("chosen", MANY)
def test_mixed_columns_are_learned(chosen):
    X, y = tree_data(60)
    gp = fit(X[:40], y[:40], columns=TREE, settings=chosen)
    mean, variance = gp.predict(X[40:])
    assert np.sqrt(np.mean((mean - y[40:]) ** 2)) < 0.3  # of a standard deviation of one
    assert np.mean(np.abs(mean - y[40:]) < 3 * np.sqrt(variance + gp.noise)) > 0.8
    again = ExactGP.from_memo(X[:40], y[:40], None, gp.memo(), columns=TREE, settings=chosen)
    assert np.array_equal(again.predict(X)[0], gp.predict(X)[0])
    warm = fit(X, y, columns=TREE, settings=chosen, warm=gp.memo())
    assert "warm fit" in warm.record[0]


@pytest.mark.parametrize("device", ["torch", pytest.param("cuda", marks=pytest.mark.cuda)])
@pytest.mark.parametrize("chosen", MANY)
def test_tensors_give_what_arrays_give(chosen, device):
    X, y = tree_data(40)
    gp = fit(X, y, columns=TREE, settings=chosen)
    tensors = ExactGP.from_memo(X, y, None, gp.memo(), columns=TREE, settings=chosen, device=device)
    Z, more = tree_data(9, seed=1)[0], tree_data(3, seed=2)
    tolerance = {"rtol": max(1e-10, 100 * 2e-16 * np.linalg.cond(gp.L) ** 2), "atol": 1e-10}
    for ours, theirs in ((gp, tensors), (gp.condition(*more), tensors.condition(*more))):
        a, b = ours.at(Z, ours.baseline(Z[5:])), theirs.at(Z, theirs.baseline(Z[5:]))
        for field in ("mean", "variance", "variance_bound", "covariance"):
            assert isinstance(getattr(b, field), torch.Tensor)
            assert getattr(b, field).device.type == ("cuda" if device == "cuda" else "cpu")
            np.testing.assert_allclose(getattr(b, field).cpu(), getattr(a, field), **tolerance)
        weights = np.ones(9), np.ones(9), np.ones((9, 4))
        pulled = b.pull(*(torch.as_tensor(w, device=b.mean.device) for w in weights))
        np.testing.assert_allclose(pulled.cpu(), a.pull(*weights), **tolerance)
        np.testing.assert_allclose(theirs.loo()[1].cpu(), ours.loo()[1], **tolerance)
        assert theirs.log_marginal_likelihood == pytest.approx(ours.log_marginal_likelihood, rel=tolerance["rtol"])
    fitted = fit(X, y, columns=TREE, settings=chosen, warm=gp.memo(), device=device)
    assert fitted.log_marginal_likelihood == pytest.approx(gp.log_marginal_likelihood, abs=0.5)


@settings(max_examples=25)
@given(n=st.integers(1, 20), seed=st.integers(0, 2**20), scale=st.sampled_from([0.0, 1e-12, 1.0, 1e12]), chosen=st.sampled_from(MANY))
def test_no_mixed_data_break_it(n, seed, scale, chosen):
    X, y = tree_data(n, seed)
    X = X[np.random.default_rng(seed).integers(0, n, n)]
    gp = fit(X, scale * y, columns=TREE, settings=chosen)
    Z, _ = tree_data(4, seed + 1)
    moments = gp.at(Z)
    for found in (moments.mean, moments.variance, moments.pull(np.ones(4), np.ones(4)), *gp.loo()):
        assert np.all(np.isfinite(found))


@pytest.mark.parametrize("n, chosen", [(300, Settings()), (60, Settings(warp=True, kernel="matern52")), (3, Settings())])
def test_a_fit_ends_where_the_gradient_vanishes(n, chosen):
    X, y = data(n, 3)
    gp = fit(X, y, settings=chosen)
    assert ("first on 128 of the points" in gp.record[0]) == (n > 256)
    posterior = Posterior(gp.kernel, X, y, None, chosen)
    theta = np.append(gp.theta, np.log(gp.noise))
    layout = posterior.parameters
    inside = (theta > layout.lower + 1e-9) & (theta < layout.upper - 1e-9)
    assert inside.sum() >= 3
    assert np.abs(posterior(theta)[1][inside]).max() < 2e-3


def test_a_cold_fit_considers_that_rough_data_may_be_noise():
    rng = np.random.default_rng(0)
    X = rng.random((80, 2))
    for seed in range(4):
        y = np.sin(3 * X[:, 0]) + np.random.default_rng(seed).standard_normal(80)
        y = (y - y.mean()) / y.std()
        values = [fit(X, y, settings=Settings(starts=k), seed=seed) for k in (1, 2, 8)]
        loss = [Posterior(gp.kernel, X, y, None, gp.settings)(np.append(gp.theta, np.log(gp.noise)))[0] for gp in values]
        assert loss[1] <= loss[0] + 1e-6
        assert loss[1] <= loss[2] + 1e-2


def test_inferred_noise_has_a_floor_that_repeated_points_can_bear():
    """1e-4 of outcomes of variance one, as BoTorch's least inferred noise: a factor of what is repeated exactly stays well conditioned."""
    from botorch.models.utils.gpytorch_modules import MIN_INFERRED_NOISE_LEVEL

    rng = np.random.default_rng(0)
    X = np.repeat(rng.random((8, 2)), 4, axis=0)
    X[::4] += 1e-10
    y = np.sin(4 * X).sum(1)
    gp = fit(X, (y - y.mean()) / y.std())
    assert Settings().noise_floor == MIN_INFERRED_NOISE_LEVEL == 1e-4
    assert 1e-4 <= gp.noise < 2e-3
    assert np.diag(gp.L).min() >= 0.99e-2
    assert not any("jitter" in line for line in gp.record)
    np.testing.assert_allclose(gp.predict(X)[0], gp.y, atol=0.01)


def test_added_rows_may_be_known_exactly():
    X, y = data(20, 2)
    gp = fit(X, y)
    exact = gp.condition([[0.5, 0.5]], [3.0], [0.0])
    mean, variance = exact.predict([[0.5, 0.5]])
    assert mean[0] == pytest.approx(3.0, abs=1e-3)
    assert 0 < variance[0] < 1e-5
    assert exact.yvar is not None
    assert np.allclose(exact.yvar[:20], gp.noise)
    loose = gp.condition([[0.5, 0.5]], [3.0])
    assert loose.yvar is None
    assert loose.predict([[0.5, 0.5]])[1] > variance


def test_pairs_are_covariances_of_rows() -> None:
    rng = np.random.default_rng(0)
    table = Columns((Column("x"), Column("y"), Column("s", "ordinal", (0.0, 1.0), role="fidelity")))

    def points(n: int) -> np.ndarray:
        return np.column_stack([rng.random((n, 2)), rng.integers(0, 2, n)])

    X = points(20)
    gp = fit(X, np.sin(5 * X[:, 0]) + X[:, 2] * X[:, 1], np.full(20, 0.01), columns=table)
    A, B = points(150), points(150)

    def pairs(A, B, beside=None):
        return gp.pairs(gp.at(A, beside), gp.at(B))

    expected = [gp.covariance(a[None], b[None])[0, 0] for a, b in zip(A, B, strict=True)]
    np.testing.assert_allclose(pairs(A, B).covariance, expected, atol=1e-10)
    A, B, w = A[:6], B[:6], rng.standard_normal(6)
    here, there = pairs(A, B).pull(w)
    for beside, alone in zip(pairs(A, B, gp.baseline(B[:3])).pull(w), (here, there), strict=True):
        np.testing.assert_allclose(beside, alone, rtol=1e-9, atol=1e-12)
    for found, f, P in ((here, lambda P: w @ pairs(P, B).covariance, A), (there, lambda P: w @ pairs(A, P).covariance, B)):
        for k, j in np.ndindex(6, 2):
            step = np.zeros_like(P)
            step[k, j] = 1e-6
            assert found[k, j] == pytest.approx((f(P + step) - f(P - step)) / 2e-6, rel=1e-5, abs=1e-7)
