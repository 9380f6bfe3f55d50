"""Max-value entropies over fidelities: at the target those without, elsewhere against sampling, BoTorch, and differences."""

import numpy as np
import pytest
from scipy.stats import norm

from acquisitions import GIBBON, LogMaxValueEntropy, LogMultiFidelityMaxValueEntropy, MultiFidelityGIBBON, OutcomeConstraint
from acquisitions.at_target import moved
from acquisitions.standing import Standing

TARGET = {2: 0.9}
PAIRS = ((LogMultiFidelityMaxValueEntropy, LogMaxValueEntropy), (MultiFidelityGIBBON, GIBBON))


@pytest.fixture
def X():
    return np.random.default_rng(5).random((25, 3))


@pytest.fixture
def S():
    return np.random.default_rng(6).random((100, 3))


class Growing:
    """The plain process of `make_case`, with `condition`."""

    def __init__(self, gp):
        self.gp, self.predict, self.at, self.baseline, self.pairs = gp, gp.predict, gp.at, gp.baseline, gp.pairs

    def condition(self, X, y, yvar):
        gp = self.gp
        return Growing(type(gp)(np.vstack([gp.X, X]), np.append(gp.y, y), gp.lengthscale, gp.noise))


class Blind:
    """A process on which the level has no influence, so that every correlation with the target is one."""

    def __init__(self, gp):
        self.gp, self.pairs = gp, gp.pairs

    def predict(self, X):
        return self.gp.predict(moved(X, {2: 0.4}))

    def baseline(self, B):
        return self.gp.baseline(moved(B, {2: 0.4}))

    def at(self, X, baseline=None):
        return self.gp.at(moved(X, {2: 0.4}), baseline)


class Shifted:
    """A process, the means of which are lower."""

    def __init__(self, gp, shift):
        self.gp, self.shift, self.baseline, self.pairs = gp, shift, gp.baseline, gp.pairs

    def at(self, X, baseline=None):
        moments = self.gp.at(X, baseline)
        moments.mean = moments.mean - self.shift
        return moments


@pytest.mark.parametrize("noise", [0.0, 1e-9, 0.05, 3.0])
def test_at_the_target_it_is_the_one_without_fidelities(noise, make_case, X, S):
    gp = make_case(n=12).gps[0]
    there, may_be_best = moved(X, TARGET), moved(S, TARGET)
    for over_fidelities, plain in PAIRS:
        expected = plain(gp, may_be_best, noise)
        for ours, points in ((over_fidelities(gp, S, noise, TARGET), there), (over_fidelities(gp, may_be_best, noise), X)):
            value, gradient = ours.value_and_gradient(points)
            reference, slope = expected.value_and_gradient(points)
            np.testing.assert_allclose(value, reference, rtol=1e-12)
            np.testing.assert_allclose(gradient[:, :2], slope[:, :2], rtol=1e-9, atol=1e-9 * np.abs(slope).max())
        elsewhere = over_fidelities(gp, S, noise, TARGET).value(X)
        assert np.abs(elsewhere - expected.value(there)).max() > 1e-3


@pytest.mark.parametrize("noise", [0.0, 0.05])
def test_with_a_correlation_of_one_the_level_is_nothing(noise, make_case, X, S):
    gp = Blind(make_case(n=12).gps[0])
    for over_fidelities, plain in PAIRS:
        ours, expected = over_fidelities(gp, S, noise, TARGET).value(X), plain(gp, S, noise).value(X)
        np.testing.assert_allclose(ours, expected, rtol=1e-9 if noise else 1e-5, atol=1e-12 if noise else 2e-6)


@pytest.mark.parametrize("noise", [1e-3, 0.1])
def test_the_information_of_measurements_that_are_sampled(noise, make_case, X, S):
    """Values at the target above f* are thrown away, the others measured elsewhere: the fall of the entropy, to 3 errors."""
    gp = make_case(n=8).gps[0]
    acquisition = LogMultiFidelityMaxValueEntropy(gp, S, noise, TARGET, samples=1)
    values, best, rng = np.exp(acquisition.value(X)), acquisition.max_values[0], np.random.default_rng(0)
    there = moved(X, TARGET)
    for k in np.argsort(-values)[:4]:
        both = np.vstack([there[k], X[k]])
        mean, covariance = gp.predict(both)[0], gp.covariance(both, both)
        f, y = rng.multivariate_normal(mean, covariance, 400_000, method="eigh").T
        y = (y + np.sqrt(noise) * rng.standard_normal(len(y)))[f <= best]
        total = covariance[1, 1] + noise
        given = mean[0] + covariance[0, 1] / total * (y - mean[1])
        sd = np.sqrt(covariance[0, 0] - covariance[0, 1] ** 2 / total)
        below = norm.logcdf((best - given) / sd) - norm.logcdf((best - mean[0]) / np.sqrt(covariance[0, 0]))
        terms = norm.logpdf(y, mean[1], np.sqrt(total)) + below + 0.5 * np.log(2 * np.pi * np.e * total)
        assert abs(terms.mean() - values[k]) < 3 * terms.std() / np.sqrt(len(terms))
        assert terms.std() / np.sqrt(len(terms)) < 0.05 * values[k]


def test_the_bound_is_that_of_botorch(make_case, X, S):
    import torch
    from botorch.acquisition.cost_aware import GenericCostAwareUtility
    from botorch.acquisition.max_value_entropy_search import qMultiFidelityLowerBoundMaxValueEntropy
    from botorch.acquisition.utils import project_to_target_fidelity

    case = make_case(n=12)
    ours = MultiFidelityGIBBON(Growing(case.gps[0]), S, case.noise, TARGET)
    theirs = qMultiFidelityLowerBoundMaxValueEntropy(
        case.model,
        torch.tensor(S),
        project=lambda X: project_to_target_fidelity(X, TARGET, 3),
        cost_aware_utility=GenericCostAwareUtility(lambda X, deltas, **kwargs: deltas),
        num_fantasies=1,
    )
    theirs.posterior_max_values = torch.tensor(ours.max_values)[:, None]
    for mine, waiting in ((ours, None), (ours.with_pending(X[:1]).with_pending(X[1:3]), torch.tensor(X[:3]))):
        theirs.set_X_pending(waiting)
        points = torch.tensor(X[:, None], requires_grad=True)
        expected = theirs(points)
        expected.sum().backward()
        value, gradient = mine.value_and_gradient(X)
        np.testing.assert_allclose(value, expected.detach().numpy(), rtol=1e-6, atol=1e-8)
        np.testing.assert_allclose(gradient, points.grad[:, 0].numpy(), rtol=1e-4, atol=1e-6)
    assert np.any(value < 0)


@pytest.mark.parametrize("noise", [0.0, 1e-4, 0.05, 100.0])
def test_gradient_by_differences(noise, make_case, check_gradient, X, S):
    case = make_case(outcomes=2, n=15, noise=0.05)
    constraints = [OutcomeConstraint(Standing(case.gps[1], TARGET), upper=0.2)]
    check_gradient(LogMultiFidelityMaxValueEntropy(case.gps[0], S, noise, TARGET), X, tolerance=1e-5)
    check_gradient(LogMultiFidelityMaxValueEntropy(case.gps[0], S, noise, TARGET, constraints), X, tolerance=1e-5)
    check_gradient(MultiFidelityGIBBON(case.gps[0], S, noise, TARGET), X, tolerance=1e-5)
    if noise == 0.05:
        for kind, _ in PAIRS:
            check_gradient(kind(Growing(case.gps[0]), S, noise, TARGET).with_pending(X[:2]), X, tolerance=1e-5)
            check_gradient(kind(case.gps[0], S, noise, TARGET), moved(X, TARGET), tolerance=1e-5)  # along the level as well


def test_far_below_the_best_it_is_finite_and_ordered(make_case, X, S):
    """The standardised distance to the largest value from a few to hundreds of standard deviations."""
    gp = make_case(n=8).gps[0]
    values = []
    for shift in (0.0, 3.0, 10.0, 30.0, 100.0, 300.0):
        acquisition = LogMultiFidelityMaxValueEntropy(gp, S, 0.05, TARGET)
        object.__setattr__(acquisition, "gp", Shifted(gp, shift))
        value, gradient = acquisition.value_and_gradient(X[:8])
        assert np.all(np.isfinite(value)) and np.all(np.isfinite(gradient))
        values.append(value)
    assert np.all(np.diff(values, axis=0) < -1)
    assert np.all(values[-1] < -1e4)
    # r(g) rules: log r = -g^2 / 2 far away, with the largest of the samples' terms at the least of g
    sd = np.sqrt(gp.predict(moved(X[:8], TARGET))[1])
    g = (LogMultiFidelityMaxValueEntropy(gp, S, 0.05, TARGET).max_values.min() - gp.predict(moved(X[:8], TARGET))[0] + 300.0) / sd
    np.testing.assert_allclose(values[-1], -0.5 * g**2, rtol=1e-3)


def test_what_has_nothing_to_do_with_the_target_tells_nothing(make_case, X, S):
    gp = make_case(n=8).gps[0]
    for kind, _ in PAIRS:
        acquisition = kind(gp, S, 0.01, TARGET)
        near, far = (acquisition.value(moved(X, {2: level})) for level in (0.85, 40.0))
        gradient = acquisition.value_and_gradient(moved(X, {2: 40.0}))[1]
        assert np.all(np.isfinite(far)) and np.all(np.isfinite(gradient))
        assert np.all(far < near) and (far.max() < 1e-20)
    np.testing.assert_allclose(np.log(MultiFidelityGIBBON(gp, S, 0.01, TARGET).value(X)), rough(gp, S, X))


def rough(gp, S, X):
    return LogMultiFidelityMaxValueEntropy(gp, S, 0.01, TARGET).rough(X)


def test_pending_points_count_as_measured(make_case, X, S):
    case = make_case(n=12)
    free = LogMultiFidelityMaxValueEntropy(Growing(case.gps[0]), S, case.noise, TARGET)
    pending = X[np.argsort(-free.value(X))[:2]]
    ours = free.with_pending(pending[:1]).with_pending(pending[1:])
    grown = free.gp.condition(pending, free.gp.predict(pending)[0], None)
    expected = LogMultiFidelityMaxValueEntropy(grown, np.vstack([S, pending]), case.noise, TARGET)
    np.testing.assert_allclose(ours.value(X), expected.value(X), rtol=1e-6, atol=1e-6)
    assert np.all(ours.value(pending) < free.value(pending) - 0.3)
    for kind, _ in PAIRS:
        assert (one := kind(free.gp, S, case.noise, TARGET)).with_pending(X[:0]) is one


def test_what_is_refused(make_case, X):
    gp = make_case().gps[0]

    class Alone:
        predict, at, baseline = gp.predict, gp.at, gp.baseline

    for kind, _ in PAIRS:
        with pytest.raises(ValueError, match="X has no points"):
            kind(gp, np.empty((0, 3)), 0.1, TARGET)
        with pytest.raises(ValueError, match="noise is"):
            kind(gp, np.zeros((1, 3)), -1.0, TARGET)
        with pytest.raises(TypeError, match="Alone has no pairs"):
            kind(Alone(), X, 0.1, TARGET).value(X)
