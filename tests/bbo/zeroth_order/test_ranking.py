"""Gradients from rankings: the weights are those of the graph, and the estimate has the symmetries of an order."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray

from bbo.zeroth_order import better_by_losses, dag_weights, gaussian_directions, known_better, ranking_gradient, told_better

Array = NDArray[np.float64]


def by_edges(better: NDArray[np.bool_], directions: Array, step: float) -> Array:
    """The estimate edge by edge, as it is defined."""
    edges = [(directions[j] - directions[i]) / step for i, j in itertools.product(range(len(better)), repeat=2) if better[i, j]]
    return np.mean(edges, axis=0)


@pytest.mark.parametrize(("m", "k"), [(m, k) for m in range(2, 12) for k in range(1, m + 1)])
def test_weights_of_the_k_best_of_m(m: int, k: int) -> None:
    order = np.random.default_rng(m).permutation(m)
    expected = np.full(m, k)
    for rank, point in enumerate(order[:k]):
        expected[point] = -(m - 1 - 2 * rank)
    if k == m:
        assert expected[order[-1]] == m - 1
    told = told_better(m, [[point] for point in order[:k]], order[k:])
    np.testing.assert_array_equal(dag_weights(told), expected)
    assert told.sum() == k * (k - 1) // 2 + k * (m - k)
    losses = np.empty(m)
    losses[order] = np.linspace(-3, 5, m)
    np.testing.assert_array_equal(better_by_losses(losses, k=k), told)


@pytest.mark.parametrize(
    ("tiers", "rest"),
    [([[2], [0, 3], [1], [4, 5]], []), ([[1, 2]], [0, 4]), ([[5], [3]], [0, 1, 2, 4]), ([[0, 1, 2], [3, 4, 5]], []), ([[4], [2]], [])],
)
def test_the_estimate_is_the_mean_over_edges(tiers: list[list[int]], rest: list[int]) -> None:
    better = told_better(6, tiers, rest)
    place = {point: number for number, tier in enumerate([*tiers, rest]) for point in tier}
    for i, j in itertools.product(range(6), repeat=2):
        assert better[i, j] == (i in place and j in place and place[i] < place[j])
    u = gaussian_directions(6, 4, np.random.default_rng(0))
    np.testing.assert_allclose(ranking_gradient(better, u, 0.3), by_edges(better, u, 0.3), rtol=0, atol=1e-14)
    assert dag_weights(better).sum() == 0


def test_a_reversed_ranking_turns_the_estimate_round() -> None:
    rng = np.random.default_rng(1)
    for m in range(2, 9):
        losses, u = rng.standard_normal(m), gaussian_directions(m, 5, rng)
        np.testing.assert_array_equal(
            ranking_gradient(better_by_losses(-losses), u, 0.1), -ranking_gradient(better_by_losses(losses), u, 0.1)
        )


def test_moving_all_directions_changes_nothing() -> None:
    rng = np.random.default_rng(2)
    u = np.round(64 * gaussian_directions(7, 3, rng)) / 64  # sums of these are exact
    better = better_by_losses(rng.standard_normal(7), k=3)
    np.testing.assert_array_equal(ranking_gradient(better, u + np.array([8.0, -4.0, 0.5]), 0.5), ranking_gradient(better, u, 0.5))


def test_only_the_order_of_losses_counts() -> None:
    losses = np.random.default_rng(3).uniform(0.5, 3, 9)
    losses[4] = losses[2]
    for k in (None, 3):
        for same in (np.exp(losses), -1 / losses):
            np.testing.assert_array_equal(better_by_losses(same, k=k), better_by_losses(losses, k=k))


def test_two_points_are_the_two_point_comparison() -> None:
    u = np.array([[1.0, -2.0], [0.5, 4.0]])
    for losses in ([0.0, 1.0], [1.0, 0.0]):
        sign = np.sign(losses[0] - losses[1])
        np.testing.assert_array_equal(ranking_gradient(better_by_losses(losses), u, 0.25), sign * (u[0] - u[1]) / 0.25)


@pytest.mark.parametrize("share", [1.0, 0.2])
def test_on_a_linear_function_it_is_parallel_to_the_gradient_as_m_grows(share: float) -> None:
    """The part across the gradient is a mean of order ``sqrt(d / m)``; with the seed fixed the cosines are what they are."""
    slope, rng = np.array([1.0, -2.0, 0.5, 0.0, 3.0]), np.random.default_rng(4)
    slope /= np.linalg.norm(slope)
    cosines = []
    for m in (10, 100, 1000):
        u = gaussian_directions(m, 5, rng)
        g = ranking_gradient(better_by_losses(u @ slope, k=int(share * m)), u, 1.0)
        cosines.append(float(g @ slope / np.linalg.norm(g)))
    assert cosines == sorted(cosines)
    assert cosines[-1] > 0.995


def test_on_a_linear_function_its_expectation_is_known() -> None:
    """With all m in order it is the mean of worse less better of two, along the gradient ``2 / sqrt(pi)`` and across it nothing.

    Means over 4,000 estimates are within 5 standard errors: 6e-7 for each of the four numbers.
    """
    slope, rng, n = np.array([0.6, 0.0, -0.8, 0.0]), np.random.default_rng(5), 4000
    found = np.array([ranking_gradient(better_by_losses(u @ slope), u, 1.0) for u in (gaussian_directions(4, 4, rng) for _ in range(n))])
    error = found.std(axis=0) / np.sqrt(n)
    assert (np.abs(found.mean(axis=0) - 2 / np.sqrt(np.pi) * slope) < 5 * error).all()


def test_failures_are_worst_and_the_unknown_is_in_no_order() -> None:
    better = better_by_losses([1.0, np.inf, np.nan, 0.0, np.inf])
    assert [list(map(int, np.flatnonzero(row))) for row in better] == [[1, 4], [], [], [0, 1, 4], []]
    np.testing.assert_array_equal(better_by_losses([0.0, 0.0, 1.0, 2.0], k=1), better_by_losses([0.0, 0.0, 1.0, 1.0]))


# -- several rankings ---------------------------------------------------------------------------------------------------------


def test_one_ranking_is_known_as_it_was_told() -> None:
    told = told_better(6, [[2], [0, 3], [1]], [5])
    np.testing.assert_array_equal(known_better([told]), told)


def test_pairs_told_one_by_one_are_the_whole_order() -> None:
    whole = told_better(5, [[3], [1], [4], [0], [2]])
    pairs = [told_better(5, [[a], [b]]) for a, b in itertools.pairwise([3, 1, 4, 0, 2])]
    for order in itertools.permutations(pairs):
        np.testing.assert_array_equal(known_better(order), whole)


def test_the_majority_counts_and_an_even_split_says_nothing() -> None:
    def judges(*orders: str) -> NDArray[np.bool_]:
        return known_better([told_better(4, [[int(c)] for c in order]) for order in orders])

    np.testing.assert_array_equal(judges("0123", "0123", "3210"), judges("0123"))
    split = judges("0123", "3012")  # where 3 belongs they do not agree, and the others stay in order
    np.testing.assert_array_equal(split, told_better(4, [[0], [1], [2]]))
    cycle = judges("0123", "1203", "2013")  # Condorcet: each of 0, 1, 2 beats another by two to one; all beat 3
    np.testing.assert_array_equal(cycle, told_better(4, [[0, 1, 2], [3]]))


def test_refuses_what_orders_nothing() -> None:
    with pytest.raises(ValueError, match="of 3 points no two are in order"):
        ranking_gradient(better_by_losses([1.0, 1.0, 1.0]), np.eye(3), 1.0)
