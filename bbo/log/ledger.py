"""The ledger: a study's trials, folded once from its log.

Everyone who needs to know how trials stand (study, optimizers, pruners, plots) reads it here, so that the rules of attempts,
superseded results, partial tells and amendments are written once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from bbo.errors import StorageError
from bbo.log.events import Event
from bbo.log.states import MAX_ATTEMPTS, TOLD_PART, TRANSITIONS, State

EMPTY: Mapping[Any, Any] = MappingProxyType({})


def empty() -> Mapping[Any, Any]:
    """The one empty mapping, as a dataclass wants its default."""
    return EMPTY


BY_NAME = ("values", "sd", "gradient", "gradient_sd", "attrs")
"""Parts of a told, added or amended body that are mappings, and grow name by name. Gradients, which few bodies have, are mappings of
partial derivatives by parameter under the names of outcomes: ``{"gradient": {"loss": {"x": 0.2}}}``."""


@dataclass(frozen=True, slots=True)
class Record:
    """A trial at one moment of the log. Immutable: a later event makes a new one.

    Args:
        number: The trial's number, from 0.
        state: Where it stands.
        attempt: Latest attempt; 0 before the first ask, and for added trials.
        params: What was really run: as planned, unless a tell or an amendment said otherwise. Native values.
        planned: What was handed out.
        values: Outcomes by name, native sign and units; a pending trial shows what came in so far.
        sd: Standard deviation of an outcome's measurement, where told.
        gradient: Partial derivatives of outcomes, where told: by outcome, then by parameter; native units.
        gradient_sd: Their standard deviations, alike.
        cost: Cost of the evaluation, where told.
        attrs: Whatever the user attached.
        outside: The executed point lies outside the space: it trains the model and is never best.
        reason: Why it failed, was abandoned or was retried.
        asked: Body of the latest `asked` event (empty for queued and added trials): origin, configuration, ticket, lease, ...
        told: What each attempt has told so far, as told.
        lapses: How many leases have lapsed.
        reports: Intermediate ``(step, value)`` of the latest attempt, in order of arrival; with several objectives
            ``(step, {objective: value})``.
        amended: Whether an amendment changed it.
        asked_time: Seconds since the epoch of the latest ask; 0.0 before.
        finished_time: Seconds since the epoch when it was finished; 0.0 before.
        by: Attempt that finished it.
    """

    number: int
    state: State
    attempt: int = 0
    params: Mapping[str, Any] = field(default_factory=empty)
    planned: Mapping[str, Any] = field(default_factory=empty)
    values: Mapping[str, float] = field(default_factory=empty)
    sd: Mapping[str, float] = field(default_factory=empty)
    gradient: Mapping[str, Mapping[str, float]] = field(default_factory=empty)
    gradient_sd: Mapping[str, Mapping[str, float]] = field(default_factory=empty)
    cost: float | None = None
    attrs: Mapping[str, Any] = field(default_factory=empty)
    outside: bool = False
    reason: str = ""
    origin: str = "optimizer"
    asked: Mapping[str, Any] = field(default_factory=empty)
    told: Mapping[int, Mapping[str, Any]] = field(default_factory=empty)
    lapses: int = 0
    reports: tuple[tuple[int, float | Mapping[str, float]], ...] = ()
    amended: bool = False
    asked_time: float = 0.0
    finished_time: float = 0.0
    by: int = 0

    @property
    def open(self) -> bool:
        """Handed out and nothing heard yet."""
        return self.state is State.PENDING and not self.told.get(self.attempt)

    @property
    def ticket(self) -> tuple[Any, ...] | None:
        """Its place in an optimizer's phase, None for a plain point."""
        ticket = self.asked.get("ticket")
        return None if ticket is None else tuple(ticket)

    @property
    def configuration(self) -> int | None:
        """Number of the configuration whose optimizer proposed it; None for enqueued and added trials."""
        configuration = self.asked.get("configuration")
        return None if configuration is None else int(configuration)


@dataclass(frozen=True, slots=True)
class Update:
    """An event and what it changed: what an optimizer folds.

    Args:
        event: The event as logged.
        records: The trials it changed, as they stand after it; empty where it changed none (superseded, repeated, about the study).
    """

    event: Event
    records: tuple[Record, ...] = ()


@dataclass(frozen=True, slots=True)
class Ranking:
    """A told ranking of trials, by number.

    Args:
        tiers: Best tier first; those of a tier are equally good.
        rest: Trials that all of these beat, and of whose order among themselves nothing was told.
    """

    tiers: tuple[tuple[int, ...], ...]
    rest: tuple[int, ...] = ()

    @classmethod
    def of(cls, event: Event) -> Ranking:
        """What a `ranked` event says."""
        return cls(tuple(tuple(tier) for tier in event.body["order"]), tuple(event.body.get("rest", ())))

    @property
    def trials(self) -> tuple[int, ...]:
        """All that take part."""
        return (*(number for tier in self.tiers for number in tier), *self.rest)

    def __str__(self) -> str:
        tiers = [" = ".join(map(str, tier)) for tier in self.tiers]
        return " > ".join([*tiers, *([f"the rest ({', '.join(map(str, self.rest))})"] if self.rest else [])])


@dataclass(slots=True)
class Ledger:
    """The fold of a log. Feed it events in order with `apply`.

    Attributes:
        seq: Number of the last event applied.
        records: Every trial, by number.
        definition: Body of `created`, with what `redefined` changed.
        configurations: Bodies of the `configured` events, in order.
        transferred: Bodies of the `transferred` events, in order: finished studies that are copied in, whose trials are none of this one's.
        queue: Numbers of queued trials, first to go out first.
        pending: Numbers of pending trials.
        counts: Trials by state.
        rankings: Told rankings, in order.
        stopped: Reason of the last stop, None while it runs.
    """

    seq: int = 0
    records: list[Record] = field(default_factory=list)
    definition: dict[str, Any] = field(default_factory=dict)
    configurations: list[Mapping[str, Any]] = field(default_factory=list)
    transferred: list[Mapping[str, Any]] = field(default_factory=list)
    queue: dict[int, None] = field(default_factory=dict)
    pending: dict[int, None] = field(default_factory=dict)
    counts: Counter[State] = field(default_factory=Counter)
    rankings: list[Ranking] = field(default_factory=list)
    stopped: str | None = None
    _outcomes: frozenset[str] = frozenset()

    def apply(self, event: Event) -> Update:
        """Fold one event.

        Raises:
            StorageError: The event does not follow from the log before it (a gap, or a transition that is not allowed).
        """
        if event.seq != self.seq + 1:
            raise StorageError(f"event {event.seq} after event {self.seq}: the log has a gap")
        update = Update(event, self._fold[event.kind](self, event))
        for record in update.records:
            self._store(record, event)
        self.seq = event.seq
        return update

    def target(self, record: Record | None, row: str) -> State | None:
        """State that a row of the table leads to from a trial's state; None where the table does not allow it."""
        return TRANSITIONS[row].get(record.state if record else None)

    @property
    def counted(self) -> int:
        """Trials that count towards a total: done, failed and pruned ones, and those that are out."""
        return sum(count for state, count in self.counts.items() if state.finished) + len(self.pending)

    def row_of_told(self, record: Record, attempt: int, values: Mapping[str, float]) -> str:
        """Which row of the table a `told` event is: all outcomes of that attempt, or a part."""
        so_far = record.told.get(attempt, EMPTY).get("values", EMPTY)
        return "told" if self._outcomes <= so_far.keys() | values.keys() else TOLD_PART

    # -- one method a kind ---------------------------------------------------------------------------------------------------

    def _created(self, event: Event) -> tuple[Record, ...]:
        self.definition = dict(event.body)
        self._outcomes = frozenset(outcome_names(self.definition))
        return ()

    def _redefined(self, event: Event) -> tuple[Record, ...]:
        """The space changes; trials so far were run with the given value of each parameter that is new."""
        self.definition["space"] = event.body["space"]
        defaults = event.body.get("defaults", EMPTY)
        if not defaults:
            return ()
        return tuple(
            replace(record, params={**defaults, **record.params}, planned={**defaults, **record.planned})
            for record in self.records
            if not defaults.keys() <= record.params.keys()
        )

    def _configured(self, event: Event) -> tuple[Record, ...]:
        self.configurations.append(event.body)
        return ()

    def _transferred(self, event: Event) -> tuple[Record, ...]:
        self.transferred.append(event.body)
        return ()

    def _stopped(self, event: Event) -> tuple[Record, ...]:
        self.stopped = event.body.get("reason", "")
        return ()

    def _new(self, event: Event, **fields: Any) -> tuple[Record, ...]:
        if event.trial != len(self.records):
            raise StorageError(f"event {event.seq} makes trial {event.trial} where {len(self.records)} is next: the log is damaged")
        fields |= {"params": event.body["params"], "planned": event.body["params"]}
        return (Record(event.trial, state=TRANSITIONS[event.kind][None], **fields),)

    def _enqueued(self, event: Event) -> tuple[Record, ...]:
        return self._new(event, origin="enqueued", attrs=event.body.get("attrs", EMPTY))

    def _added(self, event: Event) -> tuple[Record, ...]:
        (record,) = self._new(event, origin="added", **_measured(event.body), finished_time=event.time)
        if (reason := event.body.get("failed")) is not None:
            record = replace(record, state=State.FAILED, reason=reason)
        return (record,)

    def _asked(self, event: Event) -> tuple[Record, ...]:
        body = event.body
        news: dict[str, Any] = {"attempt": body["attempt"], "asked": body, "asked_time": event.time}
        if event.trial == len(self.records):
            return self._new(event, **news)
        record = self._moved(event, "asked")
        return (replace(record, params=body["params"], planned=body["params"], reports=(), values=EMPTY, **news),)

    def _told(self, event: Event) -> tuple[Record, ...]:
        record, attempt = self._record(event), event.body["attempt"]
        if record.state.finished:
            return ()
        row = self.row_of_told(record, attempt, event.body["values"])
        part = _merged(record.told.get(attempt, EMPTY), event.body)
        changes: dict[str, Any] = {"state": self._next_state(event, row, record), "told": {**record.told, attempt: part}}
        if row == TOLD_PART and attempt != record.attempt:
            return (replace(record, **changes),)
        changes |= _measured(part)
        if "attrs" in changes:
            changes["attrs"] = {**record.attrs, **changes["attrs"]}
        if changes["state"] is State.DONE:
            changes |= {"finished_time": event.time, "by": attempt}
        return (replace(record, **changes),)

    def _ranked(self, event: Event) -> tuple[Record, ...]:
        ranking = Ranking.of(event)
        self.rankings.append(ranking)
        changed = []
        for number in ranking.trials:
            record = self._record(event, number)
            if not record.state.finished:
                changed.append(replace(self._moved(event, "ranked", record), finished_time=event.time, by=record.attempt))
        return tuple(changed)

    def _ended(self, event: Event) -> tuple[Record, ...]:
        """Failed, pruned, abandoned or retried. What an older attempt says of itself no longer matters."""
        record = self._record(event)
        attempt = event.body.get("attempt", record.attempt)
        stale = attempt != record.attempt or (record.state.finished and event.kind != "retried")
        if stale:
            return ()
        record = self._moved(event, event.kind)
        finished = {"finished_time": event.time, "by": attempt} if record.state.finished else {}
        return (replace(record, reason=event.body.get("reason", ""), **finished),)

    def _reported(self, event: Event) -> tuple[Record, ...]:
        record = self._record(event)
        if record.state is not State.PENDING or event.body["attempt"] != record.attempt:
            return ()
        reported = event.body["values"] if "values" in event.body else event.body["value"]
        return (replace(record, reports=(*record.reports, (event.body["step"], reported))),)

    def _lapsed(self, event: Event) -> tuple[Record, ...]:
        record = self._moved(event, "lapsed")
        lapses = record.lapses + 1
        return (replace(record, lapses=lapses, state=State.LOST if lapses >= MAX_ATTEMPTS else record.state),)

    def _amended(self, event: Event) -> tuple[Record, ...]:
        record, body = self._moved(event, "amended"), event.body
        changes: dict[str, Any] = {"amended": True}
        for key in BY_NAME:
            if key in body:
                changes[key] = {**getattr(record, key), **body[key]}
        for key in ("params", "cost", "outside"):
            if key in body:
                changes[key] = body[key]
        if body.get("failed") is not None:
            changes |= {"state": State.FAILED, "reason": body["failed"]}
        elif record.state is not State.PENDING and self._outcomes and self._outcomes <= changes.get("values", EMPTY).keys():
            changes |= {"state": State.DONE, "reason": ""}
        return (replace(record, **changes),)

    _fold = MappingProxyType(
        {
            "created": _created,
            "configured": _configured,
            "redefined": _redefined,
            "transferred": _transferred,
            "stopped": _stopped,
            "added": _added,
            "enqueued": _enqueued,
            "asked": _asked,
            "told": _told,
            "ranked": _ranked,
            "failed": _ended,
            "pruned": _ended,
            "retried": _ended,
            "abandoned": _ended,
            "reported": _reported,
            "amended": _amended,
            "lapsed": _lapsed,
        }
    )

    # -- helpers -------------------------------------------------------------------------------------------------------------

    def _record(self, event: Event, number: int | None = None) -> Record:
        number = event.trial if number is None else number
        try:
            return self.records[number]  # type: ignore[index]
        except (IndexError, TypeError):
            raise StorageError(f"event {event.seq} speaks of trial {number}, which is not there: the log is damaged") from None

    def _moved(self, event: Event, row: str, record: Record | None = None) -> Record:
        record = record or self._record(event)
        return replace(record, state=self._next_state(event, row, record))

    def _next_state(self, event: Event, row: str, record: Record) -> State:
        state = self.target(record, row)
        if state is None:
            raise StorageError(f"event {event.seq} ({row}) is not allowed for trial {record.number}, {record.state}: the log is damaged")
        return state

    def _store(self, record: Record, event: Event) -> None:
        number, state = record.number, record.state
        if number == len(self.records):
            self.records.append(record)
        else:
            before = self.records[number].state
            self.counts[before] -= 1
            self.queue.pop(number, None)
            if state is not State.PENDING:
                self.pending.pop(number, None)
            self.records[number] = record
        self.counts[state] += 1
        if state is State.QUEUED:
            self.queue[number] = None
        elif state is State.PENDING:
            self.pending[number] = None


def outcome_names(definition: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of all outcomes a trial is told: objectives, then constraints that are not objectives too."""
    both = [entry["name"] for key in ("objectives", "outcome_constraints") for entry in definition.get(key, ())]
    return tuple(dict.fromkeys(both))


def _merged(before: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
    """What one attempt has told so far, with another part of it."""
    part = {**before, **{key: body[key] for key in ("cost", "params", "outside") if key in body}}
    for key in BY_NAME:
        if key in body or key in before:
            part[key] = {**before.get(key, EMPTY), **body.get(key, EMPTY)}
    return part


def _measured(body: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a record that a tell sets."""
    return {key: body[key] for key in (*BY_NAME, "cost", "params", "outside") if key in body}
