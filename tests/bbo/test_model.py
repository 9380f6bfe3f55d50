"""What rests on a model: predictions, recommendation, importances, in the study's own units and signs."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import bbo
from bbo.model import Prediction, importance, model_of, predict, recommend
from bbo.optimizers.bayes import Bayes


def filled(
    space: Any, functions: Any, *, n: int = 20, objectives: Any = "minimize", constraints: Any = (), optimizer: Any = "sobol"
) -> bbo.Study:
    """A study with n Sobol points told as the functions say."""
    space = space if isinstance(space, bbo.Space) else bbo.Space(space)
    study = bbo.Study(space, objectives, outcome_constraints=constraints, optimizer=optimizer, seed=5)
    for point in space.sobol(n, seed=1):
        study.add(point, {name: float(f(point)) for name, f in functions.items()})
    return study


BOX = {"x": bbo.Float(0, 10), "y": bbo.Float(-1, 1)}


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_predicts_in_native_units_and_sign(direction: str) -> None:
    study = filled(BOX, {"f": lambda p: 1000 + 30 * p["x"] - 5 * p["y"]}, objectives={"f": direction})
    measured = study.trials[3]
    at, unseen = predict(study, [measured.params, {"x": 5.0, "y": 0.5}])
    assert at.mean["f"] == pytest.approx(measured.outcomes["f"], abs=10)
    assert unseen.mean["f"] == pytest.approx(1147.5, abs=10)
    assert 0 < at.sd["f"] < 20
    assert unseen.p_feasible == 1.0
    assert isinstance(study.predict({"x": 5.0, "y": 0.5}), Prediction)
    assert study.predict([]) == []


def test_the_doubt_grows_away_from_the_data() -> None:
    study = filled({"x": bbo.Float(0, 1)}, {"value": lambda p: math.sin(6 * p["x"])}, n=2)
    study.add({"x": 0.0}, 0.0)
    study.add({"x": 0.05}, 0.3)
    near, far = predict(study, [{"x": 0.02}, {"x": 1.0}])
    assert near.sd["value"] < far.sd["value"]


def test_probability_of_feasibility_follows_the_constraints_and_the_failures() -> None:
    study = filled(BOX, {"f": lambda p: p["x"], "c": lambda p: p["x"]}, n=25, objectives={"f": "minimize"}, constraints=["2 <= c <= 6"])
    below, inside, above = predict(study, [{"x": 0.0, "y": 0.0}, {"x": 4.0, "y": 0.0}, {"x": 9.0, "y": 0.0}])
    assert below.p_feasible < 0.05
    assert inside.p_feasible > 0.95
    assert above.p_feasible < 0.05
    mean, sd = inside.mean["c"], inside.sd["c"]
    phi = [0.5 * (1 + math.erf((bound - mean) / sd / math.sqrt(2))) for bound in (2, 6)]
    assert inside.p_feasible == pytest.approx(phi[1] - phi[0], abs=1e-9)

    failing = filled(BOX, {"value": lambda p: p["y"]}, n=2)
    for point in failing.space.sobol(20, seed=2):
        if point["x"] > 6:
            failing.fail(failing.enqueue(point) and failing.ask())
        else:
            failing.add(point, point["y"])
    works, fails = predict(failing, [{"x": 1.0, "y": 0.0}, {"x": 9.5, "y": 0.0}])
    assert works.p_feasible > 0.8 > 0.2 > fails.p_feasible


def test_recommends_the_models_best_point() -> None:
    study = filled(BOX, {"f": lambda p: (p["x"] - 7) ** 2 + 20 * (p["y"] - 0.3) ** 2}, n=30, objectives={"f": "minimize"})
    found = recommend(study)
    assert found.params["x"] == pytest.approx(7, abs=0.6)
    assert found.params["y"] == pytest.approx(0.3, abs=0.15)
    assert found.mean["f"] <= min(p.mean["f"] for p in predict(study, [t.params for t in study.trials]))
    assert "since sobol has no model" in found.note
    assert recommend(study) == found


def test_recommends_with_the_sign_of_a_maximized_objective() -> None:
    study = filled({"x": bbo.Float(0, 1)}, {"f": lambda p: p["x"]}, objectives={"f": "maximize"})
    assert recommend(study).params["x"] > 0.95


def test_recommends_a_point_that_is_feasible_rather_than_not() -> None:
    functions = {"f": lambda p: p["x"], "c": lambda p: p["x"]}
    study = filled(BOX, functions, n=25, objectives={"f": "minimize"}, constraints=["c >= 4"])
    found = recommend(study)
    assert found.p_feasible >= 0.5
    assert found.params["x"] == pytest.approx(4, abs=0.5)
    hopeless = filled(BOX, functions, n=25, objectives={"f": "minimize"}, constraints=["c >= 11"])
    found = recommend(hopeless)
    assert found.params["x"] > 9
    assert "likeliest" in found.note


def test_recommends_at_the_target_and_keeps_known_constraints() -> None:
    space = bbo.Space({"x": bbo.Float(0, 1), "y": bbo.Float(0, 1), "epochs": bbo.Fidelity(1, 10)}, constraints=["x + y <= 0.5"])
    study = filled(space, {"f": lambda p: -p["x"] - p["y"] + 1 / p["epochs"]}, n=20, objectives={"f": "minimize"})
    found = recommend(study)
    assert found.params["epochs"] == 10
    assert 0.4 < found.params["x"] + found.params["y"] <= 0.5 + 1e-12


def test_importances_of_a_linear_function_are_its_squared_coefficients() -> None:
    """f = 2x + y on the unit square: shares 4/5 and 1/5; a constant has no entry, a parameter without effect a share near 0."""
    space = {"k": bbo.Fixed(1), "z": bbo.Float(0, 1), "y": bbo.Float(0, 1), "x": bbo.Float(0, 1)}
    study = filled(space, {"f": lambda p: 2 * p["x"] + p["y"]}, n=32, objectives={"f": "minimize"})
    found = {entry.parameter: entry.value for entry in importance(study)}
    assert list(found) == ["x", "y", "z"]
    assert found["x"] == pytest.approx(0.8, abs=0.06)
    assert found["y"] == pytest.approx(0.2, abs=0.04)
    assert found["z"] < 0.02


def test_importances_of_each_outcome_and_of_a_whole_simplex() -> None:
    space = bbo.Space({"mix": bbo.Simplex(["A", "B", "C"]), "T": bbo.Float(20, 80), "kind": bbo.Categorical(["p", "q", "r"])})
    functions = {"f": lambda p: p["mix"]["A"], "g": lambda p: {"p": 0.0, "q": 1.0, "r": 3.0}[p["kind"]]}
    study = filled(space, functions, n=30, objectives={"f": "minimize", "g": "maximize"})
    found = {(entry.parameter, entry.outcome): entry.value for entry in importance(study)}
    assert len(found) == 6
    assert found["mix", "f"] > 0.8
    assert found["kind", "g"] > 0.8
    assert max(found["T", "f"], found["T", "g"], found["kind", "f"], found["mix", "g"]) < 0.2


def test_a_parent_is_charged_with_what_it_switches_on() -> None:
    space = bbo.Space({"on": bbo.Bool(), "x": bbo.Float(0, 1, when={"on": True})})
    study = filled(space, {"f": lambda p: p.get("x", -1.0)}, n=30, objectives={"f": "minimize"})
    found = {entry.parameter: entry.value for entry in importance(study)}
    assert found["on"] > found["x"] > 0


def test_the_optimizers_own_model_is_preferred() -> None:
    study = filled(BOX, {"value": lambda p: p["x"]}, n=5, optimizer=Bayes())
    assert model_of(study)[1] == "by the model of bayes"


def test_says_clearly_why_there_is_no_model() -> None:
    study = bbo.Study(bbo.Space(BOX), optimizer="sobol", seed=0)
    study.add({"x": 1.0, "y": 0.0}, 1.0)
    for call in (study.recommend, study.importance, lambda: study.predict({"x": 1.0, "y": 0.0})):
        with pytest.raises(bbo.NoBest, match="two finished trials at least, and 1 is done"):
            call()
    with pytest.raises(bbo.OutOfRange, match="x"):
        study.predict({"x": 11.0, "y": 0.0})
    several = filled(BOX, {"f": lambda p: p["x"], "g": lambda p: p["y"]}, n=5, objectives={"f": "minimize", "g": "minimize"})
    with pytest.raises(bbo.NoBest, match="pareto_front"):
        several.recommend()
    judged = bbo.Study(bbo.Space(BOX), [bbo.Objective("taste", feedback="ranking")], optimizer="sobol", seed=0)
    judged.tell_ranking(judged.ask(3))
    with pytest.raises(bbo.NoBest, match="rankings"):
        judged.recommend()


def test_equal_outcomes_give_no_importance_and_no_error() -> None:
    study = filled(BOX, {"value": lambda p: 3.0}, n=6)
    assert all(entry.value == pytest.approx(0, abs=1e-3) or np.isfinite(entry.value) for entry in importance(study))
    assert recommend(study).mean["value"] == pytest.approx(3.0, abs=0.5)
