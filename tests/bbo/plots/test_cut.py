"""The lines along which slices ask the model."""

from __future__ import annotations

import pytest

import bbo
from bbo.plots.axes import axes_of
from bbo.plots.cut import line


def along(space, center, name):
    (axis,) = [axis for axis in axes_of(space) if axis.name == name]
    return list(line(space, center, axis))


def test_all_else_stays_as_at_the_center():
    space = bbo.Space({"x": bbo.Float(0, 1), "y": bbo.Float(1, 100, log=True)})
    found = along(space, {"x": 0.25, "y": 7.0}, "y")
    assert len(found) == 61
    assert (found[0][0], found[-1][0]) == (1.0, 100.0)
    assert found[30][0] == pytest.approx(10.0)  # the middle in logarithms
    assert all(params == {"x": 0.25, "y": place} for place, params in found)


def test_other_shares_keep_their_proportions():
    space = bbo.Space({"mix": bbo.Simplex(["a", "b", "c"], total=100)})
    found = along(space, {"mix": {"a": 40.0, "b": 45.0, "c": 15.0}}, "mix.a")
    assert (found[0][0], found[-1][0]) == (0.0, 100.0)
    for place, params in found:
        mix = params["mix"]
        assert mix["a"] == place
        assert sum(mix.values()) == pytest.approx(100)
        assert mix["b"] == pytest.approx(3 * mix["c"])


def test_a_share_that_is_everything_gives_way_evenly():
    space = bbo.Space({"mix": bbo.Simplex(["a", "b", "c"])})
    found = along(space, {"mix": {"a": 1.0, "b": 0.0, "c": 0.0}}, "mix.a")
    assert found[0][1]["mix"] == {"a": 0.0, "b": 0.5, "c": 0.5}


def test_known_constraints_hold_along_the_line():
    space = bbo.Space({"x": bbo.Float(0, 1), "y": bbo.Float(0, 1)}, constraints=["x + y <= 1"])
    found = along(space, {"x": 0.25, "y": 0.5}, "x")
    assert found[0][0] == 0.0
    assert 0.48 < found[-1][0] <= 0.5


def test_conditions_hold_along_the_line():
    space = bbo.Space({"kernel": bbo.Categorical(["rbf", "poly"]), "degree": bbo.Int(2, 5, when={"kernel": "poly"})})
    poly = {"kernel": "poly", "degree": 3}
    assert along(space, poly, "kernel") == [(0.0, {"kernel": "rbf"}), (1.0, poly)]
    assert along(space, {"kernel": "rbf"}, "kernel") == [(0.0, {"kernel": "rbf"})]  # the degree of poly is not known there
    assert along(space, {"kernel": "rbf"}, "degree") == []


def test_letters_of_a_sequence():
    space = bbo.Space({"dna": bbo.Sequence("ACGT", 2)})
    found = along(space, {"dna": "GA"}, "dna[1]")
    assert [(place, space.validate(params)["dna"]) for place, params in found] == [(0.0, "GA"), (1.0, "GC"), (2.0, "GG"), (3.0, "GT")]
