"""What BoTorch computes under `jes`: by moments of truncated normals, as a bound of an information, and by differences."""

import numpy as np
import pytest
import torch
from botorch.acquisition.joint_entropy_search import qJointEntropySearch
from scipy.stats import norm, truncnorm

from acquisitions.maximizer.botorch import BoTorchAcquisition
from surrogates.exact_gp import fit
from surrogates.exact_gp.model import ExactGPModel, Output
from surrogates.exact_gp.transforms import Standardise

NOISE, SAMPLED, KNOWN = 0.03, 6, 1e-4  # the last is the noise that values sampled without noise are given


@pytest.fixture(scope="module")
def gp():
    X = np.random.default_rng(0).random((8, 2))
    return fit(X, np.sin(5 * X).sum(1), np.full(8, NOISE))


@pytest.fixture(scope="module")
def optima(gp):
    """Where each of some samples of the function is largest, and its value there."""
    rng = np.random.default_rng(1)
    P = rng.random((60, 2))
    values = rng.multivariate_normal(gp.predict(P)[0], gp.covariance(P, P), SAMPLED, method="eigh")
    return P[values.argmax(1)], values.max(1)


@pytest.fixture(scope="module")
def points():
    return 0.05 + 0.9 * np.random.default_rng(2).random((7, 2))


@pytest.fixture(scope="module")
def score(gp, optima):
    best, values = (torch.tensor(part) for part in optima)
    model = ExactGPModel([Output(gp, Standardise(0.0, 1.0))])
    return BoTorchAcquisition(qJointEntropySearch(model, best, values.unsqueeze(-1)))


def conditionals(gp, optima, X):
    """Mean and variance at X by processes with one of the sampled optima among the data."""
    for place, value in zip(*optima, strict=True):
        yield (*gp.condition(place[None], np.array([value]), np.array([KNOWN])).predict(X), value)


def test_it_is_that_of_truncated_moments(gp, optima, points, score):
    """``H(y) - E log(2 pi e Var(y | x*, f*, f <= f*)) / 2`` (Tu et al. 2022; Hvarfner et al. 2022)."""
    prior = 0.5 * np.log(2 * np.pi * np.e * (gp.predict(points)[1] + NOISE))
    given = []
    for mean, variance, best in conditionals(gp, optima, points):
        sd = np.sqrt(variance)
        given.append(0.5 * np.log(2 * np.pi * np.e * (truncnorm(-np.inf, (best - mean) / sd, mean, sd).var() + NOISE)))
    found = score.value(points)
    np.testing.assert_allclose(found, prior - np.mean(given, 0), rtol=1e-3, atol=1e-4)
    assert found.max() > 0.2


def test_it_is_a_bound_of_the_information_in_a_measurement(gp, optima, points, score):
    """The entropy of y by its density, on a grid: ``y | f*`` is an extended skew-normal distribution."""
    exact = []
    for k in range(len(points)):
        prior = 0.5 * np.log(2 * np.pi * np.e * (gp.predict(points[k : k + 1])[1][0] + NOISE))
        entropies = []
        for mean, variance, best in conditionals(gp, optima, points[k : k + 1]):
            m, v = mean[0], variance[0]
            total = np.sqrt(v + NOISE)
            y = m + total * np.linspace(-9, 9, 4001)
            inside = norm.logcdf((best - m - v / total**2 * (y - m)) / np.sqrt(v * NOISE / total**2))
            log_p = norm.logpdf(y, m, total) + inside - norm.logcdf((best - m) / np.sqrt(v))
            assert np.trapezoid(np.exp(log_p), y) == pytest.approx(1.0, abs=1e-8)
            entropies.append(-np.trapezoid(np.exp(log_p) * log_p, y))
        exact.append(prior - np.mean(entropies))
    share = score.value(points) / exact
    assert np.all(share < 1.001) and np.all(share > 0.8) and share.min() < 0.95


def test_gradient_by_differences(points, score, check_gradient):
    check_gradient(score, points, tolerance=1e-4)
