"""Arrays as parameters: round trips, draws, JSON, domains, files, and studies that run, resume and export."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bbo
import bbo.testing.optimizer as kit
from bbo.errors import InvalidSpace, InvalidTell, OutOfRange
from bbo.files.cells import Layout, write_value
from bbo.model.sensitivity import _designs

SETS: dict[str, bbo.Array] = {
    "bounds": bbo.Array(3, -1, 2),
    "bounds of a matrix": bbo.Array((2, 2), [[0, 1], [2, 3]], [[1, 3], [5, 1e6]]),
    "box": bbo.Array(2, within=bbo.Box([0, 0], [1, 2])),
    "box with an entry that stands still": bbo.Array(2, within=bbo.Box([0, 3], [1, 3])),
    "simplex": bbo.Array(3, within=bbo.StandardSimplex(2)),
    "l1": bbo.Array(4, within=bbo.L1Ball(1.5, [1, -2, 0.5, 3])),
    "l2": bbo.Array((2, 2), within=bbo.L2Ball(2)),
    "linf": bbo.Array(2, within=bbo.LInfBall(0.5, 7.0)),
    "polytope": bbo.Array(2, within=bbo.Polytope([[1, 1], [-1, 0], [0, -10]], [1, 0, 0])),
    "nuclear": bbo.Array((3, 2), within=bbo.NuclearBall(2)),
    "spectral": bbo.Array((2, 3), within=bbo.SpectralBall(2)),
    "spectrahedron": bbo.Array((3, 3), within=bbo.Spectrahedron(2)),
    "product": bbo.Array(6, within=bbo.Product([bbo.L1Ball(1, shape=2), bbo.StandardSimplex(100, shape=2), bbo.Box(-1, 5, shape=2)])),
    "point": bbo.Array(1, within=bbo.StandardSimplex(3)),
}
names = pytest.mark.parametrize("name", SETS)


def space_of(array: bbo.Array) -> bbo.Space:
    return bbo.Space({"x": array, "t": bbo.Float(0, 1)})


@names
def test_draws_are_legal_and_survive_the_round_trip(name: str) -> None:
    space = space_of(SETS[name])
    rows = space.sample(30, np.random.default_rng(0))
    assert len({space.key(row) for row in rows}) == 30
    for row in rows:
        assert space.validate(row) == row
        assert json.loads(json.dumps(row)) == row
    U = space.encode(rows)
    assert U.shape == (30, space.d)
    assert np.all((U >= 0) & (U <= 1))
    for row, back in zip(rows, space.decode(U), strict=True):
        assert np.allclose(back["x"], row["x"], rtol=1e-14, atol=1e-14 * np.abs(SETS[name].convex.bounds).max())
        assert space.contains(back)
    assert rows == space.sample(30, np.random.default_rng(0))


@names
def test_decoding_gives_the_nearest_point(name: str) -> None:
    array = SETS[name]
    U = np.random.default_rng(1).random((20, array.size))
    for u, value in zip(U, array.decode(U), strict=True):
        x = (array.offset + array.scale * u).reshape(array.shape)
        assert array.check(value, "x") == value
        assert np.allclose(value, array.convex.project(x), rtol=0, atol=1e-12 * np.abs(array.convex.bounds).max())


@names
def test_ends_of_the_range_are_met_exactly(name: str) -> None:
    array = SETS[name]
    low, high = array.convex.bounds
    if array.searchable and name != "simplex":
        assert np.array_equal(array.decode(np.zeros((1, array.size)))[0], low)
        assert np.array_equal(array.decode(np.ones((1, array.size)))[0], high)
    U = array.encode([low.tolist(), high.tolist()])
    assert np.all((U >= -1e-12) & (U <= 1 + 1e-12))


@names
def test_json_gives_an_equal_space(name: str) -> None:
    space = space_of(SETS[name])
    again = bbo.Space.from_json(json.loads(json.dumps(space.to_json(durable=True))))
    assert again == space
    assert again.parameters["x"] == SETS[name]
    assert hash(again.parameters["x"]) == hash(SETS[name])


@names
@pytest.mark.parametrize("units", ["cube", "native"])
def test_the_domain_is_the_set(name: str, units: Any) -> None:
    """In either unit: samples are points of the space, the projection is the nearest of them, and the oracle the best."""
    array, rng = SETS[name], np.random.default_rng(2)
    domain = bbo.Space({"x": array}).domain(units)
    own = array.offset, array.scale
    zero, unit = own if units == "cube" else (np.zeros(array.size), np.ones(array.size))
    X = domain.sample(50, rng)
    assert domain.contains(X).all()
    assert array.convex.contains((zero + unit * X).reshape(-1, *array.shape)).all()
    low, high = domain.bounds
    P = low + (high - low) * rng.normal(0.5, 1.0, X.shape)
    N = domain.project(P)
    assert domain.contains(N).all()
    size = np.linalg.norm(P - N, axis=1) * np.linalg.norm(high - low) + 1e-6 * np.abs(domain.bounds).max() ** 2
    assert np.all((P - N) @ X.T - np.sum((P - N) * N, axis=1)[:, None] <= 1e-8 * size[:, None])
    G = rng.standard_normal(X.shape)
    S = domain.lmo(G)
    assert domain.contains(S).all()
    assert np.all(np.sum(G * S, axis=1) <= np.min(G @ X.T, axis=1) + 1e-9 * np.abs(domain.bounds).max())


def test_outside_points_are_not_in_the_domain() -> None:
    space = bbo.Space({"x": SETS["l1"]})
    inside = space.sample(1, np.random.default_rng(3))
    U = space.encode(inside)
    assert space.domain().contains(U).all()
    assert not space.domain().contains(np.zeros((1, 4))).any()


def test_draws_follow_the_set() -> None:
    """Uniform in the disc: the distance from its centre has mean 2/3. In 2,000 draws its standard error is 0.005."""
    points = bbo.Space({"x": bbo.Array(2, within=bbo.L2Ball(1))}).sample(2000, np.random.default_rng(4))
    assert np.mean([np.hypot(*p["x"]) for p in points]) == pytest.approx(2 / 3, abs=0.025)
    points = bbo.Space({"x": bbo.Array(2, within=bbo.L2Ball(1))}).sobol(500, seed=0)
    assert np.mean([np.hypot(*p["x"]) for p in points]) == pytest.approx(2 / 3, abs=0.05)
    points = bbo.Space({"x": bbo.Array(2, 0, 1)}).sobol(256, seed=0)
    assert np.mean([p["x"] for p in points], axis=0) == pytest.approx([0.5, 0.5], abs=0.005)  # bounds keep the sequence


def test_values_become_lists_of_floats() -> None:
    array = SETS["bounds"]
    assert array.check(np.array([0, 1, 2]), "x") == [0.0, 1.0, 2.0]
    assert [type(v) for v in array.check((0, 1, 2), "x")] == [float] * 3
    assert str(array.check([-0.0, 1, 2], "x")) == "[0.0, 1.0, 2.0]"
    assert array.check([5, 5, 5], "x", outside=True) == [5.0, 5.0, 5.0]
    assert [c.name for c in SETS["bounds of a matrix"].columns("x")] == ["x[0,0]", "x[0,1]", "x[1,0]", "x[1,1]"]
    assert [c.group for c in SETS["bounds"].columns("x")] == ["x"] * 3


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([0, 1], "of shape \\(3,\\)"),
        ([0, 1, "2"], "array of numbers"),
        ([0, 1, [2]], "array of numbers"),
        ([True, False, True], "array of numbers"),
        (1.0, "of shape"),
        (None, "array of numbers"),
        ([0, 1, float("nan")], "finite"),
        ([0, 3, 1], "x\\[1\\] must lie between -1.0 and 2.0"),
    ],
)
def test_bad_values_are_named(value: Any, message: str) -> None:
    with pytest.raises(OutOfRange, match=message):
        space_of(SETS["bounds"]).validate({"x": value, "t": 0.5})


def test_a_value_outside_its_set_names_the_set() -> None:
    with pytest.raises(OutOfRange, match="lies outside L1Ball\\(1.0\\)"):
        bbo.Space({"x": bbo.Array(2, within=bbo.L1Ball(1))}).validate({"x": [1, 0.1]})


BAD: list[tuple[Any, str]] = [
    (lambda: bbo.Array(3), "give low and high, or within"),
    (lambda: bbo.Array(3, 0), "give low and high, or within"),
    (lambda: bbo.Array(3, 0, 1, bbo.L1Ball(1)), "one or the other"),
    (lambda: bbo.Array(3, within="l1"), "must be a convex set"),  # type: ignore[arg-type] - on purpose
    (lambda: bbo.Array(0, 0, 1), "positive whole numbers"),
    (lambda: bbo.Array(2.5, 0, 1), "positive whole numbers"),  # type: ignore[arg-type] - on purpose
    (lambda: bbo.Array(3, [0, 0], 1), "one shape"),
    (lambda: bbo.Array(3, 1, 0), "lies above"),
    (lambda: bbo.Array(2, [0, 1], [1, 1]), "one value only"),
    (lambda: bbo.Array(2, 0, float("inf")), "finite"),
    (lambda: bbo.Array(2, -1e308, 1e308), "no finite range"),
    (lambda: bbo.Array(3, within=bbo.L1Ball(1, [0, 0])), "not \\(3,\\)"),
    (lambda: bbo.Array(3, within=bbo.NuclearBall(1)), "rows, columns"),
    (lambda: bbo.Array(2, within=bbo.Polytope([[1, 1]], [1])), "unbounded"),
    (lambda: bbo.Array(1, within=bbo.Polytope([[1], [-1]], [0, -1])), "no point"),
    (lambda: bbo.Space({"x": bbo.Array(2, 0, 1)}, ["x <= 1"]), "callable|number"),
    (lambda: bbo.Space({"x": bbo.Array(2, 0, 1), "y": bbo.Float(0, 1, when={"x": "a"})}), "array"),
    (lambda: bbo.Space.from_json({"x": {"array": 2, "within": {"l3_ball": 1}}}), "exactly one of the keys"),
    (lambda: bbo.Space.from_json({"x": {"array": 2, "within": {"l1_ball": -1}}}), "radius=-1"),
    (lambda: bbo.Space.from_json({"x": {"array": 2, "within": {"box": 1}}}), "\\[low, high\\]"),
    (lambda: bbo.Space.from_json({"x": {"array": 2, "within": {"l1_ball": 1, "center": 0}}}), "center"),
    (lambda: bbo.Space.from_json({"x": {"float": [0, 1], "within": {"l1_ball": 1}}}), "unknown key 'within'"),
]


@pytest.mark.parametrize(("bad", "message"), BAD)
def test_bad_definitions_are_named(bad: Any, message: str) -> None:
    with pytest.raises(InvalidSpace, match=message):
        bad()


def test_a_set_of_ones_own_is_refused_where_it_would_be_stored() -> None:
    class Mine(bbo.L1Ball):
        pass

    with pytest.raises(InvalidSpace, match="cannot be stored"):
        bbo.Space({"x": bbo.Array(2, within=Mine(1))}).to_json()


def test_grids_are_projected_once() -> None:
    assert list(bbo.Array(2, 0, 1).grid(2)) == [[0, 0], [0, 1], [1, 0], [1, 1]]
    points = list(bbo.Array(2, within=bbo.StandardSimplex(1)).grid(3))
    assert [0.5, 0.5] in points
    assert len(points) == 5  # of the nine, those on a line across it fall together
    assert np.allclose(np.sum(points, axis=1), 1)


def test_conditions_and_callables() -> None:
    def light(p: dict) -> bool:
        return "x" not in p or sum(p["x"]) <= 0

    space = bbo.Space({"on": bbo.Bool(), "x": bbo.Array(2, within=bbo.L2Ball(1), when={"on": True})}, [light])
    points = space.sample(40, np.random.default_rng(5))
    assert {"x" in p for p in points} == {True, False}
    assert all(light(p) for p in points)
    assert all(space.contains(p) for p in space.neighbours(points[0], np.random.default_rng(6), 20))
    assert space.domain().contains(space.encode(points)).all()


def test_neighbours_stay_inside() -> None:
    for name in ("l1", "spectrahedron", "simplex"):
        space = space_of(SETS[name])
        base = space.sample(1, np.random.default_rng(7))[0]
        near = space.neighbours(base, np.random.default_rng(8), 20)
        assert len(near) == 20
        assert all(space.contains(p) for p in near)


def loss(trial: Any) -> float:
    return float(np.sum((np.asarray(trial["x"]) - 0.3) ** 2)) + trial["t"]


@pytest.mark.parametrize("name", ["bounds", "l1", "polytope", "spectrahedron"])
def test_random_search_resumes_from_storage(name: str, tmp_path: Path) -> None:
    space = space_of(SETS[name])

    def run(where: Any, counts: list[int]) -> list[Any]:
        for n in counts:
            study = bbo.Study(space, "minimize", optimizer="random", storage=where, name="a", seed=0)
            for _ in range(n):
                trial = study.ask()
                study.tell(trial, loss(trial))
        return [dict(trial.params) for trial in study.trials]

    whole = run(str(tmp_path / "whole.db"), [6])
    assert run(str(tmp_path / "parts.db"), [2, 3, 1]) == whole
    assert all(space.contains(point) for point in whole)


def test_a_study_exports_and_shows_itself(tmp_path: Path) -> None:
    space = space_of(SETS["l1"])
    study = bbo.minimize(loss, space, n_trials=12, optimizer="random", seed=0)
    table = study.to_dataframe()
    assert table["x"].tolist() == [trial.params["x"] for trial in study.trials]
    assert study.best_params["x"] == min(study.trials, key=loss).params["x"]
    best = study.recommend().params
    assert space.contains(best)
    for kind in ("slices", "contours", "parallel"):
        study.plot(kind)
    study.add({"x": [1, -2, 0.5, 3], "t": 0}, 1.0)
    study.enqueue({"x": np.array([1, -2, 0.5, 3.5])})
    assert study.ask().params["x"] == [1, -2, 0.5, 3.5]


@pytest.mark.parametrize("optimizer", ["sobol", "grid", "auto"])
def test_other_optimizers_stay_inside(optimizer: str) -> None:
    for name in ("bounds", "l1", "simplex"):
        space = space_of(SETS[name])
        study = bbo.Study(space, "minimize", optimizer=optimizer, seed=0)
        for trial in study.ask(5):
            assert space.contains(trial.params)


def test_cma_es_takes_an_array_for_its_entries() -> None:
    """The same points as with one float an entry, up to rounding."""
    entries = bbo.Space({name: bbo.Float(-1, 2) for name in "abc"})
    one = bbo.minimize(lambda t: t["a"] ** 2 + t["b"] + t["c"], entries, n_trials=30, optimizer="cma_es", seed=0)
    space = bbo.Space({"x": SETS["bounds"]})
    array = bbo.minimize(lambda t: t["x"][0] ** 2 + t["x"][1] + t["x"][2], space, n_trials=30, optimizer="cma_es", seed=0)
    ours, theirs = [trial.params["x"] for trial in array.trials], [list(trial.params.values()) for trial in one.trials]
    assert np.allclose(ours, theirs, rtol=0, atol=1e-9)
    with pytest.raises(bbo.Unsupported, match="within another set"):
        bbo.Study(bbo.Space({"x": SETS["l2"]}), "minimize", optimizer="cma_es", seed=0)


def test_importance_varies_an_array_within_its_set() -> None:
    space = bbo.Space({name.replace(" ", "_"): array for name, array in SETS.items()})
    for design in _designs(space, 64, np.random.default_rng(0)):
        assert space.cube.contains(design).all()


@pytest.mark.parametrize("optimizer", [bbo.Random(), bbo.Sobol()])
def test_optimizers_keep_their_contract(optimizer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Replay, resumption, failures and the like, by the conformance kit."""
    arrays = [kit.Case(name, space_of(SETS[name]), {"loss": "minimize"}) for name in ("bounds", "l1", "product")]
    monkeypatch.setattr(kit, "cases", lambda: arrays)
    assert kit.check_optimizer(optimizer) == ["bounds", "l1", "product"]


def test_a_model_searches_bounds_and_simplices() -> None:
    """The least of |x|^2 over the simplex of total 2 is 4/3, at equal entries; of 500 random searches of 20 none came below 1.36."""
    space = bbo.Space({"x": SETS["simplex"], "m": bbo.Array((1, 2), -1, 2)})
    study = bbo.minimize(
        lambda t: float(np.sum(np.square(t["x"])) + np.sum(np.square(t["m"]))), space, n_trials=20, optimizer="bayes", seed=0
    )
    assert study.best_value < 1.36


def test_what_a_model_cannot_search_is_said() -> None:
    study = bbo.Study(space_of(SETS["l1"]), "minimize", optimizer="auto", seed=0)
    study.ask()
    assert "'x' is within another set" in study.explain()
    with pytest.raises(bbo.Unsupported, match="within another set"):
        bbo.Study(space_of(SETS["l1"]), "minimize", optimizer="bayes", seed=0).ask()


def test_cells_of_files_hold_arrays() -> None:
    study = bbo.Study(space_of(SETS["bounds of a matrix"]), "minimize", seed=0)
    layout = Layout.of(study._problem)
    value = [[0.1, 1.5], [2.5, 1e5 / 3]]
    text = write_value(value)
    assert json.loads(text) == value
    assert layout.value("x", text) == value
    assert layout.agrees("x", text, value)
    assert not layout.agrees("x", "[[0.1, 1.5], [2.5, 4]]", value)
    with pytest.raises((OutOfRange, InvalidTell), match="it is an array"):
        layout.value("x", "0.1; 1.5")
