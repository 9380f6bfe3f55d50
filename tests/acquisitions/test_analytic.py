"""The analytic acquisition functions against BoTorch, 50-digit arithmetic, finite differences and limits."""

from types import SimpleNamespace

import mpmath
import numpy as np
import pytest
import torch
from botorch.acquisition import analytic
from botorch.models import ModelListGP

import acquisitions
from acquisitions import (
    ExpectedImprovement,
    ExpectedViolation,
    LogConstrainedExpectedImprovement,
    LogExpectedImprovement,
    LogProbabilityOfFeasibility,
    LogProbabilityOfImprovement,
    OutcomeConstraint,
    PosteriorMean,
    ProbabilityOfImprovement,
    UpperConfidenceBound,
)
from acquisitions.protocol import Climbable
from acquisitions.tails import log_h

# log h(u) = log(phi(u) + u Phi(u)), as tables state it to twelve digits: the log expected improvement of u standard deviations.
LOG_EI = {
    1.0: 0.0800262188493,
    0.0: -0.918938533205,
    -1.0: -2.48512102571,
    -5.0: -16.7443011627,
    -10.0: -55.5531220361,
    -40.0: -808.298568357,
    -1000.0: -500014.734452,
}

SCALAR = {
    "log_ei": (lambda gp: LogExpectedImprovement(gp, 0.75), lambda m: analytic.LogExpectedImprovement(m, 0.75)),
    "ei": (lambda gp: ExpectedImprovement(gp, 0.75), lambda m: analytic.ExpectedImprovement(m, 0.75)),
    "log_ei_far": (lambda gp: LogExpectedImprovement(gp, 40.0), lambda m: analytic.LogExpectedImprovement(m, 40.0)),
    "log_pi": (lambda gp: LogProbabilityOfImprovement(gp, 0.75), lambda m: analytic.LogProbabilityOfImprovement(m, 0.75)),
    "pi": (lambda gp: ProbabilityOfImprovement(gp, 0.75), lambda m: analytic.ProbabilityOfImprovement(m, 0.75)),
    "log_pi_far": (lambda gp: LogProbabilityOfImprovement(gp, 40.0), lambda m: analytic.LogProbabilityOfImprovement(m, 40.0)),
    "ucb": (lambda gp: UpperConfidenceBound(gp, 2.0), lambda m: analytic.UpperConfidenceBound(m, 2.0)),
    "mean": (PosteriorMean, analytic.PosteriorMean),
}
BOUNDS = {1: (-0.5, None), 2: (None, 0.25), 3: (-0.25, 0.5)}  # these and 0.75 are floats of 32 bits, which BoTorch rounds them to


def agree(ours, theirs, X, rtol=1e-8):
    points = torch.tensor(X[:, None], requires_grad=True)
    expected = theirs(points)
    expected.sum().backward()
    value, gradient = ours.value_and_gradient(X)
    np.testing.assert_allclose(value, expected.detach().numpy(), rtol=rtol, atol=1e-12)
    scale = np.abs(gradient).max(1, keepdims=True) + 1e-12
    np.testing.assert_allclose(gradient / scale, points.grad[:, 0].numpy() / scale, atol=rtol)
    np.testing.assert_allclose(ours.value(X), value, rtol=1e-10, atol=1e-13)


@pytest.fixture
def X():
    return np.random.default_rng(5).random((30, 3)) * 1.4 - 0.2


@pytest.mark.filterwarnings("ignore:.*has known numerical issues")
@pytest.mark.parametrize("name", SCALAR)
def test_equals_botorch(name, make_case, X):
    ours, theirs = SCALAR[name]
    case = make_case()
    agree(ours(case.gps[0]), theirs(case.model), X)


@pytest.mark.parametrize("name", SCALAR)
def test_gradient_by_differences(name, make_case, check_gradient, X):
    check_gradient(SCALAR[name][0](make_case().gps[0]), X)


class Known:
    """A process whose moments at each x are given: mean and standard deviation are the columns of X."""

    def predict(self, X):
        return X[:, 0], X[:, 1] ** 2

    def at(self, X):
        def pull(d_mean, d_variance):
            return np.stack([d_mean, 2 * X[:, 1] * d_variance], 1)

        return SimpleNamespace(mean=X[:, 0], variance=X[:, 1] ** 2, pull=pull)


@pytest.mark.parametrize("u", LOG_EI)
def test_log_expected_improvement_is_that_of_the_table(u):
    with mpmath.workdps(60):  # phi and u Phi cancel to a millionth of themselves
        z = mpmath.mpf(u)
        h = mpmath.npdf(z) + z * mpmath.erfc(-z / mpmath.sqrt(2)) / 2
        exact, slope = float(mpmath.log(h)), float(mpmath.erfc(-z / mpmath.sqrt(2)) / 2 / h)
    assert exact == pytest.approx(LOG_EI[u], rel=1e-11)
    assert log_h(np.array([u]))[0][0] == pytest.approx(LOG_EI[u], rel=1e-10)
    for sd, best in ((1.0, 0.0), (0.03, 1.7)):
        x = np.array([[best + u * sd, sd]])
        value, gradient = LogExpectedImprovement(Known(), best).value_and_gradient(x)
        assert value[0] - np.log(sd) == pytest.approx(LOG_EI[u], rel=1e-10)
        assert LogExpectedImprovement(Known(), best).value(x)[0] == value[0]
        # d log(s h(D / s)) is slope / s in the mean, and (1 - u slope) / s in the standard deviation
        assert gradient[0] == pytest.approx([slope / sd, (1 - u * slope) / sd], rel=1e-8)


def test_expected_improvement_is_not_the_formula_that_is_misprinted():
    """Frazier (2018), equation 8, as transcribed has ``Phi(D / s)`` for ``Phi(-|D| / s)``: 0.40063 where the mean leads by one sd."""
    for D, expected in ((1.0, 1.08332), (-1.0, 0.08332), (0.0, 0.39894)):
        exact = mpmath.quad(lambda z, D=D: max(D + z, 0) * mpmath.npdf(z), [-12, -D, 12])
        assert float(exact) == pytest.approx(expected, abs=5e-6)
        assert ExpectedImprovement(Known(), 0.0).value(np.array([[D, 1.0]]))[0] == pytest.approx(float(exact), rel=1e-12)


def test_eleven_two_sided_constraints_in_both_tails(check_gradient):
    """Against 60 digits: inside the bounds, below and above them by up to 60 deviations; the product itself is below 1e-800."""
    bounds = [(-1.0, 1.0), (-0.5, 0.25), (2.0, 2.125), (-30.0, -29.0), (29.0, 30.0), (-60.0, -59.5), (59.5, 60.0)]
    bounds += [(-8.0, 8.0), (0.0, 0.0625), (10.0, 50.0), (-50.0, -10.0)]
    eleven = LogProbabilityOfFeasibility([OutcomeConstraint(Known(), *each) for each in bounds])
    assert len(bounds) == 11
    X = np.array([[0.1, 1.0], [-3.0, 1.5], [4.0, 0.75], [25.0, 2.0]])
    expected = []
    with mpmath.workdps(60):
        for mean, sd in X:
            total = mpmath.mpf(0)
            for low, high in bounds:
                a, b = ((mpmath.mpf(end) - mpmath.mpf(mean)) / mpmath.mpf(sd) for end in (low, high))
                a, b = (-b, -a) if a > 0 else (a, b)  # no difference of numbers near one
                total += mpmath.log((mpmath.erfc(-b / mpmath.sqrt(2)) - mpmath.erfc(-a / mpmath.sqrt(2))) / 2)
            expected.append(float(total))
    assert max(expected) < -1900  # no product of such probabilities is a number
    np.testing.assert_allclose(eleven.value(X), expected, rtol=1e-12)
    check_gradient(eleven, X, h=1e-6, tolerance=1e-6)
    assert np.all(np.abs(eleven.value_and_gradient(X)[1]) > 1)


def constraints(case):
    return [OutcomeConstraint(case.gps[i], *bounds) for i, bounds in BOUNDS.items()]


def test_feasibility_equals_botorch(make_case, check_gradient, X):
    case = make_case(outcomes=4)
    bounds = {i - 1: b for i, b in BOUNDS.items()}
    ours = LogProbabilityOfFeasibility(constraints(case))
    agree(ours, analytic.LogProbabilityOfFeasibility(ModelListGP(*case.model.models[1:]), bounds), X)
    check_gradient(ours, X)


def test_expected_violation_is_that_of_samples_and_of_expected_improvement(make_case, check_gradient, X):
    """Beyond one bound it is the improvement over it; beyond two the integral by quadrature."""
    case = make_case(outcomes=4)
    ours = ExpectedViolation(constraints(case))
    nodes, weights = np.polynomial.legendre.leggauss(4000)
    expected = np.zeros(len(X))
    for constraint in constraints(case):
        mean, variance = constraint.gp.predict(X)
        sd = np.sqrt(variance)[:, None]
        values = mean[:, None] + 9 * sd * nodes
        density = np.exp(-0.5 * ((values - mean[:, None]) / sd) ** 2) / np.sqrt(2 * np.pi) / sd
        beyond = np.zeros_like(values)
        if constraint.upper is not None:
            beyond += np.maximum(values - constraint.upper, 0)
        if constraint.lower is not None:
            beyond += np.maximum(constraint.lower - values, 0)
        expected += (density * beyond * 9 * sd) @ weights
    np.testing.assert_allclose(ours.value(X), -expected, rtol=1e-5, atol=1e-7)
    check_gradient(ours, X)
    one = ExpectedViolation([OutcomeConstraint(case.gps[0], upper=0.3)])
    np.testing.assert_allclose(-one.value(X), ExpectedImprovement(case.gps[0], 0.3).value(X), rtol=1e-12)
    with pytest.raises(ValueError, match="at least one constraint"):
        ExpectedViolation([])


def test_constrained_improvement_equals_botorch(make_case, check_gradient, X):
    case = make_case(outcomes=4)
    ours = LogConstrainedExpectedImprovement(case.gps[0], 0.75, constraints(case))
    agree(ours, analytic.LogConstrainedExpectedImprovement(case.model, 0.75, 0, BOUNDS), X)
    check_gradient(ours, X)


def test_capped_constraints_count_in_full_from_even_odds_on(make_case, check_gradient, X):
    """CEI+ is ``EI prod_i min(1, 2 P_i)``."""
    case = make_case(outcomes=4)
    capped = LogConstrainedExpectedImprovement(case.gps[0], 0.75, constraints(case), capped=True)
    each = np.array([np.exp(LogProbabilityOfFeasibility([constraint]).value(X)) for constraint in constraints(case)])
    assert np.any(each > 0.5) and np.any(each < 0.5)
    factors = np.minimum(1.0, 2.0 * each).prod(0)
    np.testing.assert_allclose(capped.value(X), LogExpectedImprovement(case.gps[0], 0.75).value(X) + np.log(factors), rtol=1e-12)
    check_gradient(capped, X)


def test_eleven_hopeless_constraints_still_have_a_slope(make_case, X):
    gp = make_case().gps[0]
    value, gradient = LogProbabilityOfFeasibility([OutcomeConstraint(gp, upper=-60.0)] * 11).value_and_gradient(X)
    assert np.all(np.isfinite(value)) and np.all(value < -1e4)
    assert np.all(np.abs(gradient).max(1) > 1)


def test_more_to_beat_is_less_to_gain(make_case, X):
    gp = make_case().gps[0]
    for kind in (LogExpectedImprovement, LogProbabilityOfImprovement):
        values = np.array([kind(gp, best).value(X) for best in (-30.0, -1.0, 0.0, 1.0, 30.0)])
        assert np.all(np.diff(values, axis=0) <= 0)
        assert np.all(np.diff(values[1:], axis=0) < 0)


def test_improvement_is_convex_in_the_best_with_the_probability_as_its_slope():
    """``d E[f - tau]^+ / d tau = -P(f > tau)``, a probability that falls from one to zero."""
    x, best = np.array([[0.4, 0.7]]), np.linspace(-3, 4, 351)
    gain = np.array([ExpectedImprovement(Known(), b).value(x)[0] for b in best])
    chance = np.array([ProbabilityOfImprovement(Known(), b).value(x)[0] for b in best])
    assert np.all(np.diff(chance) < 0) and chance[0] > 1 - 1e-5 and 0 < chance[-1] < 1e-5
    assert np.all(np.diff(gain, 2) > 0)
    np.testing.assert_allclose((gain[2:] - gain[:-2]) / (best[2:] - best[:-2]), -chance[1:-1], atol=5e-5)


def test_a_loose_constraint_changes_nothing(make_case, X):
    gp = make_case().gps[0]
    free = LogExpectedImprovement(gp, 0.75).value(X)
    loose = LogConstrainedExpectedImprovement(gp, 0.75, [OutcomeConstraint(gp, lower=-50.0, upper=50.0)]).value(X)
    np.testing.assert_array_equal(loose, free)


def test_improvement_without_doubt_is_the_difference(make_case):
    gp = make_case(noise=1e-9).gps[0]
    gain = ExpectedImprovement(gp, -5.0).value(gp.X)
    np.testing.assert_allclose(gain, gp.predict(gp.X)[0] + 5.0, rtol=1e-10)


def test_what_is_refused(make_case):
    gp = make_case().gps[0]
    with pytest.raises(ValueError, match="beta is -1"):
        UpperConfidenceBound(gp, -1)
    with pytest.raises(ValueError, match="needs a lower or an upper"):
        OutcomeConstraint(gp)
    with pytest.raises(ValueError, match="must be less"):
        OutcomeConstraint(gp, lower=1, upper=1)
    with pytest.raises(ValueError, match="at least one constraint"):
        LogProbabilityOfFeasibility([])


def test_registry_resolves():
    for path in acquisitions.REGISTRY.values():
        kind = getattr(acquisitions, path.partition(":")[2])
        assert callable(kind.value) and callable(kind.value_and_gradient)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        acquisitions.nothing


def test_they_can_be_climbed(make_case):
    climbable: Climbable = LogExpectedImprovement(make_case().gps[0], 0.0)
    assert climbable.value_and_gradient(np.full((1, 3), 0.5))[1].shape == (1, 3)
