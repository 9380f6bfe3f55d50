"""Bayesian optimization: signs, memo, purity, failures, feasibility, and an end."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bbo
from bbo.log.ledger import Record
from bbo.log.states import State
from bbo.objectives import Constraint, Objective
from bbo.optimizers.bayes import Bayes
from bbo.optimizers.history import History
from bbo.optimizers.surrogate import Surrogate, conditioned, fitted
from bbo.optimizers.targets import WORKS, Bends, Target, bendable, targets_of
from bbo.problem import Problem
from surrogates.exact_gp import Settings
from tests.bbo.optimizers.modelled import BOX, TREE, bowl, filled, propose

# -- signs and scales -----------------------------------------------------------------------------------------------------------


def test_maximizing_is_minimizing_the_negative() -> None:
    down = filled(f=bowl)
    up = filled(f=lambda p: -bowl(p), objectives="maximize")
    assert propose(down) == propose(up)


def test_the_improvement_lies_where_the_function_is_low() -> None:
    study = filled(f=bowl, n=14)
    point = propose(study).queries[0].params
    assert bowl(point) < min(bowl(t.params) for t in study.trials)
    assert point["x"] == pytest.approx(7, abs=2)


def record(number: int, x: float, *, state: State = State.DONE, sd: Mapping[str, float] | None = None, **values: float) -> Record:
    point = {"x": x, "y": 0.0}
    return Record(number, state, params=point, planned=point, values=values, sd=sd or {})


def targets(problem: Problem, records: Sequence[Record], bends: Bends | None = None) -> list[Target]:
    return targets_of(History(problem, {r.number: r for r in records}), bends or Bends(objectives=False))


def test_targets_are_standardised_and_to_be_maximized_and_bounds_move_along() -> None:
    problem = Problem(BOX, (Objective("f"), Objective("g", "maximize")), (Constraint("f", upper=2.0), Constraint("c", 1.0, 4.0)))
    records = [record(k, float(k), f=float(k), g=10.0 * k, c=3.0 + k) for k in range(5)]
    f, g, c = targets(problem, records)
    standard = (np.arange(5) - 2) / math.sqrt(2.5)
    assert [t.name for t in (f, g, c)] == ["f", "g", "c"]
    np.testing.assert_allclose(f.y, -standard)
    np.testing.assert_allclose(g.y, standard)
    np.testing.assert_allclose(c.y, standard)
    for target, key in ((f, "f"), (g, "g"), (c, "c")):
        np.testing.assert_allclose(target.sign * target.transform.inverse(target.y), [r.values[key] for r in records])
        np.testing.assert_allclose(target.native(target.y, np.zeros(5))[0], [r.values[key] for r in records])
    assert (f.lower, f.upper) == (pytest.approx(0.0), None)  # f <= 2 is a gain of at least 0
    assert (g.lower, g.upper) == (None, None)
    assert (c.lower, c.upper) == (pytest.approx((1 - 5) / math.sqrt(2.5)), pytest.approx((4 - 5) / math.sqrt(2.5)))
    np.testing.assert_allclose(f.X, BOX.encode([r.params for r in records]))


def test_rows_come_in_the_order_of_their_numbers() -> None:
    problem = Problem(BOX, (Objective("f"),))
    records = [record(k, float(k), f=float(k)) for k in (3, 0, 4, 1)]
    (target,) = targets(problem, records)
    assert list(target.X[:, 0] * 10) == pytest.approx([0, 1, 3, 4])


def test_known_noise_is_used_where_every_trial_has_it() -> None:
    problem = Problem(BOX, (Objective("f"),))
    told = [record(k, float(k), f=10.0 * k, sd={"f": 1.0 + k}) for k in range(3)]
    scale = np.std([0, 10, 20], ddof=1)
    (target,) = targets(problem, told)
    np.testing.assert_allclose(target.variance, (np.array([1, 2, 3]) / scale) ** 2)
    (target,) = targets(problem, [*told, record(3, 3.0, f=1.0)])
    assert target.variance is None
    (target,) = targets(replace(problem, objectives=(Objective("f", sd=5.0),)), [*told, record(3, 3.0, f=1.0)])
    assert target.variance is not None
    assert target.variance[3] == pytest.approx((5 / np.std([0, 10, 20, 1], ddof=1)) ** 2)


def test_failures_are_a_target_of_their_own_and_pruned_trials_are_none() -> None:
    problem = Problem(BOX, (Objective("f"),))
    records = [record(0, 0.0, f=1.0), record(1, 1.0, state=State.FAILED), record(2, 2.0, state=State.PRUNED), record(3, 3.0, f=2.0)]
    f, works = targets(problem, records)
    assert works.name == WORKS
    assert list(works.y) == [1, 1, -1]
    assert works.lower == 0
    assert list(works.X[:, 0] * 10) == pytest.approx([0, 3, 1])
    assert len(f.y) == 2


def test_a_terrible_value_does_not_flatten_the_rest_and_the_best_is_never_clipped() -> None:
    records = [record(k, float(k), f=value) for k, value in enumerate([1.0, 2.0, 3.0, 4.0, 1e9])]
    (down,) = targets(Problem(BOX, (Objective("f"),)), records)
    np.testing.assert_allclose(down.transform.inverse(down.y), [-1, -2, -3, -4, -4 - 3 * 2])
    (up,) = targets(Problem(BOX, (Objective("f", "maximize"),)), records)
    np.testing.assert_allclose(up.transform.inverse(up.y), [1, 2, 3, 4, 1e9])


def test_a_power_transform_makes_a_skewed_objective_normal_and_keeps_the_order() -> None:
    values = np.exp(np.random.default_rng(0).normal(size=40))
    records = [record(k, k / 10, f=float(value)) for k, value in enumerate(values)]
    problem = Problem(BOX, (Objective("f"),), (Constraint("f", upper=1.0),))
    (plain,), (bent,) = (targets(problem, records, Bends(power)) for power in (False, True))
    skew = [abs(float(np.mean(target.y**3))) for target in (plain, bent)]
    assert skew[1] < 0.3 * skew[0]
    assert list(np.argsort(bent.y)) == list(np.argsort(-values))
    assert list(bent.y >= bent.lower) == list(values <= 1.0)


@pytest.mark.parametrize(("bound", "sign"), [("upper", 1.0), ("lower", -1.0)])
def test_distances_from_a_bound_are_taken_by_their_logarithm_where_they_are_large(bound: str, sign: float) -> None:
    distances = [-100.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0, 1e6, 1e9]
    records = [record(k, float(k), f=0.0, c=3.0 + sign * distance) for k, distance in enumerate(distances)]
    problem = Problem(BOX, (Objective("f"),), (Constraint("c", **{bound: 3.0}),))
    _, target = targets(problem, records, Bends(near={"c": 0.5}))
    np.testing.assert_allclose(target.transform.inverse(target.y), [r.values["c"] for r in records])
    assert (target.y.mean(), target.y.std(ddof=1)) == (pytest.approx(0, abs=1e-12), pytest.approx(1))
    end = target.upper if bound == "upper" else target.lower
    assert end == target.y[3]
    log = sign * (target.y - end)
    np.testing.assert_allclose(
        log / log[5], np.sign(distances) * np.log2(1 + np.abs(distances)), atol=1e-12
    )  # one is the median of the distances


def test_values_at_the_bound_itself_are_no_unit_of_distance() -> None:
    records = [record(k, float(k), f=0.0, c=float(k > 3)) for k in range(6)]
    _, target = targets(Problem(BOX, (Objective("f"),), (Constraint("c", upper=0.0),)), records, Bends(near={"c": 0.5}))
    assert np.isfinite(target.y).all() and target.upper == target.y[0] < target.y[5]
    same = [record(k, float(k), f=0.0, c=0.0) for k in range(6)]
    _, target = targets(Problem(BOX, (Objective("f"),), (Constraint("c", upper=0.0),)), same, Bends(near={"c": 0.5}))
    assert list(target.y) == [0.0] * 6


def test_only_outcomes_with_one_bound_that_are_no_objectives_may_be_bent_from_it() -> None:
    constraints = (Constraint("f", upper=2.0), Constraint("a", lower=1.0), Constraint("b", 1.0, 4.0), Constraint("c", upper=0.0))
    assert bendable(Problem(BOX, (Objective("f"),), constraints)) == ("a", "c")


def test_of_very_many_trials_the_best_and_some_far_apart_are_fitted() -> None:
    problem = Problem(BOX, (Objective("f"),))
    records = [record(k, k / 300, f=float((k * 7919) % 3000)) for k in range(3000)]
    (target,) = targets(problem, records)
    xs = np.round(target.X[:, 0] * 3000).astype(int)
    assert len(xs) == 1000
    assert set(xs.tolist()) >= {k for k in range(3000) if (k * 7919) % 3000 < 500}
    assert np.diff(np.sort(xs)).max() <= 12
    assert list(xs) == sorted(xs)


# -- the surrogate ----------------------------------------------------------------------------------------------------------------


COLUMNS = bbo.Space({"x": bbo.Float(0, 1), "y": bbo.Float(0, 1)}).columns


def surrogate(n: int = 10, seed: int = 0) -> Surrogate:
    rng = np.random.default_rng(seed)
    X = rng.random((n, 2))
    made = [Target("f", X, np.sin(4 * X[:, 0]), lower=-0.5, upper=0.8), Target("g", X, X[:, 1] - 0.5, lower=0.0)]
    return fitted(made, COLUMNS, Settings(), warm=None, seed=0)


def test_conditioning_on_the_memo_is_the_fit_bit_for_bit() -> None:
    first = surrogate()
    memo = json.loads(json.dumps(first.memo()))
    again = conditioned(first.targets, COLUMNS, Settings(), memo)
    X = np.random.default_rng(1).random((7, 2))
    for one, other in zip(first.predict(X), again.predict(X), strict=True):
        assert np.array_equal(one, other)
    assert again.memo() == first.memo()
    assert len(conditioned(first.targets, COLUMNS, Settings(), {"f": memo["f"]}).gps) == 1


def test_believing_its_own_mean_leaves_the_mean_and_takes_the_doubt() -> None:
    first = surrogate()
    X = np.array([[0.9, 0.1], [0.2, 0.8]])
    believed = first.believing(X)
    np.testing.assert_allclose(believed.predict(X)[0], first.predict(X)[0], atol=1e-6)
    assert (believed.predict(X)[1] < first.predict(X)[1]).all()
    assert first.believing(np.empty((0, 2))) is first


def test_log_probability_of_feasibility_is_that_of_the_normal_distribution() -> None:
    from scipy.stats import norm

    first = surrogate()
    X = np.random.default_rng(1).random((5, 2))
    mean, sd = first.predict(X)
    f, g = norm(mean[:, 0], sd[:, 0]), norm(mean[:, 1], sd[:, 1])
    np.testing.assert_allclose(np.exp(first.log_p_feasible(X)), (f.cdf(0.8) - f.cdf(-0.5)) * g.sf(0.0), rtol=1e-9)


# -- when hyperparameters are fitted -----------------------------------------------------------------------------------------------


def fits_of(study: bbo.Study, told: int) -> list[bool]:
    """Whether each of so many further proposals was fitted anew."""
    notes = []
    for _ in range(told):
        trial = study.ask()
        notes.append(study.storage.read("study")[-1].body["note"])
        study.tell(trial, bowl(trial.params))
    return [" fitted (" in note for note in notes]


def test_small_studies_are_fitted_after_every_tell_and_large_ones_after_growth() -> None:
    assert fits_of(filled(n=8), 3) == [True, True, True]
    assert fits_of(filled(n=110), 10) == [True, *[False] * 7, True, False]  # 118 >= 1.07 * 110


def test_where_only_some_trials_are_fitted_all_of_them_count_for_the_growth(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bbo.optimizers.targets.MOST", 60)
    monkeypatch.setattr("bbo.optimizers.thinning.KEPT", 40)
    study = filled(n=110)
    assert fits_of(study, 10) == [True, *[False] * 7, True, False]
    assert "on 40 of 119 trials" in study.storage.read("study")[-2].body["note"]


def test_what_is_remembered_of_a_history_ends_with_the_next_event() -> None:
    study = filled(n=8)
    state = study._replica.state
    assert len(state.finished(State.DONE)) == 8
    assert state.finished(State.DONE) is not state.finished(State.DONE)  # a list of one's own
    study.tell(study.ask(), 1.0)
    assert len(state.finished(State.DONE)) == 9


def test_an_amendment_forces_a_fit() -> None:
    study = filled(n=110)
    assert fits_of(study, 2) == [True, False]
    study.amend(0, 3.0)
    assert fits_of(study, 2) == [True, False]


def test_questions_between_two_events_share_one_model(monkeypatch: pytest.MonkeyPatch) -> None:
    study = filled(n=12)
    first = study.predict({"x": 1.0, "y": 0.0})
    with monkeypatch.context() as patch:
        patch.setattr("bbo.optimizers.surrogate.fit", lambda *given, **named: pytest.fail("fitted again"))
        patch.setattr("bbo.optimizers.surrogate.ExactGP.from_memo", lambda *given, **named: pytest.fail("rebuilt"))
        assert study.predict({"x": 1.0, "y": 0.0}) == first
        study.recommend()
        study.importance()
    study.add({"x": 1.0, "y": 0.5}, 30.0)
    assert study.predict({"x": 1.0, "y": 0.0}) != first


# -- proposals ------------------------------------------------------------------------------------------------------------------


def test_begins_with_a_sobol_design_of_that_many_finished_trials() -> None:
    study = bbo.Study(BOX, optimizer=Bayes(n_initial=3), seed=4)
    first = study.ask(2)
    study.tell(first[0], 1.0)
    study.fail(first[1], "no")
    assert "until 3 trials" in propose(study).note
    study.tell(study.ask(), 2.0)
    assert propose(study).note.startswith("log expected improvement, by Gaussian processes on 2 trials")


def test_with_the_memo_nothing_is_fitted_and_the_proposal_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    study = filled()
    first = propose(study, n=2)
    memo = json.loads(json.dumps(first.memo))
    monkeypatch.setattr("bbo.optimizers.surrogate.fit", lambda *given, **named: pytest.fail("fitted again"))
    assert propose(study, n=2, memo=memo).queries == first.queries


def test_a_proposal_is_made_again_in_another_process(tmp_path: Path) -> None:
    study = filled(TREE, lambda p: float(p["r"]), storage=tmp_path / "s.db", name="s")
    trial = study.ask()
    program = (
        "import sys, json, bbo\nfrom bbo.replay import reproduce\n"
        f"study = bbo.load_study('s', {str(tmp_path / 's.db')!r})\n"
        f"print(json.dumps(dict(reproduce(study.storage.read('s'), {trial.number}).params)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == trial.params


def test_leaves_global_random_numbers_and_threads_alone() -> None:
    from threadpoolctl import threadpool_info

    study = filled()
    propose(study)
    legacy = np.random.get_state(legacy=False)["state"]["key"].copy()  # noqa: NPY002 - to see that it is left alone
    threads = [pool["num_threads"] for pool in threadpool_info()]
    assert propose(study) == propose(study)
    assert np.array_equal(np.random.get_state(legacy=False)["state"]["key"], legacy)  # noqa: NPY002
    assert [pool["num_threads"] for pool in threadpool_info()] == threads


def test_an_ask_imports_no_torch() -> None:
    program = (
        "import sys, bbo\nspace = bbo.Space({'x': bbo.Float(0, 1), 'k': bbo.Categorical(['a', 'b'])})\n"
        "study = bbo.Study(space, optimizer=bbo.Bayes(n_initial=2), seed=0)\n"
        "for p in space.sobol(5, seed=1): study.add(p, p['x'])\n"
        "study.ask(2); assert 'log expected improvement' in study.explain(); study.predict({'x': 0.5, 'k': 'a'})\n"
        "assert not {'torch', 'pandas', 'botorch'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_where_the_model_fails_a_sobol_point_comes_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    study = filled()

    def broken(*given: Any, **named: Any) -> Any:
        raise ValueError("not positive definite")

    monkeypatch.setattr("bbo.optimizers.surrogate.fit", broken)
    trial = study.ask()
    assert BOX.contains(trial.params)
    note = study.storage.read("study")[-1].body["note"]
    assert note == "a Sobol point, since the model failed: ValueError: not positive definite"


def test_a_batch_is_spread_and_running_trials_are_kept_clear_of() -> None:
    study = filled(n=12)
    batch = [t.params for t in study.ask(4)]
    later = study.ask().params
    X = BOX.encode([*batch, later])
    distances = [np.linalg.norm(X[i] - X[j]) for i in range(5) for j in range(i)]
    assert min(distances) > 1e-3


def test_fixed_and_shared_parts_are_honoured() -> None:
    study = filled()
    assert {q.params["x"] for q in propose(study, n=2, fixed={"x": 2.5}).queries} == {2.5}
    points = [q.params for q in propose(study, n=3, shared=("x",)).queries]
    assert len({p["x"] for p in points}) == 1
    assert len({p["y"] for p in points}) == 3
    tree = filled(TREE, lambda p: float(p["r"]))
    assert all(q.params["kind"] == "b" and q.params["t"] == 0.5 for q in propose(tree, n=2, fixed={"t": 0.5, "kind": "b"}).queries)
    with pytest.raises(bbo.OutOfRange):
        study.ask(fixed={"x": 99.0})


@pytest.mark.parametrize("x", [0.3, 1.1, 2.3, 6.7, 9.9])
def test_a_fixed_value_that_the_cube_rounds_is_no_reason_to_drop_what_was_climbed_to(x: float) -> None:
    space = bbo.Space({"x": bbo.Float(-1, 12.7), "l": bbo.Float(1e-4, 10, log=True), "y": bbo.Float(0, 1)})
    study = filled(space, lambda p: (p["y"] - 0.4) ** 2 + 0.1 * p["x"])
    for fixed in ({"x": x}, {"l": 0.37 * x}, {"x": x, "l": 0.37 * x}):
        proposal = propose(study, fixed=fixed)
        assert "its optima are known" not in proposal.note
        assert fixed.items() <= proposal.queries[0].params.items()
    shared = propose(study, n=3, shared=("x", "l"))
    assert "its optima are known" not in shared.note
    assert len({(q.params["x"], q.params["l"]) for q in shared.queries}) == 1


def test_known_constraints_hold_in_trees() -> None:
    study = filled(TREE, lambda p: float(-p["r"] - p.get("t", 0.0)))
    for _ in range(4):
        trial = study.ask()
        assert TREE.contains(trial.params)
        study.tell(trial, float(-trial.params["r"] - trial.params.get("t", 0.0)))
    assert study.storage.read("study")[-2].body["note"].startswith("log expected improvement")


def test_a_region_that_fails_is_avoided() -> None:
    """The function falls towards x = 10, but everything beyond x = 6 fails: few of 12 proposals go far beyond the edge."""
    study = bbo.Study(BOX, optimizer=Bayes(n_initial=6), seed=1)
    for _ in range(18):
        trial = study.ask()
        if trial.params["x"] > 6:
            study.fail(trial, "exploded")
        else:
            study.tell(trial, -trial.params["x"])
    assert sum(t.params["x"] > 7 for t in study.trials[6:]) <= 3
    assert study.best_params["x"] > 5.5
    failed = [t.params for t in study.trials if t.state is State.FAILED]
    assert len({tuple(p.items()) for p in failed}) == len(failed)


def test_while_nothing_is_feasible_probability_and_violation_take_turns() -> None:
    """Running trials count too."""
    study = bbo.Study(BOX, {"f": "minimize"}, outcome_constraints=["c >= 9.9"], optimizer=Bayes(n_initial=3), seed=1)
    for x in (0.5, 2.0, 3.5, 5.0):
        study.add({"x": x, "y": 0.1 * x}, {"f": x, "c": x})
    trials = [study.ask() for _ in range(3)]
    aims = [str(study.record(trial.number).asked["note"]).partition(", by")[0] for trial in trials]
    likely, near = (f"{aim}, since nothing feasible is known" for aim in ("probability of feasibility", "least expected violation"))
    assert aims == [likely, near, likely]


def test_looks_for_feasibility_first_and_then_improves() -> None:
    """x must exceed 8, the objective draws towards 0."""

    def told(p: Mapping[str, Any]) -> dict[str, float]:
        return {"f": p["x"], "c": p["x"]}

    study = bbo.Study(BOX, {"f": "minimize"}, outcome_constraints=["c >= 8"], optimizer=Bayes(n_initial=2), seed=1)
    for x in (0.5, 2.0, 3.5, 5.0):
        study.add({"x": x, "y": 0.1 * x}, told({"x": x}))
    trial = study.ask()
    assert study.storage.read("study")[-1].body["note"].startswith("probability of feasibility")
    assert trial.params["x"] > 8
    study.tell(trial, told(trial.params))
    for _ in range(3):
        trial = study.ask()
        study.tell(trial, told(trial.params))
    assert 8 <= study.best_value < 8.3


def test_several_objectives_and_their_reference() -> None:
    space = bbo.Space({"x": bbo.Float(0, 1), "y": bbo.Float(0, 1)})
    objectives = [Objective("f", "minimize", reference=1.5), Objective("g", "maximize")]
    study = filled(space, lambda p: {"f": p["x"] + p["y"], "g": -((1 - p["x"]) ** 2) - p["y"]}, objectives=objectives, n=8)
    for _ in range(3):
        trial = study.ask()
        study.tell(trial, {"f": trial.params["x"] + trial.params["y"], "g": -((1 - trial.params["x"]) ** 2) - trial.params["y"]})
        assert trial.params["y"] < 0.05  # the front is y = 0
    assert study.storage.read("study")[-2].body["note"].startswith("log expected hypervolume improvement")


def test_points_outside_train_the_model_and_are_no_baseline() -> None:
    study = filled(n=4)
    study.tell(study.ask(), -100.0, params={"x": 12.0, "y": 0.0}, outside=True)
    assert len(targets(study._problem, study._replica.ledger.records)[0].y) == 5
    trial = study.ask()
    assert BOX.contains(trial.params)
    assert study.storage.read("study")[-1].body["note"].startswith("log expected improvement")


def test_goes_on_in_a_redefined_space() -> None:
    study = filled(n=6)
    study.redefine(space=bbo.Space({"x": bbo.Float(0, 20), "y": bbo.Float(-1, 1), "z": bbo.Float(0, 1)}), defaults={"z": 0.5})
    assert set(study.ask().params) == {"x", "y", "z"}
    assert study.storage.read("study")[-1].body["note"].count("on 6 trials") == 1
    study.redefine(space=bbo.Space({"x": bbo.Float(0, 20)}))  # what was measured at other values of y says nothing sure here
    assert set(study.ask().params) == {"x"}
    assert study.storage.read("study")[-1].body["note"].startswith("initial design")


def test_a_finite_space_is_asked_without_duplicates_and_ends() -> None:
    """60 and then 40 of 100 points, in batches."""
    study = bbo.Study(bbo.Space({"i": bbo.Int(0, 9), "j": bbo.Int(0, 9)}), optimizer="bayes", seed=2)
    asked: list[tuple[Any, ...]] = []
    for n in (10, 20, 30, 40):
        trials = study.ask(n)
        assert len(trials) == n
        asked += [tuple(t.params.items()) for t in trials]
        study.tell(trials, [float((t.params["i"] - 3) ** 2 + t.params["j"]) for t in trials])
    assert len(set(asked)) == 100
    with pytest.raises(bbo.Exhausted):
        study.ask()


def test_equal_outcomes_are_no_obstacle() -> None:
    study = filled(f=lambda p: 1.0)
    study.ask()
    assert "failed" not in study.storage.read("study")[-1].body["note"]


# -- what it refuses ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("space", "objectives", "reason"),
    [
        ({"x": bbo.Float(0, 1), "s": bbo.Sequence("ACGT", 4)}, "minimize", "'s' is one"),
        ({"x": bbo.Float(0, 1), "t": bbo.Context(bbo.Bool())}, "minimize", "'t' is a context parameter"),
    ],
)
def test_refuses_with_the_reason(space: Any, objectives: Any, reason: str) -> None:
    with pytest.raises(bbo.Unsupported, match=reason):
        bbo.Study(bbo.Space(space), objectives, optimizer="bayes", seed=0)


@pytest.mark.parametrize(
    "settings", [{"surrogate": "forest"}, {"acquisition": "ucl"}, {"n_initial": 1}, {"n_initial": "5"}, {"kernel": "rq"}, {"input_warp": 1}]
)
def test_refuses_settings_it_does_not_have(settings: Any) -> None:
    with pytest.raises(bbo.InvalidStudy, match=f"{next(iter(settings))} is"):
        Bayes(**settings)


def test_the_module_is_imported_without_torch() -> None:
    program = "import sys, bbo.optimizers.bayes, bbo.optimizers.auto, bbo.model; assert not {'torch', 'scipy', 'cma'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)


# -- the full counts ------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_one_at_a_time_no_duplicate_among_sixty_and_exhausted_after_a_hundred() -> None:
    study = bbo.Study(bbo.Space({"i": bbo.Int(0, 9), "j": bbo.Int(0, 9)}), optimizer="bayes", seed=2)
    asked = set()
    for _ in range(60):
        trial = study.ask()
        asked.add(tuple(trial.params.items()))
        study.tell(trial, float((trial.params["i"] - 3) ** 2 + trial.params["j"]))
    assert len(asked) == 60
    for _ in range(40):
        study.tell(study.ask(), 1.0)
    with pytest.raises(bbo.Exhausted):
        study.ask()


@pytest.mark.slow
def test_a_small_part_of_the_regret_benchmark(tmp_path: Path) -> None:
    """The first two of the benchmark's ten seeds: after 40 evaluations better than both others on each problem.

    After 25, half of which are the initial design, that does not hold yet on Hartmann-6 for both seeds.
    """
    script = Path(__file__).parents[3] / "benchmarks" / "foundation_regret.py"
    results = tmp_path / "results.jsonl"
    arguments = ["--seeds", "2", "--results", str(results)]
    subprocess.run([sys.executable, str(script), *arguments], check=True)
    found = {tuple(key): value for key, value in map(json.loads, results.read_text().splitlines())}
    for problem in ("branin", "hartmann6", "pipeline"):
        for seed in range(2):
            ours = found[problem, "bayes", seed, 40]
            assert 0 <= ours < min(found[problem, other, seed, 40] for other in ("sobol", "random"))
