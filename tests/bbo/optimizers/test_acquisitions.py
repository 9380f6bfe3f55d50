"""The table of acquisition functions, and what `Bayes` does with the later ones of it."""

from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from botorch.models import ModelListGP, SingleTaskGP

import bbo
from acquisitions import (
    LogBALD,
    LogFeasibleGain,
    LogIntegratedVarianceReduction,
    LogProbabilityOfFeasibility,
    Straddle,
    UpperConfidenceBound,
)
from bbo.optimizers.acquisitions import BETA, TABLE, default
from bbo.optimizers.base import resolve, to_json
from bbo.optimizers.bayes import Bayes
from bbo.optimizers.fitting import one_thread
from bbo.optimizers.surrogate import Surrogate
from bbo.replay import reproduce
from bbo.testing import check_optimizer
from surrogates.exact_gp import SamplePath
from tests.bbo.optimizers.modelled import BOX, TREE, asked, bowl, filled, propose

NAMES = ("log_pi", "ucb", "thompson", "integrated_variance", "bald", "straddle")
COARSE = np.stack(np.meshgrid(*[np.linspace(0, 1, 31)] * 2), -1).reshape(-1, 2)
GRID = np.stack(np.meshgrid(*[np.linspace(0, 1, 201)] * 2), -1).reshape(-1, 2)


def settings(name: str, **more: Any) -> Bayes:
    """With what it needs."""
    needed = {"level": 1.0} if name == "straddle" else {}
    return Bayes(acquisition=name, **{**needed, **more})


def made(study: bbo.Study, seed: int = 3) -> tuple[Any, Surrogate]:
    """What is maximized for the next point of a study of `Bayes`, and the surrogate."""
    given = asked(study, seed=seed)
    assert isinstance(given.settings.acquisition, str)
    with one_thread():
        return TABLE[given.settings.acquisition].score()(given)[0], given.surrogate


def wavy(p: Mapping[str, Any]) -> float:
    return bowl(p) + 0.5 * float(np.sin(1e4 * p["x"]))


# -- the table ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TABLE)
def test_every_entry_leads_to_its_makers(name: str) -> None:
    entry, study = TABLE[name], filled(n=4)
    state = study._replica.state
    assert list(inspect.signature(entry.score()).parameters) == ["asked"]
    if entry.own is not None:
        assert callable(entry.own_score(state, settings(name), made(filled(n=4, optimizer=settings("ucb")))[1].targets))


def test_the_default_is_what_the_problem_calls_for() -> None:
    ranged = bbo.Space({"x": bbo.Float(0, 1), "t": bbo.Fidelity(1, 9)})
    plain, leveled = (bbo.Study(space, "minimize", optimizer="sobol")._problem for space in (BOX, ranged))
    assert Bayes().acquisition is None
    assert (default(plain), default(leveled)) == ("log_ei", "mf_mes")


@pytest.mark.parametrize("name", NAMES)
def test_refuses_with_the_reason(name: str) -> None:
    with pytest.raises(bbo.Unsupported, match=f"'{name}' is of one objective, and there are 2"):
        bbo.Study(BOX, {"f": "minimize", "g": "minimize"}, optimizer=settings(name))
    if TABLE[name].unconstrained:
        with pytest.raises(bbo.Unsupported, match=f"'{name}' takes no outcome constraints: {TABLE[name].unconstrained}"):
            bbo.Study(BOX, "minimize", outcome_constraints=["c <= 1"], optimizer=settings(name))
    else:
        bbo.Study(BOX, "minimize", outcome_constraints=["c <= 1"], optimizer=settings(name))
        own = settings(name, surrogate=lambda X, Y, context: None)
        with pytest.raises(bbo.Unsupported, match="outcome constraints only with the Gaussian processes of bbo"):
            bbo.Study(BOX, "minimize", outcome_constraints=["c <= 1"], optimizer=own)


def test_numbers_are_checked_where_they_are_given() -> None:
    for arguments, message in (
        ({"acquisition": "straddle"}, "'straddle' needs a level"),
        ({"beta": 1.0}, "beta is 1.0, and has a meaning for the acquisitions 'ucb', 'straddle', 'boca', .*'augmented_ucb' only"),
        ({"acquisition": "ucb", "level": 1.0}, "level is 1.0, and has a meaning for the acquisitions 'straddle' only"),
        ({"acquisition": "ucb", "beta": -1.0}, "beta is -1.0; it is a finite number, at least 0"),
        ({"acquisition": "ucb", "beta": True}, "beta is True"),
        ({"acquisition": "straddle", "level": float("inf")}, "level is inf; it is a finite number"),
        ({"acquisition": lambda model, context: None, "beta": 1.0}, "beta is 1.0"),
    ):
        with pytest.raises(bbo.InvalidStudy, match=message):
            Bayes(**arguments)


def test_numbers_are_recorded() -> None:
    optimizer = Bayes(acquisition="straddle", level=-2, beta=0.5)
    assert resolve(to_json(optimizer)) == optimizer


# -- what is maximized ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("beta", [None, 0.01, 100.0])
def test_ucb_is_that_of_the_model_with_its_beta(beta: float | None) -> None:
    study = filled(optimizer=Bayes(acquisition="ucb", beta=beta), n=12)
    score, surrogate = made(study)
    expected = UpperConfidenceBound(surrogate.gps[0], BETA if beta is None else beta).value(GRID)
    np.testing.assert_array_equal(score.value(GRID), expected)
    found = score.value(BOX.encode([propose(study).queries[0].params]))[0]
    assert expected.max() - 1e-3 <= found <= expected.max() + 1e-3


def test_running_trials_lower_the_standard_deviation_and_leave_the_mean() -> None:
    study = filled(f=wavy, optimizer=Bayes(acquisition="ucb", beta=4.0), n=12)
    before, surrogate = made(study)
    running = BOX.encode([t.params for t in study.ask(3)])
    after, _ = made(study)
    mean = surrogate.gps[0].predict(GRID)[0]
    np.testing.assert_allclose(after.gp.predict(GRID)[0], mean, atol=1e-9)
    assert np.all(after.value(GRID) <= before.value(GRID) + 1e-9)
    assert np.all(after.value(running) < before.value(running) - 1e-3)


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_a_level_is_in_the_units_of_the_outcome(direction: str) -> None:
    """Trials come to lie about the level: the median distance of those proposed is a fraction of that of a Sobol design."""
    study = filled(n=8, optimizer=Bayes(acquisition="straddle", level=2.0), objectives=direction)
    score, surrogate = made(study)
    assert isinstance(score, Straddle)
    target = surrogate.targets[0]
    assert target.sign * target.transform.inverse(np.array([score.level]))[0] == pytest.approx(2.0)
    for _ in range(12):
        study.tell(trial := study.ask(), bowl(trial.params))
    proposed = [abs(t.value - 2.0) for t in study.trials[-8:] if t.value is not None]
    design = [abs(bowl(p) - 2.0) for p in BOX.sobol(64, seed=9)]
    assert np.median(proposed) < 0.25 * np.median(design)


def test_a_batch_of_thompson_samples_has_a_path_for_each_point() -> None:
    study = filled(f=wavy, optimizer=Bayes(acquisition="thompson"), n=20)
    (first, surrogate), (second, _) = made(study, seed=1), made(study, seed=2)
    assert isinstance(first, SamplePath) and first.gp is surrogate.gps[0]
    assert np.abs(first.value(COARSE) - second.value(COARSE)).max() > 0.1
    np.testing.assert_array_equal(made(study, seed=1)[0].value(COARSE), first.value(COARSE))
    asked = [t.params for t in study.ask(30)]
    assert len({tuple(p.values()) for p in asked}) == 30
    X = BOX.encode(asked)
    assert X.std(0).min() > 0.02
    mean = surrogate.gps[0].predict
    assert mean(X)[0].mean() > mean(COARSE)[0].mean() + mean(COARSE)[0].std()  # where the function may be best


@pytest.mark.slow
@pytest.mark.parametrize("space", [BOX, TREE])
def test_hundreds_of_points_at_a_time(space: bbo.Space) -> None:
    study = filled(
        space, lambda p: float(sum(v for v in p.values() if isinstance(v, float))), optimizer=Bayes(acquisition="thompson"), n=20
    )
    asked = study.ask(200)
    assert len({tuple(sorted(t.params.items())) for t in asked}) == 200 and all(space.contains(t.params) for t in asked)
    assert "failed" not in study.explain()


def test_each_point_is_the_best_of_its_path() -> None:
    study = filled(f=wavy, optimizer=Bayes(acquisition="thompson"), n=20)
    state = study._replica.state
    proposal = propose(study, n=2)
    for k, query in enumerate(proposal.queries):
        seed = int(study._problem.rng("bayes", state.draws + k).integers(2**31))
        path, _ = made(study, seed=seed)
        assert path.value(BOX.encode([query.params]))[0] >= path.value(COARSE).max() - 2e-2


def test_integrated_variance_learns_all_over_the_space() -> None:
    study = filled(f=bowl, optimizer=Bayes(acquisition="integrated_variance"), n=6)
    score, _ = made(study)
    assert isinstance(score, LogIntegratedVarianceReduction) and len(score.X) == 256
    assert all(BOX.contains(p) for p in BOX.decode(score.X))
    asked = BOX.encode([t.params for t in study.ask(6)])
    model = study._replica.optimizer.model(study._replica.state).surrogate  # type: ignore[union-attr]  # it is fitted

    def left(X: Any) -> float:
        return float(model.believing(X).gps[0].predict(COARSE)[1].mean())

    at_random = [left(np.random.default_rng(k).random((6, 2))) for k in range(20)]
    assert left(asked) < min(at_random)


def test_bald_goes_where_the_function_is_least_known() -> None:
    study = filled(f=bowl, optimizer=Bayes(acquisition="bald"), n=6)
    score, surrogate = made(study)
    assert isinstance(score, LogBALD) and score.noise == surrogate.noise
    variance = surrogate.gps[0].predict(BOX.encode([propose(study).queries[0].params]))[1][0]
    assert variance > 0.999 * surrogate.gps[0].predict(COARSE)[1].max()


def test_log_pi_improves_on_the_best_feasible_mean() -> None:
    def told(p: Mapping[str, Any]) -> dict[str, float]:
        return {"f": p["x"], "c": p["x"]}

    optimizer = Bayes(acquisition="log_pi", n_initial=2)
    study = bbo.Study(BOX, {"f": "minimize"}, outcome_constraints=["c >= 8"], optimizer=optimizer, seed=1)
    for x in (0.5, 2.0, 3.5, 5.0):
        study.add({"x": x, "y": 0.1 * x}, told({"x": x}))
    assert isinstance(made(study)[0], LogProbabilityOfFeasibility)
    study.add({"x": 9.0, "y": 0.0}, told({"x": 9.0}))
    score, surrogate = made(study)
    assert isinstance(score, LogFeasibleGain) and len(score.constraints) == 1
    best = surrogate.gps[0].predict(BOX.encode([{"x": 9.0, "y": 0.0}]))[0][0]
    assert score.log_gain.best == pytest.approx(best)  # type: ignore[attr-defined]  # of the probability of improvement


# -- what every one of them keeps -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_a_batch_is_spread_and_equal_logs_lead_to_equal_proposals(name: str) -> None:
    study = filled(f=wavy, n=12, optimizer=settings(name))
    asked = study.ask(4)
    X = BOX.encode([t.params for t in asked])
    assert min(np.linalg.norm(X[i] - X[j]) for i in range(4) for j in range(i)) > 1e-4
    study.tell(asked[0], 0.5)
    asked.append(study.ask())
    events = study.storage.read(study.name)
    for trial in asked:
        assert dict(reproduce(events, trial.number).params) == trial.params
    assert "failed" not in study.explain()


@pytest.mark.parametrize("name", NAMES)
def test_fixed_parts_and_known_constraints_hold(name: str) -> None:
    tree = filled(TREE, lambda p: float(p["r"] + p.get("t", 0.0)), optimizer=settings(name))
    proposal = propose(tree, n=2, fixed={"t": 0.5, "kind": "b"})
    assert all(q.params["kind"] == "b" and q.params["t"] == 0.5 for q in proposal.queries)
    assert "failed" not in proposal.note
    for _ in range(2):
        trial = tree.ask()
        assert TREE.contains(trial.params)
        tree.tell(trial, float(trial.params["r"]))
    assert "failed" not in tree.explain()


@pytest.mark.parametrize("name", NAMES)
def test_a_region_that_fails_is_avoided(name: str) -> None:
    """Everything beyond x = 6 fails: few of 10 proposals go far beyond the edge, and none to a point that failed."""
    study = bbo.Study(BOX, optimizer=settings(name, n_initial=6), seed=1)
    for _ in range(16):
        trial = study.ask()
        if trial.params["x"] > 6:
            study.fail(trial, "exploded")
        else:
            study.tell(trial, -trial.params["x"])
    assert "model failed" not in study.explain()
    assert sum(t.params["x"] > 7.5 for t in study.trials[6:]) <= 3


@pytest.mark.parametrize("name", NAMES)
def test_equal_outcomes_are_no_obstacle(name: str) -> None:
    study = filled(f=lambda p: 1.0, optimizer=settings(name))
    study.ask()
    assert "failed" not in study.storage.read("study")[-1].body["note"]


@pytest.mark.parametrize("name", NAMES)
def test_a_model_of_ones_own(name: str) -> None:
    def unfitted(X: Any, Y: Any, context: Any) -> SingleTaskGP:
        return SingleTaskGP(X, Y, outcome_transform=None)

    space = bbo.Space({"i": bbo.Int(0, 9), "j": bbo.Int(0, 9)})  # of few points: some take BoTorch long
    study = filled(space, lambda p: float((p["i"] - 3) ** 2 + p["j"]), n=8, optimizer=settings(name, surrogate=unfitted))
    proposal = propose(study, n=2)
    assert proposal.note.startswith(f"{TABLE[name].title}, by the model")


def test_running_trials_count_as_measured_by_a_list_of_models() -> None:
    """An analytic function is built again on a model that has taken the means for their results, of which a list has its own form."""

    def listed(X: Any, Y: Any, context: Any) -> ModelListGP:
        return ModelListGP(SingleTaskGP(X, Y, outcome_transform=None))

    def single(X: Any, Y: Any, context: Any) -> SingleTaskGP:
        return SingleTaskGP(X, Y, outcome_transform=None)

    proposals = [propose(filled(n=8, optimizer=settings("ucb", surrogate=fit)), n=3) for fit in (listed, single)]
    assert proposals[0].note.startswith("upper confidence bound, by the model")
    found, expected = ([BOX.encode([q.params])[0] for q in proposal.queries] for proposal in proposals)
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_an_ask_imports_no_torch() -> None:
    program = (
        "import sys, bbo\nspace = bbo.Space({'x': bbo.Float(0, 1), 'k': bbo.Categorical(['a', 'b'])})\n"
        f"for name in {NAMES}:\n"
        "    level = {'level': 0.5} if name == 'straddle' else {}\n"
        "    study = bbo.Study(space, optimizer=bbo.Bayes(acquisition=name, n_initial=2, **level), seed=0)\n"
        "    for p in space.sobol(5, seed=1): study.add(p, p['x'])\n"
        "    study.ask(2); assert 'by Gaussian processes' in study.explain()\n"
        "assert not {'torch', 'pandas', 'botorch'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_check_optimizer(name: str) -> None:
    assert check_optimizer(settings(name, n_initial=3), n=4)
