"""Hypothesis strategies: random spaces of all kinds, and points of a space as people would write them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import reject
from hypothesis import strategies as st

from bbo.errors import InvalidSpace
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
    Parameter,
    Sequence,
    Simplex,
    Source,
    Space,
    Task,
    Uniform,
)

_LABELS = ["rbf", "poly", "NO", "", "é", "a b", None, True, False, 0, 1, 2.5, "1"]


@st.composite
def floats(draw: st.DrawFn) -> Float:
    """Continuous numbers: linear, logarithmic, or with a decimal step."""
    kind = draw(st.sampled_from(["linear", "log", "step"]))
    if kind == "log":
        low = draw(st.sampled_from([1e-6, 1e-3, 0.1, 0.5, 1.0, 20.0]))
        return Float(low, low * draw(st.sampled_from([1.5, 10.0, 1e3, 1e9])), log=True)
    if kind == "step":
        step = draw(st.sampled_from([0.1, 0.25, 0.5, 0.05, 1.0, 5.0]))
        first, count = draw(st.integers(-20, 20)), draw(st.integers(1, 200))
        return Float(round(first * step, 10), round((first + count) * step, 10), step=step)
    low = draw(st.one_of(st.sampled_from([0.0, -1.0, 20.0, -273.15, 1e-9, 1e6]), st.floats(-1e6, 1e6, allow_nan=False)))
    return Float(low, low + draw(st.sampled_from([1.0, 0.1, 60.0, 1e3, 1e7])), unit=draw(st.sampled_from(["", "°C"])))


@st.composite
def ints(draw: st.DrawFn) -> Int:
    """Whole numbers: linear, logarithmic, or with a step."""
    kind = draw(st.sampled_from(["linear", "log", "step"]))
    low = draw(st.integers(1, 20) if kind == "log" else st.integers(-50, 50))
    if kind == "step":
        step = draw(st.integers(2, 16))
        return Int(low, low + step * draw(st.integers(1, 20)), step=step)
    return Int(low, low + draw(st.sampled_from([1, 2, 7, 100, 5000, 10**6])), log=kind == "log")


@st.composite
def simplices(draw: st.DrawFn) -> Simplex:
    """Mixtures: whole, few components, least shares, steps."""
    names = ["THF", "water", "EtOH", "1,4-dioxane", "DMF", "x"][: draw(st.integers(2, 6))]
    total = draw(st.sampled_from([1.0, 100.0, 3.7]))
    most = draw(st.one_of(st.none(), st.integers(1, len(names))))
    kind = draw(st.sampled_from(["continuous", "least", "step"]))
    least = round(total * 0.05, 10) if kind == "least" else None
    return Simplex(names, total=total, max_nonzero=most, min_share=least, step=round(total / 20, 10) if kind == "step" else None)


def categoricals() -> st.SearchStrategy[Categorical]:
    """Choices of several types, True beside 1 among them."""
    return st.lists(st.sampled_from(_LABELS), min_size=1, max_size=6, unique_by=lambda c: (type(c) is bool, c)).map(Categorical)


def ordinals() -> st.SearchStrategy[Ordinal]:
    """Increasing numbers."""
    values = st.lists(st.sampled_from([-3, 0, 0.1, 1, 2, 4, 8, 16.5, 100, 1000]), min_size=1, max_size=6, unique=True)
    return values.map(lambda found: Ordinal(sorted(found)))


def sequences() -> st.SearchStrategy[Sequence]:
    """Words over small alphabets."""
    return st.builds(Sequence, st.sampled_from(["ACGT", "01", ["Ala", "Gly"], "é"]), st.integers(1, 6))


def played() -> st.SearchStrategy[Parameter]:
    """Parameters with a role other than decision."""
    return st.sampled_from(
        [
            Fidelity(0.0, 1.0, cost=(1, 10)),
            Fidelity(1, 81, integer=True, log=True),
            Fidelity({"coarse": 1, "fine": 20}),
            Source({"simulation": 1, "tunnel": 500}),
            Task(["a", "b"]),
            Context(Float(0, 40)),
            Context(Categorical(["wet", "dry"])),
            Environment(Normal(20, 2)),
            Environment(Uniform(-1, 1)),
            Environment({"wet": 0.3, "dry": 0.7}),
        ]
    )


def decisions(*, mixtures: bool = True, words: bool = True) -> st.SearchStrategy[Parameter]:
    """Decision parameters of every kind."""
    kinds: list[st.SearchStrategy[Any]] = [
        floats(),
        floats(),
        ints(),
        st.builds(Bool),
        categoricals(),
        ordinals(),
        st.builds(Fixed, st.sampled_from(_LABELS)),
    ]
    return st.one_of(*kinds, *([simplices()] if mixtures else []), *([sequences()] if words else []))


@st.composite
def spaces(
    draw: st.DrawFn,
    *,
    max_parameters: int = 6,
    conditions: bool = True,
    constraints: bool = False,
    mixtures: bool = True,
    words: bool = True,
    roles: bool = True,
) -> Space:
    """Random spaces.

    Args:
        draw: Given by hypothesis.
        max_parameters: Largest number of parameters.
        conditions: Whether some parameters hang on others.
        constraints: Whether to add linear, product and `nonzero` constraints, which hold somewhere by construction.
        mixtures: Whether to include `Simplex`.
        words: Whether to include `Sequence`.
        roles: Whether to include parameters with other roles than decision.
    """
    parameters, texts = draw(
        definitions(
            max_parameters=max_parameters, conditions=conditions, constraints=constraints, mixtures=mixtures, words=words, roles=roles
        )
    )
    try:
        return Space(parameters, texts)
    except InvalidSpace:  # a satisfiable one is refused so rarely that a test of `definitions` can count it
        reject()


@st.composite
def definitions(
    draw: st.DrawFn,
    *,
    max_parameters: int = 6,
    conditions: bool = True,
    constraints: bool = False,
    mixtures: bool = True,
    words: bool = True,
    roles: bool = True,
) -> tuple[dict[str, Parameter], list[str]]:
    """Parameters and constraints that hold together somewhere, however thin; arguments as for `spaces`."""
    count = draw(st.integers(1, max_parameters))
    kinds = decisions(mixtures=mixtures, words=words)
    parameters: dict[str, Parameter] = {}
    for i in range(count):
        parameter = draw(st.one_of(kinds, kinds, kinds, played()) if roles else kinds)
        if conditions and i and draw(st.booleans()):
            when = _condition(draw, parameters)
            if when is not None:
                parameter = _with_condition(parameter, when)
        parameters[f"p{i}"] = parameter
    if draw(st.booleans()):  # parents may stand behind their children
        parameters = dict(reversed(parameters.items()))
    space = Space(parameters)
    if not constraints:
        return parameters, []
    seed = draw(st.integers(0, 2**32 - 1))
    anchor = space.sample(1, np.random.default_rng(seed))[0]
    found = [_constraint(draw, space, anchor) for _ in range(draw(st.integers(1, 3)))]
    return parameters, [text for text in found if text is not None]


def _with_condition(parameter: Parameter, when: Any) -> Parameter:
    from dataclasses import replace

    return replace(parameter, when=when)


def _condition(draw: st.DrawFn, parameters: dict[str, Parameter]) -> Any:
    name = draw(st.sampled_from(sorted(parameters)))
    parent = parameters[name]
    if isinstance(parent, (Categorical, Bool, Ordinal)):
        values = list(parent.grid(1))
        chosen = draw(st.lists(st.sampled_from(range(len(values))), min_size=1, max_size=2, unique=True))
        return {name: values[chosen[0]] if len(chosen) == 1 else [values[k] for k in chosen]}
    if isinstance(parent, (Float, Int)):
        middle = next(iter(parent.grid(1))) if parent.cardinality is None else parent.decode(np.array([[0.5]]))[0]
        return f"{name} {draw(st.sampled_from(['>=', '<=']))} {middle!r}"
    return None


def _constraint(draw: st.DrawFn, space: Space, anchor: dict[str, Any]) -> str | None:
    env = space._tree.env(anchor)
    names = [name for name, kind in space._tree.types.items() if kind == "number" and name in env]
    continuous = [name for name in names if isinstance(p := space.parameters[space._tree.owner[name]], (Float, Simplex)) and p.step is None]
    kind = draw(st.sampled_from(["<=", ">=", "==", "*", "nonzero"]))
    pool = continuous if kind == "==" else names
    if len(pool) < 2:
        return None
    chosen = draw(st.lists(st.sampled_from(pool), min_size=2, max_size=4, unique=True))
    quoted = [f"`{name}`" for name in chosen]
    if kind == "nonzero":
        return f"nonzero({', '.join(quoted)}) <= {sum(env[name] != 0 for name in chosen)}"
    if kind == "*":
        product = env[chosen[0]] * env[chosen[1]]
        return f"{quoted[0]} * {quoted[1]} <= {product + 0.1 * abs(product) + 1e-3!r}"
    weights = [draw(st.sampled_from([1, 2, -1, 0.5])) for _ in chosen]
    value = math.fsum(weight * env[name] for weight, name in zip(weights, chosen, strict=True))
    slack = draw(st.sampled_from([0.0, 0.01])) * sum(abs(weight * env[name]) for weight, name in zip(weights, chosen, strict=True))
    bound = value if kind == "==" else value + slack if kind == "<=" else value - slack
    return f"{' + '.join(f'{weight} * {name}' for weight, name in zip(weights, quoted, strict=True))} {kind} {bound!r}"


@st.composite
def points(draw: st.DrawFn, space: Space) -> dict[str, Any]:
    """A point of the space drawn in native units: decimals, bounds, their neighbours; known constraints are left aside."""
    values = {name: draw(_values(parameter)) for name, parameter in space.parameters.items()}
    return space._tree.prune(values)


def _values(parameter: Parameter) -> st.SearchStrategy[Any]:
    inner = getattr(parameter, "inner", parameter)
    if isinstance(inner, Float) and inner.step is None:
        low, high = inner.low, inner.high
        edges = [low, high, math.nextafter(low, math.inf), math.nextafter(high, -math.inf)]
        decimals = st.builds(round, st.floats(low, high), st.integers(0, 6))
        return st.one_of(st.sampled_from(edges), st.floats(low, high), decimals.filter(lambda x: low <= x <= high))
    if isinstance(inner, Simplex):
        return _mixtures(inner)
    if isinstance(inner, Int) and inner.step is None:
        return st.one_of(st.sampled_from([inner.low, inner.high]), st.integers(inner.low, inner.high))
    if isinstance(inner, Sequence):
        letters = st.lists(st.sampled_from(list(inner.alphabet)), min_size=inner.length, max_size=inner.length)
        return letters.map(lambda found: inner.check(found, "word"))
    return st.sampled_from(list(inner.grid(1)))


def _mixtures(simplex: Simplex) -> st.SearchStrategy[Any]:
    shape = simplex.shape

    def typed(weights: list[int]) -> Any:
        row = np.array([weights], dtype=float) + 1e-3
        shares = shape.project(row / row.sum() * simplex.total)
        return simplex.check(dict(zip(simplex.names, shares[0].tolist(), strict=True)), "mix")

    entered: Callable[[float], Any] = lambda u: simplex.check(simplex.draw(np.full((1, simplex.draws), u))[0], "mix")  # noqa: E731
    weights = st.lists(st.integers(0, 10), min_size=len(simplex.names), max_size=len(simplex.names))
    return st.one_of(weights.map(typed), st.floats(0, 1, exclude_max=True).map(entered))
