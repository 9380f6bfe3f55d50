"""The regression oracle against ridge regression, and on data that a network has made."""

from __future__ import annotations

import numpy as np
import pytest

from surrogates.parametric import Linear, SigmoidNetwork, fit


def test_a_linear_family_is_ridge_regression() -> None:
    rng = np.random.default_rng(0)
    X, y = rng.random((12, 3)), rng.standard_normal(12)
    F = np.column_stack([np.ones(12), X])
    for decay in (0.0, 0.3):
        found = fit(Linear(3), X, y, rng=rng, weight_decay=decay, restarts=2)
        np.testing.assert_allclose(found, np.linalg.solve(F.T @ F + decay * np.eye(4), F.T @ y), atol=1e-5)


def test_a_network_fits_what_a_network_made() -> None:
    rng = np.random.default_rng(1)
    family = SigmoidNetwork(2, hidden=2)
    truth = 3 * rng.standard_normal(family.n_parameters)
    X, other = rng.random((60, 2)), rng.random((200, 2))
    found = fit(family, X, family.value(truth, X), rng=rng)
    error = family.value(found, other) - family.value(truth, other)
    assert np.sqrt(np.mean(error**2)) < 0.01 * np.std(family.value(truth, other))


def test_more_starts_are_never_worse() -> None:
    rng = np.random.default_rng(2)
    family, X, y = SigmoidNetwork(1, hidden=3), rng.random((15, 1)), rng.standard_normal(15)

    def loss(restarts: int) -> float:
        w = fit(family, X, y, rng=np.random.default_rng(7), weight_decay=1e-3, restarts=restarts)
        return float(np.sum((family.value(w, X) - y) ** 2) + 1e-3 * w @ w)

    losses = [loss(k) for k in (1, 3, 10)]
    assert losses == sorted(losses, reverse=True)


def test_a_loss_that_is_no_number_is_refused() -> None:
    with pytest.raises(ArithmeticError, match="finite loss"):
        fit(Linear(1), np.zeros((2, 1)), np.array([np.nan, 0.0]), rng=np.random.default_rng(0), restarts=2)
