"""The best feasible mean, against a dense grid and the conditions of an optimum."""

import numpy as np
import pytest

from acquisitions import OutcomeConstraint, best_feasible_mean
from acquisitions.domain import Box, Domain, Linear
from surrogates.columns import Column, Columns


def square(*levels: tuple[float, ...], constraints=()) -> Domain:
    levels = levels or ((), ())
    columns = Columns(tuple(Column(f"x{j}", "integer" if each else "continuous", each) for j, each in enumerate(levels)))
    return Domain(columns, np.array([[0.0, 0.0], [1.0, 1.0]]), tuple(constraints), (Box((0, 1), (0.0, 0.0), (1.0, 1.0), levels),))


@pytest.fixture
def models(make_case):
    return make_case(3, n=25, d=2, seed=4).gps


@pytest.fixture
def grid():
    x = np.linspace(0, 1, 401)
    return np.stack(np.meshgrid(x, x), -1).reshape(-1, 2)


@pytest.mark.parametrize("margin", [0.0, 1.0])
def test_is_the_best_point_of_a_grid_whose_means_keep_all_bounds(models, grid, margin):
    gp, first, second = models
    constraints = (OutcomeConstraint(first, upper=0.1), OutcomeConstraint(second, -0.5, 0.6))

    def kept(X, slack=0.0):
        (m, v), (n, w) = first.predict(X), second.predict(X)
        within = [m + margin * np.sqrt(v) <= 0.1 + slack, n - margin * np.sqrt(w) >= -0.5 - slack, n + margin * np.sqrt(w) <= 0.6 + slack]
        return np.all(within, axis=0)

    found = max(
        (best_feasible_mean(gp, constraints, square(), start, margin=margin) for start in grid[:: len(grid) // 20]),
        key=lambda x: (kept(x[None], 1e-6)[0], gp.predict(x[None])[0][0]),
    )
    assert kept(found[None], 1e-6)[0]
    feasible = grid[kept(grid)]
    best = gp.predict(feasible)[0].max()
    assert best - 1e-6 <= gp.predict(found[None])[0][0] <= best + 0.02
    assert gp.predict(grid)[0].max() > best + 0.1  # what is constrained cuts the optimum off


def test_walks_along_bounds_where_the_start_breaks_them(models):
    gp, first, _ = models
    corner = OutcomeConstraint(first, upper=float(first.predict(np.array([[0.5, 0.5]]))[0][0]))
    x = best_feasible_mean(gp, [corner], square(), [0.1, 0.9])
    moments, bound = gp.at(x[None]), first.at(x[None])
    assert bound.mean[0] <= corner.upper + 1e-6
    free = (x > 1e-9) & (x < 1 - 1e-9)
    up, out = moments.pull(np.ones(1), None)[0][free], bound.pull(np.ones(1), None)[0][free]
    weight = max(up @ out / (out @ out), 0.0) if bound.mean[0] > corner.upper - 1e-6 else 0.0
    np.testing.assert_allclose(up, weight * out, atol=1e-3)  # Karush, Kuhn and Tucker's


def test_keeps_linear_constraints_fixed_columns_and_levels(models):
    gp, first, _ = models
    constraint = [OutcomeConstraint(first, upper=0.1)]
    start = np.array([0.25, 0.5])
    line = Linear(np.array([1.0, 1.0]), -np.inf, 0.75)
    x = best_feasible_mean(gp, constraint, square(constraints=[line]), start)
    assert x.sum() <= 0.75 + 1e-9 and not np.array_equal(x, start)
    assert best_feasible_mean(gp, constraint, square(), start, fixed={1: 0.3})[1] == 0.3
    stepped = square((0.25, 0.75), ())
    x = best_feasible_mean(gp, constraint, stepped, start)
    assert x[0] == 0.25 and x[1] != 0.5


def test_without_constraints_it_climbs_the_mean(models, grid):
    gp = models[0]
    best = grid[gp.predict(grid)[0].argmax()]
    np.testing.assert_allclose(best_feasible_mean(gp, (), square(), np.clip(best + 0.03, 0, 1)), best, atol=3e-3)
