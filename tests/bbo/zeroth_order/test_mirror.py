"""Mirror maps: gradients of their functions, inverses of each other, and what happens at the edge."""

from __future__ import annotations

import numpy as np

from bbo.zeroth_order.mirror import box_from_dual, box_to_dual, simplex_from_dual, simplex_to_dual

RNG = np.random.default_rng(0)
U = RNG.uniform(0.01, 0.99, size=(20, 3))
X = 5 * RNG.dirichlet(np.ones(4), size=20)


def test_the_box_map_is_the_gradient_of_the_barrier() -> None:
    def phi(u: object) -> np.ndarray:
        return -(np.log(u) + np.log(1 - np.asarray(u))) / 8

    h = 1e-6
    np.testing.assert_allclose(box_to_dual(U), (phi(U + h) - phi(U - h)) / (2 * h), rtol=1e-5, atol=1e-8)


def test_the_simplex_map_is_the_gradient_of_the_entropy_along_the_simplex() -> None:
    def phi(x: np.ndarray) -> np.ndarray:
        return np.asarray(5 / 4 * (x * np.log(x)).sum(-1))

    h, direction = 1e-6, RNG.normal(size=X.shape)
    direction -= direction.mean(axis=1, keepdims=True)
    slope = (phi(X + h * direction) - phi(X - h * direction)) / (2 * h)
    np.testing.assert_allclose((simplex_to_dual(X, 5.0) * direction).sum(1), slope, rtol=1e-5, atol=1e-7)


def test_there_and_back() -> None:
    np.testing.assert_allclose(box_from_dual(box_to_dual(U)), U, rtol=1e-13)
    np.testing.assert_allclose(simplex_from_dual(simplex_to_dual(X, 5.0), 5.0), X, rtol=1e-13)
    dual = RNG.normal(size=(20, 3)) * 10
    np.testing.assert_allclose(box_to_dual(box_from_dual(dual)), dual, rtol=1e-10)


def test_in_the_middle_a_step_of_the_dual_is_one_of_the_point() -> None:
    h = 1e-6 * np.array([[1.0, -2.0, 3.0, -2.0]])
    np.testing.assert_allclose(box_from_dual(h), 0.5 + h, rtol=0, atol=1e-11)
    middle = simplex_to_dual(np.full((1, 4), 1.25), 5.0)
    np.testing.assert_allclose(simplex_from_dual(middle + h, 5.0), 1.25 + h, rtol=0, atol=1e-11)


def test_any_dual_is_a_point_of_the_set() -> None:
    dual = np.array([[1e300, -1e300, 0.0], [-745.0, 800.0, 1e-300], [0.0, 0.0, 0.0]])
    u = box_from_dual(dual)
    assert np.all((u >= 0) & (u <= 1))
    np.testing.assert_array_equal(u[2], 0.5)  # where the textbook form divides zero by zero
    x = simplex_from_dual(dual, 2.0)
    assert np.all(x >= 0)
    np.testing.assert_allclose(x.sum(1), 2.0, rtol=1e-15)
    np.testing.assert_array_equal(x[0], [2.0, 0.0, 0.0])


def test_the_edge_itself_has_a_finite_dual_and_a_constant_changes_no_share() -> None:
    edges = np.array([[0.0, 1.0, 0.5]])
    np.testing.assert_allclose(box_from_dual(box_to_dual(edges)), edges, rtol=0, atol=1.1e-6)
    np.testing.assert_allclose(simplex_from_dual(simplex_to_dual([[0.0, 5.0]], 5.0) + 7.0, 5.0), [[0.0, 5.0]], rtol=0, atol=1e-11)
