"""Where particles of `cbo` may be: they never leave it, and find minima on its boundary that are known in closed form."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

import bbo
from bbo.objectives import Objective
from bbo.optimizers.cbo import CBO, Swarm
from bbo.optimizers.region import Mirrored, Region
from bbo.problem import Problem
from bbo.testing import optimizer as kit

RNG = np.random.default_rng(0)
SHARES = bbo.Simplex(["a", "b", "c", "d"], total=100)
PLANE = {"x": bbo.Float(-2, 2), "y": bbo.Float(0, 10), "l": bbo.Float(0.01, 1, log=True), "i": bbo.Int(0, 5)}
POLYTOPE = bbo.Polytope([[1, 1], [-1, 0], [0, -1]], [1, 0, 0])
SPACES = {
    "shares": bbo.Space({"mix": SHARES, "x": bbo.Float(0, 1)}),
    "l1 ball": bbo.Space({"v": bbo.Array(4, within=bbo.L1Ball(2))}),
    "l2 ball": bbo.Space({"v": bbo.Array((2, 2), within=bbo.L2Ball(3, centre=1)), "i": bbo.Int(1, 3)}),
    "matrices": bbo.Space({"m": bbo.Array((3, 2), within=bbo.NuclearBall(1))}),
    "spectrahedron": bbo.Space({"m": bbo.Array((3, 3), within=bbo.Spectrahedron(2))}),
    "polytope": bbo.Space({"v": bbo.Array(2, within=POLYTOPE)}),
    "product": bbo.Space({"v": bbo.Array(5, within=bbo.Product([bbo.StandardSimplex(3, shape=3), bbo.Box(0, [1, 1])]))}),
    "flat box": bbo.Space({"v": bbo.Array(2, within=bbo.Box([0, 1], [2, 1]))}),
    "half plane": bbo.Space(PLANE, constraints=["x + y <= 1.5", "2 * x - y < 0.3"]),
    "beside a constant": bbo.Space({**PLANE, "f": bbo.Fixed(2)}, constraints=["f <= 3"]),
    "half plane beside a constant": bbo.Space({**PLANE, "f": bbo.Fixed(2)}, constraints=["x + y <= f - 0.5", "f < 3"]),
    "line": bbo.Space(PLANE, constraints=["3 * x + 0.1 * y == 1"]),
    "shares under a constraint": bbo.Space({"mix": SHARES, "x": bbo.Float(0, 1)}, constraints=["mix.a + 20 * x <= 30", "mix.b > 10"]),
}


def swarm(space: bbo.Space, settings: CBO, seed: int = 1) -> Swarm:
    return Swarm(Problem(space, (Objective("f", "minimize"),), (), seed=seed), settings)


def minimize(space: bbo.Space, f: Any, *, settings: CBO, phases: int) -> tuple[dict[str, Any], float]:
    """The best point, and its value, of a run in which every point is looked at."""
    state, best = swarm(space, settings), ({}, math.inf)
    for _ in range(phases):
        points = state.points[state.members]
        params = space.decode(points)
        assert all(map(space.contains, params))
        values = np.array([f(p) for p in params])
        best = min(best, (params[int(values.argmin())], float(values.min())), key=lambda pair: pair[1])
        state.advance(points.copy(), values[:, None])
    return best


@pytest.mark.parametrize("name", SPACES)
@pytest.mark.parametrize("settings", [CBO(particles=12, noise=3.0, memory=None), CBO(particles=8, hopping=0.5)], ids=["noise", "hopping"])
def test_a_swarm_never_leaves(name: str, settings: CBO) -> None:
    space = SPACES[name]
    smooth = [column.kind == "continuous" for column in space.columns]
    state, rng = swarm(space, settings), np.random.default_rng(2)
    for _ in range(8):
        params = space.decode(state.points)
        assert all(map(space.contains, params))
        assert space.cube.contains(np.where(smooth, state.points, space.encode(params))).all()  # where nothing was rounded or put right
        assert state.points.min() >= 0
        assert state.points.max() <= 1
        state.advance(state.points.copy(), rng.normal(size=(len(state.points), 1)))


@pytest.mark.parametrize("name", ["shares", "product"])
def test_a_mirrored_swarm_never_leaves_and_stays_inside(name: str) -> None:
    space = SPACES[name]
    state, rng = swarm(space, CBO(particles=12, noise=3.0, mirror=True)), np.random.default_rng(2)
    for _ in range(20):
        assert space.cube.contains(state.points).all()
        assert all(map(space.contains, space.decode(state.points)))
        assert 0 < state.points.min() < state.points.max() < 1
        state.advance(state.points.copy(), rng.normal(size=(len(state.points), 1)))


def test_a_step_is_projected_onto_the_set_in_its_own_units() -> None:
    ball = bbo.L2Ball(2.0, centre=[3.0, -1.0])
    space = bbo.Space({"v": bbo.Array(2, within=ball), "x": bbo.Float(0, 1)})
    region = Region(Problem(space, (Objective("f"),)))
    moved = RNG.normal(0.5, 2.0, size=(20, 3))
    points = region.from_dual(moved)
    native = np.array([3.0, -1.0]) + 4.0 * (moved[:, :2] - 0.5)  # the range of each entry is 4 wide
    np.testing.assert_allclose([p["v"] for p in space.decode(points)], ball.project(native), rtol=0, atol=1e-12)
    np.testing.assert_array_equal(points[:, 2], moved[:, 2].clip(0, 1))


def test_a_projection_under_linear_constraints_is_the_nearest_point() -> None:
    space = bbo.Space({"x": bbo.Float(0, 1), "y": bbo.Float(0, 1)}, constraints=["x + y <= 1"])
    region = Region(Problem(space, (Objective("f"),)))
    moved = np.array([[0.9, 0.7], [0.2, 0.1], [2.0, 0.5], [-1.0, 0.5]])
    np.testing.assert_allclose(region.from_dual(moved), [[0.6, 0.4], [0.2, 0.1], [1.0, 0.0], [0.0, 0.5]], rtol=0, atol=1.1e-9)


def test_whole_numbers_and_steps_move_between_their_levels() -> None:
    space = bbo.Space({"mix": SHARES, "i": bbo.Int(0, 3), "s": bbo.Float(0, 1, step=0.5)})
    region = Region(Problem(space, (Objective("f"),)))
    moved = np.array([[0.25, 0.25, 0.25, 0.25, 0.4567, 0.3456]])
    np.testing.assert_array_equal(region.from_dual(moved)[0, 4:], moved[0, 4:])
    assert len(np.unique(region.sample(50, np.random.default_rng(0))[:, 4])) == 50


def test_mirrored_steps_are_those_of_the_map_in_each_set() -> None:
    space = bbo.Space({"mix": SHARES, "x": bbo.Float(0, 1)})
    region = Mirrored(Problem(space, (Objective("f"),)))
    points = np.array([[0.1, 0.2, 0.3, 0.4, 0.7]])
    step = np.array([[0.1, 0.0, 0.0, -0.1, 0.0]])
    weights = points[0, :4] * np.exp(4 * step[0, :4])
    moved = region.from_dual(region.to_dual(points) + step)
    np.testing.assert_allclose(moved[0], [*(weights / weights.sum()), 0.7], rtol=1e-12)


# -- minima in closed form ----------------------------------------------------------------------------------------------------

SLOPE = np.array([3.0, -1.0, 2.0, 0.5])


def linear(params: Mapping[str, Any]) -> float:
    return float(SLOPE @ np.ravel(params["v"]))


@pytest.mark.parametrize(
    ("within", "least"),
    [
        (bbo.L2Ball(2.0), -2 * float(np.linalg.norm(SLOPE))),
        (bbo.L1Ball(2.0), -2 * float(np.abs(SLOPE).max())),
        (bbo.LInfBall(2.0), -2 * float(np.abs(SLOPE).sum())),
        (bbo.StandardSimplex(2.0), 2 * float(SLOPE.min())),
    ],
)
def test_a_linear_loss_has_its_minimum_on_the_boundary(within: Any, least: float) -> None:
    _, value = minimize(bbo.Space({"v": bbo.Array(4, within=within)}), linear, settings=CBO(), phases=60)
    assert least - 1e-9 <= value <= least + 1e-3


def test_a_linear_loss_of_matrices_finds_the_top_singular_pair() -> None:
    A = np.array([[2.0, 0.0, 1.0], [0.0, 1.0, -1.0]])
    least = -float(np.linalg.norm(A, 2))
    space = bbo.Space({"m": bbo.Array((2, 3), within=bbo.NuclearBall(1.0))})
    best, value = minimize(space, lambda p: float((A * np.asarray(p["m"])).sum()), settings=CBO(), phases=60)
    assert least - 1e-9 <= value <= least + 0.05
    assert np.linalg.svd(np.array(best["m"]))[1][1] < 0.1  # of rank one


@pytest.mark.parametrize(
    ("constraints", "least"),
    [
        (["x + y <= 1"], (0.5, 0.5)),
        (["x + 3 * y <= 1"], (0.7, 0.1)),
        (["x == 2 * y"], (0.6, 0.3)),
        (["x + y < 1", "y <= 0.25"], (0.75, 0.25)),
    ],
)
def test_the_nearest_point_under_linear_constraints(constraints: list[str], least: tuple[float, float]) -> None:
    """The minimum of the squared distance from (1, 1), or from (0.7, 0.1) on the line."""
    target = {"x": 0.7, "y": 0.1} if "==" in constraints[0] else {"x": 1.0, "y": 1.0}
    space = bbo.Space({"x": bbo.Float(0, 1), "y": bbo.Float(0, 1)}, constraints=constraints)
    best, _ = minimize(space, lambda p: sum((p[k] - target[k]) ** 2 for k in p), settings=CBO(), phases=60)
    assert (best["x"], best["y"]) == pytest.approx(least, abs=1e-3)


def test_a_mirrored_swarm_finds_shares_of_many_sizes_that_a_projected_one_does_not() -> None:
    """The Kullback-Leibler divergence from shares of 0.9 down to 0.00001, which the entropy map makes a round bowl."""
    wanted = np.array([0.9, 0.09, 0.009, 0.0009, 0.00009, 0.00001])
    space = bbo.Space({"m": bbo.Simplex(list("abcdef"))})

    def divergence(p: Mapping[str, Any]) -> float:
        shares = np.maximum([*p["m"].values()], 1e-300)
        return float(wanted @ np.log(wanted / shares))

    _, mirrored = minimize(space, divergence, settings=CBO(hopping=0.1, mirror=True), phases=60)
    _, projected = minimize(space, divergence, settings=CBO(hopping=0.1), phases=60)
    assert mirrored < 1e-3 < 1e-2 < projected


# -- through the log ----------------------------------------------------------------------------------------------------------

CASES = [kit.Case(name, space, {"loss": "minimize"}, ("c <= 0.8",)) for name, space in SPACES.items()]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_keeps_the_contract_on_sets_and_under_constraints(case: kit.Case) -> None:
    from bbo.storage import open_storage

    for check in (kit.check_resume, kit.check_pure, kit.check_reproducible, kit.check_order, kit.check_mishaps):
        check(case, CBO(particles=4), n=9, seed=0, storage=open_storage(None))
