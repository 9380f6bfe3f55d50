"""Expected hypervolume improvement: BoTorch's analytic one, brute samples, limits and gradients."""

import numpy as np
import pytest
import torch
from botorch.acquisition.multi_objective.analytic import ExpectedHypervolumeImprovement
from botorch.utils.multi_objective.box_decompositions.non_dominated import NondominatedPartitioning

from acquisitions import LogExpectedHypervolumeImprovement, LogNoisyExpectedHypervolumeImprovement, OutcomeConstraint
from acquisitions.box_decomposition import decompose, nondominated


@pytest.fixture
def X():
    return np.random.default_rng(5).random((15, 3))


def gain(Y, front, reference):
    """Volume above the front that points Y (`k x m`) dominate one by one."""
    lower, upper = decompose(front, reference)
    return np.prod(np.maximum(np.minimum(Y[:, None], upper) - lower, 0), axis=2).sum(1)


@pytest.mark.parametrize("m", [2, 3, 4])
def test_equals_botorch(make_case, check_gradient, X, m):
    case = make_case(outcomes=m, n=12)
    reference = np.full(m, -1.5)
    ours = LogExpectedHypervolumeImprovement(case.gps, case.Y, reference)
    partitioning = NondominatedPartitioning(torch.as_tensor(reference), torch.as_tensor(case.Y))
    theirs = ExpectedHypervolumeImprovement(case.model, reference.tolist(), partitioning)
    points = torch.tensor(X[:, None], requires_grad=True)
    expected = theirs(points)
    expected.log().sum().backward()
    value, gradient = ours.value_and_gradient(X)
    kept = expected.detach().numpy() > 1e-8  # theirs cancels below
    assert kept.sum() >= 5
    np.testing.assert_allclose(value[kept], expected.log().detach().numpy()[kept], rtol=1e-8)
    np.testing.assert_allclose(gradient[kept], points.grad[:, 0].numpy()[kept], rtol=1e-5, atol=1e-6)
    check_gradient(ours, X)


@pytest.mark.parametrize("m", [2, 3])
def test_far_below_the_front_it_still_climbs(make_case, check_gradient, X, m):
    case = make_case(outcomes=m, n=12)
    front = np.full((1, m), 30.0) + np.vstack([np.eye(m), 2 - np.eye(m)])
    acquisition = LogExpectedHypervolumeImprovement(case.gps, front, np.full(m, 29.0))
    value, gradient = acquisition.value_and_gradient(X)
    assert np.all(np.isfinite(value)) and np.all(value < -400)
    check_gradient(acquisition, X)


def test_logarithms_and_plain_sums_meet(make_case, X, monkeypatch):
    case = make_case(outcomes=3, n=12, noise=0.05)
    bound = [OutcomeConstraint(case.gps[2], upper=0.2)]
    acquisition = LogNoisyExpectedHypervolumeImprovement(case.gps[:2], case.X, [-1, -1], bound)
    value, gradient = acquisition.value_and_gradient(X)
    monkeypatch.setattr("acquisitions.hypervolume_improvement._UNDERFLOW", np.inf)
    same, slope = acquisition.value_and_gradient(X)
    np.testing.assert_allclose(same, value, rtol=1e-9)
    np.testing.assert_allclose(slope, gradient, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("m, noise, bounded", [(2, 1e-2, False), (2, 0.1, True), (3, 0.1, False), (3, 0.05, True)])
def test_noisy_gradient_by_differences(make_case, check_gradient, X, m, noise, bounded):
    case = make_case(outcomes=m + 1, n=12, noise=noise)
    constraints = [OutcomeConstraint(case.gps[m], upper=0.2)] if bounded else []
    check_gradient(LogNoisyExpectedHypervolumeImprovement(case.gps[:m], case.X, np.full(m, -1.5), constraints), X)


@pytest.mark.parametrize("m, bounded", [(2, False), (2, True), (3, False)])
def test_noisy_agrees_with_brute_samples(make_case, X, m, bounded):
    case = make_case(outcomes=m + 1, n=12, noise=0.1)
    constraints = [OutcomeConstraint(case.gps[m], upper=0.2)] if bounded else []
    reference = np.full(m, -1.0)
    few = np.exp(
        [LogNoisyExpectedHypervolumeImprovement(case.gps[:m], case.X, reference, constraints, seed=seed).value(X) for seed in range(10)]
    )
    rng, points, samples = np.random.default_rng(7), np.vstack([case.X, X]), 3000

    def draw(gp):
        variances, directions = np.linalg.eigh(gp.covariance(points, points))
        Z = rng.standard_normal((samples, len(points)))
        return gp.predict(points)[0] + Z @ (directions * np.sqrt(np.maximum(variances, 0))).T

    values = np.stack([draw(gp) for gp in case.gps[:m]], axis=-1)
    feasible = constraints[0].satisfied(draw(case.gps[m])) if bounded else np.ones(values.shape[:2], dtype=bool)
    gains, b = np.empty((samples, len(X))), len(case.X)
    for gained, Y, ok in zip(gains, values, feasible, strict=True):
        front = Y[:b][ok[:b] & np.all(Y[:b] > reference, axis=1)]
        gained[:] = gain(Y[b:], front[nondominated(front)], reference) * ok[b:]
    mean, error = gains.mean(0), gains.std(0) / np.sqrt(samples)
    scatter = few.std(0, ddof=1) / np.sqrt(len(few))
    assert np.all(np.abs(few.mean(0) - mean) < 5 * np.hypot(error, scatter) + 1e-3 * mean.max())
    assert (mean > 5 * np.hypot(error, scatter)).sum() >= 4  # the signs of eigenvectors, and so the samples, differ between machines


@pytest.mark.parametrize("m", [2, 3])
def test_without_noise_it_is_that_of_the_known_front(make_case, X, m):
    case = make_case(outcomes=m, n=12, noise=1e-12)
    reference = np.full(m, -1.0)
    known = LogExpectedHypervolumeImprovement(case.gps, np.column_stack([gp.predict(case.X)[0] for gp in case.gps]), reference)
    noisy = LogNoisyExpectedHypervolumeImprovement(case.gps, case.X, reference)
    np.testing.assert_allclose(noisy.value(X), known.value(X), rtol=1e-9)
    np.testing.assert_allclose(noisy.value_and_gradient(X)[1], known.value_and_gradient(X)[1], rtol=1e-7)


def test_pending_points_lose_their_gain(make_case, X):
    case = make_case(outcomes=2, n=12, noise=0.02)
    free = LogNoisyExpectedHypervolumeImprovement(case.gps, case.X, [-1, -1])
    pending = X[np.argsort(-free.value(X))[:2]]
    joint = free.with_pending(pending)
    assert joint.value(pending).max() < free.value(pending).min() - 1
    assert np.all(np.exp(joint.value(X)) < np.exp(free.value(X)) + 0.02 * np.exp(free.value(X)).max())


def test_nothing_feasible_leaves_all_above_the_reference_point(make_case, X):
    case = make_case(outcomes=3, n=12)
    out = [OutcomeConstraint(case.gps[2], lower=5.0)]
    noisy = LogNoisyExpectedHypervolumeImprovement(case.gps[:2], case.X, [-1, -1], out)
    known = LogExpectedHypervolumeImprovement(case.gps[:2], np.empty((0, 2)), [-1, -1], out)
    np.testing.assert_allclose(noisy.value(X), known.value(X), rtol=1e-12)
    assert np.all(known.value(X) < -5)


def test_the_rough_score_ranks_alike(make_case, X):
    case = make_case(outcomes=2, n=15, noise=0.05)
    acquisition = LogNoisyExpectedHypervolumeImprovement(case.gps, case.X, [-1, -1])
    value, rough = acquisition.value(X), acquisition.rough(X)
    assert np.corrcoef(np.argsort(np.argsort(value)), np.argsort(np.argsort(rough)))[0, 1] > 0.95
    assert value[rough.argmax()] > value.max() - 0.5


def test_crowds_are_borne(make_case, X):
    case = make_case(outcomes=2, n=12)
    crowd = np.vstack([case.X, np.repeat(case.X[:3], 10, axis=0)])
    value, gradient = LogNoisyExpectedHypervolumeImprovement(case.gps, crowd, [-1, -1]).value_and_gradient(np.vstack([X, crowd]))
    assert np.all(np.isfinite(value)) and np.all(np.isfinite(gradient))


def test_what_is_refused(make_case):
    gps = make_case(outcomes=2).gps
    with pytest.raises(ValueError, match="1 objectives"):
        LogExpectedHypervolumeImprovement(gps[:1], np.empty((0, 1)), [0])
    with pytest.raises(ValueError, match="shape"):
        LogNoisyExpectedHypervolumeImprovement(gps, np.zeros((1, 3)), [0, 0, 0])
    with pytest.raises(ValueError, match="not finite"):
        LogNoisyExpectedHypervolumeImprovement(gps, np.zeros((1, 3)), [0, -np.inf])
    with pytest.raises(ValueError, match="no points"):
        LogNoisyExpectedHypervolumeImprovement(gps, np.zeros((0, 3)), [0, 0])
