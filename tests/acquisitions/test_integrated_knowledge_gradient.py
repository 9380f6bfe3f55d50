"""The integrated knowledge gradient: against the plain one, data that are really added, samples, closed integrals and differences."""

import numpy as np
import pytest

from acquisitions import LogDiscreteKnowledgeGradient, LogIntegratedKnowledgeGradient, LogProbabilityOfFeasibility, OutcomeConstraint
from acquisitions.risk_measures import RiskMeasure
from acquisitions.risk_of_mean import RiskOfMean
from acquisitions.scenarios import Scenarios, Shift
from surrogates.exact_gp import Settings, fit

NOISE = 0.1
SUM = Scenarios(np.array([0.2, 0.5, 0.3]), {1: np.array([0.1, 0.45, 0.9])})
SHIFTED = Scenarios(
    np.array([0.25, 0.5, 0.25]),
    {1: np.array([0.2, 0.5, 0.9])},
    {0: Shift(np.array([-0.2, 0.0, 0.3])), 2: Shift(np.array([0.5, -0.9, 0]), 1.0, np.exp(2.0), 2.0)},
)


@pytest.fixture(scope="module")
def gp():
    """A fitted process with known noise, of three columns."""
    rng = np.random.default_rng(0)
    X = rng.random((14, 3))
    y = np.sin(6 * X).sum(1) + 0.3 * rng.standard_normal(14)
    return fit(X, (y - y.mean()) / y.std(), np.full(14, NOISE))


@pytest.fixture(scope="module")
def designs():
    return np.random.default_rng(1).random((6, 3))


def integrated(gp, X, scenarios):
    return scenarios.by_row(gp.predict(scenarios.expand(X))[0]) @ scenarios.weights


def after(gp, x, z, scenarios, X):
    """Integrated means of designs once a measurement at x came out z predictive deviations high, by adding it to the data."""
    mean, variance = gp.predict(x[None])
    return integrated(gp.condition(x[None], mean + np.sqrt(variance + NOISE) * z, np.array([NOISE])), X, scenarios)


@pytest.mark.parametrize("scenarios", [SUM, SHIFTED], ids=["sum", "shifted"])
@pytest.mark.parametrize("candidate", [False, True])
def test_samples_of_measurements(gp, designs, scenarios, candidate):
    """Within three standard errors at each of ten points; were the seeds free, one in 40 runs would fail by chance."""
    acquisition = LogIntegratedKnowledgeGradient(gp, designs, scenarios, NOISE, candidate=candidate)
    points = np.random.default_rng(2).random((60, 3))
    points = points[np.argsort(-acquisition.value(points))[:10]]
    Z, off = np.random.default_rng(3).standard_normal(100_000), []
    for x, value in zip(points, np.exp(acquisition.value(points)), strict=True):
        X = np.vstack([designs, x]) if candidate else designs
        low, middle, high = (after(gp, x, z, scenarios, X) for z in (-1.5, 0.0, 2.0))
        slope = (high - low) / 3.5
        np.testing.assert_allclose(middle, low + 1.5 * slope, atol=1e-9)
        lines, best = middle + np.multiply.outer(Z, slope), int(np.argmax(middle))
        gains = lines.max(1) - lines[:, best]  # the line of the best so far is at its mean on average
        off.append(abs(gains.mean() - value) / (gains.std() / np.sqrt(len(gains))))
        assert value > 1e-5  # otherwise anything would pass
    assert max(off) < 3


def test_with_a_single_condition_it_is_the_knowledge_gradient_there(gp, designs):
    X = np.random.default_rng(4).random((20, 3))
    sure = Scenarios(np.ones(1), {1: np.array([0.7])})
    there = sure.expand(designs)
    for candidate in (False, True):
        plain = LogDiscreteKnowledgeGradient(gp, there, NOISE, candidate=candidate, moved={1: 0.7} if candidate else {})
        ours = LogIntegratedKnowledgeGradient(gp, designs, sure, NOISE, candidate=candidate)
        np.testing.assert_allclose(ours.value(X), plain.value(X), rtol=1e-9)
        np.testing.assert_allclose(ours.value_and_gradient(X)[1], plain.value_and_gradient(X)[1], rtol=1e-6, atol=1e-8)


def test_conditions_that_are_the_same_count_as_one(gp, designs):
    X = np.random.default_rng(5).random((8, 3))
    split = Scenarios(np.array([0.2, 0.2, 0.3, 0.3]), {1: np.array([0.1, 0.45, 0.45, 0.9])})
    np.testing.assert_allclose(
        LogIntegratedKnowledgeGradient(gp, designs, SUM, NOISE).value(X),
        LogIntegratedKnowledgeGradient(gp, designs, split, NOISE).value(X),
        rtol=1e-9,
    )


def test_the_integral_of_a_gaussian_in_closed_form():
    """The mean of an RBF process over a normal condition, from nodes and from the integral of the kernel's factor (Frazier 2018, 5.7)."""
    rng = np.random.default_rng(6)
    X = rng.random((12, 2))
    model = fit(X, np.sin(5 * X).sum(1), np.full(12, 1e-3))
    length = np.exp(model.theta)
    m, s = 0.5, 0.1
    nodes, weights = np.polynomial.hermite_e.hermegauss(40)
    keep = weights > 1e-12  # the others lie outside the cube, and count for nothing
    rule = Scenarios(weights[keep] / weights[keep].sum(), {1: m + s * nodes[keep]})
    points = rng.random((9, 2))
    first = np.exp(-0.5 * ((points[:, None, 0] - X[None, :, 0]) / length[0]) ** 2)
    spread = np.sqrt(length[1] ** 2 + s**2)
    second = length[1] / spread * np.exp(-0.5 * ((m - X[:, 1]) / spread) ** 2)
    closed = float(model.weights[0]) + (first * second) @ model.alpha
    np.testing.assert_allclose(RiskOfMean(model, rule, RiskMeasure()).value(points), closed, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("settings", [Settings(), Settings(kernel="matern52", mean="linear")], ids=["rbf", "matern, linear mean"])
@pytest.mark.parametrize("scenarios", [SUM, SHIFTED], ids=["sum", "shifted"])
@pytest.mark.parametrize("bounded", [False, True])
def test_gradient_by_differences(gp, designs, settings, scenarios, bounded, check_gradient):
    model = fit(gp.X, gp.y, gp.yvar, settings=settings)
    acquisition = LogIntegratedKnowledgeGradient(model, designs, scenarios, NOISE, [OutcomeConstraint(gp, upper=0.4)] if bounded else [])
    X = 0.05 + 0.85 * np.random.default_rng(7).random((25, 3))
    near = acquisition.value(X) > -30
    assert near.sum() >= 12
    check_gradient(acquisition, X[near], tolerance=1e-5)


def test_constraints_count_by_their_probability(gp, designs):
    X, bound = np.random.default_rng(8).random((6, 3)), OutcomeConstraint(gp, upper=0.2)
    difference = LogIntegratedKnowledgeGradient(gp, designs, SUM, NOISE, [bound]).value(X) - LogIntegratedKnowledgeGradient(
        gp, designs, SUM, NOISE
    ).value(X)
    np.testing.assert_allclose(difference, LogProbabilityOfFeasibility([bound]).value(X), rtol=1e-9, atol=1e-9)


def test_pending_points_count_as_measured(gp, designs):
    pending = np.random.default_rng(9).random((2, 3))
    grown = gp.condition(pending, gp.predict(pending)[0], np.full(2, NOISE))
    X = np.random.default_rng(10).random((6, 3))
    free = LogIntegratedKnowledgeGradient(gp, designs, SUM, NOISE)
    ours = free.with_pending(pending[:1]).with_pending(pending[1:])
    np.testing.assert_allclose(ours.value(X), LogIntegratedKnowledgeGradient(grown, designs, SUM, NOISE).value(X), rtol=1e-7)
    assert np.all(ours.value(pending) < free.value(pending))
    assert free.with_pending(pending[:0]) is free


def test_what_the_conditions_set_does_not_matter_in_designs(gp, designs):
    X, other = np.random.default_rng(11).random((6, 3)), designs.copy()
    other[:, 1] = 0.3
    one, two = (LogIntegratedKnowledgeGradient(gp, D, SUM, NOISE).value(X) for D in (designs, other))
    np.testing.assert_allclose(one, two, rtol=1e-12)


def test_averages_are_weighted_sums_of_covariances(gp, designs):
    Z = SUM.expand(designs)
    found = gp.averages(designs, Z, SUM.weights)
    full = gp.covariance(designs, Z).reshape(6, 6, 3) @ SUM.weights
    np.testing.assert_allclose(found.covariance, np.diag(full), atol=1e-12)
    np.testing.assert_allclose(found.mean, integrated(gp, designs, SUM), atol=1e-12)
    many = np.random.default_rng(12).random((21, 3))  # several parts
    full = gp.covariance(many, SUM.expand(many)).reshape(21, 21, 3) @ SUM.weights
    np.testing.assert_allclose(gp.averages(many, SUM.expand(many), SUM.weights).covariance, np.diag(full), atol=1e-12)


def test_what_is_refused(gp, designs):
    with pytest.raises(ValueError, match="no designs"):
        LogIntegratedKnowledgeGradient(gp, designs[:0], SUM, NOISE)
    with pytest.raises(ValueError, match="noise is"):
        LogIntegratedKnowledgeGradient(gp, designs, SUM, -1.0)

    class Bare:
        predict, baseline, at = gp.predict, gp.baseline, gp.at

    with pytest.raises(TypeError, match="Bare has no averages"):
        LogIntegratedKnowledgeGradient(Bare(), designs, SUM, NOISE)
    with pytest.raises(ValueError, match="add up to one"):
        Scenarios(np.array([0.5, 0.6]))
    with pytest.raises(ValueError, match="column 2 has values of shape"):
        Scenarios(np.array([0.5, 0.5]), {2: np.zeros(3)})
