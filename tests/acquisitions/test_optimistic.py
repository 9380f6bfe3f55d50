"""Optimistic constraints and what is built on them, against their formulas and finite differences."""

import numpy as np
import pytest

from acquisitions import ExactPenalty, LeastViolation, OptimisticConstraints, OptimisticLagrangian, OutcomeConstraint, UpperConfidenceBound

BETA = (2.0, 0.5)


@pytest.fixture
def X():
    return np.random.default_rng(5).random((30, 3)) * 1.4 - 0.2


@pytest.fixture
def bounds(make_case):
    _, first, second = make_case(3).gps
    return OptimisticConstraints((OutcomeConstraint(first, upper=-0.2), OutcomeConstraint(second, -0.4, 0.3)), BETA)


@pytest.fixture
def objective(make_case):
    return UpperConfidenceBound(make_case(3).gps[0], 4.0)


def test_each_bound_at_the_most_favourable_value(make_case, bounds, X):
    _, first, second = make_case(3).gps
    (m, v), (n, w) = first.predict(X), second.predict(X)
    expected = [m - 2 * np.sqrt(v) + 0.2, -0.4 - n - 0.5 * np.sqrt(w), n - 0.5 * np.sqrt(w) - 0.3]
    np.testing.assert_allclose(bounds.value(X), np.transpose(expected), rtol=1e-12, atol=1e-13)
    assert bounds.entries == ((0, 1.0), (1, -1.0), (1, 1.0))


def test_a_wider_interval_breaks_fewer_bounds(make_case, X):
    constraint = (OutcomeConstraint(make_case().gps[0], -0.4, 0.3),)
    narrow, wide = (OptimisticConstraints(constraint, (beta,)).value(X) for beta in (0.0, 3.0))
    assert np.all(wide < narrow)


def test_a_negative_width_is_a_margin(make_case, X):
    gp = make_case().gps[0]
    mean, variance = gp.predict(X)
    safe = OptimisticConstraints((OutcomeConstraint(gp, upper=0.3),), (-1.5,)).value(X)[:, 0]
    np.testing.assert_allclose(safe, mean + 1.5 * np.sqrt(variance) - 0.3, rtol=1e-12, atol=1e-13)


def test_slopes_of_the_bounds(bounds, X):
    jacobian, h = bounds.jacobian(X), 1e-6
    assert jacobian.shape == (30, 3, 3)
    for j, step in enumerate(h * np.eye(3)):
        numeric = (bounds.value(X + step) - bounds.value(X - step)) / (2 * h)
        np.testing.assert_allclose(jacobian[:, :, j], numeric, atol=1e-6 * np.abs(jacobian).max())


def test_without_constraints_there_are_no_bounds(X):
    none = OptimisticConstraints((), ())
    assert none.value(X).shape == (30, 0) and none.jacobian(X).shape == (30, 0, 3)


def test_the_least_violation(bounds, X, check_gradient):
    score = LeastViolation(bounds)
    np.testing.assert_array_equal(score.value(X), np.min(-bounds.value(X), axis=1))
    check_gradient(score, X, h=1e-6, tolerance=1e-5)


def test_a_temperature_smooths_the_least_violation_from_below(bounds, X, check_gradient):
    plain = LeastViolation(bounds).value(X)
    for temperature in (1.0, 0.01):
        soft = LeastViolation(bounds, temperature)
        lack = plain - soft.value(X)
        assert np.all((lack >= 0) & (lack <= temperature * np.log(3)))
        np.testing.assert_allclose(np.exp(-soft.value(X)), np.exp(bounds.value(X) / temperature).sum(axis=1) ** temperature, rtol=1e-9)
        check_gradient(soft, X, h=1e-6, tolerance=1e-4)


def test_the_penalty_counts_what_is_broken_alone(bounds, objective, X, check_gradient):
    broken = np.maximum(bounds.value(X), 0.0).sum(axis=1)
    assert 5 < (broken > 0).sum() < 25
    for rho in (0.0, 3.0):
        score = ExactPenalty(objective, bounds, rho)
        np.testing.assert_allclose(score.value(X), objective.value(X) - rho * broken, rtol=1e-12)
        check_gradient(score, X, h=1e-6, tolerance=1e-5)


def test_multipliers_weigh_slack_too(bounds, objective, X, check_gradient):
    score = OptimisticLagrangian(objective, bounds, (2.0, 0.0, 0.7))
    entries = bounds.value(X)
    np.testing.assert_allclose(score.value(X), objective.value(X) - 2.0 * entries[:, 0] - 0.7 * entries[:, 2], rtol=1e-12)
    check_gradient(score, X, h=1e-6, tolerance=1e-5)


def test_refuses_what_makes_no_sense(bounds):
    with pytest.raises(ValueError, match="one finite number a constraint"):
        OptimisticConstraints(bounds.constraints, (1.0,))
    with pytest.raises(ValueError, match="one finite number a constraint"):
        OptimisticConstraints(bounds.constraints, (1.0, float("inf")))
    with pytest.raises(ValueError, match="at least one constraint"):
        LeastViolation(OptimisticConstraints((), ()))
