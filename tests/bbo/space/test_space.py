"""The space itself: points in canonical form, trees, counting, JSON, callables, text."""

from __future__ import annotations

import importlib
import json
import pickle
import sys
from pathlib import Path

import numpy as np
import pytest

import bbo
from bbo.errors import InvalidSpace, OutOfRange, Unsupported
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

SVC = Space(
    {
        "C": Float(1e-3, 1e3, log=True),
        "kernel": Categorical(["rbf", "poly", "sigmoid"]),
        "degree": Int(2, 5, when={"kernel": "poly"}),
        "coef0": Float(0, 1, when={"kernel": ["poly", "sigmoid"]}),
        "deep": Bool(when="degree >= 4"),
    },
    ["C * degree <= 100"],
)

EVERYTHING = Space(
    {
        "T": Float(20, 80, step=0.5, unit="°C", input_sd=1),
        "n": Int(1, 4),
        "flag": Bool(),
        "k": Categorical([None, True, 1, "1", 2.5]),
        "o": Ordinal([16, 32, 64]),
        "c": Fixed("lab 3"),
        "mix": Simplex(["THF", "1,4-dioxane", "water"], total=100, max_nonzero=2),
        "dna": Sequence("ACGT", 4),
        "peptide": Sequence(["Ala", "Gly"], 2),
        "epochs": Fidelity(1, 81, cost=(1, 81), integer=True),
        "mesh": Fidelity({"coarse": 1, "fine": 20}),
        "source": Source({"simulation": 1, "tunnel": 500}),
        "task": Task(["a", "b"]),
        "batch": Context(Ordinal([1, 2, 3])),
        "room": Environment(Normal(21, 1)),
        "wind": Environment(Uniform(0, 1)),
        "rain": Environment({True: 0.25, False: 0.75}),
    },
    ["mix.`1,4-dioxane` <= 50", "T + 10 * n <= 100"],
)


def test_canonical_form() -> None:
    given = {
        "rain": np.bool_(True), "T": np.float32(20.5), "n": 3.0, "flag": np.bool_(False), "k": np.int64(1), "o": 32.0,
        "mix": {"water": 100 / 3, "THF": 200 / 3, "1,4-dioxane": 0}, "dna": ("A", "C", "G", "T"), "peptide": ("Ala", "Gly"),
        "epochs": np.float64(81), "mesh": "fine", "source": np.str_("tunnel"), "task": "a", "batch": 2, "room": 21, "wind": 1,
    }  # fmt: skip
    point = EVERYTHING.validate(given)
    assert list(point) == list(EVERYTHING.names)
    assert point["n"] == 3
    assert point["c"] == "lab 3"
    assert point["dna"] == "ACGT"
    assert point["peptide"] == ["Ala", "Gly"]
    assert list(point["mix"]) == ["THF", "1,4-dioxane", "water"]
    kinds = {name: type(value) for name, value in point.items()}
    assert kinds == {
        "T": float, "n": int, "flag": bool, "k": int, "o": int, "c": str, "mix": dict, "dna": str, "peptide": list, "epochs": int,
        "mesh": str, "source": str, "task": str, "batch": int, "room": float, "wind": float, "rain": bool,
    }  # fmt: skip
    assert EVERYTHING.validate(point) == point
    assert json.loads(json.dumps(point)) == point
    assert EVERYTHING.roles["epochs"] == "fidelity"
    assert EVERYTHING.roles["T"] == "decision"
    assert set(EVERYTHING.roles.values()) == {"decision", "fidelity", "source", "task", "context", "environment"}
    assert EVERYTHING.targets == {"epochs": 81, "mesh": "fine", "source": "tunnel"}


GOOD = {"C": 1.0, "kernel": "poly", "degree": 4, "coef0": 0.5, "deep": True}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"C": 1e4}, r"trial: C=10000.0 is out of range; it must lie between 0.001 and 1000.0"),
        ({"C": "1"}, "C='1' is a str; it must be a number"),
        ({"C": True}, "C=True is a bool; it must be a number"),
        ({"C": float("nan")}, "C=nan must be a finite number"),
        ({"C": None}, "C=None is a NoneType"),
        ({"degree": 2.5}, "degree=2.5 is not a whole number; the nearest is 2"),
        ({"degree": 6}, "degree=6 is out of range"),
        ({"kernel": "ploy"}, "did you mean 'poly'"),
        ({"kernel": ["poly"]}, "is not one of the choices"),
        ({"deep": 1}, "deep=1 is a int; it must be True or False"),
        ({"kernel": "rbf"}, "degree=4 is given but inactive, since kernel == 'poly' does not hold; leave it out"),
        ({"kernal": "rbf"}, "unknown parameter 'kernal'; did you mean 'kernel'"),
        ({"degree": 3}, "deep=True is given but inactive"),
        ({"C": ...}, "parameter 'C' is missing"),
        ({"coef0": ...}, "parameter 'coef0' is missing; it is Float"),
        ({"C": 50.0}, r"the constraint 'C \* degree <= 100' does not hold at C=50.0, degree=4"),
    ],
)
def test_refused_points(change: dict, message: str) -> None:
    params = {name: value for name, value in {**GOOD, **change}.items() if value is not ...}
    with pytest.raises(OutOfRange, match=message):
        SVC.validate(params, what="trial")
    assert not SVC.contains(params)


@pytest.mark.parametrize(
    ("mix", "message"),
    [
        ({"THF": 50, "water": 50}, "no share of 1,4-dioxane"),
        ({"THF": 50, "water": 50, "1,4-dioxane": 0, "DMF": 0}, "unknown component 'DMF'"),
        ({"THF": 40, "water": 50, "1,4-dioxane": 0}, "add up to 90.0; they must add up to total=100"),
        ({"THF": 40, "water": 50, "1,4-dioxane": 10}, "3 components are used"),
        ({"THF": 110, "water": -10, "1,4-dioxane": 0}, "mix.water=-10.0 is negative"),
        (100, "must map each of THF, 1,4-dioxane, water to its share"),
    ],
)
def test_refused_mixtures(mix: object, message: str) -> None:
    with pytest.raises(OutOfRange, match=message):
        EVERYTHING.validate({"mix": mix}, partial=True)


def test_refused_words_steps_and_levels() -> None:
    for params, message in [
        ({"dna": "ACG"}, "has 3 letters; it must have 4"),
        ({"dna": "ACGU"}, "'U' is not in the alphabet"),
        ({"T": 20.3}, "the nearest values are 20.0 and 20.5"),
        ({"o": 33}, "the nearest is 32"),
        ({"c": "lab 4"}, "differs from its fixed value 'lab 3'"),
        ({"k": False}, "is not one of the choices"),
    ]:
        with pytest.raises(OutOfRange, match=message):
            EVERYTHING.validate(params, partial=True)


def test_least_share_and_step_of_mixtures() -> None:
    space = Space({"m": Simplex(["a", "b"], min_share=0.1), "g": Simplex(["a", "b"], step=0.05)})
    with pytest.raises(OutOfRange, match=r"m.a=0.05 is less than min_share=0.1; leave the component out with 0"):
        space.validate({"m": {"a": 0.05, "b": 0.95}}, partial=True)
    with pytest.raises(OutOfRange, match="not a multiple of step=0.05"):
        space.validate({"g": {"a": 0.07, "b": 0.93}}, partial=True)
    assert space.validate({"g": {"a": 0.1 + 0.2, "b": 0.7}}, partial=True)["g"] == {"a": 0.3, "b": 0.7}


def test_outside_checks_types_but_not_ranges() -> None:
    point = SVC.validate({**GOOD, "C": -5.0, "degree": 9}, outside=True)
    assert point["C"] == -5.0
    assert np.isfinite(SVC.encode([point])).all()
    with pytest.raises(OutOfRange, match="unknown parameter"):
        SVC.validate({**GOOD, "x": 1}, outside=True)
    with pytest.raises(OutOfRange, match="is not one of the choices"):
        SVC.validate({**GOOD, "kernel": "laplace"}, outside=True)
    with pytest.raises(OutOfRange, match="must be a number"):
        SVC.validate({**GOOD, "C": "high"}, outside=True)


def test_partial_points() -> None:
    assert SVC.validate({"degree": 3.0}, partial=True) == {"degree": 3}
    assert SVC.validate({}, partial=True) == {}
    with pytest.raises(OutOfRange, match="inactive"):
        SVC.validate({"kernel": "rbf", "degree": 3}, partial=True)
    with pytest.raises(OutOfRange, match="does not hold"):
        SVC.validate({"C": 50, "kernel": "poly", "degree": 3}, partial=True)


def test_activity() -> None:
    assert SVC.active({"kernel": "rbf"}) == ("C", "kernel")
    assert SVC.active({"kernel": "sigmoid"}) == ("C", "kernel", "coef0")
    assert SVC.active({"kernel": "poly", "degree": 4}) == ("C", "kernel", "degree", "coef0", "deep")
    assert SVC.active({"kernel": "poly"}) == ("C", "kernel", "degree", "coef0")
    with pytest.raises(OutOfRange, match="degree='4'"):
        SVC.active({"kernel": "poly", "degree": "4"})


def test_constraints_hold_where_a_parameter_is_inactive() -> None:
    assert SVC.satisfies({"C": 1000.0, "kernel": "rbf"})
    assert not SVC.satisfies({"C": 1000.0, "kernel": "poly", "degree": 2})


def test_sums_of_decimals_may_touch_a_linear_bound() -> None:
    space = Space({"a": Float(0, 1), "b": Float(0, 1)}, ["a + b <= 0.3"])
    assert 0.1 + 0.2 > 0.3
    assert space.contains({"a": 0.1, "b": 0.2})
    assert not space.contains({"a": 0.1, "b": 0.2 + 1e-8})
    strict = Space({"a": Float(0, 1), "b": Float(0, 1)}, ["a + b < 0.3"])
    assert not strict.contains({"a": 0.1, "b": 0.2})
    whole = Space({"n": Int(0, 10**9), "m": Int(0, 10**9)}, ["n + m <= 1000000000"])
    assert not whole.contains({"n": 10**9, "m": 1})


def test_cardinality_counts_the_tree() -> None:
    tree = Space({"k": Categorical(["a", "b"]), "n": Int(1, 3, when={"k": "b"}), "deep": Bool(when="n == 3"), "o": Ordinal([1, 2])})
    assert tree.cardinality == 2 * (1 + 2 + 2)
    assert len(list(tree.enumerate())) == tree.cardinality
    assert len({tree.key(point) for point in tree.enumerate()}) == tree.cardinality
    assert SVC.cardinality is None
    words = Space({"w": Sequence("ACGT", 3), "m": Simplex(["a", "b", "c"], step=0.25, max_nonzero=2)})
    assert words.cardinality == 64 * (3 + 3 * 3)
    assert len(list(words.enumerate())) == words.cardinality
    assert Space({f"b{i}": Bool() for i in range(200)}).cardinality == 2**200


def test_enumerate_and_grid() -> None:
    space = Space({"n": Int(1, 3), "x": Float(0, 1, step=0.5)}, ["n + x <= 3"])
    assert [tuple(p.values()) for p in space.enumerate()] == [(1, 0.0), (1, 0.5), (1, 1.0), (2, 0.0), (2, 0.5), (2, 1.0), (3, 0.0)]
    with pytest.raises(Unsupported, match=r"infinite \(through C, coef0\)"):
        SVC.enumerate()
    continuous = Space({"x": Float(1, 100, log=True), "m": Simplex(["a", "b"])})
    grid = list(continuous.grid(3))
    assert [p["x"] for p in grid[::3]] == pytest.approx([1, 10, 100])
    assert [p["m"]["a"] for p in grid[:3]] == [0, 0.5, 1]
    lazily = Space({f"x{i}": Float(0, 1) for i in range(30)}).grid(10)
    assert next(lazily)["x0"] == 0


def test_key() -> None:
    space = Space({"k": Categorical([True, 1, "1"]), "x": Float(0, 1, when={"k": True})})
    keys = {space.key(p) for p in ({"k": 1}, {"k": "1"}, {"k": True, "x": 1.0}, {"k": True, "x": 0.0})}
    assert len(keys) == 4
    assert space.key({"k": True, "x": 1}) == space.key({"k": True, "x": 1.0})
    assert EVERYTHING.key({"peptide": ["Ala", "Gly"]}) == EVERYTHING.key({"peptide": ("Ala", "Gly")})


def test_json_and_equality() -> None:
    data = json.loads(json.dumps(EVERYTHING.to_json()))
    assert data["parameters"]["T"] == {"float": [20.0, 80.0], "step": 0.5, "unit": "°C", "input_sd": 1.0}
    assert data["parameters"]["mesh"] == {"fidelity": {"coarse": 1.0, "fine": 20.0}}
    assert data["parameters"]["batch"] == {"context": {"ordinal": [1, 2, 3]}}
    assert data["constraints"] == list(EVERYTHING.constraints)
    assert Space.from_json(data) == EVERYTHING
    assert pickle.loads(pickle.dumps(EVERYTHING)) == EVERYTHING
    assert Space({"k": Categorical([1])}) != Space({"k": Categorical([True])})
    assert Space({"a": Bool(), "b": Bool()}) != Space({"b": Bool(), "a": Bool()})
    assert Space({"a": Bool()}) != {"a": Bool()}


def test_study_file_form() -> None:
    data = {
        "T": {"float": [20, 80], "step": 1, "unit": "°C"},
        "kernel": {"categorical": ["rbf", "poly"]},
        "degree": {"int": [2, 5], "when": {"kernel": "poly"}},
        "flag": "bool",
        "constraints": ["T * degree <= 300"],
    }
    space = Space.from_json(data)
    assert space.parameters["degree"] == Int(2, 5, when={"kernel": "poly"})
    assert space.parameters["flag"] == Bool()
    assert space.constraints == ("T * degree <= 300",)
    tricky = Space({"parameters": Bool(), "constraints": Bool(), "float": Float(0, 1)})
    assert Space.from_json(tricky.to_json()) == tricky


def test_repr_is_a_program() -> None:
    names = {cls.__name__: cls for cls in (Bool, Categorical, Context, Environment, Fidelity, Fixed, Float, Int, Normal, Ordinal, Sequence)}
    names |= {cls.__name__: cls for cls in (Simplex, Source, Space, Task, Uniform)}
    for space in (SVC, EVERYTHING):
        assert eval(repr(space), names) == space
    assert repr(Float(0, 1)) == "Float(0.0, 1.0)"


def test_immutable() -> None:
    with pytest.raises(TypeError):
        SVC.parameters["new"] = Bool()  # type: ignore[index]
    choices, when = ["a", "b"], {"k": ["a"]}
    space = Space({"k": Categorical(choices), "x": Float(0, 1, when=when)})
    choices.append("c")
    when["k"].append("b")
    assert space.parameters["k"] == Categorical(["a", "b"])
    assert space.to_json()["parameters"]["x"]["when"] == {"k": ["a"]}


def test_names_that_are_words_of_the_language() -> None:
    space = Space({"lambda": Float(0, 1), "in": Float(0, 1), "two words": Float(0, 1), "optim.lr": Float(0, 1)}, ["lambda + `in` <= 1"])
    bound = Space(dict(space.parameters), ["`two words` + optim.lr <= 0.5"])
    assert bound.contains({"lambda": 0.9, "in": 0.9, "two words": 0.1, "optim.lr": 0.4})
    assert not bound.contains({"lambda": 0.9, "in": 0.9, "two words": 0.2, "optim.lr": 0.4})


def test_plain() -> None:
    assert Space({"x": Float(0, 1), "n": Int(1, 9)}).plain
    assert not SVC.plain
    assert not Space({"x": Float(0, 1), "k": Bool()}).plain


def test_costs_of_fidelities_and_sources() -> None:
    assert Fidelity(1, 81, cost=(2, 82)).cost_at(41) == 42
    assert Fidelity({"coarse": 1, "fine": 20}).cost_at("fine") == 20
    assert Fidelity(0, 1).cost_at(0.3) == 1
    assert Source({"a": 3, "b": 4}).cost_at("a") == 3


MODULE = "def keeps(params):\n    return params['x'] + params['y'] <= 1\n"


def test_callables_are_recorded_with_their_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    path = tmp_path / "bbo_test_constraints.py"
    path.write_text(MODULE)
    module = importlib.import_module("bbo_test_constraints")
    try:
        space = Space({"x": Float(0, 1), "y": Float(0, 1)}, [module.keeps])
        data = json.loads(json.dumps(space.to_json(durable=True)))
        assert data["constraints"][0]["callable"] == "bbo_test_constraints:keeps"
        again = Space.from_json(data)
        assert again == space
        assert not again.contains({"x": 0.9, "y": 0.9})
        data["constraints"][0]["sha256"] = "0" * 64
        with pytest.raises(InvalidSpace, match="the source of the constraint bbo_test_constraints:keeps changed since it was recorded"):
            Space.from_json(data)
    finally:
        sys.modules.pop("bbo_test_constraints")


def test_lambdas_stay_in_memory() -> None:
    space = Space({"x": Float(0, 1)}, [lambda p: p["x"] < 0.5])
    assert space.to_json()["constraints"][0]["callable"].endswith("<lambda>")
    with pytest.raises(InvalidSpace, match=r"cannot be stored.*Move it into a module, write it as an expression"):
        space.to_json(durable=True)
    assert all(p["x"] < 0.5 for p in space.sobol(20, seed=0))
    study = bbo.Study(space, optimizer="sobol", seed=0)
    assert all(trial["x"] < 0.5 for trial in study.ask(10))


def test_decode_refuses_what_is_no_point() -> None:
    space = Space({"x": Float(0, 1), "y": Float(0, 1)})
    with pytest.raises(OutOfRange, match=r"shape \(1, 3\); it must be n x 2"):
        space.decode([[0.1, 0.2, 0.3]])
    with pytest.raises(OutOfRange, match="NaN or infinity"):
        space.decode([[0.1, float("nan")]])
    assert space.decode(np.empty((0, 2))) == []
    assert space.encode([]).shape == (0, 2)


def test_cardinality_of_conditions_on_large_ranges_is_bounded_and_quick() -> None:
    space = Space({"i": Int(1, 10**9), "j": Int(1, 10**9, when="i >= 5"), "k": Bool(when="j >= 7")})
    assert space.cardinality == 2 * 10**18
