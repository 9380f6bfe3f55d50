"""The point that the model believes best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import bbo
from acquisitions.feasibility import LogProbabilityOfFeasibility, OutcomeConstraint
from bbo.model import predict, recommend

Array = NDArray[np.float64]

BOX = {"x": bbo.Float(0, 10), "y": bbo.Float(-1, 1)}


def test_recommends_the_models_best_point(filled: Any) -> None:
    study = filled(BOX, {"f": lambda p: (p["x"] - 7) ** 2 + 20 * (p["y"] - 0.3) ** 2}, n=30, objectives={"f": "minimize"})
    found = recommend(study)
    assert found.params["x"] == pytest.approx(7, abs=0.6)
    assert found.params["y"] == pytest.approx(0.3, abs=0.15)
    assert found.mean["f"] <= min(p.mean["f"] for p in predict(study, [t.params for t in study.trials]))
    assert "since sobol has no model" in found.note
    assert recommend(study) == found


def test_recommends_with_the_sign_of_a_maximized_objective(filled: Any) -> None:
    study = filled({"x": bbo.Float(0, 1)}, {"f": lambda p: p["x"]}, objectives={"f": "maximize"})
    assert recommend(study).params["x"] > 0.95


def test_recommends_a_point_that_is_feasible_rather_than_not(filled: Any) -> None:
    functions = {"f": lambda p: p["x"], "c": lambda p: p["x"]}
    study = filled(BOX, functions, n=25, objectives={"f": "minimize"}, outcome_constraints=["c >= 4"])
    found = recommend(study)
    assert found.p_feasible >= 0.5
    assert found.params["x"] == pytest.approx(4, abs=0.5)
    hopeless = filled(BOX, functions, n=25, objectives={"f": "minimize"}, outcome_constraints=["c >= 11"])
    found = recommend(hopeless)
    assert found.params["x"] > 9
    assert "likeliest" in found.note


def test_recommends_at_the_target_and_keeps_known_constraints(filled: Any) -> None:
    space = bbo.Space({"x": bbo.Float(0, 1), "y": bbo.Float(0, 1), "epochs": bbo.Fidelity(1, 10)}, constraints=["x + y <= 0.5"])
    study = filled(space, {"f": lambda p: -p["x"] - p["y"] + 1 / p["epochs"]}, n=20, objectives={"f": "minimize"})
    found = recommend(study)
    assert found.params["epochs"] == 10
    assert 0.4 < found.params["x"] + found.params["y"] <= 0.5 + 1e-12


def test_equal_outcomes_are_no_error(filled: Any) -> None:
    assert recommend(filled(BOX, {"value": lambda p: 3.0}, n=6)).mean["value"] == pytest.approx(3.0, abs=0.5)


MIXED = {"x": bbo.Float(0, 10), "k": bbo.Int(1, 9), "c": bbo.Categorical(["p", "q", "r"]), "y": bbo.Float(0, 1, when={"c": ["p", "q"]})}
MIXTURE = {"mix": bbo.Simplex(["A", "B", "C"]), "T": bbo.Float(20, 80)}


def mixed(p: Mapping[str, Any]) -> float:
    return float((p["x"] - 3) ** 2 / 4 + (p["k"] - 6) ** 2 / 3 + {"p": 0.0, "q": 2.0, "r": 3.0}[p["c"]] + 2 * abs(p.get("y", 0.5) - 0.2))


@pytest.mark.parametrize(
    ("space", "f"),
    [
        (bbo.Space(BOX), lambda p: (p["x"] - 7) ** 2 / 10 + np.sin(5 * p["y"])),
        (bbo.Space(BOX, constraints=["x + 4 * y <= 3"]), lambda p: -p["x"] - p["y"]),
        (bbo.Space(BOX, constraints=["x * y >= 1"]), lambda p: p["x"] + p["y"] ** 2),
        (bbo.Space(MIXED), mixed),
        (bbo.Space(MIXED, constraints=["x + k <= 7"]), mixed),
        (bbo.Space(MIXTURE, constraints=["mix.A >= 2 * mix.B"]), lambda p: (p["mix"]["B"] - 0.4) ** 2 + p["mix"]["C"] + p["T"] / 100),
    ],
    ids=["box", "linear", "nonlinear", "mixed", "mixed and linear", "mixture"],
)
@pytest.mark.parametrize("constrained", [False, True])
def test_no_random_point_is_believed_better(filled: Any, space: bbo.Space, f: Any, constrained: bool) -> None:
    """Known constraints hold, the chance of being feasible is even at least, and 3,000 random points hold nothing better."""
    first = space.names[0]
    functions = {"f": f, "g": lambda p: p[first]["A"] if first == "mix" else p[first]}
    bounds = ["g <= 0.8"] if first == "mix" else ["g <= 2.5"]
    told, bounds = (functions, bounds) if constrained else ({"f": f}, [])
    study = filled(space, told, n=24, objectives={"f": "minimize"}, outcome_constraints=bounds)
    found = recommend(study)
    assert space.contains(found.params)
    assert found.p_feasible >= 0.5
    others = [p for p in predict(study, space.sample(3_000, np.random.default_rng(7))) if p.p_feasible >= 0.5]
    assert len(others) > 20
    best, spread = min(p.mean["f"] for p in others), np.ptp([p.mean["f"] for p in others])
    assert found.mean["f"] <= best + 1e-6 * spread
    assert recommend(study) == found


def test_small_spaces_are_searched_whole(filled: Any) -> None:
    space = bbo.Space({"k": bbo.Int(1, 30), "c": bbo.Categorical(list("abcd"))})
    study = filled(space, {"f": lambda p: (p["k"] - 17) ** 2 + ord(p["c"])}, n=12, objectives={"f": "minimize"})
    points = list(space.enumerate())
    believed = [p.mean["f"] for p in predict(study, points)]
    assert recommend(study).params == points[int(np.argmin(believed))]


@dataclass(frozen=True)
class Disc:
    """A latent outcome ``r^2 - |x - centre|^2`` of known, constant standard deviation."""

    centre: Array
    radius: float
    sd: float = 1e-4

    def predict(self, X: Array) -> tuple[Array, Array]:
        return self.radius**2 - np.sum((X - self.centre) ** 2, axis=1), np.full(len(X), self.sd**2)

    def baseline(self, B: Array) -> Any:
        raise NotImplementedError

    def at(self, X: Array, baseline: Any = None) -> Any:
        mean, variance = self.predict(X)
        slope = -2 * (X - self.centre)
        return SimpleNamespace(mean=mean, variance=variance, covariance=None, pull=lambda d_mean, *_: d_mean[:, None] * slope)


@dataclass(frozen=True)
class Believed:
    """A model of which x is expected, and that y be feasible in a small disc; with gradients."""

    disc: Disc
    space: bbo.Space
    outcomes: tuple[str, ...] = ("f",)
    trials: tuple[int, ...] = (0, 1)

    @property
    def score(self) -> Any:
        slope = np.array([-1.0, 0.0])
        return SimpleNamespace(value=lambda X: X @ slope, value_and_gradient=lambda X: (X @ slope, np.tile(slope, (len(X), 1))))

    @property
    def constraints(self) -> Mapping[str, OutcomeConstraint]:
        return {"g": OutcomeConstraint(self.disc, lower=0.0)}

    def predict(self, rows: Sequence[Mapping[str, Any]]) -> tuple[Array, Array]:
        means = self.space.encode(rows)[:, :1]
        return means, 0 * means

    def log_p_feasible(self, rows: Sequence[Mapping[str, Any]]) -> Array:
        return LogProbabilityOfFeasibility(tuple(self.constraints.values())).value(self.space.encode(rows))

    def medians(self, X: Array) -> Array:
        return X[:, :1]

    def slopes(self, X: Array) -> Array:
        return np.tile([[[1.0, 0.0]]], (len(X), 1, 1))

    def leave_one_out(self) -> Mapping[str, Any]:
        return {}


@dataclass(frozen=True)
class WithoutGradients:
    """The part of it that every model has."""

    believed: Believed
    outcomes: tuple[str, ...] = ("f",)

    def predict(self, rows: Sequence[Mapping[str, Any]]) -> tuple[Array, Array]:
        return self.believed.predict(rows)

    def log_p_feasible(self, rows: Sequence[Mapping[str, Any]]) -> Array:
        return self.believed.log_p_feasible(rows)


@pytest.mark.parametrize(("radius", "gradients"), [(0.3, True), (0.003, True), (0.3, False)])
def test_the_edge_of_what_is_feasible_rather_than_not(filled: Any, monkeypatch: pytest.MonkeyPatch, radius: float, gradients: bool) -> None:
    """Least x in a disc around (0.6, 0.4): at its left end, also where no point screened lies in the disc."""
    space = bbo.Space({"x": bbo.Float(0, 1), "y": bbo.Float(0, 1)})
    study = filled(space, {"f": lambda p: p["x"]}, n=4, objectives={"f": "minimize"})
    believed = Believed(Disc(np.array([0.6, 0.4]), radius), space)
    model = believed if gradients else WithoutGradients(believed)
    monkeypatch.setattr("bbo.model.recommendation.model_of", lambda study: (model, "as told"))
    found = recommend(study)
    assert found.p_feasible >= 0.5
    assert found.params["x"] == pytest.approx(0.6 - radius, abs=5e-4 if gradients else 0.01)
    assert found.params["y"] == pytest.approx(0.4, abs=0.02 if gradients else 0.1)
