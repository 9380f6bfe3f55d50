"""A gain per learnt cost: arithmetic, differences, and the ends of cooling."""

import numpy as np
import pytest

from acquisitions import LogExpectedImprovement, LogNoisyExpectedImprovement
from acquisitions.cost_cooling import LogPerLearntCost
from acquisitions.protocol import Climbable, Growing, Rough
from surrogates.exact_gp import fit


@pytest.fixture(scope="module")
def gp():
    rng = np.random.default_rng(0)
    X = rng.random((14, 3))
    return fit(X, np.sin(5 * X).sum(1) - 1.5, np.full(14, 0.05))


@pytest.fixture(scope="module")
def cost():
    X = np.random.default_rng(1).random((12, 3))
    return fit(X, (X[:, 0] - X[:, 1]) * 2)


X = np.random.default_rng(2).random((20, 3))


def test_it_is_the_gain_over_a_power_of_the_cost(gp, cost):
    gain = LogNoisyExpectedImprovement(gp, gp.X)
    score = LogPerLearntCost(gain, cost, 1.5, 0.4)
    dear = np.exp(1.5 * cost.predict(X)[0])
    np.testing.assert_allclose(np.exp(score.value(X)), np.exp(gain.value(X)) / dear**0.4, rtol=1e-12)
    np.testing.assert_allclose(score.rough(X) - gain.rough(X), -0.4 * np.log(dear), atol=1e-12)
    np.testing.assert_array_equal(LogPerLearntCost(gain, cost, 1.5, 0.0).value(X), gain.value(X))
    assert isinstance(score, Climbable) and isinstance(score, Growing) and isinstance(score, Rough)


def test_gradient(gp, cost):
    score = LogPerLearntCost(LogExpectedImprovement(gp, float(gp.y.max())), cost, 2.0, 0.7)
    value, gradient = score.value_and_gradient(X)
    np.testing.assert_array_equal(value, score.value(X))
    steps = 1e-6 * np.eye(3)
    slopes = np.column_stack([(score.value(X + step) - score.value(X - step)) / 2e-6 for step in steps])
    np.testing.assert_allclose(gradient, slopes, rtol=1e-5, atol=1e-6 * np.abs(slopes).max())


def test_far_in_the_tail_the_cost_still_counts(gp, cost):
    """Gains of e^-1000 and less would be zero divided by a cost."""
    gain = LogExpectedImprovement(gp, 60.0)
    assert gain.value(X).max() < -1000
    found = LogPerLearntCost(gain, cost, 1.0, 1.0).value(X)
    np.testing.assert_allclose(found - gain.value(X), -cost.predict(X)[0], atol=1e-9)


def test_pending_points_are_the_gains(gp, cost):
    gain = LogNoisyExpectedImprovement(gp, gp.X)
    np.testing.assert_array_equal(
        LogPerLearntCost(gain, cost, 1.0, 1.0).with_pending(X[:2]).value(X),
        LogPerLearntCost(gain.with_pending(X[:2]), cost, 1.0, 1.0).value(X),
    )


@pytest.mark.parametrize("alpha", [-0.1, 1.1, np.nan])
def test_alpha_is_a_share(gp, cost, alpha):
    with pytest.raises(ValueError, match="it is from 0 to 1"):
        LogPerLearntCost(LogExpectedImprovement(gp, 0.0), cost, 1.0, alpha)
