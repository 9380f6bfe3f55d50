"""Screening points, discrete neighbours, and regions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acquisitions import maximize
from acquisitions.domain import Box, Domain, Linear, Opaque, Simplex
from acquisitions.maximizer import MaximizerSettings
from acquisitions.maximizer.neighbours import neighbours
from acquisitions.maximizer.region import Region
from acquisitions.maximizer.screening import best_apart, latin_hypercube, perturb
from surrogates.columns import Column, Columns, Parent


def test_every_slice_of_a_latin_hypercube_holds_one_point():
    X = latin_hypercube(50, 4, np.random.default_rng(0))
    for column in X.T:
        assert np.array_equal(np.sort(np.floor(column * 50)), np.arange(50))


def test_perturbations_move_few_entries_in_many_dimensions_and_at_least_one():
    r = np.random.default_rng(0)
    few, many = perturb(np.full((2, 3), 0.5), 200, np.ones(3), r), perturb(np.full((2, 200), 0.5), 200, np.ones(200), r)
    assert np.all(np.any(few != 0.5, axis=1))
    assert 10 < np.mean(np.sum(many != 0.5, axis=1)) < 30


def test_starts_are_the_best_and_apart_as_long_as_there_are_such():
    X = np.array([[0.0], [0.001], [0.5], [0.501], [1.0], [0.2]])
    values = np.array([5.0, 4.9, 4.0, 3.9, 1.0, -np.inf])
    assert best_apart(X, values, 3, np.ones(1)).tolist() == [0, 2, 4]
    assert best_apart(X, values, 4, np.ones(1)).tolist() == [0, 1, 2, 4]
    assert best_apart(X, values, 9, np.ones(1)).tolist() == [0, 1, 2, 3, 4]


def test_neighbours_differ_in_one_column_and_reach_every_category():
    columns = Columns((Column("c", "categorical", (0.1, 0.5, 0.9)), Column("n", "integer", tuple(np.linspace(0, 1, 9))), Column("x")))
    box = Box((0, 1, 2), (0.0,) * 3, (1.0,) * 3, (columns[0].levels, columns[1].levels, ()))
    region = Region(Domain(columns, np.array([[0.0] * 3, [1.0] * 3]), (), (box,)), {})
    X = np.array([[0.5, 0.25, 0.3], [0.1, 1.0, 0.7]])
    near, owner = neighbours(region, X, np.random.default_rng(0))
    assert np.all(np.sum(near != X[owner], axis=1) == 1)
    assert set(near[(owner == 0) & (near[:, 0] != 0.5), 0]) == {0.1, 0.9}
    assert set(near[(owner == 0) & (near[:, 1] != 0.25), 1]) == {0.125, 0.375, 0.0, 0.5, 0.75}  # 1, 2 and 4 levels away
    fixed, _ = neighbours(Region(region.domain, {0: 0.5}), X[:1], np.random.default_rng(0))
    assert np.all(fixed[:, 0] == 0.5)


def test_steps_of_a_mixture_on_a_grid_stay_on_it():
    columns = Columns(tuple(Column(f"m{i}", group="m") for i in range(4)))
    domain = Domain(columns, np.array([[0.0] * 4, [1.0] * 4]), (), (Simplex((0, 1, 2, 3), step=0.1, min_share=0.2),))
    X = domain.sample(5, np.random.default_rng(0))
    near, owner = neighbours(Region(domain, {}), X, np.random.default_rng(0))
    assert len(near) and domain.contains(near).all()
    assert np.all(np.any(near != X[owner], axis=1))


def test_conditions_that_cannot_be_listed_hold_what_they_rest_on():
    columns = Columns((Column("t"), Column("u", parent=Parent((0,), None)), Column("v")))
    domain = Domain(columns, np.array([[0.0] * 3, [1.0] * 3]), (), (Box((0, 1, 2), (0.0,) * 3, (1.0,) * 3, ((),) * 3),))
    low, high = Region(domain, {}).moving(np.array([[0.7, 0.2, 0.1], [0.3, 0.5, 0.1]]))
    assert (low < high).tolist() == [[False, True, True], [False, False, True]]

    class Sum:
        def value(self, X):
            return X.sum(axis=1)

    pool = np.array([[0.7, 0.2, 0.1], [0.3, 0.5, 0.1]])
    found = maximize(Sum(), domain, rng=np.random.default_rng(0), pool=pool, settings=MaximizerSettings(perturbations=3))
    assert found.x[0] in pool[:, 0]
    assert "the pool alone" in found.path


def random_domain(r):
    """A tree with a mixture, levels, a linear and an opaque constraint, each perhaps."""
    levels = tuple(np.linspace(0.1, 0.9, int(r.integers(2, 5))))
    columns = [Column("a", "categorical", levels), Column("x"), Column("n", "integer", (0.0, 0.25, 0.5, 0.75, 1.0)), Column("z")]
    if r.random() < 0.7:
        columns[1] = Column("x", parent=Parent((0,), ((levels[0],),)))
    if r.random() < 0.5:
        columns[2] = Column("n", "integer", columns[2].levels, parent=Parent((0,), tuple((level,) for level in levels[1:])))
    k = int(r.integers(3, 6))
    columns += [Column(f"m{i}", group="m") for i in range(k)]
    d = len(columns)
    kind = [{}, {"max_nonzero": 2}, {"min_share": 0.15}, {"step": 0.1}][int(r.integers(4))]
    shapes = (Box((0, 1, 2, 3), (0.0,) * 4, (1.0,) * 4, (levels, (), columns[2].levels, ())), Simplex(tuple(range(4, d)), **kind))
    constraints = []
    if r.random() < 0.5:
        constraints.append(Linear(np.eye(d)[3] + np.eye(d)[4], -np.inf, 1.2))
    if r.random() < 0.3:
        constraints.append(Opaque(lambda X: X[:, 3] ** 2 + X[:, 4] < 1.1))
    return Domain(Columns(tuple(columns)), np.array([[0.0] * d, [1.0] * d]), tuple(constraints), shapes)


class Wave:
    """A smooth score of all entries, with a gradient or without."""

    def __init__(self, r, d):
        self.W, self.w = r.normal(size=(d, 3)), r.normal(size=3)

    def value(self, X):
        return np.sin(3 * X @ self.W) @ self.w


class Slope(Wave):
    def value_and_gradient(self, X):
        return self.value(X), 3 * (np.cos(3 * X @ self.W) * self.w) @ self.W.T


@settings(max_examples=30)
@given(st.integers(0, 2**31), st.booleans())
def test_no_answer_leaves_a_mixed_domain_and_each_is_as_good_as_what_was_screened(seed, climbs):
    r = np.random.default_rng(seed)
    domain = random_domain(r)
    acq = (Slope if climbs else Wave)(r, domain.d)
    seeds = domain.sample(3, r)
    found = maximize(acq, domain, rng=r, seeds=seeds, settings=MaximizerSettings(screened=80, starts=3, perturbations=2))
    assert domain.contains(found.optima).all()
    active = domain.columns.active(found.optima)
    assert np.all(active | (found.optima == 0.5))
    assert found.value >= max(acq.value(seeds).max(), acq.value(found.starts).max()) - 1e-12
    assert np.allclose(acq.value(found.optima), found.values, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("constraint", ["none", "inequality", "equality", "thin"])
def test_points_over_and_around_a_region_are_allowed_and_many(constraint):
    d, half = 5, np.full(5, 0.5)
    bounds = {"none": None, "inequality": (-np.inf, 2.0), "equality": (2.0, 2.0), "thin": (2.0, 2.001)}[constraint]
    box = Box(tuple(range(d)), (0.0,) * d, (1.0,) * d, ((),) * d)
    linear = () if bounds is None else (Linear(np.ones(d), *bounds),)
    domain = Domain(Columns(tuple(Column(f"x{i}") for i in range(d))), np.array([[0.0] * d, [1.0] * d]), linear, (box,))
    region, r = Region(domain, {}), np.random.default_rng(0)
    wide = region.wide(400, r)
    near = region.near(domain.project(half[None] - 0.1), 400, r)
    assert min(len(wide), len(near)) >= 100
    assert domain.contains(np.vstack([wide, near])).all()
    assert np.all(wide.std(axis=0) > 0.1)
    assert len(np.unique(near.round(9), axis=0)) > 50
