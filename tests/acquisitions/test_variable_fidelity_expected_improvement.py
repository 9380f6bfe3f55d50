"""Variable-fidelity expected improvement: hierarchical Kriging's parts, plain improvement where a level has all, and differences."""

from types import SimpleNamespace

import numpy as np
import pytest

from acquisitions import LogExpectedImprovement, LogVariableFidelityExpectedImprovement
from acquisitions.at_target import moved
from acquisitions.tails import log_h

LEVELS = (0.1, 0.5, 0.9)
BETA = -0.7


@pytest.fixture
def X():
    return np.random.default_rng(5).random((25, 3))


class Hierarchy:
    """``f_high = BETA f_low + delta``, independent also given the data, whether column 2 is below a half says which; by the book."""

    def __init__(self, low, delta):
        self.low, self.delta = low, delta

    def at(self, X):
        high = X[:, 2] > 0.5
        (m, v), (d, w) = self.low.predict(X[:, :2]), self.delta.predict(X[:, :2])
        return SimpleNamespace(X=X, mean=np.where(high, BETA * m + d, m), variance=np.where(high, BETA**2 * v + w, v), pull=None)

    def pairs(self, here, there):
        X, Z = here.X, there.X
        assert np.all(X[:, 2] < 0.5) and np.all(Z[:, 2] > 0.5)
        return SimpleNamespace(covariance=BETA * np.diag(self.low.covariance(X[:, :2], Z[:, :2])), pull=None)

    predict = baseline = None


def by_the_book(mean, sd, best):
    return np.log(sd) + log_h((mean - best) / sd)[0]


def test_with_hierarchical_kriging_its_parts_are_those_of_the_source(make_case, X):
    low, delta = make_case(n=6, d=2, seed=1, noise=1e-10), make_case(n=7, d=2, seed=2)
    model = Hierarchy(low.gps[0], delta.gps[0])
    ours = LogVariableFidelityExpectedImprovement(model, 1.2, 2, (0.0, 1.0))
    (m, v), (d, w) = low.gps[0].predict(X[:, :2]), delta.gps[0].predict(X[:, :2])
    mean = BETA * m + d
    np.testing.assert_allclose(ours.value(moved(X, {2: 0.0})), by_the_book(mean, np.abs(BETA) * np.sqrt(v), 1.2), rtol=1e-8)
    np.testing.assert_allclose(ours.value(moved(X, {2: 1.0})), by_the_book(mean, np.sqrt(w), 1.2), rtol=1e-8)
    known = np.column_stack([low.X, np.ones(len(low.X))])  # at the lower level: all that is open is open at the target
    (m, _), (d, w) = (part.gps[0].predict(low.X) for part in (low, delta))
    plain = LogExpectedImprovement(SimpleNamespace(predict=lambda X: (BETA * m + d, w)), 1.2).value(low.X)
    np.testing.assert_allclose(ours.value(known), plain, rtol=1e-5)


def test_of_the_target_alone_it_is_expected_improvement(make_case, X):
    gp = make_case(n=12).gps[0]
    value, gradient = LogVariableFidelityExpectedImprovement(gp, 0.7, 2, (0.9,)).value_and_gradient(X)
    expected, slope = LogExpectedImprovement(gp, 0.7).value_and_gradient(moved(X, {2: 0.9}))
    np.testing.assert_allclose(value, expected, rtol=1e-12)
    np.testing.assert_allclose(gradient[:, :2], slope[:, :2], rtol=1e-9, atol=1e-12)
    assert not gradient[:, 2].any()


def test_where_lower_levels_tell_nothing_it_is_expected_improvement(make_case, X):
    gp = make_case(n=12).gps[0]
    there = moved(X, {2: 0.9})
    value = LogVariableFidelityExpectedImprovement(gp, 0.7, 2, (40.0, 60.0, 0.9)).value(there)
    np.testing.assert_allclose(value, LogExpectedImprovement(gp, 0.7).value(there), rtol=1e-10)


@pytest.mark.parametrize("levels", [(0.4, 0.9), LEVELS], ids=["two", "three"])
def test_the_parts_are_conditional_variances(levels, make_case, X):
    """The standard deviation that a level has is what knowing it takes from the variance at the target, lower ones known; they add up."""
    gp = make_case(n=8).gps[0]
    points = [moved(X, {2: level}) for level in levels]
    S = np.array([[np.diag(gp.covariance(P, Q)) for Q in points] for P in points])
    left = []
    for known in range(len(levels) + 1):
        A, c = S[:known, :known].transpose(2, 0, 1), S[:known, -1].T[..., None]
        left.append(S[-1, -1] - (c.transpose(0, 2, 1) @ np.linalg.solve(A, c))[:, 0, 0])
    mean = gp.predict(points[-1])[0]
    for k, level in enumerate(levels):
        value = LogVariableFidelityExpectedImprovement(gp, 0.7, 2, levels).value(moved(X, {2: level + 0.02}))
        sd = np.sqrt(left[k] - left[k + 1])
        np.testing.assert_allclose(value, by_the_book(mean, sd, 0.7), rtol=2e-4, atol=1e-5)


@pytest.mark.parametrize("levels", [(0.4, 0.9), LEVELS], ids=["two", "three"])
def test_gradient_by_differences(levels, make_case, check_gradient, X):
    gp = make_case(n=15, noise=0.05).gps[0]
    for level in levels:
        check_gradient(LogVariableFidelityExpectedImprovement(gp, 0.7, 2, levels), moved(X, {2: level}), h=1e-6, tolerance=1e-4)


def test_far_below_the_best_and_at_data_it_is_finite_and_ordered(make_case, X):
    case = make_case(n=12, noise=1e-12)
    for points in (X, case.X, moved(case.X, {2: 0.9})):
        found = [
            LogVariableFidelityExpectedImprovement(case.gps[0], best, 2, LEVELS).value_and_gradient(points) for best in (3.0, 30.0, 300.0)
        ]
        assert np.all(np.isfinite([value for value, _ in found])) and np.all(np.isfinite([gradient for _, gradient in found]))
        assert np.all(np.diff([value for value, _ in found], axis=0) < -10)


def test_what_is_refused(make_case):
    gp = make_case().gps[0]
    with pytest.raises(ValueError, match="levels are empty"):
        LogVariableFidelityExpectedImprovement(gp, 0.0, 2, ())
    with pytest.raises(TypeError, match="has no pairs"):
        LogVariableFidelityExpectedImprovement(SimpleNamespace(at=gp.at), 0.0, 2, LEVELS)
