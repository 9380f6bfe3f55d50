"""Bayes first, then CMA-ES: who is in charge when, and where the second begins."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import bbo
from bbo.optimizers.base import resolve
from bbo.optimizers.bayes_then_cma_es import BayesThenCMAES
from bbo.replay import reproduce

BOX = bbo.Space({"x": bbo.Float(-5, 5), "y": bbo.Float(-5, 5)})


def sphere(params: Any) -> float:
    return float((params["x"] - 1) ** 2 + (params["y"] + 2) ** 2)


def study_of(**settings: Any) -> bbo.Study:
    return bbo.Study(BOX, optimizer=BayesThenCMAES(**settings), seed=0)


def tickets(study: bbo.Study) -> list[bool]:
    return [event.body["ticket"] is not None for event in study.storage.read(study.name) if event.kind == "asked"]


def run(study: bbo.Study, n: int) -> None:
    for _ in range(n):
        trial = study.ask()
        study.tell(trial, sphere(trial.params))


def test_keeps_the_contract() -> None:
    from bbo.testing.optimizer import check_optimizer

    assert set(check_optimizer(BayesThenCMAES(trials=8), n=20)) >= {"box", "integers", "outcome constraint"}


def test_hands_over_after_so_many_trials_whoever_made_them() -> None:
    study = study_of(trials=8)
    study.add({"x": 3.0, "y": 3.0}, 29.0)
    run(study, 10)
    assert tickets(study) == [False] * 7 + [True] * 3
    assert "cma_es" in study.explain(9)
    events = study.storage.read(study.name)
    assert all(dict(reproduce(events, event.trial).params) == event.body["params"] for event in events if event.kind == "asked")


def test_a_batch_ends_where_the_next_is_in_charge() -> None:
    study = study_of(trials=8)
    assert len(study.ask(20)) == 8
    assert tickets(study) == [False] * 8


def test_the_second_begins_at_the_best_with_the_spread_of_the_good() -> None:
    """The memo of the first generation: x0 is the best point in the cube, sigma0 the root mean square distance of the best 2 d of it."""
    study = study_of(trials=12)
    run(study, 12)
    study.ask()
    memo = next(e.body["memo"] for e in study.storage.read(study.name) if e.kind == "asked" and e.body["ticket"] is not None)
    cube = BOX.encode([t.params for t in sorted(study.trials[:12], key=lambda t: t.value)])
    np.testing.assert_array_equal(memo["x0"], cube[0])
    assert memo["sigma0"] == pytest.approx(np.sqrt(((cube[:4] - cube[0]) ** 2).mean()).clip(1e-3, 0.3))


def test_finds_what_a_model_alone_does_not() -> None:
    """To 1e-10 of a sphere within 300 evaluations, where expected improvement stops gaining at about 1e-4."""
    study = study_of(trials=20)
    run(study, 300)
    assert study.best_value < 1e-10


def test_what_is_asked_with_parts_fixed_comes_from_the_model_and_predictions_too() -> None:
    study = study_of(trials=8)
    run(study, 16)
    held = study.ask(fixed={"x": 0.25})
    assert held["x"] == 0.25
    assert tickets(study)[-1] is False
    assert study.predict({"x": 1.0, "y": -2.0}).sd["value"] < 3


def test_says_why_it_cannot() -> None:
    mixed = bbo.Study(bbo.Space({"x": bbo.Float(0, 1), "c": bbo.Bool()}), seed=0)
    assert "'c' is a Bool" in str(BayesThenCMAES().supports(mixed._problem))
    assert resolve("bayes_then_cma_es") == BayesThenCMAES()


@pytest.mark.parametrize("trials", [0, -1, 2.5, True, None])
def test_trials_is_a_positive_integer(trials: Any) -> None:
    with pytest.raises(bbo.InvalidStudy, match="trials is"):
        BayesThenCMAES(trials=trials)
