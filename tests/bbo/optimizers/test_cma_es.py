"""CMA-ES: the library's own run, reproduced through the log; and what the log may bring in between."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

import bbo
from bbo.log.events import Event
from bbo.log.ledger import Record
from bbo.log.states import State
from bbo.objectives import Constraint, Objective
from bbo.optimizers.base import Request
from bbo.optimizers.cma_es import CMAES, Normals, ranking_values
from bbo.optimizers.phases import executed
from bbo.problem import Problem
from bbo.replica import Replica
from tests.bbo.optimizers.logs import next_of

BOX = bbo.Space({"x": bbo.Float(-5, 5), "y": bbo.Float(-5, 5), "z": bbo.Float(-5, 5)})


def ellipsoid(params: Mapping[str, Any]) -> float:
    return float(sum(10**k * (v - 0.7) ** 2 for k, v in enumerate(params.values())))


def study_of(space: bbo.Space = BOX, optimizer: Any = "cma_es", **arguments: Any) -> bbo.Study:
    return bbo.Study(space, optimizer=optimizer, seed=3, **arguments)


def run(study: bbo.Study, n: int) -> None:
    for _ in range(n):
        trial = study.ask()
        study.tell(trial, ellipsoid(trial.params))


def asked(study: bbo.Study) -> list[Event]:
    return [event for event in study.storage.read(study.name) if event.kind == "asked"]


def test_keeps_the_contract() -> None:
    from bbo.testing.optimizer import check_optimizer

    assert set(check_optimizer(CMAES(), n=20)) >= {"box", "integers", "outcome constraint"}


def test_equals_the_library_run_alone_with_the_same_normal_numbers() -> None:
    """On a box whose bounds never bind, 20 generations of asks through a study are those of `cma` without bounds."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import cma

        study = study_of(optimizer=CMAES(sigma0=0.02))
        normals = Normals()
        options = {"randn": normals, "seed": np.nan, "verbose": -10, "CMA_mirrors": 0, "maxstd": 1 / 3}
        alone = cma.CMAEvolutionStrategy([0.5] * 3, 0.02, options)
        for generation in range(20):
            normals.rng = study._problem.rng("cma_es", generation)
            latent = alone.ask()
            trials = study.ask(alone.popsize)
            points = np.array([tuple(t.params.values()) for t in trials])
            np.testing.assert_allclose(points, 10 * np.array(latent) - 5, rtol=0, atol=1e-12)
            study.tell(trials, [ellipsoid(t.params) for t in trials])
            alone.tell(latent, [ellipsoid(t.params) for t in trials])
            assert 0.1 < np.min(latent) < np.max(latent) < 0.9


def test_finds_the_minimum_of_an_ellipsoid() -> None:
    study = study_of()
    run(study, 400)
    assert study.best_value < 1e-6


def test_finds_the_minimum_in_integers_steps_and_log_axes() -> None:
    space = bbo.Space({"i": bbo.Int(-20, 20), "s": bbo.Float(0, 1, step=0.05), "l": bbo.Float(1e-4, 1e4, log=True), "f": bbo.Fixed(2)})
    study = study_of(space)
    for _ in range(300):
        trial = study.ask()
        i, s, l, _f = trial.params.values()
        study.tell(trial, (i - 7) ** 2 + 10 * (s - 0.35) ** 2 + np.log10(l / 10) ** 2)
    assert study.best_params["i"] == 7
    assert study.best_params["s"] == 0.35
    assert study.best_value < 1e-3


def test_waits_when_all_tickets_are_out_and_goes_on_when_all_are_told() -> None:
    study = study_of(optimizer=CMAES(popsize=6))
    trials = study.ask(10)
    assert len(trials) == 6
    with pytest.raises(bbo.Waiting):
        study.ask()
    study.tell(trials[:5], [ellipsoid(t.params) for t in trials[:5]])
    with pytest.raises(bbo.Waiting):
        study.ask()
    study.tell(trials[5], 1.0)
    assert [e.body["ticket"] for e in asked(study)] == [[0, k] for k in range(6)]
    study.ask(2)
    assert [e.body["ticket"] for e in asked(study)[6:]] == [[1, 0], [1, 1]]


def test_the_order_of_tells_changes_nothing_bit_for_bit() -> None:
    study = study_of(outcome_constraints=["c <= 1"])
    trials = study.ask(100)
    log = list(study.storage.read(study.name))
    told = [Event("told", {"attempt": 1, "values": {"value": ellipsoid(t.params), "c": t.params["x"]}}, trial=t.number) for t in trials]
    told[2] = Event("failed", {"attempt": 1, "reason": ""}, trial=2)
    told[4] = Event("abandoned", {"attempt": 1, "reason": ""}, trial=4)
    first = next_of([*log, *told])
    assert first.queries[0].ticket == (1, 0)
    rng = np.random.default_rng(0)
    for _ in range(5):
        assert next_of([*log, *(told[k] for k in rng.permutation(len(told)))]) == first


def test_propose_is_pure_and_leaves_the_global_generator_alone() -> None:
    study = study_of()
    run(study, 10)
    replica = study._replica
    before = np.random.get_state(legacy=False)["state"]["key"].copy()  # noqa: NPY002 - to see that it is left alone
    points = replica.state.points.copy()
    first = replica.optimizer.propose(replica.state, Request(2))
    assert replica.optimizer.propose(replica.state, Request(2)) == first
    assert np.array_equal(replica.state.points, points)
    run(study, 20)
    assert np.array_equal(np.random.get_state(legacy=False)["state"]["key"], before)  # noqa: NPY002


def test_an_amendment_counts_before_the_generation_closes_and_not_after() -> None:
    study = study_of(optimizer=CMAES(popsize=4))
    trials = study.ask(4)
    log = list(study.storage.read(study.name))
    told = [Event("told", {"attempt": 1, "values": {"value": float(k)}}, trial=k) for k in range(4)]
    amend = Event("amended", {"values": {"value": 9.0}}, trial=0)
    direct = [Event("told", {"attempt": 1, "values": {"value": 9.0}}, trial=0), *told[1:]]
    assert next_of([*log, *told[:3], amend, told[3]]) == next_of([*log, *direct])
    assert next_of([*log, *told, amend]) == next_of([*log, *told]) != next_of([*log, *direct])
    assert len(trials) == 4


def test_an_abandoned_ticket_is_left_out_and_one_retried_keeps_its_ticket() -> None:
    study = study_of(optimizer=CMAES(popsize=6))
    trials = study.ask(6)
    study.retry(trials[1], "node died")
    again = study.ask()
    assert again.number == 1
    assert again.params == trials[1].params
    assert asked(study)[-1].body["ticket"] == [0, 1]
    study.abandon(trials[0])
    for trial in [again, *trials[2:]]:
        study.tell(trial, ellipsoid(trial.params))
    assert asked(study)[-1].body["ticket"] == [0, 1]
    assert study.ask() is not None
    assert asked(study)[-1].body["ticket"] == [1, 0]
    left_out = next_of(study.storage.read(study.name)[:-1])
    worst = [e if e.kind != "abandoned" else Event("failed", e.body, trial=e.trial) for e in study.storage.read(study.name)[:-1]]
    assert left_out.queries[0].params != next_of(worst).queries[0].params


def test_a_generation_that_was_mostly_abandoned_is_drawn_anew() -> None:
    study = study_of(optimizer=CMAES(popsize=6))
    trials = study.ask(6)
    for trial in trials[:4]:
        study.abandon(trial)
    study.tell(trials[4:], [0.0, 1.0])
    mean = study._replica.state.strategy.mean
    assert list(mean) == [0.5] * 3
    fresh = study.ask(6)
    assert not {tuple(t.params.items()) for t in fresh} & {tuple(t.params.items()) for t in trials}


def test_a_late_result_of_a_closed_generation_is_ignored() -> None:
    study = study_of(optimizer=CMAES(popsize=6))
    trials = study.ask(6)
    study.abandon(trials[0])
    study.tell(trials[1:], [ellipsoid(t.params) for t in trials[1:]])
    before = next_of(study.storage.read(study.name))
    study.tell(trials[0], -1e9)
    assert next_of(study.storage.read(study.name)) == before


def test_only_the_parameters_that_were_run_otherwise_move_the_latent_point() -> None:
    space = bbo.Space({"i": bbo.Int(0, 3), "x": bbo.Float(0, 1)})
    study = study_of(space, optimizer=CMAES(popsize=4))
    trials = study.ask(4)
    study.tell(trials[0], 1.0, params={**trials[0].params, "x": 0.9})
    state = study._replica.state
    run = executed(state.problem.space, state.points[0], state.trials[0])
    assert run[0] == state.points[0][0] != space.encode([trials[0].params])[0][0]
    assert run[1] == 0.9
    study.tell(trials[1:], [2.0, 3.0, 4.0])
    assert study.ask().params in space.decode(study._replica.state.points)


def test_foreign_trials_are_ignored_but_for_the_start() -> None:
    study = study_of()
    study.add({"x": 2.0, "y": 2.0, "z": -2.0}, -3.0)
    study.add({"x": 1.0, "y": 2.0, "z": -2.0}, 3.0)
    study.ask()
    assert asked(study)[0].body["memo"]["x0"] == pytest.approx([0.7, 0.7, 0.3])
    assert list(study._replica.state.strategy.x0) == asked(study)[0].body["memo"]["x0"]
    log = list(study.storage.read(study.name))
    study.add({"x": 0.0, "y": 0.0, "z": 0.0}, -9.0)
    study.enqueue({"x": 0.5, "y": 0.0, "z": 0.0})
    study.tell(study.ask(), 0.0)
    assert next_of(study.storage.read(study.name)) == next_of(log)


def test_tickets_of_another_configuration_are_plain_points() -> None:
    study = study_of(optimizer=CMAES(popsize=4))
    run(study, 7)
    study.configure(optimizer=CMAES(popsize=5))
    trials = study.ask(9)
    assert len(trials) == 5
    assert study._replica.state.phase == 0
    assert asked(study)[-5].body["memo"]["x0"] == pytest.approx(study.space.encode([study.best_params])[0])


def test_a_redefined_space_begins_anew() -> None:
    study = study_of()
    run(study, 10)
    study.redefine(space=bbo.Space({"x": bbo.Float(-9, 9), "y": bbo.Float(-9, 9)}))
    run(study, 10)
    assert set(study.ask().params) == {"x", "y"}


def test_restarts_with_twice_the_population() -> None:
    """On a plateau the strategy stops within a few generations."""
    study = study_of(optimizer=CMAES(popsize=4))
    while study._replica.state.run == 0:
        study.tell(study.ask(), 1.0)
    state = study._replica.state
    assert len(state.points) == 8
    assert state.strategy.sigma == pytest.approx(0.3)
    assert study.ask(20)[0].number == len(study.trials) - 8
    assert "stopped (" in asked(study)[-1].body["note"]
    assert copy.deepcopy(state.points).tolist() == replayed(study).points.tolist()


def replayed(study: bbo.Study) -> Any:
    replica = Replica(lambda after: study.storage.read(study.name, after))
    replica.sync()
    return replica.state


def test_two_processes_that_propose_at_once_share_the_tickets() -> None:
    study = study_of(optimizer=CMAES(popsize=6))
    other = bbo.load_study(study.name, study.storage)
    tickets = [tuple(e.body["ticket"]) for s in (study, other, study) for e in [s.ask(2) and asked(s)[-1]]]
    assert tickets == [(0, 1), (0, 3), (0, 5)]


def test_extreme_values_do_no_harm() -> None:
    study = study_of(optimizer=CMAES(popsize=4))
    for values in ([1e308, -1e308, 1e-320, 0.0], [1e300, 1e300, 1e300, 1e300]):
        trials = study.ask(4)
        study.tell(trials, values)
    assert len(study.ask(4)) == 4


# -- ranking ------------------------------------------------------------------------------------------------------------------

PROBLEM = Problem(BOX, (Objective("f", "maximize"),), (Constraint("c", upper=1.0), Constraint("d", lower=10.0)))


def record(number: int, f: float = 0.0, c: float = 0.0, d: float = 20.0, state: State = State.DONE) -> Record:
    return Record(number, state, values={"f": f, "c": c, "d": d})


def test_ranks_feasible_then_infeasible_then_failed() -> None:
    records = [
        record(0, state=State.FAILED),
        record(1, f=5.0, c=2.0),  # violates c by 1 of at most 4
        record(2, f=1.0),
        record(3, f=9.0, d=0.0),  # violates d by 10 of at most 10
        record(4, f=2.0),
        record(5, c=5.0),  # violates c by 4 of at most 4
        record(6, c=3.0, d=8.0),  # by 2 of 4 and 2 of 10
        record(7, state=State.PRUNED),
    ]
    values = ranking_values(PROBLEM, records)
    assert [values[2], values[4]] == [-1.0, -2.0]
    assert values[4] < values[2] < values[1] < values[6] < values[5] == values[3] < values[0] == values[7]


def test_ranks_when_nothing_is_feasible_or_nothing_worked() -> None:
    values = ranking_values(PROBLEM, [record(0, f=9, c=3.0), record(1, f=1, c=2.0)])
    assert values[1] < values[0]
    assert ranking_values(PROBLEM, [record(0, state=State.FAILED)] * 3) == [1.0, 1.0, 1.0]


def test_an_infeasible_trial_ranks_below_every_feasible_one_even_where_objectives_are_huge() -> None:
    values = ranking_values(PROBLEM, [record(0, f=-1e200), record(1, f=1e200, c=1.5), record(2, state=State.FAILED)])
    assert values[0] < values[1] < values[2]


# -- what it refuses ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("space", "objectives", "reason"),
    [
        ({"x": bbo.Float(0, 1), "c": bbo.Categorical(["a", "b"])}, "minimize", "'c' is a Categorical"),
        ({"x": bbo.Float(0, 1), "b": bbo.Bool()}, "minimize", "'b' is a Bool"),
        ({"x": bbo.Float(0, 1), "y": bbo.Float(0, 1, when="x > 0.5")}, "minimize", "'y' is conditional"),
        ({"x": bbo.Float(0, 1)}, "minimize", "at least two parameters"),
        ({"x": bbo.Float(0, 1), "t": bbo.Fidelity(1, 9)}, "minimize", "'t' is a fidelity parameter"),
        ({"x": bbo.Float(0, 1), "m": bbo.Simplex(["a", "b"])}, "minimize", "'m' is a Simplex"),
        ({"x": bbo.Float(0, 1), "y": bbo.Float(0, 1)}, {"a": "minimize", "b": "minimize"}, "there are 2"),
        ({"x": bbo.Float(0, 1), "y": bbo.Float(0, 1)}, [bbo.Objective("a", feedback="ranking")], "told rankings"),
    ],
)
def test_refuses_with_the_reason(space: Any, objectives: Any, reason: str) -> None:
    with pytest.raises(bbo.Unsupported, match=reason):
        bbo.Study(bbo.Space(space), objectives, optimizer="cma_es", seed=0)


def test_refuses_fixed_parts() -> None:
    study = study_of()
    with pytest.raises(bbo.Unsupported, match="fixed="):
        study.ask(fixed={"x": 1.0})
    with pytest.raises(bbo.Unsupported, match="shared="):
        study.ask(2, shared=["x"])


@pytest.mark.parametrize("settings", [{"sigma0": 0}, {"sigma0": "1"}, {"sigma0": 2}, {"popsize": 3}, {"popsize": 8.0}])
def test_refuses_settings_out_of_range(settings: Any) -> None:
    with pytest.raises(bbo.InvalidStudy, match=f"{next(iter(settings))} is"):
        CMAES(**settings)
