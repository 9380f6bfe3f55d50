"""Expressions: meaning by comparison with Python's own, linear forms, text."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bbo.errors import InvalidSpace
from bbo.space.constraints import make_known
from bbo.space.expressions import LinearForm, conjuncts, excess, linear_form, parse

numbers = st.one_of(st.sampled_from(["a", "b", "c"]), st.sampled_from(["0", "1", "2.5", "1e-3", ".5"]))
sums = st.recursive(
    numbers,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from([" + ", " - ", "*"]), inner).map("".join),
        inner.map(lambda t: f"({t})"),
        inner.map(lambda t: f"-({t})"),
        inner.map(lambda t: f"abs({t})"),
        st.tuples(inner, inner).map(lambda p: f"max({p[0]}, {p[1]})"),
        st.tuples(inner, inner).map(lambda p: f"min({p[0]}, {p[1]})"),
    ),
    max_leaves=6,
)
comparisons = st.one_of(
    st.tuples(sums, st.sampled_from([" < ", " <= ", " > ", " >= "]), sums).map("".join),
    st.tuples(sums, sums, sums).map(" <= ".join),
)
conditions = st.recursive(
    comparisons,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from([" and ", " or "]), inner).map("".join),
        inner.map(lambda t: f"not ({t})"),
    ),
    max_leaves=4,
)
values = st.integers(-3, 3).map(lambda n: n / 2)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(conditions, values, values, values)
def test_agrees_with_python(text: str, a: float, b: float, c: float) -> None:
    expression, env = parse(text), {"a": a, "b": b, "c": c}
    truth = eval(text, {"abs": abs, "max": max, "min": min}, dict(env))
    assert expression.evaluate(env) is truth
    arrays = {name: np.array([value, value]) for name, value in env.items()}
    assert np.asarray(expression.evaluate_arrays(arrays)).tolist() in ([truth, truth], truth)
    again = parse(str(expression))
    assert again.evaluate(env) is truth
    assert str(again) == str(expression)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("-2 ** 2", -4),
        ("2 ** -1", 0.5),
        ("2 ** 3 ** 2", 512),
        ("1 - 2 - 3", -4),
        ("8 / 4 / 2", 1),
        ("- - 3", 3),
        ("2 + 3 * 4", 14),
        ("sqrt(9) + log(exp(2)) + abs(-1)", 6),
        ("min(3, 1, 2) + max(3, 1, 2)", 4),
        ("nonzero(0, 1, -2, 0.0)", 2),
        ("1 < 2 < 3", True),
        ("1 < 3 < 2", False),
        ("not 1 > 2 and 2 > 1", True),
        ("True or False and False", True),
        ("'a' == 'a'", True),
        ("\"it's\" in [\"it's\", 'x']", True),
        ("'a' not in ['b', 'c']", True),
        ("1 in (1, 2)", True),
        ("True == 1", False),
        ("1 == 1.0", True),
        ("None == None", True),
        ("0.1 + 0.2 == 0.3", True),
        ("0.1 + 0.2 != 0.3", False),
        ("0.1 + 0.2 <= 0.3", False),
    ],
)
def test_values(text: str, expected: object) -> None:
    assert parse(text).evaluate({}) == expected
    assert np.asarray(parse(text).evaluate_arrays({})).item() == expected


@pytest.mark.parametrize(
    "text", ["log(0) < 1", "log(-1) > -5", "sqrt(-1) >= 0", "1 / 0 > 0", "(-8) ** (1/3) < 9", "exp(1000) > 1", "0 / 0 == 0"]
)
def test_what_has_no_value_satisfies_no_comparison(text: str) -> None:
    assert parse(text).evaluate({}) is False
    assert not np.asarray(parse(text).evaluate_arrays({})).any()


def test_names() -> None:
    expression = parse("mix.THF + `learning rate` * lambda <= mix.`1,4-dioxane` and `in` > 0")
    assert expression.names == {"mix.THF", "learning rate", "lambda", "mix.1,4-dioxane", "in"}
    assert parse(str(expression)) == expression


def test_arrays_of_choices() -> None:
    env = {"k": np.array(["rbf", "poly", "rbf"]), "n": np.array([1, 2, 3])}
    assert parse("k == 'rbf' and n > 1").evaluate_arrays(env).tolist() == [False, False, True]
    assert parse("k in ['poly'] or n in [3]").evaluate_arrays(env).tolist() == [False, True, True]


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("latency_ms <= 20", LinearForm({"latency_ms": 1.0}, "<=", 20.0)),
        ("2 * (x - y) / 4 >= 1 - x", LinearForm({"x": 1.5, "y": -0.5}, ">=", 1.0)),
        ("3 == x + x + 1", LinearForm({"x": -2.0}, "==", -2.0)),
        ("-x * 2 < 0", LinearForm({"x": -2.0}, "<", 0.0)),
        ("x * y <= 1", None),
        ("1 / x <= 1", None),
        ("x ** 1 <= 1", None),
        ("x - x <= 1", None),
        ("x != 1", None),
        ("0 <= x <= 1", None),
        ("abs(x) <= 1", None),
        ("k == 'a'", None),
        ("x", None),
    ],
)
def test_linear_form(text: str, form: LinearForm | None) -> None:
    assert linear_form(parse(text)) == form


def test_conjuncts() -> None:
    parts = conjuncts(parse("0 <= x + y < 1 and (x > 0 and k == 'a') and (x > 1 or y > 1)"))
    assert [str(part) for part in parts] == ["0 <= (x + y)", "(x + y) < 1", "x > 0", "k == 'a'", "(x > 1) or (y > 1)"]


def test_nothing_but_text() -> None:
    with pytest.raises(InvalidSpace, match="is a string, got int"):
        parse(3)  # type: ignore[arg-type]


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.text(alphabet="ab01.()[]+-*/<>=!'\"`, \\andortif\n\t", max_size=30))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    try:
        expression = parse(text)
    except InvalidSpace:
        return
    assert parse(str(expression)).names == expression.names


def test_exact_equality_tolerance() -> None:
    assert parse("x == 1").evaluate({"x": 1 + 1e-10})
    assert not parse("x == 1").evaluate({"x": 1 + 1e-8})
    assert not math.isnan(parse("x * 2").evaluate({"x": 1}))


@settings(max_examples=100, deadline=None, derandomize=True)
@given(conditions, st.lists(st.tuples(values, values, values), min_size=1, max_size=5))
def test_a_constraint_on_arrays_agrees_with_itself_point_by_point(text: str, rows: list[tuple[float, float, float]]) -> None:
    if not parse(text).names:
        return
    known = make_known(text, lambda name: 1.5, lambda expression, what: None)
    envs = [dict(zip("abc", row, strict=True)) for row in rows]
    arrays = {name: np.array([env[name] for env in envs]) for name in "abc"}
    assert known.hold(arrays).tolist() == [known.holds(env) for env in envs]


@pytest.mark.parametrize(
    "text", ["a * b <= 0.5", "a / b > c", "sqrt(a + 1) * exp(b) >= 2 * c ** 2", "log(a) + b < c", "a * c - b <= 0", "3 <= a ** -0.5 * 3"]
)
def test_the_excess_is_negative_where_an_inequality_holds(text: str) -> None:
    X = np.random.default_rng(0).uniform(0.1, 2.0, (200, 3))
    for low in (0.1, -1.0):  # by logarithms where all may be told to be positive, and by differences
        over = excess(parse(text), dict.fromkeys("abc", low))
        assert over is not None
        env = dict(zip("abc", X.T, strict=True))
        truth = parse(text).evaluate_arrays(env)
        assert 5 < truth.sum() < 195
        assert ((over(env) <= 0) == truth).all()


@pytest.mark.parametrize("text", ["a * b == 1", "a != b", "max(a, b) <= 1", "a * b <= 1 or c > 0", "not a < b", "a < b < c"])
def test_what_is_not_one_smooth_inequality_has_no_excess(text: str) -> None:
    assert excess(parse(text), dict.fromkeys("abc", 0.1)) is None
