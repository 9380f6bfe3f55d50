"""Sobol indices and derivative-based measures against closed forms."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import bbo
from bbo.model import CubeModel, importance, model_of
from bbo.model.sensitivity import indices
from bbo.objectives import Objective
from bbo.problem import Problem

Array = NDArray[np.float64]

BOX = {"x": bbo.Float(0, 10), "y": bbo.Float(-1, 1)}


def test_importances_of_a_linear_function_are_its_squared_coefficients(filled: Any) -> None:
    """f = 2x + y on the unit square: shares 4/5 and 1/5; a constant has no entry, a parameter without effect a share near 0."""
    space = {"k": bbo.Fixed(1), "z": bbo.Float(0, 1), "y": bbo.Float(0, 1), "x": bbo.Float(0, 1)}
    study = filled(space, {"f": lambda p: 2 * p["x"] + p["y"]}, n=32, objectives={"f": "minimize"})
    found = {entry.parameter: entry.value for entry in importance(study)}
    assert list(found) == ["x", "y", "z"]
    assert found["x"] == pytest.approx(0.8, abs=0.06)
    assert found["y"] == pytest.approx(0.2, abs=0.04)
    assert found["z"] < 0.02


def test_importances_of_each_outcome_and_of_a_whole_simplex(filled: Any) -> None:
    space = bbo.Space({"mix": bbo.Simplex(["A", "B", "C"]), "T": bbo.Float(20, 80), "kind": bbo.Categorical(["p", "q", "r"])})
    functions = {"f": lambda p: p["mix"]["A"], "g": lambda p: {"p": 0.0, "q": 1.0, "r": 3.0}[p["kind"]]}
    study = filled(space, functions, n=30, objectives={"f": "minimize", "g": "maximize"})
    found = {(entry.parameter, entry.outcome): entry.value for entry in importance(study)}
    assert len(found) == 6
    assert found["mix", "f"] > 0.8
    assert found["kind", "g"] > 0.8
    assert max(found["T", "f"], found["T", "g"], found["kind", "f"], found["mix", "g"]) < 0.2


def test_a_parent_is_charged_with_what_it_switches_on(filled: Any) -> None:
    space = bbo.Space({"on": bbo.Bool(), "x": bbo.Float(0, 1, when={"on": True})})
    study = filled(space, {"f": lambda p: p.get("x", -1.0)}, n=30, objectives={"f": "minimize"})
    found = {entry.parameter: entry.value for entry in importance(study)}
    assert found["on"] > found["x"] > 0


def test_equal_outcomes_have_no_variance_to_share(filled: Any) -> None:
    study = filled(BOX, {"value": lambda p: 3.0}, n=6)
    assert [(entry.value, entry.first) for entry in importance(study)] == [(0.0, 0.0)] * 2


# -- closed forms, without a model's error ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Known:
    """A model that is a known function of the unit cube; `slopes` by central differences."""

    f: Callable[[Array], Array]
    trials: tuple[int, ...] = (0, 1)
    outcomes: tuple[str, ...] = ("f",)
    score: Any = None
    constraints: Mapping[str, Any] = field(default_factory=dict)

    def predict(self, rows: Sequence[Mapping[str, Any]]) -> tuple[Array, Array]:
        raise AssertionError("points were decoded")

    def log_p_feasible(self, rows: Sequence[Mapping[str, Any]]) -> Array:
        raise AssertionError("points were decoded")

    def medians(self, X: Array) -> Array:
        return self.f(X)[:, None]

    def slopes(self, X: Array) -> Array:
        h = 1e-6
        return np.stack([self.medians(X + h * e) - self.medians(X - h * e) for e in np.eye(X.shape[1])], axis=2) / (2 * h)

    def leave_one_out(self) -> Mapping[str, Any]:
        return {}


@dataclass(frozen=True)
class Plain:
    """The same without gradients: it knows points of the space only."""

    known: Known
    space: bbo.Space
    outcomes: tuple[str, ...] = ("f",)

    def predict(self, rows: Sequence[Mapping[str, Any]]) -> tuple[Array, Array]:
        means = self.known.medians(self.space.encode(rows))
        return means, 0 * means

    def log_p_feasible(self, rows: Sequence[Mapping[str, Any]]) -> Array:
        return np.zeros(len(rows))


def unit(d: int) -> Problem:
    return Problem(bbo.Space({f"x{k}": bbo.Float(0, 1) for k in range(d)}), (Objective("f"),), seed=3)


def ishigami(U: Array) -> Array:
    x = np.pi * (2 * U - 1)
    return np.asarray(np.sin(x[:, 0]) + 7 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0]))


def ishigami_indices() -> tuple[list[float], list[float], list[float]]:
    """Total and first-order indices (Saltelli et al. 2010, section 5) and the derivative-based measures, a = 7 and b = 0.1."""
    pi, a, b = np.pi, 7.0, 0.1
    alone, second, joint = (1 + b * pi**4 / 5) ** 2 / 2, a**2 / 8, b**2 * pi**8 * (1 / 18 - 1 / 50)
    variance = alone + second + joint
    squares = [(1 + 2 * b * pi**4 / 5 + b**2 * pi**8 / 9) / 2, 2 * a**2 * 1 / 4, 8 * b**2 * pi**6 / 7]  # mean squared d/dx
    dgsm = [4 * pi**2 * square / (pi**2 * variance) for square in squares]  # x = pi (2 u - 1)
    return [(alone + joint) / variance, second / variance, joint / variance], [alone / variance, second / variance, 0.0], dgsm


def test_ishigami_function_within_the_stated_error() -> None:
    problem, (total, first, dgsm) = unit(3), ishigami_indices()
    found = {entry.parameter: entry for entry in indices(problem, Known(ishigami))}
    for k in range(3):
        entry = found[f"x{k}"]
        assert entry.value == pytest.approx(total[k], abs=4 * 0.012)
        assert entry.first == pytest.approx(first[k], abs=4 * 0.012)
        assert entry.dgsm == pytest.approx(dgsm[k], rel=0.05)
    plain = indices(problem, Plain(Known(ishigami), problem.space))
    assert [(entry.parameter, entry.dgsm) for entry in plain] == [("x0", None), ("x1", None), ("x2", None)]
    assert [entry.value for entry in plain] == pytest.approx([found[f"x{k}"].value for k in range(3)], abs=1e-9)


def test_large_models_get_fewer_points_and_larger_errors() -> None:
    total, first, _ = ishigami_indices()
    found = {entry.parameter: entry for entry in indices(unit(3), Known(ishigami, trials=tuple(range(2_000))))}
    assert [found[f"x{k}"].value for k in range(3)] == pytest.approx(total, abs=4 * 0.06)
    assert [found[f"x{k}"].first for k in range(3)] == pytest.approx(first, abs=4 * 0.06)


def test_the_bound_from_slopes_of_a_linear_function_is_twelve_over_pi_squared_of_its_share() -> None:
    """The variance of a u is a^2 / 12, and its squared slope a^2."""
    found = {entry.parameter: entry for entry in indices(unit(2), Known(lambda U: 3 * U[:, 0] - U[:, 1]))}
    for name, share in (("x0", 0.9), ("x1", 0.1)):
        assert found[name].value == pytest.approx(share, abs=0.01)
        assert found[name].first == pytest.approx(share, abs=0.02)
        assert found[name].dgsm == pytest.approx(12 / np.pi**2 * share, rel=0.01)


def test_interaction_is_in_the_total_and_not_in_the_first_order() -> None:
    """(u - 1/2)(v - 1/2): no effect of one alone."""
    for entry in indices(unit(2), Known(lambda U: (U[:, 0] - 0.5) * (U[:, 1] - 0.5))):
        assert entry.value == pytest.approx(1.0, abs=0.05)
        assert entry.first < 0.05
        assert entry.dgsm is not None and entry.dgsm >= entry.value


def test_levels_are_equally_likely() -> None:
    """Ordinal 1, 2, 100 by its index: shares by the variance of the three values, not of the gaps between them."""
    space = bbo.Space({"o": bbo.Ordinal([1, 2, 100]), "x": bbo.Float(0, 1)})
    (low, middle, high) = space.encode([{"o": value, "x": 0.5} for value in (1, 2, 100)])[:, 0]
    known = Known(lambda U: np.select([U[:, 0] == low, U[:, 0] == middle, U[:, 0] == high], [0.0, 1.0, 2.0], np.nan) + U[:, 1])
    found = {entry.parameter: entry for entry in indices(Problem(space, (Objective("f"),)), known)}
    assert found["o"].value == pytest.approx((2 / 3) / (2 / 3 + 1 / 12), abs=0.03)
    assert found["o"].dgsm is None
    assert found["x"].dgsm is not None


def test_only_single_continuous_parameters_that_decide_nothing_have_a_bound(filled: Any) -> None:
    space = bbo.Space(
        {"mix": bbo.Simplex(["A", "B"]), "k": bbo.Int(1, 5), "x": bbo.Float(0, 1), "y": bbo.Float(0, 1, when="x >= 0.5"), "b": bbo.Bool()}
    )
    study = filled(space, {"f": lambda p: p["x"] + 3 * p.get("y", 0.0)}, n=30, objectives={"f": "minimize"})
    found = {entry.parameter: entry for entry in importance(study)}
    assert {name for name, entry in found.items() if entry.dgsm is not None} == {"y"}
    assert found["x"].value > found["y"].value > max(found[name].value for name in ("mix", "k", "b"))


# -- the model's own answers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
@pytest.mark.parametrize("warp", [False, True])
def test_slopes_are_those_of_the_medians(filled: Any, direction: str, warp: bool) -> None:
    space = bbo.Space({"x": bbo.Float(0, 1), "y": bbo.Float(0.1, 10, log=True), "c": bbo.Categorical(["p", "q"])})
    functions = {"f": lambda p: np.exp(2 * p["x"]) + p["y"], "g": lambda p: p["x"] - (p["c"] == "p")}
    optimizer = bbo.Bayes(output_warp=warp)
    study = filled(space, functions, n=15, objectives={"f": direction}, outcome_constraints=["g <= 0.5"], optimizer=optimizer)
    model, _ = model_of(study)
    assert isinstance(model, CubeModel)
    points = space.sample(6, np.random.default_rng(2))
    X, h = space.encode(points), 1e-5
    slopes = model.slopes(X)
    assert slopes.shape == (6, 2, 3)
    for i in range(2):
        e = h * np.eye(3)[i]
        np.testing.assert_allclose(slopes[:, :, i], (model.medians(X + e) - model.medians(X - e)) / (2 * h), rtol=1e-5, atol=1e-5)
    mean, sd = model.predict(points)
    away = np.abs(model.medians(X) - mean)
    assert np.all(away[:, 1] < 1e-9)  # the evidence is against bending this constraint
    assert np.all(away[:, 0] < 1e-9) or warp
    assert np.all(away <= sd + 1e-9)  # no median is farther than that from the mean
