"""`Bayes` with a fidelity or a source: where it measures, what that costs, and that what counts is the target."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import bbo
from acquisitions.per_cost import LogPerCost
from bbo.optimizers import fidelities
from bbo.optimizers.bayes import Bayes
from bbo.optimizers.fitting import one_thread
from bbo.optimizers.knowledge_gradient import over_the_space
from tests.bbo.optimizers.modelled import asked

LEVELS = bbo.Space({"x": bbo.Float(0, 1), "y": bbo.Float(-2, 2), "mesh": bbo.Fidelity({"coarse": 1, "fine": 10})})
RANGE = bbo.Space({"x": bbo.Float(0, 1), "epochs": bbo.Fidelity(1, 81, cost=(1, 81), integer=True, log=True), "k": bbo.Int(0, 4)})
SOURCES = bbo.Space({"x": bbo.Float(0, 1), "by": bbo.Source({"theory": 1, "simulation": 3, "tunnel": 50})})


def truth(p: Mapping[str, Any]) -> float:
    return float((p["x"] - 0.7) ** 2 + 0.1 * p.get("y", 0.0) ** 2 + 0.1 * abs(p.get("k", 2) - 2))


def measured(p: Mapping[str, Any]) -> float:
    """The truth at the target; elsewhere a multiple of it, tilted."""
    off = {"coarse": 1.0, "theory": 1.0, "simulation": 0.3}.get(str(p.get("mesh", p.get("by"))), 0.0)
    off += 0.5 * (1 - np.log(p.get("epochs", 81)) / np.log(81))
    return truth(p) * (1 + off) + 0.2 * off * p["x"]


def run(space: bbo.Space, n: int, *, f: Any = measured, constraints: Any = (), optimizer: Any = "auto") -> bbo.Study:
    study = bbo.Study(space, "minimize", optimizer=optimizer, seed=1, outcome_constraints=constraints)
    for _ in range(n):
        study.tell(trial := study.ask(), f(trial.params))
    return study


def levels(study: bbo.Study, name: str) -> Counter[Any]:
    return Counter(trial.params[name] for trial in study.trials)


@pytest.mark.parametrize("space", [LEVELS, RANGE, SOURCES], ids=["levels", "range", "sources"])
def test_the_best_at_the_target_is_found(space: bbo.Space) -> None:
    study = run(space, len(fidelities.design(space)) + 10)
    found = study.recommend()
    assert found.params.items() >= space.targets.items()
    assert truth(found.params) < 0.01
    (name,) = space.targets
    assert len(levels(study, name)) > 1
    assert any("per cost" in event.body["note"] for event in study.storage.read("study") if event.kind == "asked")
    assert "not modelled" not in study.explain()


def test_the_initial_design_has_points_at_every_level() -> None:
    counts = levels(run(SOURCES, 23), "by")
    assert counts == {"theory": 10, "simulation": 10, "tunnel": 3}


def test_what_is_cheap_is_run_more_often_and_what_costs_the_same_is_not() -> None:
    dear = bbo.Space({"x": bbo.Float(0, 1), "y": bbo.Float(-2, 2), "mesh": bbo.Fidelity({"coarse": 1, "fine": 1})})
    cheap, even = (levels(run(space, 13), "mesh") for space in (LEVELS, dear))
    assert cheap["coarse"] > 8 > even["coarse"]


def test_the_score_is_what_a_measurement_gains_at_the_target_for_its_cost() -> None:
    given = asked(run(LEVELS, 14), Bayes())
    surrogate = given.surrogate
    with one_thread():
        made, _ = over_the_space(given)
        assert isinstance(made, LogPerCost)
        choices = made.acq.X  # type: ignore[attr-defined]
        (column,) = LEVELS.columns_of("mesh")
        fine = LEVELS.encode([{"x": 0.5, "y": 0.0, "mesh": "fine"}])[0, column]
        np.testing.assert_array_equal(choices[:, column], fine)
        points = LEVELS.encode([{"x": 0.4, "y": 1.0, "mesh": level} for level in ("coarse", "fine")])
        gp = surrogate.gps[0]
        for point, cost in zip(points, (1.0, 10.0), strict=True):
            mean, variance = gp.predict(point[None])
            sd = np.sqrt(variance + gp.noise)
            nodes, weights = np.polynomial.hermite_e.hermegauss(201)
            best = [gp.condition(point[None], mean + sd * z, np.array([gp.noise])).predict(choices)[0].max() for z in nodes]
            gain = np.array(best) @ weights / weights.sum() - gp.predict(choices)[0].max()
            assert np.exp(made.value(point[None])[0]) == pytest.approx(gain / cost, rel=0.05)


def test_constraints_are_those_of_the_target() -> None:
    """The coarse mesh calls every point feasible; only the fine one knows that x must be at most 0.5."""
    study = bbo.Study(LEVELS, "minimize", optimizer="auto", seed=2, outcome_constraints=["g <= 0"])
    for _ in range(30):
        trial = study.ask()
        study.tell(trial, {"value": measured(trial.params), "g": trial.params["x"] - 0.5 if trial.params["mesh"] == "fine" else -1.0})
    found = study.recommend()
    assert found.params["mesh"] == "fine" and found.params["x"] < 0.52
    assert found.params["x"] > 0.35 and abs(found.params["y"]) < 0.7


def test_while_nothing_feasible_is_known_the_target_is_run() -> None:
    study = bbo.Study(LEVELS, "minimize", optimizer=Bayes(n_initial=4), seed=2, outcome_constraints=["g <= 0"])
    for x, mesh in ((0.1, "coarse"), (0.9, "fine"), (0.4, "coarse"), (0.6, "fine")):
        study.add({"x": x, "y": 0.0, "mesh": mesh}, {"value": x, "g": 1.0 - x / 10})
    assert study.ask().params["mesh"] == "fine"


def test_what_is_fixed_stays() -> None:
    study = run(LEVELS, 13)
    assert all(trial.params["mesh"] == "fine" for trial in study.ask(2, fixed={"mesh": "fine"}))
    assert all(trial.params["y"] == 1.0 for trial in study.ask(2, fixed={"y": 1.0}))


def test_a_batch_has_different_points() -> None:
    study = run(LEVELS, 13)
    batch = study.ask(4)
    assert len({tuple(trial.params.values()) for trial in batch}) == 4


def test_the_cost_of_a_point_is_that_of_its_fidelity() -> None:
    for space, name in ((LEVELS, "mesh"), (RANGE, "epochs"), (SOURCES, "by")):
        cost, parameter = fidelities.cost(space), space.parameters[name]
        assert cost is not None
        points = space.sample(40, np.random.default_rng(0))
        expected = [parameter.cost_at(point[name]) for point in points]  # type: ignore[attr-defined]
        np.testing.assert_allclose(np.exp(cost.log(space.encode(points))[0]), expected, rtol=2e-3)
    assert fidelities.cost(bbo.Space({"x": bbo.Float(0, 1)})) is None


@pytest.mark.parametrize(
    ("parameters", "objectives", "settings", "reason"),
    [
        ({"a": bbo.Fidelity(1, 9), "b": bbo.Source({"u": 1, "v": 2})}, "minimize", {}, "one fidelity or source, and there are 'a', 'b'"),
        ({"c": bbo.Bool(), "a": bbo.Fidelity(1, 9, when={"c": True})}, "minimize", {}, "always active, and 'a' has a condition"),
        ({"a": bbo.Fidelity(1, 9)}, {"f": "minimize", "g": "minimize"}, {}, "one objective"),
        ({"a": bbo.Fidelity(1, 9)}, "minimize", {"acquisition": "log_ei"}, "acquisition 'log_ei', and 'a' is a fidelity"),
        ({"a": bbo.Fidelity(1, 9)}, "minimize", {"surrogate": lambda X, Y, context: None}, "model of your own, and 'a' is a fidelity"),
    ],
)
def test_what_it_refuses(parameters: dict[str, Any], objectives: Any, settings: dict[str, Any], reason: str) -> None:
    with pytest.raises(bbo.Unsupported, match=reason):
        bbo.Study(bbo.Space({"x": bbo.Float(0, 1), **parameters}), objectives, optimizer=Bayes(**settings), seed=0)


def test_other_optimizers_say_that_they_run_the_target() -> None:
    assert "mesh is not modelled by sobol: it runs at its target, 'fine'" in run(LEVELS, 3, optimizer="sobol").explain()


def test_half_of_the_cost_is_spent_at_the_target() -> None:
    coarse, fine = ({"x": 0.5, "y": 0.0, "mesh": mesh} for mesh in ("coarse", "fine"))
    assert not fidelities.due_at_target(LEVELS, [*[coarse] * 10, fine])
    assert fidelities.due_at_target(LEVELS, [*[coarse] * 11, fine])
    assert not fidelities.due_at_target(bbo.Space({"x": bbo.Float(0, 1)}), [{"x": 0.5}])
    study = bbo.Study(LEVELS, "minimize", optimizer=Bayes(acquisition="knowledge_gradient", n_initial=4), seed=1)
    for point in LEVELS.sobol(12, seed=3, fixed={"mesh": "coarse"}):
        study.add(point, measured(point))
    assert study.ask().params["mesh"] == "fine"
    note = study.storage.read("study")[-1].body["note"]
    assert note.startswith("best mean at the target, since half of the cost is spent there")


def test_where_all_is_known_the_target_is_run() -> None:
    study = bbo.Study(
        bbo.Space({"x": bbo.Float(0, 1), "mesh": bbo.Fidelity({"coarse": 1, "fine": 10})}),
        "minimize",
        optimizer=Bayes(acquisition="knowledge_gradient"),
        seed=1,
    )
    for k in range(14):
        study.add({"x": k / 13, "mesh": "fine"}, (k / 13 - 0.4) ** 2)
    assert study.ask().params["mesh"] == "fine"
    assert "since no evaluation is expected to change where the best is" in study.storage.read("study")[-1].body["note"]


def counted(**parameters: bbo.Fidelity) -> dict[object, int]:
    return dict(Counter(fidelities.design(bbo.Space({"x": bbo.Float(0, 1), **parameters}))))


def test_an_initial_design_leaves_out_what_saves_little() -> None:
    assert counted(a=bbo.Fidelity({"u": 1, "v": 6, "w": 8})) == {"u": 5, "w": 3}  # ten of u would cost more than one of w
    assert counted(a=bbo.Fidelity(0.0, 1.0, cost=(5, 6))) == {1.0: 5}
    assert list(counted(a=bbo.Fidelity(1, 81, cost=(1, 81), integer=True, log=True))) == [1, 6, 81]


def test_an_initial_design_has_twice_as_many_of_what_costs_next_to_nothing() -> None:
    assert counted(a=bbo.Fidelity({"u": 1, "v": 5, "w": 10})) == {"u": 10, "v": 5, "w": 3}
    assert fidelities.design(bbo.Space({"x": bbo.Float(0, 1), "a": bbo.Fidelity({"u": 1, "w": 5})}))[:3] == ["u", "w", "u"]
    assert fidelities.turn(bbo.Space({"x": bbo.Float(0, 1)}), 3) == {}


def test_what_was_measured_is_seen_at_the_target() -> None:
    given = asked(run(LEVELS, 14), Bayes())
    (column,) = LEVELS.columns_of("mesh")
    (fine,) = LEVELS.encode([{"x": 0.5, "y": 0.0, "mesh": "fine"}])[:, column]
    everything = given.surrogate.targets[0].X
    assert set(everything[:, column]) > {fine}
    for known in (given.measured, replace(given, feasible=[]).measured):  # nothing is feasible where all was measured outside
        assert set(known[:, column]) == {fine}
        np.testing.assert_array_equal(np.unique(np.delete(known, column, 1), axis=0), np.unique(np.delete(everything, column, 1), axis=0))


def known_in_levels(name: str, *, output_warp: bool = True) -> bbo.Study:
    """A study that knows 8 values of a problem's target and 24 of every other level."""
    problem = bbo.problems.get(name)
    study = bbo.Study(problem.space, "minimize", optimizer=Bayes(output_warp=output_warp), seed=0)
    target = problem.space.targets["fidelity"]
    for k, level in enumerate(problem.space.parameters["fidelity"].main):
        for point in problem.space.sobol(8 if level == target else 24, seed=k, fixed={"fidelity": level}):
            study.add(point, problem.evaluate(point)["value"])
    return study


def memo(study: bbo.Study) -> Mapping[str, Any]:
    """What the next proposal leaves for those after it."""
    study.ask()
    return study.storage.read("study")[-1].body["memo"]


def test_levels_that_are_multiples_of_each_other_up_to_a_line_stay_so() -> None:
    """Bent, they would not be, and predictions would be off by a fifth of the standard deviation."""
    study, problem = known_in_levels("forrester"), bbo.problems.get("forrester")
    points = [{"x1": x, "fidelity": "high"} for x in np.linspace(0, 1, 101).tolist()]
    values = np.array([problem.evaluate(point)["value"] for point in points])
    found = np.array([prediction.mean["value"] for prediction in study.predict(points)])
    assert np.sqrt(np.mean((found - values) ** 2)) < 0.02 * values.std()
    assert memo(study)["bent"] is False
    assert "fitted to values as they are (" in study.storage.read("study")[-1].body["note"]


def test_a_bad_value_that_lies_far_out_still_tells_how_levels_are_related() -> None:
    """Clipped, as bad values are without levels, it would bend the discrepancy: the model would expect the best point at the bad end."""
    study, problem = known_in_levels("forrester"), bbo.problems.get("forrester")
    for x in np.linspace(0.74, 0.78, 16).tolist():
        study.add(point := {"x1": x, "fidelity": "high"}, problem.evaluate(point)["value"])
    bad = {"x1": 1.0, "fidelity": "high"}
    assert study.predict(bad).mean["value"] == pytest.approx(problem.evaluate(bad)["value"], abs=0.5)
    assert study.recommend().params["x1"] == pytest.approx(0.757249, abs=1e-3)


def test_an_objective_is_bent_where_that_has_the_greater_evidence_and_only_if_it_may() -> None:
    assert memo(known_in_levels("hartmann3_levels"))["bent"] is True
    assert "bent" not in memo(known_in_levels("hartmann3_levels", output_warp=False))


def test_what_was_decided_holds_until_hyperparameters_are_fitted_afresh() -> None:
    study, problem = known_in_levels("forrester"), bbo.problems.get("forrester")
    assert memo(study)["bent"] is False
    for k in range(3):
        study.add(point := {"x1": 0.1 + 0.3 * k, "fidelity": "high"}, problem.evaluate(point)["value"])
    later = memo(study)
    assert (later["n"], later["afresh"], later["bent"]) == (35, 32, False)
    for x in np.linspace(0.02, 0.98, 13).tolist():
        study.add(point := {"x1": x, "fidelity": "high"}, problem.evaluate(point)["value"])
    anew = memo(study)
    assert (anew["n"], anew["afresh"], anew["bent"]) == (48, 48, False)
