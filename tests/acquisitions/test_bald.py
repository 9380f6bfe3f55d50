"""Active learning by disagreement: information by determinants, its chain rule, mixtures, and gradients."""

import math

import numpy as np
import pytest
import torch
from botorch.models.ensemble import EnsembleModel
from scipy.stats import norm

from acquisitions.bald import LogBALD
from acquisitions.botorch.bald import LogBALD as OfBoTorch
from surrogates.exact_gp import fit
from surrogates.exact_gp.model import ExactGPModel, Output
from surrogates.exact_gp.transforms import Standardise

NOISE = 0.04


@pytest.fixture(scope="module")
def gp():
    rng = np.random.default_rng(0)
    X = rng.random((8, 2))
    return fit(X, np.sin(5 * X).sum(1) - 1, np.full(8, NOISE))


X = np.random.default_rng(1).random((30, 2))


def test_information_adds_up_to_that_of_the_determinant(gp):
    """I(y_1..y_k; f) = log det(1 + K / noise) / 2, one after the other."""
    total, model = 0.0, gp
    for x in X[:4]:
        total += math.exp(LogBALD(model, NOISE).value(x[None])[0])
        model = model.condition(x[None], np.zeros(1), np.array([NOISE]))
    _, expected = np.linalg.slogdet(np.eye(4) + gp.covariance(X[:4], X[:4]) / NOISE)
    assert total == pytest.approx(0.5 * expected, rel=1e-9)


def test_it_is_largest_where_the_variance_is(gp):
    order = np.argsort(gp.predict(X)[1])
    np.testing.assert_array_equal(np.argsort(LogBALD(gp, NOISE).value(X)), order)
    small = LogBALD(gp, 1e6).value(X)
    np.testing.assert_allclose(small, np.log(0.5 * gp.predict(X)[1] / 1e6), rtol=1e-6)  # no digits are lost where it is small


def test_gradient(gp):
    score = LogBALD(gp, NOISE)
    value, gradient = score.value_and_gradient(X)
    np.testing.assert_allclose(value, score.value(X))
    slopes = np.column_stack([(score.value(X + step) - score.value(X - step)) / 2e-6 for step in 1e-6 * np.eye(2)])
    np.testing.assert_allclose(gradient, slopes, rtol=1e-4, atol=1e-6 * np.abs(slopes).max())
    with pytest.raises(ValueError, match="noise is -1"):
        LogBALD(gp, -1.0)


def test_with_a_model_of_botorch_it_is_the_same(gp):
    points = torch.tensor(X[:, None]).requires_grad_()
    values = OfBoTorch(ExactGPModel([Output(gp, Standardise(2.0, 3.0))]))(points)
    (gradient,) = torch.autograd.grad(values.sum(), points)
    value, expected = LogBALD(gp, NOISE).value_and_gradient(X)
    np.testing.assert_allclose(values.detach(), value, rtol=1e-9)
    np.testing.assert_allclose(gradient[:, 0], expected, rtol=1e-7, atol=1e-9)


class Members(EnsembleModel):
    """Values that grow with x by a factor of each member."""

    def __init__(self, slopes):
        super().__init__()
        self.slopes, self._num_outputs = torch.as_tensor(slopes, dtype=torch.float64), 1

    def forward(self, X):
        return X[..., :1].unsqueeze(-3) * self.slopes[:, None, None]


def information(slopes, noise, x=1.0):
    with torch.no_grad():
        return float(OfBoTorch(Members(slopes), noise=noise)(torch.full((1, 1, 1), x, dtype=torch.float64)).exp())


def test_two_members_say_one_bit_at_most():
    assert information([-50.0, 50.0], 1.0) == pytest.approx(math.log(2), rel=1e-9)
    assert information([-0.01, 0.01], 1.0) == pytest.approx(0.5 * 1e-4, rel=1e-3)  # as normals of that variance, while they overlap
    assert information([-1.0] * 3 + [1.0], 1e-4) == pytest.approx(-0.75 * math.log(0.75) - 0.25 * math.log(0.25), rel=1e-9)
    assert information([2.0, 2.0], 1.0) < 1e-12


def test_many_members_are_as_a_normal_distribution():
    slopes = 1.5 * norm.ppf((np.arange(400) + 0.5) / 400)
    assert information(slopes, 0.5) == pytest.approx(0.5 * math.log1p(1.5**2 / 0.5), rel=5e-3)


def test_gradient_of_an_ensemble():
    score = OfBoTorch(Members([-1.0, 0.3, 0.9]), noise=0.2)
    points = torch.linspace(0.1, 2, 7, dtype=torch.float64).reshape(-1, 1, 1).requires_grad_()
    (gradient,) = torch.autograd.grad(score(points).sum(), points)
    with torch.no_grad():
        slopes = (score(points + 1e-6) - score(points - 1e-6)) / 2e-6
    np.testing.assert_allclose(gradient[:, 0, 0], slopes, rtol=1e-5, atol=1e-7)
