"""Max-value entropies: against measurements that are sampled, BoTorch, the noise-free formula, and differences."""

import numpy as np
import pytest
from scipy.stats import norm

from acquisitions import GIBBON, LogMaxValueEntropy, LogProbabilityOfFeasibility, OutcomeConstraint
from acquisitions.max_value_entropy import max_values

KINDS = {"mes": LogMaxValueEntropy, "gibbon": GIBBON}


@pytest.fixture
def X():
    return np.random.default_rng(5).random((25, 3))


@pytest.fixture
def S():
    return np.random.default_rng(6).random((100, 3))


class Growing:
    """The plain process of `make_case`, with `condition`."""

    def __init__(self, gp):
        self.gp, self.predict, self.at, self.baseline = gp, gp.predict, gp.at, gp.baseline

    def condition(self, X, y, yvar):
        assert np.all(yvar == self.gp.noise)
        gp = self.gp
        return Growing(type(gp)(np.vstack([gp.X, X]), np.append(gp.y, y), gp.lengthscale, gp.noise))


def test_max_values_are_those_of_joint_samples(make_case, S):
    """Against the moments of the largest of many samples by NumPy, within four standard errors."""
    gp = make_case(n=8).gps[0]
    found = max_values(gp, S, 4000, seed=1)
    mean, covariance = gp.predict(S)[0], gp.covariance(S, S)
    reference = np.random.default_rng(2).multivariate_normal(mean, covariance, 20_000, method="eigh").max(1)
    assert abs(found.mean() - reference.mean()) < 4 * reference.std() * np.sqrt(1 / 4000 + 1 / 20_000)
    assert found.std() == pytest.approx(reference.std(), rel=0.06)
    assert reference.std() > 0.1


@pytest.mark.parametrize("noise", [1e-3, 0.1, 2.0])
def test_the_information_of_measurements_that_are_sampled(make_case, X, S, noise):
    """Latent values above f* are thrown away, the others measured; the entropy is that of a fine histogram."""
    gp = make_case(n=8).gps[0]
    acquisition = LogMaxValueEntropy(gp, S, noise, samples=1)
    values = np.exp(acquisition.value(X))
    best = acquisition.max_values[0]
    rng = np.random.default_rng(0)
    for k in np.argsort(-values)[:3]:
        mean, variance = (part[0] for part in gp.predict(X[k : k + 1]))
        f = rng.normal(mean, np.sqrt(variance), 2_000_000)
        y = f[f <= best] + np.sqrt(noise) * rng.standard_normal(np.sum(f <= best))
        counts, edges = np.histogram(y, bins=400)
        p = counts[counts > 0] / len(y)
        entropy = -(p * np.log(p)).sum() + np.log(edges[1] - edges[0])
        before = 0.5 * np.log(2 * np.pi * np.e * (variance + noise))
        assert before - entropy == pytest.approx(values[k], abs=2e-3)
    assert values.max() > (0.05 if noise < 1 else 0.004)


def test_without_noise(make_case, X, S):
    """``mean_s g r / 2 - log Phi(g)`` (Wang & Jegelka 2017, equation 6)."""
    gp = make_case(n=8).gps[0]
    acquisition = LogMaxValueEntropy(gp, S, 0.0, samples=20)
    mean, variance = gp.predict(X)
    g = (acquisition.max_values - mean[:, None]) / np.sqrt(variance)[:, None]
    expected = (g * norm.pdf(g) / (2 * norm.cdf(g)) - norm.logcdf(g)).mean(1)
    np.testing.assert_allclose(np.exp(acquisition.value(X)), expected, rtol=1e-9)


def test_more_noise_is_less_information_and_the_bound_is_below(make_case, X, S):
    gp = make_case(n=8).gps[0]
    noises = (0.0, 1e-12, 1e-6, 1e-2, 0.1, 1.0, 100.0)
    values = np.exp([LogMaxValueEntropy(gp, S, noise).value(X) for noise in noises])
    bounds = np.array([GIBBON(gp, S, noise).value(X) for noise in noises])
    assert np.all(np.diff(values, axis=0) <= 1e-12) and np.all(values[0] > values[-1] * 5)
    assert np.all(bounds >= 0) and np.all(bounds <= values * (1 + 1e-8))
    np.testing.assert_allclose(bounds[-1], values[-1], rtol=1e-3)  # a faint measurement is as good as normal
    assert (bounds[0] / values[0]).min() < 0.95
    np.testing.assert_array_equal(np.log(bounds[3]), LogMaxValueEntropy(gp, S, 1e-2).rough(X))


def test_equals_gibbon_of_botorch(make_case, X, S):
    import torch
    from botorch.acquisition.max_value_entropy_search import qLowerBoundMaxValueEntropy

    case = make_case(n=12)
    ours = GIBBON(Growing(case.gps[0]), S, case.noise)
    pending = torch.tensor(S[:3])
    for mine, waiting in ((ours, None), (ours.with_pending(S[:1]).with_pending(S[1:3]), pending)):
        theirs = qLowerBoundMaxValueEntropy(case.model, torch.tensor(S), X_pending=waiting)
        theirs.posterior_max_values = torch.tensor(ours.max_values)[:, None]
        points = torch.tensor(X[:, None], requires_grad=True)
        expected = theirs(points)
        expected.sum().backward()
        value, gradient = mine.value_and_gradient(X)
        np.testing.assert_allclose(value, expected.detach().numpy().reshape(-1), rtol=1e-7, atol=1e-9)
        np.testing.assert_allclose(gradient, points.grad[:, 0].numpy(), rtol=1e-5, atol=1e-7)
    assert np.any(value < 0)


def test_is_what_botorch_samples(make_case, X, S):
    """`qMaxValueEntropy` takes the expectation over y by quasi-random samples."""
    import torch
    from botorch.acquisition.max_value_entropy_search import qMaxValueEntropy

    case = make_case(n=12)
    ours = LogMaxValueEntropy(case.gps[0], S, case.noise)
    torch.manual_seed(0)
    theirs = qMaxValueEntropy(case.model, torch.tensor(S), num_y_samples=4096)
    theirs.posterior_max_values = torch.tensor(ours.max_values)[:, None]
    with torch.no_grad():
        expected = theirs(torch.tensor(X[:, None])).numpy()
    np.testing.assert_allclose(np.exp(ours.value(X)), expected, atol=1e-3)
    assert expected.max() > 0.03


@pytest.mark.parametrize("noise", [0.0, 1e-12, 0.05, 100.0])
def test_gradient_by_differences(noise, make_case, check_gradient, X, S):
    case = make_case(outcomes=3, n=15, noise=0.05)
    constraints = [OutcomeConstraint(case.gps[1], upper=0.2), OutcomeConstraint(case.gps[2], lower=-1.5, upper=0.5)]
    check_gradient(LogMaxValueEntropy(case.gps[0], S, noise), X, tolerance=1e-5)
    check_gradient(LogMaxValueEntropy(case.gps[0], S, noise, constraints), X, tolerance=1e-5)
    check_gradient(GIBBON(case.gps[0], S, noise), X, tolerance=1e-5)
    grown = Growing(case.gps[0])
    if noise == 0.05:
        for kind in KINDS.values():
            check_gradient(kind(grown, S, noise).with_pending(S[:2]), X, tolerance=1e-5)


def test_gradient_in_the_far_tail(make_case, check_gradient):
    """Where the information underflows: near the worst of what was measured almost exactly."""
    case = make_case(n=15, noise=1e-6)
    worst = case.X[np.argsort(case.Y[:, 0])[:3]] + 0.003
    acquisition = LogMaxValueEntropy(case.gps[0], case.X, 1e-6)
    value = acquisition.value(worst)
    assert np.all(value < -1000) and np.all(np.isfinite(value))
    check_gradient(acquisition, worst, h=1e-7, tolerance=1e-4)


@pytest.mark.parametrize("noise", [0.0, 1e-12, 1e-4, 100.0])
def test_no_variance_and_no_noise_break_nothing(make_case, noise):
    """Where the value is known, above and below the largest values of the set, and where it is not."""
    case = make_case(n=15, noise=1e-12)
    points = np.vstack([case.X, case.X + 1e-7, np.full((1, 3), 30.0)])
    low = case.X[np.argsort(case.Y[:, 0])[:3]]
    for kind in KINDS.values():
        for chosen in (low, case.X):
            value, gradient = kind(case.gps[0], chosen, noise).value_and_gradient(points)
            assert np.all(np.isfinite(value)) and np.all(np.isfinite(gradient))


def test_pending_points_count_as_measured(make_case, X, S):
    case = make_case(n=12)
    free = LogMaxValueEntropy(Growing(case.gps[0]), S, case.noise)
    pending = X[np.argsort(-free.value(X))[:2]]
    ours = free.with_pending(pending[:1]).with_pending(pending[1:])
    grown = free.gp.condition(pending, free.gp.predict(pending)[0], np.full(2, case.noise))
    expected = LogMaxValueEntropy(grown, np.vstack([S, pending]), case.noise)
    np.testing.assert_allclose(ours.value(X), expected.value(X), rtol=1e-6, atol=1e-6)
    assert np.all(ours.value(pending) < free.value(pending) - 0.3)
    batch = GIBBON(free.gp, S, case.noise)
    assert np.all(batch.with_pending(pending).value(pending) < batch.value(pending) - 0.1)
    for acquisition in (free, batch):
        assert acquisition.with_pending(X[:0]) is acquisition


def test_the_batch_of_gibbon_grows_by_its_score(make_case, X, S):
    """The bound of a batch: half the log determinant of the correlations of its measurements, and the sum of its points' bounds."""
    case = make_case(n=12)
    gp, noise = case.gps[0], case.noise
    alone = GIBBON(Growing(gp), S, noise)
    V = gp.covariance(X[:4], X[:4]) + noise * np.eye(4)
    sd = np.sqrt(np.diag(V))

    def bound(n):
        return 0.5 * np.linalg.slogdet((V / np.outer(sd, sd))[:n, :n])[1] + alone.value(X[:n]).sum()

    for n in (1, 2, 3):
        assert alone.with_pending(X[:n]).value(X[n : n + 1])[0] == pytest.approx(bound(n + 1) - bound(n), abs=1e-8)


def test_constraints_count_by_their_probability(make_case, X, S):
    case = make_case(outcomes=2, n=15, noise=0.05)
    bound = OutcomeConstraint(case.gps[1], upper=0.2)
    free, bounded = LogMaxValueEntropy(case.gps[0], S, 0.05), LogMaxValueEntropy(case.gps[0], S, 0.05, [bound])
    expected = LogProbabilityOfFeasibility([bound]).value(X)
    for difference in (bounded.value(X) - free.value(X), bounded.rough(X) - free.rough(X)):
        np.testing.assert_allclose(difference, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_one_row_scores_as_among_many(kind, make_case, X, S):
    acquisition = KINDS[kind](make_case(n=15).gps[0], S, 0.1)
    np.testing.assert_allclose(acquisition.value(np.tile(X, (30, 1))), np.tile(acquisition.value(X), 30), rtol=1e-12)
    assert acquisition.value(X[:0]).shape == (0,)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_refused(kind, make_case):
    gp = make_case().gps[0]
    with pytest.raises(ValueError, match="X has no points"):
        KINDS[kind](gp, np.empty((0, 3)), 0.1)
    for noise in (-1e-3, np.nan, np.inf):
        with pytest.raises(ValueError, match="noise is"):
            KINDS[kind](gp, np.zeros((1, 3)), noise)
