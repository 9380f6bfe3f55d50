"""Encoding and decoding: what DESIGN section 4 promises, over natively drawn points of random spaces."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bbo.space import Categorical, Fidelity, Fixed, Float, Int, Ordinal, Simplex, Space
from bbo.testing.strategies import points, spaces

QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]


def assert_close(space: Space, before: dict, after: dict) -> None:
    assert before.keys() == after.keys()  # the tree is exact
    for name, value in before.items():
        parameter = space.parameters[name]
        inner = getattr(parameter, "inner", parameter)
        if isinstance(inner, Float) and inner.step is None:
            assert_close_number(inner, value, after[name])
        elif isinstance(inner, Simplex) and inner.step is None:
            for key in inner.names:
                assert abs(after[name][key] - value[key]) <= 4 * math.ulp(inner.total)
                assert (after[name][key] == 0) == (value[key] == 0)
            assert abs(math.fsum(after[name].values()) - inner.total) <= 1e-15 * len(inner.names) * inner.total
        else:
            assert after[name] == value
            assert type(after[name]) is type(value)


def assert_close_number(parameter: Float, value: float, back: float) -> None:
    if value in (parameter.low, parameter.high):
        assert back == value
    elif parameter.log:
        scale = max(abs(math.log(parameter.low)), abs(math.log(parameter.high)), 1.0)
        assert abs(math.log(back) - math.log(value)) <= 4 * math.ulp(scale)
    else:
        assert abs(back - value) <= 4 * math.ulp(max(abs(parameter.low), abs(parameter.high)))


def check_round_trip(data: st.DataObject, space: Space, count: int) -> None:
    rows = [data.draw(points(space)) for _ in range(count)]
    for row in rows:
        assert space.validate(row) == row
        assert json.loads(json.dumps(row)) == row
    X = space.encode(rows)
    assert X.shape == (count, space.d)
    assert np.all((X >= 0) & (X <= 1))
    back = space.decode(X)
    for row, again in zip(rows, back, strict=True):
        assert_close(space, row, again)
        assert space.contains(again)
    assert np.array_equal(space.columns.active(X), _activity(space, rows)) or any(
        column.parent is not None and column.parent.values is None for column in space.columns
    )


def _activity(space: Space, rows: list[dict]) -> np.ndarray:
    owner = [name for name, p in space.parameters.items() for _ in range(p.columns_wide)]
    return np.array([[name in row for name in owner] for row in rows]).reshape(len(rows), space.d)


@settings(max_examples=100, deadline=None, suppress_health_check=QUIET, derandomize=True)
@given(st.data(), spaces())
def test_native_points_round_trip(data: st.DataObject, space: Space) -> None:
    check_round_trip(data, space, 5)


@pytest.mark.slow
@settings(max_examples=1000, deadline=None, suppress_health_check=QUIET, derandomize=True)
@given(st.data(), spaces())
def test_ten_thousand_native_points_round_trip(data: st.DataObject, space: Space) -> None:
    check_round_trip(data, space, 10)


@settings(max_examples=60, deadline=None, suppress_health_check=QUIET, derandomize=True)
@given(spaces(), st.integers(0, 2**32 - 1))
def test_decode_is_always_legal(space: Space, seed: int) -> None:
    rng = np.random.default_rng(seed)
    X = rng.uniform(-0.2, 1.2, (4, space.d))
    X[1], X[2] = 0.0, 1.0
    for point in space.decode(X):
        assert space.validate(point) == point


@settings(max_examples=60, deadline=None, suppress_health_check=QUIET, derandomize=True)
@given(st.data(), spaces())
def test_key_tells_points_apart(data: st.DataObject, space: Space) -> None:
    a, b = data.draw(points(space)), data.draw(points(space))
    assert (space.key(a) == space.key(b)) == (json.dumps(a) == json.dumps(b))
    assert hash(space.key(a)) == hash(space.key(json.loads(json.dumps(a))))


@settings(max_examples=100, deadline=None, suppress_health_check=QUIET, derandomize=True)
@given(spaces(constraints=True, max_parameters=4))
def test_json_is_loss_free(space: Space) -> None:
    data = json.loads(json.dumps(space.to_json()))
    again = Space.from_json(data)
    assert again == space
    assert again.to_json() == data
    assert repr(again) == repr(space)


@pytest.mark.parametrize(("low", "high"), [(-1e308, 1.7e308), (0, 5e-324), (1e16, 1e16 + 2), (-273.15, 1000), (1e-300, 1e300)])
def test_extreme_linear_ranges(low: float, high: float) -> None:
    space = Space({"x": Float(low, high)})
    inside = [low, high, math.nextafter(low, math.inf), low / 2 + high / 2]
    for x in inside:
        back = space.decode(space.encode([{"x": x}]))[0]["x"]
        assert_close_number(space.parameters["x"], x, back)


@pytest.mark.parametrize(("low", "high"), [(1e-300, 1e300), (5e-324, 1.0), (0.9, 1.1), (1e-3, 1e3), (1, 1 + 1e-9)])
def test_extreme_logarithmic_ranges(low: float, high: float) -> None:
    space = Space({"x": Float(low, high, log=True)})
    rng = np.random.default_rng(0)
    for u in [0, 1, *rng.random(200)]:
        x = space.decode([[u]])[0]["x"]
        assert low <= x <= high
        assert_close_number(space.parameters["x"], x, space.decode(space.encode([{"x": x}]))[0]["x"])


def test_ends_encode_exactly() -> None:
    space = Space({"x": Float(-0.3, 1.7), "y": Float(1e-3, 7, log=True), "o": Ordinal([1, 2, 10])})
    X = space.encode([{"x": -0.3, "y": 1e-3, "o": 1}, {"x": 1.7, "y": 7.0, "o": 10}])
    assert X.tolist() == [[0, 0, 0], [1, 1, 1]]


def test_positions_of_levels() -> None:
    space = Space({"n": Int(2, 5), "k": Categorical(["a", "b"]), "o": Ordinal([10, 20, 60]), "s": Float(0, 1, step=0.25)})
    X = space.encode([{"n": 2, "k": "b", "o": 20, "s": 0.25}])
    assert X[0].tolist() == [0.125, 0.75, 0.2, 0.3]
    assert [column.kind for column in space.columns] == ["integer", "categorical", "ordinal", "integer"]
    assert space.columns[0].levels == (0.125, 0.375, 0.625, 0.875)


def test_every_level_of_a_large_logarithmic_int_round_trips() -> None:
    space = Space({"n": Int(1, 10**12, log=True)})
    values = [1, 2, 3, 10**6, 10**12 - 1, 10**12, *range(10**9, 10**9 + 50)]
    assert [p["n"] for p in space.decode(space.encode([{"n": n} for n in values]))] == values


def test_steps_are_decimal() -> None:
    space = Space({"x": Float(0.1, 0.7, step=0.1)})
    assert [p["x"] for p in space.enumerate()] == [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]
    assert space.validate({"x": 0.1 + 0.2})["x"] == 0.3


def test_inactive_encodes_to_one_value_and_fixed_to_nothing() -> None:
    space = Space({"k": Categorical(["rbf", "poly"]), "d": Int(2, 5, when={"k": "poly"}), "c": Fixed(7)})
    assert space.encode([{"k": "rbf", "c": 7}]).tolist() == [[0.25, 0.5]]
    assert space.decode([[0.25, 0.9]]) == [{"k": "rbf", "c": 7}]


def test_conditions_on_continuous_parents_keep_their_side() -> None:
    space = Space({"x": Float(-1000, 1000), "y": Bool_when()})
    for x in [0.3, math.nextafter(0.3, 0), math.nextafter(0.3, 1), 0.3 - 1e-14, 0.3 + 1e-14]:
        row = {"x": x, "y": True} if x >= 0.3 else {"x": x}
        assert space.decode(space.encode([row]))[0].keys() == row.keys()


def Bool_when():
    from bbo.space import Bool

    return Bool(when="x >= 0.3")


def test_values_outside_extrapolate_finitely_and_in_order() -> None:
    space = Space({"x": Float(20, 80), "y": Float(1e-3, 1e3, log=True), "n": Int(0, 3)})
    rows = [{"x": x, "y": y, "n": n} for x, y, n in [(-1e308, -5.0, -4), (14, 0.0, -1), (86, 1e-6, 4), (1e308, 1e300, 10**9)]]
    for row in rows:
        assert space.validate(row, outside=True) == row
    X = space.encode(rows)
    assert np.all(np.isfinite(X))
    assert np.all(np.diff(X, axis=0) >= 0)
    assert X[1, 0] == pytest.approx(-0.1)
    assert X[2, 0] == pytest.approx(1.1)
    assert X[2, 1] == pytest.approx(-0.5)
    assert X[1, 2] == pytest.approx(-0.125)


def test_target_of_named_fidelities_has_the_last_position() -> None:
    space = Space({"f": Fidelity({"coarse": 1, "middle": 5, "fine": 20})})
    assert space.targets == {"f": "fine"}
    assert space.encode([{"f": "fine"}])[0, 0] == max(space.columns[0].levels)
    assert space.columns[0].kind == "ordinal"
    assert space.columns[0].role == "fidelity"
