"""`Bayes` with expected improvement per cost: what is learnt of costs, when they count, and when not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

import bbo
from acquisitions.cost_cooling import LogPerLearntCost
from bbo.optimizers.base import resolve, to_json
from bbo.optimizers.bayes import Bayes
from bbo.replay import reproduce
from bbo.testing import check_optimizer
from tests.bbo.optimizers.modelled import BOX, TREE, bowl, filled, propose
from tests.bbo.optimizers.test_acquisitions import GRID, made

PER_COST = Bayes(acquisition="ei_per_cost", n_initial=2)


def steep(p: Mapping[str, Any]) -> float:
    return float(np.exp(0.5 * p["x"] + p["y"]))


def study_of(cost: Callable[[Mapping[str, Any]], float | None], n: int = 12, optimizer: Bayes = PER_COST, **more: Any) -> bbo.Study:
    study = bbo.Study(BOX, optimizer=optimizer, seed=4, **more)
    for p in BOX.sobol(n, seed=1):
        study.add(p, bowl(p), cost=cost(p))
    return study


def test_equal_costs_lead_to_the_points_of_log_ei() -> None:
    plain = study_of(lambda p: None, optimizer=Bayes(acquisition="log_ei", n_initial=2)).ask(3)
    equal = study_of(lambda p: 7.0).ask(3)
    for a, b in zip(plain, equal, strict=True):
        np.testing.assert_allclose(list(a.params.values()), list(b.params.values()), atol=1e-6)


def test_without_costs_it_is_log_ei_and_says_so() -> None:
    study = study_of(lambda p: None)
    assert propose(study).queries == propose(study_of(lambda p: None, optimizer=Bayes(acquisition="log_ei", n_initial=2))).queries
    assert "whatever it costs, since fewer than 2 trials were told with a cost" in propose(study).note


def test_costs_are_learnt_in_their_own_units() -> None:
    score, _ = made(study_of(steep, n=20))
    assert isinstance(score, LogPerLearntCost) and score.alpha == 1.0
    learnt = score.scale * score.log_cost.predict(GRID)[0]
    true = np.log([steep(p) for p in BOX.decode(GRID)])
    np.testing.assert_allclose(learnt - learnt.mean(), true - true.mean(), atol=0.05)
    np.testing.assert_allclose(score.value(GRID), score.log_gain.value(GRID) - learnt, atol=1e-9)


def test_costs_of_failed_trials_count_and_some_may_be_missing() -> None:
    study = study_of(lambda p: None if p["x"] < 3 else steep(p), n=12)
    count = sum(t.params["x"] >= 3 for t in study.trials)
    assert len(made(study)[0].log_cost.y) == count
    study.add({"x": 9.5, "y": 0.9}, None, failed=True, cost=steep({"x": 9.5, "y": 0.9}))
    score, _ = made(study)
    assert len(score.log_cost.y) == count + 1
    free = study_of(lambda p: 0.0 if p["x"] < 5 else 1.0)  # a logarithm of nothing is not taken
    assert np.all(np.isfinite(made(free)[0].log_cost.y))


@pytest.mark.parametrize("dear_side", ["left", "right"])
def test_of_points_of_equal_gain_the_cheap_one_is_proposed(dear_side: str) -> None:
    """What is known is symmetric about x = 5, but for the costs."""

    def valleys(p: Mapping[str, Any]) -> float:
        return float(min((p["x"] - 2) ** 2, (p["x"] - 8) ** 2) + p["y"] ** 2)

    study = bbo.Study(BOX, optimizer=PER_COST, seed=4)
    for p in BOX.sobol(6, seed=2):
        for q in (p, {**p, "x": 10 - p["x"]}):
            study.add(q, valleys(q), cost=10.0 if (q["x"] < 5) == (dear_side == "left") else 1.0)
    score, _ = made(study)
    X = BOX.encode([p for x in np.linspace(0.1, 4.9, 9) for p in ({"x": x, "y": 0.3}, {"x": 10 - x, "y": 0.3})])
    gains = score.log_gain.value(X)
    np.testing.assert_allclose(gains[::2], gains[1::2], rtol=1e-3, atol=1e-3)
    assert (study.ask().params["x"] < 5) == (dear_side == "right")


@pytest.mark.parametrize(("share", "alpha"), [(0.25, 0.75), (1.5, 0.0)])
def test_costs_count_by_the_share_of_the_budget_that_is_left(share: float, alpha: float) -> None:
    spent = sum(steep(p) for p in BOX.sobol(12, seed=1))
    study = study_of(steep, optimizer=Bayes(acquisition="ei_per_cost", n_initial=2, max_cost=spent / share))
    score, _ = made(study)
    assert score.alpha == pytest.approx(alpha)
    assert f"per learnt cost to the power of {alpha:.2g}" in propose(study).note
    if alpha == 0:
        np.testing.assert_array_equal(score.value(GRID), score.log_gain.value(GRID))


def test_settings() -> None:
    optimizer = Bayes(acquisition="ei_per_cost", max_cost=40.0)
    assert resolve(to_json(optimizer)) == optimizer
    for arguments, message in (
        ({"acquisition": "ei_per_cost", "max_cost": 0.0}, "max_cost is 0.0; it is positive"),
        ({"acquisition": "ei_per_cost", "max_cost": float("inf")}, "max_cost is inf; it is a finite number"),
        ({"max_cost": 3.0}, "max_cost is 3.0, and has a meaning for the acquisitions 'ei_per_cost' only"),
    ):
        with pytest.raises(bbo.InvalidStudy, match=message):
            Bayes(**arguments)  # type: ignore[arg-type]  # wrong on purpose
    with pytest.raises(bbo.Unsupported, match="takes no model of your own"):
        bbo.Study(BOX, optimizer=Bayes(acquisition="ei_per_cost", surrogate=lambda X, Y, context: None))  # type: ignore[arg-type, return-value]


def test_several_objectives_constraints_and_replay() -> None:
    def told(p: Mapping[str, Any]) -> dict[str, float]:
        return {"f": bowl(p), "g": p["x"], "c": p["y"]}

    study = filled(f=told, objectives={"f": "minimize", "g": "minimize"}, outcome_constraints=["c <= 0.5"], optimizer=PER_COST)
    for p in BOX.sobol(4, seed=9):
        study.add(p, told(p), cost=steep(p))
    asked = study.ask(3)
    assert "log expected hypervolume improvement per learnt cost" in study.explain() and "failed" not in study.explain()
    study.tell(asked[0], told(asked[0].params), cost=2.0)
    asked.append(study.ask())
    events = study.storage.read(study.name)
    for trial in asked:
        assert dict(reproduce(events, trial.number).params) == trial.params


def test_mixed_spaces() -> None:
    study = filled(TREE, lambda p: float(p["r"]), optimizer=PER_COST)
    for p in TREE.sobol(4, seed=9):
        study.add(p, float(p["r"]), cost=1.0 + p["r"])
    assert all(TREE.contains(t.params) for t in study.ask(2)) and "failed" not in study.explain()


@pytest.mark.slow
def test_check_optimizer() -> None:
    assert check_optimizer(Bayes(acquisition="ei_per_cost", n_initial=3), n=4)
