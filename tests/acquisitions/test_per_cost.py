"""What a unit of cost buys, and a model held at its target: against arithmetic, differences, and the model itself."""

import numpy as np
import pytest

from acquisitions import GIBBON, LogDiscreteKnowledgeGradient, LogMaxValueEntropy, LogProbabilityOfFeasibility, OutcomeConstraint
from acquisitions.per_cost import ColumnCost, LogPerCost, LogRoughPerCost, PerCost
from acquisitions.protocol import Rough
from acquisitions.standing import Standing
from surrogates.exact_gp import fit
from tests.acquisitions.differences import slope


@pytest.fixture(scope="module")
def gp():
    rng = np.random.default_rng(0)
    X = rng.random((14, 3))
    return fit(X, np.sin(5 * X).sum(1) - 1.5, np.full(14, 0.05))


def test_costs_are_linear_between_knots():
    cost = ColumnCost(1, (0.0, 0.25, 1.0), (1.0, 2.0, 8.0))
    X = np.array([[9.0, 0.0], [9.0, 0.125], [9.0, 0.25], [9.0, 0.5], [9.0, 1.0], [9.0, 1.5]])
    value, gradient = cost.log(X)
    np.testing.assert_allclose(np.exp(value), [1.0, 1.5, 2.0, 4.0, 8.0, 8.0])
    inner = np.array([[0.3, 0.1], [0.3, 0.6]])
    np.testing.assert_allclose(cost.log(inner)[1], slope(lambda P: cost.log(P)[0], inner), rtol=1e-7, atol=1e-8)
    assert gradient[-1, 1] == 0.0


@pytest.mark.parametrize(
    ("knots", "costs"), [((0.0, 1.0), (1.0,)), ((), ()), ((1.0, 0.0), (1.0, 2.0)), ((0.0, 1.0), (0.0, 2.0)), ((0.0,), (np.inf,))]
)
def test_costs_that_are_none(knots, costs):
    with pytest.raises(ValueError, match="they"):
        ColumnCost(0, knots, costs)


def test_a_score_per_cost(gp):
    rng = np.random.default_rng(1)
    X, cost = rng.random((6, 3)), ColumnCost(2, (0.0, 1.0), (1.0, 20.0))
    inner = LogDiscreteKnowledgeGradient(gp, rng.random((10, 3)), 0.05)
    score = LogPerCost(inner, cost)
    value, gradient = score.value_and_gradient(X)
    np.testing.assert_allclose(np.exp(value), np.exp(inner.value(X)) / (1 + 19 * X[:, 2]))
    np.testing.assert_allclose(score.value(X), value, rtol=1e-12)
    np.testing.assert_allclose(gradient, slope(score.value, X), rtol=1e-4, atol=1e-6)
    awaited = score.with_pending(X[:2])
    np.testing.assert_allclose(awaited.value(X), inner.with_pending(X[:2]).value(X) - np.log(1 + 19 * X[:, 2]))


def test_a_rough_score_per_cost(gp):
    rng = np.random.default_rng(1)
    X, cost = rng.random((6, 3)), ColumnCost(2, (0.0, 1.0), (1.0, 20.0))
    inner = LogMaxValueEntropy(gp, rng.random((10, 3)), 0.05)
    score = LogRoughPerCost(inner, cost).with_pending(X[:1])
    assert isinstance(score, Rough) and not isinstance(LogPerCost(inner, cost), Rough)
    np.testing.assert_allclose(score.rough(X), inner.with_pending(X[:1]).rough(X) - np.log(1 + 19 * X[:, 2]))


def test_a_score_that_may_be_negative_per_cost(gp):
    """As BoTorch has it: what is gained is divided by the cost, what is lost multiplied."""
    import torch
    from botorch.acquisition.cost_aware import InverseCostWeightedUtility
    from botorch.models.cost import AffineFidelityCostModel

    rng = np.random.default_rng(1)
    X, cost = rng.random((6, 3)), ColumnCost(2, (0.0, 1.0), (1.0, 20.0))
    inner = GIBBON(gp, rng.random((10, 3)), 0.05)
    score = PerCost(inner, cost).with_pending(X[:2] + 0.01)
    value, gradient = score.value_and_gradient(X)
    utility = InverseCostWeightedUtility(AffineFidelityCostModel({2: 19.0}, fixed_cost=1.0))
    plain = torch.tensor(score.acq.value(X))[None]
    np.testing.assert_allclose(value, utility(torch.tensor(X)[:, None], plain)[0].numpy(), rtol=1e-9)
    np.testing.assert_allclose(score.value(X), value, rtol=1e-12)
    np.testing.assert_allclose(gradient, slope(score.value, X), rtol=1e-4, atol=1e-6)
    assert value.min() < 0 < value.max()


def test_a_model_that_stands_at_its_target(gp):
    X = np.random.default_rng(2).random((5, 3))
    there = X.copy()
    there[:, 1] = 0.8
    standing = Standing(gp, {1: 0.8})
    for found, expected in zip(standing.predict(X), gp.predict(there), strict=True):
        np.testing.assert_array_equal(found, expected)
    baseline = standing.baseline(X[:2])
    np.testing.assert_allclose(standing.at(X, baseline).covariance, gp.covariance(there, there[:2]), atol=1e-12)
    np.testing.assert_array_equal(X[:, 1] == 0.8, False)
    feasibility = LogProbabilityOfFeasibility([OutcomeConstraint(standing, upper=0.1)])
    value, gradient = feasibility.value_and_gradient(X)
    np.testing.assert_allclose(value, LogProbabilityOfFeasibility([OutcomeConstraint(gp, upper=0.1)]).value(there))
    np.testing.assert_allclose(gradient, slope(feasibility.value, X), rtol=1e-5, atol=1e-7)
    assert not gradient[:, 1].any()
