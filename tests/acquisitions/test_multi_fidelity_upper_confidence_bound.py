"""MF-GP-UCB: the least of the levels' bounds, and the lowest level that is not known well enough, by the book."""

import numpy as np
import pytest

from acquisitions import MultiFidelityUpperConfidenceBound, UpperConfidenceBound
from acquisitions.at_target import moved
from acquisitions.multi_fidelity_upper_confidence_bound import largest_differences

LEVELS, COSTS, ZETA = (0.1, 0.5, 0.9), (1.0, 4.0, 10.0), (0.2, 0.1, 0.0)


@pytest.fixture
def X():
    return np.random.default_rng(5).random((40, 3))


def test_the_score_is_the_least_of_the_bounds(make_case, check_gradient, X):
    gp = make_case(n=12).gps[0]
    ours = MultiFidelityUpperConfidenceBound(gp, 4.0, 2, LEVELS, COSTS, ZETA)
    bounds = []
    for level, zeta in zip(LEVELS, ZETA, strict=True):
        mean, variance = gp.predict(moved(X, {2: level}))
        bounds.append(mean + 2 * np.sqrt(variance) + zeta)
    np.testing.assert_allclose(ours.value(X), np.min(bounds, axis=0), rtol=1e-12)
    assert set(np.argmin(bounds, axis=0)) == {0, 1, 2}
    check_gradient(ours, X)


def test_of_the_target_alone_it_is_the_upper_confidence_bound(make_case, X):
    gp, there = make_case(n=12).gps[0], moved(X, {2: 0.9})
    ours = MultiFidelityUpperConfidenceBound(gp, 4.0, 2, (0.9,), (1.0,), (0.0,))
    np.testing.assert_array_equal(ours.value(there), UpperConfidenceBound(gp, 4.0).value(there))
    np.testing.assert_array_equal(ours.at_levels(there[:1]), there[:1])


def test_the_lowest_level_that_is_not_known_well_enough_is_measured(make_case, X):
    gp = make_case(n=12).gps[0]
    ours, found = MultiFidelityUpperConfidenceBound(gp, 4.0, 2, LEVELS, COSTS, (3.0, 2.5, 0.0)), []
    gamma = 3.0 * np.sqrt(1 / 4), 2.5 * np.sqrt(4 / 10)
    for x in X:
        sd = [np.sqrt(gp.predict(moved(x[None], {2: level}))[1][0]) for level in LEVELS]
        first = 0 if 2 * sd[0] >= gamma[0] else 1 if 2 * sd[1] >= gamma[1] else 2
        np.testing.assert_array_equal(ours.at_levels(x[None]), np.vstack([moved(x[None], {2: level}) for level in LEVELS[first:]]))
        found.append(first)
    assert set(found) == {0, 1, 2}


def test_how_far_the_levels_are_apart(make_case, X):
    gp = make_case(n=12).gps[0]
    low, high = (gp.predict(moved(X, {2: level}))[0] for level in (0.1, 0.9))
    found = largest_differences(gp, X, 2, (0.1, 0.9))
    np.testing.assert_allclose(found, [max(abs(low - high)), 0.0])


def test_what_is_refused(make_case):
    gp = make_case().gps[0]
    with pytest.raises(ValueError, match="are as many"):
        MultiFidelityUpperConfidenceBound(gp, 4.0, 2, LEVELS, COSTS, ZETA[1:])
    for zeta in ((1.0, 1.0, 0.1), (-1.0, 1.0, 0.0)):
        with pytest.raises(ValueError, match="no value is negative"):
            MultiFidelityUpperConfidenceBound(gp, 4.0, 2, LEVELS, COSTS, zeta)
