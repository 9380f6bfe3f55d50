"""Rules for where and at which fidelity to measure, by name: what is maximized, and that both levels and the optimum are found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

import acquisitions
import bbo
from acquisitions.at_target import moved
from acquisitions.per_cost import LogPerCost, LogRoughPerCost, PerCost
from acquisitions.protocol import Staged
from acquisitions.standing import Standing
from bbo.optimizers.acquisitions import BETA, TABLE
from bbo.optimizers.bayes import Bayes
from bbo.optimizers.fitting import one_thread
from bbo.optimizers.search import _at_its_level
from bbo.replay import reproduce
from tests.bbo.optimizers.modelled import asked

RULES = (
    "mf_mes",
    "mf_gibbon",
    "augmented_ei",
    "variable_fidelity_ei",
    "boca",
    "mf_gp_ucb",
    "variable_fidelity_pi",
    "variable_fidelity_lcb",
    "two_stage_ei",
)
COST = {"coarse": 1.0, "fine": 10.0}
LEVELS = bbo.Space({"x": bbo.Float(0, 1), "mesh": bbo.Fidelity(COST)})
RANGE = bbo.Space({"x": bbo.Float(0, 1), "epochs": bbo.Fidelity(1, 81, cost=(1, 81), integer=True, log=True)})
SOURCES = bbo.Space({"x": bbo.Float(0, 1), "by": bbo.Source({"theory": 1, "simulation": 3, "tunnel": 50})})
PLAIN = bbo.Space({"x": bbo.Float(0, 1), "y": bbo.Float(0, 1)})


def forrester(p: Mapping[str, Any]) -> float:
    """Forrester's function, least at 0.757249 with -6.020740; at the coarse level bent and tilted, least at 0.0924."""
    x = p["x"]
    fine = float((6 * x - 2) ** 2 * np.sin(12 * x - 4))
    return fine if p.get("mesh", "fine") == "fine" else 0.5 * fine + 10 * (x - 0.5) - 5


def alike(p: Mapping[str, Any]) -> float:
    """Forrester's function; at the coarse level nearly so."""
    fine = forrester({"x": p["x"]})
    return fine if p["mesh"] == "fine" else 0.9 * fine + 0.5 * p["x"]


def bent(p: Mapping[str, Any]) -> float:
    off = {"theory": 1.0, "simulation": 0.3}.get(str(p.get("by")), 0.0) + 0.5 * (1 - np.log(p.get("epochs", 81)) / np.log(81))
    return float((p["x"] - 0.7) ** 2 * (1 + off) + 0.2 * off * p["x"] + 0.3 * (p.get("y", 0.4) - 0.4) ** 2)


def filled(space: bbo.Space, name: str, n: int = 10, f: Any = bent, **more: Any) -> bbo.Study:
    """A study with n results of a design over space and levels, so that the rule has the next point."""
    study = bbo.Study(space, "minimize", optimizer=Bayes(acquisition=name, n_initial=2), seed=3, **more)
    rng = np.random.default_rng(4)
    for point in space.sample(n, rng):
        study.add(point, f(point))
    return study


def made(study: bbo.Study, seed: int = 3) -> tuple[Any, Any]:
    """What is maximized for the next point, and the surrogate."""
    given = asked(study, seed=seed)
    assert isinstance(given.settings.acquisition, str)
    with one_thread():
        return TABLE[given.settings.acquisition].score()(given)[0], given.surrogate


# -- all of them ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", RULES)
def test_the_best_at_the_target_is_found_with_both_levels(name: str) -> None:
    study = bbo.Study(LEVELS, "minimize", optimizer=Bayes(acquisition=name, n_initial=5), seed=1)
    f = alike if name == "variable_fidelity_ei" else forrester  # which leaves coarse levels alone that differ much
    for _ in range(17):
        study.tell(trial := study.ask(), f(trial.params))
    notes = [event.body["note"] for event in study.storage.read("study") if event.kind == "asked"]
    chosen = [trial.params["mesh"] for trial, note in zip(study.trials, notes, strict=True) if TABLE[name].title in note]
    assert len(chosen) > 8 and set(chosen) == {"coarse", "fine"}
    assert not any("half of the cost" in note or "failed" in note or "no evaluation is expected" in note for note in notes)
    found = study.recommend()
    assert found.params["mesh"] == "fine"
    assert forrester(found.params) < -5.9


@pytest.mark.parametrize("space", [RANGE, SOURCES], ids=["range", "sources"])
@pytest.mark.parametrize("name", RULES)
def test_ranges_and_sources(name: str, space: bbo.Space) -> None:
    if space is RANGE and not TABLE[name].ranges:
        with pytest.raises(bbo.Unsupported, match=f"{name}' is of named levels, and 'epochs' is a range of fidelities"):
            filled(space, name)
        return
    study = filled(space, name)
    batch = study.ask(2)
    note = [event.body["note"] for event in study.storage.read("study") if event.kind == "asked"][-1]
    assert TABLE[name].title in note and "failed" not in note
    assert all(space.contains(trial.params) for trial in batch) and batch[0].params != batch[1].params


@pytest.mark.parametrize("name", RULES)
def test_what_is_fixed_stays_and_proposals_can_be_made_again(name: str) -> None:
    study = filled(LEVELS, name, f=forrester)
    assert study.ask(fixed={"mesh": "coarse"}).params["mesh"] == "coarse"
    assert study.ask(fixed={"x": 0.25}).params["x"] == 0.25
    trial = study.ask()
    assert reproduce(study.storage.read("study"), trial.number).params == trial.params


@pytest.mark.parametrize("name", RULES)
def test_constraints_are_those_of_the_target(name: str) -> None:
    """The coarse mesh calls every point feasible, the fine one those up to 0.5."""
    if TABLE[name].unconstrained:
        with pytest.raises(bbo.Unsupported, match="takes no outcome constraints"):
            bbo.Study(LEVELS, "minimize", optimizer=Bayes(acquisition=name), outcome_constraints=["g <= 0"])
        return
    study = bbo.Study(LEVELS, "minimize", optimizer=Bayes(acquisition=name, n_initial=2), seed=3, outcome_constraints=["g <= 0"])
    for k, x in enumerate(np.linspace(0.02, 0.98, 13)):
        mesh = ("fine", "coarse")[k % 2]
        wavy = (x - 0.8) ** 2 + 0.1 * np.sin(30 * x)  # so that there is something left to learn
        study.add({"x": float(x), "mesh": mesh}, {"value": wavy, "g": x - 0.5 if mesh == "fine" else -1.0})
    score, _ = made(study)
    points = [{"x": x, "mesh": mesh} for mesh in ("coarse", "fine") for x in (0.45, 0.75)]
    values = score.value(LEVELS.encode(points)).reshape(2, 2)
    assert np.all(values[:, 0] > values[:, 1] + (3 if TABLE[name].log_gain else 0))


@pytest.mark.parametrize("name", RULES)
def test_a_model_of_yours_is_refused(name: str) -> None:
    for space in (LEVELS, PLAIN):
        with pytest.raises(bbo.Unsupported, match="model of your own|no model of your own"):
            bbo.Study(space, "minimize", optimizer=Bayes(acquisition=name, surrogate=lambda X, Y, context: None))


# -- max-value entropies --------------------------------------------------------------------------------------------------------


def test_entropies_are_of_the_target_per_cost() -> None:
    points = [{"x": 0.6, "mesh": mesh} for mesh in COST]
    X = LEVELS.encode(points)
    (column,) = LEVELS.columns_of("mesh")
    target = {column: float(X[1, column])}
    for name, kind, per in (("mf_mes", "LogMultiFidelityMaxValueEntropy", LogRoughPerCost), ("mf_gibbon", "MultiFidelityGIBBON", PerCost)):
        score, surrogate = made(filled(LEVELS, name, f=forrester))
        assert type(score) is per
        np.testing.assert_array_equal(score.acq.X[:, column], target[column])
        again = getattr(acquisitions, kind)(surrogate.gps[0], score.acq.X, surrogate.noise, target, seed=score.acq.seed)
        value = again.value(X)
        expected = value - np.log(list(COST.values())) if per is LogRoughPerCost else value / list(COST.values())
        np.testing.assert_allclose(score.value(X), expected, rtol=1e-9)


def test_entropies_without_fidelities_are_the_plain_ones() -> None:
    X = np.random.default_rng(0).random((20, 2))
    for name, plain in (("mf_mes", "mes"), ("mf_gibbon", "gibbon")):
        one, other = (made(filled(PLAIN, which))[0] for which in (name, plain))
        np.testing.assert_allclose(one.value(X), other.value(X), rtol=1e-10)
    judge = Standing(made(filled(PLAIN, "mf_mes"))[1].gps[0], {})
    np.testing.assert_array_equal(judge.moved(X), X)


# -- improvements ---------------------------------------------------------------------------------------------------------------


def test_augmented_improvement_is_over_the_surest_point_per_cost() -> None:
    score, surrogate = made(filled(LEVELS, "augmented_ei", f=forrester))
    X = LEVELS.encode([{"x": x, "mesh": mesh} for x in (0.3, 0.6) for mesh in COST])
    known = moved(surrogate.targets[0].X, score.acq.target)
    mean, variance = surrogate.gps[0].predict(known)
    assert score.acq.best == pytest.approx(mean[np.argmax(mean - np.sqrt(variance))])
    again = acquisitions.LogAugmentedExpectedImprovement(surrogate.gps[0], known, surrogate.noise, score.acq.target)
    np.testing.assert_allclose(score.value(X), again.value(X) - np.log([1.0, 10.0] * 2), rtol=1e-12)
    assert again.value(X)[1] > again.value(X)[0]


def test_variable_fidelity_improvement_is_over_the_best_at_the_target_at_any_cost() -> None:
    study = filled(SOURCES, "variable_fidelity_ei", n=16)
    score, surrogate = made(study)
    fine = [trial.params for trial in study.trials if trial.params["by"] == "tunnel"]
    assert score.best == pytest.approx(surrogate.gps[0].predict(SOURCES.encode(fine))[0].max())
    X = SOURCES.encode([{"x": 0.3, "by": source} for source in ("theory", "simulation", "tunnel")])
    np.testing.assert_array_equal(X[:, score.column], score.levels)
    again = acquisitions.LogVariableFidelityExpectedImprovement(surrogate.gps[0], score.best, score.column, X[:, score.column])
    np.testing.assert_array_equal(score.value(X), again.value(X))


def test_improvements_without_fidelities_are_over_a_best() -> None:
    X = np.random.default_rng(0).random((20, 2))
    score, surrogate = made(filled(PLAIN, "variable_fidelity_ei"))
    best = surrogate.gps[0].predict(surrogate.targets[0].X)[0].max()
    np.testing.assert_allclose(score.value(X), acquisitions.LogExpectedImprovement(surrogate.gps[0], best).value(X))
    assert made(filled(PLAIN, "augmented_ei"))[0].target == {}


# -- confidence bounds ----------------------------------------------------------------------------------------------------------


def test_confidence_bounds_without_fidelities_are_the_plain_one() -> None:
    X = np.random.default_rng(0).random((20, 2))
    for name in ("boca", "mf_gp_ucb", "variable_fidelity_lcb"):
        np.testing.assert_array_equal(*(made(filled(PLAIN, which))[0].value(X) for which in (name, "ucb")))


def test_boca_knows_the_correlation_of_levels_before_there_are_data() -> None:
    """By the chain of levels, ``f_fine = rho f_coarse + delta``."""
    score, surrogate = made(filled(LEVELS, "boca", f=forrester))
    gp, rule = surrogate.gps[0], score.rule
    theta = dict(zip(gp.kernel.parameters.names, gp.theta, strict=True))
    own, added, rho = np.exp(theta["variance[0]"]), np.exp(theta["variance[1]"]), theta["rho[1]"]
    whole = rho**2 * own + added
    np.testing.assert_allclose(rule.sds, np.sqrt([own, whole]), rtol=1e-9)
    np.testing.assert_allclose(rule.gaps, [np.sqrt(1 - rho**2 * own / whole), 0.0], rtol=1e-6, atol=1e-7)
    assert (rule.beta, rule.costs) == (BETA, (1.0, 10.0))


def test_mf_gp_ucb_has_the_largest_difference_seen_and_the_beta_given() -> None:
    study = bbo.Study(LEVELS, "minimize", optimizer=Bayes(acquisition="mf_gp_ucb", n_initial=2, beta=2.0), seed=3)
    for point in LEVELS.sample(10, np.random.default_rng(4)):
        study.add(point, forrester(point))
    score, surrogate = made(study)
    points = [[{**trial.params, "mesh": mesh} for trial in study.trials] for mesh in COST]
    coarse, fine = (surrogate.gps[0].predict(LEVELS.encode(those))[0] for those in points)
    np.testing.assert_allclose(score.rule.zeta, [np.abs(coarse - fine).max(), 0.0], rtol=1e-9)
    assert score.rule.beta == 2.0


@pytest.mark.parametrize("name", ["boca", "mf_gp_ucb"])
def test_a_point_is_moved_to_the_level_that_the_rule_says(name: str) -> None:
    """The same point at the target, where the level is fixed, and at the level of the rule, where it is not."""
    for seed in range(3):
        free, fixed = (filled(LEVELS, name, n=8 + 3 * seed, f=forrester) for _ in range(2))
        rule = made(free)[0].rule
        there, chosen = fixed.ask(fixed={"mesh": "fine"}).params, free.ask().params
        assert there["mesh"] == "fine" and chosen["x"] == there["x"]
        wanted = LEVELS.decode(rule.at_levels(LEVELS.encode([there])))[0]
        assert chosen["mesh"] == wanted["mesh"]


def test_a_level_where_the_point_is_known_gives_way_to_the_next() -> None:
    study = filled(LEVELS, "mf_gp_ucb", f=forrester)
    state, there = study._replica.state, {"x": 0.3125, "mesh": "fine"}

    class Always:
        def value(self, X: Any) -> Any:
            return np.zeros(len(X))

        def at_levels(self, x: Any) -> Any:
            return LEVELS.encode([{**there, "mesh": mesh} for mesh in COST])

    assert isinstance(Always(), Staged)
    assert _at_its_level(state, Always(), there, [], {}) == {**there, "mesh": "coarse"}
    assert _at_its_level(state, Always(), there, [{**there, "mesh": "coarse"}], {}) == there
    assert _at_its_level(state, Always(), there, [], {"mesh": "fine"}) == there
    assert _at_its_level(state, Always(), None, [], {}) is None


# -- two stages, and the probability of improvement -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["two_stage_ei", "variable_fidelity_pi"])
def test_the_best_mean_measured_at_the_target_is_improved_on(name: str) -> None:
    study = filled(SOURCES, name, n=16)
    score, surrogate = made(study)
    rule = score.acq if isinstance(score, LogPerCost) else score
    fine = [trial.params for trial in study.trials if trial.params["by"] == "tunnel"]
    assert rule.best == pytest.approx(surrogate.gps[0].predict(SOURCES.encode(fine))[0].max())
    assert rule.noise == surrogate.noise
    X = SOURCES.encode([{"x": 0.3, "by": source} for source in ("theory", "simulation", "tunnel")])
    cost = score.cost.log(X)[0]
    np.testing.assert_allclose(cost, np.log([1.0, 3.0, 50.0]), rtol=1e-12)
    if name == "two_stage_ei":
        np.testing.assert_allclose(score.value(X), acquisitions.LogExpectedImprovement(surrogate.gps[0], rule.best).value(X)[2])
    else:
        assert rule.room.levels == tuple(X[:, rule.room.column])
        np.testing.assert_allclose(score.value(X), rule.value(X) - cost, rtol=1e-12)


def test_without_levels_they_are_the_plain_ones() -> None:
    X = np.random.default_rng(0).random((20, 2))
    score, surrogate = made(filled(PLAIN, "two_stage_ei"))
    gp, best = surrogate.gps[0], surrogate.gps[0].predict(surrogate.targets[0].X)[0].max()
    np.testing.assert_array_equal(score.value(X), acquisitions.LogExpectedImprovement(gp, best).value(X))
    probable = made(filled(PLAIN, "variable_fidelity_pi"))[0]
    plain = acquisitions.LogProbabilityOfImprovement(gp, best).value(X)
    signal = gp.predict(X)[1] / (gp.predict(X)[1] + gp.noise)
    np.testing.assert_allclose(probable.value(X), plain + 0.5 * np.log(signal) + probable.room.value(X), rtol=1e-9)


def test_a_batch_in_two_stages_keeps_apart() -> None:
    for name in ("two_stage_ei", "variable_fidelity_pi", "variable_fidelity_lcb"):
        batch = filled(LEVELS, name, f=forrester).ask(3)
        points = [tuple(trial.params.values()) for trial in batch]
        assert len(set(points)) == 3
