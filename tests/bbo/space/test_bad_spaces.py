"""Every malformed space is refused at construction, with a message that names what is wrong and what would be right."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bbo.errors import BBOError, InvalidSpace
from bbo.space import (
    Bool,
    Categorical,
    Context,
    Environment,
    Fidelity,
    Fixed,
    Float,
    Int,
    Normal,
    Ordinal,
    Sequence,
    Simplex,
    Source,
    Space,
    Task,
    Uniform,
)

X, Y = Float(0, 1), Float(0, 1)


def failing(params: dict) -> bool:
    raise RuntimeError("no licence")


BAD: dict[str, tuple[Any, str]] = {
    "empty range": (lambda: Float(1, 1), "holds one value only"),
    "reversed range": (lambda: Float(2, 1), r"low=2, high=1 is reversed"),
    "infinite range": (lambda: Float(0, float("inf")), "high=inf must be a finite number"),
    "NaN in range": (lambda: Float(float("nan"), 1), "low=nan must be a finite number"),
    "string in range": (lambda: Float("0", 1), "low='0' is a str; it must be a number"),
    "bool in range": (lambda: Int(False, 3), "low=False is a bool"),
    "huge int in range": (lambda: Int(0, 10**400), "must be a finite number"),
    "log from zero": (lambda: Float(0, 1, log=True), "log=True needs low > 0, got low=0"),
    "log from below zero": (lambda: Int(-3, 5, log=True), "log=True needs low > 0"),
    "log that is a number": (lambda: Float(1, 2, log=10), "log=10 must be a bool"),
    "log with step": (lambda: Float(1, 2, log=True, step=0.5), "exclude each other"),
    "step that misses the end": (lambda: Float(0, 1, step=0.3), "use high=0.9"),
    "step longer than the range": (lambda: Int(0, 3, step=5), "use high=5"),
    "negative step": (lambda: Float(0, 1, step=-0.1), "step=-0.1 must be positive"),
    "negative input_sd": (lambda: Float(0, 1, input_sd=-1), "input_sd=-1 must be positive"),
    "unit that is no string": (lambda: Float(0, 1, unit=3), "unit=3 must be a str"),
    "fractional int": (lambda: Int(0, 2.5), "high=2.5 is not a whole number; use Float"),
    "too many ints": (lambda: Int(0, 2**60), "too many values"),
    "too many logarithmic ints": (lambda: Int(1, 2**46, log=True), "too many values"),
    "no choices": (lambda: Categorical([]), "is empty"),
    "choice twice": (lambda: Categorical(["a", "b", "a"]), "'a' stands twice"),
    "one and one point zero": (lambda: Categorical([1, 1.0]), "stands twice"),
    "choice of another type": (lambda: Categorical([[1, 2], "a"]), "choices are None, bool, int, float or str. Use names"),
    "choice NaN": (lambda: Categorical([float("nan")]), "must be a finite number"),
    "choices as a string": (lambda: Categorical("abc"), "takes a list of values, got 'abc'"),
    "choices as a set": (lambda: Categorical({"a", "b"}), "takes a list of values"),
    "ordinal of strings": (lambda: Ordinal(["low", "high"]), "it must be a number"),
    "ordinal out of order": (lambda: Ordinal([1, 3, 2]), "must increase, and 2 comes after 3"),
    "ordinal twice": (lambda: Ordinal([1, 1]), "1 stands twice"),
    "ordinals too close": (lambda: Ordinal([1, 1 + 1e-15, 1e6]), "too close to tell apart"),
    "fixed list": (lambda: Fixed([1]), "choices are None, bool, int, float or str"),
    "mixture of one": (lambda: Simplex(["a"]), "at least two components"),
    "component twice": (lambda: Simplex(["a", "a"]), "stands twice"),
    "negative total": (lambda: Simplex(["a", "b"], total=-1), "total=-1 must be positive"),
    "max_nonzero zero": (lambda: Simplex(["a", "b"], max_nonzero=0), "from 1 to 2"),
    "step that misses the total": (lambda: Simplex(["a", "b"], step=0.3), "step=0.3 does not divide total=1"),
    "least share above the total": (lambda: Simplex(["a", "b"], min_share=2), "leaves no mixture"),
    "empty alphabet": (lambda: Sequence("", 3), "alphabet='' must be"),
    "letter twice": (lambda: Sequence("AA", 3), "stands twice"),
    "length zero": (lambda: Sequence("AB", 0), "length=0 must be a positive whole number"),
    "fidelity without high": (lambda: Fidelity(0), "high is missing"),
    "fidelity with one level": (lambda: Fidelity({"a": 1}), "at least two names"),
    "fidelity level with options": (lambda: Fidelity({"a": 1, "b": 2}, cost=(1, 2)), "carry their costs"),
    "cost zero": (lambda: Source({"a": 0, "b": 1}), "it must be positive"),
    "cost of the wrong length": (lambda: Fidelity(0, 1, cost=(1, 2, 3)), "two numbers"),
    "task without choices": (lambda: Task([]), "is empty"),
    "context in a context": (lambda: Context(Context(Bool())), "must be a Float, Int"),
    "probabilities": (lambda: Environment({"a": 0.5, "b": 0.6}), "add up to 1"),
    "no distribution": (lambda: Environment("normal"), r"must be Normal\(mean, sd\)"),
    "normal without width": (lambda: Environment(Normal(0, 0)), "sd=0 must be positive"),
    "reversed uniform": (lambda: Environment(Uniform(1, 0)), "is reversed"),
    "no parameters": (lambda: Space({}), "at least one parameter"),
    "a list of parameters": (lambda: Space([X]), "takes a mapping of names to parameters, got a list"),
    "shorthand": (lambda: Space({"x": (0, 1)}), r"parameter 'x' is \(0, 1\); it must be a Float"),
    "empty name": (lambda: Space({"": X}), "non-empty string"),
    "name with a backquote": (lambda: Space({"a`b": X}), "without backquotes"),
    "name that is a number": (lambda: Space({1: X}), "parameter name 1 must be"),
    "member and parameter of one name": (lambda: Space({"m": Simplex(["a", "b"]), "m.a": X}), "belongs to both"),
    "constraint as a bare string": (lambda: Space({"x": X}, "x <= 1"), "must be a list"),
    "constraint of another type": (lambda: Space({"x": X}, [3]), "constraint 3 must be an expression"),
    "constraint without names": (lambda: Space({"x": X}, ["1 <= 2"]), "mentions no parameter"),
    "constraint with an unknown name": (lambda: Space({"rate": X}, ["rat <= 1"]), "unknown name 'rat'; did you mean 'rate'"),
    "constraint with an unknown choice": (lambda: Space({"k": Categorical(["rbf", "poly"])}, ["k == 'rfb'"]), "did you mean 'rbf'"),
    "constraint that is a number": (lambda: Space({"x": X}, ["x + 1"]), "is not a condition; compare it"),
    "order of labels": (lambda: Space({"k": Categorical(["a", "b"])}, ["k < 'b'"]), "is a label, and a number is needed"),
    "arithmetic with a truth": (lambda: Space({"f": Bool(), "x": X}, ["f + x <= 1"]), "'f' is a truth, and a number is needed"),
    "a number as a truth": (lambda: Space({"f": Bool(), "x": X}, ["f and x"]), "'x' is a number, and a truth is needed"),
    "share without a member": (
        lambda: Space({"m": Simplex(["a", "b"])}, ["m <= 1"]),
        "unknown name 'm'; did you mean 'm.a'|unknown name 'm'",
    ),
    "when of an unknown name": (lambda: Space({"kernel": Bool(), "x": Float(0, 1, when={"kernl": True})}), "did you mean 'kernel'"),
    "when of an unknown choice": (
        lambda: Space({"k": Categorical(["rbf", "poly"]), "x": Float(0, 1, when={"k": "ploy"})}),
        "did you mean 'poly'",
    ),
    "when that never holds": (lambda: Space({"n": Int(1, 3), "x": Float(0, 1, when="n >= 4")}), "never holds"),
    "when that is empty": (lambda: Space({"n": Int(1, 3), "x": Float(0, 1, when={})}), "must be a mapping such as"),
    "when on itself": (lambda: Space({"x": Float(0, 1, when="x > 0.5")}), "form a cycle: x -> x"),
    "when in a cycle": (lambda: Space({"a": Int(0, 1, when="b > 0"), "b": Int(0, 1, when="a > 0")}), "form a cycle: a -> b -> a"),
    "constraint out of reach": (lambda: Space({"x": X, "y": Y}, ["x + y >= 3"]), r"'x \+ y >= 3' cannot hold within the ranges x: Float"),
    "equality out of reach of whole numbers": (lambda: Space({"n": Int(0, 9), "m": Int(0, 9)}, ["2 * n + 4 * m == 7"]), "cannot hold"),
    "sum of parts above the total": (lambda: Space({"m": Simplex(["a", "b", "c"])}, ["m.a + m.b >= 1.2"]), "cannot hold"),
    "support too small": (
        lambda: Space({"m": Simplex(["a", "b", "c"], max_nonzero=1)}, ["m.a >= 0.2", "m.b >= 0.2", "m.c <= 0.9"]),
        "'m.a >= 0.2', 'm.b >= 0.2' contradict each other",
    ),
    "conflict of two among four": (
        lambda: Space({"x": X, "y": Y, "z": X}, ["x + y >= 1.5", "z <= 0.5", "x <= 0.4", "y + z <= 1.9"]),
        r"the constraints 'x \+ y >= 1.5', 'x <= 0.4' contradict each other",
    ),
    "nonlinear constraint out of reach": (lambda: Space({"x": X}, ["x * x >= 4"]), "this is no proof"),
    "callable that never holds": (lambda: Space({"x": X}, [lambda p: False]), "no point was found"),
    "callable that fails": (lambda: Space({"x": X}, [failing]), "failing' raised RuntimeError: no licence"),
}


@pytest.mark.parametrize("name", BAD)
def test_refused(name: str) -> None:
    build, message = BAD[name]
    with pytest.raises(InvalidSpace, match=message) as caught:
        build()
    assert isinstance(caught.value, BBOError)
    assert isinstance(caught.value, ValueError)


EXPRESSIONS = {
    "x = 1": "'=' is not (allowed|expected) here",
    "x <=": "the expression ends too early",
    "": "the expression ends too early",
    "x < 1 y": "'y' is not expected here",
    "(x < 1": r"expected '\)', found the end",
    "__import__('os').system('ls')": "'.' is not allowed here",
    "__import__('os') < 1": "unknown function '__import__'",
    "x.__class__ < 1": "unknown name 'x.__class__'",
    "open('f') < 1": "unknown function 'open'",
    "lambda: 1": "':' is not allowed here",
    "[x for x in y]": r"'\[' is not expected here",
    "x if y else 1": "'if' is not expected here",
    "x; y": "';' is not allowed here",
    "x[0] < 1": r"'\[' is not expected here",
    "sqroot(x) < 1": "did you mean 'sqrt'",
    "sqrt(x, y) < 1": "sqrt takes one argument, got 2",
    "min() < 1": "at least one argument",
    "x in []": "the list is empty",
    "x in [y]": "constants only",
    "x < 1e999": "too large",
    "x % 2 == 0": "'%' is not allowed here",
    "x ^ 2 < 1": "'\\^' is not allowed here",
    "and < 1": "written between backquotes",
    "x < 'a": "is not allowed here",
    "(" * 200 + "x" + ")" * 200: "nested too deeply",
    "x" * 20_000: "too long",
    "x ** " * 100 + "2 < 1": "nested too deeply",
}


@pytest.mark.parametrize("text", EXPRESSIONS, ids=range(len(EXPRESSIONS)))
def test_refused_expressions(text: str) -> None:
    with pytest.raises(InvalidSpace, match=EXPRESSIONS[text]):
        Space({"x": X, "y": Y}, [text])


FILES: dict[str, tuple[Any, str]] = {
    "no mapping": ([1], "a space is a mapping"),
    "two kinds": ({"x": {"float": [0, 1], "int": [0, 1]}}, "exactly one of the keys"),
    "no kind": ({"x": {"flaot": [0, 1]}}, "exactly one of the keys"),
    "unknown option": ({"x": {"float": [0, 1], "stepp": 1}}, "unknown key 'stepp'; did you mean 'step'"),
    "one end": ({"x": {"float": [0]}}, r"float takes \[low, high\], got \[0\]"),
    "reversed": ({"x": {"int": [3, 1]}}, "parameter 'x': Int: the range low=3, high=1 is reversed"),
    "a bare list": ({"x": [0, 1]}, "it must be a mapping such as"),
    "missing length": ({"x": {"sequence": "AB"}}, "is not a sequence"),
    "constraints as text": ({"x": {"float": [0, 1]}, "constraints": "x < 1"}, "constraints must be a list"),
    "environment": ({"x": {"environment": {"gamma": [1, 2]}}}, "environment takes"),
    "callable that is gone": ({"x": {"float": [0, 1]}, "constraints": [{"callable": "no.such:thing"}]}, "cannot be imported"),
    "constraint of another form": ({"x": {"float": [0, 1]}, "constraints": [{"expr": "x < 1"}]}, "must be an expression or"),
}


@pytest.mark.parametrize("name", FILES)
def test_refused_definitions(name: str) -> None:
    data, message = FILES[name]
    with pytest.raises(InvalidSpace, match=message):
        Space.from_json(data)


def test_a_feasible_but_rare_space_is_accepted() -> None:
    space = Space({f"x{i}": Float(0, 1) for i in range(20)}, [" + ".join(f"x{i}" for i in range(20)) + " >= 19.999"])
    assert space.contains(space.sample(1, np.random.default_rng(0))[0])
