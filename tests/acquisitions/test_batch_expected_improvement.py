"""The improvement of a batch: that of one point, integrals over two, joint samples of more, BoTorch's, and differences."""

import numpy as np
import pytest
import torch
from botorch.acquisition.logei import qLogNoisyExpectedImprovement
from botorch.acquisition.objective import GenericMCObjective
from botorch.sampling.normal import SobolQMCNormalSampler
from scipy.integrate import quad
from scipy.stats import multivariate_normal

from acquisitions import LogBatchExpectedImprovement, LogNoisyExpectedImprovement
from acquisitions.maximizer import maximize, maximize_sequential, power
from bbo import Float, Space
from surrogates.exact_gp import fit
from tests.acquisitions.differences import slope


@pytest.fixture
def batches():
    return np.random.default_rng(5).random((12, 9))  # of three points each


def test_of_one_point_it_is_that_of_one_point(make_case, batches):
    case = make_case(n=15, noise=0.05)
    score, X = LogBatchExpectedImprovement(case.gps[0], case.X), batches[:, :3]
    plain = LogNoisyExpectedImprovement(case.gps[0], case.X).value_and_gradient(X)
    np.testing.assert_array_equal(score.value(X), plain[0])
    for ours, expected in zip(score.of_batch(1).value_and_gradient(X), plain, strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-9, atol=1e-9 * np.abs(expected).max())


def test_of_two_points_it_is_an_integral(make_case, batches):
    """Without noise the best is known, and ``E[(max(f_1, f_2) - best)^+]`` is the integral of one less the distribution of the maximum."""
    case = make_case(n=15, noise=0.0)
    gp, X = case.gps[0], batches[:5, :6]
    score = LogBatchExpectedImprovement(gp, case.X, samples=20_000).of_batch(2)
    best = gp.predict(case.X)[0].max()
    for x, value in zip(X, np.exp(score.value(X)), strict=True):
        points = x.reshape(2, 3)
        mean, covariance = gp.predict(points)[0], gp.covariance(points, points)
        normal = multivariate_normal(mean, covariance, abseps=1e-9, releps=1e-9)
        exact = quad(lambda t, normal=normal: 1 - normal.cdf([t, t]), best, best + 8, limit=200, epsabs=1e-8)[0]
        assert abs(value - exact) < 0.02 * exact


@pytest.mark.parametrize("noise", [1e-3, 0.1])
def test_of_three_points_it_agrees_with_joint_samples_and_with_botorch(make_case, batches, noise):
    case = make_case(n=15, noise=noise)
    gp = case.gps[0]
    ours = np.exp(LogBatchExpectedImprovement(gp, case.X, samples=4096).of_batch(3).value(batches))
    rng = np.random.default_rng(11)
    theirs = qLogNoisyExpectedImprovement(
        case.model,
        torch.as_tensor(case.X),
        sampler=SobolQMCNormalSampler(torch.Size([4096]), seed=1),
        objective=GenericMCObjective(lambda Y, X=None: Y[..., 0]),
        prune_baseline=False,
        tau_relu=1e-6,
        tau_max=1e-4,
    )
    with torch.no_grad():
        other = np.exp([float(theirs(torch.as_tensor(x.reshape(1, 3, 3)))) for x in batches])
    reached = 0
    for x, value, botorch in zip(batches, ours, other, strict=True):
        points = np.vstack([case.X, x.reshape(3, 3)])
        variances, directions = np.linalg.eigh(gp.covariance(points, points))
        root = directions * np.sqrt(np.maximum(variances, 0))
        values = gp.predict(points)[0] + rng.standard_normal((2**16, len(points))) @ root.T
        gains = np.maximum(values[:, 15:].max(1) - values[:, :15].max(1), 0)
        error = gains.std() / 2**8
        if gains.mean() > 20 * error:
            assert abs(value - gains.mean()) < 5 * error + 0.03 * gains.mean()
            assert abs(value - botorch) < 5 * error + 0.08 * gains.mean()
            reached += 1
    assert reached >= 5  # otherwise anything would pass


@pytest.mark.parametrize("noise", [0.0, 0.05])
def test_gradients_are_differences(make_case, batches, noise):
    case = make_case(n=15, noise=noise)
    score = LogBatchExpectedImprovement(case.gps[0], case.X, samples=64).of_batch(3)
    value, gradient = score.value_and_gradient(batches)
    np.testing.assert_array_equal(value, score.value(batches))
    numeric = slope(score.value, batches)
    np.testing.assert_allclose(gradient, numeric, rtol=1e-4, atol=1e-5 * np.abs(numeric).max())


def test_far_below_the_best_there_is_a_slope_still():
    X = np.linspace(0, 1, 9)[:, None]
    gp = fit(X, -40 * (X[:, 0] - 0.5) ** 2, np.zeros(9))
    score = LogBatchExpectedImprovement(gp, X, samples=32).of_batch(2)
    batch = np.array([[0.03, 0.06]])
    value, gradient = score.value_and_gradient(batch)
    assert -1e6 < value[0] < -100
    numeric = slope(score.value, batch, h=1e-7)
    np.testing.assert_allclose(gradient, numeric, rtol=1e-3, atol=1e-6 * np.abs(numeric).max())
    assert gradient.any()


def test_equal_points_are_worth_one_of_them(make_case):
    case = make_case(n=15, noise=0.05)
    score = LogBatchExpectedImprovement(case.gps[0], case.X)
    point = np.random.default_rng(1).random((4, 3))
    value, gradient = score.of_batch(2).value_and_gradient(np.hstack([point, point]))
    np.testing.assert_allclose(value, score.value(point), atol=1e-4)
    assert np.isfinite(gradient).all()


def test_batches_found_together_are_no_worse_than_those_found_one_by_one(make_case):
    case = make_case(n=15, noise=0.05)
    score, box = LogBatchExpectedImprovement(case.gps[0], case.X), Space({name: Float(0, 1) for name in "abc"}).cube
    chosen = maximize_sequential(lambda X: score.with_pending(X), box, 3, rng=np.random.default_rng(0))
    row = np.hstack([one.x for one in chosen])
    together = score.of_batch(3)
    found = maximize(together, power(box, 3), rng=np.random.default_rng(1), seeds=row[None])
    assert found.value >= together.value(row[None])[0] - 1e-9


def test_refuses_a_model_without_covariances_of_pairs(make_case):
    class Plain:
        pass

    with pytest.raises(TypeError, match="a Plain has no pairs"):
        LogBatchExpectedImprovement(Plain(), np.zeros((1, 2)))
