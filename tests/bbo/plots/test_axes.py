"""Where a trial stands on the axes of a figure."""

from __future__ import annotations

import pytest

import bbo
from bbo.plots.axes import axes_of


def named(space: bbo.Space) -> dict[str, object]:
    return {axis.name: axis for axis in axes_of(space)}


def test_each_kind_of_parameter_has_its_axes():
    space = bbo.Space(
        {
            "x": bbo.Float(1, 2, unit="mm"),
            "fixed": bbo.Fixed(3),
            "mix": bbo.Simplex(["a", "b"], total=100),
            "dna": bbo.Sequence("ACGT", 3),
            "on": bbo.Bool(),
            "width": bbo.Ordinal([16, 64]),
            "fidelity": bbo.Fidelity({"coarse": 1, "fine": 20}),
            "room": bbo.Context(bbo.Float(0, 40, unit="°C")),
        }
    )
    axes = named(space)
    assert list(axes) == ["x", "mix.a", "mix.b", "dna[0]", "dna[1]", "dna[2]", "on", "width", "fidelity", "room"]
    assert axes["x"].title == "x [mm]"
    assert axes["room"].title == "room [°C]"
    assert axes["mix.b"].high == 100
    params = {"x": 1.5, "fixed": 3, "mix": {"a": 40.0, "b": 60.0}, "dna": "GAT", "on": True, "width": 64, "fidelity": "fine", "room": 20.0}
    assert {name: axis.position(params) for name, axis in axes.items()} == {
        "x": 1.5, "mix.a": 40.0, "mix.b": 60.0, "dna[0]": 2.0, "dna[1]": 0.0, "dna[2]": 3.0,
        "on": 1.0, "width": 64.0, "fidelity": 1.0, "room": 20.0,
    }  # fmt: skip


def test_inactive_is_apart_from_a_choice_that_is_none():
    space = bbo.Space({"norm": bbo.Categorical([None, "l2"]), "scale": bbo.Float(0, 1, when={"norm": "l2"})})
    norm, scale = axes_of(space)
    assert norm.position({"norm": None}) == 0.0
    assert norm.show({"norm": None}) == "None"
    assert scale.position({"norm": None}) is None
    assert scale.show({"norm": None}) == "inactive"


def test_choices_that_read_alike_or_compare_alike_stay_apart():
    (axis,) = axes_of(bbo.Space({"c": bbo.Categorical([1, True, "1", "x"])}))
    assert [axis.position({"c": value}) for value in (1, True, "1", "x")] == [0.0, 1.0, 2.0, 3.0]
    assert axis.labels == ["1", "True", "'1'", "x"]


def test_a_choice_that_is_gone_has_no_place():
    (axis,) = axes_of(bbo.Space({"c": bbo.Categorical(["a", "b"])}))
    assert axis.position({"c": "dropped"}) is None


def test_ticks_are_round_and_inside():
    (x,) = axes_of(bbo.Space({"x": bbo.Float(20, 80)}))
    assert x.ticks() == ([20, 30, 40, 50, 60, 70, 80], ["20", "30", "40", "50", "60", "70", "80"])
    (c,) = axes_of(bbo.Space({"c": bbo.Float(1e-3, 1e3, log=True)}))
    assert c.ticks()[1] == ["0.001", "0.01", "0.1", "1", "10", "100", "1000"]
    (narrow,) = axes_of(bbo.Space({"c": bbo.Float(16, 256, log=True)}))
    assert narrow.ticks()[1] == ["20", "50", "100", "200"]
    (wide,) = axes_of(bbo.Space({"c": bbo.Float(1e-12, 1e3, log=True)}))
    assert wide.ticks()[0] == pytest.approx([1e-12, 1e-9, 1e-6, 1e-3, 1, 1e3])


def test_chosen_axes_by_parameter_or_by_part():
    space = bbo.Space({"mix": bbo.Simplex(["a", "b"]), "T": bbo.Float(0, 1)})
    assert [axis.name for axis in axes_of(space, ["mix"])] == ["mix.a", "mix.b"]
    assert [axis.name for axis in axes_of(space, ["T", "mix.b"])] == ["mix.b", "T"]
    with pytest.raises(bbo.InvalidStudy, match=r"'mix\.c'.*did you mean 'mix\.[ab]'"):
        axes_of(space, ["mix.c"])
