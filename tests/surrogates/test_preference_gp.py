"""Gaussian processes of comparisons: by closed forms, by samples of the exact posterior, by their own fixed point, beside BoTorch."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from botorch.models.pairwise_gp import PairwiseGP
from gpytorch.kernels import RBFKernel, ScaleKernel
from scipy.integrate import quad
from scipy.stats import norm, truncnorm

from surrogates.columns import Column, Columns
from surrogates.exact_gp import ExactGP, Settings
from surrogates.preference_gp import Comparisons, Order, PreferenceGP, fit
from surrogates.preference_gp.expectation_propagation import infer
from surrogates.preference_gp.fitting import Evidence
from surrogates.preference_gp.likelihood import tilted

MIXED = Columns((Column("x"), Column("n", kind="integer", levels=(0.0, 0.5, 1.0)), Column("c", kind="categorical", levels=(0.0, 0.5, 1.0))))


def utility(X):
    return 2.0 * np.sin(3.0 * X[:, 0]) + X[:, -1] ** 2


def memo(noise=0.1, threshold=0.0, d=2, scale=0.5):
    names = Settings().build(None, d).parameters.names
    return {"parameters": dict.fromkeys(names, math.log(scale)), "noise": noise, "mean": [0.0], "threshold": threshold}


def judged(n=24, k=3, seed=0, d=2, noise=0.2):
    """Points, and rankings of k of them each: with ties where what is judged differs by less than 0.3, or of the best one alone."""
    rng = np.random.default_rng(seed)
    X = rng.random((n, d))
    orders = []
    for j, start in enumerate(range(0, n, k)):
        seen = utility(X[start : start + k]) + noise * rng.standard_normal(k)
        rows = (start + np.argsort(-seen)).tolist()
        ends = [0, *(np.flatnonzero(-np.diff(-np.sort(-seen)) > 0.3) + 1).tolist(), k]
        tiers = tuple(tuple(rows[a:b]) for a, b in pairwise(ends))
        orders.append(Order(((rows[0],),), tuple(rows[1:])) if j % 3 == 2 else Order(tiers))
    return X, orders


# -- from rankings to comparisons -----------------------------------------------------------------------------------------------


def pairs(comparisons):
    return {(int(a), int(b), bool(t)) for a, b, t in zip(comparisons.better, comparisons.worse, comparisons.tied, strict=True)}


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (Order(((3,), (1,), (2,))), {(3, 1, False), (1, 2, False)}),
        (Order(((3,), (2, 1))), {(3, 1, False), (3, 2, False), (1, 2, True)}),
        (Order(((3,),), (2, 1)), {(3, 1, False), (3, 2, False)}),
        (Order(((2, 1),)), {(1, 2, True)}),
        (Order(((2,),)), set()),
    ],
)
def test_a_ranking_is_what_it_implies(order, expected):
    assert pairs(Comparisons.of([order])) == expected


def test_a_ranking_sees_each_point_with_one_error():
    """The differences of neighbours in a chain have minus the error between them in common; those of other rankings nothing."""
    comparisons = Comparisons.of([Order(((0,), (1,), (2,))), Order(((0,), (1,)))])
    errors = comparisons.of_errors()
    np.testing.assert_array_equal(np.diag(errors), 2.0)
    chain = np.flatnonzero(np.bincount(comparisons.ranking)[comparisons.ranking] == 2)
    assert errors[chain[0], chain[1]] == -1.0
    assert np.abs(errors).sum() == 2 * 3 + 2


# -- one comparison, in closed form ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mean", "sd", "threshold"), [(0.3, 0.7, 0.0), (-2.0, 0.5, 0.2), (5.0, 0.3, 0.1), (-30.0, 1.0, 0.5), (0.0, 1.0, 0.3)]
)
@pytest.mark.parametrize("tied", [False, True])
def test_moments_are_those_of_a_truncated_normal(mean, sd, threshold, tied):
    threshold = threshold or (0.2 if tied else 0.0)
    low, high = (-threshold, threshold) if tied else (threshold, np.inf)
    found = tilted(np.array([mean]), np.array([sd**2]), np.array([tied]), threshold)
    a, b = (low - mean) / sd, (high - mean) / sd
    if b < 0 or abs(mean) < 10:
        expected = truncnorm(a, b, mean, sd)
        assert mean + sd**2 * found.slope[0] == pytest.approx(expected.mean(), rel=1e-6, abs=1e-8)
        assert sd**2 * (1 + sd**2 * found.curvature[0]) == pytest.approx(expected.var(), rel=1e-5)
    near, far = (a, b) if mean < 0 else (-b, -a)  # the end that is nearer to the mean first
    log_z = norm.logsf(near) + np.log1p(-np.exp(norm.logsf(far) - norm.logsf(near))) if tied else norm.logsf(a)
    assert found.log_z[0] == pytest.approx(log_z, rel=1e-10)


@pytest.mark.parametrize("tied", [False, True])
def test_derivatives_of_the_probability(tied):
    m, h = np.array([-25.0, -3.0, -0.1, 0.4, 2.0, 12.0]), 1e-5
    which = np.full(len(m), tied)

    def at(shift=0.0, threshold=0.3):
        return tilted(m + shift, np.full(len(m), 0.49), which, threshold)

    np.testing.assert_allclose(at().slope, (at(h).log_z - at(-h).log_z) / (2 * h), rtol=1e-5, atol=1e-8)
    np.testing.assert_allclose(at().curvature, (at(h).slope - at(-h).slope) / (2 * h), rtol=1e-5, atol=1e-8)
    np.testing.assert_allclose(at().d_threshold, (at(0, 0.3 + h).log_z - at(0, 0.3 - h).log_z) / (2 * h), rtol=1e-5, atol=1e-8)


def test_one_comparison_is_exact():
    X = np.array([[0.2, 0.2], [0.6, 0.5]])
    gp = PreferenceGP.of(X, Comparisons.of([Order(((1,), (0,)))]), memo(noise=0.05))
    rho = math.exp(-0.5 * np.sum((X[0] - X[1]) ** 2) / 0.5**2)
    variance = 2.0 * (1.0 - rho)  # of the difference of utilities; as judged, with the errors:
    total = variance + 2 * 0.05
    mean, baseline = gp.predict(X)[0], gp.baseline(X)
    assert mean[1] - mean[0] == pytest.approx(variance / math.sqrt(total) * math.sqrt(2 / math.pi), rel=1e-7)
    assert mean.sum() == pytest.approx(0.0, abs=1e-8)
    left = variance - variance**2 / total * (2 / math.pi)
    difference = np.array([-1.0, 1.0])
    assert difference @ baseline.covariance @ difference == pytest.approx(left, rel=1e-7)
    assert np.ones(2) @ baseline.covariance @ np.ones(2) == pytest.approx(2 * (1 + rho), rel=1e-7)  # the level stays unknown
    assert gp.inference.log_evidence == pytest.approx(math.log(0.5), abs=1e-8)


# -- many comparisons -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("k", [3, 6])
def test_a_ranking_by_chance_has_one_chance_in_all_orders(k):
    """Independent comparisons would have ``2^(1-k)``, 0.03 against 0.0014 for six."""
    comparisons = Comparisons.of([Order(tuple((i,) for i in range(k)))])
    found = infer(1e4 * comparisons.of_errors(), comparisons.tied, 0.0)
    assert found.log_evidence == pytest.approx(-math.lgamma(k + 1), abs=0.03 * k)


def test_the_posterior_is_that_of_weighted_samples():
    """Means, covariance and evidence beside importance sampling; what is left is the error of expectation propagation."""
    X = np.array([[0.1, 0.3], [0.4, 0.8], [0.7, 0.2], [0.9, 0.9]])
    orders = [Order(((1,), (2,))), Order(((3, 2),)), Order(((2,), (1,))), Order(((1,),), (0, 3))]  # the third contradicts the first
    gp = PreferenceGP.of(X, Comparisons.of(orders), memo(noise=0.3, threshold=0.4))
    rng = np.random.default_rng(0)
    K = gp.kernel.gram(gp.theta, gp.features, gp.features).matrix
    f = rng.standard_normal((400_000, 4)) @ np.linalg.cholesky(K).T
    error, sd = math.sqrt(0.3) * rng.standard_normal(len(f)), math.sqrt(0.3)
    best = f[:, 1] + error - 0.4  # of the last ranking: what the errors of the others must not reach, each for itself
    weights = norm.cdf((best - f[:, 0]) / sd) * norm.cdf((best - f[:, 3]) / sd)
    d, pair = f[:, 1] - f[:, 2], math.sqrt(0.6)
    weights *= norm.cdf((d - 0.4) / pair) * norm.cdf((-d - 0.4) / pair)
    d = f[:, 3] - f[:, 2]
    weights *= norm.cdf((d + 0.4) / pair) - norm.cdf((d - 0.4) / pair)
    evidence, weights = weights.mean(), weights / weights.sum()
    assert 1 / np.sum(weights**2) > 40_000  # as many samples: standard errors of 0.005
    np.testing.assert_allclose(gp.predict(X)[0], weights @ f, atol=0.03)
    np.testing.assert_allclose(gp.baseline(X).covariance, np.cov(f.T, aweights=weights), atol=0.04)
    assert gp.inference.log_evidence == pytest.approx(math.log(evidence), abs=0.05)


def test_sites_are_at_their_fixed_point():
    """With the true likelihood in place of any one site, mean and variance of its difference stay; those by quadrature."""
    X, orders = judged()
    comparisons = Comparisons.of(orders)
    gp = PreferenceGP.of(X, comparisons, memo(noise=0.05, threshold=0.2))
    B = comparisons.of_utilities(len(X))
    G = B @ gp.kernel.gram(gp.theta, gp.features, gp.features).matrix @ B.T + 0.05 * comparisons.of_errors()
    tau, nu = gp.inference.tau, gp.inference.nu
    covariance = np.linalg.inv(np.linalg.inv(G + 1e-9 * np.eye(len(G))) + np.diag(tau))
    mean = covariance @ nu
    for i in range(len(G)):
        v = 1 / (1 / covariance[i, i] - tau[i])
        m = v * (mean[i] / covariance[i, i] - nu[i])
        low, high = (-0.2, 0.2) if comparisons.tied[i] else (0.2, m + 12 * math.sqrt(v) + 1)
        moments = [quad(lambda x, j=j: x**j * norm.pdf(x, m, math.sqrt(v)), low, high, epsabs=1e-12)[0] for j in range(3)]  # noqa: B023
        first = moments[1] / moments[0]
        assert mean[i] == pytest.approx(first, abs=1e-5)
        assert covariance[i, i] == pytest.approx(moments[2] / moments[0] - first**2, abs=1e-5)


@pytest.mark.parametrize("columns", [None, MIXED])
def test_gradient_of_the_evidence(columns):
    X, orders = judged(d=3)
    if columns is not None:
        X[:, 1:] = np.round(2 * X[:, 1:]) / 2
    problem = Evidence(Settings().build(columns, 3), X, Comparisons.of(orders))
    theta = problem.start(None) + 0.2
    gradient, h = problem(theta)[1], 1e-5
    assert "threshold" in problem.parameters.names
    numerical = [(problem(theta + h * e)[0] - problem(theta - h * e)[0]) / (2 * h) for e in np.eye(len(theta))]
    np.testing.assert_allclose(gradient, numerical, rtol=1e-5, atol=1e-7)


def test_it_is_an_exact_process_of_its_pseudo_measurements():
    """Means and covariances anywhere by the formulas of the differences, gradients by differences, and growth by a real measurement."""
    X, orders = judged()
    comparisons = Comparisons.of(orders)
    gp = PreferenceGP.of(X, comparisons, memo(noise=0.05, threshold=0.2))
    Z = np.random.default_rng(1).random((7, 2))
    B = comparisons.of_utilities(len(X))
    cross = gp.kernel.gram(gp.theta, gp.kernel.features(Z), gp.features).matrix @ B.T
    prior = gp.kernel.gram(gp.theta, gp.kernel.features(Z), gp.kernel.features(Z)).matrix
    half = gp.inference.half
    covariance = prior - cross @ half.T @ half @ cross.T
    mean, variance = gp.predict(Z)
    np.testing.assert_allclose(mean, cross @ gp.inference.weights, atol=1e-9)
    np.testing.assert_allclose(variance, np.diag(covariance), atol=1e-8)
    np.testing.assert_allclose(gp.baseline(Z).covariance, covariance, atol=1e-8)
    assert np.all(gp.at(Z).variance_bound >= variance - 1e-8)
    grown = gp.condition(Z[:1], [1.5], [0.2])
    gain = covariance[:, 0] / (covariance[0, 0] + 0.2)
    np.testing.assert_allclose(grown.predict(Z)[0], mean + gain * (1.5 - mean[0]), atol=1e-6)
    np.testing.assert_allclose(grown.baseline(Z).covariance, covariance - np.outer(gain, covariance[0]), atol=1e-7)


# -- fits -----------------------------------------------------------------------------------------------------------------------


def test_the_order_of_tells_changes_nothing():
    X, orders = judged()
    first, second = (fit(X, Comparisons.of(told)) for told in (orders, orders[::-1]))
    assert first.memo() == second.memo()
    np.testing.assert_array_equal(first.alpha, second.alpha)


def test_a_memo_is_exact():
    X, orders = judged()
    gp = fit(X, Comparisons.of(orders))
    again = PreferenceGP.of(X, Comparisons.of(orders), gp.memo())
    np.testing.assert_array_equal(gp.L, again.L)
    np.testing.assert_array_equal(gp.alpha, again.alpha)
    warm = fit(X, Comparisons.of(orders), warm=gp.memo())
    np.testing.assert_allclose(warm.predict(X)[0], gp.predict(X)[0], atol=1e-2)


def test_it_learns_the_order_of_new_points():
    X, orders = judged(n=45, seed=3)
    gp, Z = fit(X, Comparisons.of(orders)), np.random.default_rng(4).random((300, 2))
    assert np.corrcoef(gp.predict(Z)[0], utility(Z))[0, 1] > 0.9


def test_it_learns_which_levels_are_better():
    """Of a categorical column, whose level alone decides: the mean follows the levels and no line through them."""
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.random(60), np.full(60, 0.5), rng.choice([0.0, 0.5, 1.0], 60)])
    worth = {0.0: 0.0, 0.5: 2.0, 1.0: 1.0}
    rows = [(a, b) for a, b in zip(range(0, 60, 2), range(1, 60, 2), strict=True) if X[a, 2] != X[b, 2]]
    orders = [Order(((a,), (b,))) if worth[X[a, 2]] > worth[X[b, 2]] else Order(((b,), (a,))) for a, b in rows]
    gp = fit(X, Comparisons.of(orders), columns=MIXED)
    low, best, second = gp.predict(np.array([[0.5, 0.5, level] for level in worth]))[0]
    assert best > second + 0.3 > low + 0.6


def test_contradictions_are_noise():
    X = np.random.default_rng(0).random((10, 2))
    agree = [Order(((2 * i,), (2 * i + 1,))) for i in range(5)]
    against = [Order(((2 * i + 1,), (2 * i,))) for i in range(5)]
    sure, torn = fit(X, Comparisons.of(agree + agree)), fit(X, Comparisons.of(agree + against))
    assert torn.noise > 5 * sure.noise
    np.testing.assert_allclose(torn.predict(X)[0], 0.0, atol=1e-6)
    assert np.all(np.isfinite(sure.predict(X)[0])) and sure.predict(X)[0][0] > sure.predict(X)[0][1]


def test_equal_points_say_nothing():
    X = np.array([[0.3, 0.3], [0.3, 0.3], [0.8, 0.1]])
    gp = PreferenceGP.of(X, Comparisons.of([Order(((0,), (1,)))]), memo())
    np.testing.assert_allclose(gp.predict(X)[0], 0.0, atol=1e-6)
    np.testing.assert_allclose(gp.predict(X)[1], 1.0, atol=1e-6)


def test_beside_botorch():
    """`PairwiseGP` at the same kernel and noise, where comparisons are so unsure that Laplace's mode is near the mean."""
    X, _ = judged(n=20, k=2)
    u = utility(X)
    orders = [Order(((a,), (b,))) if u[a] > u[b] else Order(((b,), (a,))) for a, b in zip(range(0, 20, 2), range(1, 20, 2), strict=True)]
    comparisons = Comparisons.of(orders)
    gp = PreferenceGP.of(X, comparisons, memo(noise=1.0))
    covar = ScaleKernel(RBFKernel(ard_num_dims=2))
    covar.outputscale, covar.base_kernel.lengthscale = 1.0, 0.5
    model = PairwiseGP(
        torch.from_numpy(X), torch.from_numpy(np.column_stack([comparisons.better, comparisons.worse])), covar_module=covar.double()
    ).eval()
    posterior = model.posterior(torch.from_numpy(X))
    mean, covariance = posterior.mean.detach().numpy()[:, 0], posterior.covariance_matrix.detach().numpy()
    assert np.ptp(mean) > 0.5
    np.testing.assert_allclose(gp.predict(X)[0], mean, atol=0.1)
    np.testing.assert_allclose(gp.baseline(X).covariance, covariance, atol=0.08)


def test_refusals():
    X, orders = judged()
    with pytest.raises(ValueError, match="0 comparisons"):
        fit(X, Comparisons.of([]))
    with pytest.raises(ValueError, match="another kernel"):
        PreferenceGP.of(X, Comparisons.of(orders), memo(d=5))
    gp = fit(X, Comparisons.of(orders))
    assert isinstance(gp, ExactGP)
    with pytest.raises(TypeError, match="no value a point"):
        gp.loo()
