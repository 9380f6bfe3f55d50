"""Fronts and nets against brute force, and what the pruners rest on: one objective's order, no scale, no arrival order."""

from __future__ import annotations

import statistics
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from bbo.pruners.fronts import ahead, among_best, fronts, spread

Array = NDArray[np.float64]

COARSE = st.integers(-3, 3).map(float)
"""Few values, so that rows tie and repeat."""

RESCALINGS: dict[str, Callable[[Array], Array]] = {
    "stretched": lambda v: 1e6 * v + 7,
    "exponential": np.exp,
    "cubic": lambda v: v**3,
    "an outlier": lambda v: np.where(v == v.max(), 1e12, v),
}


def tables(columns: st.SearchStrategy[int], max_rows: int = 12) -> st.SearchStrategy[Array]:
    return columns.flatmap(lambda m: st.lists(st.lists(COARSE, min_size=m, max_size=m), min_size=1, max_size=max_rows).map(np.array))


def dominates(a: Array, b: Array) -> bool:
    return bool((a <= b).all() and (a < b).any())


def depth(losses: Array, i: int) -> int:
    """Length of the longest chain of rows that dominate each other and row i: its front."""
    return max((1 + depth(losses, j) for j in range(len(losses)) if dominates(losses[j], losses[i])), default=0)


def chosen(losses: Array, places: int) -> list[int]:
    return [i for i in range(len(losses)) if among_best(losses, i, places)]


@given(tables(st.integers(1, 4), max_rows=8))
def test_a_front_is_the_length_of_the_longest_chain_of_dominance(losses: Array) -> None:
    found = [rows.tolist() for rows in fronts(losses)]
    depths = [depth(losses, i) for i in range(len(losses))]
    assert found == [[i for i, d in enumerate(depths) if d == k] for k in range(max(depths) + 1)]


def test_fronts_by_hand() -> None:
    losses = np.array([[2, 2], [0, 3], [3, 0], [1, 1], [1, 1], [3, 3]], dtype=float)
    assert [rows.tolist() for rows in fronts(losses)] == [[1, 2, 3, 4], [0], [5]]
    assert [rows.tolist() for rows in fronts(np.empty((0, 2)))] == []


@given(tables(st.integers(1, 3), max_rows=8))
def test_ahead_counts_the_better_fronts(losses: Array) -> None:
    own, others = losses[: len(losses) // 3 + 1], losses[len(losses) // 3 + 1 :]
    front = min(max((1 + depth(others, j) for j in range(len(others)) if dominates(others[j], row)), default=0) for row in own)
    assert ahead(own, others) == sum(depth(others, j) < front for j in range(len(others)))


@given(st.lists(COARSE, min_size=1, max_size=15), st.integers(1, 15))
def test_with_one_objective_the_best_are_those_with_fewer_better_ones_than_places(values: list[float], places: int) -> None:
    column = np.array(values)[:, None]
    assert chosen(column, places) == [i for i, v in enumerate(values) if sum(w < v for w in values) < places]


@given(st.lists(COARSE, min_size=1, max_size=4), st.lists(COARSE, min_size=1, max_size=15))
def test_with_one_objective_behind_most_is_worse_than_the_median(own: list[float], values: list[float]) -> None:
    """But with exactly half of them ahead: then the best value lies between the two middle ones, and the rank is the median rank."""
    count = ahead(np.array(own)[:, None], np.array(values)[:, None])
    assert count == sum(value < min(own) for value in values)
    if 2 * count != len(values):
        assert (2 * count > len(values)) == (min(own) > statistics.median(values))


@given(tables(st.integers(1, 4)), st.integers(1, 12))
def test_who_is_among_the_best(losses: Array, places: int) -> None:
    best = chosen(losses, places)
    first = next(fronts(losses)).tolist()
    assert set(first) <= set(best)
    for i in best:
        for j in range(len(losses)):
            if dominates(losses[j], losses[i]) or (losses[j] == losses[i]).all():
                assert j in best
    distinct = len(np.unique(losses, axis=0)) == len(losses)
    if distinct:  # else equal rows may be more than the places
        assert len(best) == max(len(first), min(places, len(losses)))


@given(tables(st.integers(2, 3)), st.integers(1, 12), st.randoms(use_true_random=False))
def test_neither_scales_nor_the_order_of_arrival_matter(losses: Array, places: int, random: object) -> None:
    best = chosen(losses, places)
    for rescale in RESCALINGS.values():
        scaled = losses.copy()
        scaled[:, -1] = rescale(losses[:, -1])
        assert chosen(scaled, places) == best
        assert ahead(scaled[:2], scaled[2:]) == ahead(losses[:2], losses[2:])
    order = list(range(len(losses)))
    random.shuffle(order)  # type: ignore[attr-defined]
    assert sorted(order[i] for i in chosen(losses[order], places)) == best


def test_the_net_by_hand() -> None:
    line = np.array([[0, 8], [1, 7], [2, 6], [4, 4], [8, 0]])
    assert spread(line) == [0, 4, 3, 2, 1]  # sums are equal, so the least first entry begins; then ends before middles
    bent = np.array([[0, 9], [2, 3], [9, 0]])
    assert spread(bent) == [1, 2, 0]  # the least sum first; then what is farthest from it, (9, 0)


@given(tables(st.just(2)))
def test_every_beginning_of_the_net_covers_within_twice_the_best_radius(losses: Array) -> None:
    """What farthest-first traversal is known for: no choice of k points has half its radius (Gonzalez, 1985)."""
    points = np.unique(losses, axis=0).astype(int)
    order = spread(points)
    assert sorted(order) == list(range(len(points)))
    distances = np.sqrt(((points[:, None] - points[None]) ** 2).sum(axis=2))
    for k in range(1, len(points)):
        radius = distances[:, order[:k]].min(axis=1).max()
        closest = min(distances[a, b] for a in order[: k + 1] for b in order[: k + 1] if a != b)
        assert closest >= radius - 1e-9  # k + 1 points at least a radius apart: two of them share a centre, at half of it or more


def test_of_the_front_that_is_cut_those_that_spread_best_stay() -> None:
    better = [[0.0, 0.0]]
    cut = [[1.0, 1e9], [2.0, 9.0], [3.0, 8.0], [4.0, 7.0], [5.0, 1.0]]
    losses = np.array(better + cut)
    assert [chosen(losses, places) for places in (1, 2, 3)] == [[0], [0, 1], [0, 1, 5]]
    assert chosen(losses, 4) == [0, 1, 3, 5]  # between the two ends by rank, however far off one of them is
    assert chosen(losses, 6) == [0, 1, 2, 3, 4, 5]


def test_equal_rows_take_a_place_each() -> None:
    losses = np.array([[0, 0], [1, 9], [1, 9], [9, 1]], dtype=float)
    assert [chosen(losses, places) for places in (1, 2, 3, 4)] == [[0], [0, 1, 2], [0, 1, 2], [0, 1, 2, 3]]


def test_a_row_that_is_not_there() -> None:
    with pytest.raises(IndexError, match="row 2 of 1"):
        among_best(np.zeros((1, 2)), 2, 5)
