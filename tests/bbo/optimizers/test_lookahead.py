"""`Bayes` with two-step lookahead: over which points, and all that a proposal keeps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from botorch.models import SingleTaskGP

import bbo
from bbo.optimizers.bayes import Bayes
from bbo.optimizers.custom import quiet
from bbo.optimizers.lookahead import AIM, BASELINE, SECOND
from bbo.replay import reproduce
from bbo.testing import check_optimizer
from tests.bbo.optimizers.modelled import BOX, TREE, bowl, filled, propose
from tests.bbo.optimizers.test_acquisitions import COARSE, made, wavy

TWO_STEP = Bayes(acquisition="two_step")
LATTICE = bbo.Space({"i": bbo.Int(0, 19), "j": bbo.Int(0, 9)})  # of few points, since a search all over takes BoTorch seconds


def sloped(p: Mapping[str, Any]) -> float:
    return float((p["i"] - 7) ** 2 / 10 + 3 * (p["j"] - 3) ** 2 + np.sin(3.0 * p["i"]))


def test_over_which_points_it_is() -> None:
    with quiet():
        score, surrogate = made(filled(f=wavy, optimizer=TWO_STEP, n=20))
    inner = score.function.function
    assert len(inner.X) == SECOND and len(inner.X_baseline) == BASELINE
    mean, variance = surrogate.gps[0].predict(COARSE)
    high, _ = surrogate.gps[0].predict(inner.X.numpy()), None
    assert np.mean(high[0] + np.sqrt(high[1])) > np.quantile(mean + np.sqrt(variance), 0.8)
    known = surrogate.gps[0].predict(surrogate.targets[0].X)[0]
    assert float(inner.best) == pytest.approx(known.max(), abs=1e-9)


def test_finds_the_low_ground() -> None:
    study = filled(LATTICE, sloped, optimizer=TWO_STEP, n=8)
    for _ in range(10):
        study.tell(trial := study.ask(), sloped(trial.params))
        assert study.storage.read("study")[-2].body["note"].startswith(AIM)
    values = sorted(sloped(p) for p in LATTICE.enumerate())
    assert study.best_value is not None and study.best_value <= values[3]


def test_a_batch_is_spread_out_and_replayed() -> None:
    study = filled(LATTICE, sloped, optimizer=TWO_STEP, n=8)
    asked = study.ask(3)
    study.tell(asked[0], sloped(asked[0].params))
    asked.append(study.ask())
    assert len({tuple(t.params.values()) for t in asked}) == 4
    events = study.storage.read(study.name)
    for trial in asked:
        assert dict(reproduce(events, trial.number).params) == trial.params


def test_constraints_weigh_in_and_come_first() -> None:
    def told(p: Mapping[str, Any]) -> dict[str, float]:
        return {"f": sloped(p), "c": float(p["i"])}

    study = filled(LATTICE, told, objectives={"f": "minimize"}, outcome_constraints=["c <= 5.5"], optimizer=TWO_STEP, n=10)
    assert study.ask().params["i"] <= 6
    none = filled(
        LATTICE, lambda p: {**told(p), "c": 9.0}, objectives={"f": "minimize"}, outcome_constraints=["c <= 5.5"], optimizer=TWO_STEP
    )
    assert propose(none).note.startswith("probability of feasibility")


def test_a_model_of_ones_own_and_refusals() -> None:
    def unfitted(X: Any, Y: Any, context: Any) -> SingleTaskGP:
        return SingleTaskGP(X, Y, outcome_transform=None)

    study = filled(LATTICE, sloped, optimizer=Bayes(acquisition="two_step", surrogate=unfitted), n=8)
    assert propose(study, n=2).note.startswith(f"{AIM}, by the model")
    with pytest.raises(bbo.Unsupported, match="'two_step' is of one objective, and there are 2"):
        bbo.Study(BOX, {"f": "minimize", "g": "minimize"}, optimizer=TWO_STEP)


@pytest.mark.slow
def test_boxes_trees_and_failures() -> None:
    study = filled(optimizer=TWO_STEP, n=8)
    for _ in range(6):
        study.tell(trial := study.ask(), bowl(trial.params))
    assert study.best_value is not None and study.best_value < 0.05
    tree = filled(TREE, lambda p: float(p["r"] + p.get("t", 0.0)), optimizer=TWO_STEP)
    tree.fail(tree.ask(), "exploded")
    proposal = propose(tree, n=2, fixed={"kind": "b"})
    assert "failed" not in proposal.note and all(q.params["kind"] == "b" and TREE.contains(q.params) for q in proposal.queries)


@pytest.mark.slow
def test_check_optimizer() -> None:
    assert check_optimizer(Bayes(acquisition="two_step", n_initial=3), n=4)
