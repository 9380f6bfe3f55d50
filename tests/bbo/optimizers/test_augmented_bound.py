"""`Bayes(acquisition="augmented_ucb")`: what is maximized, that both levels are run, and that the optimum of the target is found."""

from __future__ import annotations

import numpy as np
import pytest

import bbo
from acquisitions import AugmentedUpperConfidenceBound, UpperConfidenceBound
from acquisitions.at_target import moved
from acquisitions.per_cost import PerCost
from bbo.optimizers.acquisitions import BETA
from bbo.optimizers.bayes import Bayes
from bbo.replay import reproduce
from tests.bbo.optimizers.test_acquisitions import made
from tests.bbo.optimizers.test_fidelity_rules import COST, LEVELS, PLAIN, RANGE, SOURCES, bent, filled, forrester

NAME = "augmented_ucb"


def notes(study: bbo.Study) -> list[str]:
    return [event.body["note"] for event in study.storage.read("study") if event.kind == "asked"]


def test_the_best_at_the_target_is_found_with_both_levels() -> None:
    space = bbo.Space({"x": bbo.Float(0, 1), "mesh": bbo.Fidelity({"coarse": 1.0, "fine": 4.0})})
    study = bbo.Study(space, "minimize", optimizer=Bayes(acquisition=NAME), seed=2)
    for _ in range(28):
        study.tell(trial := study.ask(), forrester(trial.params))
    chosen = [trial.params["mesh"] for trial, note in zip(study.trials, notes(study), strict=True) if note.startswith("augmented")]
    owed = [trial.params["mesh"] for trial, note in zip(study.trials, notes(study), strict=True) if "half of the cost" in note]
    assert "coarse" in chosen and owed and set(owed) == {"fine"}
    assert not any("failed" in note for note in notes(study))
    found = study.recommend()
    assert found.params["mesh"] == "fine"
    assert forrester(found.params) < -5.9


def test_it_is_the_bound_per_cost_over_the_best_mean_at_the_target() -> None:
    score, surrogate = made(filled(LEVELS, NAME, f=forrester))
    assert isinstance(score, PerCost) and isinstance(score.acq, AugmentedUpperConfidenceBound)
    X = LEVELS.encode([{"x": x, "mesh": mesh} for mesh in COST for x in (0.3, 0.6, 0.75)])
    (column,) = LEVELS.columns_of("mesh")
    target, gp = {column: float(X[-1, column])}, surrogate.gps[0]
    best = gp.predict(moved(surrogate.targets[0].X, target))[0].max()
    mean, variance = gp.predict(moved(X, target))
    gain = mean + np.sqrt(BETA * variance) - best
    assert gain.max() > 0
    factor = (1 + np.abs(mean - gp.predict(X)[0])) * np.repeat(list(COST.values()), 3)
    np.testing.assert_allclose(score.value(X), np.where(gain > 0, gain / factor, gain * factor), rtol=1e-9)


def test_without_fidelities_it_is_the_upper_confidence_bound() -> None:
    X = np.random.default_rng(0).random((20, 2))
    one, surrogate = made(filled(PLAIN, NAME))
    two, _ = made(filled(PLAIN, "ucb"))
    assert isinstance(two, UpperConfidenceBound)
    best = surrogate.gps[0].predict(surrogate.targets[0].X)[0].max()
    np.testing.assert_allclose(one.value(X), two.value(X) - best, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("space", [RANGE, SOURCES], ids=["range", "sources"])
def test_ranges_and_sources(space: bbo.Space) -> None:
    study = filled(space, NAME)
    batch = study.ask(2)
    assert "augmented upper confidence bound" in notes(study)[-1] or "half of the cost" in notes(study)[-1]
    assert all(space.contains(trial.params) for trial in batch) and batch[0].params != batch[1].params


def test_batches_keep_apart_and_proposals_can_be_made_again() -> None:
    study = filled(LEVELS, NAME, f=forrester)
    assert study.ask(fixed={"mesh": "coarse"}).params["mesh"] == "coarse"
    batch = study.ask(3)
    assert len({tuple(trial.params.values()) for trial in batch}) == 3
    for trial in batch:
        assert reproduce(study.storage.read("study"), trial.number).params == trial.params


def test_where_trials_fail_nothing_is_proposed() -> None:
    study = filled(LEVELS, NAME, n=12, f=forrester)
    for x in (0.7, 0.74, 0.76, 0.78, 0.82):
        for mesh in COST:
            study.add({"x": x, "mesh": mesh}, None, failed=True)
    score, _ = made(study)
    values = score.value(LEVELS.encode([{"x": x, "mesh": "coarse"} for x in (0.3, 0.76)]))
    assert np.isfinite(values[0]) and values[1] == -np.inf
    assert not 0.7 < study.ask().params["x"] < 0.82


def test_costs_are_learnt_here_too() -> None:
    study = bbo.Study(LEVELS, "minimize", optimizer=Bayes(acquisition=NAME, n_initial=2, learn_costs=True, beta=1.0), seed=3)
    for k, x in enumerate(np.linspace(0.02, 0.98, 12)):
        p = {"x": float(x), "mesh": ("fine", "coarse")[k % 2]}
        study.add(p, bent(p), cost=COST[p["mesh"]] * float(np.exp(2 * x)))  # type: ignore[index]  # a name
    score, _ = made(study)
    points = LEVELS.encode([{"x": x, "mesh": "coarse"} for x in (0.2, 0.8)])
    np.testing.assert_allclose(np.diff(score.cost.log(points)[0]), 1.2, atol=0.1)
    study.ask()
    assert notes(study)[-1].startswith("augmented upper confidence bound per learnt cost") or "half of the cost" in notes(study)[-1]


def test_what_is_refused() -> None:
    with pytest.raises(bbo.Unsupported, match="takes no outcome constraints"):
        bbo.Study(LEVELS, "minimize", optimizer=Bayes(acquisition=NAME), outcome_constraints=["g <= 0"])
    with pytest.raises(bbo.Unsupported, match="no model of your own"):
        bbo.Study(PLAIN, "minimize", optimizer=Bayes(acquisition=NAME, surrogate=lambda X, Y, context: None))  # type: ignore[arg-type, return-value]
