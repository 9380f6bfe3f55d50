"""Gradient estimators: exact where they are exact, unbiased for the smoothed function elsewhere, and whole after failures."""

from __future__ import annotations

from collections.abc import Callable
from math import erf, exp, sqrt

import numpy as np
import pytest
from numpy.typing import NDArray

from bbo.zeroth_order import (
    antithetic,
    central_points,
    coordinate_central,
    coordinate_directions,
    coordinate_forward,
    either_way,
    forward_points,
    gaussian,
    gaussian_directions,
    likelihood_ratio,
    sphere_directions,
    sphere_two_point,
)

Array = NDArray[np.float64]
D = 4
X = np.array([0.3, -1.2, 2.0, 0.7])
SLOPE = np.array([1.5, -0.5, 3.0, 0.25])
HESSIAN = np.array([[2.0, 0.5, 0.0, -1.0], [0.5, 1.0, 0.3, 0.0], [0.0, 0.3, -4.0, 0.7], [-1.0, 0.0, 0.7, 3.0]])
ORTHONORMAL = np.linalg.qr(np.random.default_rng(0).standard_normal((D, D)))[0]
N = 200_000
SAMPLED = 5.0  # standard errors that a mean over N terms may be off: 6e-7 for one number that is normal


def linear(x: Array) -> Array:
    return x @ SLOPE + 0.8


def quadratic(x: Array) -> Array:
    return 0.5 * np.einsum("...i,ij,...j", x, HESSIAN, x) + x @ SLOPE


GRADIENT = HESSIAN @ X + SLOPE


def at(f: Callable[[Array], Array], u: Array, step: float) -> Array:
    return f(forward_points(X, u, step))


def sides(f: Callable[[Array], Array], u: Array, step: float) -> Array:
    return f(central_points(X, u, step))


def assert_mean(terms: Array, wanted: Array | float) -> None:
    """The mean of independent terms (first axis) is what was expected, by its standard error."""
    error = terms.std(axis=0, ddof=1) / sqrt(len(terms))
    assert np.all(np.abs(terms.mean(axis=0) - wanted) <= SAMPLED * error + 1e-12)
    assert np.max(error) < 0.05 * (1 + np.max(np.abs(wanted)))  # the check says something


def test_points_are_the_steps_along_the_directions() -> None:
    u = coordinate_directions(3, [2, 0])
    np.testing.assert_array_equal(u, [[0, 0, 1], [1, 0, 0]])
    np.testing.assert_array_equal(forward_points([1, 2, 3], u, 0.5), [[1, 2, 3.5], [1.5, 2, 3]])
    np.testing.assert_array_equal(central_points([1, 2, 3], u, 0.5), [[[1, 2, 3.5], [1, 2, 2.5]], [[1.5, 2, 3], [0.5, 2, 3]]])


@pytest.mark.parametrize("step", [0.0, -1.0, np.inf, np.nan])
def test_a_step_that_is_none_is_refused(step: float) -> None:
    with pytest.raises(ValueError, match="step is"):
        forward_points(X, coordinate_directions(D), step)
    with pytest.raises(ValueError, match="step is"):
        central_points(X, coordinate_directions(D), step)


def test_directions_have_the_moments_of_their_distributions() -> None:
    rng = np.random.default_rng(1)
    u, normal = sphere_directions(N, D, rng), gaussian_directions(N, D, rng)
    np.testing.assert_allclose(np.linalg.norm(u, axis=1), 1, rtol=1e-12)
    assert_mean(u, 0)
    assert_mean(np.einsum("ni,nj->nij", u, u), np.eye(D) / D)
    assert_mean(u[:, 0] ** 4, 3 / (D * (D + 2)))
    assert_mean(normal, 0)
    assert_mean(np.einsum("ni,nj->nij", normal, normal), np.eye(D))
    assert_mean(normal[:, 0] ** 4, 3)


@pytest.mark.parametrize("step", [1e-3, 0.5, 20.0])
def test_exact_on_linear_functions(step: float) -> None:
    """Also the random ones, once their directions have exactly the moments that they have in expectation."""
    axes, basis = coordinate_directions(D), sqrt(D) * ORTHONORMAL
    base = float(linear(X))
    close = {"rtol": 1e-9, "atol": 1e-9}
    np.testing.assert_allclose(coordinate_forward(base, at(linear, axes, step), axes, step), SLOPE, **close)
    np.testing.assert_allclose(coordinate_central(sides(linear, axes, step), axes, step), SLOPE, **close)
    np.testing.assert_allclose(gaussian(base, at(linear, basis, step), basis, step), SLOPE, **close)
    np.testing.assert_allclose(antithetic(sides(linear, basis, step), basis, step), SLOPE, **close)
    np.testing.assert_allclose(sphere_two_point(sides(linear, ORTHONORMAL, step), ORTHONORMAL, step), SLOPE, **close)
    both = sqrt((2 * D - 1) / (2 * D)) * np.vstack([basis, -basis])  # mean 0, sample covariance the identity
    np.testing.assert_allclose(likelihood_ratio(at(linear, both, step), both, step), SLOPE, **close)


def test_forward_differences_on_a_quadratic_are_off_by_half_the_step_times_the_curvature() -> None:
    axes, step = coordinate_directions(D), 0.25
    found = coordinate_forward(float(quadratic(X)), at(quadratic, axes, step), axes, step)
    np.testing.assert_allclose(found - GRADIENT, step / 2 * np.diag(HESSIAN), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(coordinate_central(sides(quadratic, axes, step), axes, step), GRADIENT, rtol=1e-10)


def test_that_error_cancels_between_axes_and_their_opposites() -> None:
    """In the mean of two opposite steps, exactly; over 4,000 random ones within four standard errors."""
    axes, step = coordinate_directions(D), 0.25

    def estimate(u: NDArray[np.float64]) -> NDArray[np.float64]:
        return coordinate_forward(float(quadratic(X)), at(quadratic, u, step), u, step)

    rng = np.random.default_rng(5)
    assert {float(either_way(axes, rng)[2, 2]) for _ in range(20)} == {-1.0, 1.0}
    np.testing.assert_allclose((estimate(axes) + estimate(-axes)) / 2, GRADIENT, rtol=1e-10)
    mean = np.mean([estimate(either_way(axes, rng)) for _ in range(4000)], axis=0)
    assert (np.abs(mean - GRADIENT) < 4 * step / 2 * np.abs(np.diag(HESSIAN)) / np.sqrt(4000)).all()


def test_a_part_of_the_axes_gives_a_part_of_the_gradient() -> None:
    axes = coordinate_directions(D, [3, 1])
    wanted = GRADIENT * [0, 1, 0, 1]
    np.testing.assert_allclose(coordinate_central(sides(quadratic, axes, 0.1), axes, 0.1), wanted, rtol=1e-9)


@pytest.mark.parametrize("step", [1e-2, 1.0, 30.0])
def test_every_central_sample_on_a_quadratic_is_that_of_its_gradient_whatever_the_step(step: float) -> None:
    for u in sphere_directions(5, D, np.random.default_rng(2)):
        found = sphere_two_point(sides(quadratic, u[None], step), u[None], step)
        np.testing.assert_allclose(found, D * (u @ GRADIENT) * u, rtol=1e-9, atol=1e-9)
    for u in gaussian_directions(5, D, np.random.default_rng(2)):
        found = antithetic(sides(quadratic, u[None], step), u[None], step)
        np.testing.assert_allclose(found, (u @ GRADIENT) * u, rtol=1e-9, atol=1e-9)


def test_a_forward_gaussian_sample_on_a_quadratic_keeps_the_curvature() -> None:
    step = 0.5
    for u in gaussian_directions(5, D, np.random.default_rng(2)):
        found = gaussian(float(quadratic(X)), at(quadratic, u[None], step), u[None], step)
        np.testing.assert_allclose(found, (u @ GRADIENT + step / 2 * u @ HESSIAN @ u) * u, rtol=1e-9)


def test_moments_on_a_quadratic() -> None:
    """Means are the gradient; second moments of central ones follow from the fourth moments of their directions (Isserlis)."""
    rng, step = np.random.default_rng(3), 0.3
    normal, unit = gaussian_directions(N, D, rng), sphere_directions(N, D, rng)
    second = GRADIENT @ GRADIENT * np.eye(D) + 2 * np.outer(GRADIENT, GRADIENT)
    terms = _terms(sides(quadratic, normal, step), normal, step)
    assert_mean(terms, GRADIENT)
    assert_mean(np.einsum("ni,nj->nij", terms, terms), second)
    terms = D * _terms(sides(quadratic, unit, step), unit, step)
    assert_mean(terms, GRADIENT)
    assert_mean(np.einsum("ni,nj->nij", terms, terms), D / (D + 2) * second)
    assert_mean((at(quadratic, normal, step) - quadratic(X))[:, None] / step * normal, GRADIENT)


def _terms(values: Array, u: Array, step: float) -> Array:
    """Terms of central estimates before any scaling, written down again; `test_estimates_are_means_of_their_terms` ties them to ours."""
    return (values[:, 0] - values[:, 1])[:, None] / (2 * step) * u


def test_estimates_are_means_of_their_terms() -> None:
    rng, step = np.random.default_rng(4), 0.3
    normal, unit = gaussian_directions(50, D, rng), sphere_directions(50, D, rng)
    values = sides(quadratic, normal, step)
    np.testing.assert_allclose(antithetic(values, normal, step), _terms(values, normal, step).mean(axis=0), rtol=1e-12)
    values = sides(quadratic, unit, step)
    np.testing.assert_allclose(sphere_two_point(values, unit, step), D * _terms(values, unit, step).mean(axis=0), rtol=1e-12)


def test_gaussian_estimators_are_unbiased_for_the_smoothed_exponential() -> None:
    """The mean of exp(a'(x + s u)) over normal u is exp(a'x + s^2 |a|^2 / 2)."""
    a, step = np.array([0.5, -0.3, 0.2, 0.1]), 0.8
    wanted = a * exp(float(a @ X) + step**2 * float(a @ a) / 2)
    u = gaussian_directions(N, D, np.random.default_rng(5)).reshape(1000, -1, D)

    def f(x: Array) -> Array:
        return np.asarray(np.exp(x @ a))

    assert_mean(np.array([gaussian(float(f(X)), at(f, block, step), block, step) for block in u]), wanted)
    assert_mean(np.array([antithetic(sides(f, block, step), block, step) for block in u]), wanted)
    assert_mean(np.array([likelihood_ratio(at(f, block, step), block, step) for block in u]), wanted)
    assert_mean(np.array([likelihood_ratio(at(f, block[:2], step), block[:2], step) for block in u.reshape(-1, 20, D)]), wanted)


@pytest.mark.parametrize("x", [0.0, 0.35, -0.9, 2.0])
def test_the_slope_of_a_smoothed_kink(x: float) -> None:
    """Of |x_1|: over the ball in three dimensions (3 s - s^3) / 2 with s = x / step, clipped; by normal noise erf(s / sqrt 2)."""
    step, rng = 0.7, np.random.default_rng(6)
    point, s = np.array([x, 1.0, -2.0]), np.clip(x / 0.7, -1, 1)

    def f(points: Array) -> Array:
        return np.abs(points[..., 0])

    unit, normal = (draw(N, 3, rng).reshape(1000, -1, 3) for draw in (sphere_directions, gaussian_directions))
    found = np.array([sphere_two_point(f(central_points(point, u, step)), u, step) for u in unit])
    assert_mean(found, np.array([(3 * s - s**3) / 2, 0, 0]))
    found = np.array([antithetic(f(central_points(point, u, step)), u, step) for u in normal])
    assert_mean(found, np.array([erf(x / step / sqrt(2)), 0, 0]))


@pytest.mark.parametrize("x", [0.0, 0.35, -0.6, 2.0])
def test_the_slope_of_a_smoothed_kink_in_one_dimension_is_exact(x: float) -> None:
    for u in (np.array([[1.0]]), np.array([[-1.0]])):
        found = sphere_two_point(np.abs(central_points([x], u, 0.7))[..., 0], u, 0.7)
        np.testing.assert_allclose(found, np.clip([x / 0.7], -1, 1), rtol=1e-12, atol=1e-15)


def test_central_differences_cancel_what_is_even() -> None:
    def even(points: Array) -> Array:
        return np.abs(points).sum(axis=-1) + (points**2).prod(axis=-1)

    rng, origin = np.random.default_rng(7), np.zeros(D)
    for estimate, u in ((antithetic, gaussian_directions(9, D, rng)), (sphere_two_point, sphere_directions(9, D, rng))):
        np.testing.assert_array_equal(estimate(even(central_points(origin, u, 0.4)), u, 0.4), 0)
    axes = coordinate_directions(D)
    np.testing.assert_array_equal(coordinate_central(even(central_points(origin, axes, 0.4)), axes, 0.4), 0)


def test_likelihood_ratios_have_the_mean_of_the_other_values_as_baseline() -> None:
    u = gaussian_directions(6, D, np.random.default_rng(8))
    values = at(quadratic, u, 0.3)
    wanted = np.mean([(values[i] - np.delete(values, i).mean()) * u[i] / 0.3 for i in range(6)], axis=0)
    np.testing.assert_allclose(likelihood_ratio(values, u, 0.3), wanted, rtol=1e-12)
    np.testing.assert_array_equal(likelihood_ratio(np.full(6, 0.5), u, 0.3), 0)


def test_what_failed_is_left_out() -> None:
    u, step, base = gaussian_directions(6, D, np.random.default_rng(9)), 0.3, float(quadratic(X))
    ok = np.array([True, False, True, True, False, True])
    single = at(quadratic, u, step)
    broken = np.where(ok, single, np.nan)
    np.testing.assert_array_equal(gaussian(base, broken, u, step, ok=ok), gaussian(base, single[ok], u[ok], step))
    np.testing.assert_array_equal(likelihood_ratio(broken, u, step, ok=ok), likelihood_ratio(single[ok], u[ok], step))
    pairs = sides(quadratic, u, step)
    came = np.ones((6, 2), dtype=bool)
    came[1, 0] = came[4, 1] = False
    broken = np.where(came, pairs, np.inf)
    for estimate in (antithetic, sphere_two_point):
        np.testing.assert_array_equal(estimate(broken, u, step, ok=came), estimate(pairs[ok], u[ok], step))


def test_an_axis_that_failed_stays_where_it_is() -> None:
    axes, step = coordinate_directions(D), 0.1
    ok = np.array([True, False, True, True])
    values = np.where(ok, at(linear, axes, step), np.nan)
    np.testing.assert_allclose(coordinate_forward(float(linear(X)), values, axes, step, ok=ok), SLOPE * ok, rtol=1e-9)
    came = np.array([[True, True], [True, False], [False, True], [True, True]])
    found = coordinate_central(np.where(came, sides(linear, axes, step), np.nan), axes, step, ok=came)
    np.testing.assert_allclose(found, SLOPE * [1, 0, 0, 1], rtol=1e-9)


def test_nothing_left_is_an_error() -> None:
    u = gaussian_directions(3, D, np.random.default_rng(10))
    none, half = np.zeros(3, dtype=bool), np.array([[True, False]] * 3)
    with pytest.raises(ValueError, match="nothing to average"):
        gaussian(0.0, np.zeros(3), u, 0.1, ok=none)
    with pytest.raises(ValueError, match="nothing to average"):
        antithetic(np.zeros((3, 2)), u, 0.1, ok=half)
    with pytest.raises(ValueError, match="nothing to average"):
        sphere_two_point(np.zeros((3, 2)), u, 0.1, ok=half)
    with pytest.raises(ValueError, match="1 of 3 values"):
        likelihood_ratio(np.zeros(3), u, 0.1, ok=[True, False, False])
    with pytest.raises(ValueError, match="belong together"):
        gaussian(0.0, np.zeros(3), u, 0.1, ok=[True])
