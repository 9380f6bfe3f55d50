"""Values as cells: what is written, what is read, and when a cell agrees with the plan."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import bbo
from bbo.errors import InvalidStudy, InvalidTell, OutOfRange
from bbo.files.cells import Layout, mark_of, write_value
from bbo.problem import Problem


def layout_of(**parameters: object) -> Layout:
    return Layout.of(Problem(bbo.Space(parameters), (bbo.Objective("loss"),)))  # type: ignore[arg-type]


def test_names_in_order() -> None:
    layout = layout_of(T=bbo.Float(0, 1), mix=bbo.Simplex(["a", "b"]), kind=bbo.Categorical(["x", "y"]))
    assert layout.names == ("trial", "T", "mix.a", "mix.b", "kind", "loss", "sd.loss", "failed", "note")
    assert layout.numbers == {"T", "mix.a", "mix.b", "loss", "sd.loss"}


@pytest.mark.parametrize("name", ["trial", "failed", "note", "loss", "sd.loss"])
def test_two_columns_of_one_name_are_refused(name: str) -> None:
    with pytest.raises(InvalidStudy, match=name):
        layout_of(**{name: bbo.Float(0, 1)})


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (60.0, "60"),
        (0.1 + 0.2, "0.3"),
        (1 / 3, "0.333333"),
        (-40.25, "-40.25"),
        (123456.789, "123457"),
        (1234567.89, "1234568"),
        (1.23456789e-5, "1.23457e-05"),
        (0.0, "0"),
        (3, "3"),
        (1234567, "1234567"),
        (True, "true"),
        (None, "none"),
        ("THF", "THF"),
        (["ab", "cd"], "ab cd"),
    ],
)
def test_written(value: object, text: str) -> None:
    assert write_value(value) == text


def test_written_with_a_comma() -> None:
    assert write_value(0.5, ",") == "0,5"
    assert write_value("0.5", ",") == "0.5"  # a choice is no number


@given(st.floats(-1e14, 1e14), st.sampled_from([".", ","]))
def test_what_is_written_agrees_with_the_plan(value: float, mark: str) -> None:
    layout = layout_of(x=bbo.Float(-1e14, 1e14))
    cells = layout.write({"x": value}, mark)
    assert layout.agrees("x", cells["x"], value, mark)
    assert layout.value("x", cells["x"], mark) == pytest.approx(value, rel=1e-5, abs=1e-300)


@pytest.mark.parametrize(
    ("cell", "planned", "agrees"),
    [
        ("60", 60.37, True),
        ("61", 60.37, False),
        ("60.4", 60.37, True),
        ("60.3", 60.37, False),
        ("60,4", 60.37, True),
        ("6.04e1", 60.37, True),
        ("+60.37", 60.37, True),
        (" 60.370 ", 60.37, True),
        ("−60.37", -60.37, True),  # the minus sign of typeset text
        ("60.3700001", 60.37, False),
        ("sixty", 60.37, False),
    ],
)
def test_a_cell_agrees_at_the_digits_it_is_written_with(cell: str, planned: float, agrees: bool) -> None:
    assert layout_of(x=bbo.Float(-100, 100)).agrees("x", cell, planned) is agrees


def test_of_few_values_one_is_no_rounding_of_another() -> None:
    layout = layout_of(o=bbo.Ordinal([0.1, 0.12]), s=bbo.Float(0, 1, step=0.05), i=bbo.Int(0, 9), mix=bbo.Simplex(["a", "b"], step=0.05))
    assert not layout.agrees("o", "0.1", 0.12)
    assert layout.agrees("o", "0.12", 0.12)
    assert not layout.agrees("s", "0.1", 0.15)
    assert not layout.agrees("i", "4", 5)
    assert not layout.agrees("mix.a", "0.1", 0.15)
    assert layout.agrees("mix.a", "0.15", 0.15)


def test_choices_are_read_as_what_they_are() -> None:
    layout = layout_of(c=bbo.Categorical(["1", 2, True, None, "b"]), flag=bbo.Bool(), dna=bbo.Sequence("ACGT", 3))
    assert [layout.value("c", text) for text in ("1", "2", "true", "none", "b")] == ["1", 2, True, None, "b"]
    assert layout.value("c", "other") == "other"  # the space refuses it, with the nearest choice
    assert [layout.value("flag", text) for text in ("TRUE", "false")] == [True, False]
    assert layout.agrees("flag", "FALSE", False)
    assert not layout.agrees("flag", "FALSE", True)
    assert layout.value("dna", "ACG") == "ACG"


def test_words_as_letters() -> None:
    layout = layout_of(steps=bbo.Sequence(["heat", "cool"], 3))
    cells = layout.write({"steps": ["heat", "cool", "heat"]})
    assert cells["steps"] == "heat cool heat"
    assert layout.agrees("steps", cells["steps"], ["heat", "cool", "heat"])
    assert layout.value("steps", "cool cool heat") == ["cool", "cool", "heat"]


def test_inactive_parameters_are_empty() -> None:
    layout = layout_of(k=bbo.Categorical(["a", "b"]), d=bbo.Int(1, 3, when={"k": "b"}))
    assert layout.write({"k": "a"}) == {"k": "a", "d": ""}


@pytest.mark.parametrize("text", ["", "x", "1.2.3", "1 000.5", "1,000.5", "nan", "inf", "1e999", "0x10", "1_0", "--1", "٣"])
def test_no_numbers(text: str) -> None:
    layout = layout_of(x=bbo.Float(0, 1))
    with pytest.raises(InvalidTell, match="finite number"):
        layout.measured("loss", text)
    with pytest.raises(OutOfRange, match="finite number"):
        layout.value("x", text)


def test_a_comma_is_no_number_where_points_are_used() -> None:
    layout = layout_of(x=bbo.Float(0, 1))
    assert layout.measured("loss", "0,5", ",") == 0.5
    with pytest.raises(InvalidTell):
        layout.measured("loss", "0,5", ".")


@pytest.mark.parametrize(("text", "mark"), [("1", None), ("1.5", "."), ("1,5", ","), ("-1,5e3", ","), ("a,b", None), ("", None)])
def test_decimal_mark(text: str, mark: str | None) -> None:
    assert mark_of(text) == mark


def test_unknown_names_show_the_nearest() -> None:
    with pytest.raises(InvalidTell, match="did you mean 'loss'"):
        layout_of(x=bbo.Float(0, 1)).check_name("los")
