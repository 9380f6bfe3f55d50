"""Zeroth-order Frank-Wolfe: rates by hand, steps by their closed forms, and the gaps that the method reaches on a known problem."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from acquisitions.domain.convex import ConvexSet, L1Ball, L2Ball, NuclearBall, Spectrahedron, StandardSimplex
from bbo.zeroth_order import coordinate_directions, coordinate_forward, forward_points, gaussian, gaussian_directions
from bbo.zeroth_order.frank_wolfe import Iterate, Rates, advance, rates

Array = NDArray[np.float64]
D = 10
TARGET = np.array([2.0, 0.5, *[0.0] * (D - 2)])
BALL = L1Ball(1, shape=D)
LEAST = 0.625  # of the distance function on the ball, at the first unit vector


def distance(x: Array) -> Array:
    return np.asarray(0.5 * ((x - TARGET) ** 2).sum(axis=-1))


def run(estimator: str, steps: int, m: int = 1, seed: int = 0) -> list[Iterate]:
    """The method from the centre of the ball, put together of formulas alone."""
    rng, iterate, path = np.random.default_rng(seed), Iterate.at(np.zeros(D)), []
    for t in range(steps):
        at = rates(estimator, t, d=D, m=m)  # type: ignore[arg-type]
        u = coordinate_directions(D) if estimator == "kwsa" else gaussian_directions(m, D, rng)
        estimate = coordinate_forward if estimator == "kwsa" else gaussian
        g = estimate(float(distance(iterate.x)), distance(forward_points(iterate.x, u, at.c)), u, at.c)
        iterate = advance(iterate, g, BALL.lmo, at)
        path.append(iterate)
    return path


def test_rates_are_those_of_the_table() -> None:
    assert rates("kwsa", 0, d=4) == Rates(rho=1.0, c=0.5, gamma=0.25)
    later = rates("kwsa", 19, d=4)
    assert (later.rho, later.c, later.gamma) == pytest.approx((4 / 9, 1 / 3, 2 / 27), rel=1e-14)
    late = rates("rdsa", 19, d=8)
    assert (late.rho, late.c, late.gamma) == pytest.approx((4 / (2 * 9), 2 / (8**1.5 * 3), 2 / 27), rel=1e-14)
    improved = rates("i_rdsa", 0, d=7, m=1)
    assert (improved.rho, improved.c) == pytest.approx((0.5, 1 / 7**1.5), rel=1e-14)
    assert rates("i_rdsa", 56, d=9, m=4).c == pytest.approx(2 * 2 / (27 * 4), rel=1e-14)
    with pytest.raises(ValueError, match="estimator is 'spsa'"):
        rates("spsa", 0, d=4)  # type: ignore[arg-type]


def test_the_first_average_of_kwsa_is_the_first_estimate() -> None:
    g = np.array([1.0, -3.0, 2.0])
    first = advance(Iterate.at(np.zeros(3)), g, L1Ball(1).lmo, rates("kwsa", 0, d=3))
    np.testing.assert_array_equal(first.average, g)
    np.testing.assert_array_equal(first.x, [0, 0.25, 0])
    assert (first.weight, first.gap) == (1.0, 3.0)


def test_the_gap_of_equal_estimates_is_that_of_one() -> None:
    """While the average still leans towards the zero it began with, too."""
    g, iterate = np.array([1.0, -3.0, 2.0]), Iterate.at(np.zeros(3))
    for t in range(5):
        x = iterate.x
        iterate = advance(iterate, g, L1Ball(1).lmo, rates("rdsa", t, d=3))
        assert iterate.weight < 1
        np.testing.assert_allclose(iterate.average, iterate.weight * g, rtol=1e-14)
        assert iterate.gap == pytest.approx(g @ x + 3, rel=1e-14)


@pytest.mark.parametrize("convex", [L1Ball(2, shape=6), L2Ball(1, shape=6), StandardSimplex(1, shape=6)])
def test_a_linear_function_draws_the_iterate_to_one_vertex(convex: ConvexSet) -> None:
    """x_t - v is (x_0 - v) times the product of 1 - gamma, which is 42 / ((t + 6) (t + 7))."""
    g = np.random.default_rng(0).standard_normal(6)
    vertex, iterate = convex.lmo(g), Iterate.at(convex.interior_point)
    away = iterate.x - vertex
    for t in range(200):
        np.testing.assert_allclose(iterate.x - vertex, away * 42 / ((t + 6) * (t + 7)), rtol=1e-9, atol=1e-15)
        iterate = advance(iterate, g, convex.lmo, rates("kwsa", t, d=6))


@pytest.mark.parametrize("convex", [BALL, L2Ball(0.7, shape=D), StandardSimplex(1, shape=D)])
def test_with_exact_gradients_the_gap_bounds_the_distance_to_the_minimum(convex: ConvexSet) -> None:
    rng = np.random.default_rng(1)
    root = rng.standard_normal((D, D))
    hessian = root @ root.T / D
    centre = rng.standard_normal(D)

    def value(x: Array) -> float:
        return float(0.5 * (x - centre) @ hessian @ (x - centre))

    def path(steps: int) -> list[tuple[float, float]]:
        iterate, found = Iterate.at(convex.interior_point), []
        for t in range(steps):
            before = iterate.x
            iterate = advance(iterate, hessian @ (before - centre), convex.lmo, Rates(1.0, 1.0, rates("kwsa", t, d=D).gamma))
            found.append((value(before), iterate.gap))
        return found

    found = path(3000)
    least = min(v for v, _ in found)
    assert all(gap >= v - least - 1e-12 for v, gap in found)
    assert min(gap for _, gap in found) < 2e-3  # so that `least` is the minimum up to that, and the bound is not an idle one


def test_kwsa_reaches_the_vertex_as_fast_as_its_steps_allow() -> None:
    """Every step goes to the right vertex, so that the gap is delta + delta^2 / 2 with delta the product of 1 - gamma."""
    path = run("kwsa", 1000)
    for steps in (100, 1000):
        delta = 42 / ((steps + 6) * (steps + 7))
        assert distance(path[steps - 1].x) - LEAST == pytest.approx(delta + delta**2 / 2, rel=1e-9)
    assert distance(path[99].x) - LEAST == pytest.approx(3.7e-3, rel=0.01)
    assert distance(path[999].x) - LEAST == pytest.approx(4.1e-5, rel=0.02)


def test_i_rdsa_comes_as_near_as_five_directions_let_it() -> None:
    """The mean of five runs; of four times five it was 7.2e-3 to 8.6e-3, and 8.0e-5 to 9.5e-5."""
    paths = [run("i_rdsa", 1000, m=5, seed=seed) for seed in range(5)]
    early, late = (np.mean([distance(path[t - 1].x) - LEAST for path in paths]) for t in (100, 1000))
    assert early == pytest.approx(7.2e-3, rel=0.2)
    assert late == pytest.approx(8.0e-5, rel=0.2)


@pytest.mark.parametrize(("estimator", "m"), [("kwsa", 1), ("rdsa", 1), ("i_rdsa", 6)])
def test_no_iterate_leaves_the_set(estimator: str, m: int) -> None:
    assert max(np.abs(iterate.x).sum() for iterate in run(estimator, 300, m)) <= 1 + 1e-12


@pytest.mark.parametrize("convex", [NuclearBall(1, shape=(3, 2)), Spectrahedron(1, shape=3)])
def test_steps_are_of_matrices_too(convex: ConvexSet) -> None:
    """Along one gradient from its own vertex: the iterate stays there, and has rank one as every vertex has."""
    g = np.random.default_rng(2).standard_normal(np.shape(convex.interior_point))

    def lmo(flat: Array) -> Array:
        return convex.lmo(flat.reshape(g.shape)).reshape(-1)

    iterate = Iterate.at(lmo(g.reshape(-1)))
    for t in range(5):
        iterate = advance(iterate, g.reshape(-1), lmo, rates("kwsa", t, d=g.size))
    assert np.linalg.matrix_rank(iterate.x.reshape(g.shape), tol=1e-10) == 1
