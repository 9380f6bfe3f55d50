"""What a CSV of trials says to its study: each row becomes a result, a failure, an added point, a correction, or nothing."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from bbo import telling
from bbo.errors import BBOError, InvalidTell, OutOfRange
from bbo.files.cells import Layout, write_value
from bbo.files.reading import Row, Sheet
from bbo.log.events import Event
from bbo.log.ledger import Ledger, Record
from bbo.log.states import State
from bbo.problem import Problem
from bbo.space import Simplex

if TYPE_CHECKING:
    from bbo.study import Study

Action = Literal["tell", "fail", "add", "amend", "unchanged", "skip", "open"]

_ROUNDED_SHARES = 0.01
"""Shares whose sum is off by no more than this part of the total were rounded, and are rescaled."""

_NOT_A_REASON = frozenset({"no", "n", "false", "0", "-"})


@dataclass(frozen=True, slots=True)
class Options:
    """What rows may do.

    Args:
        outside: Points may lie outside the space: they train the model and are never best.
        amend: Rows may change what was told before.
        replicate: A row without a trial is added even if an equal one was added before.
    """

    outside: bool = False
    amend: bool = False
    replicate: bool = False


@dataclass(frozen=True, slots=True)
class Match:
    """What one row comes to.

    Args:
        line: Its line in the file.
        trial: The trial it speaks of, None for an added point.
        action: ``"tell"``, ``"fail"``, ``"add"``, ``"amend"``; ``"unchanged"`` (recorded already), ``"skip"`` (added before),
            ``"open"`` (not measured yet).
        executed: Parameters that were run otherwise than planned, as the row gives them; for an added point all of them.
        values: Outcomes the row gives.
        failed: Why it failed, empty where it did not.
        note: The row's note.
    """

    line: int
    trial: int | None
    action: Action
    executed: Mapping[str, Any] = field(default_factory=dict)
    values: Mapping[str, float] = field(default_factory=dict)
    failed: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Matched:
    """What a whole file comes to: its rows, and the events that record them."""

    rows: tuple[Match, ...]
    events: tuple[Event, ...]


def match_rows(problem: Problem, ledger: Ledger, sheet: Sheet, layout: Layout, options: Options) -> Matched:
    """Compare a file with its study. Nothing is written.

    Raises:
        InvalidTell: Rows that cannot be accepted, each with its line and reason.
    """
    matcher = _Matcher(problem, ledger, sheet, layout, options, _added_before(problem, ledger))
    rows, events, problems = [], list[Event](), []
    seen: dict[int, int] = {}
    for row in sheet.rows:
        try:
            number = _trial_of(row)
            if number is not None and (first := seen.setdefault(number, row.line)) != row.line:
                raise InvalidTell(f"trial {number} stands in line {first} already; leave one of the two")
            match, drafts = matcher.match(row, number, len(ledger.records) + sum(event.kind == "added" for event in events))
        except BBOError as error:
            problems.append(f"line {row.line}: {error}{matcher.remedy(row, error)}")
            continue
        rows.append(match)
        events += drafts
    if problems:
        raise InvalidTell("\n".join([f"{sheet.path}: nothing was written", *problems]))
    return Matched(tuple(rows), tuple(events))


def tell_sheet(study: Study, sheet: Sheet, layout: Layout, options: Options, accept: Callable[[Matched], bool]) -> Matched | None:
    """Record what a file says, all of it in one transaction, if `accept` agrees to it; None where it does not.

    Raises:
        InvalidTell: Rows cannot be accepted, or the study changed while `accept` was asked. Nothing was written.
    """
    study._replica.sync()
    matched = match_rows(study._problem, study._replica.ledger, sheet, layout, options)
    if matched.events and not accept(matched):
        return None

    def decide(ledger: Ledger) -> list[Event]:
        now = match_rows(study._problem, ledger, sheet, layout, options)
        if now.rows != matched.rows:
            raise InvalidTell(f"{sheet.path}: the study changed while the rows were shown; nothing was written, tell the file again")
        return list(now.events)

    if matched.events:
        study._write(decide)
    return matched


@dataclass(slots=True)
class _Matcher:
    problem: Problem
    ledger: Ledger
    sheet: Sheet
    layout: Layout
    options: Options
    added: set[Hashable]

    def match(self, row: Row, number: int | None, next_number: int) -> tuple[Match, list[Event]]:
        """What a row comes to, and the events that record it; `next_number` is that of a trial it may add."""
        return self.add(row, next_number) if number is None else self.tell(row, number)

    def remedy(self, row: Row, error: BBOError) -> str:
        """What would have a refused row accepted."""
        if self.options.outside or not isinstance(error, OutOfRange):
            return ""
        try:
            replace(self, options=replace(self.options, outside=True), added=set()).match(row, _trial_of(row), len(self.ledger.records))
        except BBOError:
            return ""
        return " (--outside admits it: it trains the model and is never best)"

    def tell(self, row: Row, number: int) -> tuple[Match, list[Event]]:
        """A row that names a trial."""
        record = telling.record_of(self.ledger, number)
        values, sd, failed, note = self._results(row)
        match = Match(row.line, number, "open", values=values, failed=failed, note=note)
        if not values and not failed:
            if sd:
                raise InvalidTell(f"sd.{next(iter(sd))} is given, and {next(iter(sd))} itself is empty")
            return match, []
        executed = self._executed(row, record)
        match = replace(match, executed=executed)
        heard = record.state.finished or (record.state is State.PENDING and not record.open)
        return self._again(match, record, sd) if heard else self._first(match, record, sd)

    def _first(self, match: Match, record: Record, sd: Mapping[str, float]) -> tuple[Match, list[Event]]:
        """The first that is heard of a trial."""
        number, outside = record.number, self.options.outside
        params, attrs = match.executed or None, {"note": match.note} if match.note else None
        if not match.failed:
            told = telling.told(
                self.problem, self.ledger, number, None, match.values, sd=sd or None, attrs=attrs, params=params, outside=outside
            )
            return replace(match, action="tell"), _present(told)
        events = _present(telling.ended(self.ledger, "failed", number, None, match.failed))
        if params or attrs:
            events += _present(telling.amended(self.problem, self.ledger, number, params=params, attrs=attrs, outside=outside))
        return replace(match, action="fail"), events

    def _again(self, match: Match, record: Record, sd: Mapping[str, float]) -> tuple[Match, list[Event]]:
        """More about a trial, the same again, or something else than before."""
        number, outside = record.number, self.options.outside
        changes = dict(self._changes(match, record, sd))
        new = {name: value for name, value in match.values.items() if name not in record.values}
        if record.state is State.PENDING and new and not changes:
            new_sd = {name: value for name, value in sd.items() if name in new}
            told = telling.told(self.problem, self.ledger, number, None, new, sd=new_sd or None)
            return replace(match, action="tell"), _present(told)
        if record.state is not State.PENDING and new:
            changes["values"] = {**changes.get("values", {}), **new}
        if not changes:
            return replace(match, action="unchanged"), []
        if not self.options.amend:
            raise InvalidTell(f"trial {number} is {record.state} already, with another {self._shown(changes, record)}; --amend corrects it")
        events = []
        if record.state is State.PENDING and new:
            events += _present(telling.told(self.problem, self.ledger, number, None, new))
        events += _present(telling.amended(self.problem, self.ledger, number, **changes, outside=outside))
        return replace(match, action="amend"), events

    def _changes(self, match: Match, record: Record, sd: Mapping[str, float]) -> Iterator[tuple[str, Any]]:
        """What the row says otherwise than the record, as arguments of an amendment."""
        values = {name: value for name, value in match.values.items() if name in record.values and record.values[name] != value}
        if values:
            yield "values", values
        if match.failed and not (record.state is State.FAILED and record.reason == match.failed):
            yield "failed", match.failed
        point = telling.executed(self.problem, record, match.executed, outside=True) if match.executed else dict(record.planned)
        if not _same_point(point, record.params):
            yield "params", point
        changed_sd = {name: value for name, value in sd.items() if name in record.values and record.sd.get(name) != value}
        if changed_sd:
            yield "sd", changed_sd
        if match.note and match.note != record.attrs.get("note"):
            yield "attrs", {"note": match.note}

    def _shown(self, changes: Mapping[str, Any], record: Record) -> str:
        parts = []
        for key, change in changes.items():
            if key == "attrs":
                parts.append(f"note ({record.attrs.get('note', '')!r}, now {change['note']!r})")
            elif key == "failed":
                parts.append(f"failure ({record.reason or 'none'!r}, now {change!r})")
            else:
                before: Mapping[str, Any] = getattr(record, key)
                for name, value in change.items():
                    if before.get(name) != value:
                        label = f"sd.{name}" if key == "sd" else name
                        parts.append(f"{label} ({before.get(name, 'none')}, now {value})")
        return ", ".join(parts)

    def add(self, row: Row, number: int) -> tuple[Match, list[Event]]:
        """A row without a trial: a point that was evaluated elsewhere."""
        values, sd, failed, note = self._results(row)
        if not values and not failed:
            return Match(row.line, None, "open", note=note), []
        given = {slot.parameter: None for name, slot in self.layout.slots.items() if row.cells.get(name)}
        params = {name: self._stated(row, name) for name in given}
        event = telling.added(
            self.problem,
            number,
            params,
            None if failed else values,
            sd=sd or None,
            attrs={"note": note} if note else None,
            outside=self.options.outside,
            failed=failed or None,
        )
        point = event.body["params"]
        match = Match(row.line, None, "add", executed=point, values=values, failed=failed, note=note)
        identity = (self.problem.space.key(point), tuple(sorted(values.items())), failed)
        if identity in self.added and not self.options.replicate:
            return replace(match, action="skip"), []
        self.added.add(identity)
        return match, [event]

    def _results(self, row: Row) -> tuple[dict[str, float], dict[str, float], str, str]:
        """Outcomes, their sd, the reason of a failure, the note."""
        mark, outcomes = self.sheet.mark, self.layout.outcomes
        values = {name: self.layout.measured(name, cell, mark) for name in outcomes if (cell := row.cells.get(name))}
        sd = {name: self.layout.measured(f"sd.{name}", cell, mark) for name in outcomes if (cell := row.cells.get(f"sd.{name}"))}
        failed = row.cells.get("failed", "")
        if failed.lower() in _NOT_A_REASON:
            raise InvalidTell(f"failed is {failed!r}; leave it empty for a trial that did not fail, or write the reason why it did")
        if failed and values:
            raise InvalidTell(
                f"failed is {failed!r}, and {next(iter(values))} is {write_value(next(iter(values.values())))}; give one of them"
            )
        return values, sd, failed, row.cells.get("note", "")

    def _executed(self, row: Row, record: Record) -> dict[str, Any]:
        """The parameters that the row gives otherwise than planned."""
        changed: dict[str, None] = {}
        for name, slot in self.layout.slots.items():
            cell = row.cells.get(name)
            if not cell:
                continue
            if slot.parameter in record.planned:
                planned = record.planned[slot.parameter]
                if self.layout.agrees(name, cell, planned[slot.member] if slot.member else planned, self.sheet.mark):
                    continue
            changed[slot.parameter] = None
        return {name: self._stated(row, name) for name in changed}

    def _stated(self, row: Row, parameter: str) -> Any:
        """A parameter's value as its cells give it; rounded shares are rescaled to their total."""
        cells = {name: slot for name, slot in self.layout.slots.items() if slot.parameter == parameter}
        if missing := [name for name in cells if not row.cells.get(name)]:
            raise OutOfRange(f"{missing[0]} is empty, and other shares of {parameter} are given; write 0 for what is not in it")
        values = {slot.member: self.layout.value(name, row.cells[name], self.sheet.mark) for name, slot in cells.items()}
        kind = self.problem.space.parameters[parameter]
        if not isinstance(kind, Simplex):
            return values[None]
        added = math.fsum(values.values())
        rounded = 0 < abs(added - kind.total) <= _ROUNDED_SHARES * kind.total * (1 + 1e-9)  # 0.33 + 0.33 + 0.33 is 0.99, in binary nearly
        return {name: share * (kind.total / added) for name, share in values.items()} if rounded else values


def _same_point(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two points are equal up to the rounding of rescaled shares."""

    def same(a: Any, b: Any) -> bool:
        if isinstance(a, Mapping) and isinstance(b, Mapping):
            return _same_point(a, b)
        return math.isclose(a, b, rel_tol=1e-12) if isinstance(a, float) and isinstance(b, float) else bool(a == b)

    return one.keys() == other.keys() and all(same(value, other[name]) for name, value in one.items())


def _trial_of(row: Row) -> int | None:
    cell = row.cells.get("trial", "")
    if not cell:
        return None
    if not cell.isdecimal():
        raise InvalidTell(f"trial is {cell!r}; it is a trial's number, or empty for a point that is added")
    return int(cell)


def _present(event: Event | None) -> list[Event]:
    return [] if event is None else [event]


def _added_before(problem: Problem, ledger: Ledger) -> set[Hashable]:
    """What tells an added point from another: where it is, and what came of it."""
    known: set[Hashable] = set()
    for record in ledger.records:
        if record.origin != "added":
            continue
        try:
            key = problem.space.key(record.params)
        except (BBOError, KeyError):  # a point of an older definition of the space
            continue
        failed = record.reason if record.state is State.FAILED else ""
        known.add((key, tuple(sorted(record.values.items())), failed))
    return known
