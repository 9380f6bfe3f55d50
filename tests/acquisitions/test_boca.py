"""BOCA: the upper confidence bound at the target, and which fidelities qualify, by the book."""

import numpy as np
import pytest

from acquisitions import BOCA, UpperConfidenceBound
from acquisitions.at_target import moved

LEVELS, COSTS, GAPS, SDS = (0.1, 0.5, 0.8, 0.9), (1.0, 3.0, 20.0, 10.0), (0.8, 0.5, 0.5, 0.0), (1.0, 1.5, 1.0, 1.0)


@pytest.fixture
def X():
    return np.random.default_rng(5).random((40, 3))


def test_points_are_scored_at_the_target(make_case, check_gradient, X):
    gp = make_case(n=12).gps[0]
    ours = BOCA(gp, 4.0, 2, LEVELS, COSTS, GAPS, SDS)
    np.testing.assert_array_equal(ours.value(X), UpperConfidenceBound(gp, 4.0).value(moved(X, {2: 0.9})))
    check_gradient(ours, X)


def test_of_the_target_alone_it_is_the_upper_confidence_bound(make_case, X):
    gp, there = make_case(n=12).gps[0], moved(X, {2: 0.9})
    ours = BOCA(gp, 4.0, 2, (0.9,), (10.0,), (0.0,), (1.0,))
    np.testing.assert_array_equal(ours.value(there), UpperConfidenceBound(gp, 4.0).value(there))
    np.testing.assert_array_equal(ours.at_levels(there[:1]), there[:1])


def test_the_cheapest_fidelity_that_qualifies_comes_first(make_case, X):
    """Each condition by itself; the third fidelity costs more than the target, and never does."""
    gp = make_case(n=12).gps[0]
    ours, found = BOCA(gp, 4.0, 2, LEVELS, COSTS, GAPS, SDS), []
    for x in X:
        sd = [np.sqrt(gp.predict(moved(x[None], {2: level}))[1][0]) for level in LEVELS]
        wanted = [
            level
            for level, s, cost, gap, prior in zip(LEVELS, sd, COSTS, GAPS, SDS, strict=True)
            if level == 0.9 or (cost < 10 and s / prior > gap * (cost / 10) ** 0.2 and gap >= 0.8 / 2)
        ]
        levels = ours.at_levels(x[None])
        np.testing.assert_array_equal(levels[:, 2], wanted)
        np.testing.assert_array_equal(levels[:, :2], np.repeat(x[None, :2], len(wanted), axis=0))
        found.append(tuple(wanted))
    assert {0.9, 0.1, 0.5} == {first for first, *_ in found} and len(set(found)) > 2
    near = BOCA(gp, 1.2, 2, LEVELS, COSTS, GAPS, SDS)  # 0.5 is less than 0.8 by more than the root of 1.2
    assert not any(0.5 in near.at_levels(x[None])[:, 2] for x in X)


def test_cheap_ones_go_before_dear_ones_whatever_their_order(make_case, X):
    gp = make_case(n=12).gps[0]
    ours = BOCA(gp, 4.0, 2, (0.1, 0.5, 0.9), (3.0, 1.0, 10.0), (1e-9, 1e-9, 0.0), (1.0, 1.0, 1.0))
    np.testing.assert_array_equal(ours.at_levels(X[:1])[:, 2], [0.5, 0.1, 0.9])


def test_what_is_known_is_measured_at_the_target(make_case):
    case = make_case(n=12, noise=1e-8)
    ours = BOCA(case.gps[0], 4.0, 2, (float(case.X[0, 2]), 0.9), (1.0, 10.0), (0.5, 0.0), (1.0, 1.0))
    np.testing.assert_array_equal(ours.at_levels(case.X[:1]), moved(case.X[:1], {2: 0.9}))


def test_what_is_refused(make_case):
    with pytest.raises(ValueError, match="are as many"):
        BOCA(make_case().gps[0], 4.0, 2, LEVELS, COSTS[:2], GAPS, SDS)
