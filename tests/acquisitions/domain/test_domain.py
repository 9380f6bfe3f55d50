"""Domains of spaces: membership agrees with the space in both units, constraints become linear where they are."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from acquisitions.domain import Domain, EmptyDomain, Linear, Opaque, UnsupportedDomain
from bbo.errors import InvalidSpace
from bbo.space import Bool, Categorical, Fixed, Float, Int, Ordinal, Simplex, Space
from bbo.testing.strategies import spaces

QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]

MIXED = Space(
    {
        "x": Float(-1, 3),
        "y": Float(1, 100, log=True),
        "n": Int(0, 4),
        "m": Int(2, 10, step=2),
        "o": Ordinal([1, 2, 10]),
        "s": Float(0, 1, step=0.25),
        "c": Fixed(2),
        "mix": Simplex(["a", "b"], total=100),
        "k": Categorical(["u", "v"]),
    },
    ["x + 2 * n - m + o + s + mix.a / 100 <= c + 5", "x + y <= 50", "k == 'u' or x <= 1", "0 <= x + s"],
)


def test_constraints_become_linear_where_they_are() -> None:
    for units in ("cube", "native"):
        domain = MIXED.domain(units)
        kinds = [(type(constraint), constraint.text) for constraint in domain.constraints]
        text = MIXED.constraints
        assert kinds == [(Linear, text[0]), (Opaque, text[1]), (Opaque, text[2]), (Linear, text[3])]


@pytest.mark.parametrize("units", ["cube", "native"])
def test_linear_constraints_agree_with_the_space(units: str) -> None:
    free = Space(dict(MIXED.parameters))
    points = free.sample(400, np.random.default_rng(0))
    domain = MIXED.domain(units)
    X = free.encode(points) if units == "cube" else native(points)
    assert domain.contains(X).tolist() == [MIXED.contains(point) for point in points]
    assert 20 < domain.contains(X).sum() < 380


CURVED = {
    "c": Categorical(["u", "v", "w"]),
    "lr": Float(1e-4, 1, log=True),
    "n": Int(1, 10),
    "k": Int(1, 50, log=True, when={"c": ["u", "v"]}),
    "t": Float(0, 2, step=0.1, when={"c": "v"}),
    "z": Float(0, 1, when="n >= 4"),
    "y": Float(-1, 1),
    "mix": Simplex(["a", "b", "d"]),
}


@pytest.mark.parametrize(
    "text",
    [
        "lr * n <= 0.5",
        "lr * k * n < 2",
        "t ** 2 + y ** 2 <= 1",
        "c == 'u' or y * lr <= 0.01",
        "k in [1, 2, 3] or t > 0.5 or y > 0",
        "mix.a * mix.b <= 0.1",
        "z * y <= 0.2",
        "y * t >= -0.5 and k * lr <= 3",
    ],
)
def test_curved_constraints_agree_with_the_space(text: str) -> None:
    free, space = Space(CURVED), Space(CURVED, [text])
    points = free.sample(400, np.random.default_rng(0))
    X, domain = free.encode(points), space.domain()
    kept = [space.contains(point) for point in points]
    assert domain.contains(X).tolist() == kept
    assert 20 < sum(kept) < 400
    over = [constraint.excess(X) for constraint in domain.constraints if isinstance(constraint, Opaque) and constraint.excess]
    if len(over) == len(domain.constraints):
        assert np.all(np.stack(over) <= 1e-9, axis=0).tolist() == kept


def native(points: list[dict]) -> np.ndarray:
    k = {"u": 0.25, "v": 0.75}
    rows = [[p["x"], p["y"], p["n"], p["m"], p["o"], p["s"], p["mix"]["a"], p["mix"]["b"], k[p["k"]]] for p in points]
    return np.array(rows, dtype=float)


def test_native_bounds_and_levels() -> None:
    domain = MIXED.domain("native")
    assert domain.bounds.T.tolist() == [[-1, 3], [1, 100], [0, 4], [2, 10], [1, 10], [0, 1], [0, 100], [0, 100], [0, 1]]
    assert domain.columns[2].levels == (0, 1, 2, 3, 4)
    assert domain.columns[3].levels == (2, 4, 6, 8, 10)
    assert domain.columns[4].levels == (1, 2, 10)
    assert np.allclose(domain.columns[5].levels, (0, 0.25, 0.5, 0.75, 1))


@settings(max_examples=40, deadline=None, suppress_health_check=QUIET, derandomize=True)
@given(spaces(constraints=True, max_parameters=5), st.integers(0, 2**32 - 1))
def test_encoded_points_lie_in_the_domain(space: Space, seed: int) -> None:
    domain = space.domain()
    assert isinstance(domain, Domain)
    assert domain.contains(space.encode(space.sample(3, np.random.default_rng(seed)))).all()


@settings(max_examples=40, deadline=None, suppress_health_check=QUIET, derandomize=True)
@given(spaces(), st.integers(0, 2**32 - 1))
def test_samples_of_the_domain_are_points_of_the_space(space: Space, seed: int) -> None:
    domain = space.domain()
    X = domain.sample(3, np.random.default_rng(seed))
    assert domain.contains(X).all()
    again = space.encode(space.decode(X))
    close = np.abs(again - X) < 1e-9
    free = [i for i, column in enumerate(domain.columns) if column.kind != "integer" or column.levels]
    conditioned = any(column.parent is not None and column.parent.values is None for column in domain.columns)
    assert conditioned or close[:, free].all()


def test_sampling_projection_and_oracle_under_linear_constraints() -> None:
    space = Space(
        {"x": Float(0, 10), "y": Float(0, 10), "z": Float(-1, 1), "mix": Simplex(["a", "b", "c"])}, ["x + y == 7", "mix.a >= 2 * mix.b"]
    )
    for units in ("cube", "native"):
        domain = space.domain(units)
        rng = np.random.default_rng(1)
        X = domain.sample(200, rng)
        assert domain.contains(X).all()
        P = domain.project(rng.uniform(-1, 2, (20, 6)) * domain.bounds[1])
        assert domain.contains(P).all()
        G = rng.standard_normal((10, 6))
        V = domain.lmo(G)
        assert domain.contains(V).all()
        assert np.all(np.einsum("ij,ij->i", G, V)[:, None] <= G @ X.T + 1e-9)


def test_shape_by_shape_without_constraints() -> None:
    domain = Space({"k": Bool(), "mix": Simplex(["a", "b", "c"], max_nonzero=2), "x": Float(0, 1)}).domain()
    X = domain.project(np.array([[0.4, 0.5, 0.4, 0.3, 2.0]]))
    assert np.allclose(X, [[0.25, 0.55, 0.45, 0.0, 1.0]])
    assert domain.lmo(np.array([[-1.0, 3.0, 1.0, 2.0, 1.0]])).tolist() == [[0.75, 0.0, 1.0, 0.0, 0.0]]


def test_refusals_are_honest() -> None:
    opaque = Space({"x": Float(0, 1), "y": Float(0, 1)}, ["x * y <= 0.5"]).domain()
    tree = Space({"k": Bool(), "x": Float(0, 1, when={"k": True})}).domain()
    levels = Space({"n": Int(0, 9), "x": Float(0, 1)}, ["n + x <= 4.5"]).domain()
    for domain, message in [(opaque, r"'x \* y <= 0.5'"), (tree, "tree"), (levels, r"'n \+ x <= 4.5'")]:
        with pytest.raises(UnsupportedDomain, match=message):
            domain.project(np.zeros((1, 2)))
        with pytest.raises(UnsupportedDomain, match=message):
            domain.lmo(np.zeros((1, 2)))
        X = domain.sample(50, np.random.default_rng(0))
        assert domain.contains(X).all()
    thin = Space({"x": Float(0, 1), "y": Float(0, 1)}, ["x * y == 0.5"]).domain()
    with pytest.raises(UnsupportedDomain, match="use the sampler of the space"):
        thin.sample(5, np.random.default_rng(0))


def test_inactive_entries_do_not_matter_and_stand_in_the_middle() -> None:
    space = Space({"k": Categorical(["a", "b"]), "x": Float(0, 1, when={"k": "b"}), "n": Int(1, 3, when="x > 0.5")})
    domain = space.domain()
    assert domain.contains(np.array([[0.25, 77.0, 0.111], [0.75, 77.0, 0.5]])).tolist() == [True, False]
    X = domain.sample(50, np.random.default_rng(0))
    assert np.all(X[X[:, 0] == 0.25, 1] == 0.5)


def test_unknown_units() -> None:
    with pytest.raises(InvalidSpace, match="'cube' or 'native'"):
        MIXED.domain("raw")  # type: ignore[arg-type]


def test_contradiction() -> None:
    domain = Domain(
        Space({"x": Float(0, 1)}).columns,
        np.array([[0.0], [1.0]]),
        (Linear(np.ones(1), 2.0, np.inf, "x >= 2"),),
        Space({"x": Float(0, 1)}).domain().shapes,
    )
    with pytest.raises(EmptyDomain):
        domain.sample(1, np.random.default_rng(0))


def test_imports_numpy_alone() -> None:
    program = "import sys, acquisitions.domain; print(sorted({'bbo', 'scipy', 'torch', 'pandas'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout.strip() == "[]"
