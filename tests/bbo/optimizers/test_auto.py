"""Auto: the choice, and its reason."""

from __future__ import annotations

from typing import Any

import pytest

import bbo
from bbo.optimizers.auto import Auto
from bbo.optimizers.base import resolve, to_json
from bbo.replay import reproduce

BOX = {"x": bbo.Float(0, 1), "y": bbo.Float(0, 1)}


def chosen(space: Any, budget: int | None, objectives: Any = "minimize") -> Auto:
    study = bbo.Study(bbo.Space(space), objectives, seed=0)
    return Auto().resolve(study._problem, budget)


@pytest.mark.parametrize(
    ("space", "budget", "name", "reason"),
    [
        (BOX, None, "bayes", "expensive"),
        (BOX, 50, "bayes", "expensive"),
        (BOX, 999, "bayes", "expensive"),
        (BOX, 1000, "bayes_then_cma_es", "1000 trials"),
        ({"x": bbo.Array(201, low=0, high=1)}, 1000, "cma_es", "1000 trials, too many for a model"),
        ({"x": bbo.Array(2000, low=0, high=1)}, 1000, "cma_es", "1000 trials, too many for a model"),
        ({"x": bbo.Array(2001, low=0, high=1)}, 1000, "openai_es", "2001 numbers, too many for a matrix"),
        ({"x": bbo.Array(2001, low=0, high=1)}, 999, "bayes", "expensive"),
        ({**BOX, "c": bbo.Bool()}, 5000, "bayes", "expensive"),
        ({"i": bbo.Int(1, 20)}, 20, "grid", "covers all 20 points"),
        ({"i": bbo.Int(1, 20)}, 19, "bayes", "expensive"),
        ({"i": bbo.Int(1, 20)}, None, "bayes", "expensive"),
        ({**BOX, "s": bbo.Sequence("ACGT", 5)}, None, "sobol", "cannot run this problem: .*'s'"),
        ({**BOX, "t": bbo.Task(["a", "b"])}, 5000, "bayes", "expensive"),
        ({**BOX, "t": bbo.Context(bbo.Bool())}, 5000, "neu_square_cb", "given contexts"),
        ({**BOX, "t": bbo.Context(bbo.Float(0, 1))}, 50, "cheb_cb", "given contexts"),
        ({**BOX, "z": bbo.Array(3, within=bbo.L1Ball(1))}, 50, "frank_wolfe", "a convex set, which bayes cannot search: .*'z'"),
        ({**BOX, "z": bbo.Float(0, 1), "t": bbo.Context(bbo.Bool())}, 5000, "sobol", "'t' is a context parameter"),
    ],
)
def test_chooses_by_problem_and_budget(space: Any, budget: int | None, name: str, reason: str) -> None:
    import re

    auto = chosen(space, budget)
    assert auto.delegate is not None
    assert auto.delegate["name"] == name
    assert re.search(reason, auto.reason)
    assert auto.reason.startswith(f"auto chose {name}: ")


def test_a_grid_covers_every_point_whatever_its_number_of_levels() -> None:
    auto = chosen({"i": bbo.Int(1, 300)}, 300)
    study = bbo.Study(bbo.Space({"i": bbo.Int(1, 300)}), optimizer=auto, seed=0)
    assert {t.params["i"] for t in study.ask(300)} == set(range(1, 301))
    with pytest.raises(bbo.Exhausted):
        study.ask()


def test_the_choice_is_stored_at_the_first_ask_and_survives_json() -> None:
    study = bbo.Study(bbo.Space(BOX), seed=0)
    assert study.optimizer == Auto()
    assert Auto().reason == "auto chooses an optimizer at the first ask"
    study.ask()
    assert study.optimizer.delegate["name"] == "bayes"  # type: ignore[attr-defined]
    assert resolve(to_json(study.optimizer)) == study.optimizer
    assert [e.kind for e in study.storage.read("study")] == ["created", "configured", "configured", "asked"]
    study.ask()
    assert [e.kind for e in study.storage.read("study")][4:] == ["asked"]


def test_a_given_budget_stands_above_the_one_that_is_stated() -> None:
    problem = bbo.Study(bbo.Space(BOX), seed=0)._problem
    resolved = Auto(budget=2000).resolve(problem, 10)
    assert resolved.budget == 2000
    assert resolved.delegate["name"] == "bayes_then_cma_es"  # type: ignore[index]
    assert resolved.resolve(problem, 10) is resolved


def test_a_delegate_stored_by_another_release(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = bbo.Study(bbo.Space(BOX), seed=0)._problem
    old = Auto(delegate={"name": "sobol", "version": 0, "settings": {}, "reason": "so"})
    assert old.resolve(problem, None).delegate == {"name": "sobol", "version": 1, "settings": {}, "reason": "so"}
    new = Auto(delegate={"name": "sobol", "version": 99, "settings": {}, "reason": "so"})
    with pytest.raises(bbo.Unsupported, match="upgrade bbo-platform"):
        new.resolve(problem, None)


def test_delegates_tickets_and_waiting() -> None:
    study = bbo.Study(bbo.Space({"x": bbo.Array(201, low=0, high=1)}), optimizer=Auto(budget=2000), seed=0)
    trials = study.ask(20)
    assert [e.body["ticket"] for e in study.storage.read("study")[3:]] == [[0, k] for k in range(len(trials))]
    with pytest.raises(bbo.Waiting):
        study.ask()


def test_stays_with_the_model_in_long_studies() -> None:
    study = bbo.Study(bbo.Space(BOX), seed=0)
    for k, point in enumerate(study.space.sobol(600, seed=1)):
        study.add(point, abs(k - 15.0))
    study.ask()
    assert study.storage.read("study")[-1].body["note"].startswith("bayes: log expected improvement, by Gaussian processes on 600 trials")


@pytest.mark.parametrize("budget", [0, -3, 1.5, "9", True])
def test_a_budget_is_a_positive_integer(budget: Any) -> None:
    with pytest.raises(bbo.InvalidStudy, match="budget is"):
        Auto(budget=budget)


def test_what_cma_es_cannot_honour_is_a_sobol_point() -> None:
    space = bbo.Space({"x": bbo.Float(0, 1), "y": bbo.Float(0, 1), "many": bbo.Array(200, low=0, high=1)})
    study = bbo.Study(space, optimizer=Auto(budget=2000), seed=0)
    generation = [study.ask() for _ in range(3)]
    held = [study.ask(fixed={"x": 0.25}) for _ in range(2)]
    assert [trial["x"] for trial in held] == [0.25, 0.25]
    assert held[0]["y"] != held[1]["y"]
    assert "cma_es cannot honour fixed" in study.explain(held[0])
    for trial in [*generation, *held]:
        study.tell(trial, trial["y"])
    events = study.storage.read(study.name)
    assert [event.body["ticket"] for event in events if event.kind == "asked"] == [[0, 0], [0, 1], [0, 2], None, None]
    assert all(dict(reproduce(events, trial.number).params) == trial.params for trial in study.trials)


def test_what_a_bandit_cannot_honour_is_a_sobol_point() -> None:
    study = bbo.Study(bbo.Space({"x": bbo.Float(0, 1), "t": bbo.Context(bbo.Float(0, 1))}), seed=0)
    played = study.ask(context={"t": 0.5})
    assert "cheb_cb" in study.explain(played)
    held = study.ask(fixed={"x": 0.25}, context={"t": 0.5})
    assert held["x"] == 0.25
    assert "a Sobol point" in study.explain(held)
