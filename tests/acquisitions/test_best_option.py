"""The expected utility of the best of two: by Clark's formula, by sampling, by limits, and beside BoTorch."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from botorch.acquisition.preference import AnalyticExpectedUtilityOfBestOption
from botorch.models import SingleTaskGP
from scipy.stats import norm

from acquisitions import ExpectedUtilityOfBestOption, LogGainOfBestOption, LogNoisyExpectedImprovement
from surrogates.preference_gp import Comparisons, Order, fit


@pytest.fixture(scope="module")
def gp():
    """Of comparisons."""
    rng = np.random.default_rng(0)
    X = rng.random((16, 3))
    rows = [(a, a + 1) if np.sin(4 * X[a]).sum() > np.sin(4 * X[a + 1]).sum() else (a + 1, a) for a in range(0, 16, 2)]
    return fit(X, Comparisons.of(Order(((a,), (b,))) for a, b in rows))


@pytest.fixture
def X():
    return np.random.default_rng(5).random((40, 3))


PARTNER = np.array([0.4, 0.3, 0.8])


def moments(gp, X):
    """Means, variances and covariances with the partner, of the joint posterior of each pair."""
    joint = [gp.baseline(np.stack([x, PARTNER])) for x in X]
    return np.array([[*pair.mean, *pair.covariance[[0, 1, 0], [0, 1, 1]]] for pair in joint]).T


def test_is_clarks_formula(gp, X):
    """``m1 Phi(a) + m2 Phi(-a) + s phi(a)``, which has neither h nor a logarithm."""
    m1, m2, v1, v2, c = moments(gp, X)
    s = np.sqrt(v1 + v2 - 2 * c)
    a = (m1 - m2) / s
    expected = m1 * norm.cdf(a) + m2 * norm.cdf(-a) + s * norm.pdf(a)
    np.testing.assert_allclose(ExpectedUtilityOfBestOption(gp, PARTNER).value(X), expected, rtol=1e-9)
    np.testing.assert_allclose(np.exp(LogGainOfBestOption(gp, PARTNER).value(X)), expected - m2, rtol=1e-7)


def test_is_the_mean_of_the_larger_one_of_samples(gp, X):
    found = ExpectedUtilityOfBestOption(gp, PARTNER).value(X[:5])
    rng = np.random.default_rng(1)
    for x, value in zip(X[:5], found, strict=True):
        pair = gp.baseline(np.stack([x, PARTNER]))
        larger = rng.multivariate_normal(pair.mean, pair.covariance, 200_000).max(1)
        assert value == pytest.approx(larger.mean(), abs=5 * larger.std() / math.sqrt(len(larger)))


def test_of_a_point_and_itself_it_is_the_mean(gp):
    score = ExpectedUtilityOfBestOption(gp, PARTNER)
    assert score.value(PARTNER[None])[0] == pytest.approx(float(gp.predict(PARTNER[None])[0][0]), abs=1e-5)
    assert LogGainOfBestOption(gp, PARTNER).value(PARTNER[None])[0] < -10


def test_is_the_same_from_both_sides(gp, X):
    there = ExpectedUtilityOfBestOption(gp, PARTNER).value(X[:1])
    np.testing.assert_allclose(ExpectedUtilityOfBestOption(gp, X[0]).value(PARTNER[None]), there, rtol=1e-9)


@pytest.mark.parametrize("score", [ExpectedUtilityOfBestOption, LogGainOfBestOption])
def test_gradient(gp, X, score, check_gradient):
    check_gradient(score(gp, PARTNER), X)


def test_a_sampled_gain_over_one_point_tends_to_it(gp, X):
    sampled = LogNoisyExpectedImprovement(gp, PARTNER[None], samples=4096)
    np.testing.assert_allclose(sampled.value(X), LogGainOfBestOption(gp, PARTNER).value(X), atol=0.05)


def test_beside_botorch(make_case):
    """With a previous winner, the expected gain over it; of a `SingleTaskGP`, since only moments are asked for."""
    case = make_case()
    points = np.random.default_rng(2).random((20, 3))
    model = case.model.models[0] if hasattr(case.model, "models") else case.model
    assert isinstance(model, SingleTaskGP)
    model.datapoints = model.train_inputs[0]  # which it asks for the type of numbers
    theirs = AnalyticExpectedUtilityOfBestOption(model, previous_winner=torch.from_numpy(PARTNER)[None])
    expected = theirs(torch.from_numpy(points)[:, None]).detach().numpy()
    np.testing.assert_allclose(np.exp(LogGainOfBestOption(case.gps[0], PARTNER).value(points)), expected, rtol=1e-5, atol=1e-9)
