"""Two stages: improvement at the target, and the level by the variance that a measurement takes away there, found by measuring."""

import numpy as np
import pytest

from acquisitions import LogExpectedImprovement, LogProbabilityOfFeasibility, LogTwoStageExpectedImprovement, OutcomeConstraint
from acquisitions.at_target import moved
from acquisitions.per_cost import ColumnCost
from acquisitions.standing import Standing

LEVELS, TARGET = (0.1, 0.5, 0.9), {2: 0.9}
COST = ColumnCost(2, LEVELS, (1.0, 3.0, 10.0))
EQUAL = ColumnCost(2, LEVELS, (2.0, 2.0, 2.0))


@pytest.fixture
def X():
    return np.random.default_rng(5).random((30, 3))


def test_points_are_scored_by_their_improvement_at_the_target(make_case, check_gradient, X):
    case = make_case(outcomes=2, n=12)
    gp, other = case.gps
    plain = LogExpectedImprovement(gp, 0.7).value(moved(X, TARGET))
    ours = LogTwoStageExpectedImprovement(gp, 0.7, 0.05, 2, LEVELS, COST)
    np.testing.assert_array_equal(ours.value(X), plain)
    check_gradient(ours, X)
    constraints = [OutcomeConstraint(Standing(other, TARGET), upper=0.2)]
    weighed = LogTwoStageExpectedImprovement(gp, 0.7, 0.05, 2, LEVELS, COST, constraints)
    likely = LogProbabilityOfFeasibility([OutcomeConstraint(other, upper=0.2)]).value(moved(X, TARGET))
    np.testing.assert_allclose(weighed.value(X), plain + likely, rtol=1e-12)
    check_gradient(weighed, X)


def test_far_below_the_best_it_is_finite_and_ordered(make_case, X):
    gp = make_case(n=8).gps[0]
    values = [LogTwoStageExpectedImprovement(gp, best, 0.05, 2, LEVELS, COST).value(X) for best in (3.0, 30.0, 300.0)]
    assert np.all(np.isfinite(values)) and np.all(np.diff(values, axis=0) < 0)


@pytest.mark.parametrize("cost", [COST, EQUAL], ids=["dear", "equal"])
@pytest.mark.parametrize("noise", [1e-6, 0.05, 2.0])
def test_levels_are_ordered_by_the_variance_that_a_measurement_takes_away_per_cost(make_case, X, noise, cost):
    gp = make_case(n=12).gps[0]
    ours, first = LogTwoStageExpectedImprovement(gp, 0.7, noise, 2, LEVELS, cost), set()
    for x in X:
        there = moved(x[None], TARGET)
        before = gp.predict(there)[1][0]
        gains = [before - left(gp, moved(x[None], {2: level}), there, noise) for level in LEVELS]
        order = np.argsort(np.exp(cost.log(np.array([[0, 0, level] for level in LEVELS], dtype=float))[0]) / np.array(gains))
        found = ours.at_levels(x[None])
        np.testing.assert_array_equal(found[:, 2], np.asarray(LEVELS)[order])
        np.testing.assert_array_equal(found[:, :2], np.repeat(x[None, :2], 3, axis=0))
        first.add(found[0, 2])
    if cost is COST:
        assert len(first) > 1
    elif noise < 1e-3:  # else a level where more is uncertain may tell more of the target than a measurement there
        assert first == {0.9}


def left(gp, measured, there, noise):
    """Variance at one point after a measurement at another, by conditioning two normal values on each other."""
    both = np.vstack([there, measured])
    S = gp.covariance(both, both)
    return S[0, 0] - S[0, 1] ** 2 / (S[1, 1] + noise)


def test_a_level_that_is_known_there_comes_after_the_target(make_case):
    case = make_case(n=12, noise=1e-8)
    levels = (float(case.X[0, 2]), 0.9)
    ours = LogTwoStageExpectedImprovement(case.gps[0], 0.7, 1e-8, 2, levels, ColumnCost(2, sorted(levels), (1.0, 3.0)))
    assert ours.at_levels(case.X[:1])[0, 2] == 0.9


def test_what_is_refused(make_case):
    with pytest.raises(ValueError, match="levels are empty"):
        LogTwoStageExpectedImprovement(make_case().gps[0], 0.7, 0.1, 2, (), COST)
