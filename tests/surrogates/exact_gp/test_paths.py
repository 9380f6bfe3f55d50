"""Sample paths: their moments against the posterior's, what they do at data, and their gradients."""

import numpy as np
import pytest

from bbo.testing.surrogate import TREE
from surrogates.columns import INACTIVE
from surrogates.exact_gp import Settings, fit, sample_path

CASES = {
    "rbf": (None, Settings()),
    "matern12": (None, Settings(kernel="matern12")),
    "matern32": (None, Settings(kernel="matern32")),
    "matern52": (None, Settings(kernel="matern52")),
    "outputscale and slopes": (None, Settings(outputscale=True, mean="linear")),
    "warped": (None, Settings(warp=True, max_iterations=20)),
    "tree": (TREE, Settings()),
    "matern over a tree": (TREE, Settings(kernel="matern32")),
}


@pytest.fixture(scope="module", params=CASES)
def case(request):
    """A process with noise, and points, one of them of its data and one close to another."""
    columns, settings = CASES[request.param]
    rng = np.random.default_rng(3)
    X = rng.random((14, 4 if columns else 2))
    if columns:
        X = columns.snap(X)
        X[~columns.active(X)] = INACTIVE
    y = np.sin(4 * X[:, 0]) + X[:, 1] + 0.3 * rng.standard_normal(14)
    gp = fit(X[:8], (y[:8] - y.mean()) / y.std(), np.full(8, 0.1), columns=columns, settings=settings)
    near = X[8] + np.eye(X.shape[1])[0] * 1e-3
    return gp, np.vstack([X[0], X[8:12], near])


def test_mean_and_covariance_are_the_posteriors(case):
    """Over frequencies as well, both are exact, with however few waves; within 4 standard errors, 216 numbers in all."""
    gp, points = case
    rng = np.random.default_rng(0)
    draws = np.array([sample_path(gp, rng, waves=8).value(points) for _ in range(700)])
    mean, _ = gp.predict(points)
    centred = draws - mean
    products = centred[:, :, None] * centred[:, None]
    for found, expected in ((draws, mean), (products, gp.covariance(points, points))):
        error = found.std(0) / np.sqrt(len(found))
        assert np.all(np.abs(found.mean(0) - expected) <= 4 * error + 1e-6)


def test_with_many_waves_the_values_at_a_point_are_normal():
    """A sum of few waves has lighter and heavier tails than a normal variable; excess kurtosis of 2,000 draws has the error 0.11."""
    gp = fit(np.array([[0.2], [0.4]]), np.array([1.0, -1.0]))
    rng = np.random.default_rng(1)
    draws = np.array([sample_path(gp, rng).value(np.array([[0.9]]))[0] for _ in range(2000)])
    z = (draws - draws.mean()) / draws.std()
    assert abs(np.mean(z**4) - 3) < 0.44 and abs(np.mean(z**3)) < 0.22


def test_meets_data_without_noise():
    rng = np.random.default_rng(2)
    X = rng.random((12, 3))
    y = np.cos(3 * X).sum(1)
    gp = fit(X, (y - y.mean()) / y.std(), np.zeros(12))  # counts as a variance of 1e-6
    for _ in range(5):
        np.testing.assert_allclose(sample_path(gp, rng, waves=64).value(X), gp.y, atol=6e-3)
    others = rng.random((30, 3))
    assert np.abs(sample_path(gp, rng).value(others) - sample_path(gp, rng).value(others)).max() > 1e-2


def test_gradients_by_differences(case):
    gp, points = case
    path = sample_path(gp, np.random.default_rng(5))
    X, h = np.abs(points[1:5] - 0.003), 1e-6  # off the data, where a Matern kernel of one half has a kink
    value, gradient = path.value_and_gradient(X)
    np.testing.assert_allclose(value, path.value(X), rtol=1e-12)
    for j in range(X.shape[1]):
        step = h * np.eye(X.shape[1])[j]
        numeric = (path.value(X + step) - path.value(X - step)) / (2 * h)
        np.testing.assert_allclose(gradient[:, j], numeric, atol=1e-5 * (1 + np.abs(gradient).max()))


def test_the_rough_values_are_nearly_the_values(case):
    gp, points = case
    path = sample_path(gp, np.random.default_rng(5))
    np.testing.assert_allclose(path.rough(points), path.value(points), atol=2e-4)
    assert np.any(path.rough(points) != path.value(points))


def test_on_torch_as_in_numpy():
    rng = np.random.default_rng(6)
    X = rng.random((9, 2))
    gps = [fit(X, np.sin(5 * X[:, 0]), device=device) for device in ("cpu", "torch")]
    memo = gps[0].memo()
    gps[1] = type(gps[0]).from_memo(X, np.sin(5 * X[:, 0]), None, memo, device="torch")
    value, gradient = sample_path(gps[0], np.random.default_rng(7)).value_and_gradient(X + 0.01)
    torch_value, torch_gradient = sample_path(gps[1], np.random.default_rng(7)).value_and_gradient(gps[1].X + 0.01)
    np.testing.assert_allclose(torch_value.numpy(), value, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(torch_gradient.numpy(), gradient, rtol=1e-6, atol=1e-7)


def test_refuses_a_kernel_without_frequencies():
    rng = np.random.default_rng(8)
    X = TREE.snap(rng.random((8, 4)))
    gp = fit(X, X[:, 0], columns=TREE, settings=Settings(categorical="latent", max_iterations=2))
    with pytest.raises(NotImplementedError, match="Latent has no spectral density"):
        sample_path(gp, rng)
