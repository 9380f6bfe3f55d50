"""How trials are handed out: leases looked after, the client's open trials, the queue, then the optimizer's proposals.

An ask decides on the log as it knows it and appends only if the log has not grown meanwhile. When it has: a new `asked` means
that another process took the same state for its proposal, so the tail is folded and the acquisition maximized again with the fit
kept (its memo); tells and enqueued points only renumber; a new configuration voids the proposal.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bbo.errors import Exhausted, InvalidStudy, OutOfRange, Stopped, Unsupported, Waiting
from bbo.log.events import Event
from bbo.log.ledger import Record, empty
from bbo.optimizers.base import Delegating, Proposal, Query, Request, to_json
from bbo.storage.base import Conflict, back_off

if TYPE_CHECKING:
    from bbo.replica import Replica
    from bbo.space import Space
    from bbo.storage.base import Storage

ROUNDS = 2
"""How often a proposal is made again because another ask came first, before a distinct one is kept as it is."""

_VOIDING = frozenset({"configured", "redefined", "stopped"})


@dataclass(frozen=True, slots=True)
class Terms:
    """On what terms trials are handed out."""

    fixed: Mapping[str, Any] = field(default_factory=empty)
    shared: tuple[str, ...] = ()
    context: Mapping[str, Any] = field(default_factory=empty)
    client: str | None = None
    worker: str | None = None
    lease: float | None = None


def terms_of(
    space: Space,
    *,
    fixed: Mapping[str, Any] | None,
    shared: Sequence[str],
    context: Mapping[str, Any] | None,
    client: str | None,
    worker: str | None,
    lease: float | None,
) -> Terms:
    """What the caller of an ask said, checked and in canonical form.

    Raises:
        OutOfRange: An unknown name, a value out of range, or a task or context value that is missing.
        InvalidStudy: The lease is no number of seconds.
    """
    if unknown := [name for name in shared if name not in space.names]:
        raise OutOfRange(f"shared: unknown parameter {unknown[0]!r}; parameters: {', '.join(space.names)}")
    if lease is not None and (isinstance(lease, bool) or not isinstance(lease, (int, float)) or not lease > 0):
        raise InvalidStudy(f"lease is {lease!r}; it is a number of seconds above 0, or None")
    contexts = space.of_role("context")
    held, given = dict(fixed or {}), dict(context or {})
    if wrong := [name for name in given if name not in contexts]:
        raise OutOfRange(f"context: {wrong[0]!r} is no context parameter; context parameters: {', '.join(contexts) or 'none'}")
    for role, values, how in (("task", held, "fixed"), ("context", given, "context")):
        for name, parameter in space.parameters.items():
            if parameter.role == role and parameter.when is None and name not in values:
                raise OutOfRange(f"{how}: the {role} parameter {name!r} is missing; ask({how}={{{name!r}: ...}})")
    partly = space.validate({**held, **given}, partial=True, what="fixed") if held or given else {}
    return Terms(
        fixed={name: value for name, value in partly.items() if name not in given},
        shared=tuple(shared),
        context={name: partly[name] for name in given},
        client=client,
        worker=worker,
        lease=lease,
    )


@dataclass(slots=True)
class _Made:
    """A proposal, and the log it rests on."""

    proposal: Proposal
    request: Request
    seen: int
    fit_seen: int


def ask(
    replica: Replica, storage: Storage, name: str, n: int, terms: Terms, *, budget: int | None = None, total: int | None = None
) -> list[int]:
    """Hand out up to n trials; their numbers.

    Args:
        replica: The study as this process knows it; brought up to date.
        storage: Where its log is.
        name: The study's name.
        n: How many trials at most, at least 1.
        terms: On what terms.
        budget: How many trials the run is meant to have, for an optimizer that is yet to choose its method.
        total: How many trials the study is to have in all; decided with the append, so that no two processes both take the last.
            With no room left the answer is empty.

    Raises:
        Stopped, Waiting, Exhausted, Unsupported: As `Study.ask`.
    """
    given: list[int] = []
    conflicts, rounds, made, memo, fit_seen = 0, 0, None, None, 0
    replica.sync()
    while True:
        ledger = replica.ledger
        if ledger.stopped is not None:
            if given:
                break
            raise Stopped(f"study {name!r} was stopped{': ' + ledger.stopped if ledger.stopped else ''}; it still accepts results")
        now = time.time()
        events: list[Event] = lapsed(replica, storage, name, now)
        if not events and (configured := completed(replica, budget)):
            events = [configured]
        if events:  # these change what there is to hand out: write them first, then look again
            _append(replica, storage, name, events)
            continue

        given += [number for number in ledger.pending if number not in given and _held_by(ledger.records[number], terms.client)]
        free = n - len(given) if total is None else min(n - len(given), total - ledger.counted)
        if free <= 0:
            break
        drafts = [_from_queue(replica, record, terms, now) for record in _first_of_queue(replica, free)]
        if not drafts:
            if made is None:
                if memo is None:
                    fit_seen = ledger.seq
                request = Request(free, terms.fixed, terms.shared, terms.context, len(ledger.records), memo)
                made = _Made(replica.optimizer.propose(replica.state, request), request, ledger.seq, fit_seen)
                memo = made.proposal.memo
            if not made.proposal.queries:
                if not given:
                    _refuse_empty(made.proposal, name, len(ledger.pending))
                break
            drafts = _from_proposal(replica, made, free, terms, now)
        try:
            appended = storage.append(name, drafts, after=ledger.seq)
        except Conflict:
            conflicts += 1
            back_off(conflicts)
            tail = replica.sync()
            if any(event.kind in _VOIDING for event in tail):
                rounds, made, memo = 0, None, None
            elif made is not None and any(_proposed(event) for event in tail):
                rounds += 1
                if rounds <= ROUNDS or not _distinct(made.proposal.queries, replica.ledger.records, replica):
                    made = None
            continue
        replica.fold(appended)
        given += [event.trial for event in appended if event.trial is not None]
        if made is not None:
            break
    return given[:n]


def lapsed(replica: Replica, storage: Storage, name: str, now: float) -> list[Event]:
    """`lapsed` events for the open trials whose lease has ended."""
    records = replica.ledger.records
    leased = [record for number in replica.ledger.pending if (record := records[number]).open and record.asked.get("lease") is not None]
    if not leased:
        return []
    renewed = storage.leases(name)
    return [
        Event("lapsed", {"attempt": record.attempt}, trial=record.number, time=now)
        for record in leased
        if max(record.asked_time + record.asked["lease"], renewed.get((record.number, record.attempt), 0.0)) < now
    ]


def completed(replica: Replica, budget: int | None) -> Event | None:
    """The `configured` event that completes the optimizer's settings at the first ask, or that moves it to this bbo's version of it."""
    configuration = replica.ledger.configurations[-1]
    optimizer = replica.optimizer
    stored = configuration["optimizer"]
    if stored["version"] > optimizer.version:
        raise Unsupported(
            f"optimizer {stored['name']!r} is of version {stored['version']}, this bbo has {optimizer.version}: upgrade bbo-platform"
        )
    resolved = optimizer.resolve(replica.problem, budget) if isinstance(optimizer, Delegating) else optimizer
    if resolved == optimizer and stored["version"] == optimizer.version:
        return None
    return Event("configured", {"optimizer": to_json(resolved), "pruner": configuration.get("pruner")}, time=time.time())


def _append(replica: Replica, storage: Storage, name: str, events: list[Event]) -> None:
    try:
        replica.fold(storage.append(name, events, after=replica.ledger.seq))
    except Conflict:
        replica.sync()


def _held_by(record: Record, client: str | None) -> bool:
    return client is not None and record.open and record.asked.get("client") == client


def _proposed(event: Event) -> bool:
    return event.kind == "asked" and event.body["origin"] == "optimizer"


def _distinct(queries: Iterable[Query], records: list[Record], replica: Replica) -> bool:
    """Whether none of the points, and none of the tickets, has been handed out since the proposal was made."""
    key = replica.problem.space.key
    configuration = replica.problem.configuration
    mine = [record for record in records if record.configuration == configuration]
    points = {key(record.params) for record in mine}
    tickets = {record.ticket for record in mine} - {None}
    return all(key(query.params) not in points and (query.ticket is None or tuple(query.ticket) not in tickets) for query in queries)


def _first_of_queue(replica: Replica, n: int) -> list[Record]:
    """What is queued, up to n trials; no more after one that the optimizer must complete, which changes the state it decides on."""
    chosen = []
    for number in list(replica.ledger.queue)[:n]:
        chosen.append(replica.ledger.records[number])
        if _in_part(replica, chosen[-1]):
            break
    return chosen


def _in_part(replica: Replica, record: Record) -> bool:
    """Whether a queued trial was enqueued in part and has not gone out yet."""
    return not record.asked and set(record.params) != set(replica.problem.space.active(record.params))


def _from_queue(replica: Replica, record: Record, terms: Terms, now: float) -> Event:
    """A queued trial goes out: again after a retry or a lapse, or for the first time, completed where it was enqueued in part."""
    if record.asked:
        body = {**record.asked, "origin": "retry", "params": dict(record.planned)}
    else:
        params = dict(record.params)
        request: dict[str, Any] = {}
        draw, note = None, ""
        if _in_part(replica, record):
            query = _complete(replica, record)
            params, draw, note = dict(query.params), query.draw, query.note
            request = {"fixed": dict(record.params)}
        body = _body(replica, Query(params, draw=draw, note=note), seen=replica.ledger.seq, fit_seen=replica.ledger.seq)
        body |= {"origin": "enqueued", "configuration": None if draw is None else body["configuration"], "request": request}
    body |= {"attempt": record.attempt + 1, "worker": terms.worker, "client": terms.client, "lease": terms.lease}
    return Event("asked", body, trial=record.number, time=now)


def _complete(replica: Replica, record: Record) -> Query:
    """A full point around the enqueued part: the optimizer's choice, or a random one where it cannot keep parts fixed."""
    try:
        proposal = replica.optimizer.propose(replica.state, Request(1, fixed=record.params, first_number=record.number))
        if proposal.queries and proposal.queries[0].ticket is None:
            return proposal.queries[0]
    except Unsupported:
        pass
    rng = replica.problem.rng("enqueued", record.number)
    return Query(replica.problem.space.sample(1, rng, fixed=record.params)[0], note="the open parameters were drawn at random")


def _from_proposal(replica: Replica, made: _Made, wanted: int, terms: Terms, now: float) -> list[Event]:
    first = len(replica.ledger.records)
    request = {
        key: value
        for key, value in (("fixed", dict(terms.fixed)), ("shared", list(terms.shared)), ("context", dict(terms.context)))
        if value
    }
    drafts = []
    for index, query in enumerate(made.proposal.queries[:wanted]):
        body = _body(replica, query, seen=made.seen, fit_seen=made.fit_seen)
        body |= {"origin": "optimizer", "attempt": 1, "worker": terms.worker, "client": terms.client, "lease": terms.lease}
        body["request"] = {**request, "n": made.request.n, "index": index}
        body["memo"] = made.proposal.memo if index == 0 else None
        body["note"] = query.note or made.proposal.note
        drafts.append(Event("asked", body, trial=first + index, time=now))
    return drafts


def _body(replica: Replica, query: Query, *, seen: int, fit_seen: int) -> dict[str, Any]:
    return {
        "configuration": replica.problem.configuration,
        "params": dict(query.params),
        "seen": seen,
        "fit_seen": fit_seen,
        "draw": query.draw,
        "ticket": None if query.ticket is None else list(query.ticket),
        "role": query.role,
        "group": query.group,
        "crn_key": query.crn_key,
        "memo": None,
        "note": query.note,
    }


def _refuse_empty(proposal: Proposal, name: str, pending: int) -> None:
    if proposal.status == "exhausted":
        raise Exhausted(f"study {name!r} has nothing left to hand out: {proposal.note or 'every point of it has been'}")
    raise Waiting(f"study {name!r} has nothing to hand out until results of its {pending} open trials come in")
