"""`Bayes` with the knowledge gradients: what it hands them, and that a proposal keeps all that it keeps otherwise."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from botorch.models import SingleTaskGP

import bbo
from acquisitions import LogDiscreteKnowledgeGradient, LogKGCP, LogProbabilityOfFeasibility
from bbo.log.states import State
from bbo.optimizers.acquisitions import TABLE, default
from bbo.optimizers.bayes import Bayes
from bbo.optimizers.fitting import one_thread
from bbo.optimizers.knowledge_gradient import MOST
from bbo.optimizers.surrogate import Surrogate
from bbo.replay import reproduce
from bbo.testing import check_optimizer
from tests.bbo.optimizers.modelled import BOX, TREE, asked, bowl, filled, propose

NAMES = ("knowledge_gradient", "kgcp")


def acquisition(study: bbo.Study, name: str) -> tuple[Any, Surrogate, str]:
    """What is maximized for the next point of a study of `Bayes`, the surrogate, and the aim."""
    given = asked(study, Bayes(acquisition=name))
    with one_thread():
        made, aim = TABLE[name].score()(given)
    return made, given.surrogate, aim


def noisy(p: Mapping[str, Any]) -> float:
    return bowl(p) + 0.5 * float(np.sin(1e4 * p["x"]))


@pytest.mark.parametrize("name", NAMES)
def test_finds_the_low_ground(name: str) -> None:
    """By the recommendation: to learn where it is, a knowledge gradient also measures elsewhere."""
    study = filled(optimizer=Bayes(acquisition=name), n=8)
    before = bowl(study.recommend().params)
    for _ in range(6):
        study.tell(trial := study.ask(), bowl(trial.params))
        assert study.storage.read("study")[-2].body["note"].startswith("log knowledge gradient over")
    assert bowl(study.recommend().params) < min(0.01, 0.2 * before)


def test_the_set_holds_the_best_of_the_mean_and_points_of_the_space_alone() -> None:
    for space, f in ((BOX, noisy), (TREE, lambda p: float((p["r"] - 0.3) ** 2 + p.get("t", 0.0)))):
        study = filled(space, f, n=14)
        made, surrogate, aim = acquisition(study, "knowledge_gradient")
        assert isinstance(made, LogDiscreteKnowledgeGradient) and made.candidate
        assert len(made.X) == MOST and aim == f"log knowledge gradient over {MOST} points and the proposed one"
        assert all(space.contains(point) for point in space.decode(made.X))
        everywhere = space.encode(space.sample(3000, np.random.default_rng(0)))
        gp = surrogate.gps[0]
        assert gp.predict(made.X)[0].max() >= gp.predict(everywhere)[0].max() - 1e-3
        assert made.noise == gp.noise
        rest = made.X[np.argsort(-gp.predict(made.X)[0])[MOST // 2 :]]
        assert gp.predict(rest)[0].min() < gp.predict(made.X)[0].max() - 1e-3  # not one point many times


def test_a_small_finite_space_is_the_set() -> None:
    space = bbo.Space({"i": bbo.Int(0, 5), "j": bbo.Int(0, 6)})
    made, *_ = acquisition(filled(space, lambda p: float((p["i"] - 3) ** 2 + p["j"]), n=6), "knowledge_gradient")
    assert sorted((p["i"], p["j"]) for p in space.decode(made.X)) == [(i, j) for i in range(6) for j in range(7)]


def test_kgcp_is_over_the_best_measured_and_the_running_ones() -> None:
    study = filled(f=noisy, n=80)
    running = study.ask(2)
    made, surrogate, _ = acquisition(study, "kgcp")
    assert isinstance(made, LogKGCP)
    measured = BOX.encode([t.params for t in study.trials if t.state is State.DONE])
    mean = surrogate.gps[0].predict(measured)[0]
    np.testing.assert_array_equal(made.X[:MOST], measured[np.argsort(-mean)[:MOST]])
    np.testing.assert_array_equal(made.X[MOST:], BOX.encode([t.params for t in running]))


@pytest.mark.parametrize("name", NAMES)
def test_running_trials_count_as_measured(name: str) -> None:
    study = filled(f=noisy, n=12)
    before, *_ = acquisition(study, name)
    running = study.ask(2)
    after, *_ = acquisition(study, name)
    points = BOX.encode([t.params for t in running])
    assert len(after.gp.X) == len(before.gp.X) + 2
    assert np.all(after.value(points) < before.value(points))


@pytest.mark.parametrize("name", NAMES)
def test_known_noise_is_that_of_a_new_measurement(name: str) -> None:
    study = bbo.Study(BOX, optimizer=Bayes(acquisition=name, n_initial=2, output_warp=False), seed=4)
    for k, point in enumerate(BOX.sobol(8, seed=1)):
        study.add(point, bowl(point), sd=0.3 + 0.1 * (k % 2))
    made, surrogate, _ = acquisition(study, name)
    variance = surrogate.targets[0].variance
    assert variance is not None
    assert made.noise == pytest.approx(float(variance.mean()))
    assert made.noise > 1e-4


@pytest.mark.parametrize("name", NAMES)
def test_a_batch_is_spread_and_equal_logs_lead_to_equal_proposals(name: str) -> None:
    study = filled(f=noisy, n=12, optimizer=Bayes(acquisition=name))
    asked = study.ask(4)
    X = BOX.encode([t.params for t in asked])
    assert min(np.linalg.norm(X[i] - X[j]) for i in range(4) for j in range(i)) > 1e-3
    study.tell(asked[0], 0.5)
    asked.append(study.ask())
    events = study.storage.read(study.name)
    for trial in asked:
        assert dict(reproduce(events, trial.number).params) == trial.params
    assert "failed" not in study.explain()


@pytest.mark.parametrize("name", NAMES)
def test_fixed_parts_and_known_constraints_hold(name: str) -> None:
    tree = filled(TREE, lambda p: float(p["r"] + p.get("t", 0.0)), optimizer=Bayes(acquisition=name))
    proposal = propose(tree, n=2, fixed={"t": 0.5, "kind": "b"})
    assert all(q.params["kind"] == "b" and q.params["t"] == 0.5 for q in proposal.queries)
    for _ in range(3):
        trial = tree.ask()
        assert TREE.contains(trial.params)
        tree.tell(trial, float(trial.params["r"]))
    assert "failed" not in tree.explain()


@pytest.mark.parametrize("name", NAMES)
def test_looks_for_feasibility_first_and_then_improves_where_it_is_feasible(name: str) -> None:
    """x must exceed 8, the objective draws towards 0."""

    def told(p: Mapping[str, Any]) -> dict[str, float]:
        return {"f": p["x"], "c": p["x"]}

    study = bbo.Study(BOX, {"f": "minimize"}, outcome_constraints=["c >= 8"], optimizer=Bayes(acquisition=name, n_initial=2), seed=1)
    for x in (0.5, 2.0, 3.5, 5.0):
        study.add({"x": x, "y": 0.1 * x}, told({"x": x}))
    made, *_ = acquisition(study, name)
    assert isinstance(made, LogProbabilityOfFeasibility)
    study.tell(trial := study.ask(), told(trial.params))
    assert trial.params["x"] > 8
    made, surrogate, _ = acquisition(study, name)
    assert len(made.constraints) == 1
    assert np.all(np.exp(surrogate.log_p_feasible(made.X)) > 0.49)
    for _ in range(4):
        study.tell(trial := study.ask(), told(trial.params))
    assert 8 <= study.best_value < 8.4


@pytest.mark.parametrize("name", NAMES)
def test_a_region_that_fails_is_avoided(name: str) -> None:
    """The function falls towards x = 10, but everything beyond x = 6 fails: not many of 10 proposals go far beyond the edge."""
    study = bbo.Study(BOX, optimizer=Bayes(acquisition=name, n_initial=6), seed=1)
    for _ in range(16):
        trial = study.ask()
        if trial.params["x"] > 6:
            study.fail(trial, "exploded")
        else:
            study.tell(trial, -trial.params["x"])
    assert sum(t.params["x"] > 7 for t in study.trials[6:]) <= 4
    failed = [tuple(t.params.items()) for t in study.trials if t.state is State.FAILED]
    assert len(set(failed)) == len(failed)


@pytest.mark.parametrize("name", NAMES)
def test_a_finite_space_is_asked_without_duplicates_and_ends(name: str) -> None:
    study = bbo.Study(bbo.Space({"i": bbo.Int(0, 4), "j": bbo.Int(0, 3)}), optimizer=Bayes(acquisition=name, n_initial=4), seed=2)
    asked: list[tuple[Any, ...]] = []
    for n in (5, 5, 10):
        trials = study.ask(n)
        asked += [tuple(t.params.items()) for t in trials]
        study.tell(trials, [float((t.params["i"] - 3) ** 2 + t.params["j"]) for t in trials])
    assert len(set(asked)) == 20
    with pytest.raises(bbo.Exhausted):
        study.ask()


@pytest.mark.parametrize("name", NAMES)
def test_equal_outcomes_are_no_obstacle(name: str) -> None:
    study = filled(f=lambda p: 1.0, optimizer=Bayes(acquisition=name))
    study.ask()
    assert "failed" not in study.storage.read("study")[-1].body["note"]


def test_where_nothing_that_was_measured_is_in_range() -> None:
    for name in NAMES:
        study = bbo.Study(BOX, optimizer=Bayes(acquisition=name, n_initial=2), seed=0)
        for x in (11.0, 12.0, 13.0):
            study.add({"x": x, "y": 0.0}, x, outside=True)
        assert BOX.contains(study.ask().params)
        assert study.storage.read("study")[-1].body["note"].startswith("log knowledge gradient over")


@pytest.mark.parametrize("name", NAMES)
def test_a_model_of_ones_own(name: str) -> None:
    def unfitted(X: Any, Y: Any, context: Any) -> SingleTaskGP:
        return SingleTaskGP(X, Y, outcome_transform=None)

    study = filled(n=12, optimizer=Bayes(surrogate=unfitted, acquisition=name))
    proposal = propose(study, n=2)
    assert proposal.note.startswith(f"{TABLE[name].title}, by the model")
    first, second = (np.array(list(q.params.values())) for q in proposal.queries)
    assert np.abs(first - second).max() > 1e-3


@pytest.mark.parametrize("name", NAMES)
def test_refuses_with_the_reason(name: str) -> None:
    optimizer = Bayes(acquisition=name)
    with pytest.raises(bbo.Unsupported, match=f"'{name}' is of one objective, and there are 2"):
        bbo.Study(BOX, {"f": "minimize", "g": "minimize"}, optimizer=optimizer)
    own = Bayes(surrogate=lambda X, Y, context: None, acquisition=name)  # type: ignore[arg-type, return-value]  # never called
    with pytest.raises(bbo.Unsupported, match="outcome constraints only with the Gaussian processes of bbo"):
        bbo.Study(BOX, "minimize", outcome_constraints=["c <= 1"], optimizer=own)


def test_an_ask_imports_no_torch() -> None:
    program = (
        "import sys, bbo\nspace = bbo.Space({'x': bbo.Float(0, 1), 'k': bbo.Categorical(['a', 'b'])})\n"
        "for name in ('knowledge_gradient', 'kgcp'):\n"
        "    study = bbo.Study(space, optimizer=bbo.Bayes(acquisition=name, n_initial=2), seed=0)\n"
        "    for p in space.sobol(5, seed=1): study.add(p, p['x'])\n"
        "    study.ask(2); assert 'log knowledge gradient' in study.explain()\n"
        "assert not {'torch', 'pandas', 'botorch'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_the_default_is_as_it_was() -> None:
    assert Bayes().acquisition is None and default(bbo.Study(BOX, "minimize")._problem) == "log_ei"
    assert propose(filled()).note.startswith("log expected improvement")


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_check_optimizer(name: str) -> None:
    assert check_optimizer(Bayes(acquisition=name, n_initial=3), n=4)
