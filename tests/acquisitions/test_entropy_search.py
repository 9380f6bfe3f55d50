"""Entropy search: against measurements that are sampled, by enumeration; limits, identities and differences."""

from itertools import pairwise

import numpy as np
import pytest

from acquisitions import LogEntropySearch, LogProbabilityOfFeasibility, OutcomeConstraint
from acquisitions.entropy_search import CELLS, BestPoint, often_best
from surrogates.exact_gp import fit


@pytest.fixture(scope="module")
def noisy():
    """A fitted process with noise, points that compete for the best, and candidates."""
    rng = np.random.default_rng(0)
    X = rng.random((10, 2))
    y = np.sin(7 * X).sum(1) + 0.3 * rng.standard_normal(10)
    gp = fit(X, (y - y.mean()) / y.std(), np.full(10, 0.1))
    pool = rng.random((200, 2))
    values = rng.multivariate_normal(gp.predict(pool)[0], gp.covariance(pool, pool), 500, method="eigh")
    return gp, pool[often_best(values, 12)], rng.random((40, 2))


def entropy(p):
    p = np.asarray(p)
    return -(np.where(p > 0, p * np.log(np.maximum(p, 1e-300)), 0.0)).sum(-1)


def by_enumeration(gp, R, x, noise, *, n=400_000, bins=25, seed=1):
    """Both sides of the mutual information of y and the best of R, from joint samples of values and a measurement, with an error.

    Entropy search: entropy of the counts of the best less that in bins of y. Predictive entropy search: entropy of the histogram of y
    less that for each point being the best. Over bins they are the same number by two ways; the bins are equally probable.
    """
    points = np.vstack([R, x])
    covariance = gp.covariance(points, points)
    L = np.linalg.cholesky(covariance + 1e-10 * np.eye(len(points)))
    parts = []
    for part in range(8):
        rng = np.random.default_rng(seed + part)
        f = gp.predict(points)[0] + rng.standard_normal((n // 8, len(points))) @ L.T
        y = f[:, -1] + np.sqrt(noise) * rng.standard_normal(n // 8)
        best = f[:, :-1].argmax(1)
        cell = np.minimum((np.argsort(np.argsort(y)) * bins) // len(y), bins - 1)
        joint = np.zeros((bins, len(R)))
        np.add.at(joint, (cell, best), 1 / len(y))
        search = entropy(joint.sum(0)) - (joint.sum(1) * entropy(joint / joint.sum(1, keepdims=True))).sum()
        predictive = entropy(joint.sum(1)) - sum(p * entropy(column / p) for p, column in zip(joint.sum(0), joint.T, strict=True) if p)
        parts.append((search, predictive))
    parts = np.array(parts)
    return parts.mean(0), parts.std(0, ddof=1) / np.sqrt(8)


@pytest.mark.parametrize("noise", [1e-6, 0.1, 1.0])
def test_three_points_by_enumeration(noisy, noise):
    """Our 16 intervals against 16 bins; within three standard errors of both, and what 20,000 samples leave (0.002)."""
    gp, R, P = noisy
    R = R[:3]
    acquisition = LogEntropySearch(gp, R, noise, samples=20_000)
    points = np.vstack([R[:1], P[np.argsort(-LogEntropySearch(gp, R, noise).value(P))[[0, 3, 10]]]])
    found = np.exp(acquisition.value(points))
    for x, value in zip(points, found, strict=True):
        (search, predictive), (error, _) = by_enumeration(gp, R, x, noise, bins=CELLS)
        assert search == pytest.approx(predictive, abs=1e-12)
        assert abs(value - search) < 3 * error + 0.002
    assert found.max() > (0.15 if noise < 1 else 0.02)


@pytest.mark.parametrize("noise", [0.01, 0.3])
def test_three_points_by_normal_distribution_functions(noisy, noise):
    """Entropy search and predictive entropy search by their own definitions: of three points each is the best by a bivariate normal
    probability, which makes both integrals over y of known functions, without samples and without intervals."""
    from scipy.special import ndtr
    from scipy.stats import multivariate_normal

    gp, R, P = noisy
    R = R[:3]
    x = P[np.argmax(LogEntropySearch(gp, R, noise).value(P))]
    points = np.vstack([R, x])
    mean, S = gp.predict(R)[0], gp.covariance(points, points)
    slope, z = S[:3, 3] / np.sqrt(S[3, 3] + noise), np.linspace(-8, 8, 641)
    density = np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi)

    def best(mean, covariance):
        """Probabilities that each of three is the largest, for each row of means."""
        found = []
        for i in range(3):
            D = np.delete(np.eye(3)[i] - np.eye(3), i, 0)
            found.append(multivariate_normal(np.zeros(2), D @ covariance @ D.T).cdf(mean @ D.T))
        return np.stack(found, -1)

    prior, given = best(mean, S[:3, :3]), best(mean + np.multiply.outer(z, slope), S[:3, :3] - np.outer(slope, slope))
    assert prior.sum() == pytest.approx(1.0, abs=1e-6) and np.abs(given.sum(1) - 1).max() < 1e-6
    search = entropy(prior) - np.trapezoid(density * entropy(given), z)
    of_y = density[:, None] * given / prior  # the density of y in its deviations where each point is known to be the best
    assert np.trapezoid(of_y, z, axis=0) == pytest.approx(np.ones(3), abs=1e-6)
    conditional = -np.trapezoid(of_y * np.log(of_y + 1e-300), z, axis=0)
    predictive = 0.5 * np.log(2 * np.pi * np.e) - prior @ conditional
    assert predictive == pytest.approx(search, abs=1e-5)

    fine = np.linspace(0, 1, 40 * CELLS + 1)[:-1] + 1 / (80 * CELLS)  # of equal probability
    shares = np.stack([np.interp(fine, ndtr(z), given[:, i]) for i in range(3)], -1).reshape(CELLS, 40, 3).mean(1)
    binned = entropy(shares.mean(0)) - entropy(shares).mean()
    found = np.exp(LogEntropySearch(gp, R, noise, samples=65_536).value(x[None]))[0]
    assert found == pytest.approx(binned, rel=0.005)  # by seeds it varies by 0.2 %
    assert 0.95 * search < found < search and search > 0.1


def test_two_points_by_an_integral(noisy):
    """``P(f_1 > f_2 | y)`` is a normal distribution function of y; the information an integral over y, up to the intervals."""
    from scipy.integrate import quad
    from scipy.stats import norm

    gp, R, P = noisy
    R, noise = R[[0, 1]], 0.05
    x = P[np.argmax(LogEntropySearch(gp, R, noise).value(P))]
    points = np.vstack([R, x])
    mean, S = gp.predict(points)[0], gp.covariance(points, points)
    b = S[:2, 2] / np.sqrt(S[2, 2] + noise)
    difference, slope = mean[0] - mean[1], b[0] - b[1]
    left = np.sqrt(S[0, 0] + S[1, 1] - 2 * S[0, 1] - slope**2)

    def p(z):
        first = norm.cdf((difference + slope * z) / left)
        return np.array([first, 1 - first])

    prior = norm.cdf(difference / np.hypot(left, slope))
    expected = entropy([prior, 1 - prior]) - quad(lambda z: norm.pdf(z) * entropy(p(z)), -8, 8)[0]
    edges = norm.ppf(np.linspace(0, 1, CELLS + 1))
    shares = np.array([quad(lambda z: norm.pdf(z) * p(z)[0], *edge)[0] * CELLS for edge in pairwise(edges)])
    binned = entropy([prior, 1 - prior]) - entropy(np.stack([shares, 1 - shares], 1)).mean()
    found = np.exp(LogEntropySearch(gp, R, noise, samples=8192).value(x[None]))[0]
    assert found == pytest.approx(binned, rel=0.01)
    assert expected * 0.95 < found < expected and expected > 0.1


def test_the_table_by_hand():
    """Two lines that cross at Z = 0 in the only case: the outcome's sign decides, log 2; shifted by its origin as well."""
    found = BestPoint.of(np.zeros((1, 2)), np.array([[-1.0, 1.0]]), np.zeros((1, 1)))
    assert np.exp(found.log_information[0]) == pytest.approx(np.log(2))
    shift = -0.6744897501960817  # the upper quartile
    found = BestPoint.of(np.zeros((1, 2)), np.array([[-1.0, 1.0]]), np.full((1, 1), -shift))
    assert np.exp(found.log_information[0]) == pytest.approx(entropy([0.25, 0.75]))
    cases = BestPoint.of(
        np.array([[0.0, 0.0], [50.0, 0.0]]), np.array([[-1.0, 1.0]]), np.zeros((1, 2))
    )  # never the second in the other case
    assert np.exp(cases.log_information[0]) == pytest.approx(entropy([0.25, 0.75]) - 0.5 * np.log(2), abs=1e-6)


@pytest.mark.parametrize("noise", [0.0, 1e-12, 0.1, 100.0])
def test_at_least_nothing_and_at_most_the_entropy(noisy, noise):
    gp, R, P = noisy
    values = np.exp(LogEntropySearch(gp, R, noise).value(np.vstack([R, P])))
    draws = np.random.default_rng(3).multivariate_normal(gp.predict(R)[0], gp.covariance(R, R), 20_000, method="eigh")
    known = entropy(np.bincount(draws.argmax(1), minlength=len(R)) / len(draws))
    assert np.all((values >= 0) & (values <= known + 0.05))
    assert values.max() > (0.002 if noise == 100 else 0.1) * known


def test_more_noise_is_less_information(noisy):
    gp, R, P = noisy
    values = np.array([np.exp(LogEntropySearch(gp, R, noise, samples=2000).value(P[:10])) for noise in (0.0, 0.1, 1.0, 10.0)])
    assert np.all(np.diff(values, axis=0) < 1e-3) and np.all(values[0] > values[-1])


def test_a_measurement_that_tells_nothing_is_worth_nothing(make_case):
    case = make_case(n=15, noise=0.05)
    far = np.full((2, 3), 30.0)
    for X in (case.X, case.X[:1]):  # far away; and no choice
        value, gradient = LogEntropySearch(case.gps[0], X, 0.05).value_and_gradient(far if len(X) > 1 else case.X)
        assert np.all(value == -np.inf) and not gradient.any()
    assert np.all(LogEntropySearch(case.gps[0], case.X, 1e14).value(case.X) == -np.inf)


def test_points_that_are_one_count_once(noisy):
    gp, R, P = noisy
    once, twice = (LogEntropySearch(gp, X, 0.1).value(P) for X in (R, np.vstack([R, R, R[:3] + 1e-12])))
    np.testing.assert_array_equal(once, twice)


@pytest.mark.parametrize("noise", [0.0, 1e-12, 0.05, 10.0])
@pytest.mark.parametrize("bounded", [False, True])
def test_gradient_by_differences(noise, bounded, make_case):
    """Differences that straddle an edge of an interval are off: of some 60 fewer than three."""
    case = make_case(outcomes=3, n=15, noise=0.05)
    constraints = [OutcomeConstraint(case.gps[1], upper=0.2), OutcomeConstraint(case.gps[2], lower=-1.5, upper=0.5)] if bounded else []
    X = np.random.default_rng(5).random((60, 3))
    R = np.vstack([case.X, 1 - case.X])
    X = X[LogEntropySearch(case.gps[0], R, noise).value(X) > (-11 if noise > 1 else -7)]
    acquisition = LogEntropySearch(case.gps[0], R, noise, constraints)
    value, gradient = acquisition.value_and_gradient(X)
    np.testing.assert_allclose(value, acquisition.value(X), rtol=1e-12)
    h = 1e-6
    numeric = np.stack([(acquisition.value(X + h * e) - acquisition.value(X - h * e)) / (2 * h) for e in np.eye(3)], 1)
    off = np.abs(numeric - gradient) / np.abs(gradient).max(1, keepdims=True)
    assert len(X) > 15 and np.sum(off > 1e-4) < 3 and np.median(off) < 1e-6
    assert np.abs(gradient).max(1).min() > 1e-2


def test_constraints_count_by_their_probability(make_case):
    case = make_case(outcomes=2, n=15, noise=0.05)
    bound = OutcomeConstraint(case.gps[1], upper=0.2)
    X = np.random.default_rng(5).random((25, 3))
    free, bounded = LogEntropySearch(case.gps[0], case.X, 0.05), LogEntropySearch(case.gps[0], case.X, 0.05, [bound])
    expected = LogProbabilityOfFeasibility([bound]).value(X)
    for difference in (bounded.value(X) - free.value(X), bounded.rough(X) - free.rough(X)):
        np.testing.assert_allclose(difference, expected, rtol=1e-9, atol=1e-9)


def test_pending_points_count_as_measured(noisy):
    gp, R, P = noisy
    free = LogEntropySearch(gp, R, 0.1)
    pending = P[np.argsort(-free.value(P))[:2]]
    ours = free.with_pending(pending[:1]).with_pending(pending[1:])
    expected = LogEntropySearch(gp.condition(pending, gp.predict(pending)[0], np.full(2, 0.1)), R, 0.1)
    np.testing.assert_array_equal(free.with_pending(pending).value(P), expected.value(P))
    some = expected.value(P) > -3  # the samples are others, as the signs of eigenvectors hang on rounding
    assert some.sum() > 10
    np.testing.assert_allclose(ours.value(P)[some], expected.value(P)[some], atol=0.2)
    assert np.all(ours.value(pending) < free.value(pending) - 0.3)
    assert free.with_pending(P[:0]) is free


def test_the_rough_score_ranks_alike(noisy):
    gp, R, P = noisy
    acquisition = LogEntropySearch(gp, R, 0.1)
    ranks = [np.argsort(np.argsort(values)) for values in (acquisition.value(P), acquisition.rough(P))]
    assert np.corrcoef(*ranks)[0, 1] > 0.9


def test_known_values_leave_no_choice(make_case):
    """Measured without noise, the best of what was measured is known; a further measurement moves nothing."""
    case = make_case(n=15, noise=1e-12)
    points = np.vstack([case.X, np.random.default_rng(5).random((10, 3))])
    value, gradient = LogEntropySearch(case.gps[0], case.X, 0.0).value_and_gradient(points)
    assert np.all(value == -np.inf) and not gradient.any()


def test_one_row_scores_as_among_many(noisy):
    gp, R, P = noisy
    acquisition = LogEntropySearch(gp, R, 0.1)
    np.testing.assert_allclose(acquisition.value(np.tile(P, (5, 1))), np.tile(acquisition.value(P), 5), rtol=1e-9)
    assert acquisition.value(P[:0]).shape == (0,)


def test_what_is_refused(make_case):
    gp = make_case().gps[0]
    with pytest.raises(ValueError, match="X has no points"):
        LogEntropySearch(gp, np.empty((0, 3)), 0.1)
    for noise in (-1e-3, np.nan, np.inf):
        with pytest.raises(ValueError, match="noise is"):
            LogEntropySearch(gp, np.zeros((1, 3)), noise)
