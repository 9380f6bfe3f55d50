"""Consensus-based optimization: closed forms, limits and moments of its update rules."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bbo.zeroth_order import consensus as cbo

X = np.random.default_rng(0).normal(size=(12, 3))
F = np.random.default_rng(1).normal(size=12)


def test_weights_are_those_of_the_formula() -> None:
    plain = np.exp(-2.5 * F)
    np.testing.assert_allclose(cbo.gibbs_weights(F, 2.5), plain / plain.sum(), rtol=1e-13)
    np.testing.assert_allclose(cbo.consensus(X, F, 2.5), (plain[:, None] * X).sum(0) / plain.sum(), rtol=1e-12)


def test_limits_in_alpha_are_the_mean_and_the_best_particle() -> None:
    np.testing.assert_allclose(cbo.consensus(X, F, 0.0), X.mean(0), rtol=0, atol=1e-15)
    np.testing.assert_array_equal(cbo.consensus(X, F, 1e12), X[F.argmin()])
    np.testing.assert_allclose(cbo.consensus(X, np.full(12, 7.0), 1e12), X.mean(0), rtol=0, atol=1e-15)


def test_a_shift_of_the_loss_changes_nothing_and_a_scale_is_one_of_alpha() -> None:
    shifted = np.round(F, 3) * 1024  # sums that are exact in floating point
    np.testing.assert_allclose(cbo.consensus(X, F + 1000, 3.0), cbo.consensus(X, F, 3.0), rtol=0, atol=1e-12)
    np.testing.assert_array_equal(cbo.consensus(X, 4 * F, 3.0), cbo.consensus(X, F, 12.0))
    np.testing.assert_allclose(cbo.standardized(7 * shifted + 3), cbo.standardized(shifted), rtol=1e-12)


def test_moves_with_the_points_and_forgets_their_order() -> None:
    order = np.random.default_rng(2).permutation(12)
    np.testing.assert_allclose(cbo.consensus(X + 5, F, 3.0), cbo.consensus(X, F, 3.0) + 5, rtol=0, atol=1e-13)
    np.testing.assert_allclose(cbo.consensus(X[order], F[order], 3.0), cbo.consensus(X, F, 3.0), rtol=0, atol=1e-14)


@pytest.mark.parametrize("alpha", [0.0, 1.0, 1e9])
def test_what_is_not_finite_has_no_weight_and_huge_losses_do_no_harm(alpha: float) -> None:
    broken = F.copy()
    broken[[2, 5]] = np.nan, np.inf
    kept = np.isfinite(broken)
    np.testing.assert_allclose(cbo.consensus(X, broken, alpha), cbo.consensus(X[kept], F[kept], alpha), rtol=0, atol=1e-14)
    weights = cbo.gibbs_weights([1e308, -1e308, np.inf], alpha)
    np.testing.assert_array_equal(weights, [0.5, 0.5, 0] if alpha == 0 else [0, 1, 0])
    assert np.isfinite(cbo.standardized([1e308, -1e308, 0.0])).all()
    with pytest.raises(ValueError, match="none of them is finite"):
        cbo.consensus(X, np.full(12, np.inf), alpha)
    assert np.isinf(cbo.standardized(np.full(3, np.nan))).all()


def test_polarised_is_the_plain_consensus_for_a_wide_kernel_and_stays_apart_for_a_narrow_one() -> None:
    wide = cbo.polarised_consensus(X, X, F, 3.0, width=1e9)
    np.testing.assert_allclose(wide, np.tile(cbo.consensus(X, F, 3.0), (12, 1)), rtol=0, atol=1e-12)
    np.testing.assert_allclose(cbo.polarised_consensus(X, X, F, 3.0, width=1e-6), X, rtol=0, atol=1e-15)
    i, width = 4, 0.7
    pair = [np.exp(-3.0 * F[j]) * np.exp(-((X[i] - X[j]) ** 2).sum() / (2 * width**2)) ** 3.0 for j in range(12)]
    expected = np.average(X, axis=0, weights=pair)
    np.testing.assert_allclose(cbo.polarised_consensus(X[i : i + 1], X, F, 3.0, width)[0], expected, rtol=1e-12)


def test_polarised_weights_do_not_vanish_far_from_the_best_particle() -> None:
    points = np.array([[0.0], [1.0], [1.01]])
    near = cbo.polarised_consensus([[1.0]], points, [0.0, 9.0, 9.0], 1e4, width=0.01)
    assert 1.0 <= near[0, 0] <= 1.01


def test_effective_sample_size_and_the_alpha_that_has_it() -> None:
    assert cbo.effective_sample_size(np.full(8, 0.125)) == pytest.approx(8)
    assert cbo.effective_sample_size([1.0, 0, 0]) == 1
    f = np.append(F, np.inf)
    for share in (0.2, 0.5, 0.9):
        alpha = cbo.alpha_by_sample_size(f, share)
        assert cbo.effective_sample_size(cbo.gibbs_weights(f, alpha)) == pytest.approx(share * 12, rel=1e-9)
        assert cbo.alpha_by_sample_size(8 * f + 1, share) == pytest.approx(alpha / 8, rel=1e-9)
    assert cbo.alpha_by_sample_size([0.0, 0.0, 1.0], 0.5) == pytest.approx(1e5)  # two that tie: never below two thirds


def test_standardized_losses_are_in_interquartile_ranges() -> None:
    f = np.array([3.0, 1.0, 9.0, 5.0, np.nan])
    low, high = np.quantile(f[:4], [0.25, 0.75])
    np.testing.assert_allclose(cbo.standardized(f), [*((f[:4] - 1) / (high - low)), np.inf], rtol=1e-14)
    np.testing.assert_array_equal(cbo.standardized([1.0, 1.0, 1.0, 1.0, 3.0]), [0, 0, 0, 0, 1])
    np.testing.assert_array_equal(cbo.standardized([2.0, 2.0]), [0, 0])


# -- steps --------------------------------------------------------------------------------------------------------------------


def test_without_noise_distances_shrink_by_the_drift() -> None:
    step = cbo.increment(X, X.mean(0), np.random.default_rng(3).normal(size=X.shape), drift=1.5, noise=0.0, dt=0.1)
    np.testing.assert_allclose(X + step - X.mean(0), (1 - 0.15) * (X - X.mean(0)), rtol=0, atol=1e-15)


@pytest.mark.parametrize("isotropic", [False, True])
def test_moments_of_one_step_at_a_fixed_centre(isotropic: bool) -> None:
    """Means within 4.5 standard errors (7e-6 for each of eight), standard deviations and mean squares within 1 %, five or more."""
    drift, noise, dt, d, n = 1.2, 0.9, 0.3, 4, 200_000
    away = np.array([2.0, -1.0, 0.5, 0.0])
    z = np.random.default_rng(4).normal(size=(n, d))
    moved = away + cbo.increment(np.tile(away, (n, 1)), np.zeros(d), z, drift=drift, noise=noise, dt=dt, isotropic=isotropic)
    sd = noise * math.sqrt(dt) * (np.full(d, np.linalg.norm(away)) if isotropic else np.abs(away))
    assert np.all(np.abs(moved.mean(0) - (1 - drift * dt) * away) <= 4.5 * sd / math.sqrt(n))
    np.testing.assert_allclose(moved.std(0), sd, rtol=0.01)
    factor = (1 - drift * dt) ** 2 + noise**2 * dt * (d if isotropic else 1)
    assert (moved**2).sum(1).mean() == pytest.approx(factor * (away**2).sum(), rel=0.01)
    if not isotropic:
        assert np.all(moved[:, 3] == 0)


@pytest.mark.parametrize("isotropic", [False, True])
def test_truncated_noise_reaches_no_further_than_its_limit(isotropic: bool) -> None:
    points, z = np.array([[3.0, -4.0, 0.1]]), np.array([[1.0, 1.0, -1.0]])
    arguments = {"drift": 0.0, "noise": 2.0, "dt": 0.25, "isotropic": isotropic}
    step = cbo.increment(points, np.zeros(3), z, longest=0.5, **arguments)  # type: ignore[arg-type]
    np.testing.assert_allclose(step[0], [0.5, 0.5, -0.5] if isotropic else [0.5, -0.5, -0.1], rtol=1e-15)
    free = cbo.increment(points, np.zeros(3), z, longest=99.0, **arguments)  # type: ignore[arg-type]
    np.testing.assert_array_equal(free, cbo.increment(points, np.zeros(3), z, **arguments))  # type: ignore[arg-type]


def test_each_particle_may_have_its_own_centre() -> None:
    centres, z = X[::-1], np.random.default_rng(5).normal(size=X.shape)
    step = cbo.increment(X, centres, z, drift=1.0, noise=0.5, dt=0.1)
    for i in range(12):
        alone = cbo.increment(X[i : i + 1], centres[i], z[i : i + 1], drift=1.0, noise=0.5, dt=0.1)
        np.testing.assert_array_equal(step[i], alone[0])


def test_consensus_hopping_is_a_proximal_step_on_a_quadratic() -> None:
    """For a loss x'Ax/2 the consensus of many particles is ``(I + alpha spread^2 A)^-1 c``, the minimizer of the proximal problem.

    Within 3.7 standard errors (2e-4).
    """
    a, alpha, spread = np.array([[0.5, 0.2], [0.2, 1.5]]), 5.0, 0.5
    c = np.array([2.0, -1.0])
    x = cbo.hop(c, np.random.default_rng(6).normal(size=(400_000, 2)), spread)
    found = cbo.consensus(x, 0.5 * np.einsum("ni,ij,nj->n", x, a, x), alpha)
    proximal = np.linalg.solve(np.eye(2) + alpha * spread**2 * a, c)
    np.testing.assert_allclose(found, proximal, rtol=0, atol=0.01)


def test_personal_bests_change_by_improvement_only() -> None:
    best, losses = cbo.remember(np.zeros((4, 2)), [1.0, 1.0, np.inf, 1.0], np.ones((4, 2)), [0.5, 1.0, 3.0, np.nan])
    np.testing.assert_array_equal(best[:, 0], [1, 0, 1, 0])
    np.testing.assert_array_equal(losses, [0.5, 1.0, 3.0, 1.0])
