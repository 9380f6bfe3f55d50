"""Shapes: projections by their optimality conditions, oracles by enumeration, samples by their moments."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from acquisitions.domain import Box, EmptyDomain, Polytope, Shape, Simplex


def polytope(low: list, high: list, A: list = (), b: list = (), E: list = (), e: list = ()) -> Polytope:
    k = len(low)
    rows = [np.reshape(np.asarray(M, dtype=float), (-1, k)) for M in (A, E)]
    return Polytope(
        tuple(range(k)), rows[0], np.asarray(b, float), rows[1], np.asarray(e, float), np.asarray(low, float), np.asarray(high, float)
    )


BOX = Box((0, 1, 2), (0.0, -1.0, 0.0), (1.0, 3.0, 1.0), ((), (), (0.1, 0.5, 0.8)))
CONVEX: dict[str, Shape] = {
    "box": Box((0, 1), (0.0, -1.0), (1.0, 3.0), ((), ())),
    "simplex": Simplex((0, 1, 2, 3), total=2.0),
    "polytope": polytope([0, 0, 0], [1, 2, 3], A=[[1, 1, 1], [-1, 2, 0]], b=[2.5, 1]),
    "polytope with an equality": polytope([0, 0, 0], [1, 2, 3], A=[[1, -1, 0]], b=[0.1], E=[[1, 1, 1]], e=[2]),
    "polytope with a hidden equality": polytope([0, 0, 0], [1, 1, 1], A=[[1, 1, 0], [-1, -1, 0]], b=[1, -1]),
    "slab": polytope([-1] * 4, [1] * 4, A=[[1] * 4, [-1] * 4], b=[0.001, 0]),
    "polytope with a column that stands still": polytope([0, 0.3, 0], [1, 0.3, 1], A=[[1, 1, 1]], b=[1]),
    "polytope of unlike scales": polytope([0, 0], [1e6, 1e-3], A=[[1e-6, 1e3]], b=[1]),
}


@pytest.mark.parametrize("name", CONVEX)
def test_projection_is_nearest(name: str) -> None:
    """x is the projection of p onto a convex set if and only if <p - x, y - x> <= 0 for all y of the set."""
    shape, rng = CONVEX[name], np.random.default_rng(0)
    inside = shape.sample(300, rng)
    assert shape.contains(inside).all()
    spread = np.ptp(inside, axis=0) + 1e-3
    P = inside.mean(0) + 2 * spread * rng.standard_normal((50, inside.shape[1]))
    X = shape.project(P)
    assert shape.contains(X).all()
    scale = float(np.max(np.abs(P)) * np.max(np.abs(inside)))
    vertices = shape.lmo(rng.standard_normal((30, inside.shape[1])))
    assert shape.contains(vertices).all()
    for p, x in zip(P, X, strict=True):
        assert np.max((np.vstack([inside, vertices]) - x) @ (p - x)) <= 1e-8 * scale
    assert np.allclose(shape.project(inside), inside, atol=1e-9 * scale)


@pytest.mark.parametrize("name", CONVEX)
def test_oracle_beats_every_sample(name: str) -> None:
    shape, rng = CONVEX[name], np.random.default_rng(1)
    inside = shape.sample(300, rng)
    for g in rng.standard_normal((20, inside.shape[1])) / (np.ptp(inside, axis=0) + 1e-12):
        assert shape.lmo(g[None, :])[0] @ g <= np.min(inside @ g) + 1e-9 * np.abs(inside @ g).max()


RESTRICTED = {
    "few": Simplex((0, 1, 2, 3), max_nonzero=2),
    "least": Simplex((0, 1, 2, 3), min_share=0.3),
    "few and least": Simplex((0, 1, 2, 3), max_nonzero=3, min_share=0.2, total=2.0),
    "grid": Simplex((0, 1, 2, 3), step=0.25),
    "few on a grid": Simplex((0, 1, 2), step=0.1, max_nonzero=2, min_share=0.2),
}


@pytest.mark.parametrize("name", RESTRICTED)
def test_restricted_simplices_project_to_the_nearest_of_a_dense_set(name: str) -> None:
    shape, rng = RESTRICTED[name], np.random.default_rng(2)
    units = 20 if shape.step is None else shape.units
    dense = np.array([c for c in itertools.product(range(units + 1), repeat=shape.k) if sum(c) == units]) * (shape.total / units)
    dense = dense[shape.contains(dense)]
    assert len(dense) > 3
    for p in rng.normal(0.3, 0.5, (40, shape.k)):
        x = shape.project(p[None, :])[0]
        assert shape.contains(x[None, :])[0]
        assert np.sum((x - p) ** 2) <= np.min(np.sum((dense - p) ** 2, axis=1)) + 1e-12


@pytest.mark.parametrize("name", RESTRICTED)
def test_restricted_simplices_sample_inside(name: str) -> None:
    shape = RESTRICTED[name]
    X = shape.sample(500, np.random.default_rng(3))
    assert shape.contains(X).all()
    assert np.allclose(X.sum(axis=1), shape.total, atol=1e-14)
    assert np.ptp(X, axis=0).min() > 0.3


def test_compositions_are_uniform() -> None:
    """Each of the points of a grid simplex equally often; 6 standard errors (error probability below 1e-6)."""
    shape = Simplex((0, 1, 2), step=0.25, max_nonzero=2)
    count = shape.cardinality
    assert count == 3 + 3 * 3
    X = shape.sample(6000, np.random.default_rng(4))
    found, times = np.unique(X, axis=0, return_counts=True)
    assert len(found) == count
    assert np.all(np.abs(times - 6000 / count) < 6 * math.sqrt(6000 / count))


def test_simplex_moments() -> None:
    X = Simplex((0, 1, 2), total=2.0).sample(6000, np.random.default_rng(5))
    assert np.allclose(X.mean(0), 2 / 3, atol=6 * 2 * math.sqrt(1 / 18 / 6000))
    assert np.allclose((X**2).mean(0), 4 / 6, atol=6 * 4 * math.sqrt((1 / 15 - 1 / 36) / 6000))


def test_polytope_moments_of_a_triangle_in_three_dimensions() -> None:
    """Uniform on {x >= 0, x1 + x2 <= 1} x [0, 5]: mean 1/3, mean square 1/6."""
    X = polytope([0, 0, 0], [1, 1, 5], A=[[1, 1, 0]], b=[1]).sample(6000, np.random.default_rng(6))
    assert np.allclose(X[:, :2].mean(0), 1 / 3, atol=6 * math.sqrt(1 / 18 / 6000))
    assert abs(X[:, 2].mean() - 2.5) < 6 * 5 * math.sqrt(1 / 12 / 6000)


def test_box_with_levels() -> None:
    X = BOX.project(np.array([[2.0, -5.0, 0.31], [0.5, 0.5, 0.29]]))
    assert X.tolist() == [[1.0, -1.0, 0.5], [0.5, 0.5, 0.1]]
    assert BOX.lmo(np.array([[1.0, -1.0, 1.0], [-1.0, 1.0, -1.0]])).tolist() == [[0.0, 3.0, 0.1], [1.0, -1.0, 0.8]]
    assert BOX.contains(np.array([[0.5, 0.0, 0.1], [0.5, 0.0, 0.2], [1.5, 0.0, 0.1]])).tolist() == [True, False, False]
    assert set(BOX.sample(200, np.random.default_rng(0))[:, 2]) == {0.1, 0.5, 0.8}


def test_empty_polytopes() -> None:
    empty = polytope([0, 0], [1, 1], A=[[1, 1], [-1, -1]], b=[0.5, -0.6])
    with pytest.raises(EmptyDomain):
        empty.sample(1, np.random.default_rng(0))
    with pytest.raises(EmptyDomain):
        empty.lmo(np.ones((1, 2)))


def test_a_single_point() -> None:
    point = polytope([0, 0], [1, 1], E=[[1, 0], [0, 1]], e=[0.25, 0.5])
    assert np.allclose(point.sample(3, np.random.default_rng(0)), [0.25, 0.5])
    assert np.allclose(point.project(np.array([[9.0, 9.0]])), [0.25, 0.5])
