"""GO-UCB through the log: LinUCB where the family is linear, the two phases, what it makes of mishaps, and what it refuses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import bbo
from bbo.log.states import State
from bbo.optimizers import GOUCB
from bbo.optimizers.base import Proposal, Request
from bbo.optimizers.parametric import Estimate, FamilyModel, Learning, calibrated
from bbo.replay import reproduce
from surrogates.parametric import Linear, LinearisedPosterior, SigmoidNetwork
from tests.bbo.optimizers.modelled import BOX, TREE, bowl

Array = NDArray[np.float64]
QUICK = GOUCB(n_initial=4, hidden=4, growth=None)


def network(d: int) -> torch.nn.Module:
    return torch.nn.Sequential(torch.nn.Linear(d, 1), torch.nn.Softplus())


def study_of(optimizer: GOUCB = QUICK, *, space: bbo.Space = BOX, n: int = 0, f: Any = bowl, **arguments: Any) -> bbo.Study:
    study = bbo.Study(space, optimizer=optimizer, **{"objectives": "minimize", "seed": 4, **arguments})
    for _ in range(n):
        trial = study.ask()
        study.tell(trial, f(trial))
    return study


def propose(study: bbo.Study, **request: Any) -> Proposal:
    assert study.trials is not None  # brings it up to date
    replica = study._replica
    return replica.optimizer.propose(replica.state, Request(first_number=len(replica.ledger.records), **request))


def estimate_of(study: bbo.Study) -> Estimate:
    assert study.trials
    state = study._replica.state
    assert isinstance(state, Learning)
    return state.estimate(study._replica.optimizer, state.memo, renew=False)[0]  # type: ignore[arg-type]


# -- LinUCB ---------------------------------------------------------------------------------------------------------------------


def linucb(X: Array, y: Array, first: Array, arms: Array, *, ridge: float, beta: float) -> int:
    """The arm of greatest upper confidence bound of a ridge regression about `first` (Li et al. 2010, arXiv:1003.0146)."""
    F, A = (np.column_stack([np.ones(len(P)), P]) for P in (X, arms))
    precision = ridge * np.eye(F.shape[1]) + F.T @ F
    estimate = np.linalg.solve(precision, ridge * first + F.T @ y)
    bounds = A @ estimate + np.sqrt(beta * np.sum(A * np.linalg.solve(precision, A.T).T, axis=1))
    return int(np.argmax(bounds))


@pytest.mark.parametrize("linearised", [False, True])
def test_with_a_linear_family_it_is_linucb(linearised: bool) -> None:
    """The same arm of a finite space, trial by trial, known ones among them."""
    space = bbo.Space({"x": bbo.Int(0, 6), "y": bbo.Float(0, 1, step=0.25), "z": bbo.Int(0, 3)})
    settings = GOUCB("linear", n_initial=5, ridge=0.6, beta=1.7, count_first=False, growth=None, linearised=linearised)
    study = study_of(settings, space=space, objectives="maximize")
    rng = np.random.default_rng(0)
    every = list(space.enumerate())
    chosen = []
    for _ in range(30):
        trial = study.ask()
        if trial.number >= 5:
            start = estimate_of(study).start
            told = [t for t in study.trials if t.state is State.DONE]
            X = space.encode([t.params for t in told[5:]])
            y = start.transform.forward([t.value for t in told[5:]])
            best = linucb(X, y, start.posterior.weights, space.encode(every), ridge=0.6, beta=1.7)
            assert space.key(trial.params) == space.key(every[best])
            chosen.append(space.key(every[best]))
        study.tell(trial, 0.3 * trial["x"] - 0.5 * (trial["y"] - 0.5) ** 2 + 0.1 * trial["z"] + 0.2 * rng.standard_normal())
    assert 2 < len(set(chosen)) < 25


def test_the_first_fit_of_a_linear_family_is_ridge_regression() -> None:
    study = study_of(GOUCB("linear", n_initial=6, weight_decay=0.2), n=7)
    start = estimate_of(study).start
    first = study.trials[:6]
    F = np.column_stack([np.ones(6), BOX.encode([t.params for t in first])])
    gains = -np.array([t.value for t in first])
    y = (gains - gains.mean()) / gains.std(ddof=1)
    np.testing.assert_allclose(start.posterior.weights, np.linalg.solve(F.T @ F + 0.2 * np.eye(3), F.T @ y), atol=1e-5)


# -- the two phases -------------------------------------------------------------------------------------------------------------


def test_begins_with_uniform_draws() -> None:
    study, uniform = study_of(GOUCB(), n=6), study_of("random", n=6)  # type: ignore[arg-type]
    points = [[dict(t.params) for t in each.trials] for each in (study, uniform)]
    assert points[0][:5] == points[1][:5]  # d + 1 is less than five
    assert points[0][5] != points[1][5]
    assert "until 5 trials" in study.explain(study.trials[4])
    assert "best case of the family sigmoid on 5 first trials and 0 since" in study.explain(study.trials[5])
    wide = bbo.Space({f"x{k}": bbo.Float(0, 1) for k in range(8)})
    assert "until 9 trials" in propose(study_of(GOUCB(), space=wide)).note


def test_the_first_trials_fix_fit_and_units() -> None:
    study = study_of(n=9)
    before = estimate_of(study).start
    study.tell(study.ask(), 1e3)  # an extreme value later on
    assert estimate_of(study).start is before
    assert study._replica.state.memo == {"first": [0, 1, 2, 3]}


def test_the_first_trials_count_in_the_precision_unless_told_otherwise() -> None:
    study = study_of(n=6)
    counted = estimate_of(study).start
    slopes = counted.family.weight_gradient(counted.posterior.weights, BOX.encode([t.params for t in study.trials[:4]]))[1]
    np.testing.assert_array_equal(counted.posterior.gradients, slopes)
    plain = estimate_of(study_of(replace(QUICK, count_first=False), n=6)).start
    np.testing.assert_array_equal(plain.posterior.weights, counted.posterior.weights)  # neither moves the estimate
    assert len(plain.posterior.gradients) == 0


def test_the_family_is_fitted_anew_when_trials_have_grown() -> None:
    study, firsts = study_of(GOUCB("linear", n_initial=4, growth=1.5)), []
    for _ in range(15):
        trial = study.ask()
        if (memo := study._replica.state.memo) is not None:
            firsts.append(len(memo["first"]))
        study.tell(trial, bowl(trial))
    assert firsts == [4, 4, 6, 6, 6, 9, 9, 9, 9, 9, 14]
    late = propose(study, memo={"first": [0, 1, 2, 3]})  # as when an ask is made again after a conflict
    assert late.memo == {"first": [0, 1, 2, 3]}
    assert "on 4 first trials and 11 since" in late.note


def test_the_estimate_is_the_same_trial_by_trial_and_at_once() -> None:
    study = study_of(n=12)
    one = estimate_of(study)  # grown along the run
    other = estimate_of(bbo.load_study(study.name, study.storage))  # folded at once
    np.testing.assert_array_equal(one.posterior.weights, other.posterior.weights)
    np.testing.assert_array_equal(one.posterior.factor, other.posterior.factor)
    assert one.noise == other.noise


def test_gradients_are_those_of_their_own_time() -> None:
    study = study_of(n=10)
    estimate = estimate_of(study)
    family, w, G = estimate.start.family, estimate.start.posterior.weights, list(estimate.start.posterior.gradients)
    for row in estimate.rows:
        f, g = family.weight_gradient(w, np.array(row[:-1])[None])
        G.append(g[0])
        w = w + np.linalg.solve(np.eye(len(w)) + np.transpose(G) @ np.array(G), g[0]) * (row[-1] - f[0])
    np.testing.assert_allclose(estimate.posterior.gradients, G, rtol=1e-9)
    np.testing.assert_allclose(estimate.posterior.weights, w, rtol=1e-9)


def test_late_results_take_their_place_in_the_sequence() -> None:
    study = study_of(n=4)
    trials = [study.ask() for _ in range(3)]
    for trial in reversed(trials):
        study.tell(trial, bowl(trial))
    assert [row[:-1] for row in estimate_of(study).rows] == [tuple(x) for x in BOX.encode([t.params for t in trials]).tolist()]


def test_amended_trials_count_as_amended() -> None:
    study = study_of(n=9)
    before = estimate_of(study)
    study.amend(7, 3.0)  # of the second phase
    after = estimate_of(study)
    assert after.start is before.start
    assert after.rows[3][-1] == pytest.approx(float(before.start.transform.forward(-3.0)))
    study.amend(1, 3.0)  # of the first
    assert not np.array_equal(estimate_of(study).start.posterior.weights, before.start.posterior.weights)


def test_added_trials_are_data() -> None:
    study = study_of()
    for point in BOX.sobol(6, seed=1):
        study.add(point, bowl(point))
    study.tell(study.ask(), 1.0)
    study.add({"x": 12.0, "y": 0.0}, 3.0, outside=True)
    estimate = estimate_of(study)
    assert study._replica.state.memo == {"first": [0, 1, 2, 3, 4, 5]}
    assert [round(row[0], 10) for row in estimate.rows][1] == 1.2
    assert BOX.contains(study.ask().params)


# -- what is proposed -----------------------------------------------------------------------------------------------------------


def test_no_beta_is_pure_greed() -> None:
    study = study_of(GOUCB("sigmoid", n_initial=5, hidden=4, beta=0.0, growth=None), n=8)
    estimate = estimate_of(study)
    (query,) = propose(study).queries
    grid = np.stack(np.meshgrid(*[np.linspace(0, 1, 60)] * 2), axis=-1).reshape(-1, 2)
    values = estimate.start.family.value(estimate.posterior.weights, grid)
    (found,) = estimate.start.family.value(estimate.posterior.weights, BOX.encode([query.params]))
    assert found >= values.max() - 1e-6
    assert np.isclose(study.recommend().mean["value"], study.predict(query.params).mean["value"], rtol=1e-4)


def test_the_proposal_is_the_best_of_a_grid() -> None:
    from acquisitions.parametric_optimism import LinearisedBound, ParametricOptimism

    for linearised, kind in ((False, ParametricOptimism), (True, LinearisedBound)):
        study = study_of(GOUCB(n_initial=5, hidden=4, linearised=linearised), n=9)
        estimate = estimate_of(study)
        score = kind(estimate.start.family, estimate.posterior, estimate.start.beta)
        (query,) = propose(study).queries
        grid = np.stack(np.meshgrid(*[np.linspace(0, 1, 40)] * 2), axis=-1).reshape(-1, 2)
        assert score.value(BOX.encode([query.params]))[0] >= score.value(grid).max() - 1e-6


def test_running_trials_move_no_estimate_and_are_not_proposed_again() -> None:
    study = study_of(n=8)
    batch = [query.params for query in propose(study, n=4).queries]
    assert len({BOX.key(params) for params in batch}) == 4
    before = estimate_of(study).posterior.weights
    first = study.ask()
    np.testing.assert_array_equal(estimate_of(study).posterior.weights, before)
    assert first.params == batch[0]
    second = propose(study).queries[0].params
    np.testing.assert_allclose(BOX.encode([second]), BOX.encode([batch[1]]), atol=0.02)  # as in the batch, by other random numbers


def test_a_batch_of_a_linear_family_goes_where_least_is_known() -> None:
    """With the values alike everywhere, each point is at the corner whose half width is greatest given those before it."""
    space = bbo.Space({"x": bbo.Float(0, 1), "y": bbo.Float(0, 1)})
    study = study_of(GOUCB("linear", n_initial=5, growth=None, beta=1.0), space=space, n=5, f=lambda p: 1.0)
    posterior = estimate_of(study).posterior
    corners = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    for query in propose(study, n=3).queries:
        widths = np.linalg.norm(posterior.whiten(np.column_stack([np.ones(4), corners])), axis=1)
        (x,) = space.encode([query.params])
        phi = np.array([1.0, *x])
        assert np.linalg.norm(posterior.whiten(phi[None])) > widths.max() - 0.02
        posterior = posterior.append(phi)


def test_failed_points_are_left_out_and_not_proposed_again() -> None:
    space = bbo.Space({"i": bbo.Int(0, 2), "j": bbo.Int(0, 1)})
    study = study_of(space=space)
    failed, repeated = [], 0
    for k in range(16):
        trial = study.ask()
        assert trial.params not in failed
        repeated += any(trial.params == other.params for other in study.trials[:-1])
        if k % 4 == 1:
            failed.append(dict(trial.params))
            study.fail(trial, "exploded")
        else:
            study.tell(trial, float(trial["i"] + trial["j"]))
    assert len(study._replica.state.memo["first"]) + len(estimate_of(study).rows) == 12
    assert repeated > 5  # of six points: measured ones come again


def test_mixed_spaces_with_conditions_and_constraints() -> None:
    study = study_of(space=TREE, n=9, f=lambda p: float(p["r"] + p.get("t", 0.3) + (p["kind"] == "b")))
    assert all(TREE.contains(trial.params) for trial in study.trials)
    assert all("random point" not in study.explain(trial) for trial in study.trials[4:])
    assert estimate_of(study).start.family.n_parameters == 4 * (6 + 2) + 1  # three numbers, and three levels of the kind


def test_fixed_parameters_stand() -> None:
    study = study_of(n=6)
    assert [query.params["y"] for query in propose(study, n=2, fixed={"y": 0.25}).queries] == [0.25, 0.25]
    together = propose(study, n=3, shared=("x",)).queries
    assert len({query.params["x"] for query in together}) == 1
    assert len({query.params["y"] for query in together}) == 3


def test_a_module_of_the_users() -> None:
    study = study_of(GOUCB(network, n_initial=4, growth=None), n=6)
    assert estimate_of(study).start.family.n_parameters == 3
    assert "the family tests.bbo.optimizers.test_go_ucb:network" in study.explain(study.trials[-1])
    assert dict(reproduce(study.storage.read(study.name), 5).params) == study.trials[5].params


def test_where_the_family_fails_a_random_point_is_proposed_with_the_reason() -> None:
    study = study_of(GOUCB(lambda d: torch.nn.Linear(d, 2), n_initial=4), n=5)
    assert "a random point, since the family failed: ValueError: the module takes 2 points" in study.explain(study.trials[4])


def test_the_order_of_trials_of_other_origin_and_replay() -> None:
    study = study_of(GOUCB(n_initial=4, hidden=2, growth=1.5))
    study.enqueue({"x": 1.0, "y": 0.5})
    open_trials = []
    for k in range(8):
        open_trials += study.ask(2) if k % 2 else [study.ask()]
        trial = open_trials.pop(0)
        study.tell(trial, bowl(trial))
    events = study.storage.read(study.name)
    made = [e for e in events if e.kind == "asked" and e.body["origin"] == "optimizer"]
    assert all(dict(reproduce(events, e.trial).params) == e.body["params"] for e in made)  # type: ignore[arg-type]


# -- regret ---------------------------------------------------------------------------------------------------------------------


def hill(params: Mapping[str, Any]) -> float:
    """One hidden unit, greatest at a corner."""
    return float(1 / (1 + np.exp(-(4 * params["x"] - 3 * params["y"] - 1))))


def test_regret_on_a_realizable_problem_grows_no_faster_than_the_root() -> None:
    """Realized by one hidden unit; noise of a tenth of the range. Regret over the root of time falls."""
    space = bbo.Space({"x": bbo.Float(0, 1), "y": bbo.Float(0, 1)})
    ratios = []
    for seed in range(2):
        rng = np.random.default_rng(seed)
        study = study_of(
            GOUCB(hidden=1), space=space, n=60, f=lambda p, rng=rng: hill(p) + 0.1 * rng.standard_normal(), objectives="maximize", seed=seed
        )
        regret = np.cumsum([hill({"x": 1, "y": 0}) - hill(trial.params) for trial in study.trials])
        assert regret[-1] < 0.5 * 60 * regret[4] / 5  # half of what the first uniform draws would have led to
        ratios.append(regret[[14, 59]] / np.sqrt([15, 60]))
    early, late = np.mean(ratios, axis=0)
    assert late < early


# -- units ----------------------------------------------------------------------------------------------------------------------


def test_units_make_no_difference() -> None:
    one = study_of(n=9)
    other = study_of(n=9, f=lambda p: 5.0 - 1024 * bowl(p), objectives="maximize")
    for a, b in zip(one.trials, other.trials, strict=True):
        np.testing.assert_allclose(BOX.encode([a.params]), BOX.encode([b.params]), atol=1e-5)


def test_beta_is_calibrated_and_capped() -> None:
    family, rng = SigmoidNetwork(3, hidden=4), np.random.default_rng(0)
    w, X = 3 * family.starts(1, rng)[0], rng.random((101, 3))
    for ridge in (0.2, 1.0, 9.0):
        posterior = LinearisedPosterior.prior(w, ridge)
        for t in range(3):
            beta = calibrated(family, posterior, X)
            half_widths = np.sqrt(beta) * np.linalg.norm(posterior.whiten(family.weight_gradient(w, X)[1]), axis=1)
            assert np.median(half_widths) == pytest.approx(1.0)
            posterior = posterior.append(family.weight_gradient(w, X[t : t + 1])[1][0])
    flat = np.zeros(21)
    flat[12:16], flat[0] = -800.0, 3.0  # saturated sigmoids: the gradient is that of the last bias alone, of length one
    for ridge in (1.0, 4.0):
        beta = calibrated(family, LinearisedPosterior.prior(flat, ridge), X)
        assert np.sqrt(beta / ridge) == pytest.approx(1.0)
    linear = LinearisedPosterior.prior(np.array([0.01, 0.0]), 1.0)
    for length, reach in ((0.01, 1.0), (3.0, 3.0)):
        posterior = replace(linear, weights=np.array([length, 0.0]))
        for _ in range(400):  # the intercept, and with it the value at zero, is known well
            posterior = posterior.append(np.array([1.0, 0.0]))
        assert np.sqrt(calibrated(Linear(1), posterior, np.zeros((3, 1)))) == pytest.approx(reach)


def test_the_model_speaks_for_the_study() -> None:
    study = study_of(n=10)
    model = study._replica.optimizer.model(study._replica.state)
    assert isinstance(model, FamilyModel)
    rows = BOX.sobol(5, seed=3)
    X = BOX.encode(rows)
    means, sds = model.predict(rows)
    assert means.shape == sds.shape == (5, 1)
    assert (sds > 0).all()
    np.testing.assert_allclose(model.medians(X), means, rtol=1e-12)
    np.testing.assert_allclose(-model.estimate.start.transform.inverse(model.score.value(X)), means[:, 0], rtol=1e-12)
    h = 1e-6
    slopes = np.stack([(model.medians(X + h * e) - model.medians(X - h * e))[:, 0] / (2 * h) for e in np.eye(2)], axis=1)
    np.testing.assert_allclose(model.slopes(X)[:, 0], slopes, rtol=1e-6, atol=1e-6)
    best = study.recommend()
    assert best.mean["value"] <= means.min() + 1e-9
    assert "go_ucb" in best.note
    assert {entry.parameter for entry in study.importance()} == {"x", "y"}
    study.diagnose()
    few = study_of(n=1)
    assert few._replica.optimizer.model(few._replica.state) is None


def test_the_noise_is_that_of_predictions() -> None:
    """Of a linear family with its own noise: the estimate of the noise is near, from 200 trials (within 20 %, 4 standard errors)."""
    rng = np.random.default_rng(1)
    study = study_of(GOUCB("linear", n_initial=5, growth=None), objectives="maximize")
    for point in BOX.sample(205, rng):
        study.add(point, point["x"] + point["y"] + 2.0 * rng.standard_normal())
        if len(study.trials) == 5:
            study.tell(study.ask(), 5.0)  # ends the first phase
    estimate = estimate_of(study)
    assert len(estimate.rows) == 201
    assert estimate.noise * estimate.start.transform.scale == pytest.approx(2.0, rel=0.2)


# -- what it refuses ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("space", "arguments", "reason"),
    [
        ({"x": bbo.Float(0, 1), "w": bbo.Sequence("ACGT", 3)}, {}, "'w' is one"),
        ({"x": bbo.Float(0, 1), "t": bbo.Fidelity(1, 9)}, {}, "'t' is a fidelity parameter"),
        ({"x": bbo.Float(0, 1), "z": bbo.Environment({"a": 0.5, "b": 0.5})}, {}, "environment"),
        ({"x": bbo.Array(3, within=bbo.L2Ball(1))}, {}, "'x' is within another set"),
        ({"x": bbo.Fixed(1)}, {}, "nothing to search"),
        ({"x": bbo.Float(0, 1)}, {"objectives": {"a": "minimize", "b": "minimize"}}, "there are 2"),
        ({"x": bbo.Float(0, 1)}, {"objectives": [bbo.Objective("a", feedback="ranking")]}, "told rankings"),
        ({"x": bbo.Float(0, 1)}, {"outcome_constraints": ["c <= 1"]}, "outcome constraints, and there is one on 'c'"),
    ],
)
def test_refuses_with_the_reason(space: Any, arguments: Any, reason: str) -> None:
    with pytest.raises(bbo.Unsupported, match=reason):
        bbo.Study(bbo.Space(space), **{"objectives": "minimize", "optimizer": "go_ucb", "seed": 0, **arguments})


@pytest.mark.parametrize(
    "settings",
    [
        {"family": "cubic"},
        {"hidden": 0},
        {"n_initial": 1},
        {"weight_decay": -1.0},
        {"ridge": 0},
        {"beta": float("inf")},
        {"beta": True},
        {"count_first": 0},
        {"growth": 1.0},
        {"growth": True},
        {"linearised": 1},
    ],
)
def test_refuses_settings_out_of_range(settings: Any) -> None:
    with pytest.raises(bbo.InvalidStudy, match=f"{next(iter(settings))} is"):
        GOUCB(**settings)
