"""Predictions in the study's own units and signs, and which model they come from."""

from __future__ import annotations

import math
from typing import Any

import pytest

import bbo
from bbo.model import Prediction, model_of, predict
from bbo.optimizers.bayes import Bayes

BOX = {"x": bbo.Float(0, 10), "y": bbo.Float(-1, 1)}


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_predicts_in_native_units_and_sign(filled: Any, direction: str) -> None:
    study = filled(BOX, {"f": lambda p: 1000 + 30 * p["x"] - 5 * p["y"]}, objectives={"f": direction})
    measured = study.trials[3]
    at, unseen = predict(study, [measured.params, {"x": 5.0, "y": 0.5}])
    assert at.mean["f"] == pytest.approx(measured.outcomes["f"], abs=10)
    assert unseen.mean["f"] == pytest.approx(1147.5, abs=10)
    assert 0 < at.sd["f"] < 20
    assert unseen.p_feasible == 1.0
    assert isinstance(study.predict({"x": 5.0, "y": 0.5}), Prediction)
    assert study.predict([]) == []


def test_the_doubt_grows_away_from_the_data(filled: Any) -> None:
    study = filled({"x": bbo.Float(0, 1)}, {"value": lambda p: math.sin(6 * p["x"])}, n=2)
    study.add({"x": 0.0}, 0.0)
    study.add({"x": 0.05}, 0.3)
    near, far = predict(study, [{"x": 0.02}, {"x": 1.0}])
    assert near.sd["value"] < far.sd["value"]


def test_probability_of_feasibility_follows_the_constraints_and_the_failures(filled: Any) -> None:
    study = filled(
        BOX, {"f": lambda p: p["x"], "c": lambda p: p["x"]}, n=25, objectives={"f": "minimize"}, outcome_constraints=["2 <= c <= 6"]
    )
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


def test_the_optimizers_own_model_is_preferred(filled: Any) -> None:
    study = filled(BOX, {"value": lambda p: p["x"]}, n=5, optimizer=Bayes())
    assert model_of(study)[1] == "by the model of bayes"


def test_says_clearly_why_there_is_no_model(filled: Any) -> None:
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
    taste = [bbo.Objective("taste", feedback="ranking")]
    judged = bbo.Study(bbo.Space(BOX), taste, outcome_constraints=["price <= 1"], optimizer="sobol", seed=0)
    judged.tell_ranking(judged.ask(3))
    with pytest.raises(bbo.NoBest, match="told rankings, and no values that could keep its outcome constraints"):
        judged.recommend()
