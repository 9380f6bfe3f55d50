"""Several tasks in one process: against single tasks, shifts, and the process over all columns; and what the fit makes of them."""

import numpy as np
import pytest

from surrogates.columns import Column, Columns
from surrogates.exact_gp import ExactGP, OneTask, Settings, fit
from surrogates.exact_gp.core import evidence
from surrogates.exact_gp.kernels import Coregional, LevelNoise, Offsets, Sum, matrix

TABLE = Columns((Column("x"), Column("z"), Column("task", "categorical", (0.25, 0.75), role="task")))
BOX = Columns(TABLE.entries[:2])
HERE, THERE = 0.75, 0.25
SETTINGS = Settings(noise_floor=1e-6, noise_prior=(-6.0, 2.0))


def at(X, task):
    return np.column_stack([X, np.full(len(X), task)])


def data(there=14, here=6, seed=0):
    rng = np.random.default_rng(seed)
    return rng.random((there, 2)), rng.random((here, 2)), rng.random((9, 2))


def wave(X, shift=0.0):
    return np.sin(5 * (X[:, 0] - shift)) + np.cos(4 * X[:, 1])


def together(X_there, y_there, X_here, y_here, theta, *, noise=1e-4, mean=0.0):
    """Both tasks with hyperparameters as given: by name, of the kernel that the columns call for."""
    kernel = SETTINGS.build(TABLE, 3)
    assert isinstance(kernel, Sum)
    assert isinstance(kernel.parts[0], Coregional)
    names = kernel.parameters.names
    values = dict(zip(names, kernel.parameters.start, strict=True)) | {"noise[0]": np.log(1e-6)} | theta
    assert values.keys() == set(names)
    X, y = np.vstack([at(X_there, THERE), at(X_here, HERE)]), np.concatenate([y_there, y_here])
    arguments = (kernel, np.array([values[name] for name in names]), X, y, None, noise, TABLE, SETTINGS)
    return OneTask(ExactGP.conditioned(*arguments, weights=np.array([mean])), HERE, len(X_there))


def test_offsets_are_constants_of_all_levels_but_the_last():
    levels = Columns((Column("x"), Column("task", "categorical", (0.0, 0.5, 1.0), role="task")))
    X = np.column_stack([np.linspace(0, 1, 6), [0.0, 0.0, 0.5, 0.5, 1.0, 1.0]])
    expected = 3.0 * np.kron(np.diag([1.0, 1.0, 0.0]), np.ones((2, 2)))
    np.testing.assert_array_equal(matrix(Offsets(1, levels, 3.0), np.empty(0), X, X), expected)


def test_noise_of_a_level_is_of_a_measurement_and_not_of_a_point():
    levels = Columns((Column("x"), Column("task", "categorical", (0.0, 0.5, 1.0), role="task")))
    X = np.column_stack([[0.1, 0.1, 0.1, 0.4, 0.4], [0.0, 0.0, 0.5, 0.5, 1.0]])
    kernel, theta = LevelNoise(1, levels), np.log([0.3, 0.7])
    A, W = kernel.features(X), np.random.default_rng(0).random((5, 5))
    among = kernel.gram(theta, A, A)
    np.testing.assert_allclose(among.matrix, np.diag([0.3, 0.3, 0.7, 0.7, 0.0]))
    np.testing.assert_allclose(among.pull_parameters(W), [0.3 * (W[0, 0] + W[1, 1]), 0.7 * (W[2, 2] + W[3, 3])])
    assert not matrix(kernel, theta, X, X).any()
    assert not kernel.gram(theta, A, kernel.features(X)).pull_parameters(W).any()
    assert not kernel.diagonal(theta, A).any()


def test_the_fit_follows_the_slope_of_the_evidence():
    X_there, X_here, _ = data()
    X, y = np.vstack([at(X_there, THERE), at(X_here, HERE)]), np.concatenate([wave(X_there), wave(X_here)])
    kernel = SETTINGS.build(TABLE, 3)
    A, H, theta = kernel.features(X), np.ones((len(y), 1)), kernel.parameters.start + 0.1
    found = evidence(kernel, theta, A, y, 1e-3, H)
    for k in range(len(theta)):
        step = 1e-5 * np.eye(len(theta))[k]
        slope = (evidence(kernel, theta + step, A, y, 1e-3, H).value - evidence(kernel, theta - step, A, y, 1e-3, H).value) / 2e-5
        assert found.kernel[k] == pytest.approx(slope, rel=1e-4, abs=1e-5), kernel.parameters.names[k]


def test_with_a_multiple_of_zero_it_is_the_single_task():
    X_there, X_here, Z = data()
    lengthscales = {"lengthscale[0]": np.log(0.4), "lengthscale[1]": np.log(0.7)}
    joint = together(
        X_there, 5 * wave(X_there) + 30, X_here, wave(X_here), {**lengthscales, "rho[1]": 0.0, "variance[0]": np.log(1.7)}, mean=0.3
    )
    alone_kernel = Settings(outputscale=True).build(BOX, 2)
    theta = np.array([np.log(0.4), np.log(0.7), np.log(1.7)])
    alone = ExactGP.conditioned(alone_kernel, theta, X_here, wave(X_here), None, 1e-4, BOX, SETTINGS, weights=np.array([0.3]))
    for found, expected in zip(joint.predict(Z), alone.predict(Z), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(joint.covariance(Z, Z[:3]), alone.covariance(Z, Z[:3]), atol=1e-12)
    for found, expected in zip(joint.loo(), alone.loo(), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-7)


def test_the_zero_of_another_task_does_not_matter():
    X_there, X_here, Z = data()
    theta = {"lengthscale[0]": np.log(0.4), "lengthscale[1]": np.log(0.7)}
    means = [together(X_there, wave(X_there) + shift, X_here, wave(X_here), theta).predict(Z)[0] for shift in (0.0, 1.0)]
    alone = together(X_there[:0], np.empty(0), X_here, wave(X_here), theta).predict(Z)[0]
    assert np.abs(means[0] - alone).max() > 0.1  # it is heard
    np.testing.assert_allclose(means[1], means[0], atol=0.02)


def test_the_same_function_elsewhere_is_known_here():
    """With a multiple of one and no discrepancy but a constant, one value here tells all those that were measured there."""
    X_there, X_here, _ = data()
    theta = {"lengthscale[0]": np.log(0.4), "lengthscale[1]": np.log(0.7), "rho[1]": 1.0, "variance[0]": 0.0, "variance[1]": np.log(1e-5)}
    joint = together(X_there, wave(X_there) - 4.0, X_here[:1], wave(X_here[:1]), theta, noise=1e-6)
    mean, variance = joint.predict(X_there)
    assert variance.max() < 0.01  # of 1 before any data; what is left is the noise that other task may have had
    assert np.abs(mean - wave(X_there)).max() < 0.1
    uncertain = together(X_there, wave(X_there) - 4.0, X_here[:1], wave(X_here[:1]), {**theta, "variance[1]": np.log(0.3)}, noise=1e-6)
    assert np.median(uncertain.predict(X_there)[1]) > 0.05


@pytest.fixture(scope="module")
def joint():
    X_there, X_here, _ = data()
    theta = {"lengthscale[0]": np.log(0.4), "lengthscale[1]": np.log(0.7), "rho[1]": 0.8}
    return together(X_there, wave(X_there) + 1.0, X_here, wave(X_here), theta)


def test_it_is_the_process_at_its_task(joint):
    Z = np.random.default_rng(3).random((7, 2))
    B = Z[:4]
    for found, expected in zip(joint.predict(Z), joint.gp.predict(at(Z, HERE)), strict=True):
        np.testing.assert_array_equal(found, expected)
    baseline = joint.baseline(B)
    np.testing.assert_allclose(baseline.covariance, joint.gp.covariance(at(B, HERE), at(B, HERE)), atol=1e-12)
    moments = joint.at(Z, baseline)
    np.testing.assert_allclose(moments.covariance, joint.covariance(Z, B), atol=1e-12)
    np.testing.assert_array_equal(moments.variance, joint.predict(Z)[1])
    assert np.all(moments.variance_bound >= moments.variance - 1e-12)
    np.testing.assert_allclose(joint.pairs(joint.at(Z), joint.at(Z[::-1])).covariance, np.diag(joint.covariance(Z, Z[::-1])), atol=1e-12)
    assert (len(joint.y), joint.yvar, joint.noise) == (6, None, 1e-4)


def test_its_gradients_are_of_its_own_columns(joint):
    rng = np.random.default_rng(4)
    Z, W, B, h = rng.random((5, 2)), rng.random((5, 2)), rng.random((3, 2)), 1e-6
    d_mean, d_variance, d_covariance, d = rng.random(5), rng.random(5), rng.random((5, 3)), rng.random(5)

    def total(P):
        moments = joint.at(P, joint.baseline(B))
        return d_mean @ moments.mean + d_variance @ moments.variance + np.sum(d_covariance * moments.covariance)

    steps = [h * np.eye(1, 10, k).reshape(5, 2) for k in range(10)]
    slopes = np.array([(total(Z + step) - total(Z - step)) / (2 * h) for step in steps]).reshape(5, 2)
    np.testing.assert_allclose(joint.at(Z, joint.baseline(B)).pull(d_mean, d_variance, d_covariance), slopes, rtol=1e-5, atol=1e-6)

    def together(A, B):
        return joint.pairs(joint.at(A), joint.at(B))

    first, second = together(Z, W).pull(d)
    by_first = [(d @ (together(Z + step, W).covariance - together(Z - step, W).covariance)) / (2 * h) for step in steps]
    by_second = [(d @ (together(Z, W + step).covariance - together(Z, W - step).covariance)) / (2 * h) for step in steps]
    np.testing.assert_allclose(first, np.reshape(by_first, (5, 2)), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(second, np.reshape(by_second, (5, 2)), rtol=1e-5, atol=1e-6)


def test_added_data_are_its_own(joint):
    rng = np.random.default_rng(5)
    X_new, Z = rng.random((3, 2)), rng.random((6, 2))
    grown = joint.condition(X_new, wave(X_new))
    gp = joint.gp
    X, y = np.vstack([gp.X, at(X_new, HERE)]), np.concatenate([gp.y, wave(X_new)])
    anew = ExactGP.conditioned(gp.kernel, gp.theta, X, y, None, gp.noise, TABLE, SETTINGS, weights=gp.weights)
    for found, expected in zip(grown.predict(Z), anew.predict(at(Z, HERE)), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-10)
    assert len(grown.y) == 9
    assert len(grown.loo()[0]) == 9


def errors(y_there, *, here, seed):
    """Root mean square errors at new points of the task, with what was measured elsewhere and without; values of standard deviation one."""
    X_there, X_here, _ = data(30, here, seed)
    Z = np.random.default_rng(9).random((200, 2))
    unit, y = np.std(wave(Z)), wave(X_here) / np.std(wave(Z))
    there = y_there(X_there)
    there = (there - there.mean()) / there.std()
    X = np.vstack([at(X_there, THERE), at(X_here, HERE)])
    joint = OneTask(fit(X, np.concatenate([there, y]), columns=TABLE, settings=SETTINGS), HERE, 30)
    alone = fit(X_here, y, columns=BOX, settings=SETTINGS)
    return [float(np.sqrt(np.mean((gp.predict(Z)[0] - wave(Z) / unit) ** 2))) for gp in (joint, alone)]


@pytest.mark.parametrize(
    "like",
    [lambda X: wave(X), lambda X: 1e3 + 40 * wave(X), lambda X: wave(X, 0.05) + 0.3 * X[:, 1]],
    ids=["the same", "other units", "shifted and tilted"],
)
def test_what_is_alike_helps(like):
    for seed in (1, 2):
        with_it, without = errors(like, here=8, seed=seed)
        assert with_it < 0.5 * without


@pytest.mark.parametrize(
    "unlike",
    [lambda X: np.sin(9 * X[:, 0] * X[:, 1]) - X[:, 1], lambda X: np.random.default_rng(2).standard_normal(len(X))],
    ids=["another function", "noise"],
)
def test_what_misleads_is_ignored_once_there_are_data(unlike):
    with_it, without = np.transpose([errors(unlike, here=20, seed=seed) for seed in range(1, 5)])
    assert np.all(with_it < 0.2)
    assert np.median(with_it / without) < 1.5
