"""Variable-fidelity confidence bounds: the plain one at the target alone, parts of the uncertainty by cost, and differences."""

import numpy as np
import pytest

from acquisitions import UpperConfidenceBound, VariableFidelityConfidenceBound
from acquisitions.at_target import moved

LEVELS, COSTS, BETA = (0.1, 0.9), (1.0, 10.0), 3.0


@pytest.fixture
def X():
    return np.random.default_rng(5).random((25, 3))


def test_of_the_target_alone_it_is_the_upper_confidence_bound(make_case, X):
    gp = make_case(n=12).gps[0]
    value, gradient = VariableFidelityConfidenceBound(gp, BETA, 2, (0.9,), (7.0,)).value_and_gradient(X)
    expected, slope = UpperConfidenceBound(gp, BETA).value_and_gradient(moved(X, {2: 0.9}))
    np.testing.assert_allclose(value, expected, rtol=1e-12)
    np.testing.assert_allclose(gradient[:, :2], slope[:, :2], rtol=1e-9, atol=1e-12)


def test_each_level_has_its_part_of_the_uncertainty_by_what_it_saves(make_case, X):
    """At two levels: what a noiseless measurement of the lower one settles of the target, and what it leaves."""
    gp = make_case(n=12).gps[0]
    ours = VariableFidelityConfidenceBound(gp, BETA, 2, LEVELS, COSTS)
    low, high = (ours.value(moved(X, {2: level})) for level in LEVELS)
    for k, x in enumerate(X):
        both = np.vstack([moved(x[None], {2: level}) for level in LEVELS])
        S, mean = gp.covariance(both, both), gp.predict(both)[0][1]
        settled = S[0, 1] ** 2 / S[0, 0]
        assert low[k] == pytest.approx(mean + 10 * np.sqrt(BETA * settled), rel=1e-8)
        assert high[k] == pytest.approx(mean + np.sqrt(BETA * (S[1, 1] - settled)), rel=1e-6)


def test_gradient_by_differences(make_case, check_gradient, X):
    gp = make_case(n=15).gps[0]
    for level in LEVELS:
        check_gradient(VariableFidelityConfidenceBound(gp, BETA, 2, LEVELS, COSTS), moved(X, {2: level}), tolerance=1e-5)


def test_what_is_refused(make_case):
    gp = make_case().gps[0]

    class Alone:
        predict, at, baseline = gp.predict, gp.at, gp.baseline

    with pytest.raises(TypeError, match="Alone has no pairs"):
        VariableFidelityConfidenceBound(Alone(), BETA, 2, LEVELS, COSTS)
    with pytest.raises(ValueError, match="beta is -1"):
        VariableFidelityConfidenceBound(gp, -1.0, 2, LEVELS, COSTS)
    with pytest.raises(ValueError, match="are as many"):
        VariableFidelityConfidenceBound(gp, BETA, 2, LEVELS, COSTS[:1])
