"""Whatever happens to a study, everything it knows is a function of its log."""

from __future__ import annotations

import contextlib

import hypothesis
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import bbo
from bbo.log.states import State
from bbo.optimizers import (
    CBO,
    CMAES,
    GFM,
    GOUCB,
    NSGA2,
    NSGA3,
    PGPE,
    SNES,
    Bayes,
    BayesThenCMAES,
    FrankWolfe,
    FZooS,
    GFMPlus,
    OpenAIES,
    RankSGD,
    SepCMA,
    TuRBO,
)
from bbo.optimizers.base import Optimizer, resolve
from bbo.replay import reproduce
from bbo.space import Parameter, Space
from bbo.storage import open_storage
from bbo.storage.base import Storage
from bbo.storage.jsonl import export_log, import_log
from bbo.study import Study, load_study
from bbo.testing.histories import Action, callers_part, histories, play
from bbo.testing.strategies import floats, ints, spaces

OBJECTIVES = st.sampled_from(
    [({"loss": "minimize"}, []), ({"gain": "maximize"}, ["ms <= 0.5", "gain >= -1"]), ({"a": "minimize", "b": "maximize"}, [])]
)
QUICK = hypothesis.settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(hypothesis.HealthCheck))
FULL = hypothesis.settings(QUICK, max_examples=150)
ARRAYS = st.sampled_from([bbo.Array(3, -1, 2), bbo.Array((2, 2), [[0, 1], [2, 3]], [[1, 3], [5, 1e6]])])
SMOOTH = st.one_of(floats().filter(lambda parameter: parameter.step is None), ARRAYS)
NUMBERS = st.one_of(floats(), ints(), ARRAYS)
SETS = st.sampled_from(
    [
        bbo.Simplex(["a", "b", "c"], total=100),
        bbo.Array(3, within=bbo.StandardSimplex(2)),
        bbo.Array(4, within=bbo.L1Ball(1.5, [1, -2, 0.5, 3])),
        bbo.Array((2, 3), within=bbo.NuclearBall(2)),
        bbo.Array(2, within=bbo.Polytope([[1, 1], [-1, 0], [0, -10]], [1, 0, 0])),
        bbo.Array(3, within=bbo.Product([bbo.L2Ball(1, shape=2), bbo.Box(0, [4])])),
    ]
)
FITTED = hypothesis.settings(QUICK, max_examples=12)  # where a proposal costs a fit


def check(
    optimizer: Optimizer, space: Space, problem: tuple[dict[str, str], list[str]], history: list[Action], *, between: int = 0
) -> None:
    """Check a study after a history; with trials `between`, after these and the history once more."""
    objectives, constraints = problem
    try:
        study = Study(space, objectives, outcome_constraints=constraints, optimizer=optimizer, seed=5)
    except bbo.Unsupported:
        hypothesis.reject()
    study = play(study, history)
    if between:
        carry_on(study, between)
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


def carry_on(study: Study, trials: int) -> None:
    """Tell all that is open, and so many more, so that phases close."""
    rng = np.random.default_rng(len(study.trials))
    for _ in range(trials):
        with contextlib.suppress(bbo.Waiting):
            study.ask()
        for trial in study.trials:
            if trial.state is State.PENDING:
                study.tell(trial, {name: float(rng.normal()) for name in study._problem.outcomes if name not in trial.outcomes})


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


@pytest.mark.parametrize("name", ["tsallis_inf", "cheb_cb", "neu_square_cb", "neu_fast_cb"])
@hypothesis.settings(QUICK, max_examples=8)
@given(problem=st.sampled_from([({"loss": "minimize"}, []), ({"gain": "maximize"}, [])]), history=histories())
def test_bandits_are_a_function_of_the_log(name: str, problem: tuple[dict[str, str], list[str]], history: list[Action]) -> None:
    arms = {"w": bbo.Float(0.5, 1), "s": bbo.Categorical(["a", "b"]), "k": bbo.Int(1, 3, when={"s": "a"})}
    space = bbo.Space({**arms, "c": bbo.Context(bbo.Float(1e-2, 1, log=True))}, constraints=["w * k * c <= 1"])
    check(resolve(name), space, problem, history)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["random", "sobol", "grid"])
@FULL
@given(space=spaces(), problem=OBJECTIVES, history=histories(40))
def test_everything_is_a_function_of_the_log_in_full(
    name: str, space: Space, problem: tuple[dict[str, str], list[str]], history: list[Action]
) -> None:
    check(resolve(name), space, problem, history)


@st.composite
def products(draw: st.DrawFn, parameters: st.SearchStrategy[Parameter], *, linear: bool = False) -> Space:
    """Spaces of one to four of these, perhaps with a linear constraint between floats that holds on half of the space."""
    given = dict(enumerate(draw(st.lists(parameters, min_size=1, max_size=4))))
    bound = [k for k, p in given.items() if isinstance(p, bbo.Float) and p.step is None and not p.log]
    texts = []
    if linear and len(bound) > 1:
        terms = [(draw(st.sampled_from([1.0, -2.0, 0.3])), k) for k in bound]
        middle = sum(factor * (given[k].low + given[k].high) / 2 for factor, k in terms)
        texts.append(
            " + ".join(f"{factor} * p{k}" for factor, k in terms) + f" {draw(st.sampled_from(['<=', '<', '>=', '==']))} {middle!r}"
        )
    return Space({f"p{k}": p for k, p in given.items()}, texts)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("optimizer", "space"),
    [
        (CMAES(popsize=4), products(NUMBERS)),
        *((settings(popsize=4), products(NUMBERS)) for settings in (SNES, SepCMA, PGPE, OpenAIES)),
        (CBO(particles=3), products(st.one_of(NUMBERS, SETS), linear=True)),
        (CBO(particles=4, batch=2, mirror=True), products(NUMBERS)),
        (GFM(batch=2), products(SMOOTH)),
        (GFMPlus(batch=1, every=2), products(SMOOTH)),
        (FrankWolfe(estimator="rdsa"), products(st.one_of(SMOOTH, SETS))),
        (RankSGD(m=3, line_search=2), products(SMOOTH)),
    ],
    ids=["cma_es", "snes", "sep_cma", "pgpe", "openai_es", "cbo", "cbo, mirrored", "gfm", "gfm_plus", "frank_wolfe", "rank_sgd"],
)
@FULL
@given(data=st.data())
def test_everything_is_a_function_of_the_log_in_phases(optimizer: Optimizer, space: st.SearchStrategy[Space], data: st.DataObject) -> None:
    """Phases of few trials, on spaces that the method takes: of random spaces it takes too few."""
    problem = data.draw(
        OBJECTIVES.filter(lambda problem: len(problem[0]) == 1 and not (isinstance(optimizer, (GFM, GFMPlus, FrankWolfe)) and problem[1]))
    )
    check(optimizer, data.draw(space), problem, data.draw(histories(20)), between=12)


@pytest.mark.slow
@pytest.mark.parametrize(("optimizer", "least"), [(NSGA2(popsize=4), 1), (NSGA3(popsize=4), 2)], ids=["nsga2", "nsga3"])
@FULL
@given(space=spaces(roles=False), data=st.data())
def test_everything_is_a_function_of_the_log_in_generations(optimizer: Optimizer, least: int, space: Space, data: st.DataObject) -> None:
    problem = data.draw(OBJECTIVES.filter(lambda problem: len(problem[0]) >= least))
    check(optimizer, space, problem, data.draw(histories(20)), between=12)


@pytest.mark.slow
@pytest.mark.parametrize(
    "optimizer", [Bayes(n_initial=2), TuRBO(n_initial=2), GOUCB(n_initial=2, hidden=2)], ids=["bayes", "turbo", "go_ucb"]
)
@FITTED
@given(space=spaces(roles=False, words=False), problem=OBJECTIVES, history=histories(30))
def test_everything_is_a_function_of_the_log_with_a_model(
    optimizer: Optimizer, space: Space, problem: tuple[dict[str, str], list[str]], history: list[Action]
) -> None:
    check(optimizer, space, problem, history)


@pytest.mark.slow
@FITTED
@given(space=products(SMOOTH), problem=OBJECTIVES.filter(lambda problem: len(problem[0]) == 1 and not problem[1]), history=histories(20))
def test_everything_is_a_function_of_the_log_in_phases_that_rest_on_a_model(
    space: Space, problem: tuple[dict[str, str], list[str]], history: list[Action]
) -> None:
    check(FZooS(active=1), space, problem, history, between=20)


@pytest.mark.slow
@FITTED
@given(space=spaces(roles=False, words=False), problem=OBJECTIVES, history=histories(40))
def test_everything_is_a_function_of_the_log_when_one_optimizer_hands_over(
    space: Space, problem: tuple[dict[str, str], list[str]], history: list[Action]
) -> None:
    check(BayesThenCMAES(trials=8), space, problem, history)
