"""`Bayes(learn_costs=True)`: told costs correct what fidelities and sources are given to cost."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

import bbo
from acquisitions.learnt_cost import LearntCost
from acquisitions.per_cost import ColumnCost, LogPerCost, PerCost
from acquisitions.protocol import Staged
from bbo.optimizers import fidelities
from bbo.optimizers.acquisitions import TABLE
from bbo.optimizers.base import resolve, to_json
from bbo.optimizers.bayes import Bayes
from bbo.replay import reproduce
from tests.bbo.optimizers.test_acquisitions import made
from tests.bbo.optimizers.test_fidelities import RANGE, SOURCES, measured

GIVEN = {"coarse": 1.0, "fine": 10.0}
LEVELS = bbo.Space({"x": bbo.Float(0, 1), "y": bbo.Float(-2, 2), "mesh": bbo.Fidelity(GIVEN)})
LEARNS = Bayes(acquisition="knowledge_gradient", n_initial=2, learn_costs=True)

Cost = Callable[[Mapping[str, Any]], float | None]


def given(p: Mapping[str, Any]) -> float:
    return GIVEN[p["mesh"]]


def steep(p: Mapping[str, Any]) -> float:
    """By what is solved, and at the coarse level not as cheap as given."""
    return float((3.0 if p["mesh"] == "coarse" else 10.0) * np.exp(1.5 * p["x"]))


def study_of(cost: Cost, optimizer: Bayes = LEARNS, n: int = 18, f: Any = measured, **more: Any) -> bbo.Study:
    study = bbo.Study(LEVELS, "minimize", optimizer=optimizer, seed=4, **more)
    for k, p in enumerate(LEVELS.sobol(n, seed=1)):
        q = {**p, "mesh": "coarse" if k % 3 else "fine"}
        study.add(q, f(q), cost=cost(q))
    return study


def test_unless_it_is_asked_for_told_costs_count_nothing() -> None:
    plain = Bayes(acquisition="knowledge_gradient", n_initial=2)
    told, untold = (study_of(cost, plain).ask(3) for cost in (steep, lambda p: None))
    assert [trial.params for trial in told] == [trial.params for trial in untold]


@pytest.mark.parametrize("cost", [lambda p: None, given, lambda p: 7.5 * given(p)], ids=["none", "as given", "in another unit"])
def test_told_costs_that_say_nothing_new_change_nothing(cost: Cost) -> None:
    assert isinstance(made(study_of(cost))[0].cost, ColumnCost)
    plain = study_of(cost, Bayes(acquisition="knowledge_gradient", n_initial=2)).ask(2)
    assert [trial.params for trial in study_of(cost).ask(2)] == [trial.params for trial in plain]


def test_costs_are_learnt_at_every_level_in_their_own_units() -> None:
    score, _ = made(study_of(steep))
    assert isinstance(score, LogPerCost) and isinstance(score.cost, LearntCost)
    points = [{"x": x, "y": 0.3, "mesh": mesh} for mesh in GIVEN for x in (0.1, 0.5, 0.9)]
    X = LEVELS.encode(points)
    np.testing.assert_allclose(score.cost.log(X)[0], np.log([steep(p) for p in points]), atol=0.05)
    np.testing.assert_allclose(score.value(X), score.acq.value(X) - score.cost.log(X)[0], atol=1e-9)


@pytest.mark.parametrize("name", [name for name, entry in TABLE.items() if entry.learns_costs])
def test_every_score_per_cost_takes_them(name: str) -> None:
    """The score per learnt cost is the score per given cost times the ratio of the costs, where it gains."""
    score, _ = made(study_of(steep, Bayes(acquisition=name, n_initial=2, learn_costs=True)))
    plain, _ = made(study_of(steep, Bayes(acquisition=name, n_initial=2)))
    assert isinstance(score.cost, LearntCost) and isinstance(plain.cost, ColumnCost)
    X = LEVELS.encode(LEVELS.sobol(40, seed=7))
    rise = score.cost.log(X)[0] - plain.cost.log(X)[0]
    assert np.ptp(rise) > 1
    if isinstance(score, LogPerCost):
        np.testing.assert_allclose(score.value(X), plain.value(X) - rise, rtol=1e-9)
    elif isinstance(score, Staged):  # the costs are those of levels
        np.testing.assert_array_equal(score.value(X), plain.value(X))
        assert any(score.at_levels(x[None])[0, 2] != plain.at_levels(x[None])[0, 2] for x in X)
    else:
        assert isinstance(score, PerCost)
        gains = score.acq.value(X)
        assert gains.max() > 0
        np.testing.assert_allclose(score.value(X), plain.value(X) * np.exp(np.where(gains > 0, -rise, rise)), rtol=1e-9)
    study = study_of(steep, Bayes(acquisition=name, n_initial=2, learn_costs=True))
    study.ask()
    note = study.storage.read("study")[-1].body["note"]
    assert "per learnt cost" in note or "half of the cost" in note


def test_costs_of_failed_trials_count_and_some_may_be_missing() -> None:
    study = study_of(lambda p: None if p["x"] < 0.3 else steep(p))
    count = sum(trial.params["x"] >= 0.3 for trial in study.trials)
    assert len(made(study)[0].cost.log_factor.y) == count
    study.add({"x": 0.95, "y": 0.9, "mesh": "fine"}, None, failed=True, cost=40.0)
    assert len(made(study)[0].cost.log_factor.y) == count + 1


@pytest.mark.parametrize("dear_side", ["left", "right"])
def test_of_points_of_equal_gain_the_cheap_one_is_proposed(dear_side: str) -> None:
    """What is known is symmetric about x = 1/2, but for the costs."""

    def valleys(p: Mapping[str, Any]) -> float:
        return float(10 * min((p["x"] - 0.2) ** 2, (p["x"] - 0.8) ** 2) + p["y"] ** 2 + 0.1 * (p["mesh"] == "coarse"))

    study = bbo.Study(LEVELS, "minimize", optimizer=LEARNS, seed=4)
    for k, p in enumerate(LEVELS.sobol(8, seed=2)):
        mesh = "coarse" if k % 2 else "fine"
        for q in ({**p, "mesh": mesh}, {**p, "x": 1 - p["x"], "mesh": mesh}):
            study.add(q, valleys(q), cost=given(q) * (10.0 if (q["x"] < 0.5) == (dear_side == "left") else 1.0))
    assert (study.ask().params["x"] < 0.5) == (dear_side == "right")


def test_half_of_what_was_paid_is_paid_at_the_target() -> None:
    """Six coarse points and two fine ones: little as given, most of it as told."""
    points = [{"x": float(x), "y": 0.0, "mesh": "fine" if k in (2, 5) else "coarse"} for k, x in enumerate(np.linspace(0.05, 0.95, 8))]
    assert not fidelities.due_at_target(LEVELS, points)
    notes = {}
    for learns in (False, True):
        optimizer = Bayes(acquisition="knowledge_gradient", n_initial=2, learn_costs=learns)
        study = bbo.Study(LEVELS, "minimize", optimizer=optimizer, seed=1)
        for p in points:
            study.add(p, measured(p), cost=9.0 if p["mesh"] == "coarse" else 10.0)
        trial = study.ask()
        notes[learns] = study.storage.read("study")[-1].body["note"]
        assert not learns or trial.params["mesh"] == "fine"
    assert "since half of the cost is spent there" in notes[True] and "since half" not in notes[False]


@pytest.mark.parametrize(("space", "name"), [(RANGE, "epochs"), (SOURCES, "by")], ids=["range", "sources"])
def test_ranges_and_sources(space: bbo.Space, name: str) -> None:
    study = bbo.Study(space, "minimize", optimizer=LEARNS, seed=3)
    for p in space.sample(14, np.random.default_rng(2)):
        paid = space.parameters[name].cost_at(p[name]) * (1 + 3 * p["x"])  # type: ignore[attr-defined]
        study.add(p, measured(p), cost=float(paid))
    score, _ = made(study)
    assert isinstance(score.cost, LearntCost)
    X = space.encode([{**p, "x": x} for p in space.sample(2, np.random.default_rng(3)) for x in (0.1, 0.9)])
    np.testing.assert_allclose(np.diff(score.cost.log(X)[0].reshape(2, 2)), np.log(3.7 / 1.3), atol=0.15)
    assert space.contains(study.ask().params) and "failed" not in study.storage.read("study")[-1].body["note"]


def test_it_is_said_and_can_be_made_again() -> None:
    study = study_of(steep)
    trial = study.ask()
    events = study.storage.read("study")
    assert "log knowledge gradient per learnt cost" in events[-1].body["note"]
    assert reproduce(events, trial.number).params == trial.params


def test_settings() -> None:
    assert resolve(to_json(LEARNS)) == LEARNS
    with pytest.raises(bbo.InvalidStudy, match="learn_costs is 1; it is one of False, True"):
        Bayes(learn_costs=1)  # type: ignore[arg-type]  # wrong on purpose
    with pytest.raises(bbo.Unsupported, match="there is none; 'ei_per_cost' does without"):
        bbo.Study(bbo.Space({"x": bbo.Float(0, 1)}), "minimize", optimizer=Bayes(learn_costs=True))
    with pytest.raises(bbo.Unsupported, match="'log_ei' takes costs as they are given; with learn_costs there are 'knowledge_gradient'"):
        bbo.Study(LEVELS, "minimize", optimizer=Bayes(acquisition="log_ei", learn_costs=True))
    bbo.Study(LEVELS, "minimize", optimizer=Bayes(learn_costs=True))
