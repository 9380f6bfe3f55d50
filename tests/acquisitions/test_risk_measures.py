"""Risk measures: closed forms of a normal distribution, BoTorch's, definitions, and their gradients."""

import numpy as np
import pytest
import torch
from botorch.acquisition import risk_measures as botorch_measures
from scipy.stats import norm

from acquisitions.quadrature import Standard
from acquisitions.risk_measures import RiskMeasure
from acquisitions.risk_of_mean import RiskOfMean
from acquisitions.scenarios import Scenarios, Shift
from surrogates.exact_gp import fit

KINDS = [RiskMeasure(), RiskMeasure("var", 0.7), RiskMeasure("cvar", 0.7), RiskMeasure("worst_case")]


@pytest.mark.parametrize("level", [0.5, 0.9, 0.95])
def test_of_a_normal_distribution(level):
    """From many strata, and the conditional value from as few as the problem's, whose means make it exact between them."""
    nodes, weights = Standard(8.0).strata(4000)
    z = norm.ppf(level)
    assert RiskMeasure("var", level).of(nodes, weights) == pytest.approx(-z, abs=2e-3)
    assert RiskMeasure("cvar", level).of(nodes, weights) == pytest.approx(-norm.pdf(z) / (1 - level), abs=1e-5)
    few, weights = Standard(8.0).strata(20)
    assert RiskMeasure("cvar", level).of(few, weights) == pytest.approx(-norm.pdf(z) / (1 - level), abs=1e-9)


def test_of_a_sample_of_a_normal_distribution():
    """Within four standard errors, of a tail of 5,000 values."""
    g = np.random.default_rng(0).normal(2.0, 3.0, 50_000)
    found = RiskMeasure("cvar", 0.9).of(g, np.full(len(g), 1 / len(g)))
    assert found == pytest.approx(2.0 - 3.0 * norm.pdf(norm.ppf(0.9)) / 0.1, abs=4 * 3.0 * 1.3 / np.sqrt(5_000))


def test_of_few_values_with_probabilities():
    values, weights = np.array([3.0, -1.0, 2.0]), np.array([0.5, 0.2, 0.3])
    assert RiskMeasure().of(values, weights) == pytest.approx(1.9)
    assert RiskMeasure("worst_case").of(values, weights) == -1.0
    # P(g >= 2) = 0.8, P(g >= 3) = 0.5, P(g >= -1) = 1
    for level, expected in ((0.4, 3.0), (0.5, 3.0), (0.7, 2.0), (0.8, 2.0), (0.85, -1.0)):
        assert RiskMeasure("var", level).of(values, weights) == expected, level
    assert RiskMeasure("cvar", 0.8).of(values, weights) == pytest.approx(-1.0)
    assert RiskMeasure("cvar", 0.7).of(values, weights) == pytest.approx((0.2 * -1 + 0.1 * 2) / 0.3)
    assert RiskMeasure("cvar", 0.1).of(values, weights) == pytest.approx((0.2 * -1 + 0.3 * 2 + 0.4 * 3) / 0.9)


def test_the_worst_of_two_environments_is_the_lesser():
    a, b = np.random.default_rng(1).normal(size=(2, 9))
    np.testing.assert_array_equal(RiskMeasure("worst_case").of(np.stack([a, b], -1), np.array([0.9, 0.1])), np.minimum(a, b))


def test_botorch_says_the_same_where_it_counts_alike():
    values, weights = np.random.default_rng(2).normal(size=(5, 10)), np.full(10, 0.1)
    theirs = {
        "expectation": botorch_measures.Expectation(10),
        "var": botorch_measures.VaR(0.7, 10),
        "worst_case": botorch_measures.WorstCase(10),
    }
    for kind, measure in theirs.items():
        expected = measure(torch.tensor(values.reshape(-1, 1))).numpy()
        np.testing.assert_allclose(RiskMeasure(kind, 0.7).of(values, weights), expected, err_msg=kind)
    # The value at the edge, which it counts in full, makes up the whole of ours at a lower level.
    expected = botorch_measures.CVaR(0.7, 10)(torch.tensor(values.reshape(-1, 1))).numpy()
    np.testing.assert_allclose(RiskMeasure("cvar", 0.6).of(values, weights), expected)


@pytest.mark.parametrize("measure", KINDS, ids=str)
def test_shares_are_weights_and_gradients(measure):
    values, weights = np.random.default_rng(3).normal(size=(4, 7)), np.random.default_rng(4).dirichlet(np.ones(7))
    shares = measure.shares(values, weights)
    np.testing.assert_allclose(shares.sum(-1), 1.0)
    assert np.all(shares >= 0)
    np.testing.assert_allclose((shares * values).sum(-1), measure.of(values, weights))
    for k in range(7):
        step = np.zeros(7)
        step[k] = 1e-6
        slope = (measure.of(values + step, weights) - measure.of(values - step, weights)) / 2e-6
        np.testing.assert_allclose(shares[:, k], slope, atol=1e-8)


@pytest.mark.parametrize("measure", KINDS, ids=str)
def test_the_measure_of_the_mean_has_a_gradient(measure, check_gradient):
    rng = np.random.default_rng(5)
    X = rng.random((15, 3))
    gp = fit(X, np.sin(5 * X).sum(1), np.full(15, 1e-2))
    moved = {0: Shift(rng.normal(size=9) / 9), 2: Shift(rng.normal(size=9), 1.0, np.exp(2.0), 2.0)}
    scenarios = Scenarios(rng.dirichlet(np.ones(9)), {1: rng.random(9)}, moved)
    score, points = RiskOfMean(gp, scenarios, measure), 0.02 + 0.96 * rng.random((20, 3))
    check_gradient(score, points, tolerance=1e-5)
    one_by_one = [measure.of(gp.predict(scenarios.expand(x[None]))[0], scenarios.weights) for x in points]
    np.testing.assert_allclose(score.value(points), one_by_one, rtol=1e-12)


def test_shifts_stay_in_range_and_know_where_they_end():
    shift = Shift(np.array([-0.3, 0.0, 0.3]))
    at, slope = shift.moved(np.array([0.1, 0.5]))
    np.testing.assert_allclose(at, [[0.0, 0.1, 0.4], [0.2, 0.5, 0.8]])
    np.testing.assert_array_equal(slope, [[0, 1, 1], [1, 1, 1]])
    log = Shift(np.array([-0.5, 2.0, 100.0]), 1.0, 10.0, np.log(10.0))  # values 1 to 10
    at, _ = log.moved(np.array([0.5]))
    np.testing.assert_allclose(10.0**at, [[np.sqrt(10) - 0.5, np.sqrt(10) + 2.0, 10.0]])


def test_what_is_refused():
    with pytest.raises(ValueError, match="kind is 'mean'"):
        RiskMeasure("mean")
    for level in (0.0, 1.0, np.nan):
        with pytest.raises(ValueError, match="level is"):
            RiskMeasure("var", level)
