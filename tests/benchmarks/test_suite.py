"""The benchmark problems: their best values, their spaces, what is sealed."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

from bbo.hypervolume import hypervolume
from bbo.problems import fronts, functions
from benchmarks.peers.spec import Spec, latin_hypercube
from benchmarks.suite import QUICK, bbob, engineering, suite
from benchmarks.suite.boxes import embedded, moved
from benchmarks.suite.scoring import progress, regret

VISIBLE = suite("visible")
SEALED = suite("sealed", sealed=True)
CONSTRAINED = suite("constrained")


def test_the_suites_are_large_enough_and_disjoint() -> None:
    names = [case.name for case in VISIBLE + SEALED]
    assert len({*names, *(case.name for case in CONSTRAINED)}) == len(names) + 15
    assert len(VISIBLE) >= 24
    assert 3 * len(SEALED) >= len(names)
    assert {case.name for case in suite("quick")} == set(QUICK)
    tags = {tag for case in VISIBLE for tag in case.tags}
    assert tags >= {"bbob", "synthetic", "noisy", "many dimensions", "mixed", "tree", "trained", "constrained", "several objectives"}
    assert {30, 100, 200} <= {case.d for case in VISIBLE}


def test_sealed_cases_need_the_word() -> None:
    with pytest.raises(PermissionError, match="--sealed"):
        suite("sealed")


@pytest.mark.parametrize("case", VISIBLE + SEALED + CONSTRAINED, ids=lambda case: case.name)
def test_initial_designs_are_legal_and_equal_for_equal_seeds(case) -> None:
    points = case.initial(3)
    assert points == case.initial(3) != case.initial(4)
    assert len(points) == case.n_initial < case.budget
    assert all(case.space.contains(point) for point in points)
    assert Spec.from_json(case.spec.to_json()) == case.spec


@pytest.mark.parametrize("case", [case for case in VISIBLE + SEALED if "trained" not in case.tags], ids=lambda case: case.name)
def test_no_random_point_is_better_than_the_best_known(case) -> None:
    n = 300 if len(case.objectives) == 1 else 80  # hypervolumes of many points take long
    true = [case.evaluate(point) for point in latin_hypercube(case.spec, n, np.random.default_rng(0))]
    found = [regret(case, value) for value in progress(case, true, true)]
    assert found[-1] > 0
    assert all(later <= earlier + 1e-9 for earlier, later in pairwise(found))


@pytest.mark.parametrize("number", [3, 6, 8, 10, 11, 13, 15, 17, 18, 21, 22])
def test_bbob_functions_are_least_at_their_optimum(number) -> None:
    f, optimum = bbob.instance(number, 5, 3)
    assert f(optimum) == pytest.approx(0, abs=1e-12)
    rng = np.random.default_rng(0)
    assert min(f(x) for x in rng.uniform(-5, 5, (200, 5))) > 0
    assert min(f(optimum + 1e-3 * step) for step in rng.standard_normal((50, 5))) > 0


@pytest.mark.parametrize(
    ("function", "optimum", "least"),
    [
        (functions.branin, [math.pi, 2.275], 0.39788735772973816),
        (functions.goldstein_price, [0, -1], 3.0),
        (functions.hartmann6, [0.20168951, 0.15001069, 0.47687398, 0.27533243, 0.31165162, 0.65730053], -3.322368011415514),
        (functions.levy, [1, 1, 1], 0.0),
        (functions.ackley, [0, 0], 0.0),
        (functions.rastrigin, [0, 0], 0.0),
        (functions.rosenbrock, [1, 1, 1], 0.0),
        (functions.styblinski_tang, [functions.STYBLINSKI_TANG_ROOT] * 4, 0.0),
    ],
)
def test_least_values(function, optimum, least) -> None:
    assert function(np.array(optimum, dtype=float)) == pytest.approx(least, abs=1e-10)


def test_a_moved_function_keeps_its_least_value() -> None:
    f = moved(functions.levy, np.ones(3), 10.0, seed=5, rotated=True)
    place = np.random.default_rng(5).uniform(-0.8, 0.8, 3)
    assert f(place) == pytest.approx(0, abs=1e-20)
    assert f(place + 0.1) > 0.1


def test_an_embedded_function_knows_only_its_own_coordinates() -> None:
    f = embedded(functions.levy, np.full(2, -10.0), np.full(2, 10.0), 30, seed=2)
    x = np.random.default_rng(0).random(30)
    changes = [f(np.where(np.arange(30) == i, 0.5 * x, x)) != f(x) for i in range(30)]
    assert sum(changes) == 2


@pytest.mark.parametrize(
    ("problem", "params", "objective", "value"),
    [
        (engineering.welded_beam, {"h": 0.20573, "l": 3.470489, "t": 9.036624, "b": 0.20573}, "cost", 1.724852),
        (engineering.pressure_vessel, {"shell": 13, "head": 7, "radius": 42.0984456, "length": 176.6365958}, "cost", 6059.714335),
        (engineering.tension_spring, {"wire": 0.05168907, "coil": 0.35671788, "turns": 11.28895752}, "weight", 0.0126652),
        (
            engineering.speed_reducer,
            {"x1": 3.5, "x2": 0.7, "x3": 17, "x4": 7.3, "x5": 7.71532, "x6": 3.350215, "x7": 5.286654},
            "weight",
            2994.47107,
        ),
        (engineering.himmelblau, {"x1": 78, "x2": 33, "x3": 29.99525603, "x4": 45, "x5": 36.77581291}, "value", -30665.538672),
        (engineering.three_bar_truss, {"outer": 0.7886747, "middle": 0.4082495}, "volume", 263.8958425),
    ],
)
def test_designs_of_the_literature_are_feasible_and_cost_what_it_says(problem, params, objective, value) -> None:
    outcomes = problem(params)
    assert outcomes[objective] == pytest.approx(value, rel=1e-5)
    scale = {"g_shear": 13600, "g_bending": 30000, "g_volume": 1296000, "g_buckling": 6000}
    assert all(g <= 1e-4 * scale.get(name, 1) for name, g in outcomes.items() if name.startswith("g"))


def test_fronts() -> None:
    assert fronts.zdt1_of(np.array([0.25, 0, 0])) == pytest.approx((0.25, 0.5))
    rng = np.random.default_rng(0)
    for x in rng.random((20, 5)):
        x[2:] = 0.5
        assert np.linalg.norm(fronts.dtlz2_of(x, 3)) == pytest.approx(1)
    grid = np.linspace(0, 1, 2001)
    assert hypervolume([fronts.zdt1_of(np.array([a, 0.0])) for a in grid], (1.1, 6.0)) == pytest.approx(6.6 - 1 / 3, abs=1e-3)


def test_hypervolume_is_the_share_of_a_box_that_points_dominate() -> None:
    assert hypervolume([], (1, 1)) == 0
    assert hypervolume([[2, 0]], (1, 1)) == 0
    assert hypervolume([[0, 0.5], [0.5, 0], [0.6, 0.6]], (1, 1)) == pytest.approx(0.75)
    points = np.random.default_rng(1).random((12, 3))
    draws = np.random.default_rng(2).random((20_000, 3))
    share = (draws[:, None] >= points).all(axis=2).any(axis=1).mean()
    assert hypervolume(points, (1, 1, 1)) == pytest.approx(share, abs=0.015)  # four standard errors


def test_noise_is_paired_and_not_scored() -> None:
    (case,) = suite("hartmann6_noisy")
    point = case.initial(0)[0]
    true = case.evaluate(point)
    told = case.observe(true, 0, 5)
    assert told == case.observe(true, 0, 5)
    assert told["value"] not in (true["value"], case.observe(true, 0, 6)["value"])
    assert progress(case, [true], [told]) == [true["value"]]


def test_a_run_without_a_feasible_point_counts_the_fallback() -> None:
    (case,) = suite("welded_beam")
    bad = case.evaluate({"h": 0.2, "l": 0.1, "t": 0.1, "b": 0.1})
    good = case.evaluate({"h": 0.3, "l": 5.0, "t": 9.0, "b": 0.4})
    assert progress(case, [bad, good, bad], [bad, good, bad]) == [case.fallback, good["cost"], good["cost"]]
