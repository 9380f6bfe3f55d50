"""Surrogates on random Fourier features: the kernel they come to, both forms of their weights, and their means."""

from __future__ import annotations

import numpy as np
import pytest

from bbo.zeroth_order.fourier import FourierFeatures, mean_of

D = 3


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_products_of_features_are_the_kernel_up_to_one_over_the_root_of_their_number() -> None:
    X = rng().random((20, D))
    kernel = np.exp(-((X[:, None] - X) ** 2).sum(-1) / (2 * 0.7**2))
    errors = []
    for count in (100, 10_000):
        features = FourierFeatures.draw(count, D, 0.7, rng()).of(X)
        errors.append(np.sqrt(np.mean((features @ features.T - kernel) ** 2)))
    assert errors[0] < 2 / np.sqrt(100)
    assert errors[1] < 2 / np.sqrt(10_000)
    assert errors[1] < errors[0] / 5


def test_weights_are_those_of_ridge_regression() -> None:
    """The form in the samples equals the form in the features."""
    basis, X, y = FourierFeatures.draw(30, D, 1.0, rng()), rng().random((12, D)), rng().normal(size=12)
    F = basis.of(X)
    expected = np.linalg.solve(F.T @ F + 0.1 * np.eye(30), F.T @ y)
    assert basis.weights(X, y, 0.1) == pytest.approx(expected, rel=1e-8, abs=1e-10)


def test_the_gradient_is_that_of_the_surrogate() -> None:
    basis, w, x, step = FourierFeatures.draw(50, D, 0.5, rng()), rng().normal(size=50), np.array([0.2, 0.5, 0.9]), 1e-6
    slopes = [((basis.of([x + step * e]) - basis.of([x - step * e])) @ w)[0] / (2 * step) for e in np.eye(D)]
    assert basis.gradient(x, w) == pytest.approx(slopes, rel=1e-7)


def test_the_mean_of_gradients_is_the_gradient_of_the_mean() -> None:
    basis, weights = FourierFeatures.draw(50, D, 0.5, rng()), list(rng().normal(size=(3, 50)))
    mean = np.mean([basis.gradient(np.ones(D), w) for w in weights], axis=0)
    assert basis.gradient(np.ones(D), mean_of(weights)) == pytest.approx(mean, rel=1e-12)


def test_the_surrogate_of_a_quadratic_has_nearly_its_gradient() -> None:
    basis, X = FourierFeatures.draw(1000, D, np.sqrt(D), rng()), rng().uniform(-1, 1, (300, D))
    y = ((X - 0.3) ** 2).sum(1)
    w = basis.weights(X, y - y.mean(), 1e-4)
    for x in rng().uniform(-0.5, 0.5, (5, D)):
        exact = 2 * (x - 0.3)
        assert np.linalg.norm(basis.gradient(x, w) - exact) < 0.1 * np.linalg.norm(exact)


@pytest.mark.parametrize("n", [1, 3, 7])
def test_the_mean_of_equal_vectors_is_that_vector(n: int) -> None:
    vector = rng().normal(size=100)
    assert np.array_equal(mean_of([vector] * n), vector)
