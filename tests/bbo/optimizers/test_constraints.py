"""No proposal of a model breaks a known constraint, over random constrained spaces."""

from __future__ import annotations

import hypothesis
import numpy as np
import pytest
from hypothesis import given

import bbo
from bbo.space import Space
from bbo.testing.strategies import spaces

SPACES = spaces(constraints=True, roles=False, words=False)
QUICK = hypothesis.settings(max_examples=4, deadline=None, derandomize=True, phases=[hypothesis.Phase.generate])
FULL = hypothesis.settings(QUICK, max_examples=30)


def check(space: Space, points: int) -> None:
    """So many proposals of the model keep the space, whatever was measured before."""
    study = bbo.Study(space, optimizer=bbo.Bayes(n_initial=2), seed=3)
    rng = np.random.default_rng(0)
    for params in space.sample(4, rng):
        study.add(params, float(rng.normal()))
    for _ in range(points):
        try:
            trial = study.ask()
        except bbo.Exhausted:
            break
        assert space.contains(trial.params)
        study.tell(trial, float(rng.normal()))
    notes = [event.body["note"] for event in study.storage.read(study.name) if event.kind == "asked"]
    assert not [note for note in notes if "failed" in note]


@QUICK
@given(space=SPACES)
def test_the_models_proposals_keep_known_constraints(space: Space) -> None:
    check(space, 3)


def test_the_boundary_of_a_curved_constraint_is_reached() -> None:
    space = Space({"lr": bbo.Float(1e-4, 1, log=True), "n": bbo.Int(1, 10), "w": bbo.Float(0, 1)}, ["lr * n <= 0.5"])
    study = bbo.Study(space, "maximize", optimizer=bbo.Bayes(n_initial=2), seed=0)
    for params in space.sobol(8, seed=1):
        study.add(params, params["lr"] * params["n"] - params["w"])
    for _ in range(6):
        trial = study.ask()
        assert trial.params["lr"] * trial.params["n"] <= 0.5
        study.tell(trial, trial.params["lr"] * trial.params["n"] - trial.params["w"])
    assert max(t.params["lr"] * t.params["n"] for t in study.trials) > 0.4999
    assert "smooth constraints" in study.storage.read(study.name)[-2].body["note"]


@pytest.mark.slow
@FULL
@given(space=SPACES)
def test_the_models_proposals_keep_known_constraints_in_full(space: Space) -> None:
    check(space, 10)
