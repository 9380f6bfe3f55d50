"""Finished studies that another one learns from: how they are named, and how their trials are copied into its log.

They are copied as `transferred` events, one for each, and not as trials: what was measured then is not of this study, so it is never
its best, does not count, and only an optimizer that asks for it sees it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bbo.errors import InvalidStudy, OutOfRange, StudyNotFound
from bbo.log.events import Event
from bbo.log.ledger import Ledger, Record, empty, outcome_names
from bbo.log.states import State

if TYPE_CHECKING:
    from os import PathLike

    from bbo.optimizers.base import Optimizer
    from bbo.problem import Problem
    from bbo.storage.base import Storage

MOST = 5
"""Of how many studies one learns: each has a process of its own in the model."""

_HELD: dict[str, Storage] = {}
"""Where studies are that were given as objects, by the keys of their entries: in memory, or behind a password that is not stored."""


@dataclass(frozen=True)
class PriorStudy:
    """A finished study to learn from.

    Args:
        study: Its name.
        storage: A path or URL; None means that of the study which learns.
        defaults: The values that its trials were run with of parameters which it does not have and the study which learns has.

    Raises:
        InvalidStudy: An argument is of another type.
    """

    study: str
    storage: str | PathLike[str] | None = None
    defaults: Mapping[str, Any] = field(default_factory=empty)

    def __post_init__(self) -> None:
        from os import fspath

        if not isinstance(self.study, str) or not self.study.strip():
            raise InvalidStudy(f"prior_studies: {self.study!r} is no name of a study")
        try:
            object.__setattr__(self, "storage", None if self.storage is None else fspath(self.storage))
        except TypeError:
            raise InvalidStudy(f"prior_studies: storage={self.storage!r} is no path or URL") from None
        if not isinstance(self.defaults, Mapping):
            raise InvalidStudy(f"prior_studies: defaults={self.defaults!r} is no mapping of parameters to their values")


def canonical(given: Any) -> list[dict[str, Any]] | None:
    """The setting `prior_studies` as plain JSON, one entry a study.

    Args:
        given: Names, `PriorStudy` objects, studies, or entries as returned; or None.

    Returns:
        None where there are none.

    Raises:
        InvalidStudy: It is no sequence of these, of up to `MOST`, all different.
    """
    if given is None:
        return None
    if isinstance(given, str | Mapping) or not isinstance(given, Sequence):
        raise InvalidStudy(f"prior_studies is {given!r}; it is a list of names of studies, of bbo.PriorStudy or of studies")
    entries = [_entry(item) for item in given]
    if len(entries) > MOST:
        raise InvalidStudy(f"prior_studies has {len(entries)} entries; {MOST} at most can be learned from")
    if len({key(entry) for entry in entries}) < len(entries):
        raise InvalidStudy("prior_studies names a study twice")
    return entries or None


def key(entry: Mapping[str, Any]) -> str:
    """Equal for equal entries."""
    return json.dumps(entry, sort_keys=True)


def label(entry: Mapping[str, Any]) -> str:
    """What a study is called in messages."""
    place = entry.get("storage")
    return repr(entry["study"]) if place in (None, "memory") else f"{entry['study']!r} of {place}"


def _entry(item: Any) -> dict[str, Any]:
    match item:
        case str():
            return _entry(PriorStudy(item))
        case PriorStudy():
            return {"study": item.study, "storage": item.storage, "defaults": dict(item.defaults)}
        case {"study": str(), "storage": "memory", "sha256": str(), **rest} if rest.keys() <= {"defaults"}:
            return {"defaults": {}, **item}
        case Mapping() if "study" in item and item.keys() <= {"study", "storage", "defaults"}:
            return _entry(PriorStudy(**item))
    from bbo.storage.base import shown
    from bbo.study import Study

    if not isinstance(item, Study):
        raise InvalidStudy(f"prior_studies: {item!r} is no name of a study, no bbo.PriorStudy and no study")
    entry: dict[str, Any] = {"study": item.name, "storage": shown(item.storage.url), "defaults": {}}
    if entry["storage"] == "memory":
        entry["sha256"] = _digest(item.storage.read(item.name, 0))  # many are called "study"
    _HELD[key(entry)] = item.storage
    return entry


def _digest(log: Sequence[Event]) -> str:
    """Equal for logs that say the same of the same points."""
    said = [(event.trial, event.kind, event.body) for event in log if event.kind in ("added", "asked", "told", "amended")]
    points = [(trial, kind, {key: body[key] for key in ("params", "values") if key in body}) for trial, kind, body in said]
    return hashlib.sha256(json.dumps(points, sort_keys=True).encode()).hexdigest()


def transfers(optimizer: Optimizer, problem: Problem, storage: Storage, ledger: Ledger | None = None) -> list[Event]:
    """The events that copy in what an optimizer is to learn from, without those that a log has already.

    Args:
        optimizer: Its setting `prior_studies` names the studies, where it has one.
        problem: What the study that learns is about.
        storage: Where that study is.
        ledger: Its log so far.

    Raises:
        StudyNotFound: There is no such study. InvalidStudy: It does not fit, with the reason.
    """
    there = {key(body["source"]) for body in ledger.transferred} if ledger is not None else set()
    entries = [entry for entry in getattr(optimizer, "prior_studies", None) or () if key(entry) not in there]
    return [Event("transferred", _copied(entry, _read(entry, storage), problem)) for entry in entries]


def _read(entry: Mapping[str, Any], own: Storage) -> Ledger:
    """The log of a study, folded."""
    from bbo.storage import open_storage

    name, place = entry["study"], entry["storage"]
    held = _HELD.get(key({**entry, "defaults": {}}))
    if held is None and place == "memory":
        raise StudyNotFound(f"prior_studies: the study {name!r} was in the memory of another process; keep it in a storage")
    opened = held or (own if place is None else open_storage(place))
    try:
        if name not in (names := opened.studies()):
            where = place or "the storage of this study"
            raise StudyNotFound(f"prior_studies: no study {name!r} in {where}; it holds: {', '.join(names) or 'none'}")
        ledger = Ledger()
        for event in opened.read(name, 0):
            ledger.apply(event)
    finally:
        if opened not in (held, own):
            opened.close()
    return ledger


def _copied(entry: Mapping[str, Any], ledger: Ledger, problem: Problem) -> dict[str, Any]:
    """The body of the event."""
    shared = [name for name in problem.outcomes if name in outcome_names(ledger.definition)]
    if missing := [o.name for o in problem.objectives if o.name not in shared]:
        measured = ", ".join(map(repr, outcome_names(ledger.definition)))
        raise InvalidStudy(f"prior_studies: {label(entry)} has not measured {missing[0]!r}; it has {measured}")
    known_sd = {objective["name"]: objective.get("sd") for objective in ledger.definition["objectives"]}
    dropped = _check_names(entry, ledger, problem)
    trials, reason, skipped = list[dict[str, Any]](), "", 0
    for record in ledger.records:
        if record.state is not State.DONE or not set(shared) <= record.values.keys():
            continue
        try:
            params = _fitted(record, entry["defaults"], dropped, problem)
        except OutOfRange as error:
            reason, skipped = reason or str(error), skipped + 1
            continue
        sd = {name: value for name in shared if (value := record.sd.get(name, known_sd.get(name))) is not None}
        trials.append({"params": params, "values": {name: record.values[name] for name in shared}, "sd": sd})
    if not trials:
        raise InvalidStudy(f"prior_studies: {label(entry)} has no finished trial that fits{': ' + reason if reason else ''}")
    return {"source": dict(entry), "events": ledger.seq, "trials": trials, "skipped": skipped, "reason": reason}


def _check_names(entry: Mapping[str, Any], ledger: Ledger, problem: Problem) -> set[str]:
    """Refuse parameters that only one of the studies has; those that had one value only and can be left out."""
    theirs, space = _parameters(ledger.definition["space"]), problem.space
    extra = {name for name in theirs if name not in space.parameters}
    if varied := [name for name in extra if "fixed" not in theirs[name]]:
        raise InvalidStudy(
            f"prior_studies: {label(entry)} has varied {min(varied)!r}, which is no parameter here; add it to the space, and if it has one "
            f"value now, fix it at each ask: ask(fixed={{{min(varied)!r}: ...}})"
        )
    given = entry["defaults"]
    if unknown := [name for name in given if name not in space.parameters or name in theirs]:
        why = "has it in its trials" if unknown[0] in theirs else "and this study have no such parameter"
        raise InvalidStudy(f"prior_studies: a default is given for {unknown[0]!r}, and {label(entry)} {why}")
    new = [name for name in space.names if name not in theirs and name not in given and space.parameters[name].tag != "fixed"]
    if new:
        raise InvalidStudy(
            f"prior_studies: {label(entry)} has no parameter {new[0]!r}; say what it was run with: "
            f"bbo.PriorStudy({entry['study']!r}, defaults={{{new[0]!r}: ...}})"
        )
    return extra


def _parameters(space: Mapping[str, Any]) -> Mapping[str, Any]:
    from bbo.space.serialization import split_space

    return split_space(space)[0]


def _fitted(record: Record, defaults: Mapping[str, Any], dropped: set[str], problem: Problem) -> dict[str, Any]:
    """A trial's point in the space of the study that learns, perhaps out of range.

    Raises:
        OutOfRange: It is none: another choice, another branch.
    """
    point = {name: value for name, value in record.params.items() if name not in dropped}
    active = problem.space.active({**defaults, **point})
    point |= {name: value for name, value in defaults.items() if name in active}
    return problem.space.validate(point, outside=True, what=f"trial {record.number}")


def described(bodies: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """A line for each `transferred` event, for `study.explain()`."""
    for body in bodies:
        left = f"; {body['skipped']} more did not fit ({body['reason']})" if body["skipped"] else ""
        trials, events = len(body["trials"]), body["events"]
        yield f"Copied in: {trials} trials of study {label(body['source'])}, from the first {events} events of its log{left}."
