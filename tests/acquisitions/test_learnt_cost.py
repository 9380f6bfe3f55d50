"""A cost that is learnt: against arithmetic, differences, and where nothing is known."""

import numpy as np
import pytest

from acquisitions import LogDiscreteKnowledgeGradient
from acquisitions.learnt_cost import LearntCost
from acquisitions.per_cost import ColumnCost, LogPerCost
from surrogates.exact_gp import fit
from tests.acquisitions.differences import slope

GIVEN = ColumnCost(2, (0.0, 1.0), (1.0, 20.0))


@pytest.fixture(scope="module")
def gp():
    X = np.random.default_rng(0).random((25, 3))
    return fit(X, np.sin(4 * X[:, 0]) + X[:, 2])


@pytest.fixture
def X():
    return np.random.default_rng(1).random((8, 3))


def test_it_is_the_given_cost_times_the_factor(gp, X):
    cost = LearntCost(GIVEN, gp, 0.7, 1.3)
    value, gradient = cost.log(X)
    np.testing.assert_allclose(np.exp(value), (1 + 19 * X[:, 2]) * np.exp(0.7 + 1.3 * gp.predict(X)[0]))
    np.testing.assert_allclose(gradient, slope(lambda P: cost.log(P)[0], X), rtol=1e-6, atol=1e-7)


def test_far_from_what_is_known_the_ratios_are_the_given_ones(gp):
    near, far = (np.array([[0.5, 0.5, level] for level in (0.0, 1.0)]) + shift for shift in ([0, 0, 0], [40.0, 0, 0]))
    cost = LearntCost(GIVEN, gp, 0.7, 1.3)
    assert np.diff(cost.log(far)[0])[0] == pytest.approx(np.log(20.0))
    assert np.diff(cost.log(near)[0])[0] > np.log(20.0) + 0.5


def test_a_score_per_learnt_cost(gp, X):
    noisy = fit(gp.X, np.sin(5 * gp.X).sum(1) - 1.5, np.full(25, 0.05))
    cost, inner = LearntCost(GIVEN, gp, 0.7, 1.3), LogDiscreteKnowledgeGradient(noisy, X + 0.01, 0.05)
    score = LogPerCost(inner, cost)
    np.testing.assert_allclose(score.value(X), inner.value(X) - cost.log(X)[0], rtol=1e-12)
    np.testing.assert_allclose(score.value_and_gradient(X)[1], slope(score.value, X), rtol=1e-4, atol=1e-6)
