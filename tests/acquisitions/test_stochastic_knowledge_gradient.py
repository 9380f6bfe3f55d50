"""The knowledge gradient by stochastic gradients: against conditioning, differences, and the exact one on a fine grid."""

import numpy as np
import pytest

from acquisitions import LogDiscreteKnowledgeGradient
from acquisitions.domain import Box, Domain, Linear
from acquisitions.stochastic_knowledge_gradient import StochasticKnowledgeGradient, _Batch
from surrogates.columns import Column, Columns
from surrogates.exact_gp import fit

NOISE = 0.05
FINE = np.linspace(0, 1, 801)[:, None]


def box(d):
    shape = Box(tuple(range(d)), (0.0,) * d, (1.0,) * d, ((),) * d)
    return Domain(Columns(tuple(Column(f"x{k}") for k in range(d))), np.array([[0.0] * d, [1.0] * d]), shapes=(shape,))


def model(d=1, n=7, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.random((n, d))
    y = np.sin(7 * X).sum(1) + 0.3 * rng.standard_normal(n)
    return fit(X, (y - y.mean()) / y.std(), np.full(n, NOISE))


def score(d=1, q=1, p=40, **more):
    gp = model(d)
    P = np.random.default_rng(3).random((p, d)) if d > 1 else np.linspace(0, 1, p)[:, None]
    return StochasticKnowledgeGradient(gp, box(d), P, NOISE, q=q, **more)


def test_ways_are_as_long_and_as_many_as_in_the_source():
    """Frazier (2018), algorithm 3 and 4: R = 10 starts of T = 100 steps ``a / (a + t)`` with a = 4, compared by J = 1000 results."""
    s = score()
    assert (s.starts, s.steps, s.scale, s.replications) == (10, 100, 4.0, 1000)


@pytest.mark.parametrize("q", [1, 3])
def test_the_shift_is_what_measurements_do_to_the_mean(q):
    gp, rng = model(2), np.random.default_rng(1)
    X, Z, S = rng.random((1, q, 2)), rng.standard_normal((1, q)), rng.random((5, 2))
    batch = _Batch.of(gp, X, NOISE)
    measured = gp.condition(X[0], gp.predict(X[0])[0] + batch.L[0] @ Z[0], np.full(q, NOISE))
    shifted = gp.predict(S)[0] + gp.covariance(S, X[0]) @ batch.weights(Z)[0]
    np.testing.assert_allclose(shifted, measured.predict(S)[0], atol=1e-8)


@pytest.mark.parametrize("q", [1, 3])
def test_gradient_of_the_shift(q):
    gp, rng = model(2), np.random.default_rng(2)
    X, Z, best = rng.random((4, q, 2)), rng.standard_normal((4, q)), rng.random((4, 2))

    def shift(X):
        batch = _Batch.of(gp, X, NOISE)
        return np.array([gp.covariance(b[None], x)[0] @ u for b, x, u in zip(best, X, batch.weights(Z), strict=True)])

    gradient = _Batch.of(gp, X, NOISE).gradient(best, Z)
    for i in range(q):
        for j in range(2):
            step = np.zeros((q, 2))
            step[i, j] = 1e-6
            np.testing.assert_allclose(gradient[:, i, j], (shift(X + step) - shift(X - step)) / 2e-6, atol=1e-6 * np.abs(gradient).max())


@pytest.mark.parametrize("q", [1, 2])
def test_a_sample_is_the_gradient_of_the_largest_mean(q):
    """The envelope theorem: the place of the largest mean moves, and that adds nothing."""
    s, rng = score(q=q), np.random.default_rng(4)
    X, Z = 0.1 + 0.8 * rng.random((6, q)), rng.standard_normal((6, q))

    def largest(X):
        u = _Batch.of(s.gp, X[:, :, None], NOISE).weights(Z)
        return np.array([(s.gp.predict(FINE)[0] + s.gp.covariance(FINE, x[:, None]) @ w).max() for x, w in zip(X, u, strict=True)])

    gradient = s.gradient_sample(X, Z)
    for i in range(q):
        step = 1e-4 * np.eye(q)[i]
        np.testing.assert_allclose(gradient[:, i], (largest(X + step) - largest(X - step)) / 2e-4, atol=2e-2 * np.abs(gradient).max())


def test_samples_are_the_gradient_of_the_exact_knowledge_gradient_on_average():
    s = score()
    exact = LogDiscreteKnowledgeGradient(s.gp, FINE, NOISE)
    value = lambda x: np.exp(exact.value(np.array([[x]])))[0]
    rng, samples = np.random.default_rng(5), 1_600
    for x in (0.15, 0.45, 0.85):
        found = np.concatenate([s.gradient_sample(np.full((64, 1), x), rng.standard_normal((64, 1)))[:, 0] for _ in range(samples // 64)])
        error = found.std() / np.sqrt(samples)
        slope = (value(x + 1e-4) - value(x - 1e-4)) / 2e-4
        assert abs(found.mean() - slope) < 3 * error  # of one in 120 free seeds that would fail by chance
        assert error < 0.2


def test_values_are_those_of_the_exact_knowledge_gradient():
    s = score(replications=20_000)
    X = np.linspace(0.02, 0.98, 12)[:, None]
    exact = np.exp(LogDiscreteKnowledgeGradient(s.gp, s.P, NOISE, candidate=True).value(X))
    np.testing.assert_allclose(s.value(X), exact, rtol=0.05, atol=3e-3 * exact.max())


def test_a_batch_of_equal_points_without_noise_is_one_point():
    gp = fit(model(2).X, model(2).y, np.full(7, 1e-6))
    P, x = np.random.default_rng(0).random((30, 2)), np.random.default_rng(1).random((4, 2))
    one = StochasticKnowledgeGradient(gp, box(2), P, 0.0, replications=20_000).value(x)
    two = StochasticKnowledgeGradient(gp, box(2), P, 0.0, q=2, replications=20_000).value(np.hstack([x, x]))
    apart = StochasticKnowledgeGradient(gp, box(2), P, 0.0, q=2, replications=20_000).value(np.hstack([x, x[::-1]]))
    np.testing.assert_allclose(two, one, rtol=0.05, atol=2e-3 * one.max())
    assert np.all(apart > 0.98 * np.maximum(one, one[::-1]))


@pytest.mark.parametrize("d", [1, 2])
def test_what_is_found_is_worth_what_the_best_is(d):
    s = score(d, p=60, steps=60)
    fine = FINE if d == 1 else np.stack(np.meshgrid(*[np.linspace(0, 1, 41)] * 2), -1).reshape(-1, 2)
    exact = LogDiscreteKnowledgeGradient(s.gp, fine, NOISE)
    starts = np.random.default_rng(6).random((10, d))
    found = s.seek(starts, {}, np.random.default_rng(7))
    best = np.exp(exact.value(fine[:: 4 if d == 1 else 2])).max()
    assert np.exp(exact.value(found.x[None]))[0] > 0.93 * best
    assert found.value == found.values.max() and np.all(np.diff(found.values) <= 0)
    middle = np.median(np.exp(exact.value(starts)))
    assert middle < 0.6 * best  # otherwise anything would pass


def test_ways_keep_levels_fixed_columns_and_constraints():
    columns = Columns((Column("x"), Column("k", "integer", levels=(0.0, 0.5, 1.0)), Column("y"), Column("z")))
    ends = np.array([[0.0] * 4, [1.0] * 4])
    shape = Box((0, 1, 2, 3), (0.0,) * 4, (1.0,) * 4, ((), (0.0, 0.5, 1.0), (), ()))
    domain = Domain(columns, ends, (Linear(np.array([1.0, 0.0, 1.0, 0.0]), -np.inf, 1.0),), (shape,))
    rng = np.random.default_rng(0)
    X = rng.random((10, 4))
    gp = fit(X, X[:, 0] + X[:, 2] - 0.8 * X[:, 3], np.full(10, NOISE), columns=columns)
    P = domain.sample(50, rng)
    s = StochasticKnowledgeGradient(gp, domain, P, NOISE, steps=15, allowed=lambda X: X[:, 1] < 0.75)
    starts = domain.sample(8, rng)
    starts[:, 3] = 0.25
    found = s.seek(starts, {3: 0.25}, rng)
    assert domain.contains(found.optima).all() and np.all(found.optima[:, 3] == 0.25)
    assert np.abs(found.optima[:, [0, 2]] - np.median(starts[:, [0, 2]], 0)).max() > 0.05
    np.testing.assert_array_equal(np.sort(found.optima[:, 1]), np.sort(starts[:, 1]))
    assert np.all((found.values == -np.inf) == (found.optima[:, 1] > 0.75))
