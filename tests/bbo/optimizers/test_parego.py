"""ParEGO in `Bayes`: what it is the improvement of, and many objectives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from botorch.models import ModelListGP, SingleTaskGP

import bbo
from acquisitions import LogNoisyExpectedImprovement
from acquisitions.chebyshev import AugmentedChebyshev, random_weights
from bbo.best import nondominated
from bbo.log.states import State
from bbo.optimizers.acquisitions import default
from bbo.optimizers.base import resolve, to_json
from bbo.optimizers.bayes import Bayes
from bbo.optimizers.parego import SCALARIZED, scalarized
from bbo.replay import reproduce
from bbo.testing import check_optimizer
from surrogates.exact_gp import fit
from tests.bbo.optimizers.modelled import BOX, TREE, bowl, filled, propose
from tests.bbo.optimizers.test_acquisitions import GRID, made

TWO = {"f": "minimize", "g": "maximize"}
MANY = {f"f{k}": "minimize" for k in range(6)}
PAREGO = Bayes(acquisition="parego")


def two(p: Mapping[str, Any]) -> dict[str, float]:
    return {"f": bowl(p), "g": -((p["x"] - 3) ** 2) / 5 - p["y"] ** 2}


def many(p: Mapping[str, Any]) -> dict[str, float]:
    return {f"f{k}": (p["x"] / 10 - k / 5) ** 2 + (p["y"] - np.cos(k)) ** 2 for k in range(6)}


def test_of_one_objective_it_is_log_ei() -> None:
    X = BOX.encode(BOX.sobol(40, seed=3))
    scores = [made(filled(optimizer=Bayes(acquisition=name), n=10), seed=5)[0].value(X) for name in ("parego", "log_ei")]
    np.testing.assert_array_equal(*scores)


def test_the_target_of_one_objective_is_that_objective() -> None:
    """The scalarization of one objective is affine in it: standardised, nothing has changed, its noise neither."""
    study = filled(optimizer=Bayes(acquisition="ucb"), n=10)
    (target,) = made(study)[1].targets
    noisy = type(target)(target.name, target.X, target.y, np.full(len(target.y), 0.04), target.sign, target.transform)
    found = scalarized([noisy], study._replica.state.finished(State.DONE), np.array([1.0]))
    assert found.name == SCALARIZED
    np.testing.assert_allclose(found.y, target.y, atol=1e-9)
    np.testing.assert_allclose(found.variance, 0.04, rtol=1e-9)


def test_it_is_the_noisy_improvement_of_a_process_of_scalarized_values() -> None:
    study = filled(f=two, optimizer=PAREGO, objectives=TWO, n=14)
    score, surrogate = made(study, seed=7)
    weights = random_weights(2, np.random.default_rng(7))
    Y = np.column_stack([target.y for target in surrogate.targets])
    value = AugmentedChebyshev.over(Y[nondominated(-Y)], weights).value(Y)
    y = (value - value.mean()) / value.std(ddof=1)
    np.testing.assert_allclose(score.improvement.gp.y, y, atol=1e-9)
    X, gp = surrogate.targets[0].X, score.improvement.gp
    np.testing.assert_allclose(score.value(GRID[::37]), LogNoisyExpectedImprovement(gp, X, seed=7).value(GRID[::37]))
    cold = fit(X, y, columns=BOX.columns, settings=gp.settings)
    assert gp.log_marginal_likelihood > cold.log_marginal_likelihood - 1.0  # as good a fit as one from scratch


def test_constraints_weigh_in_and_come_first() -> None:
    def told(p: Mapping[str, Any]) -> dict[str, float]:
        return {**two(p), "c": p["x"]}

    study = filled(f=told, optimizer=PAREGO, objectives=TWO, outcome_constraints=["c <= 5"], n=14)
    score, surrogate = made(study)
    likely = surrogate.log_p_feasible(GRID)
    assert score.improvement.constraints == surrogate.constraints
    assert np.all(score.value(GRID[likely < -20]) < score.value(GRID).max() - 10)
    assert study.ask().params["x"] < 5.5
    none = filled(f=lambda p: {**told(p), "c": 9.0}, optimizer=PAREGO, objectives=TWO, outcome_constraints=["c <= 5"], n=6)
    assert propose(none).note.startswith("probability of feasibility")


def test_each_point_of_a_batch_has_weights_of_its_own_and_is_replayed() -> None:
    study = filled(f=two, optimizer=PAREGO, objectives=TWO, n=12)
    asked = study.ask(6)
    X = BOX.encode([t.params for t in asked])
    assert min(np.linalg.norm(X[i] - X[j]) for i in range(6) for j in range(i)) > 1e-3
    losses = np.array([[two(t.params)["f"], -two(t.params)["g"]] for t in asked])
    assert np.ptp(losses[:, 0]) > 0.5 * np.ptp([p["f"] for p in map(two, BOX.sobol(12, seed=1))]) * 0.2
    study.tell(asked[0], two(asked[0].params))
    asked.append(study.ask())
    events = study.storage.read(study.name)
    for trial in asked:
        assert dict(reproduce(events, trial.number).params) == trial.params


def test_more_than_four_objectives_are_its_by_default() -> None:
    study = bbo.Study(BOX, MANY, optimizer=Bayes(n_initial=4), seed=1)
    assert default(study._problem) == "parego"
    study.optimize(many, n_trials=8, progress=False)
    assert "random Chebyshev scalarization" in study.explain() and "failed" not in study.explain()
    assert len(study.pareto_front()) >= 3
    with pytest.raises(bbo.Unsupported, match="'log_ei' is of up to 4 objectives, and there are 6"):
        bbo.Study(BOX, MANY, optimizer=Bayes(acquisition="log_ei"))
    assert resolve(to_json(PAREGO)) == PAREGO


def test_it_comes_close_to_the_front() -> None:
    """The distance to the line of Pareto optimal points, between the optima of both objectives, of the last ten trials of 26."""
    study = bbo.Study(BOX, TWO, optimizer=Bayes(acquisition="parego", n_initial=5), seed=2)
    study.optimize(two, n_trials=26, progress=False)

    def off(p: Mapping[str, Any]) -> float:
        """How much both could be better at once, at most, over a grid of the front."""
        t = np.linspace(0, 1, 201)[:, None]
        x, y = 3 + 4 * t, 0.3 * t * np.linspace(0, 1, 51)
        gains = np.minimum(bowl(p) - ((x - 7) ** 2 / 10 + 3 * (y - 0.3) ** 2), -((x - 3) ** 2) / 5 - y**2 - two(p)["g"])
        return float(gains.max())

    last = np.median([off(t.params) for t in study.trials[-10:]])
    assert last < 0.1 * np.median([off(p) for p in BOX.sobol(64, seed=9)])


def test_mixed_spaces_and_failures() -> None:
    study = filled(TREE, lambda p: {"f": p["r"], "g": p.get("t", 0.0) - p.get("n", 0)}, optimizer=PAREGO, objectives=TWO)
    study.fail(study.ask(), "exploded")
    proposal = propose(study, n=2, fixed={"kind": "b"})
    assert "failed" not in proposal.note and all(q.params["kind"] == "b" and TREE.contains(q.params) for q in proposal.queries)


def test_a_model_of_ones_own() -> None:
    def unfitted(X: Any, Y: Any, context: Any) -> ModelListGP:
        return ModelListGP(*(SingleTaskGP(X, y.unsqueeze(-1), outcome_transform=None) for y in Y.T))

    def told(p: Mapping[str, Any]) -> dict[str, float]:
        return {**two({"x": p["i"], "y": p["j"] / 9}), "c": p["j"]}

    space = bbo.Space({"i": bbo.Int(0, 9), "j": bbo.Int(0, 9)})
    optimizer = Bayes(acquisition="parego", surrogate=unfitted)
    study = filled(space, told, objectives=TWO, outcome_constraints=["c <= 8"], optimizer=optimizer)
    proposal = propose(study, n=2)
    assert proposal.note.startswith("log expected improvement of a random Chebyshev scalarization, by the model")
    with pytest.raises(bbo.Unsupported, match="with a model of your own and several objectives"):
        bbo.Study(space, TWO, optimizer=Bayes(surrogate=unfitted))


@pytest.mark.slow
def test_check_optimizer() -> None:
    assert check_optimizer(Bayes(acquisition="parego", n_initial=3), n=4)
