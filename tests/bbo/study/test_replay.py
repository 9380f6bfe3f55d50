"""Whatever happens to a study, everything it knows is a function of its log."""

from __future__ import annotations

import hypothesis
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import bbo
from bbo.optimizers import GOUCB, Bayes, BayesThenCMAES
from bbo.optimizers.base import Optimizer, resolve
from bbo.replay import reproduce
from bbo.space import Space
from bbo.storage import open_storage
from bbo.storage.base import Storage
from bbo.storage.jsonl import export_log, import_log
from bbo.study import Study, load_study
from bbo.testing.histories import Action, callers_part, histories, play
from bbo.testing.strategies import spaces

OBJECTIVES = st.sampled_from(
    [({"loss": "minimize"}, []), ({"gain": "maximize"}, ["ms <= 0.5", "gain >= -1"]), ({"a": "minimize", "b": "maximize"}, [])]
)
QUICK = hypothesis.settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(hypothesis.HealthCheck))
FULL = hypothesis.settings(QUICK, max_examples=150)
FITTED = hypothesis.settings(QUICK, max_examples=12)  # where a proposal costs a fit


def check(optimizer: Optimizer, space: Space, problem: tuple[dict[str, str], list[str]], history: list[Action]) -> None:
    objectives, constraints = problem
    try:
        study = Study(space, objectives, outcome_constraints=constraints, optimizer=optimizer, seed=5)
    except bbo.Unsupported:
        hypothesis.reject()
    study = play(study, history)
    reopened = load_study(study.name, study.storage)
    study.trials
    assert reopened._replica.ledger.records == study._replica.ledger.records
    assert reopened._replica.ledger.counts == study._replica.ledger.counts
    assert list(reopened._replica.ledger.queue) == list(study._replica.ledger.queue)
    events = study.storage.read(study.name)
    for event in events:
        if event.kind == "asked" and event.body["origin"] == "optimizer":
            assert space.contains(event.body["params"])
            assert dict(reproduce(events, event.trial).params) == event.body["params"]
    twin = load_study(study.name, copy_of(study))
    for _ in range(2):
        assert next_point(study) == next_point(twin)


def copy_of(study: Study) -> Storage:
    storage = open_storage(None)
    import_log(storage, export_log(study.storage, study.name))
    return storage


def next_point(study: Study) -> object:
    try:
        return study.ask(**callers_part(study.space, np.random.default_rng(0))).params
    except (bbo.Waiting, bbo.Exhausted) as error:
        return type(error)


@pytest.mark.parametrize("name", ["random", "sobol"])
@QUICK
@given(space=spaces(), problem=OBJECTIVES, history=histories())
def test_everything_is_a_function_of_the_log(
    name: str, space: Space, problem: tuple[dict[str, str], list[str]], history: list[Action]
) -> None:
    check(resolve(name), space, problem, history)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["random", "sobol", "cma_es", "cbo", "gfm", "grid"])
@FULL
@given(space=spaces(), problem=OBJECTIVES, history=histories(40))
def test_everything_is_a_function_of_the_log_in_full(
    name: str, space: Space, problem: tuple[dict[str, str], list[str]], history: list[Action]
) -> None:
    check(resolve(name), space, problem, history)


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", [Bayes(n_initial=2), GOUCB(n_initial=2, hidden=2)], ids=["bayes", "go_ucb"])
@FITTED
@given(space=spaces(roles=False, words=False), problem=OBJECTIVES, history=histories(30))
def test_everything_is_a_function_of_the_log_with_a_model(
    optimizer: Optimizer, space: Space, problem: tuple[dict[str, str], list[str]], history: list[Action]
) -> None:
    check(optimizer, space, problem, history)


@pytest.mark.slow
@FITTED
@given(space=spaces(roles=False, words=False), problem=OBJECTIVES, history=histories(40))
def test_everything_is_a_function_of_the_log_when_one_optimizer_hands_over(
    space: Space, problem: tuple[dict[str, str], list[str]], history: list[Action]
) -> None:
    check(BayesThenCMAES(trials=8), space, problem, history)
