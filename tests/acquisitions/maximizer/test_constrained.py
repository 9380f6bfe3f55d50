"""Maximization under constraints, in mixtures, mixed spaces and trees, with known optima; proposals never leave the domain."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acquisitions import maximize
from acquisitions.domain import Box, Domain, Linear, Opaque, Simplex
from acquisitions.maximizer import MaximizerSettings
from surrogates.columns import Column, Columns, Parent

SMALL = MaximizerSettings(screened=300, starts=5)


class Bowl:
    """``-sum w (x - c)^2`` with a gradient."""

    def __init__(self, centre, weight=1.0):
        self.centre, self.weight = np.asarray(centre, dtype=float), np.asarray(weight, dtype=float)

    def value(self, X):
        return -np.sum(self.weight * (X - self.centre) ** 2, axis=1)

    def value_and_gradient(self, X):
        return self.value(X), -2 * self.weight * (X - self.centre)


def cube(d, constraints=(), levels=None):
    levels = levels or {}
    columns = Columns(tuple(Column(f"x{i}", "categorical" if i in levels else "continuous", tuple(levels.get(i, ()))) for i in range(d)))
    box = Box(tuple(range(d)), (0.0,) * d, (1.0,) * d, tuple(tuple(levels.get(i, ())) for i in range(d)))
    return Domain(columns, np.array([[0.0] * d, [1.0] * d]), tuple(constraints), (box,))


def mixture(d, **kind):
    columns = Columns(tuple(Column(f"x{i}", group="mix") for i in range(d)))
    return Domain(columns, np.array([[0.0] * d, [1.0] * d]), (), (Simplex(tuple(range(d)), **kind),))


def rng(seed=3):
    return np.random.default_rng(seed)


def test_one_linear_inequality_binds():
    domain = cube(3, [Linear(np.ones(3), -np.inf, 1.0)])
    found = maximize(Bowl([0.7, 0.7, 0.4]), domain, rng=rng(), seeds=[[0.1, 0.1, 0.1]])
    assert np.abs(found.x - [0.7 - 0.8 / 3, 0.7 - 0.8 / 3, 0.4 - 0.8 / 3]).max() < 1e-6
    assert found.path.startswith("linear constraints: ")


def test_an_equality_and_a_range():
    domain = cube(3, [Linear(np.array([1.0, 1.0, 1.0]), 1.2, 1.2), Linear(np.array([1.0, -1.0, 0.0]), -0.1, 0.1)])
    found = maximize(Bowl([0.9, 0.1, 0.2]), domain, rng=rng())
    assert domain.contains(found.x[None])[0]
    assert np.abs(found.x - [0.55, 0.45, 0.2]).max() < 1e-6


def test_the_nearest_point_of_a_polytope_is_its_projection():
    r = rng(0)
    for _ in range(10):
        A = r.normal(size=(4, 5))
        domain = cube(5, [Linear(a, -np.inf, float(a @ np.full(5, 0.5)) + 0.1) for a in A])
        centre = r.uniform(-0.5, 1.5, size=5)
        found = maximize(Bowl(centre), domain, rng=r, settings=SMALL)
        assert np.abs(found.x - domain.project(centre[None])[0]).max() < 1e-6


def test_the_nearest_mixture_is_its_projection():
    r = rng(0)
    for _ in range(5):
        domain, centre = mixture(6), r.uniform(-0.5, 1.0, size=6)
        found = maximize(Bowl(centre), domain, rng=r, settings=SMALL)
        assert np.abs(found.x - domain.project(centre[None])[0]).max() < 1e-6


@pytest.mark.parametrize(
    "kind", [{"max_nonzero": 2}, {"min_share": 0.2}, {"step": 0.1}, {"max_nonzero": 3, "min_share": 0.15}, {"step": 0.05, "max_nonzero": 3}]
)
def test_restricted_mixtures(kind):
    domain, centre = mixture(5, **kind), np.array([0.45, -0.1, 0.33, 0.05, 0.24])
    found = maximize(Bowl(centre), domain, rng=rng(), settings=SMALL)
    assert domain.contains(found.x[None])[0]
    nearest = domain.project(centre[None])[0]
    assert found.value >= Bowl(centre).value(nearest[None])[0] - 1e-9


def test_a_mixed_box_finds_the_best_of_all_combinations():
    r = rng(1)
    levels = {1: (0.0, 0.25, 0.5, 0.75, 1.0), 2: (0.1, 0.9), 3: (0.0, 0.5, 1.0)}
    table = r.normal(size=(5, 2, 3))

    class Table(Bowl):
        def pay(self, X):
            at = [np.abs(np.asarray(levels[i])[None] - X[:, i, None]).argmin(1) for i in (1, 2, 3)]
            return table[tuple(at)]

        def value(self, X):
            return self.pay(X) - (X[:, 0] - 0.2 - 0.5 * X[:, 1]) ** 2

        def value_and_gradient(self, X):
            gradient = np.zeros_like(X)
            gradient[:, 0] = -2 * (X[:, 0] - 0.2 - 0.5 * X[:, 1])
            return self.value(X), gradient

    acq = Table([0.0])
    domain = cube(4, levels=levels)
    found = maximize(acq, domain, rng=r, settings=MaximizerSettings(screened=40, starts=4))
    best = max(float(table[i, j, k]) for i, j, k in itertools.product(range(5), range(2), range(3)))
    assert found.value == pytest.approx(best, abs=1e-9)
    assert domain.contains(found.x[None])[0]
    assert "discrete moves" in found.path


def test_linear_constraints_on_levels_and_numbers_together():
    domain = cube(3, [Linear(np.array([1.0, 1.0, 1.0]), -np.inf, 1.5)], levels={2: (0.0, 0.5, 1.0)})
    found = maximize(Bowl([0.8, 0.8, 1.0], [1.0, 1.0, 0.1]), domain, rng=rng())
    # with x2 = 0: no loss on x0, x1 but 0.05 over the limit each; with 0.5 0.3 each
    values = {level: -2 * max(0.0, (1.6 + level - 1.5) / 2) ** 2 - 0.1 * (1 - level) ** 2 for level in (0.0, 0.5, 1.0)}
    assert found.value == pytest.approx(max(values.values()), abs=1e-8)
    assert domain.contains(found.x[None])[0]


TREE = Domain(
    Columns(
        (
            Column("kernel", "categorical", (0.25, 0.75)),
            Column("degree", "continuous", parent=Parent((0,), ((0.75,),))),
            Column("gamma", "continuous", parent=Parent((0,), ((0.25,),))),
            Column("C"),
        )
    ),
    np.array([[0.0] * 4, [1.0] * 4]),
    (),
    (Box((0, 1, 2, 3), (0.0,) * 4, (1.0,) * 4, ((0.25, 0.75), (), (), ())),),
)


@pytest.mark.parametrize("bonus", [-1.0, 1.0])
def test_a_tree_finds_the_better_branch_and_leaves_the_other_alone(bonus):
    class Branches:
        def value(self, X):
            return self.value_and_gradient(X)[0]

        def value_and_gradient(self, X):
            poly = X[:, 0] > 0.5
            inner = np.where(poly, X[:, 1] - 0.2, X[:, 2] - 0.9)
            gradient = np.zeros_like(X)
            gradient[:, 1], gradient[:, 2], gradient[:, 3] = (
                np.where(poly, -2 * inner, 5.0),
                np.where(poly, 5.0, -2 * inner),
                -2 * (X[:, 3] - 0.3),
            )
            return bonus * poly - inner**2 - (X[:, 3] - 0.3) ** 2, gradient

    found = maximize(Branches(), TREE, rng=rng(), settings=SMALL)
    expected = [0.75, 0.2, 0.5, 0.3] if bonus > 0 else [0.25, 0.5, 0.9, 0.3]
    assert np.abs(found.x - expected).max() < 1e-6
    assert found.path.startswith("tree: ")


def test_an_opaque_constraint_holds():
    domain = cube(2, [Opaque(lambda X: np.sum((X - 0.5) ** 2, axis=1) <= 0.04, "disc")])
    found = maximize(Bowl([0.9, 0.9]), domain, rng=rng())
    assert domain.contains(found.x[None])[0]
    assert found.value > -2 * (0.4 - 0.2 / np.sqrt(2)) ** 2 - 0.02


@settings(max_examples=25)
@given(st.integers(0, 2**31), st.integers(2, 6), st.integers(0, 3), st.booleans(), st.booleans())
def test_no_answer_leaves_the_domain(seed, d, k, equal, mixed):
    r = np.random.default_rng(seed)
    rows = r.normal(size=(k, d))
    inside = r.uniform(0.2, 0.8, size=d)
    levels = {0: (0.0, 0.3, 1.0)} if mixed else {}
    if mixed:
        inside[0] = 0.3
        rows[: 1 if equal else 0, 0] = 0.0
    sides = [
        Linear(a, float(a @ inside) if equal and i == 0 else -np.inf, float(a @ inside) + (0.0 if equal and i == 0 else 0.05))
        for i, a in enumerate(rows)
    ]
    domain = cube(d, sides, levels)
    acq = Bowl(r.uniform(-1, 2, size=d), 10.0 ** r.uniform(-3, 3, size=d))
    found = maximize(acq, domain, rng=r, seeds=inside[None], settings=MaximizerSettings(screened=60, starts=4))
    assert domain.contains(found.optima).all()
    assert found.value >= acq.value(inside[None])[0]
