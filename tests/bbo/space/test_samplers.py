"""Random and Sobol points: feasible, reproducible, uniform, and always found."""

from __future__ import annotations

import math
import sys
from collections import Counter

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from bbo.errors import InvalidSpace, OutOfRange
from bbo.space import Bool, Categorical, Context, Environment, Fixed, Float, Int, Normal, Ordinal, Simplex, Space
from bbo.testing.strategies import definitions, spaces

QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]


def unit(names: str) -> dict:
    return {name: Float(0, 1) for name in names}


THIN = {
    "equality in 50 dimensions": Space({f"x{i}": Float(0, 1) for i in range(50)}, [" + ".join(f"x{i}" for i in range(50)) + " == 25"]),
    "slice in 50 dimensions": Space(
        {f"x{i}": Float(-1, 1) for i in range(50)}, ["0.3 <= " + " + ".join(f"x{i}" for i in range(50)) + " <= 0.30001"]
    ),
    "two inequalities that make an equality": Space(unit("abc"), ["a + b + c <= 1", "a + b + c >= 1"]),
    "whole numbers with a sum": Space({name: Int(0, 100) for name in "abcde"}, ["a + b + c + d + e == 100"]),
    "whole and real numbers": Space(
        {"n": Int(0, 50), "m": Int(0, 50, step=5), "x": Float(0, 1), "y": Float(0, 1)}, ["n + m + x + y == 70.5"]
    ),
    "N choose K over floats": Space(unit("abcdef"), ["nonzero(a, b, c, d, e, f) <= 2", "a + b + c + d + e + f == 1"]),
    "mixture, few and least": Space(
        {"mix": Simplex(list("abcdef"), max_nonzero=3, min_share=0.05)}, ["mix.a >= 0.3", "mix.b + mix.c <= 0.1"]
    ),
    "mixture on a grid": Space({"mix": Simplex(list("abcd"), total=100, max_nonzero=3, step=5)}, ["mix.a + mix.b == 35"]),
    "mixture whose components are prescribed": Space(
        {"mix": Simplex(list("abcdefgh"), max_nonzero=2, min_share=0.1)}, ["mix.a >= 0.11", "mix.h >= 0.11"]
    ),
    "curve": Space(unit("xy"), ["x * y == 0.25"]),
    "corner": Space(unit("xyz"), ["x * y * z >= 0.99"]),
    "branch": Space(
        {"k": Categorical(["a", "b"]), "u": Int(1, 100, when={"k": "b"}), "v": Int(1, 100, when={"k": "b"})}, ["u + 2 * v == 50"]
    ),
    "callable": Space(unit("xy"), [lambda p: 0.5 < p["x"] < 0.501]),
}


@pytest.mark.parametrize("name", THIN)
def test_thin_spaces(name: str) -> None:
    space = THIN[name]
    found = space.sample(10, np.random.default_rng(1)) + space.sobol(10, seed=2)
    assert len(found) == 20
    for point in found:
        assert space.validate(point) == point
    assert len({space.key(point) for point in found}) >= (8 if space.cardinality else 15)
    assert space.sobol(3, seed=2, start=4) == found[14:17]


@settings(max_examples=40, deadline=None, suppress_health_check=QUIET, derandomize=True)
@given(spaces(constraints=True), st.integers(0, 2**32 - 1))
def test_points_of_random_constrained_spaces_are_feasible(space: Space, seed: int) -> None:
    check_feasible(space, seed, 5)


@pytest.mark.slow
@settings(max_examples=1000, deadline=None, suppress_health_check=QUIET, derandomize=True)
@given(spaces(constraints=True), st.integers(0, 2**32 - 1))
def test_ten_thousand_points_of_random_constrained_spaces_are_feasible(space: Space, seed: int) -> None:
    check_feasible(space, seed, 10)


def test_satisfiable_spaces_are_hardly_ever_refused() -> None:
    """Of 500 random spaces with constraints that hold together somewhere, perhaps at one point alone, at most one."""
    refused = []

    @settings(max_examples=500, deadline=None, suppress_health_check=QUIET, derandomize=True, database=None, phases=[Phase.generate])
    @given(definitions(constraints=True))
    def build(definition: tuple) -> None:
        try:
            Space(*definition)
        except InvalidSpace as error:
            refused.append(str(error))

    build()
    assert len(refused) <= 1, refused


def test_numbers_that_conditions_rest_on_move_to_keep_constraints() -> None:
    """Equalities that pin the parent of a condition, on either side of its threshold."""
    for total, children in ((0.56, []), (1.4, ["c"])):
        space = Space({**unit("ab"), "c": Int(1, 3, when="a >= 0.5")}, [f"a + b == {total}", f"a - b == {0.1 * total!r}"])
        for point in space.sample(5, np.random.default_rng(0)) + space.sobol(5, seed=0):
            assert point["a"] == pytest.approx(0.55 * total, abs=1e-9)
            assert [name for name in point if name == "c"] == children


def test_a_strict_condition_on_levels_is_kept_on_the_right_side() -> None:
    space = Space({"n": Int(0, 80, step=8), "x": Float(0, 100), "c": Bool(when="n <= 39")}, ["n + x == 41.5"])
    seen = {(point["n"], "c" in point) for point in space.sample(200, np.random.default_rng(0)) + space.sobol(100, seed=1)}
    assert seen == {(n, n <= 39) for n in range(0, 41, 8)}


def test_roles_move_to_keep_constraints() -> None:
    space = Space({"x": Float(0, 1), "e": Environment(Normal(5, 2)), "c": Context(Float(0, 10))}, ["x + e == 5", "c + e == 9"])
    for point in space.sample(10, np.random.default_rng(0)):
        assert point["x"] + point["e"] == pytest.approx(5)
        assert point["c"] + point["e"] == pytest.approx(9)


def check_feasible(space: Space, seed: int, count: int) -> None:
    points = space.sample(count, np.random.default_rng(seed))
    sobol = space.sobol(count, seed=seed)
    assert len(points) == len(sobol) == count
    for point in points + sobol:
        assert space.validate(point) == point
    assert space.sobol(2, seed=seed, start=count - 2) == sobol[-2:]
    assert space.sample(count, np.random.default_rng(seed)) == points


def test_inequalities_hold_exactly_where_the_set_has_an_inside() -> None:
    space = Space(unit("abcd"), ["a + b + c + d <= 0.1", "a + b >= 0.09"])
    for p in space.sample(300, np.random.default_rng(0)) + space.sobol(50, seed=0):
        assert p["a"] + p["b"] + p["c"] + p["d"] <= 0.1
        assert p["a"] + p["b"] >= 0.09


def test_hit_and_run_is_uniform_on_a_slice() -> None:
    """Moments of the flat Dirichlet; 3000 points, six standard errors (error probability below 1e-8)."""
    space = Space(unit("abc"), ["a + b + c == 1"])
    x = np.array([[p[n] for n in "abc"] for p in space.sample(3000, np.random.default_rng(3))])
    assert np.all(np.abs(x.mean(0) - 1 / 3) < 6 * math.sqrt(1 / 18 / 3000))
    assert np.all(np.abs((x**2).mean(0) - 1 / 6) < 6 * math.sqrt((1 / 15 - 1 / 36) / 3000))


def test_rejection_is_uniform() -> None:
    space = Space({"n": Int(1, 4), "m": Int(1, 4)}, ["n < m"])
    counts = Counter((p["n"], p["m"]) for p in space.sample(6000, np.random.default_rng(4)))
    assert len(counts) == 6
    assert all(abs(count - 1000) < 6 * math.sqrt(6000 * 5 / 36) for count in counts.values())


def test_log_and_ordinal_and_environment_draws() -> None:
    space = Space(
        {"x": Float(1, 100, log=True), "o": Ordinal([1, 2, 100]), "e": Environment(Normal(5, 2)), "w": Environment({"a": 0.2, "b": 0.8})}
    )
    points = space.sample(4000, np.random.default_rng(5))
    assert abs(np.mean([p["x"] < 10 for p in points]) - 0.5) < 6 * 0.5 / math.sqrt(4000)
    assert abs(np.mean([p["o"] == 2 for p in points]) - 1 / 3) < 6 * math.sqrt(2 / 9 / 4000)
    assert abs(np.mean([p["e"] for p in points]) - 5) < 6 * 2 / math.sqrt(4000)
    assert abs(np.std([p["e"] for p in points]) - 2) < 6 * 2 / math.sqrt(8000)
    assert abs(np.mean([p["w"] == "a" for p in points]) - 0.2) < 6 * 0.4 / math.sqrt(4000)


def test_sobol_fills_more_evenly_than_chance() -> None:
    space = Space({"x": Float(0, 1), "y": Float(0, 1)})
    points = space.sobol(256, seed=7)
    cells = Counter((int(p["x"] * 16), int(p["y"] * 16)) for p in points)
    assert set(cells.values()) == {1}  # a (0, 8, 2)-net has one point in each cell


def test_sobol_points_depend_on_seed_and_index_only() -> None:
    space = Space({"x": Float(0, 1), "n": Int(1, 9), "k": Categorical(["a", "b"])}, ["x * n <= 3"])
    eight = space.sobol(8, seed=11)
    assert space.sobol(3, seed=11, start=5) == eight[5:8]
    assert [space.sobol(1, seed=11, start=i)[0] for i in range(8)] == eight
    assert space.sobol(8, seed=12) != eight
    assert Space.from_json(space.to_json()).sobol(8, seed=11) == eight


def test_fixed_values_are_held_and_activate_what_they_need() -> None:
    space = Space({"k": Categorical(["rbf", "poly"]), "d": Int(2, 5, when={"k": "poly"}), "x": Float(0, 1)}, ["x * d <= 2"])
    for point in space.sample(20, np.random.default_rng(0), fixed={"d": 5}) + space.sobol(20, seed=1, fixed={"d": 5}):
        assert point["d"] == 5
        assert point["k"] == "poly"
        assert space.contains(point)
    for point in space.sample(5, np.random.default_rng(0), fixed={"x": 0.25}):
        assert point["x"] == 0.25
    with pytest.raises(OutOfRange, match="fixed"):
        space.sample(1, np.random.default_rng(0), fixed={"k": "rbf", "d": 3})
    with pytest.raises(OutOfRange, match="fixed: x=2"):
        space.sobol(1, seed=0, fixed={"x": 2})


def test_fixed_values_that_no_feasible_point_has() -> None:
    space = Space(unit("ab"), ["a + b <= 0.5"])
    with pytest.raises(OutOfRange, match="no feasible point was found with fixed="):
        space.sample(1, np.random.default_rng(0), fixed={"a": 0.75})
    assert space.sample(1, np.random.default_rng(0), fixed={"a": 0.5})[0]["b"] <= 1e-9


def test_a_fixed_share_of_an_equality() -> None:
    space = Space({**unit("ab"), "c": Int(0, 10)}, ["a + b + c == 7.5"])
    for point in space.sobol(10, seed=3, fixed={"c": 6}):
        assert point["a"] + point["b"] == pytest.approx(1.5, abs=1e-12)


def test_a_linear_constraint_on_nothing_but_a_parent() -> None:
    space = Space({"k": Bool(when="n <= 32"), "n": Int(-40, 104, step=8), "c": Fixed(0)}, ["0.5 * n + c <= -20"])
    for point in (
        space.sample(20, np.random.default_rng(0))
        + space.sobol(20, seed=0)
        + space.neighbours({"n": -40, "k": True, "c": 0}, np.random.default_rng(1), 3)
    ):
        assert point["n"] == -40


def test_nothing_to_draw() -> None:
    space = Space({"f": Fixed("here")})
    assert space.sobol(2, seed=0) == [{"f": "here"}] * 2
    assert space.sample(0, np.random.default_rng(0)) == []
    assert space.sobol(0, seed=0) == []


@settings(max_examples=25, deadline=None, suppress_health_check=QUIET, derandomize=True)
@given(spaces(constraints=True, max_parameters=4), st.integers(0, 2**32 - 1))
def test_neighbours_are_feasible_and_different(space: Space, seed: int) -> None:
    rng = np.random.default_rng(seed)
    base = space.sample(1, rng)[0]
    near = space.neighbours(base, rng, 4)
    for point in near:
        assert space.validate(point) == point
    keys = {space.key(point) for point in [base, *near]}
    assert len(keys) == len(near) + 1


@pytest.mark.parametrize("name", [name for name in THIN if name not in ("curve", "callable")])
def test_neighbours_in_thin_spaces(name: str) -> None:
    space, rng = THIN[name], np.random.default_rng(0)
    base = space.sample(1, rng)[0]
    near = space.neighbours(base, rng, 8)
    assert len(near) == 8
    assert all(space.contains(point) for point in near)


def test_neighbours_reach_every_other_point_of_a_small_space_and_no_more() -> None:
    space = Space({"a": Bool(), "n": Int(0, 3, when={"a": True})}, ["n != 2"])
    near = space.neighbours({"a": False}, np.random.default_rng(0), 10)
    assert sorted(point["n"] for point in near) == [0, 1, 3]


def test_neighbours_leave_most_values_alone() -> None:
    space = Space({f"x{i}": Float(0, 1) for i in range(20)})
    base = space.sample(1, np.random.default_rng(0))[0]
    near = space.neighbours(base, np.random.default_rng(1), 100)
    changed = [sum(point[name] != base[name] for name in base) for point in near]
    assert min(changed) >= 1
    assert 1.5 < np.mean(changed) < 4.5


def test_an_ordinary_space_needs_no_scipy() -> None:
    import subprocess

    program = (
        "import sys, numpy as np\n"
        "from bbo.space import *\n"
        "s = Space({'x': Float(0, 1), 'n': Int(1, 5, when='x > 0.5'), 'mix': Simplex(['a', 'b'])}, ['x * n <= 4', 'mix.a + x <= 1.5'])\n"
        "s.sample(5, np.random.default_rng(0)), s.encode(s.sample(3, np.random.default_rng(0))), s.to_json()\n"
        "s.domain().contains(s.encode(s.sample(3, np.random.default_rng(0)))), s.sobol\n"
        "s.neighbours(s.sample(1, np.random.default_rng(0))[0], np.random.default_rng(0), 3)\n"
        "print(sorted({'scipy', 'torch', 'pandas', 'sqlalchemy'} & set(sys.modules)))\n"
    )
    assert subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout.strip() == "[]"
