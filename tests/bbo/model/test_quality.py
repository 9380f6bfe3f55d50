"""What the optimizer's model says of itself, and of constraints out of reach, through `Study.diagnose`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

import bbo
from bbo.diagnosis import Finding
from surrogates.leave_one_out import LeaveOneOut

SPACE = bbo.Space({"x": bbo.Float(0, 1), "y": bbo.Float(0, 1), "z": bbo.Float(0, 1)})
MODEL = {"model", "unpredicted", "overconfident", "outlier", "noise_bound", "unreachable"}


def told(f: Callable[[Mapping[str, Any], int], Any], *, n: int = 30, **arguments: Any) -> bbo.Study:
    study = bbo.Study(SPACE, arguments.pop("objectives", "minimize"), **{"optimizer": "bayes", "seed": 1, **arguments})
    for k, point in enumerate(SPACE.sobol(n, seed=2)):
        study.add(point, f(point, k))
    return study


def bowl(p: Mapping[str, Any], k: int) -> float:
    return float((p["x"] - 0.4) ** 2 + (p["y"] - 0.6) ** 2 + 0.3 * p["z"])


def noise(p: Mapping[str, Any], k: int) -> float:
    return float(np.random.default_rng(k).normal())


def by_model(study: bbo.Study) -> dict[str, Finding]:
    return {finding.kind: finding for finding in study.diagnose() if finding.kind in MODEL}


def test_a_smooth_function_is_foretold() -> None:
    assert by_model(told(bowl)) == {}


def test_noise_is_not_foretold() -> None:
    found = by_model(told(noise, n=40))
    assert found["unpredicted"].severity == "warning"
    assert "of 40)" in found["unpredicted"].text


def test_few_trials_and_optimizers_without_a_model_are_not_judged() -> None:
    assert by_model(told(noise, n=19)) == {}
    assert by_model(told(noise, n=40, optimizer="sobol")) == {}


def test_a_value_told_wrong_stands_out() -> None:
    study = told(lambda p, k: bowl(p, k) - 3 * (k == 11), n=40)
    found = by_model(study)
    assert found["outlier"].trials == (11,)
    assert "value of trial 11 is far from what the other trials let expect" in found["outlier"].text
    study.amend(11, bowl(study.trials[11].params, 11))
    assert by_model(study) == {}


def test_trials_are_named_by_their_numbers_beside_failed_and_thinned_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    study = bbo.Study(SPACE, "minimize", optimizer="bayes", seed=1)
    study.fail(study.ask(), "burnt")
    for k, point in enumerate(SPACE.sobol(40, seed=2)):
        study.add(point, bowl(point, k) - 3 * (k == 11))
    assert by_model(study)["outlier"].trials == (12,)
    monkeypatch.setattr("bbo.optimizers.targets.MOST", 39)
    monkeypatch.setattr("bbo.optimizers.thinning.KEPT", 36)
    assert by_model(study)["outlier"].trials == (12,)  # the best of all, so it is kept


def test_told_noise_is_set_against_what_was_measured() -> None:
    """Values of variance v told with sd sqrt(v / 2): half of the variance is noise; with sd sqrt(v / 20) a twentieth."""
    variance = float(np.var([bowl(p, 0) for p in SPACE.sobol(40, seed=2)], ddof=1))
    for part, reported in ((2, True), (20, False)):
        optimizer = bbo.Bayes(output_warp=False)  # on whose scale noise is not of one variance
        study = told(bowl, n=40, objectives=[bbo.Objective("value", sd=(variance / part) ** 0.5)], optimizer=optimizer)
        found = by_model(study)
        assert ("noise_bound" in found) is reported
        if reported:
            assert found["noise_bound"].text.startswith("50% of the variance of value is noise")


@pytest.mark.parametrize(
    ("sd", "shift", "kinds"),
    [(1.0, 0.0, set()), (0.2, 0.0, {"overconfident"}), (10.0, 0.0, set()), (1.0, 4.0, {"overconfident"})],
)
def test_intervals_that_hold_too_few_values(monkeypatch: pytest.MonkeyPatch, sd: float, shift: float, kinds: set[str]) -> None:
    rng = np.random.default_rng(0)
    mean = 10 * np.arange(30.0)
    loo = LeaveOneOut(mean + shift + rng.standard_normal(30).clip(-2, 2), mean, np.full(30, sd), 0.0)
    monkeypatch.setattr("bbo.optimizers.fitted.Model.leave_one_out", lambda self: {"value": loo})
    found = by_model(told(bowl))
    assert {kind for kind in found if kind != "outlier"} == kinds
    if kinds:
        assert "values of value lie in the 95 % intervals" in found["overconfident"].text


def test_a_constraint_out_of_reach_and_one_that_is_not() -> None:
    def measured(p: Mapping[str, Any], k: int) -> dict[str, float]:
        return {"loss": bowl(p, k), "sum": p["x"] + p["y"] + p["z"], "x": p["x"]}

    out = by_model(told(measured, objectives={"loss": "minimize"}, outcome_constraints=["sum >= 3.5", "x <= 0.9"]))
    assert "sum >= 3.5" in out["unreachable"].text
    assert "probability at most 0.001" in out["unreachable"].text
    study = told(measured, objectives={"loss": "minimize"}, outcome_constraints=["sum >= 2.9", "x <= 1"])
    assert "infeasible" in {finding.kind for finding in study.diagnose()}  # no trial keeps it
    assert by_model(study) == {}  # and yet the model sees that a corner would


def test_constraints_that_the_model_sees_exclude_each_other() -> None:
    def measured(p: Mapping[str, Any], k: int) -> dict[str, float]:
        return {"loss": bowl(p, k), "a": p["x"], "b": 1 - p["x"]}

    found = by_model(told(measured, objectives={"loss": "minimize"}, outcome_constraints=["a <= 0.3", "b <= 0.3"]))
    assert "all outcome constraints together" in found["unreachable"].text


def test_a_model_that_cannot_be_fitted_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*given: Any, **named: Any) -> None:
        raise ArithmeticError("no factor")

    study = told(bowl)
    monkeypatch.setattr("bbo.optimizers.surrogate.fit", broken)
    assert by_model(study)["model"].text == "no model can be fitted: no factor"


def test_equal_values_are_not_called_unpredicted() -> None:
    assert by_model(told(lambda p, k: 3.0)) == {}
