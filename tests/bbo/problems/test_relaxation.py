"""Over-relaxation: known counts of iterations, the closed form of the best factor, and instances that are what they are said to be."""

from __future__ import annotations

import numpy as np
import pytest

import bbo
from bbo.problems.relaxation import Relaxation, best_omega, laplacian, sor_iterations, sor_matrix

OMEGAS = (1, 1.2, 1.4, 1.5604, 1.6, 1.8, 1.95)
ONES = np.ones(100)


@pytest.mark.parametrize(
    ("c", "counts"),
    [
        (0.0, (223, 145, 88, 41, 43, 89, 383)),
        (-0.15, (2927, 1950, 1252, 819, 724, 293, 392)),
        (0.45, (64, 39, 25, 36, 42, 89, 379)),
    ],
)
def test_iterations_with_a_right_hand_side_of_ones(c: float, counts: tuple[int, ...]) -> None:
    assert tuple(sor_iterations(c, ONES, omega) for omega in OMEGAS) == counts


@pytest.mark.parametrize(("c", "omega"), [(0.0, 1.56039), (-0.15, 1.85359), (0.45, 1.32792)])
def test_the_best_factor_has_the_least_spectral_radius(c: float, omega: float) -> None:
    def radius(factor: float) -> float:
        return float(np.abs(np.linalg.eigvals(sor_matrix(c, factor))).max())

    best = best_omega(c)
    assert best == pytest.approx(omega, abs=5e-6)
    # at the best factor eigenvalues meet in a defective one, which the square root of rounding moves
    assert radius(best) == pytest.approx(best - 1, abs=1e-5)
    assert radius(best) < min(radius(best - 0.02), radius(best + 0.02))


def test_a_sweep_is_a_lexicographic_gauss_seidel_with_over_relaxation() -> None:
    rng = np.random.default_rng(0)
    A, b, omega = laplacian(0.1), rng.standard_normal(100), 1.3
    x = rng.standard_normal(100)
    before = b - A @ x
    for i in range(100):
        x[i] += omega * (b[i] - A[i] @ x) / A[i, i]
    np.testing.assert_allclose(sor_matrix(0.1, omega) @ before, b - A @ x, rtol=0, atol=1e-12)


def test_the_matrix_has_the_eigenvalues_of_the_five_point_stencil() -> None:
    waves = 2 - 2 * np.cos(np.arange(1, 11) * np.pi / 11)
    expected = np.sort((waves[:, None] + waves[None, :]).ravel()) + 0.3
    np.testing.assert_allclose(np.linalg.eigvalsh(laplacian(0.3)), expected, rtol=1e-12)


def test_a_solve_that_takes_too_long_is_given_up() -> None:
    assert sor_iterations(-0.15, ONES, 1.0, most=100) == 100


@pytest.mark.parametrize(("variance", "mean", "sd"), [("high", 0.0, 0.15), ("low", 0.0, 0.0866)])
def test_instances_are_drawn_as_said(variance, mean: float, sd: float) -> None:
    """Beta(a, b) has the mean a / (a + b) = 1/4 either way. 2,000 draws: four standard errors are a chance of one in ten thousand."""
    systems = Relaxation(variance, seed=1)
    drawn = [systems.instance(t) for t in range(2000)]
    c = np.array([c for c, _ in drawn])
    assert abs(c.mean() - mean) < 4 * sd / 2000**0.5
    assert c.std() == pytest.approx(sd, rel=0.08)
    assert c.min() >= -0.15
    assert c.max() <= 0.45
    lengths = np.array([b @ b for _, b in drawn])
    assert lengths.max() <= 100
    assert 80 < lengths.mean() < 95  # of standard normals without the cut it is 100, of those on the sphere 100 too


def test_instances_do_not_depend_on_what_was_asked_before() -> None:
    systems, same = Relaxation("low", seed=3), Relaxation("low", seed=3)
    systems.instance(4)
    for t in (7, 4):
        assert systems.instance(t)[0] == same.instance(t)[0]
        np.testing.assert_array_equal(systems.instance(t)[1], same.instance(t)[1])
    assert systems.instance(4)[0] != Relaxation("high", seed=3).instance(4)[0]
    assert systems.instance(4)[0] != Relaxation("low", seed=4).instance(4)[0]
    c, b = systems.instance(4)
    assert systems.iterations(1.5, 4) == sor_iterations(c, b, 1.5)
    assert systems.context(4) == {"c": c}
    assert systems.space.contains({"omega": 1.5, "c": c})


def test_refuses_another_variance() -> None:
    with pytest.raises(bbo.InvalidStudy, match="variance is 'none'"):
        Relaxation("none")  # type: ignore[arg-type]
