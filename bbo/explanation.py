"""In words: which method is at work and why, and where a trial came from."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from bbo.callables import shown
from bbo.errors import BBOError
from bbo.log.events import Event
from bbo.log.ledger import Ranking, Record
from bbo.log.states import MAX_ATTEMPTS, State
from bbo.optimizers.base import Optimizer, Remarking, judges_conditions, modelled_roles, no_gradients, resolve, uses_sd
from bbo.prior_studies import described
from bbo.problem import Problem
from bbo.replica import Replica

T = TypeVar("T")

_NOTES = 3
"""So many of the latest remarks of the optimizer are shown."""

_LONGEST = 200
"""Characters of a setting that are shown: the start of a network has thousands."""


def explain(replica: Replica, record: Record | None = None) -> str:
    """The method of a study, or the way of one trial, as plain text.

    Args:
        replica: The study as known.
        record: The trial; None for the study.
    """
    lines = _study(replica) if record is None else _trial(replica, record)
    return "\n".join(lines)


def _study(replica: Replica) -> Iterator[str]:
    ledger, problem = replica.ledger, replica.problem
    goals = ", ".join(f"{objective.direction} {objective.name}" for objective in problem.objectives)
    wanted = "".join(f", {constraint}" for constraint in problem.outcome_constraints)
    counts = ", ".join(f"{count} {state}" for state, count in ledger.counts.items() if count) or "none yet"
    yield f"Study {ledger.definition['name']!r}: {goals}{wanted}. Seed {problem.seed}."
    yield f"Trials: {counts}."
    if ledger.stopped is not None:
        yield f"It was stopped{': ' + ledger.stopped if ledger.stopped else ''}."
    yield from _method(ledger.configurations[-1])
    names = [str(configuration["optimizer"]["name"]) for configuration in ledger.configurations]
    turns = [name for name, before in zip(names, ["", *names], strict=False) if name != before]
    if len(turns) > 1:
        yield f"Optimizers so far, in turn: {', '.join(turns)}."
    yield from described(ledger.transferred)
    yield from _notes(replica)
    yield from _remark(replica)
    yield from _unused(replica)


def _method(configuration: Mapping[str, Any]) -> Iterator[str]:
    stored = configuration["optimizer"]
    delegate = stored["settings"].get("delegate")
    if delegate is None:
        yield f"Optimizer: {_with_settings(stored)}. {_what(stored)}"
    else:
        yield f"Optimizer: {stored['name']}, which chose {_with_settings(delegate)}. {_what(delegate)}"
        if reason := delegate.get("reason") or stored["settings"].get("reason"):
            yield f"Why: {reason}."
    if configuration.get("pruner"):
        yield f"Pruner: {_with_settings(configuration['pruner'])}."


def _with_settings(method: Mapping[str, Any]) -> str:
    given = {key: shown(value) for key, value in method["settings"].items() if value is not None}
    settings = ", ".join(f"{key}={text if len(text) <= _LONGEST else text[:_LONGEST] + ' ...'}" for key, text in given.items())
    return f"{method['name']}({settings})" if settings else str(method["name"])


def _what(method: Mapping[str, Any]) -> str:
    """First line of the optimizer's description; empty where it cannot be imported here."""
    try:
        return (inspect.getdoc(type(resolve(method))) or "").split("\n", 1)[0]
    except BBOError as error:
        return str(error)


def _notes(replica: Replica) -> Iterator[str]:
    """The optimizer's latest remarks: what it did, and where it fell back."""
    noted = [record for record in replica.ledger.records if record.asked.get("note")]
    for record in noted[-_NOTES:]:
        yield f"Trial {record.number}: {record.asked['note']}"


def _remark(replica: Replica) -> Iterator[str]:
    """What the optimizer says of the study as it stands."""
    try:
        optimizer = replica.optimizer
        if isinstance(optimizer, Remarking) and (remark := optimizer.remark(replica.state)):
            yield remark
    except (ArithmeticError, ValueError, BBOError):  # it cannot be imported here, or its model fails, which an ask reports
        return


def _unused(replica: Replica) -> Iterator[str]:
    """What is recorded, and the method in force does not use."""
    ledger, problem = replica.ledger, replica.problem
    stored = ledger.configurations[-1]["optimizer"]
    at_work = stored["settings"].get("delegate") or stored
    name = str(at_work["name"])
    yield from _unused_sd(replica, at_work)
    yield from _unused_gradients(replica, at_work)
    inexact = [key for key, parameter in problem.space.parameters.items() if getattr(parameter, "input_sd", None) is not None]
    judged = _known(at_work, lambda optimizer: judges_conditions(optimizer, problem))
    inexact = [key for key in inexact if not judged or problem.space.parameters[key].when is not None]
    if inexact:
        yield f"The input_sd of {', '.join(inexact)} is recorded; {name} does not use it."
    if not judged and (measures := [o for o in problem.objectives if o.risk != "expectation"]):
        yield f"The risk of {', '.join(o.name for o in measures)} is what recommend() goes by; {name} does not use it."
    modelled = _known(at_work, modelled_roles) or ()
    for key, target in problem.space.targets.items():
        if problem.space.roles[key] in modelled:
            continue
        yield f"{key} is not modelled by {name}: it runs at its target, {target!r}, unless it is fixed."
    for key, role in problem.space.roles.items():
        if role == "environment" and role not in modelled:
            yield f"{key} is not modelled by {name}: it is drawn from its distribution."


def _known(method: Mapping[str, Any], ask: Callable[[Optimizer], T]) -> T | None:
    """What is to be known of a stored optimizer; None of one that cannot be imported here."""
    try:
        return ask(resolve(method))
    except BBOError:
        return None


def _unused_sd(replica: Replica, method: Mapping[str, Any]) -> Iterator[str]:
    name = str(method["name"])
    used = _known(method, uses_sd)
    if used is None:
        return
    done = [record for record in replica.ledger.records if record.state is State.DONE]
    known = {objective.name: objective.sd for objective in replica.problem.objectives}
    for outcome in replica.problem.outcomes:
        told = sum(outcome in record.sd for record in done)
        if not told and known.get(outcome) is None:
            continue
        if not used:
            yield f"The sd of {outcome} is recorded; {name} does not use it."
        elif told < len(done) and known.get(outcome) is None:
            yield f"The sd of {outcome} is recorded for {told} of {len(done)} trials; {name} uses it once every trial has one."


def _unused_gradients(replica: Replica, method: Mapping[str, Any]) -> Iterator[str]:
    name, told = (
        str(method["name"]),
        Counter(outcome for record in replica.ledger.records for outcome, part in record.gradient.items() if part),
    )
    for outcome in (outcome for outcome in replica.problem.outcomes if told[outcome]):
        reason = _known(method, lambda optimizer, outcome=outcome: no_gradients(optimizer, replica.problem, outcome))  # type: ignore[misc]
        if reason:
            yield f"The gradient of {outcome} is recorded for {told[outcome]} trials; {name} does not use it{reason}."


def _trial(replica: Replica, record: Record) -> Iterator[str]:
    reason = f" ({record.reason})" if record.reason else ""
    yield f"Trial {record.number} is {record.state}{reason}, attempt {record.attempt}."
    yield f"Run: {_point(record.params)}{'; outside the space' if record.outside else ''}."
    if record.params != record.planned:
        yield f"Planned: {_point(record.planned)}."
    if record.values:
        yield f"Measured: {_measured(record, replica.problem)}."
    for outcome, part in record.gradient.items():
        if part:
            yield f"Gradient of {outcome}: {_numbers(part)}."
    yield from _origin(replica, record)
    yield "What happened to it:"
    for event in replica._read(0)[: replica.ledger.seq]:
        if event.trial == record.number or (event.kind == "ranked" and record.number in Ranking.of(event).trials):
            yield f"  event {event.seq}: {_words(event)}"


def _measured(record: Record, problem: Problem) -> str:
    parts = [f"{name}={value:g}" + (f" (sd {record.sd[name]:g})" if name in record.sd else "") for name, value in record.values.items()]
    if record.cost is not None:
        parts.append(f"at a cost of {record.cost:g}")
    missing = [name for name in problem.outcomes if name not in record.values]
    if not missing and problem.outcome_constraints:
        parts.append("feasible" if problem.feasible(record.values) else "infeasible")
    return ", ".join(parts + [f"{name} not yet" for name in missing])


def _origin(replica: Replica, record: Record) -> Iterator[str]:
    asked = record.asked
    if record.origin == "added":
        yield "Origin: added, evaluated elsewhere."
        return
    if record.configuration is None:
        yield "Origin: enqueued by a user, as it is."
        return
    stored = replica.ledger.configurations[record.configuration]["optimizer"]
    how = f"{_with_settings(stored)} (configuration {record.configuration})"
    part = " completed what a user enqueued in part" if record.origin == "enqueued" else " proposed it"
    yield f"Origin: {how}{part}, from the first {asked['seen']} events of the log."
    if asked["fit_seen"] != asked["seen"]:
        yield f"Its hyperparameters were fitted to the first {asked['fit_seen']} events."
    if asked["draw"] is not None:
        yield f"Random numbers: draw {asked['draw']}."
    if record.ticket is not None:
        labels = [f"role {asked['role']!r}" if asked["role"] else "", f"group {asked['group']!r}" if asked["group"] is not None else ""]
        yield ", ".join(filter(None, [f"Ticket {list(record.ticket)} of its phase", *labels])) + "."
    terms = {key: value for key, value in asked.get("request", {}).items() if key in ("fixed", "shared", "context")}
    if terms:
        yield f"Asked with {', '.join(f'{key}={value!r}' for key, value in terms.items())}."
    if asked["note"]:
        yield f"Note: {asked['note']}"


def _point(params: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in params.items())


def _numbers(values: Mapping[str, float]) -> str:
    return ", ".join(f"{name}={value:g}" for name, value in values.items())


def _words(event: Event) -> str:
    body = event.body
    attempt = f"attempt {body.get('attempt')}"
    reason = f": {body['reason']}" if body.get("reason") else ""
    match event.kind:
        case "asked":
            whose = f" to {body['worker']}" if body.get("worker") else f" to client {body['client']}" if body.get("client") else ""
            lease = f", on a lease of {body['lease']:g} s" if body.get("lease") is not None else ""
            return f"{attempt} handed out{whose}{lease}"
        case "told":
            told = _numbers(body["values"])
            run = f", run at {_point(body['params'])}" if "params" in body else ""
            return f"{attempt} told {told}{run}{' (superseded, not used)' if body.get('superseded') else ''}"
        case "reported":
            reported = _numbers(body["values"]) if "values" in body else f"{body['value']:g}"
            return f"{attempt} reported {reported} at step {body['step']}"
        case "lapsed":
            return f"the lease of {attempt} ended; after {MAX_ATTEMPTS} such ends a trial is lost"
        case "retried":
            return f"queued again{reason}"
        case "amended":
            changed = ", ".join(f"{key}={value!r}" for key, value in body.items() if key not in ("v", "note", "outside"))
            return f"amended, {changed}{': ' + body['note'] if body.get('note') else ''}"
        case "ranked":
            return f"ranked: {Ranking.of(event)}"
        case kind:
            return f"{kind}{reason}"
