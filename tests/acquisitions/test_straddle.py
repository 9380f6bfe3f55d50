"""The straddle: by its formula, by BoTorch's confidence bounds, and as a BoTorch function."""

import numpy as np
import pytest
import torch
from botorch.acquisition import analytic

from acquisitions import Straddle
from acquisitions import botorch as ours

LEVEL, BETA = 0.25, 2.25


@pytest.fixture
def X():
    return np.random.default_rng(5).random((40, 3)) * 1.4 - 0.2


def test_is_the_lesser_of_two_confidence_bounds(make_case, X):
    """``sqrt(beta) s - |m - l|`` is the lesser of ``m + sqrt(beta) s - l`` and ``-m + sqrt(beta) s + l``."""
    case = make_case()
    points = torch.tensor(X[:, None])
    above, below = (
        analytic.UpperConfidenceBound(case.model, BETA, maximize=maximize)(points).detach().numpy() for maximize in (True, False)
    )
    expected = np.minimum(above - LEVEL, below + LEVEL)
    np.testing.assert_allclose(Straddle(case.gps[0], LEVEL, BETA).value(X), expected, rtol=1e-9, atol=1e-10)
    assert np.any(above - LEVEL < below + LEVEL) and np.any(above - LEVEL > below + LEVEL)


def test_without_variance_it_is_minus_the_distance(make_case, X):
    case = make_case()
    np.testing.assert_allclose(Straddle(case.gps[0], LEVEL, 0.0).value(X), -np.abs(case.gps[0].predict(X)[0] - LEVEL))


def test_gradient(make_case, X, check_gradient):
    check_gradient(Straddle(make_case().gps[0], LEVEL), X)


def test_as_a_botorch_function(make_case, X):
    case = make_case()
    points = torch.tensor(X[:, None], requires_grad=True)
    values = ours.Straddle(case.model, LEVEL, beta=BETA)(points)
    (gradient,) = torch.autograd.grad(values.sum(), points)
    value, expected = Straddle(case.gps[0], LEVEL, BETA).value_and_gradient(X)
    np.testing.assert_allclose(values.detach().numpy(), value, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(gradient[:, 0].numpy(), expected, rtol=1e-7, atol=1e-8)
    assert ours.Straddle(case.model, LEVEL)(torch.rand(4, 5, 1, 3, dtype=torch.float64)).shape == (4, 5)


def test_refuses_numbers_that_make_no_sense(make_case):
    case = make_case()
    with pytest.raises(ValueError, match="beta is -1"):
        Straddle(case.gps[0], LEVEL, -1.0)
    with pytest.raises(ValueError, match="level is nan"):
        Straddle(case.gps[0], float("nan"))
    with pytest.raises(ValueError, match="beta is -1"):
        ours.Straddle(case.model, LEVEL, beta=-1.0)
