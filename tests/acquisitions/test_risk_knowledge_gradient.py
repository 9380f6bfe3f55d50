"""The knowledge gradient of risk measures: against nested simulation by data that are really added, the integrated one, and differences."""

import numpy as np
import pytest

from acquisitions import (
    LogIntegratedKnowledgeGradient,
    LogProbabilityOfFeasibility,
    LogRiskKnowledgeGradient,
    OutcomeConstraint,
    risk_knowledge_gradient,
)
from acquisitions.conditioning import joint_samples
from acquisitions.risk_measures import RiskMeasure
from acquisitions.scenarios import Scenarios, Shift
from surrogates.exact_gp import ExactGP

NOISE = 0.05
SUM = Scenarios(np.array([0.2, 0.5, 0.3]), {1: np.array([0.1, 0.45, 0.9])})
SHIFTED = Scenarios(np.full(4, 0.25), {1: np.array([0.2, 0.5, 0.9, 0.4])}, {0: Shift(np.array([-0.2, 0.0, 0.1, 0.2]))})
MEASURES = [RiskMeasure(), RiskMeasure("var", 0.7), RiskMeasure("cvar", 0.6), RiskMeasure("worst_case")]


@pytest.fixture(scope="module")
def gp():
    """A process that little is known of: length scales of 0.4, and eight points."""
    rng = np.random.default_rng(0)
    memo = {"parameters": {f"lengthscale[{i}]": float(np.log(0.4)) for i in range(3)}, "noise": None, "mean": [0.0]}
    return ExactGP.from_memo(rng.random((8, 3)), 0.5 * rng.standard_normal(8), np.full(8, NOISE), memo)


@pytest.fixture(scope="module")
def designs():
    return np.random.default_rng(1).random((6, 3))


@pytest.fixture
def fine(monkeypatch):
    """Hard maxima and many surprises: nothing but samples is left between the score and what it stands for."""
    monkeypatch.setattr(risk_knowledge_gradient, "_TEMPERATURE", 1e-5)
    monkeypatch.setattr(risk_knowledge_gradient, "_SURPRISES", 41)


def expected(gp, X, scenarios, measure, samples=8_000):
    """``E_n[rho f]`` of designs by plain sampling."""
    drawn = joint_samples(gp, scenarios.expand(X), samples, np.random.default_rng(2)).reshape(samples, len(X), len(scenarios))
    return measure.of(drawn, scenarios.weights).mean(0)


@pytest.mark.parametrize("measure", MEASURES, ids=str)
def test_nested_simulation(gp, designs, measure, fine):
    """Data are added for each of 41 surprises; samples of both sides leave an error of a few per cent."""
    z, chance = np.polynomial.hermite_e.hermegauss(41)
    chance /= chance.sum()
    acquisition = LogRiskKnowledgeGradient(gp, designs, SUM, measure, NOISE, samples=2_000)
    pool = np.random.default_rng(3).random((40, 3))
    points = pool[np.argsort(-acquisition.rough(pool))[:3]]
    for x, ours in zip(points, np.exp(acquisition.value(points)), strict=True):
        mean, variance = gp.predict(x[None])
        R = []
        for surprise in z:
            after = gp.condition(x[None], mean + np.sqrt(variance + NOISE) * surprise, np.array([NOISE]))
            R.append(expected(after, designs, SUM, measure))
        R = np.array(R)
        gain = R.max(1) @ chance - (chance @ R).max()
        assert gain > 0.01
        assert ours == pytest.approx(gain, rel=0.08)


def test_samples_have_the_posterior_of_after(gp, designs):
    """Mean and covariance of the moved samples, by a model to which the data were added."""
    acquisition = LogRiskKnowledgeGradient(gp, designs, SUM, RiskMeasure(), NOISE, samples=40_000)
    x = np.array([[0.4, 0.6, 0.3]])
    moved = acquisition._after(x)
    told = float((moved.v**2).sum())
    t = 1.3 - (acquisition._xi @ moved.v[0]) / (1 + np.sqrt(1 - told))
    samples = (acquisition._values + moved.b[0] * t[:, None, None]).reshape(len(t), -1)
    mean, variance = gp.predict(x)
    after = gp.condition(x, mean + 1.3 * np.sqrt(variance + NOISE), np.array([NOISE]))
    Z = SUM.expand(designs)
    np.testing.assert_allclose(samples.mean(0), after.predict(Z)[0], atol=1e-5)
    np.testing.assert_allclose(np.cov(samples.T), after.covariance(Z, Z), atol=0.02)


def test_for_the_expectation_it_is_the_integrated_knowledge_gradient(gp, designs, fine):
    """To first order at once, and the whole up to the rule for surprises; two opposite samples say all."""
    X = np.random.default_rng(4).random((30, 3))
    exact = LogIntegratedKnowledgeGradient(gp, designs, SUM, NOISE, candidate=False)
    ours = LogRiskKnowledgeGradient(gp, designs, SUM, RiskMeasure(), NOISE, samples=2)
    np.testing.assert_allclose(ours.rough(X), exact.value(X), rtol=1e-6)
    big = exact.value(X) > np.log(0.01)
    assert big.sum() > 5
    np.testing.assert_allclose(np.exp(ours.value(X))[big], np.exp(exact.value(X))[big], rtol=0.03)


def test_first_order_ranks_nearly_as_the_whole(gp, designs):
    X = np.random.default_rng(5).random((60, 3))
    for measure in MEASURES:
        ours = LogRiskKnowledgeGradient(gp, designs, SUM, measure, NOISE, samples=64)
        rough, whole = ours.rough(X), ours.value(X)
        assert np.exp(whole[rough.argmax()]) > 0.6 * np.exp(whole.max())
        assert np.corrcoef(np.exp(rough), np.exp(whole))[0, 1] > 0.8


@pytest.mark.parametrize("measure", MEASURES, ids=str)
@pytest.mark.parametrize("scenarios", [SUM, SHIFTED], ids=["sum", "shifted"])
@pytest.mark.parametrize("bounded", [False, True])
def test_gradient_by_differences(gp, designs, measure, scenarios, bounded, check_gradient):
    acquisition = LogRiskKnowledgeGradient(
        gp, designs, scenarios, measure, NOISE, [OutcomeConstraint(gp, upper=0.4)] if bounded else [], samples=8
    )
    X = np.random.default_rng(6).random((20, 3))
    near = acquisition.value(X) > -12
    assert near.sum() >= 10
    if measure.kind == "var":  # it jumps from condition to condition, and a step over a jump has no slope
        value, gradient = acquisition.value_and_gradient(X[near])
        numeric = np.stack([(acquisition.value(X[near] + h) - acquisition.value(X[near] - h)) / 2e-7 for h in 1e-7 * np.eye(3)], 1)
        off = np.abs(gradient - numeric).max(1) / (1 + np.abs(numeric).max(1))
        np.testing.assert_allclose(value, acquisition.value(X[near]))
        assert np.median(off) < 1e-5 and np.mean(off < 1e-3) > 0.8
    else:
        check_gradient(acquisition, X[near], h=1e-7, tolerance=1e-4)


def test_where_nothing_is_decided_it_prefers_what_says_most(gp, designs, check_gradient):
    """A single design cannot be beaten by others; its value is learned all the same."""
    acquisition = LogRiskKnowledgeGradient(gp, designs[:1], SUM, RiskMeasure("worst_case"), NOISE)
    X = np.random.default_rng(8).random((12, 3))
    moved = (acquisition._after(X).b ** 2).mean((1, 2))
    np.testing.assert_allclose(acquisition.value(X), np.log(1e-9 * moved), rtol=1e-6)
    check_gradient(acquisition, X, h=1e-4, tolerance=1e-3)


def test_constraints_and_pending_points(gp, designs):
    X, measure = np.random.default_rng(7).random((6, 3)), RiskMeasure("cvar", 0.6)
    bound = OutcomeConstraint(gp, upper=0.2)
    with_, without = (LogRiskKnowledgeGradient(gp, designs, SUM, measure, NOISE, bounds) for bounds in ([bound], []))
    likely = LogProbabilityOfFeasibility([bound]).value(X)
    np.testing.assert_allclose(with_.value(X) - without.value(X), likely, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(with_.rough(X) - without.rough(X), likely, rtol=1e-9, atol=1e-9)
    grown = gp.condition(X[:1], gp.predict(X[:1])[0], np.array([NOISE]))
    np.testing.assert_allclose(
        without.with_pending(X[:1]).value(X), LogRiskKnowledgeGradient(grown, designs, SUM, measure, NOISE).value(X), rtol=1e-9
    )
    assert without.with_pending(X[:0]) is without


def test_what_is_refused(gp, designs):
    with pytest.raises(ValueError, match="no designs"):
        LogRiskKnowledgeGradient(gp, designs[:0], SUM, RiskMeasure(), NOISE)
    with pytest.raises(ValueError, match="noise is"):
        LogRiskKnowledgeGradient(gp, designs, SUM, RiskMeasure(), np.nan)
    with pytest.raises(ValueError, match="even number"):
        LogRiskKnowledgeGradient(gp, designs, SUM, RiskMeasure(), NOISE, samples=3)
