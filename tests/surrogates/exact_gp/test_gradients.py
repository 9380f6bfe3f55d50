"""A process of values and partial derivatives: kernel, evidence, limits, and what it predicts."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from gpytorch.kernels import Matern52KernelGrad, RBFKernelGrad

from surrogates.columns import Column, Columns, Parent
from surrogates.exact_gp import ExactGP, Settings, gradients
from surrogates.exact_gp import fit as fit_values
from surrogates.exact_gp.core import evidence
from surrogates.exact_gp.fitting import Posterior
from surrogates.exact_gp.gradients import Gradients, derivative_rows, fit, from_memo
from surrogates.exact_gp.kernels import Kernel
from surrogates.exact_gp.kernels.derivatives import DerivativeNoise, Derivatives
from surrogates.exact_gp.kernels.stationary import Profile, Stationary

Array = np.ndarray
PROFILES: list[Profile] = ["rbf", "matern52"]
MIXED = Columns((Column("x"), Column("c", "categorical", (0.0, 1.0)), Column("y"), Column("z", parent=Parent((1,), ((1.0,),)))))


def all_rows(X: Array) -> Array:
    """Value and every derivative, point by point."""
    n, d = X.shape
    return np.column_stack([np.repeat(X, d + 1, axis=0), np.tile(np.arange(d + 1.0), n)])


def quadratic(X: Array) -> tuple[Array, Array]:
    """Bowl whose axes are not those of the cube, and its gradients."""
    H = np.array([[3.0, 1.0, 0.0], [1.0, 2.0, -0.5], [0.0, -0.5, 1.0]])
    E = X - 0.4
    return -np.einsum("ni,ij,nj->n", E, H, E), -2.0 * E @ H


def differences(f: object, x: Array, step: float = 1e-5) -> Array:
    """Central differences of a function of an array, of the array's shape before that of its values."""
    found = [(f(x + step * e.reshape(x.shape)) - f(x - step * e.reshape(x.shape))) / (2 * step) for e in np.eye(x.size)]  # type: ignore[operator]
    return np.array(found).reshape(x.shape + np.shape(found[0]))


@pytest.mark.parametrize("profile", PROFILES)
def test_covariances_are_those_of_gpytorch(profile: Profile) -> None:
    rng = np.random.default_rng(0)
    X, Z, scales = rng.random((5, 3)), rng.random((4, 3)), rng.uniform(0.2, 2.0, 3)
    kernel = Derivatives(Stationary((0, 1, 2), profile), 3)
    for other in (Z, X):
        theirs = {"rbf": RBFKernelGrad, "matern52": Matern52KernelGrad}[profile](ard_num_dims=3).double()
        theirs.lengthscale = torch.tensor(scales)
        expected = theirs(torch.tensor(X), torch.tensor(other)).to_dense().detach().numpy()
        A, B = kernel.features(all_rows(X)), kernel.features(all_rows(other))
        assert kernel.gram(np.log(scales), A, B).matrix == pytest.approx(expected, abs=1e-10)
    assert kernel.diagonal(np.log(scales), A) == pytest.approx(np.diag(kernel.gram(np.log(scales), A, A).matrix), abs=1e-13)


@pytest.mark.parametrize("profile", PROFILES)
def test_covariances_are_derivatives_of_that_of_values(profile: Profile) -> None:
    base, theta = Stationary((0, 1), profile), np.log([0.4, 0.8])
    kernel = Derivatives(base, 2)
    x, z = np.array([0.2, 0.7]), np.array([0.5, 0.4])

    def k(x: Array, z: Array) -> float:
        return float(base.gram(theta, base.features(x[None]), base.features(z[None])).matrix[0, 0])

    whole = kernel.gram(theta, kernel.features(all_rows(x[None])), kernel.features(all_rows(z[None]))).matrix
    assert whole[0, 0] == k(x, z)
    assert whole[1:, 0] == pytest.approx(differences(lambda x: k(x, z), x), rel=1e-7)
    assert whole[0, 1:] == pytest.approx(differences(lambda z: k(x, z), z), rel=1e-7)
    assert whole[1:, 1:] == pytest.approx(differences(lambda x: differences(lambda z: k(x, z), z, 1e-4), x, 1e-4), rel=1e-5, abs=1e-6)


def mixed_kernel() -> Kernel:
    return Settings(derivatives="inferred", outputscale=True, kernel="matern52").build(MIXED, 4)


@pytest.mark.parametrize("name", [*PROFILES, "mixed"])
def test_its_pulls_are_gradients(name: str) -> None:
    rng = np.random.default_rng(1)
    kernel: Kernel = mixed_kernel() if name == "mixed" else Derivatives(Stationary((0, 2), name), 4)  # type: ignore[arg-type]
    X, Z = rng.random((6, 4)), rng.random((5, 4))
    X[:, 1], Z[:, 1], X[0], X[4] = [1, 0, 1, 1, 0, 1], [1, 1, 0, 1, 1], Z[0], X[3]  # some points are of both sets
    X[[1, 4], 3] = Z[2, 3] = 0.5
    X, Z = np.column_stack([X, [0, 1, 3, 3, 0, 1]]), np.column_stack([Z, [0, 3, 1, 0, 3]])
    theta = kernel.parameters.start + 0.3 * rng.standard_normal(len(kernel.parameters)) - 1.0
    W = rng.standard_normal((6, 5))

    def total(theta: Array, P: Array) -> float:
        return float((W * kernel.gram(theta, kernel.features(np.column_stack([P, X[:, -1]])), kernel.features(Z)).matrix).sum())

    gram = kernel.gram(theta, kernel.features(X), kernel.features(Z))
    assert gram.pull_parameters(W) == pytest.approx(differences(lambda t: total(t, X[:, :-1]), theta), rel=1e-6, abs=1e-7)
    free = np.ix_(range(1 if name == "matern52" else 0, 6), [0, 2])  # where points meet, second derivatives of a Matern kernel have a kink
    slopes = differences(lambda P: total(theta, P), X[:, :-1], 1e-6)
    assert gram.pull_inputs(W)[:, :-1][free] == pytest.approx(slopes[free], rel=1e-5, abs=1e-6)
    assert np.allclose(gram.transposed().matrix.T, gram.matrix, rtol=0.0, atol=1e-14)
    values = kernel.gram(theta, kernel.features(X[:, :-1]), kernel.features(Z))
    assert values.matrix[[0, 4]] == pytest.approx(gram.matrix[[0, 4]], abs=1e-14)  # points without a mark are values
    assert values.pull_inputs(W).shape == (6, 4)


@pytest.mark.parametrize("value_noise", ["inferred", "known"])
@pytest.mark.parametrize("noise", ["inferred", "known"])
def test_the_gradient_of_the_density_is_right(value_noise: str, noise: str) -> None:
    rng = np.random.default_rng(2)
    X = rng.random((5, 3))
    y, G = quadratic(X)
    G[rng.random(G.shape) < 0.3] = np.nan
    told = None if noise == "inferred" else rng.uniform(0.01, 0.1, G.shape)
    rows, values, known, slopes, settings = gradients._data(
        X, y, Gradients(G, told), None if value_noise == "inferred" else rng.uniform(0.01, 0.1, 5), None, Settings()
    )
    density = Posterior(settings.build(None, 3), rows, values, known, settings, slopes=slopes)
    assert len(density.parameters) == 3 + (noise == "inferred") + (value_noise == "inferred")
    theta = density.parameters.start + 0.5 * rng.standard_normal(len(density.parameters))
    assert density(theta)[1] == pytest.approx(differences(lambda t: density(t)[0], theta), rel=1e-6, abs=1e-8)


def test_the_evidence_is_a_normal_density() -> None:
    rng = np.random.default_rng(3)
    X = rng.random((4, 3))
    y, G = quadratic(X)
    gp = fit(X, y, Gradients(G))
    noise = np.where(gp.X[:, -1] == 0, gp.noise, np.exp(gp.theta[-1]))
    K = gp.kernel.gram(gp.theta, gp.features, gp.features).matrix + np.diag(noise)
    residual = np.concatenate([y - gp.weights[0], G.reshape(-1)])
    expected = -0.5 * (residual @ np.linalg.solve(K, residual) + np.linalg.slogdet(2 * np.pi * K)[1])
    assert gp.log_marginal_likelihood == pytest.approx(expected, rel=1e-9)
    basis = (gp.X[:, -1:] == 0).astype(float)
    assert evidence(gp.kernel, gp.theta, gp.features, gp.y, noise, basis).value == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("profile, share", [("rbf", 0.05), ("matern52", 0.3)])
def test_gradients_say_far_more_than_values_alone(profile: Profile, share: float) -> None:
    rng = np.random.default_rng(4)
    X, T = rng.random((8, 3)), rng.random((200, 3))
    y, G = quadratic(X)
    shift, scale = y.mean(), y.std()
    settings = Settings(noise_floor=1e-6, noise_prior=(-6.0, 2.0), kernel=profile, outputscale=True)
    y, G, expected = (y - shift) / scale, G / scale, (quadratic(T)[0] - shift) / scale
    with_them, without = fit(X, y, Gradients(G), settings=settings), fit_values(X, y, settings=settings)
    wrong, wrong_without = (float(np.sqrt(np.mean((gp.predict(T)[0] - expected) ** 2))) for gp in (with_them, without))
    assert wrong < share * wrong_without
    slopes = with_them.at(derivative_rows(T, np.zeros(200, int))).mean
    assert slopes == pytest.approx(differences(lambda h: with_them.predict(T + np.array([h.item(), 0, 0]))[0], np.zeros(1))[0], abs=1e-4)


def test_infinitely_noisy_gradients_say_nothing() -> None:
    rng = np.random.default_rng(5)
    X, T = rng.random((8, 3)), rng.random((20, 3))
    y, G = quadratic(X)
    without = fit_values(X, y)
    known = Gradients(G, np.full(G.shape, 1e14))
    for told in (known, Gradients(np.full(G.shape, np.nan), np.zeros(G.shape))):
        gp = from_memo(X, y, told, None, without.memo())
        assert len(gp.y) == 8 + 3 * 8 * (told is known)
        for found, expected in zip(gp.predict(T), without.predict(T), strict=True):
            assert found == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_points_that_stand_without_a_derivative_are_no_row() -> None:
    X = np.random.default_rng(6).random((5, 3))
    y, G = quadratic(X)
    G[1], G[3, 2] = np.nan, np.nan
    gp = fit(X, y, Gradients(G))
    assert len(gp.y) == 5 + 4 * 3 - 1
    assert np.array_equal(gp.X[:5, -1], np.zeros(5))
    assert gp.X[5:, -1].tolist() == [1, 2, 3, 1, 2, 3, 1, 2, 1, 2, 3]
    assert gp.y[5:8] == pytest.approx(G[0])


@pytest.mark.parametrize("known", [False, True])
def test_a_memo_brings_the_same_process_back(known: bool) -> None:
    rng = np.random.default_rng(7)
    X = rng.random((6, 3))
    y, G = quadratic(X)
    told = Gradients(G, np.full(G.shape, 1e-3) if known else None)
    yvar = np.full(6, 1e-3) if known else None
    gp = fit(X, y, told, yvar)
    again = from_memo(X, y, told, yvar, json.loads(json.dumps(gp.memo())))
    assert np.array_equal(gp.alpha, again.alpha)
    assert np.array_equal(gp.L, again.L)
    with pytest.raises(ValueError, match="another kernel"):
        from_memo(X, y, Gradients(G, None if known else np.ones(G.shape)), yvar, gp.memo())
    assert "warm fit" in fit(X, y, told, yvar, warm=gp.memo()).record[0]


def grown(gp: ExactGP, X: Array, rows: Array, y: Array, yvar: Array | None) -> None:
    """The process after more data is the process of all data with its hyperparameters."""
    more = gp.condition(rows, y, yvar)
    added = gp.noise if yvar is None else yvar
    whole = np.vstack([gp.X, rows if rows.shape[1] == gp.X.shape[1] else np.column_stack([rows, np.zeros(len(rows))])])
    variances = np.concatenate([gp.yvar, np.broadcast_to(added, len(y))])  # type: ignore[list-item]
    K = gp.kernel.gram(gp.theta, gp.kernel.features(whole), gp.kernel.features(whole)).matrix + np.diag(variances)
    residual = np.concatenate([gp.y, y]) - gp.weights[0] * (whole[:, -1] == 0)
    k = gp.kernel.gram(gp.theta, gp.kernel.features(X), gp.kernel.features(whole)).matrix
    assert more.predict(X)[0] == pytest.approx(gp.weights[0] + k @ np.linalg.solve(K, residual), abs=1e-7)
    assert more.predict(X)[1] == pytest.approx(1.0 - np.einsum("ij,ji->i", k, np.linalg.solve(K, k.T)), abs=1e-7)


def test_it_grows_by_values_and_by_derivatives() -> None:
    rng = np.random.default_rng(8)
    X, new, T = rng.random((5, 3)), rng.random((2, 3)), rng.random((10, 3))
    y, G = quadratic(X)
    gp = fit(X, y, Gradients(G))
    grown(gp, T, new, quadratic(new)[0], None)
    grown(gp, T, new, quadratic(new)[0], np.full(2, 0.01))
    grown(gp, T, derivative_rows(new, [0, 2]), quadratic(new)[1][[0, 1], [0, 2]], np.full(2, 1e-3))
    with pytest.raises(ValueError, match="yvar_new"):
        fit(X, y, Gradients(G), np.full(5, 0.1)).condition(new, [0.0, 1.0])


def test_moments_with_a_baseline_and_their_gradients() -> None:
    rng = np.random.default_rng(9)
    X, B, T = rng.random((5, 3)), rng.random((4, 3)), rng.random((3, 3))
    y, G = quadratic(X)
    gp = fit(X, y, Gradients(G), settings=Settings(kernel="matern52"))
    baseline = gp.baseline(B)
    assert gp.at(T, baseline).covariance == pytest.approx(gp.covariance(T, B), abs=1e-12)
    assert gp.pairs(gp.at(T), gp.at(B[:3])).covariance == pytest.approx(np.diag(gp.covariance(T, B[:3])), abs=1e-12)
    w, v, c = rng.standard_normal(3), rng.standard_normal(3), rng.standard_normal((3, 4))

    def total(T: Array) -> float:
        found = gp.at(T, baseline)
        return float(w @ found.mean + v @ found.variance + (c * found.covariance).sum())

    assert gp.at(T, baseline).pull(w, v, c) == pytest.approx(differences(total, T), rel=1e-6, abs=1e-8)


@pytest.mark.parametrize("name", [*PROFILES, "mixed"])
def test_value_and_derivatives_of_a_point_together(name: str) -> None:
    rng = np.random.default_rng(10)
    columns, partials = (MIXED, (2, 0)) if name == "mixed" else (None, (1, 2, 0))
    d = 4 if name == "mixed" else 3
    X, B, T = rng.random((6, d)), rng.random((4, d)), rng.random((3, d))
    G = rng.standard_normal(X.shape)
    if name == "mixed":
        for points in (X, B, T):
            points[:, 1] = 1.0
        G[:, [1, 3]] = np.nan
    gp = fit(X, rng.standard_normal(6), Gradients(G), columns=columns, settings=Settings(kernel="matern52" if name == "mixed" else name))  # type: ignore[arg-type]
    baseline, p = gp.baseline(B), 1 + len(partials)
    joint = gp.joint(T, partials, baseline)
    rows = np.column_stack([np.repeat(T, p, axis=0), np.tile([0, *(c + 1 for c in partials)], 3)])
    whole = gp.covariance(rows, rows).reshape(3, p, 3, p)
    assert joint.covariance == pytest.approx(whole[np.arange(3), :, np.arange(3)], abs=1e-10)
    assert joint.across == pytest.approx(gp.covariance(rows, B).reshape(3, p, 4), abs=1e-12)
    assert joint.mean == pytest.approx(gp.at(rows).mean.reshape(3, p), abs=1e-12)
    w, v, c = rng.standard_normal((3, p)), rng.standard_normal((3, p, p)), rng.standard_normal((3, p, 4))

    def total(T: Array) -> float:
        found = gp.joint(T, partials, baseline)
        return float((w * found.mean).sum() + (v * found.covariance).sum() + (c * found.across).sum())

    free = [0, 2, 3] if name == "mixed" else [0, 1, 2]  # a step off a level is no step of the space
    assert joint.pull(w, v, c)[:, free] == pytest.approx(differences(total, T)[:, free], rel=1e-5, abs=1e-6)
    with pytest.raises(ValueError, match="baseline"):
        gp.joint(T, partials).across


def test_what_has_no_derivatives_is_refused() -> None:
    X = np.random.default_rng(11).random((4, 4))
    X[:, 1] = 0.0
    y = X[:, 0]
    with pytest.raises(ValueError, match="rbf or matern52"):
        fit(X, y, Gradients(X), settings=Settings(kernel="matern32"))
    with pytest.raises(ValueError, match="warped"):
        fit(X, y, Gradients(X), settings=Settings(warp=True))
    with pytest.raises(ValueError, match="derivative by column 1"):
        fit(X, y, Gradients(np.full(X.shape, 1.0)), columns=MIXED)
    with pytest.raises(ValueError, match="infinite"):
        fit(X, y, Gradients(np.full(X.shape, np.inf)))
    with pytest.raises(ValueError, match="gradients are"):
        fit(X, y, Gradients(X[:2]))
    with pytest.raises(ValueError, match="non-negative"):
        fit(X, y, Gradients(X, np.full(X.shape, -1.0)))


def test_the_noise_of_derivatives_is_found() -> None:
    """Of 150 derivatives with a noise of 0.3: its standard error is 6 %, and ten of them are allowed."""
    rng = np.random.default_rng(12)
    X = rng.random((50, 3))
    y, G = quadratic(X)
    gp = fit(X, y, Gradients(G + 0.3 * rng.standard_normal(G.shape)))
    assert isinstance(gp.kernel, DerivativeNoise)
    assert np.exp(0.5 * gp.theta[-1]) == pytest.approx(0.3, rel=0.3)
    assert gp.noise < 0.01
