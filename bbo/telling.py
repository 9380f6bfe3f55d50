"""From what a user tells to events, or to an error that says what would be right. Nothing here writes."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

from bbo import gradients
from bbo.errors import InvalidTell, UnknownTrial
from bbo.log.events import Event
from bbo.log.ledger import BY_NAME, EMPTY, Ledger, Ranking, Record
from bbo.log.states import State
from bbo.numbers import finite
from bbo.problem import Problem
from bbo.result import Result


def record_of(ledger: Ledger, number: int) -> Record:
    """The trial of a number.

    Raises:
        UnknownTrial: There is none; the message lists the open ones.
    """
    if isinstance(number, bool) or not isinstance(number, int):
        raise UnknownTrial(f"trial: {number!r} is neither a Trial nor a trial's number")
    if not 0 <= number < len(ledger.records):
        pending = list(ledger.pending)
        shown = ", ".join(map(str, pending[:10])) + (", ..." if len(pending) > 10 else "")
        raise UnknownTrial(f"no trial {number} in this study of {len(ledger.records)} trials; open trials: {shown or 'none'}")
    return ledger.records[number]


def told(
    problem: Problem,
    ledger: Ledger,
    number: int,
    attempt: int | None,
    values: Any,
    *,
    sd: Any = None,
    cost: float | None = None,
    attrs: Mapping[str, Any] | None = None,
    params: Mapping[str, Any] | None = None,
    outside: bool = False,
    gradient: Any = None,
    gradient_sd: Any = None,
) -> Event | None:
    """The `told` event of a result, None where it repeats an equal one.

    Raises:
        UnknownTrial, InvalidTell, OutOfRange: As `Study.tell`.
    """
    record = record_of(ledger, number)
    attempt = record.attempt if attempt is None else attempt
    where = f"trial {number}"
    result = _whole(Result(values, sd, cost, attrs, gradient, gradient_sd), where)
    body = _measurements(problem, result, where)
    if params is not None:
        body["params"] = executed(problem, record, params, outside=outside)
        body["outside"] = outside and not problem.space.contains(body["params"])
    elif record.origin == "enqueued" and record.attempt == 0 and not problem.space.contains(record.params):
        raise InvalidTell(f"{where} was enqueued in part and not handed out yet: give params=, what was really run")
    body |= gradients.checked(problem, body.get("params", record.params), result.gradient, result.gradient_sd, where)
    before = record.told.get(attempt, EMPTY)
    if _repeats(before, body):
        return None
    if record.state.finished:
        if attempt == record.by:
            raise InvalidTell(f"{where} is {record.state} already, with {_shown(record)}; to correct it use study.amend({number}, ...)")
        return Event("told", {"attempt": attempt, **body, "superseded": True}, trial=number)
    told_before = before.get("values", EMPTY)
    for name in told_before.keys() & body["values"].keys():
        if told_before[name] != body["values"][name]:
            raise InvalidTell(f"{where}: {name} was told as {told_before[name]!r} before; to correct it use study.amend({number}, ...)")
    row = ledger.row_of_told(record, attempt, body["values"])
    if ledger.target(record, row) is None:
        missing = [name for name in problem.outcomes if name not in told_before.keys() | body["values"].keys()]
        raise InvalidTell(f"{where} is {record.state}: it takes all outcomes at once (missing: {', '.join(missing)})")
    return Event("told", {"attempt": attempt, **body}, trial=number)


def ended(ledger: Ledger, kind: str, number: int, attempt: int | None, reason: str) -> Event | None:
    """The event that fails, prunes, abandons or retries a trial, None where it repeats itself.

    Raises:
        UnknownTrial: No such trial.
        InvalidTell: The trial's state does not allow it.
    """
    record = record_of(ledger, number)
    attempt = record.attempt if attempt is None else attempt
    if not isinstance(reason, str):
        raise InvalidTell(f"trial {number}: reason is {reason!r}; it is a string")
    body = {"attempt": attempt, "reason": reason}
    if attempt != record.attempt or (kind != "retried" and record.state.finished and attempt != record.by):
        return Event(kind, {**body, "superseded": True}, trial=number)
    if record.state.value == kind or (kind == "retried" and record.state is State.QUEUED and record.attempt > 0):
        return None
    if ledger.target(record, kind) is None:
        remedy = f"; to correct it use study.amend({number}, failed={reason!r})" if kind == "failed" and record.state.finished else ""
        raise InvalidTell(f"trial {number} is {record.state}: it cannot be {kind}{remedy}")
    return Event(kind, body, trial=number)


def reported(problem: Problem, ledger: Ledger, number: int, attempt: int, values: Any, step: Any) -> Event | None:
    """The event of an intermediate result, None where it repeats an equal one or the trial is not this attempt's any more.

    Raises:
        InvalidTell: The values or the step are malformed, or the step was reported with other values.
    """
    record = record_of(ledger, number)
    given = _intermediate(problem, values, f"trial {number}")
    if isinstance(step, bool) or not hasattr(step, "__index__") or step.__index__() < 0:
        raise InvalidTell(f"trial {number}: step is {step!r}; it is an integer, at least 0")
    step = step.__index__()
    if record.state is not State.PENDING or attempt != record.attempt:
        return None
    for old_step, old_value in record.reports:
        if old_step == step:
            if old_value == given:
                return None
            raise InvalidTell(f"trial {number}: step {step} was reported as {old_value!r} before")
    key = "values" if isinstance(given, dict) else "value"
    return Event("reported", {"attempt": attempt, "step": step, key: given}, trial=number)


def amended(
    problem: Problem,
    ledger: Ledger,
    number: int,
    values: Any = None,
    *,
    params: Mapping[str, Any] | None = None,
    sd: Any = None,
    cost: float | None = None,
    attrs: Mapping[str, Any] | None = None,
    failed: str | None = None,
    note: str = "",
    outside: bool = False,
    gradient: Any = None,
    gradient_sd: Any = None,
) -> Event | None:
    """The event that corrects a trial's record, None where nothing changes.

    Raises:
        UnknownTrial, InvalidTell, OutOfRange: As `Study.amend`.
    """
    record = record_of(ledger, number)
    if ledger.target(record, "amended") is None:
        raise InvalidTell(f"trial {number} is {record.state}: nothing was told that could be amended; use study.tell")
    where = f"trial {number}"
    result = _whole(Result({} if values is None else values, sd, cost, attrs, gradient, gradient_sd), where)
    body = _measurements(problem, result, where)
    if record.state is State.PENDING and (not body["values"].keys() <= record.values.keys() or failed is not None):
        raise InvalidTell(f"trial {number} is pending: only what was told can be amended; use study.tell or study.fail")
    if not body["values"]:
        del body["values"]
    if failed is not None and values is not None:
        raise InvalidTell(f"trial {number}: an amendment gives either values or failed=, not both")
    if params is not None:
        body["params"] = executed(problem, record, params, outside=outside)
        body["outside"] = outside and not problem.space.contains(body["params"])
    body |= gradients.checked(problem, body.get("params", record.params), result.gradient, result.gradient_sd, where)
    outdated: gradients.Partials = {outcome: {} for outcome in body.get("gradient", ()) if outcome in record.gradient_sd}
    if outdated:
        body["gradient_sd"] = {**outdated, **body.get("gradient_sd", {})}
    if failed is not None:
        body["failed"] = str(failed)
    if not body:
        if not note:
            raise InvalidTell(f"trial {number}: nothing to amend; give values, params=, sd=, gradient=, cost=, attrs= or failed=")
        body["attrs"] = {}
    return Event("amended", {**body, "note": note} if note else body, trial=number)


def added(
    problem: Problem,
    number: int,
    params: Mapping[str, Any],
    values: Any,
    *,
    sd: Any = None,
    cost: float | None = None,
    attrs: Mapping[str, Any] | None = None,
    outside: bool = False,
    failed: str | None = None,
    source: str | None = None,
    gradient: Any = None,
    gradient_sd: Any = None,
) -> Event:
    """The event of a point evaluated elsewhere.

    Raises:
        InvalidTell, OutOfRange: As `Study.add`.
    """
    point = problem.space.validate(params, outside=outside, what="the added point")
    if (values is None) == (failed is None):
        raise InvalidTell("add: give either values or failed='reason'")
    where = "the added point"
    result = _whole(Result({} if values is None else values, sd, cost, attrs, gradient, gradient_sd), where)
    body = _measurements(problem, result, where)
    if failed is None and (missing := [name for name in problem.outcomes if name not in body["values"]]):
        raise InvalidTell(f"add: outcome {', '.join(missing)} is missing; all of {', '.join(problem.outcomes)} are needed")
    body |= gradients.checked(problem, point, result.gradient, result.gradient_sd, where)
    body |= {"params": point, "outside": outside and not problem.space.contains(point)}
    if failed is not None:
        body["failed"] = str(failed)
    if source is not None:
        body["source"] = source
    return Event("added", body, trial=number)


def ranked(problem: Problem, ledger: Ledger, order: Sequence[tuple[int, ...]], rest: Sequence[int] = ()) -> Event:
    """The event of a ranking: tiers of trial numbers, best first, and trials that all of these beat, in no order.

    Raises:
        UnknownTrial: A number is not a trial.
        InvalidTell: The study takes values, fewer than two trials, a trial twice, or one that cannot be ranked.
    """
    if problem.objectives[0].feedback != "ranking":
        raise InvalidTell("this study is told values (study.tell); for rankings create it with bbo.Objective(name, feedback='ranking')")
    ranking = Ranking(tuple(tier for tier in order if tier), tuple(rest))
    numbers = ranking.trials
    if len(numbers) < 2 or not ranking.tiers:
        raise InvalidTell("tell_ranking: give at least two trials, best first")
    for number in numbers:
        record = record_of(ledger, number)
        if not record.state.finished and ledger.target(record, "ranked") is None:
            raise InvalidTell(f"trial {number} is {record.state}: it cannot be ranked")
        if record.state in (State.FAILED, State.PRUNED):
            raise InvalidTell(f"trial {number} is {record.state}: leave it out of the ranking")
        if numbers.count(number) > 1:
            raise InvalidTell(f"trial {number} stands twice in the ranking")
    body = {"order": [list(tier) for tier in ranking.tiers]}
    return Event("ranked", {**body, "rest": list(ranking.rest)} if rest else body)


def executed(problem: Problem, record: Record, given: Mapping[str, Any], *, outside: bool) -> dict[str, Any]:
    """What was really run: the plan with what the user says was different; inactive parameters fall away."""
    if not isinstance(given, Mapping):
        raise InvalidTell(f"trial {record.number}: params is {given!r}; it is a mapping of parameter names to values")
    space = problem.space
    merged = {**record.planned, **given}
    if set(given) <= set(space.names):
        active = space.active(merged)
        merged = {name: value for name, value in merged.items() if name in active or name in given}
    return space.validate(merged, outside=outside, what=f"trial {record.number}, params=")


def _whole(given: Result, where: str) -> Result:
    """What was given; where its values are a `Result` themselves, that one with what was given beside it."""
    told = given.values
    if not isinstance(told, Result):
        return given
    beside = {f.name: value for f in fields(given) if f.name != "values" and (value := getattr(given, f.name)) is not None}
    if twice := [name for name in beside if getattr(told, name) is not None]:
        raise InvalidTell(f"{where}: {twice[0]} is given twice, in the Result and beside it")
    return replace(told, gradient=gradients.finite_part(told.gradient), **beside)


def _measurements(problem: Problem, result: Result, where: str) -> dict[str, Any]:
    outcomes = problem.outcomes
    remedy = " (if the point failed use study.fail(trial, reason); other information goes into attrs=)"
    if problem.objectives[0].feedback == "ranking" and result.values != {}:
        raise InvalidTell(f"{where}: this study is told rankings; use study.tell_ranking")
    body: dict[str, Any] = {
        "values": {name: finite(v, f"{where}: outcome {name}", remedy) for name, v in _named(result.values, outcomes, where).items()}
    }
    if result.sd is not None:
        body["sd"] = {name: finite(v, f"{where}: sd of {name}") for name, v in _named(result.sd, outcomes, f"{where}: sd").items()}
        if negative := [name for name, v in body["sd"].items() if v < 0]:
            raise InvalidTell(f"{where}: sd of {negative[0]} is {body['sd'][negative[0]]}; it is at least 0")
    if result.cost is not None:
        body["cost"] = finite(result.cost, f"{where}: cost")
        if body["cost"] < 0:
            raise InvalidTell(f"{where}: cost is {result.cost}; it is at least 0")
    if result.attrs is not None:
        body["attrs"] = plain_json(result.attrs, f"{where}: attrs")
    return body


def _intermediate(problem: Problem, given: Any, where: str) -> float | dict[str, float]:
    """What a report says: one objective's number, or every objective's by its name: fronts order nothing that has gaps."""
    names = tuple(objective.name for objective in problem.objectives)
    found = _named(given, names, f"{where}: report", "objective", parts=False)
    if missing := [name for name in names if name not in found]:
        raise InvalidTell(f"{where}: report: objective {', '.join(missing)} is missing; all of {', '.join(names)} are reported at once")
    if len(names) == 1:
        return finite(found[names[0]], f"{where}: the reported value")
    return {name: finite(found[name], f"{where}: the reported value of {name}") for name in names}


def _named(given: Any, names: tuple[str, ...], where: str, kind: str = "outcome", *, parts: bool = True) -> dict[str, Any]:
    """Values by name, from a mapping, a sequence in the order of the names, or a bare number."""
    if isinstance(given, Mapping):
        for name in given:
            if name not in names:
                near = difflib.get_close_matches(str(name), names, n=1)
                hint = f"; did you mean {near[0]!r}?" if near else ""
                rest = "; anything else goes into attrs=" if parts else ""
                raise InvalidTell(f"{where}: unknown {kind} {name!r}{hint} ({kind}s: {', '.join(names)}{rest})")
        return dict(given)
    if isinstance(given, (list, tuple)) or getattr(given, "ndim", 0) == 1:
        if len(given) != len(names):
            raise InvalidTell(f"{where}: {len(given)} values for {len(names)} {kind}s ({', '.join(names)})")
        return dict(zip(names, given, strict=True))
    if len(names) > 1:
        rest = ", or a part of them" if parts else ""
        raise InvalidTell(f"{where}: one value for {len(names)} {kind}s; give a dict with {', '.join(names)}{rest}")
    return {names[0]: given}


def plain_json(given: Mapping[str, Any], what: str) -> dict[str, Any]:
    """A copy as JSON would bring it back.

    Raises:
        InvalidTell: It is no mapping with string keys, or holds what JSON cannot.
    """
    if not isinstance(given, Mapping) or not all(isinstance(key, str) for key in given):
        raise InvalidTell(f"{what} is {given!r}; it is a mapping with string keys")
    try:
        copy: dict[str, Any] = json.loads(json.dumps(dict(given), allow_nan=False))
    except (TypeError, ValueError) as error:
        raise InvalidTell(f"{what} cannot be stored as JSON: {error}") from None
    return copy


def _repeats(before: Mapping[str, Any], body: Mapping[str, Any]) -> bool:
    """Whether a tell says nothing that was not told before by the same attempt."""
    if not before:
        return False
    for key in BY_NAME:
        old = before.get(key, EMPTY)
        if any(name not in old or old[name] != value for name, value in body.get(key, EMPTY).items()):
            return False
    return all(before.get(key) == body[key] for key in ("cost", "params", "outside") if key in body)


def _shown(record: Record) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in record.values.items()) or f"reason {record.reason!r}"
