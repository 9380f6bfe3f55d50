"""`Bayes` with an environment, inexact settings and risk measures: what it asks, what it recommends, what it refuses."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

import bbo
from acquisitions import LogIntegratedKnowledgeGradient
from acquisitions.quadrature import Standard
from bbo.errors import InvalidStudy, NoBest, Unsupported
from bbo.optimizers import robust
from bbo.optimizers.bayes import Bayes
from bbo.optimizers.fitting import one_thread
from bbo.optimizers.robust_knowledge_gradient import MOST, among_designs
from bbo.problem import Problem
from bbo.replay import reproduce
from bbo.testing import check_optimizer
from tests.bbo.optimizers.modelled import asked

GUSTS = bbo.Space({"x": bbo.Float(0, 1), "wind": bbo.Environment(bbo.Normal(10, 2))})
WEATHER = bbo.Space({"x": bbo.Float(0, 1), "sky": bbo.Environment({"calm": 0.7, "storm": 0.3})})


def yield_of(p: Mapping[str, Any]) -> float:
    """A narrow peak that is best in the middle of the winds and moves with them, and a lower, wide one."""
    off = (p["wind"] - 10) / 2 if "wind" in p else 0.0
    return float(1.5 * np.exp(-(((p["x"] - 0.2 - 0.08 * off) / 0.06) ** 2)) + np.exp(-(((p["x"] - 0.7) / 0.25) ** 2)))


def loss_of(p: Mapping[str, Any]) -> float:
    """Least at 0.2 in calm, at 0.8 in a storm, of which calm counts for 0.7: the sum at 0.2 x 0.7 + 0.8 x 0.3 with equal curvature."""
    return float((p["x"] - (0.2 if p["sky"] == "calm" else 0.8)) ** 2)


def run(space: bbo.Space, f: Any, n: int, objectives: Any = "minimize", optimizer: Any = "auto", seed: int = 1) -> bbo.Study:
    study = bbo.Study(space, objectives, optimizer=optimizer, seed=seed)
    for _ in range(n):
        study.tell(trial := study.ask(), f(trial.params))
    return study


def expected(x: float) -> float:
    return float(quad(lambda z: yield_of({"x": x, "wind": 10 + 2 * z}) * norm.pdf(z), -4, 4, limit=200)[0] / (1 - 2 * norm.cdf(-4)))


def test_the_design_that_is_best_on_average_is_recommended_where_another_is_best_in_the_mean_environment() -> None:
    grid = np.linspace(0, 1, 201)
    nominal = max(grid, key=lambda x: yield_of({"x": x, "wind": 10.0}))
    truth = max(grid, key=expected)
    assert nominal == pytest.approx(0.2, abs=0.02) and truth == pytest.approx(0.7, abs=0.02)
    study = run(GUSTS, yield_of, 20, "maximize")
    found = study.recommend()
    assert set(found.params) == {"x"}
    assert expected(found.params["x"]) > expected(truth) - 0.01
    assert found.mean["value"] == pytest.approx(expected(found.params["x"]), abs=3 * found.sd["value"] + 0.02)
    assert found.sd["value"] < 0.2
    assert found.p_feasible == 1.0 and "value is the expectation over wind" in found.note
    assert len({trial.params["wind"] for trial in study.trials}) == 20
    assert "not modelled" not in study.explain()


def test_named_environments_are_summed_exactly() -> None:
    study = run(WEATHER, loss_of, 10)
    found = study.recommend()
    assert found.params == {"x": pytest.approx(0.38, abs=0.02)}
    assert found.mean["value"] == pytest.approx(0.7 * 0.18**2 + 0.3 * 0.42**2, abs=0.01)
    assert {trial.params["sky"] for trial in study.trials} == {"calm", "storm"}
    study.predict({"x": 0.3, "sky": "storm"})  # of one condition, as ever


def test_one_environment_whose_only_value_is_certain_changes_nothing() -> None:
    space = bbo.Space({"x": bbo.Float(0, 1), "sky": bbo.Environment({"calm": 1.0})})
    found = run(space, loss_of, 8).recommend()
    assert found.params == {"x": pytest.approx(0.2, abs=0.02)}


def test_what_it_asks_is_the_integrated_knowledge_gradient_of_the_model() -> None:
    given = asked(run(WEATHER, loss_of, 10), Bayes())
    with one_thread():
        made, aim = among_designs(given)
    assert isinstance(made, LogIntegratedKnowledgeGradient)
    assert len(made.X) == MOST and "expectation over 2 conditions" in aim
    np.testing.assert_allclose(made.scenarios.weights, [0.7, 0.3])
    points = WEATHER.encode([{"x": 0.5, "sky": "calm"}, {"x": 0.5, "sky": "storm"}])
    (column,) = WEATHER.columns_of("sky")
    np.testing.assert_array_equal(made.scenarios.placed[column], points[:, column])


def spread_of(p: Mapping[str, Any]) -> float:
    """Best on average at 0.3, and the less at the mercy of the wind the larger x."""
    return float(1.0 - (p["x"] - 0.3) ** 2 + 0.25 * (1 - p["x"]) * (p["wind"] - 10))


def test_the_conditional_value_at_risk_has_another_design_than_the_expectation() -> None:
    """Of a normal distribution it is the mean less 1.755 standard deviations at a level of 0.9: largest at 0.739."""
    study = run(GUSTS, spread_of, 11, bbo.Objective("value", "maximize", risk="cvar"))
    found = study.recommend()
    tail = norm.pdf(norm.ppf(0.9)) / 0.1 * 0.5
    assert found.params == {"x": pytest.approx(0.3 + tail / 2, abs=0.04)}
    assert found.mean["value"] == pytest.approx(1 - (tail / 2) ** 2 - tail * (0.7 - tail / 2), abs=0.02)
    assert "conditional value at risk at level 0.9 over wind" in found.note
    asked = [event.body["note"] for event in study.storage.read("study") if event.kind == "asked"]
    assert "log knowledge gradient of the conditional value at risk at level 0.9 over 32 conditions" in asked[-1]
    assert run(GUSTS, spread_of, 11, "maximize", optimizer="sobol").recommend().params == {"x": pytest.approx(0.3, abs=0.04)}


@pytest.mark.parametrize(("risk", "best"), [("worst_case", 0.5), ("var", 0.2)])
def test_the_worst_of_two_conditions_and_what_is_kept_in_most(risk: Any, best: float) -> None:
    """Of equal losses the worst is least in the middle; with probability 0.7 the loss of the calm is kept, which is least at 0.2."""
    level = {"risk_level": 0.6} if risk == "var" else {}
    study = run(WEATHER, loss_of, 9, bbo.Objective("value", risk=risk, **level))
    found = study.recommend()
    assert found.params == {"x": pytest.approx(best, abs=0.03)}
    assert found.mean["value"] == pytest.approx(0.09 if risk == "worst_case" else 0.0, abs=0.01)


def test_equal_logs_lead_to_equal_proposals_with_a_risk_measure() -> None:
    study = run(WEATHER, loss_of, 6, bbo.Objective("value", risk="worst_case"), optimizer=Bayes())
    trial = study.ask()
    assert dict(reproduce(study.storage.read("study"), trial.number).params) == trial.params


def test_bayes_refuses_a_risk_that_it_would_not_model() -> None:
    risky = bbo.Objective("value", risk="cvar")
    inexact = bbo.Space({"x": bbo.Float(0, 1, input_sd=0.1)})
    with pytest.raises(Unsupported, match="acquisition 'log_ei' it models no risk measure, and there is risk='cvar'"):
        bbo.Study(inexact, risky, optimizer=Bayes(acquisition="log_ei"))
    with pytest.raises(Unsupported, match="with risk='cvar' it takes no outcome constraints"):
        bbo.Study(inexact, risky, optimizer="bayes", outcome_constraints="g <= 0")
    with pytest.raises(Unsupported, match="with config it models no risk measure"):
        bbo.Study(inexact, risky, optimizer="config")
    study = bbo.Study(inexact, risky, optimizer="sobol")
    assert "The risk of value is what recommend() goes by; sobol does not use it." in study.explain()


def test_no_trial_is_best_and_the_error_says_what_to_ask() -> None:
    study = run(WEATHER, loss_of, 3, optimizer="sobol")
    for ask in (lambda: study.best_trial, lambda: study.best_value, lambda: study.best_params):
        with pytest.raises(NoBest, match=r"environment 'sky'.*use study.recommend\(\)"):
            ask()


def test_any_optimizer_gets_a_recommendation_over_the_environment() -> None:
    study = run(WEATHER, loss_of, 16, optimizer="sobol")
    found = study.recommend()
    assert found.params == {"x": pytest.approx(0.38, abs=0.03)}
    assert "fitted for this question" in found.note
    assert "sky is not modelled by sobol: it is drawn from its distribution." in study.explain()


def test_outcome_constraints_count_by_their_probability_over_the_environment() -> None:
    """Sobol takes them; a design that half of the environments forbid has half a chance."""
    space = bbo.Space({"x": bbo.Float(0, 1), "sky": bbo.Environment({"calm": 0.4, "storm": 0.6})})
    study = bbo.Study(space, "minimize", optimizer="sobol", seed=0, outcome_constraints=["g <= 0"])
    for _ in range(30):
        trial = study.ask()
        study.tell(trial, {"value": trial["x"], "g": (0.5 if trial["sky"] == "storm" else 0.2) - trial["x"]})
    found = study.recommend()
    assert 0.48 < found.params["x"] < 0.56  # in calm alone 0.2 would do, with a chance of 0.4
    assert found.p_feasible > 0.5
    assert found.mean["g"] == pytest.approx(0.4 * 0.2 + 0.6 * 0.5 - found.params["x"], abs=0.02)


def test_batches_fixed_values_and_replay() -> None:
    study = run(WEATHER, loss_of, 6, optimizer=Bayes())
    batch = study.ask(2)
    assert len({tuple(trial.params.values()) for trial in batch}) == 2
    assert study.ask(fixed={"sky": "storm"})["sky"] == "storm"
    assert dict(reproduce(study.storage.read("study"), batch[1].number).params) == batch[1].params


@pytest.mark.slow
def test_it_conforms() -> None:
    assert "environment" in check_optimizer(Bayes(n_initial=3), n=4)


@pytest.mark.parametrize(
    ("parameters", "objectives", "arguments", "settings", "reason"),
    [
        ({}, ["a", "b"], {}, {}, "with the environment 'w' it takes one objective, and there are 2"),
        ({}, ["a"], {"outcome_constraints": "g <= 0"}, {}, "takes no outcome constraints"),
        ({"level": bbo.Fidelity(0, 1)}, ["a"], {}, {}, "takes no fidelity or source, and there is 'level'"),
        ({"b": bbo.Bool(), "v": bbo.Environment(bbo.Uniform(0, 1), when="b")}, ["a"], {}, {}, "always active, and 'v' has a condition"),
        ({}, ["a"], {}, {"acquisition": "log_ei"}, "acquisition 'log_ei' it models no environment, and 'w' is one"),
        ({}, ["a"], {}, {"surrogate": print}, "a model of your own it models no environment"),
        ({}, ["a"], {}, {"acquisition": print}, "an acquisition of your own it models no environment"),
    ],
)
def test_what_is_refused(parameters: Any, objectives: Any, arguments: Any, settings: Any, reason: str) -> None:
    space = bbo.Space({"x": bbo.Float(0, 1), "w": bbo.Environment(bbo.Uniform(0, 1)), **parameters})
    with pytest.raises(Unsupported, match=reason):
        bbo.Study(space, [bbo.Objective(name) for name in objectives], optimizer=Bayes(**settings), **arguments)


def test_known_constraints_may_not_depend_on_the_environment() -> None:
    parameters = {"x": bbo.Float(0, 1), "y": bbo.Float(0, 1), "w": bbo.Environment(bbo.Uniform(0, 1))}
    with pytest.raises(Unsupported, match=r"'x \+ w <= 1.5' does on 'w'"):
        bbo.Study(bbo.Space(parameters, ["x + w <= 1.5"]), optimizer="bayes")
    with pytest.raises(Unsupported, match="as expressions"):
        bbo.Study(bbo.Space(parameters, [lambda p: p["x"] + p["y"] <= 1]), optimizer="bayes")
    study = bbo.Study(bbo.Space(parameters, ["x + y <= 1"]), optimizer="bayes", seed=0)
    for _ in range(9):
        study.tell(trial := study.ask(), (trial["x"] - 0.9) ** 2 + (trial["y"] - 0.9) ** 2 * trial["w"])
    found = study.recommend().params
    assert found["x"] + found["y"] <= 1


NARROW = bbo.Space({"x": bbo.Float(0, 10, input_sd=1.0), "n": bbo.Int(0, 4)})


def peaks(p: Mapping[str, Any]) -> float:
    """A high and narrow peak at 2, a lower and wide one at 7."""
    return float(1.5 * np.exp(-(((p["x"] - 2) / 0.5) ** 2)) + np.exp(-(((p["x"] - 7) / 2) ** 2)) - 0.01 * (p.get("n", 2) - 2) ** 2)


def test_settings_that_are_inexact_lead_to_the_wide_peak() -> None:
    study = run(NARROW, peaks, 12, "maximize")
    for x in (1.9, 2.0, 2.1):
        study.add({"x": x, "n": 2}, peaks({"x": x, "n": 2}))
    assert study.best_value == pytest.approx(1.5, abs=0.01)  # what was measured is what it is
    assert "input_sd" not in study.explain()
    found = study.recommend()
    realized = [np.clip(found.params["x"] + z, 0, 10) for z in np.random.default_rng(0).normal(size=20_000)]
    truth = np.mean([peaks({"x": x, "n": found.params["n"]}) for x in realized])
    assert found.params["x"] == pytest.approx(7, abs=0.3)
    assert found.mean["value"] == pytest.approx(truth, abs=3 * found.sd["value"] + 0.02)
    assert found.sd["value"] < 0.1
    assert found.note.endswith("value is the expectation over the error of x")
    asked = [event.body["note"] for event in study.storage.read("study") if event.kind == "asked"]
    assert "log knowledge gradient of the expectation over 16 conditions" in asked[-1]


@pytest.mark.parametrize(
    "parameter",
    [
        bbo.Float(-3, 5, input_sd=0.7),
        bbo.Float(0.1, 50, log=True, input_sd=2.0),
        bbo.Float(0, 2, step=0.25, input_sd=0.3),
        bbo.Int(1, 12, input_sd=1.5),
        bbo.Int(10, 40, step=5, input_sd=4),
        bbo.Int(1, 200, log=True, input_sd=10),
    ],
    ids=repr,
)
def test_inexact_values_are_those_of_the_range_in_its_own_unit(parameter: Any) -> None:
    space = bbo.Space({"a": bbo.Bool(), "x": parameter})
    found = robust.scenarios(Problem(space, (bbo.Objective("value"),)))
    assert found is not None and not found.placed
    (column,) = space.columns_of("x")
    z, weights = Standard(robust.REACH).gauss(16)
    np.testing.assert_allclose(found.weights, weights)
    points = space.sample(8, np.random.default_rng(0)) + [{"a": True, "x": parameter.low}, {"a": True, "x": parameter.high}]
    there = found.by_row(found.expand(space.encode(points))[:, column])
    for point, row in zip(points, there, strict=True):
        realized = np.clip(point["x"] + parameter.input_sd * z, parameter.low, parameter.high)
        np.testing.assert_allclose(row, parameter.encode(realized.tolist())[:, 0], atol=1e-9)


def test_an_environment_and_inexact_settings_together() -> None:
    space = bbo.Space({"x": bbo.Float(0, 1, input_sd=0.1), "sky": bbo.Environment({"calm": 0.7, "storm": 0.3})})
    found = robust.scenarios(Problem(space, (bbo.Objective("value"),)))
    assert found is not None and len(found) == 32 and len(found.placed) == len(found.moved) == 1
    design = run(space, loss_of, 8).recommend()
    assert set(design.params) == {"x"}
    assert "over sky, the error of x" in design.note


@pytest.mark.parametrize(
    ("space", "arguments", "optimizer"),
    [
        (NARROW, {"outcome_constraints": "g <= 0"}, "auto"),
        (NARROW, {}, Bayes(acquisition="log_ei")),
        (bbo.Space({**NARROW.parameters, "mesh": bbo.Fidelity(0, 1)}), {}, "auto"),
        (bbo.Space({"b": bbo.Bool(), "x": bbo.Float(0, 1, input_sd=0.1, when="b")}), {}, "auto"),
    ],
)
def test_where_inexact_settings_are_not_modelled_the_study_says_so(space: bbo.Space, arguments: Any, optimizer: Any) -> None:
    study = bbo.Study(space, "minimize", optimizer=optimizer, seed=0, **arguments)
    study.ask()
    assert "The input_sd of x is recorded; bayes does not use it." in study.explain()
    assert Bayes().judges_conditions(bbo.Study(NARROW, "minimize")._problem)


@pytest.mark.parametrize("kind", ["expectation", "var", "cvar", "worst_case"])
def test_conditions_stand_for_the_distributions(kind: Any) -> None:
    level = {} if kind in ("expectation", "worst_case") else {"risk_level": 0.8}
    for others in (1, 2, 4):
        space = bbo.Space(
            {
                "x": bbo.Float(0, 1),
                "sky": bbo.Environment({"a": 0.2, "b": 0.8}),
                **{f"w{k}": bbo.Environment(bbo.Normal(3, 0.5)) for k in range(others)},
            }
        )
        found = robust.scenarios(Problem(space, (bbo.Objective("value", risk=kind, **level),)))
        assert found is not None and 2 <= len(found) <= robust.MOST
        first = (
            found.placed[space.columns_of("sky")[0]] == space.encode([{"x": 0, "sky": "a", **{f"w{k}": 3.0 for k in range(others)}}])[0, 1]
        )
        assert found.weights[first].sum() == pytest.approx(0.2)
        w = found.placed[space.columns_of("w0")[0]]
        if kind == "worst_case" and others <= 2:
            assert (w.min(), w.max()) == (0.0, 1.0)
        elif kind != "worst_case":
            assert found.weights @ w == pytest.approx(0.5, abs=0.01)
            tolerance = {1: 1e-3 if kind == "expectation" else 0.05, 2: 2e-3 if kind == "expectation" else 0.1, 4: 0.15}[others]
            assert math.sqrt(found.weights @ (w - 0.5) ** 2) == pytest.approx(1 / 8, rel=tolerance)


def test_many_levels_together_are_drawn() -> None:
    space = bbo.Space({"x": bbo.Float(0, 1), **{f"w{k}": bbo.Environment({"a": 0.2, "b": 0.3, "c": 0.5}) for k in range(4)}})
    found = robust.scenarios(Problem(space, (bbo.Objective("value"),)))
    assert found is not None and len(found) == 4 * robust.MOST
    column = found.placed[space.columns_of("w2")[0]]
    assert [found.weights[column == value].sum() for value in np.unique(column)] == pytest.approx([0.2, 0.3, 0.5], abs=0.02)


def test_objectives_say_what_counts() -> None:
    plain = bbo.Objective("f")
    assert plain.to_json() == {"name": "f", "direction": "minimize"}
    tail = bbo.Objective("f", risk="cvar", risk_level=0.8)
    assert tail.to_json() == {"name": "f", "direction": "minimize", "risk": "cvar", "risk_level": 0.8}
    assert bbo.Objective(**tail.to_json()) == tail
    for arguments, message in (
        ({"risk": "mean"}, "risk is 'mean'; it is 'expectation', 'var', 'cvar' or 'worst_case'"),
        ({"risk": "var", "risk_level": 1.0}, "risk_level is 1.0; it lies between 0 and 1"),
        ({"risk_level": 0.8}, "belongs to risk='var' or 'cvar' alone"),
        ({"risk": "cvar", "feedback": "ranking"}, "told rankings"),
    ):
        with pytest.raises(InvalidStudy, match=message):
            bbo.Objective("f", **arguments)  # type: ignore[arg-type]
    with pytest.raises(InvalidStudy, match="nothing is uncertain"):
        bbo.Study(bbo.Space({"x": bbo.Float(0, 1)}), bbo.Objective("f", risk="cvar"))


def test_a_study_file_says_what_counts(tmp_path: Any) -> None:
    from bbo.files.study_file import read_study_file

    space = "space: {x: {float: [0, 1]}, w: {environment: {normal: [0, 1]}}}\n"
    text = space + "objectives: {f: {direction: minimize, risk: cvar, risk_level: 0.8}}\n"
    path = tmp_path / "wing.yaml"
    path.write_text(text)
    assert read_study_file(path).objectives == (bbo.Objective("f", risk="cvar", risk_level=0.8),)
    study = read_study_file(path).open(str(tmp_path / "bbo.db"))
    assert bbo.load_study("wing", str(tmp_path / "bbo.db")).objectives == study.objectives
    path.write_text(text.replace("cvar", "mean"))
    with pytest.raises(InvalidStudy, match="risk is 'mean'"):
        read_study_file(path)
