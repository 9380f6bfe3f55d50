"""The knowledge gradient with derivatives: against the one without, against data that are really added, and differences."""

from __future__ import annotations

import numpy as np
import pytest

from acquisitions import LogDerivativeKnowledgeGradient, LogDiscreteKnowledgeGradient, LogProbabilityOfFeasibility, OutcomeConstraint
from surrogates.exact_gp import ExactGP, Settings, gradients
from surrogates.exact_gp import fit as fit_values

Array = np.ndarray
NOISE = np.array([0.05, 0.4, 0.2])


@pytest.fixture(scope="module")
def gp() -> ExactGP:
    """Fitted to values and gradients of two variables, some of them missing, all noisy."""
    rng = np.random.default_rng(0)
    X = rng.random((7, 2))
    y = np.sin(5 * X).sum(1) + 0.2 * rng.standard_normal(7)
    G = 5 * np.cos(5 * X) + 0.5 * rng.standard_normal((7, 2))
    G[2], G[4, 0] = np.nan, np.nan
    told = gradients.Gradients(G / y.std(), np.full(G.shape, 0.5))
    return gradients.fit(X, (y - y.mean()) / y.std(), told, np.full(7, 0.1), settings=Settings(outputscale=True, kernel="matern52"))


@pytest.fixture(scope="module")
def A() -> Array:
    return np.random.default_rng(1).random((12, 2))


@pytest.fixture(scope="module")
def T() -> Array:
    return np.random.default_rng(2).random((25, 2))


def test_without_derivatives_it_is_the_knowledge_gradient(gp: ExactGP, A: Array, T: Array) -> None:
    ours = LogDerivativeKnowledgeGradient(gp, A, NOISE[:1], ())
    other = LogDiscreteKnowledgeGradient(gp, A, NOISE[0], candidate=True)
    assert ours.value(T) == pytest.approx(other.value(T), rel=1e-10)
    for found, expected in zip(ours.value_and_gradient(T), other.value_and_gradient(T), strict=True):
        assert found == pytest.approx(expected, rel=1e-8, abs=1e-10)


def test_derivatives_that_say_nothing_are_worth_nothing(gp: ExactGP, A: Array, T: Array) -> None:
    ours = LogDerivativeKnowledgeGradient(gp, A, np.array([NOISE[0], 1e16, 1e16]), (0, 1))
    other = LogDiscreteKnowledgeGradient(gp, A, NOISE[0], candidate=True)
    for found, expected in zip(ours.value_and_gradient(T), other.value_and_gradient(T), strict=True):
        assert found == pytest.approx(expected, abs=1e-5)


def test_more_information_is_worth_more(gp: ExactGP, A: Array, T: Array) -> None:
    least = LogDiscreteKnowledgeGradient(gp, A, NOISE[0], candidate=True).value(T)
    one = LogDerivativeKnowledgeGradient(gp, A, NOISE[:2], (0,)).value(T)
    both = LogDerivativeKnowledgeGradient(gp, A, NOISE, (0, 1), samples=512).value(T)
    assert np.all(one >= least)
    assert np.all(both >= least)
    assert np.all(LogDerivativeKnowledgeGradient(gp, A, NOISE, (0, 1), samples=3).value(T) >= least)  # of as few vectors as may be
    assert np.mean(both - least) > 0.1
    assert np.mean(both - one) > 0.05


@pytest.mark.parametrize("row", range(4))
def test_samples_of_measurements(gp: ExactGP, A: Array, T: Array, row: int) -> None:
    """Measurements are drawn and added to the data. Three standard errors of 200,000 draws: one in 90 of four would fail by chance."""
    x = T[row : row + 1]
    joint = gp.joint(x, (0, 1))
    root = np.linalg.cholesky(joint.covariance[0] + np.diag(NOISE))
    points = np.vstack([A, x])

    def after(z: Array) -> Array:
        return gp.condition(joint.rows, joint.mean[0] + root @ z, NOISE).predict(points)[0]

    mean = after(np.zeros(3))
    assert mean == pytest.approx(gp.predict(points)[0], abs=1e-9)
    slopes = np.array([after(e) - mean for e in np.eye(3)])
    some = np.array([0.3, -1.2, 0.8])
    assert after(some) == pytest.approx(mean + some @ slopes, abs=1e-9)
    gain = (mean + np.random.default_rng(row).standard_normal((200_000, 3)) @ slopes).max(1) - gp.predict(A)[0].max()
    gain -= max(mean[-1] - gp.predict(A)[0].max(), 0.0)
    found = float(np.exp(LogDerivativeKnowledgeGradient(gp, A, NOISE, (0, 1), samples=20_000).value(x)[0]))
    assert abs(found - gain.mean()) < 3 * gain.std() / np.sqrt(len(gain))
    few = [float(np.exp(LogDerivativeKnowledgeGradient(gp, A, NOISE, (0, 1), seed=seed).value(x)[0])) for seed in range(20)]
    assert np.mean(few) == pytest.approx(found, rel=0.1)
    assert np.std(few) < 0.2 * found


def test_its_gradient(gp: ExactGP, A: Array, T: Array) -> None:
    constraint = OutcomeConstraint(fit_values(T, T[:, 0] - 0.5), lower=0.0, upper=None)
    for score in (
        LogDerivativeKnowledgeGradient(gp, A, NOISE, (1, 0)),
        LogDerivativeKnowledgeGradient(gp, A, NOISE[:2], (1,), [constraint]),
        LogDerivativeKnowledgeGradient(gp, A, 1e-6 * NOISE, (0, 1)),
    ):
        value, gradient = score.value_and_gradient(T)
        assert value == pytest.approx(score.value(T), rel=1e-12)
        step = 1e-6
        slopes = np.column_stack([(score.value(T + step * e) - score.value(T - step * e)) / (2 * step) for e in np.eye(2)])
        wrong = np.abs(slopes - gradient) > 1e-4 * (1 + np.abs(slopes))
        assert wrong.sum() <= 1  # where the leading mean changes within a step there is a kink


def test_constraints_weigh_in(gp: ExactGP, A: Array, T: Array) -> None:
    constraint = OutcomeConstraint(fit_values(T, T[:, 0] - 0.5), lower=0.0, upper=None)
    free, bound = (LogDerivativeKnowledgeGradient(gp, A, NOISE, (0, 1), constraints) for constraints in ((), (constraint,)))
    likely = LogProbabilityOfFeasibility([constraint]).value(T)
    assert bound.value(T) == pytest.approx(free.value(T) + likely)
    assert bound.rough(T) == pytest.approx(free.rough(T) + likely)


def test_the_rough_score_ranks_alike(gp: ExactGP, A: Array) -> None:
    many = np.random.default_rng(3).random((400, 2))
    score = LogDerivativeKnowledgeGradient(gp, A, NOISE, (0, 1))
    best = int(score.value(many).argmax())
    assert best in np.argsort(-score.rough(many))[:20]


def test_a_measurement_that_is_awaited_is_not_made_again(gp: ExactGP, A: Array, T: Array) -> None:
    score = LogDerivativeKnowledgeGradient(gp, A, NOISE, (0, 1))
    best = T[[score.value(T).argmax()]]
    later = score.with_pending(best)
    assert later.value(best)[0] < score.value(best)[0] - 0.3
    assert len(later.gp.y) == len(gp.y) + 3  # type: ignore[attr-defined]
    assert later.gp.predict(T)[0] == pytest.approx(gp.predict(T)[0], abs=1e-9)
    assert score.with_pending(T[:0]) is score


def test_what_is_malformed_is_refused(gp: ExactGP, A: Array) -> None:
    with pytest.raises(ValueError, match="no points"):
        LogDerivativeKnowledgeGradient(gp, A[:0], NOISE, (0, 1))
    for noise in (NOISE[:2], -NOISE, np.full(3, np.inf)):
        with pytest.raises(ValueError, match="one finite variance"):
            LogDerivativeKnowledgeGradient(gp, A, noise, (0, 1))
