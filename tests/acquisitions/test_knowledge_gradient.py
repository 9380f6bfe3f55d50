"""The knowledge gradient: against data that are really added, samples, expected improvement without noise, and differences."""

import numpy as np
import pytest

from acquisitions import LogDiscreteKnowledgeGradient, LogExpectedImprovement, LogKGCP, LogProbabilityOfFeasibility, OutcomeConstraint
from acquisitions.gaussian import GrowingModel
from acquisitions.per_cost import ColumnCost, LogPerCost
from surrogates.exact_gp import ExactGP, fit

KINDS = {
    "discrete": lambda gp, X, noise, constraints=(): LogDiscreteKnowledgeGradient(gp, X, noise, constraints),
    "discrete with the candidate": lambda gp, X, noise, constraints=(): LogDiscreteKnowledgeGradient(
        gp, X, noise, constraints, candidate=True
    ),
    "discrete with the candidate moved": lambda gp, X, noise, constraints=(): LogDiscreteKnowledgeGradient(
        gp, X, noise, constraints, candidate=True, moved={1: 0.7}
    ),
    "kgcp": LogKGCP,
}


@pytest.fixture
def X():
    return np.random.default_rng(5).random((25, 3))


@pytest.fixture(scope="module")
def noisy():
    """A fitted process with noise, the points of its data, and others."""
    rng = np.random.default_rng(0)
    X = rng.random((12, 3))
    y = np.sin(7 * X).sum(1) + 0.5 * rng.standard_normal(12)
    gp = fit(X, (y - y.mean()) / y.std(), np.full(12, 0.15))
    return gp, X, rng.random((30, 3))


def after(gp: ExactGP, x, z, noise, points):
    """Means at points once the measurement at x came out z predictive standard deviations high, by adding it to the data."""
    mean, variance = gp.predict(x[None])
    y = mean + np.sqrt(variance + noise) * z
    return gp.condition(x[None], y, np.array([noise])).predict(points)[0]


def by_adding_data(gp, A, x, noise, *, candidate, samples=100_000):
    """Samples of ``max_i mu_{n+1}(x_i)``; that the means are lines in z is checked on the way."""
    points = np.vstack([A, x]) if candidate else A
    low, middle, high = (after(gp, x, z, noise, points) for z in (-1.5, 0.0, 2.0))
    slope = (high - low) / 3.5
    np.testing.assert_allclose(middle, low + 1.5 * slope, atol=1e-9)
    np.testing.assert_allclose(middle, gp.predict(points)[0], atol=1e-9)
    Z = np.random.default_rng(1).standard_normal(samples)
    return (middle + np.multiply.outer(Z, slope)).max(1)


def best_of(acquisition, points):
    return points[np.argsort(-acquisition.value(points))[:10]]


@pytest.mark.parametrize("candidate", [False, True])
def test_samples_of_measurements(noisy, candidate):
    """Within three standard errors at each of ten points; were the seeds free, one in 40 runs would fail by chance."""
    gp, _, A = noisy
    acquisition = LogDiscreteKnowledgeGradient(gp, A, 0.15, candidate=candidate)
    points = best_of(acquisition, np.random.default_rng(2).random((100, 3)))
    off = []
    for x, value in zip(points, np.exp(acquisition.value(points)), strict=True):
        tops = by_adding_data(gp, A, x, 0.15, candidate=candidate)
        reference = gp.predict(np.vstack([A, x]) if candidate else A)[0].max()
        off.append(abs(tops.mean() - reference - value) / (tops.std() / np.sqrt(len(tops))))
        assert value > 1e-4  # otherwise anything would pass
    assert max(off) < 3


def test_samples_of_measurements_for_kgcp(noisy):
    gp, X, points = noisy
    best = gp.predict(X)[0].max()
    acquisition = LogKGCP(gp, X, 0.15)
    points = best_of(acquisition, points)
    found = np.exp(acquisition.value(points))
    off = []
    for x, value in zip(points, found, strict=True):
        tops = by_adding_data(gp, X, x, 0.15, candidate=True)
        off.append(abs(tops.mean() - best - value) / (tops.std() / np.sqrt(len(tops))))
    assert max(off) < 3
    assert np.all(found > 1e-4)


def test_without_noise_kgcp_is_expected_improvement(make_case, X):
    case = make_case(n=15, noise=1e-12)
    gp = case.gps[0]
    plain = LogExpectedImprovement(gp, gp.predict(case.X)[0].max())
    ours = LogKGCP(gp, case.X, 0.0)
    some = plain.value(X) > -15
    assert some.sum() > 12
    np.testing.assert_allclose(ours.value(X)[some], plain.value(X)[some], rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(ours.value_and_gradient(X)[1][some], plain.value_and_gradient(X)[1][some], rtol=1e-4, atol=1e-6)


def test_without_noise_kgcp_is_expected_improvement_to_the_last_digits(make_case, X):
    """Where what was measured stands still exactly: that the covariances with it are rounding is taken out of the model."""

    class Exact:
        def __init__(self, gp):
            self.gp, self.predict, self.baseline = gp, gp.predict, gp.baseline

        def at(self, X, baseline=None):
            moments = self.gp.at(X, baseline)
            if baseline is not None:
                moments.covariance = np.zeros_like(moments.covariance)
            return moments

    case = make_case(n=15, noise=1e-12)
    gp = Exact(case.gps[0])
    points = np.vstack([X, case.X, case.X + 1e-4])  # the variance at its floor among them
    for baseline in (case.X, case.X[np.argsort(case.Y[:, 0])[:5]]):  # the best of all, and a low one that many means exceed
        plain = LogExpectedImprovement(gp, gp.predict(baseline)[0].max())
        value, gradient = LogKGCP(gp, baseline, 0.0).value_and_gradient(points)
        expected, slope = plain.value_and_gradient(points)
        np.testing.assert_allclose(value, expected, rtol=1e-12, atol=1e-12)
        off_floor = gp.predict(points)[1] > 1e-10
        np.testing.assert_allclose(gradient[off_floor], slope[off_floor], rtol=1e-5, atol=1e-9)  # theirs cancels
    assert (plain.value(points) > -1).any() and (plain.value(points) < -1e3).any()


def test_more_noise_is_less_knowledge(noisy):
    gp, X, points = noisy
    for make in KINDS.values():
        values = np.array([make(gp, X, noise).value(points) for noise in (0.0, 0.01, 0.1, 1.0, 10.0)])
        assert np.all(np.diff(values, axis=0) <= 1e-12)
        assert (np.diff(values, axis=0) < -1e-3).mean() > 0.9


def test_kgcp_is_the_discrete_gradient_and_the_lead_of_the_candidate(noisy):
    gp, X, points = noisy
    low = X[np.argsort(gp.predict(X)[0])[:10]]
    lead = np.maximum(gp.predict(points)[0] - gp.predict(low)[0].max(), 0)
    assert 0 < (lead > 0).sum() < len(points)
    ours = np.exp(LogKGCP(gp, low, 0.15).value(points))
    scott = np.exp(LogDiscreteKnowledgeGradient(gp, low, 0.15, candidate=True).value(points))
    np.testing.assert_allclose(ours, scott + lead, rtol=1e-12)


def test_a_choice_among_more_points_is_no_worse(noisy):
    """``KG(x) + max_A mu_n >= KGCP(x) + max_X mu_n`` where A holds X and x: both are expected maxima."""
    gp, X, points = noisy
    X = X[:4]
    A = np.vstack([X, points])
    knowledge = np.exp(LogDiscreteKnowledgeGradient(gp, A, 0.15).value(points)) + gp.predict(A)[0].max()
    kgcp = np.exp(LogKGCP(gp, X, 0.15).value(points)) + gp.predict(X)[0].max()
    assert np.all(knowledge >= kgcp - 1e-12)
    assert (knowledge > kgcp + 1e-3).mean() > 0.3


def test_the_candidate_in_the_set_already_is_no_further_point(noisy):
    gp, _, points = noisy
    with_, without = (LogDiscreteKnowledgeGradient(gp, points, 0.15, candidate=c).value(points) for c in (True, False))
    np.testing.assert_allclose(with_, without, rtol=1e-9)


def test_with_one_fidelity_that_costs_one_it_is_the_plain_one(noisy):
    """Multi-fidelity KG is KG where there is nothing to choose; a fidelity of three units divides it by three."""
    gp, _, A = noisy
    X = np.random.default_rng(6).random((12, 3))
    A, X = (np.column_stack([P[:, :2], np.full(len(P), 0.7)]) for P in (A, X))
    plain = LogDiscreteKnowledgeGradient(gp, A, 0.15, candidate=True)
    over_fidelities = LogDiscreteKnowledgeGradient(gp, A, 0.15, candidate=True, moved={2: 0.7})
    for cost in (1.0, 3.0):
        ours = LogPerCost(over_fidelities, ColumnCost(2, (0.7,), (cost,)))
        np.testing.assert_allclose(ours.value(X), plain.value(X) - np.log(cost), rtol=1e-9)
        value, gradient = ours.value_and_gradient(X)
        np.testing.assert_allclose(value, ours.value(X), rtol=1e-9)
        np.testing.assert_allclose(gradient[:, :2], plain.value_and_gradient(X)[1][:, :2], rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("noise", [0.0, 0.05])
@pytest.mark.parametrize("bounded", [False, True])
def test_gradient_by_differences(kind, noise, bounded, make_case, check_gradient, X):
    case = make_case(outcomes=3, n=15, noise=0.05)
    constraints = [OutcomeConstraint(case.gps[1], upper=0.2), OutcomeConstraint(case.gps[2], lower=-1.5, upper=0.5)] if bounded else []
    order = np.argsort(case.Y[:, 0])
    for chosen in (order[-8:], order[:5]):  # the latter are behind the candidates
        acquisition = KINDS[kind](case.gps[0], case.X[chosen], noise, constraints)
        near = acquisition.value(X) > (-300 if "moved" in kind else -np.inf)  # elsewhere that one bends too much for these steps
        assert near.sum() >= 10
        check_gradient(acquisition, X[near], tolerance=1e-5)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if "moved" not in kind])
def test_gradient_in_the_far_tail(kind, make_case, check_gradient):
    """Where the gain itself underflows."""
    case = make_case(n=15, noise=1e-4)
    order = np.argsort(case.Y[:, 0])
    acquisition = KINDS[kind](case.gps[0], case.X[order[[0, -1]]], 1e-4)
    worst = case.X[order[:3]] + 0.003
    value = acquisition.value(worst)
    assert np.all(value < -1000) and np.all(np.isfinite(value))
    check_gradient(acquisition, worst, h=1e-7, tolerance=1e-4)


def test_constraints_count_by_their_probability(make_case, X):
    case = make_case(outcomes=2, n=15, noise=0.05)
    bound = OutcomeConstraint(case.gps[1], upper=0.2)
    for make in KINDS.values():
        difference = make(case.gps[0], case.X, 0.05, [bound]).value(X) - make(case.gps[0], case.X, 0.05).value(X)
        np.testing.assert_allclose(difference, LogProbabilityOfFeasibility([bound]).value(X), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_pending_points_count_as_measured(kind, noisy):
    gp, X, points = noisy
    model: GrowingModel = gp
    free = KINDS[kind](model, X, 0.15)
    pending = points[np.argsort(-free.value(points))[:2]]
    grown = ExactGP.from_memo(
        np.vstack([X, pending]), np.append(gp.y, gp.predict(pending)[0]), np.full(len(X) + 2, 0.15), gp.memo(), settings=gp.settings
    )
    expected = KINDS[kind](grown, np.vstack([X, pending]) if kind == "kgcp" else X, 0.15).value(points)
    ours = free.with_pending(pending[:1]).with_pending(pending[1:])
    np.testing.assert_allclose(ours.value(points), expected, rtol=1e-7, atol=1e-7)
    assert np.all(ours.value(pending) < free.value(pending) - 0.3)
    assert free.with_pending(X[:0]) is free


def test_pending_points_beside_inferred_noise():
    rng = np.random.default_rng(3)
    X = rng.random((15, 2))
    gp = fit(X, np.sin(5 * X).sum(1) + 0.1 * rng.standard_normal(15))
    acquisition = LogKGCP(gp, X, gp.noise).with_pending(np.array([[0.5, 0.5]])).with_pending(np.array([[0.1, 0.9]]))
    assert len(acquisition.X) == 17 and len(acquisition.gp.X) == 17
    assert acquisition.value(X).shape == (15,)


def test_a_measurement_that_tells_nothing_is_worth_nothing(make_case):
    case = make_case(n=15, noise=0.05)
    far = np.full((2, 3), 30.0)
    value, gradient = LogDiscreteKnowledgeGradient(case.gps[0], case.X, 0.05).value_and_gradient(far)
    assert np.all(value == -np.inf)
    np.testing.assert_array_equal(gradient, np.zeros((2, 3)))
    value, gradient = LogDiscreteKnowledgeGradient(case.gps[0], case.X[:1], 0.05).value_and_gradient(case.X)  # no choice, no use
    assert np.all(value == -np.inf) and not gradient.any()
    assert np.all(np.isfinite(LogKGCP(case.gps[0], case.X, 0.05).value(far)))


@pytest.mark.parametrize("kind", KINDS)
def test_one_row_scores_as_among_many(kind, make_case, X):
    case = make_case(n=15, noise=0.1)
    acquisition = KINDS[kind](case.gps[0], case.X, 0.1)
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


def test_a_candidate_that_is_moved_is_one_more_point_of_the_set(noisy):
    """For each x it is the knowledge gradient over the set with the moved x in it."""
    gp, _, A = noisy
    X = np.random.default_rng(4).random((7, 3))
    moved = LogDiscreteKnowledgeGradient(gp, A, 0.15, candidate=True, moved={1: 0.7})
    there = X.copy()
    there[:, 1] = 0.7
    expected = [LogDiscreteKnowledgeGradient(gp, np.vstack([A, z]), 0.15).value(x[None])[0] for x, z in zip(X, there, strict=True)]
    np.testing.assert_allclose(moved.value(X), expected, rtol=1e-9)


def test_moving_needs_a_model_that_pairs(noisy):
    class Bare:
        def __init__(self, gp):
            self.baseline, self.at, self.predict = gp.baseline, gp.at, gp.predict

    gp, _, A = noisy
    with pytest.raises(TypeError, match="Bare has no pairs"):
        LogDiscreteKnowledgeGradient(Bare(gp), A, 0.1, candidate=True, moved={0: 1.0}).value(A)
