"""Extended probability of improvement: its factors one by one, the plain probability far from data, and differences."""

from types import SimpleNamespace

import numpy as np
import pytest

from acquisitions import LogExtendedProbabilityOfImprovement, LogProbabilityOfFeasibility, LogProbabilityOfImprovement, OutcomeConstraint
from acquisitions.at_target import moved
from acquisitions.crowding import LogRoom
from acquisitions.standing import Standing
from surrogates.columns import Column, Columns
from surrogates.exact_gp import fit
from tests.acquisitions.differences import slope

NAMED = Columns((Column("x"), Column("y"), Column("level", kind="ordinal", levels=(0.0, 1.0), role="fidelity")))
TARGET = {2: 1.0}


@pytest.fixture(scope="module")
def gp():
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.random((16, 2)), np.arange(16) % 2])
    y = np.sin(5 * X[:, :2]).sum(1) * (1 + X[:, 2]) + 0.3 * X[:, 0]
    return fit(X, (y - y.mean()) / y.std(), np.full(16, 0.01), columns=NAMED)


@pytest.fixture
def X():
    rng = np.random.default_rng(1)
    return np.column_stack([rng.random((30, 2)), np.arange(30) % 2])


def room(gp):
    return LogRoom(gp, 2, (0.0, 1.0))


def test_room_is_of_the_data_at_the_same_level(gp, X):
    features = gp.kernel.features
    for x, found in zip(X, room(gp).value(X), strict=True):
        data = gp.X[gp.X[:, 2] == x[2]]
        assert len(data) == 8
        K = gp.kernel.gram(gp.theta, features(np.vstack([x, data])), features(np.vstack([x, data]))).matrix
        correlations = K[0, 1:] / np.sqrt(K[0, 0] * np.diag(K)[1:])
        assert found == pytest.approx(np.log1p(-correlations).sum(), rel=1e-9)
    gradient = room(gp).value_and_gradient(X)[1]
    np.testing.assert_allclose(gradient[:, :2], slope(room(gp).value, X, columns=2), rtol=1e-5, atol=1e-6)
    assert not gradient[:, 2].any()


def test_at_a_datum_there_is_no_room_and_far_away_all(gp):
    at, far = room(gp).value(gp.X), room(gp).value(gp.X + np.array([60.0, 0.0, 0.0]))
    assert np.all(at < -25) and np.all(np.abs(far) < 1e-9)
    assert np.all(np.isfinite(room(gp).value_and_gradient(gp.X)[1]))


class Bent:
    """The kernel ``g(x) g(z) k(x, z)`` with ``g = 1 + x_0``, whose correlations are those of k."""

    def __init__(self, inner):
        self.inner = inner

    def features(self, X):
        return SimpleNamespace(inner=self.inner.features(X), X=X, g=1 + X[:, 0])

    def diagonal(self, theta, A):
        return self.inner.diagonal(theta, A.inner) * A.g**2

    def pull_diagonal(self, theta, A, w):
        return np.column_stack([w * self.inner.diagonal(theta, A.inner) * 2 * A.g, np.zeros_like(A.X[:, 1:])])

    def gram(self, theta, A, B):
        gram, outer = self.inner.gram(theta, A.inner, B.inner), np.multiply.outer(A.g, B.g)

        def pull_inputs(W):
            gradient = gram.pull_inputs(W * outer)
            gradient[:, 0] += (W * gram.matrix * B.g).sum(1)
            return gradient

        return SimpleNamespace(matrix=gram.matrix * outer, pull_inputs=pull_inputs)


def test_correlations_count_whatever_the_variances():
    rng = np.random.default_rng(0)
    X, P = rng.random((6, 2)), rng.random((5, 2))
    gp = fit(X, X.sum(1))
    kernel = Bent(gp.kernel)
    bent = LogRoom(SimpleNamespace(kernel=kernel, theta=gp.theta, X=gp.X, features=kernel.features(gp.X)))
    for found, expected in zip(bent.value_and_gradient(P), LogRoom(gp).value_and_gradient(P), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("noise", [0.0, 0.05])
def test_it_is_the_product_of_three(gp, X, noise):
    ours = LogExtendedProbabilityOfImprovement(room(gp), 0.7, noise, TARGET)
    there = moved(X, TARGET)
    plain = LogProbabilityOfImprovement(gp, 0.7).value(there)
    for k, x in enumerate(X):
        both = np.vstack([there[k], x])
        S = gp.covariance(both, both)
        squared = S[0, 1] ** 2 / (S[0, 0] * (S[1, 1] + noise))
        expected = plain[k] + 0.5 * np.log(squared) + room(gp).value(x[None])[0]
        assert ours.value(x[None])[0] == pytest.approx(expected, rel=1e-6, abs=1e-8)
    if noise == 0:
        np.testing.assert_allclose(ours.value(there), plain + room(gp).value(there), rtol=1e-10)


def test_gradient_by_differences(gp, X):
    constraints = [OutcomeConstraint(Standing(gp, TARGET), upper=0.4)]
    for noise, bounds in ((0.0, ()), (0.05, ()), (0.05, constraints)):
        ours = LogExtendedProbabilityOfImprovement(room(gp), 0.7, noise, TARGET, bounds)
        value, gradient = ours.value_and_gradient(X)
        np.testing.assert_allclose(value, ours.value(X), rtol=1e-12)
        np.testing.assert_allclose(gradient[:, :2], slope(ours.value, X, columns=2), rtol=1e-4, atol=1e-5)
    likely = LogProbabilityOfFeasibility(constraints).value(X)
    np.testing.assert_allclose(value, LogExtendedProbabilityOfImprovement(room(gp), 0.7, 0.05, TARGET).value(X) + likely, rtol=1e-10)


def test_far_below_the_best_it_is_finite_and_ordered(gp, X):
    values = [LogExtendedProbabilityOfImprovement(room(gp), best, 0.05, TARGET).value(X) for best in (3.0, 30.0, 300.0)]
    assert np.all(np.isfinite(values)) and np.all(np.diff(values, axis=0) < -1) and np.all(values[-1] < -1000)


def test_pending_points_are_among_the_data(gp, X):
    free = LogExtendedProbabilityOfImprovement(room(gp), -3.0, 0.01, TARGET)
    ours = free.with_pending(X[:1]).with_pending(X[1:3])
    grown = gp.condition(X[:3], gp.predict(X[:3])[0], np.full(3, 0.01))
    best = gp.predict(moved(X[:3], TARGET))[0].max()
    expected = LogExtendedProbabilityOfImprovement(room(grown), best, 0.01, TARGET)
    np.testing.assert_allclose(ours.value(X[3:]), expected.value(X[3:]), rtol=1e-6, atol=1e-8)
    assert np.all(ours.value(X[:3]) < free.value(X[:3]) - 10)
    assert free.with_pending(X[:0]) is free
