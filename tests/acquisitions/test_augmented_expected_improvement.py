"""Augmented expected improvement: its factors by the book, plain improvement where they are one, and differences."""

from types import SimpleNamespace

import numpy as np
import pytest

from acquisitions import LogAugmentedExpectedImprovement, LogExpectedImprovement, LogProbabilityOfFeasibility, OutcomeConstraint
from acquisitions.at_target import moved
from acquisitions.augmented_expected_improvement import effective_best
from acquisitions.standing import Standing

TARGET = {2: 0.9}


class Best(LogAugmentedExpectedImprovement):
    """Over a best value that is given."""

    def __init__(self, gp, best, noise, target=None, constraints=()):
        super().__init__(gp, np.full((1, 3), 0.5), noise, target or {}, constraints)
        object.__setattr__(self, "best", best)


@pytest.fixture
def X():
    return np.random.default_rng(5).random((25, 3))


def test_at_the_target_without_noise_it_is_expected_improvement(make_case, X):
    gp = make_case(n=12).gps[0]
    plain, there = LogExpectedImprovement(gp, 0.7), moved(X, TARGET)
    for ours, points in (
        (Best(gp, 0.7, 0.0, TARGET), there),
        (Best(gp, 0.7, 0.0), X),
    ):
        value, gradient = ours.value_and_gradient(points)
        expected, slope = plain.value_and_gradient(points)
        np.testing.assert_allclose(value, expected, rtol=1e-12)
        np.testing.assert_allclose(gradient[:, :2], slope[:, :2], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("noise", [0.0, 1e-8, 0.05, 4.0])
def test_the_factors_elsewhere(noise, make_case, X):
    gp = make_case(n=12).gps[0]
    value = Best(gp, 0.7, noise, TARGET).value(X)
    there = moved(X, TARGET)
    covariance, (_, s2), (_, v) = np.diag(gp.covariance(X, there)), gp.predict(X), gp.predict(there)
    correlation = np.abs(covariance) / np.sqrt(v * (s2 + noise))
    factor = 1 - np.sqrt(noise / (s2 + noise))
    improvement = np.exp(LogExpectedImprovement(gp, 0.7).value(there))
    np.testing.assert_allclose(np.exp(value), improvement * correlation * factor, rtol=1e-7)
    assert correlation.min() < 0.9


def test_what_goes_against_the_target_tells_as_much(make_case, X):
    gp = make_case(n=12).gps[0]

    class Against:
        predict, at = gp.predict, gp.at

        def pairs(self, here, there):
            pairs = gp.pairs(here, there)
            return SimpleNamespace(covariance=-pairs.covariance, pull=lambda d: pairs.pull(-d))

    ours, expected = (Best(model, 0.7, 0.05, TARGET).value_and_gradient(X) for model in (Against(), gp))
    for mine, other in zip(ours, expected, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-12)


@pytest.mark.parametrize("noise", [0.0, 1e-8, 0.05, 4.0])
def test_gradient_by_differences(noise, make_case, check_gradient, X):
    gp = make_case(n=15, noise=0.05).gps[0]
    check_gradient(Best(gp, 0.7, noise, TARGET), X, tolerance=1e-5)
    if noise:
        check_gradient(Best(gp, 0.7, noise, TARGET), moved(X, TARGET), tolerance=1e-5)


def test_far_below_the_best_it_is_finite_and_ordered(make_case, X):
    gp = make_case(n=12).gps[0]
    found = [Best(gp, best, 0.05, TARGET).value_and_gradient(X) for best in (1.0, 10.0, 30.0, 100.0, 1000.0)]
    assert np.all(np.isfinite([value for value, _ in found])) and np.all(np.isfinite([gradient for _, gradient in found]))
    assert np.all(np.diff([value for value, _ in found], axis=0) < -10)


def test_what_is_known_is_not_measured_again(make_case):
    """As EI has nothing to say of noise, the last factor does: the better a point is known, the less it is worth."""
    case = make_case(n=12, noise=0.05)
    known = Best(case.gps[0], 0.7, 0.05).value(case.X)
    plain = LogExpectedImprovement(case.gps[0], 0.7).value(case.X)
    assert np.all(known < plain - 0.5)


def test_the_effective_best_is_the_surest():
    gp = SimpleNamespace(predict=lambda X: (np.array([1.0, 3.0, 2.0]), np.array([0.01, 9.0, 0.25])))
    assert effective_best(gp, np.zeros((3, 1))) == 2.0


def test_it_is_over_the_effective_best_of_what_was_evaluated_and_pending(make_case, X):
    gp = make_case(n=12, noise=0.05).gps[0]
    gp.condition = lambda P, y, yvar: type(gp)(np.vstack([gp.X, P]), np.append(gp.y, y), gp.lengthscale, gp.noise)
    ours = LogAugmentedExpectedImprovement(gp, gp.X, 0.05, TARGET)
    assert ours.best == effective_best(gp, moved(gp.X, TARGET)) != effective_best(gp, gp.X)
    assert ours.with_pending(X[:0]) is ours
    waiting = ours.with_pending(X[:2])
    grown = gp.condition(X[:2], gp.predict(X[:2])[0], None)
    expected = LogAugmentedExpectedImprovement(grown, np.vstack([gp.X, X[:2]]), 0.05, TARGET)
    np.testing.assert_allclose(waiting.value(X), expected.value(X), rtol=1e-6, atol=1e-6)
    assert np.all(waiting.value(X[:2]) < ours.value(X[:2]) - 0.3)


def test_constraints_count_by_their_probability(make_case, check_gradient, X):
    case = make_case(outcomes=2, n=15, noise=0.05)
    bound = [OutcomeConstraint(Standing(case.gps[1], TARGET), upper=0.2)]
    free, bounded = (LogAugmentedExpectedImprovement(case.gps[0], case.X, 0.05, TARGET, those) for those in ((), bound))
    np.testing.assert_allclose(bounded.value(X) - free.value(X), LogProbabilityOfFeasibility(bound).value(X), rtol=1e-9, atol=1e-9)
    check_gradient(bounded, X, tolerance=1e-5)


def test_what_is_refused(make_case, X):
    gp = make_case().gps[0]
    with pytest.raises(ValueError, match="noise is -1"):
        LogAugmentedExpectedImprovement(gp, X, -1.0)
    with pytest.raises(ValueError, match="X has no points"):
        LogAugmentedExpectedImprovement(gp, X[:0], 0.1)
    with pytest.raises(TypeError, match="has no pairs"):
        LogAugmentedExpectedImprovement(SimpleNamespace(at=gp.at, predict=gp.predict), X, 0.1, TARGET).value(X)
