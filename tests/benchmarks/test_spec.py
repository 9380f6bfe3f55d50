"""The plain description of a space that peers get."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.peers.spec import Parameter, Penalty, Spec, latin_hypercube

SPEC = Spec(
    (
        Parameter("model", "categorical", choices=("a", "b")),
        Parameter("rate", "float", 1e-4, 1.0, log=True),
        Parameter("layers", "int", 1, 3, when={"model": ("b",)}),
        Parameter("width", "int", 8, 512, log=True, when={"layers": (2, 3)}),
        Parameter("x", "float", -1.0, 2.0),
    ),
    ("loss",),
    ("g", "h"),
)


def test_values_survive_the_cube() -> None:
    for point in latin_hypercube(SPEC, 50, np.random.default_rng(0)):
        full = SPEC.full(point)
        back = SPEC.decode(SPEC.encode(full))
        assert back == {**full, "rate": pytest.approx(full["rate"], rel=1e-12), "x": pytest.approx(full["x"], abs=1e-12)}
        assert SPEC.active(full) == point


def test_conditions_hold_through_their_parents() -> None:
    full = {"model": "a", "rate": 0.1, "layers": 3, "width": 64, "x": 0.0}
    assert set(SPEC.active(full)) == {"model", "rate", "x"}
    assert set(SPEC.active({**full, "model": "b"})) == {"model", "rate", "layers", "width", "x"}
    assert set(SPEC.active({**full, "model": "b", "layers": 1})) == {"model", "rate", "layers", "x"}


def test_a_latin_hypercube_has_one_point_a_slice() -> None:
    points = latin_hypercube(SPEC, 20, np.random.default_rng(1))
    x = np.array([point["x"] for point in points])
    assert sorted(np.floor((x + 1) / 3 * 20)) == list(range(20))
    assert sum(point["model"] == "a" for point in points) == 10


def test_every_whole_number_is_equally_likely() -> None:
    layers = SPEC.parameters[2]
    values = [layers.decode(u) for u in (np.arange(300) + 0.5) / 300]
    assert [values.count(k) for k in (1, 2, 3)] == [100, 100, 100]


def test_the_penalty_puts_what_breaks_constraints_last() -> None:
    penalty = Penalty(SPEC)
    good = penalty({"loss": 5.0, "g": -1.0, "h": 0.0})
    slightly = penalty({"loss": 1.0, "g": 10.0, "h": -1.0})
    badly = penalty({"loss": 1.0, "g": 10.0, "h": 3.0})
    assert good == 5.0 < slightly < badly
