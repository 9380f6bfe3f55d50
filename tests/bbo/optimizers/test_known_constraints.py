"""Known constraints of CMA-ES: what is drawn again, and what comes of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import bbo
from bbo.optimizers.known_constraints import begin_within, hardly_any, keeping, redrawn


def ran(space: bbo.Space, f: Any, n: int, seed: int = 0) -> bbo.Study:
    study = bbo.Study(space, "minimize", optimizer="cma_es", seed=seed)
    while len(study.trials) < n:
        trials = study.ask(1000)
        study.tell(trials, [f(trial) for trial in trials])
    assert all(space.contains(trial.params) for trial in study.trials)
    return study


def test_what_keeps_the_constraints_stays_and_the_rest_is_drawn_again() -> None:
    points = np.array([[0.1, 0.2], [0.9, 0.9], [0.3, 0.3]])
    fresh = iter([[0.8, 0.8], [0.7, 0.9], [0.2, 0.6]])
    found = redrawn(points, lambda n: np.array([next(fresh) for _ in range(n)]), lambda X: X.sum(axis=1) <= 1, np.zeros(2))
    np.testing.assert_array_equal(found, [[0.1, 0.2], [0.2, 0.6], [0.3, 0.3]])
    assert next(fresh, None) is None


def test_what_goes_on_failing_is_moved_towards_the_anchor() -> None:
    far = np.array([[0.8, 0.8]])
    by_halves = redrawn(far, lambda n: far, lambda X: X.sum(axis=1) <= 0.5, np.zeros(2))
    np.testing.assert_array_equal(by_halves, [[0.2, 0.2]])
    nowhere = redrawn(far, lambda n: far, lambda X: (X == 0.25).all(axis=1), np.full(2, 0.25))
    np.testing.assert_array_equal(nowhere, [[0.25, 0.25]])


def test_begins_where_it_is_told_or_at_a_random_point_that_keeps_the_constraints() -> None:
    rng = np.random.default_rng(0)
    space = bbo.Space({"x": bbo.Float(0, 1), "y": bbo.Float(0, 1)}, constraints=["x + y <= 0.5"])
    inside = np.array([0.1, 0.2])
    np.testing.assert_array_equal(begin_within(inside, lambda X: keeping(space, X), rng), inside)
    found = begin_within(np.array([0.5, 0.5]), lambda X: keeping(space, X), rng)
    assert found is not None
    assert found.sum() <= 0.5
    assert begin_within(inside, lambda X: np.zeros(len(X), dtype=bool), rng) is None


def test_where_hardly_any_point_keeps_them_it_refuses() -> None:
    assert hardly_any(bbo.Space({"x": bbo.Float(0, 1), "y": bbo.Float(0, 1)})) is None
    thin = bbo.Space({"x": bbo.Float(0, 1), "y": bbo.Float(0, 1)}, constraints=["x + y <= 0.01"])
    assert "hardly any keeps 'x + y <= 0.01'" in str(hardly_any(thin))
    with pytest.raises(bbo.Unsupported, match="hardly any"):
        bbo.Study(thin, optimizer="cma_es", seed=0)


@pytest.mark.parametrize("seed", range(3))
def test_converges_on_an_oblique_constraint(seed: int) -> None:
    """The nearest point to (1, 0.8) with x + y <= 1 is (0.6, 0.4), whose squared distance is 0.32."""
    space = bbo.Space({"x": bbo.Float(0, 1), "y": bbo.Float(0, 1)}, constraints=["x + y <= 1"])
    study = ran(space, lambda t: (t["x"] - 1) ** 2 + (t["y"] - 0.8) ** 2, 400, seed)
    assert study.best_value == pytest.approx(0.32, abs=1e-6)


def test_converges_where_a_sphere_and_a_plane_meet_and_integers_count() -> None:
    space = bbo.Space(
        {"x": bbo.Float(-2, 2), "y": bbo.Float(-2, 2), "i": bbo.Int(0, 9)},
        constraints=[lambda p: p["x"] ** 2 + p["y"] ** 2 <= 1, "i >= 3", "x + i <= 9.5"],
    )
    study = ran(space, lambda t: (t["x"] - 1) ** 2 + (t["y"] - 1) ** 2 + 0.1 * (t["i"] - 2) ** 2, 700)
    assert study.best_params["i"] == 3
    assert study.best_value == pytest.approx(2 * (1 - 0.5**0.5) ** 2 + 0.1, abs=1e-3)
