"""The reduction of the integrated variance: by data that are really added, by BoTorch's, by limits and by differences."""

import numpy as np
import pytest
import torch
from botorch.acquisition.active_learning import qNegIntegratedPosteriorVariance

from acquisitions import (
    LogConstrainedExpectedImprovement,
    LogExpectedImprovement,
    LogFeasibleGain,
    LogIntegratedVarianceReduction,
    OutcomeConstraint,
)
from acquisitions.botorch import LogIntegratedVarianceReduction as LogReductionOfBoTorch
from surrogates.exact_gp import fit
from tests.acquisitions.conftest import Gaussian


@pytest.fixture
def X():
    return np.random.default_rng(5).random((12, 3))


@pytest.fixture
def points():
    return np.random.default_rng(6).random((50, 3))


@pytest.fixture(scope="module")
def gp():
    rng = np.random.default_rng(0)
    X = rng.random((12, 3))
    y = np.sin(7 * X).sum(1) + 0.5 * rng.standard_normal(12)
    return fit(X, (y - y.mean()) / y.std(), np.full(12, 0.15))


def test_by_a_process_with_one_more_datum(make_case, X, points):
    case = make_case()
    gp = case.gps[0]
    before = gp.predict(points)[1].mean()
    after = [Gaussian(np.vstack([gp.X, x]), np.append(gp.y, 3.0), gp.lengthscale, gp.noise).predict(points)[1].mean() for x in X]
    found = LogIntegratedVarianceReduction(gp, points, gp.noise).value(X)
    np.testing.assert_allclose(np.exp(found), before - np.array(after), rtol=1e-6)
    assert np.ptp(found) > 0.5


@pytest.mark.filterwarnings("ignore")  # BoTorch's fantasies warn of the noise of the fantasies
def test_by_botorch(make_case, X, points):
    case = make_case()
    theirs = qNegIntegratedPosteriorVariance(case.model, torch.tensor(points))
    left = -theirs(torch.tensor(X[:, None])).detach().numpy()
    found = LogIntegratedVarianceReduction(case.gps[0], points, case.noise).value(X)
    np.testing.assert_allclose(np.exp(found), case.gps[0].predict(points)[1].mean() - left, rtol=1e-5)


def test_as_a_botorch_function(make_case, X, points):
    case = make_case()
    candidates = torch.tensor(X[:, None], requires_grad=True)
    values = LogReductionOfBoTorch(case.model, torch.tensor(points))(candidates)
    (gradient,) = torch.autograd.grad(values.sum(), candidates)
    value, expected = LogIntegratedVarianceReduction(case.gps[0], points, case.noise).value_and_gradient(X)
    np.testing.assert_allclose(values.detach().numpy(), value, rtol=1e-7, atol=1e-7)
    np.testing.assert_allclose(gradient[:, 0].numpy(), expected, rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match="X has no points"):
        LogReductionOfBoTorch(case.model, torch.tensor(points[:0]))


def test_gradient(gp, X, points, check_gradient):
    check_gradient(LogIntegratedVarianceReduction(gp, points, 0.15), X)
    bounded = LogFeasibleGain(LogIntegratedVarianceReduction(gp, points, 0.15), [OutcomeConstraint(gp, upper=0.2)])
    check_gradient(bounded, X)


def test_what_is_awaited_counts_as_measured(gp, X, points):
    acquisition = LogIntegratedVarianceReduction(gp, points, 0.15)
    before = acquisition.value(X)
    grown = acquisition.with_pending(X[:2])
    both = gp.condition(X[:2], np.array([9.0, -9.0]), np.full(2, 0.15))  # whatever the results are
    after = [both.condition(x[None], np.zeros(1), np.array([0.15])).predict(points)[1].mean() for x in X]
    np.testing.assert_allclose(np.exp(grown.value(X)), both.predict(points)[1].mean() - np.array(after), rtol=1e-6)
    assert np.all(grown.value(X)[:2] < before[:2] - 0.1)
    np.testing.assert_array_equal(acquisition.value(X), before)


def test_nothing_is_learnt_from_afar(gp, points):
    short = fit(np.array([[0.5, 0.5, 0.5]]), np.zeros(1), np.full(1, 0.1))
    far = np.full((2, 3), 1e4)
    value, gradient = LogIntegratedVarianceReduction(short, points, 0.1).value_and_gradient(far)
    assert np.all(value == -np.inf) and np.all(gradient == 0.0)


def test_the_gain_weighed_by_feasibility_is_constrained_expected_improvement(make_case, X):
    case = make_case(2)
    bounds = [OutcomeConstraint(case.gps[1], -0.3, 0.8)]
    weighed = LogFeasibleGain(LogExpectedImprovement(case.gps[0], 0.5), bounds)
    expected = LogConstrainedExpectedImprovement(case.gps[0], 0.5, bounds).value_and_gradient(X)
    for found, known in zip(weighed.value_and_gradient(X), expected, strict=True):
        np.testing.assert_allclose(found, known, rtol=1e-12)
    np.testing.assert_allclose(weighed.value(X), expected[0], rtol=1e-9)


def test_refuses_what_makes_no_sense(gp, points):
    with pytest.raises(ValueError, match="X has no points"):
        LogIntegratedVarianceReduction(gp, points[:0], 0.1)
    with pytest.raises(ValueError, match="noise is -1"):
        LogIntegratedVarianceReduction(gp, points, -1.0)
