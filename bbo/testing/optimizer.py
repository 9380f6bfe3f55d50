"""A conformance kit for optimizers: what every one of them owes to the log.

``check_optimizer(MyOptimizer())`` raises AssertionError, with the broken promise as its message, or returns the problems it ran.
"""

from __future__ import annotations

import copy
import math
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bbo.errors import Exhausted, Unsupported, Waiting
from bbo.log.events import Event
from bbo.log.states import State
from bbo.optimizers.base import Delegating, Optimizer, Proposal, Request, resolve, to_json
from bbo.replay import reproduce
from bbo.replica import Replica
from bbo.space import Bool, Categorical, Context, Environment, Fidelity, Float, Int, Simplex, Space
from bbo.storage import open_storage
from bbo.storage.base import Storage
from bbo.study import Study, load_study
from bbo.trial import Trial


@dataclass(frozen=True)
class Case:
    """A problem to run an optimizer on."""

    name: str
    space: Space
    objectives: Mapping[str, str]
    outcome_constraints: tuple[str, ...] = ()


def cases() -> Iterator[Case]:
    """The kit's problems.

    A box, an integer box, a mixed tree, a constrained mixture, two objectives, an outcome constraint, a fidelity, an environment, a
    context.
    """
    box = {"x": Float(-5, 10), "y": Float(1e-3, 1e2, log=True)}
    yield Case("box", Space(box), {"loss": "minimize"})
    yield Case("integers", Space({"i": Int(0, 30), "x": Float(0, 1, step=0.125)}), {"gain": "maximize"})
    tree = {"kind": Categorical(["a", "b"]), "depth": Int(1, 8, when={"kind": "a"}), "rate": Float(1e-4, 1, log=True), "flag": Bool()}
    yield Case("tree", Space(tree, constraints=["rate * depth <= 2"]), {"loss": "minimize"})
    yield Case("mixture", Space({"mix": Simplex(["A", "B", "C", "D"], max_nonzero=3), "T": Float(20, 80)}), {"gain": "maximize"})
    yield Case("two objectives", Space(box), {"cost": "minimize", "gain": "maximize"})
    yield Case("outcome constraint", Space(box), {"loss": "minimize"}, ("loss >= -1000", "c <= 0.8"))
    yield Case("fidelity", Space({**box, "mesh": Fidelity({"coarse": 1, "fine": 20})}), {"loss": "minimize"})
    yield Case("environment", Space({**box, "sky": Environment({"dry": 0.7, "wet": 0.3})}), {"loss": "minimize"})
    yield Case("context", Space({**box, "feed": Context(Float(0, 2))}), {"loss": "minimize"})


def check_optimizer(optimizer: Optimizer, *, n: int = 10, seed: int = 0, storage: Callable[[], Storage] | None = None) -> list[str]:
    """Check an optimizer against its contract, on each of the kit's problems that it supports.

    Args:
        optimizer: The settings object.
        n: Trials of each run; at least two phases of a phase-owning method are worth having.
        seed: Seed of the studies and of the made-up results.
        storage: Makes an empty storage for each study; memory by default.

    Returns:
        Names of the problems it was checked on.

    Raises:
        AssertionError: A promise is broken; the message says which, and where.
    """
    make = storage or (lambda: open_storage(None))
    check_settings(optimizer)
    ran = []
    for case in cases():
        problem = _study(case, optimizer=None, storage=make(), seed=seed)._problem
        if (reason := optimizer.supports(problem)) is not None:
            assert reason.strip(), f"{case.name}: supports() refuses without a reason"
            continue
        for check in (check_resume, check_pure, check_reproducible, check_order, check_mishaps):
            check(case, optimizer, n=n, seed=seed, storage=make())
        ran.append(case.name)
    assert ran, f"{optimizer.name} supports none of the kit's problems"
    return ran


def check_settings(optimizer: Optimizer) -> None:
    """Settings survive JSON, and the object is hashable or at least comparable."""
    assert isinstance(optimizer, Optimizer), f"{optimizer!r} lacks a function of the contract"
    assert resolve(to_json(optimizer)) == optimizer, "settings do not survive to_json and resolve"


def check_resume(case: Case, optimizer: Optimizer, *, n: int, seed: int, storage: Storage) -> None:
    """Half of the trials, everything forgotten but the log, the other half: equal to all of them at once, bit for bit."""
    whole = _study(case, optimizer, storage=open_storage(None), seed=seed)
    _run(whole, n)
    study = _study(case, optimizer, storage=storage, seed=seed)
    _run(study, n // 2)
    _run(load_study(study.name, storage), n - n // 2)
    for first, second in zip(_points(whole), _points(load_study(study.name, storage)), strict=True):
        assert first == second, f"{case.name}: resumed from the log, a proposal differs: {first} and {second}"


def check_pure(case: Case, optimizer: Optimizer, *, n: int, seed: int, storage: Storage) -> None:
    """`propose` changes nothing, returns legal points, and leaves the global random numbers alone."""
    study = _study(case, optimizer, storage=storage, seed=seed)
    for _ in range(n):
        replica = _replica(study)
        legacy = np.random.get_state(legacy=False)  # noqa: NPY002 - to see that it is left alone
        request = Request(2, context=_context(study), first_number=len(replica.ledger.records))
        try:
            first, second = (replica.optimizer.propose(replica.state, request) for _ in range(2))
        except Unsupported:
            break
        assert first == second, f"{case.name}: two calls of propose on one state differ: {first} and {second}"
        after = np.random.get_state(legacy=False)  # noqa: NPY002
        assert np.array_equal(legacy["state"]["key"], after["state"]["key"]), f"{case.name}: propose drew from NumPy's global generator"
        _check_proposal(case, first, study.space)
        if not _step(study):
            break


def check_reproducible(case: Case, optimizer: Optimizer, *, n: int, seed: int, storage: Storage) -> None:
    """Every proposal of a run with several trials open at a time is made again from the log, bit for bit."""
    study = _study(case, optimizer, storage=storage, seed=seed)
    open_trials: list[Trial] = []
    while len(study.trials) < n:
        try:
            open_trials += study.ask(2 if len(open_trials) < 2 else 1, context=_context(study))
        except Waiting:
            pass
        except Exhausted:
            break
        trial = open_trials.pop(len(open_trials) // 2)
        study.tell(trial, _result(study, trial))
    events = storage.read(study.name)
    for event in events:
        if event.kind == "asked" and event.body["origin"] == "optimizer":
            made = reproduce(events, event.trial)  # type: ignore[arg-type]
            assert dict(made.params) == event.body["params"], (
                f"{case.name}: trial {event.trial} was {event.body['params']}, made again from the log it is {dict(made.params)}"
            )


def check_order(case: Case, optimizer: Optimizer, *, n: int, seed: int, storage: Storage) -> None:
    """Results of trials that are open together may come in any order: the next proposal is the same."""
    study = _study(case, optimizer, storage=storage, seed=seed)
    try:
        trials = study.ask(n, context=_context(study))
    except Unsupported:
        return
    events = storage.read(study.name)
    rng = np.random.default_rng(seed)
    followers = []
    for order in (range(len(trials)), reversed(range(len(trials))), rng.permutation(len(trials))):
        told = [
            Event("told", {"attempt": 1, "values": _result(study, trials[i])}, trial=trials[i].number, seq=len(events) + k + 1)
            for k, i in enumerate(order)
        ]
        log = [*events, *told]
        replica = Replica(lambda after, log=log: log[after:])  # type: ignore[misc]
        replica.sync()
        followers.append(replica.optimizer.propose(replica.state, Request(3, context=_context(study), first_number=len(trials))))
    for other in followers[1:]:
        assert other.queries == followers[0].queries, f"{case.name}: the order in which results came in changes the next proposal"


def check_mishaps(case: Case, optimizer: Optimizer, *, n: int, seed: int, storage: Storage) -> None:
    """Failures, retries, abandoned and lapsed trials, parts, foreign points and other configurations never break it."""
    study = _study(case, optimizer, storage=storage, seed=seed)
    rng = np.random.default_rng(seed)
    foreign = study.space.sample(2, rng)
    study.enqueue(foreign[0])
    study.add(foreign[1], _result_of(study, foreign[1]))
    for k in range(2 * n):
        trial = _next(study)
        if trial is None:
            break
        if k % 9 == 4:
            study.fail(trial, "exploded")
        elif k % 9 == 6:
            study.retry(trial, "node died")
        elif k % 9 == 7:
            study.abandon(trial, "not worth it")
        else:
            _tell_in_parts(study, trial)
        if k == n:
            study.amend(0, _result_of(study, study.trials[0].params))
    log = storage.read(study.name)
    tickets = [(e.body["configuration"], tuple(e.body["ticket"])) for e in log if e.kind == "asked" and _ticketed(e)]
    assert len(tickets) == len(set(tickets)), f"{case.name}: a ticket was handed out twice"
    failed = [trial for trial in study.trials if trial.state is State.FAILED]
    plain = [e for e in log if e.kind == "asked" and e.body["origin"] == "optimizer" and e.body["ticket"] is None]
    for event in plain:
        earlier = [trial.params for trial in failed if trial.number < event.trial]  # type: ignore[operator]
        assert event.body["params"] not in earlier, f"{case.name}: a point told as failed was proposed again: {event.body['params']}"
    again = copy.deepcopy(study.optimizer)
    study.configure(optimizer=again)
    if (trial := _next(study)) is not None:
        assert study.space.contains(trial.params), f"{case.name}: after a new configuration a proposal lies outside the space"


# -- driving a study ------------------------------------------------------------------------------------------------------------


def _study(case: Case, optimizer: Optimizer | None, *, storage: Storage, seed: int) -> Study:
    return Study(
        case.space,
        dict(case.objectives),
        outcome_constraints=case.outcome_constraints,
        optimizer=optimizer or "random",
        storage=storage,
        name=f"{case.name}-{len(storage.studies())}",
        seed=seed,
    )


def _replica(study: Study) -> Replica:
    study.trials  # noqa: B018 - brings it up to date
    replica = study._replica
    if isinstance(replica.optimizer, Delegating) and replica.optimizer.resolve(replica.problem, None) != replica.optimizer:
        study.configure(optimizer=replica.optimizer.resolve(replica.problem, None))
    return replica


def _run(study: Study, n: int) -> None:
    for _ in range(n):
        if not _step(study):
            break


def _step(study: Study) -> bool:
    trial = _next(study)
    if trial is not None:
        study.tell(trial, _result(study, trial))
    return trial is not None


def _next(study: Study) -> Trial | None:
    try:
        return study.ask(context=_context(study))
    except Exhausted:
        return None
    except Waiting as error:
        raise AssertionError(f"{study.name}: it waits though no trial is open ({error})") from None


def _tell_in_parts(study: Study, trial: Trial) -> None:
    for name, value in _result(study, trial).items():
        study.tell(trial, {name: value})


def _context(study: Study) -> dict[str, Any]:
    """What the caller says of the contexts: the same for the same number of trials."""
    point = study.space.sample(1, np.random.default_rng(len(study.trials)))[0]
    return {name: point[name] for name in study.space.of_role("context") if name in point}


def _result(study: Study, trial: Trial) -> dict[str, float]:
    return _result_of(study, trial.params)


def _result_of(study: Study, params: Mapping[str, Any]) -> dict[str, float]:
    """Made-up outcomes: smooth in the encoded point, different for each outcome."""
    x = study.space.encode([params])[0]
    names = study._problem.outcomes
    return {name: float(((x - 0.3 - 0.1 * k) ** 2).sum() + 0.1 * math.sin(5 * x.sum() + k)) for k, name in enumerate(names)}


def _points(study: Study) -> list[tuple[Any, ...]]:
    return [tuple(trial.params.items()) for trial in study.trials]


def _ticketed(event: Event) -> bool:
    return event.body["ticket"] is not None and event.body["origin"] == "optimizer"


def _check_proposal(case: Case, proposal: Proposal, space: Space) -> None:
    if proposal.status != "ok":
        assert not proposal.queries, f"{case.name}: {proposal.status}, and yet queries"
        return
    assert proposal.queries, f"{case.name}: status ok without queries"
    for query in proposal.queries:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert space.contains(query.params), f"{case.name}: {dict(query.params)} is not in the space, or breaks a known constraint"
        assert (query.ticket is None) == (query.draw is not None), f"{case.name}: a query has either a ticket or a draw: {query}"
