"""A federation: what its clients are told, equal to formulas and to local descent in the limits, and what comes of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import bbo
from bbo.federation import _state_of
from bbo.optimizers.fzoos_client import FZooSClient, shared_features
from bbo.replay import reproduce

Array = NDArray[np.float64]
D = 4
SPACE = bbo.Space({"x": bbo.Array(D, -2, 3)})
SHORT: dict[str, Any] = {"steps": 3, "active": 2, "features": 200}


def clients(n: int, *, seeds: bool = True, **arguments: Any) -> dict[str, bbo.Study]:
    return {f"c{k}": bbo.Study(SPACE, "minimize", name=f"c{k}", seed=k if seeds else 0, **arguments) for k in range(n)}


def bowls(n: int) -> dict[str, Any]:
    """Objectives with minima far from each other, whose mean has its minimum at the mean of these, as all bend alike."""
    middles = np.random.default_rng(1).uniform(-1.5, 2.5, (n, D))
    return {f"c{k}": lambda trial, k=k: float(((np.array(trial["x"]) - middles[k]) ** 2).sum()) for k in range(n)} | {"middles": middles}


def test_a_lone_client_is_not_corrected() -> None:
    federation = bbo.Federation(clients(1), **SHORT)
    federation.optimize({"c0": lambda t: float(np.sum(np.square(t["x"])))}, rounds=2)
    settings = federation.clients["c0"].optimizer
    assert isinstance(settings, FZooSClient)
    assert len(settings.own) == 200
    assert settings.server == settings.own
    state = _state_of(federation.clients["c0"])
    state.x = np.full(D, 0.7)
    np.testing.assert_array_equal(state.correction(), np.zeros(D))


def test_clients_that_are_alike_are_not_corrected_and_walk_as_a_lone_one() -> None:
    def f(trial: bbo.Trial) -> float:
        return float(np.sum(np.square(trial["x"])))

    together, alone = bbo.Federation(clients(3, seeds=False), **SHORT), bbo.Federation(clients(1), **SHORT)
    together.optimize(dict.fromkeys(together.clients, f), rounds=2)
    alone.optimize({"c0": f}, rounds=2)
    assert together.params == alone.params
    for study in together.clients.values():
        assert [t.params for t in study.trials] == [t.params for t in alone.clients["c0"].trials]
        assert study.optimizer == alone.clients["c0"].optimizer


def test_the_server_has_the_means_of_points_and_of_weights_and_clients_the_correction() -> None:
    federation, functions = bbo.Federation(clients(2), **SHORT), bowls(2)
    functions.pop("middles")
    for name, study in federation.clients.items():
        study.optimize(functions[name], n_trials=1000)
    assert federation.done
    reached = [_state_of(study).x for study in federation.clients.values()]
    federation.end_round()
    assert federation.round == 1
    one, two = (study.optimizer for study in federation.clients.values())
    assert isinstance(one, FZooSClient)
    assert isinstance(two, FZooSClient)
    np.testing.assert_allclose(one.start, np.mean(reached, axis=0), rtol=1e-12)
    np.testing.assert_allclose(one.server, (np.array(one.own) + two.own) / 2, rtol=1e-9)
    assert (one.start, one.server, one.centre, one.scale) == (two.start, two.server, two.centre, two.scale)

    study = federation.clients["c0"]
    basis = shared_features(200, D)
    study.tell(batch := study.ask(1000), [functions["c0"](t) for t in batch])
    for step in (1, 2, 3):
        state = _state_of(study)
        u = (state.x - np.array(one.centre)) / one.scale
        expected = (basis.gradient(u, one.server) - basis.gradient(u, one.own)) / one.scale / step
        np.testing.assert_allclose(state.correction(), expected, rtol=1e-9)
        assert np.linalg.norm(expected) > 0
        study.tell(batch := study.ask(1000), [functions["c0"](t) for t in batch])
    with pytest.raises(bbo.Exhausted, match="round 1 of the federation is over here"):
        study.ask()


def test_a_correction_points_from_the_own_slope_to_that_of_all() -> None:
    """On bowls the difference of the gradients is known, and the same everywhere."""
    federation, functions = bbo.Federation(clients(2), steps=5, active=8), bowls(2)
    middles = functions.pop("middles")
    federation.optimize(functions, rounds=1)
    for k, study in enumerate(federation.clients.values()):
        study.tell(batch := study.ask(1000), [functions[f"c{k}"](t) for t in batch])
        exact = 2 * 5 * (middles[k] - middles.mean(axis=0))  # by the cube: the range of an axis is 5
        found = _state_of(study).correction()
        assert found @ exact / np.linalg.norm(found) / np.linalg.norm(exact) > 0.95
        assert np.linalg.norm(found) == pytest.approx(np.linalg.norm(exact), rel=0.3)


def test_minimizes_the_mean_of_objectives_that_differ() -> None:
    federation, functions = bbo.Federation(clients(2), steps=4, step=0.03, active=3, features=300), bowls(2)
    middles = functions.pop("middles")
    federation.optimize(functions, rounds=7)
    least = float(np.mean([functions[name]({"x": middles.mean(axis=0)}) for name in functions]))
    assert len(federation.values) == 8
    assert np.isnan(federation.values[-1])
    assert federation.best_value < least + 0.02 * (federation.values[0] - least)
    assert np.mean([functions[name](federation.best_params) for name in functions]) == pytest.approx(federation.best_value)


def test_after_three_rounds_without_progress_it_goes_back_with_half_the_step() -> None:
    federation = bbo.Federation(clients(1), **SHORT)
    starts = []
    for number in range(5):
        starts.append(federation.params)
        study = federation.clients["c0"]
        study.optimize(lambda trial, number=number: float(number), n_trials=1000)
        federation.end_round()
    told = [event.body["optimizer"]["settings"] for event in federation.clients["c0"].storage.read("c0") if event.kind == "configured"]
    steps = [settings["step"] for settings in told[1:]]
    assert steps == [0.01, 0.01, 0.01, 0.01, 0.005, 0.005]
    assert starts[4] == starts[0]


# -- as studies ----------------------------------------------------------------------------------------------------------------------


def test_goes_on_where_the_logs_end_also_amid_the_end_of_a_round(tmp_path: Path) -> None:
    functions = bowls(2)
    functions.pop("middles")

    def opened() -> dict[str, bbo.Study]:
        return {name: bbo.load_study(name, f"sqlite:///{tmp_path}/{name}.db") for name in ("c0", "c1")}

    for name in functions:
        bbo.Study(SPACE, "minimize", storage=f"sqlite:///{tmp_path}/{name}.db", name=name, seed=0)
    federation = bbo.Federation(opened(), start={"x": [0.0, 0.0, 1.0, 1.0]}, **SHORT)
    assert federation.params == {"x": [0.0, 0.0, 1.0, 1.0]}
    federation.optimize(functions, rounds=1)
    for name, study in federation.clients.items():
        study.optimize(functions[name], n_trials=1000)
    second = federation.clients["c1"]
    configure, second.configure = second.configure, lambda **_: (_ for _ in ()).throw(KeyboardInterrupt)  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        federation.end_round()
    second.configure = configure  # type: ignore[method-assign]
    again = bbo.Federation(opened(), **SHORT)
    assert again.round == 2
    one, two = (study.optimizer for study in again.clients.values())
    assert isinstance(one, FZooSClient)
    assert isinstance(two, FZooSClient)
    assert (one.start, one.server, one.round) == (two.start, two.server, two.round)
    np.testing.assert_allclose(np.array(one.server), (np.array(one.own) + two.own) / 2, rtol=1e-9)
    again.optimize(functions, rounds=1)
    assert again.round == 3
    for study in again.clients.values():
        events = study.storage.read(study.name)
        for trial in study.trials[::11]:
            assert dict(reproduce(events, trial.number).params) == trial.params


def test_a_start_that_fails_and_iterates_that_fail_do_not_stop_a_round() -> None:
    federation = bbo.Federation(clients(1), **SHORT)

    def f(trial: bbo.Trial) -> float:
        x = np.array(trial["x"])
        if np.array_equal(x, np.full(D, 0.5)) or x.sum() < 1.9:
            raise bbo.TrialFailed("exploded")
        return float((x**2).sum())

    federation.optimize({"c0": f}, rounds=2)
    assert federation.round == 2
    assert np.isnan(federation.values[0])
    failed = [tuple(t["x"]) for t in federation.clients["c0"].trials if t.state == "failed"]
    assert len(set(failed)) == len(failed) > 2


def test_a_client_of_which_all_trials_fail_does_not_stop_the_others() -> None:
    federation = bbo.Federation(clients(2), **SHORT)

    def broken(trial: bbo.Trial) -> float:
        raise bbo.TrialFailed("out of order")

    federation.optimize({"c0": lambda trial: float(np.sum(np.square(trial["x"]))), "c1": broken}, rounds=2)
    assert federation.round == 2
    one, two = (study.optimizer for study in federation.clients.values())
    assert isinstance(one, FZooSClient)
    assert one == two
    assert one.own == one.server
    assert sum(np.square(federation.params["x"])) < sum(np.square([0.5] * D))


def test_says_what_is_wrong() -> None:
    with pytest.raises(bbo.InvalidStudy, match="no client"):
        bbo.Federation({})
    one = clients(1)["c0"]
    other = bbo.Study(bbo.Space({"x": bbo.Array(D, 0, 1)}), "minimize", name="other")
    with pytest.raises(bbo.InvalidStudy, match="'other' and 'c0' differ"):
        bbo.Federation({"a": one, "b": other})
    with pytest.raises(bbo.InvalidStudy, match="'up' and 'c0' differ"):
        bbo.Federation({"a": one, "b": bbo.Study(SPACE, "maximize", name="up")})
    with pytest.raises(bbo.InvalidStudy, match="given twice"):
        bbo.Federation({"a": one, "b": one})
    with pytest.raises(bbo.InvalidStudy, match="steps is 0"):
        bbo.Federation({"a": one}, steps=0)
    with pytest.raises(bbo.Unsupported, match="goes in steps"):
        bbo.Federation({"a": bbo.Study(bbo.Space({"i": bbo.Int(0, 9)}), "minimize")})
    federation = bbo.Federation({"a": one}, **SHORT)
    with pytest.raises(bbo.Waiting, match="round 0 is open at a"):
        federation.end_round()
    with pytest.raises(bbo.InvalidStudy, match="the clients are a"):
        federation.optimize({"b": lambda trial: 0.0}, rounds=1)
    with pytest.raises(bbo.NoBest):
        _ = federation.best_value
