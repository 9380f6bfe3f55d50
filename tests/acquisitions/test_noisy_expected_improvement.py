"""Noisy expected improvement: its limit, an independent judge by many samples, and its gradient."""

import numpy as np
import pytest
import torch
from botorch.acquisition.logei import qLogExpectedImprovement, qLogNoisyExpectedImprovement
from botorch.acquisition.objective import GenericMCObjective
from botorch.sampling.normal import SobolQMCNormalSampler
from scipy.integrate import quad
from scipy.stats import norm

from acquisitions import LogExpectedImprovement, LogNoisyExpectedImprovement, OutcomeConstraint
from acquisitions.conditioning import LatentProcess, normals
from surrogates.exact_gp import fit
from surrogates.exact_gp.model import ExactGPModel, Output
from surrogates.exact_gp.transforms import Standardise


@pytest.fixture
def X():
    return np.random.default_rng(5).random((25, 3))


def judge(case, X, baseline, constraints=None, pending=None, samples=2**14):
    """BoTorch's estimate with as sharp a smoothing as it allows."""
    acquisition = qLogNoisyExpectedImprovement(
        case.model,
        torch.as_tensor(baseline),
        sampler=SobolQMCNormalSampler(torch.Size([samples]), seed=1),
        objective=GenericMCObjective(lambda Y, X=None: Y[..., 0]),
        constraints=constraints,
        X_pending=None if pending is None else torch.as_tensor(pending),
        prune_baseline=False,
        eta=1e-4,
    )
    with torch.no_grad():
        return np.concatenate([acquisition(torch.as_tensor(x[None, None])).numpy() for x in X])


def brute(gp, X, baseline, constraint=None, samples=2**17):
    """The improvement itself (no logarithm) by plain joint samples of everything, and its standard error."""
    rng = np.random.default_rng(11)
    points = np.vstack([baseline, X])

    def draw(gp):
        variances, directions = np.linalg.eigh(gp.covariance(points, points))
        root = directions * np.sqrt(np.maximum(variances, 0))
        return gp.predict(points)[0] + rng.standard_normal((samples, len(points))) @ root.T

    values, b = draw(gp), len(baseline)
    feasible = np.ones_like(values, dtype=bool) if constraint is None else constraint.satisfied(draw(constraint.gp))
    best = np.where(feasible[:, :b], values[:, :b], -np.inf).max(1)
    assert np.all(best > -np.inf)
    gains = np.maximum(values[:, b:] - best[:, None], 0) * feasible[:, b:]
    return gains.mean(0), gains.std(0) / np.sqrt(samples)


def agree(ours, mean, error):
    """Estimates by several seeds (`k x m`) against another one, within five standard errors of both."""
    scatter = ours.std(0, ddof=1) / np.sqrt(len(ours))
    assert np.all(np.abs(ours.mean(0) - mean) < 5 * np.hypot(error, scatter) + 1e-3 * mean.max())
    assert (mean > 20 * np.hypot(error, scatter)).sum() >= 5  # otherwise anything would pass


@pytest.mark.parametrize("noise", [1e-2, 0.1])
def test_agrees_with_many_samples(make_case, X, noise):
    case = make_case(n=15, noise=noise)
    ours = LogNoisyExpectedImprovement(case.gps[0], case.X, samples=4096).value(X)
    few = np.array([LogNoisyExpectedImprovement(case.gps[0], case.X, seed=seed).value(X) for seed in range(10)])
    agree(np.exp(few), *brute(case.gps[0], X, case.X))
    top = ours > ours.max() - 1.5
    np.testing.assert_allclose(ours[top], judge(case, X, case.X)[top], atol=0.1)
    assert np.sqrt(np.mean((few - ours)[:, top] ** 2)) < 0.1


def test_pending_points_agree_with_many_samples(make_case, X):
    case = make_case(n=15, noise=0.05)
    free = LogNoisyExpectedImprovement(case.gps[0], case.X, samples=4096)
    pending = X[np.argsort(-free.value(X))[:2]] + 0.02
    joint = free.with_pending(pending).value(X)
    few = [LogNoisyExpectedImprovement(case.gps[0], case.X, seed=seed).with_pending(pending).value(X) for seed in range(10)]
    agree(np.exp(few), *brute(case.gps[0], X, np.vstack([case.X, pending])))
    top = joint > joint.max() - 1
    np.testing.assert_allclose(joint[top], judge(case, X, case.X, pending=pending)[top], atol=0.1)
    assert free.with_pending(pending).value(pending).max() < free.value(pending).min() - 1


def test_constrained_agrees_with_many_samples(make_case, X):
    """Many verdicts on the baseline are open here, so that the joint treatment of candidate and baseline matters."""
    case = make_case(outcomes=2, n=15, noise=0.1)
    near = np.vstack([X, np.clip(case.X + 0.03, 0, 1)])
    bound = OutcomeConstraint(case.gps[1], upper=0.2)
    acquisition = LogNoisyExpectedImprovement(case.gps[0], case.X, [bound], samples=4096)
    assert acquisition._fine.feasibility.at(near).joint is not None
    ours = acquisition.value(near)
    few = [LogNoisyExpectedImprovement(case.gps[0], case.X, [bound], seed=seed).value(near) for seed in range(10)]
    agree(np.exp(few), *brute(case.gps[0], near, case.X, bound))
    top = ours > ours.max() - 1.5
    np.testing.assert_allclose(ours[top], judge(case, near, case.X, [lambda Y: Y[..., 1] - 0.2])[top], atol=0.1)


@pytest.mark.parametrize("noise", [1e-3, 0.1])
@pytest.mark.parametrize("bounded", [False, True])
def test_gradient_by_differences(make_case, check_gradient, X, noise, bounded):
    case = make_case(outcomes=3, n=15, noise=noise)
    constraints = [OutcomeConstraint(case.gps[1], upper=0.2), OutcomeConstraint(case.gps[2], lower=-1.5, upper=0.5)] if bounded else []
    check_gradient(LogNoisyExpectedImprovement(case.gps[0], case.X, constraints), X)


def test_gradient_in_the_far_tail(make_case, check_gradient):
    """Where h underflows for every sample."""
    case = make_case(n=15, noise=1e-3)
    best = case.X[case.Y[:, 0].argmax()][None]
    worst = case.X[np.argsort(case.Y[:, 0])[:5]] + 0.01
    acquisition = LogNoisyExpectedImprovement(case.gps[0], best)
    assert np.all(acquisition.value(worst) < -210)
    check_gradient(acquisition, worst, h=1e-6)


def test_without_noise_it_is_expected_improvement_exactly(make_case, X):
    case = make_case(n=15, noise=1e-12)
    gp = case.gps[0]
    plain = LogExpectedImprovement(gp, gp.predict(case.X)[0].max())
    noisy = LogNoisyExpectedImprovement(gp, case.X)
    np.testing.assert_allclose(noisy.value(X), plain.value(X), rtol=1e-12)
    np.testing.assert_allclose(noisy.value_and_gradient(X)[1], plain.value_and_gradient(X)[1], rtol=1e-9)


def best_of_two(gp, x, p, best):
    """``E[max(f(x), f(p), best)] - best``: an integral over f(p), given which the other value is normal and its improvement closed."""
    (m, n), S = gp.predict(np.vstack([x, p]))[0], gp.covariance(np.vstack([x, p]), np.vstack([x, p]))
    sd, left = np.sqrt(S[1, 1]), np.sqrt(max(S[0, 0] - S[0, 1] ** 2 / S[1, 1], 1e-14))

    def gain(z):
        f, lead = n + sd * z, m + S[0, 1] / sd * z
        u = (lead - max(f, best)) / left
        return (max(f, best) - best + left * (norm.pdf(u) + u * norm.cdf(u))) * norm.pdf(z)

    return quad(gain, -9, 9, points=[(best - n) / sd], limit=200, epsabs=1e-12)[0]


def test_a_batch_of_two_is_worth_what_the_better_one_improves(make_case, X):
    """One after the other: the improvement of the first, and that of the second over it; of two points that are one, of one."""
    case = make_case(n=15, noise=1e-12)
    gp, best = case.gps[0], case.gps[0].predict(case.X)[0].max()
    plain = LogExpectedImprovement(gp, best)
    free = LogNoisyExpectedImprovement(gp, case.X, samples=8192)
    order = np.argsort(-plain.value(X))
    first, near = X[order[:1]], X[order[:1]] + 1e-9
    after = free.with_pending(first)
    one = np.exp(plain.value(first)[0])
    assert one > 0.02
    for same in (first, near):
        assert one + np.exp(after.value(same)[0]) == pytest.approx(one, rel=1e-6)
        assert best_of_two(gp, same, first, best) == pytest.approx(one, rel=1e-5)
    for second in X[order[1:7]]:
        more = best_of_two(gp, second[None], first, best) - one
        assert np.exp(after.value(second[None])[0]) == pytest.approx(more, rel=0.02, abs=1e-5)
    assert np.exp(after.value(X).max()) > 0.15 * one


@pytest.mark.filterwarnings("ignore:A not p.d.")  # of two equal points
@pytest.mark.parametrize("q", [1, 2])
def test_batches_of_botorch_on_our_process(make_case, X, q):
    """`qLogExpectedImprovement` of one point, and of two that are one, is our closed form; of two others the integral."""
    rng = np.random.default_rng(0)
    measured = rng.random((12, 3))
    gp = fit(measured, np.sin(5 * measured).sum(1), np.full(12, 1e-4))
    best = float(gp.predict(measured)[0].max()) - 0.3  # well below what can be had: the smoothing of BoTorch is no matter then
    sampler = SobolQMCNormalSampler(torch.Size([2**13]), seed=1)
    theirs = qLogExpectedImprovement(ExactGPModel([Output(gp, Standardise(0.0, 1.0))]), best, sampler=sampler, tau_relu=1e-8, tau_max=1e-4)
    plain = LogExpectedImprovement(gp, best)
    top = X[np.argsort(-plain.value(X))[:5]]
    with torch.no_grad():
        found = theirs(torch.tensor(np.repeat(top[:, None], q, axis=1))).numpy()
        np.testing.assert_allclose(found, plain.value(top), atol=2e-3)
        if q == 2:
            pairs = np.stack([top[:-1], top[1:]], 1)
            expected = [best_of_two(gp, a[None], b[None], best) for a, b in pairs]
            np.testing.assert_allclose(np.exp(theirs(torch.tensor(pairs)).numpy()), expected, rtol=2e-3)


def test_little_noise_is_close_to_none(make_case, X):
    case = make_case(n=15, noise=1e-7)
    plain = LogExpectedImprovement(case.gps[0], case.Y[:, 0].max()).value(X)
    noisy = LogNoisyExpectedImprovement(case.gps[0], case.X).value(X)
    kept = plain > -10
    np.testing.assert_allclose(noisy[kept], plain[kept], rtol=1e-3)


def test_clustered_and_repeated_points(make_case, X):
    case = make_case(n=15, noise=0.01)
    top = case.X[case.Y[:, 0].argmax()]
    crowd = np.vstack([case.X, np.tile(top, (20, 1)), top + 1e-9 * np.random.default_rng(0).random((20, 3))])
    value, gradient = LogNoisyExpectedImprovement(case.gps[0], crowd).value_and_gradient(np.vstack([X, crowd]))
    assert np.all(np.isfinite(value)) and np.all(np.isfinite(gradient))
    expected = LogNoisyExpectedImprovement(case.gps[0], case.X, samples=4096).value(X)
    ours = LogNoisyExpectedImprovement(case.gps[0], crowd, samples=4096).value(X)
    kept = expected > -10
    np.testing.assert_allclose(ours[kept], expected[kept], atol=0.1)


def test_nothing_feasible_seeks_feasibility(make_case, X):
    case = make_case(outcomes=2, n=15, noise=1e-2)
    out = OutcomeConstraint(case.gps[1], lower=4.0)
    value, gradient = LogNoisyExpectedImprovement(case.gps[0], case.X, [out]).value_and_gradient(X)
    mean, variance = out.gp.predict(X)
    probability = out.log_probability(mean, np.sqrt(variance))[0]
    assert np.all(np.isfinite(gradient))
    assert np.corrcoef(value, probability)[0, 1] > 0.99
    acquisition = LogNoisyExpectedImprovement(case.gps[0], case.X, [out])
    assert acquisition.with_pending(X[:0]) is acquisition
    assert np.all(np.isfinite(acquisition.with_pending(X[:2]).value(X)))


def test_the_least_promising_points_are_dropped(make_case, X):
    case = make_case(n=40, noise=1e-3)
    acquisition = LogNoisyExpectedImprovement(case.gps[0], case.X)
    assert len(acquisition.baseline) < 5
    every = LogNoisyExpectedImprovement(case.gps[0], np.vstack([acquisition.baseline, case.X]))
    np.testing.assert_allclose(every.value(X), acquisition.value(X), atol=0.02 * np.abs(acquisition.value(X)).max())


def test_the_seed_decides_all(make_case, X):
    case = make_case(n=15, noise=0.1)
    one, same, other = (LogNoisyExpectedImprovement(case.gps[0], case.X, seed=seed).value(X) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one, same)
    assert np.any(one != other)


def test_one_row_scores_as_among_many(make_case, X):
    case = make_case(n=15, noise=0.1)
    acquisition = LogNoisyExpectedImprovement(case.gps[0], case.X)
    many = np.tile(X, (30, 1))
    np.testing.assert_allclose(acquisition.value(many), np.tile(acquisition.value(X), 30), rtol=1e-12)
    assert acquisition.value(X[:0]).shape == (0,)


def test_a_long_baseline_is_cut_and_candidates_are_sieved_without_losing_the_best():
    rng = np.random.default_rng(3)
    measured, candidates = rng.random((600, 4)), rng.random((900, 4))
    y = np.sin(5 * measured).sum(1) + 0.1 * rng.standard_normal(600)
    gp = fit(measured, (y - y.mean()) / y.std())
    acquisition = LogNoisyExpectedImprovement(gp, measured)
    value, rough = acquisition.value(candidates), acquisition.rough(candidates)
    assert np.isfinite(rough).sum() == 450
    first = np.argsort(-value)[:20]
    assert np.isfinite(rough[first]).all()
    assert value[rough.argmax()] > value.max() - 0.5
    likeliest = measured[gp.predict(measured)[0].argmax()]
    assert (acquisition.baseline == likeliest).all(1).any()


def test_the_rough_score_ranks_alike(make_case, X):
    case = make_case(outcomes=2, n=15, noise=0.05)
    acquisition = LogNoisyExpectedImprovement(case.gps[0], case.X, [OutcomeConstraint(case.gps[1], upper=0.5)])
    value, rough = acquisition.value(X), acquisition.rough(X)
    assert np.corrcoef(np.argsort(np.argsort(value)), np.argsort(np.argsort(rough)))[0, 1] > 0.95
    assert value[rough.argmax()] > value.max() - 0.5


def test_nothing_measured_is_refused(make_case):
    with pytest.raises(ValueError, match="no points"):
        LogNoisyExpectedImprovement(make_case().gps[0], np.empty((0, 3)))


@pytest.mark.parametrize("samples, dimensions", [(128, 5), (128, 100), (1, 0), (64, 0)])
def test_normals(samples, dimensions):
    Z = normals(samples, dimensions, np.random.default_rng(0))
    assert Z.shape == (samples, dimensions)
    if dimensions:
        assert np.all(np.abs(Z.mean(0)) < 0.02)
        np.testing.assert_allclose(Z.std(0), 1, atol=0.1)
    if 0 < dimensions <= samples // 2:
        np.testing.assert_allclose(Z.T @ Z / samples, np.eye(dimensions), atol=1e-12)


def test_samples_have_the_posterior_of_the_points(make_case, X):
    gp = make_case(noise=0.1).gps[0]
    process = LatentProcess(gp, X[:4])
    draws = process.draw(normals(2000, process.rank, np.random.default_rng(0)))
    drawn = draws.values
    np.testing.assert_allclose(drawn.mean(0), gp.predict(X[:4])[0], atol=1e-10)
    np.testing.assert_allclose(np.cov(drawn.T, bias=True), gp.covariance(X[:4], X[:4]), atol=1e-8)
    given = draws.at(X[:4])  # at the points themselves a sample leaves nothing open
    np.testing.assert_allclose(given.mean, drawn.T, atol=1e-6)
    assert np.all(given.variance < 1e-9)
