"""The conformance kit for storages."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from bbo.errors import InvalidStudy, StorageError, StudyNotFound
from bbo.log.events import SCHEMA, Event
from bbo.storage.base import Conflict, Storage

WRITERS, APPENDS = 4, 10


def check_storage(make: Callable[[], Storage]) -> None:
    """Check that a storage keeps the contract of `bbo.storage.base.Storage`.

    Args:
        make: Returns an open storage. It is called once for each check; whether the storages share their logs does not matter, but none
            may hold a study whose name begins with ``check_storage``.

    Raises:
        AssertionError: The contract is broken; the message says where. What the storage raises against the contract may come through too.
    """
    for check in _CHECKS:
        storage = make()
        try:
            check(storage)
        finally:
            storage.close()


def _created(study: str) -> Event:
    return Event("created", {"name": study}, time=1.5)


@contextmanager
def _raises(error: type[Exception], what: str) -> Iterator[None]:
    try:
        yield
    except error:
        return
    except Exception as other:
        raise AssertionError(f"{what} must raise {error.__name__}, not {type(other).__name__}") from other
    raise AssertionError(f"{what} must raise {error.__name__}")


def _check_round_trip(storage: Storage) -> None:
    assert storage.url, "a storage must say how to reach it again ('memory' where that is impossible)"
    study = "check_storage round trip: °C 'quoted\" 100%"
    body: dict[str, Any] = {
        "tuple": (1, 2.5),
        "floats": [0.1, 1e-300, 5e-324, -1.7976931348623157e308, 1 / 3],
        "nested": {"a": [None, True, {"b": "x"}], "": 2**70},
        "text": "Å\x00\n\u2028\ud800",
    }
    events = [_created(study), Event("asked", body, trial=0, time=1763000000.123456), Event("stopped", {})]
    appended = storage.append(study, events, 0)
    assert [event.seq for event in appended] == [1, 2, 3], "append must number the events from after + 1"
    assert [(event.kind, event.trial, event.time) for event in appended] == [(event.kind, event.trial, event.time) for event in events], (
        "kind, trial and time must come back as they were appended"
    )
    assert appended[1].body == {**body, "tuple": [1, 2.5], "v": SCHEMA}, "a body must come back as the JSON it is, with its schema number"
    assert storage.read(study) == appended, "read must return what append returned"


def _check_isolation_from_callers(storage: Storage) -> None:
    study = "check_storage isolation"
    body = {"values": [1]}
    storage.append(study, [Event("created", body)], 0)
    body["values"].append(2)
    storage.read(study)[0].body["values"].append(3)
    assert storage.read(study)[0].body["values"] == [1], "changing a body after it was appended or read must not change the log"


def _check_tail(storage: Storage) -> None:
    study = "check_storage tail"
    storage.append(study, [_created(study)], 0)
    for seq in range(1, 5):
        storage.append(study, [Event("asked", {"n": seq}, trial=seq)], seq)
    everything = storage.read(study)
    for after in range(6):
        assert storage.read(study, after) == everything[after:], f"read(after={after}) must return the events with seq > {after}, in order"
    assert storage.read(study, 99) == [], "read beyond the end must return nothing"


def _check_conflict(storage: Storage) -> None:
    study = "check_storage conflict"
    log = storage.append(study, [_created(study), Event("asked", {}, trial=0)], 0)
    for after in (0, 1, 3):
        with _raises(Conflict, f"append(after={after}) to a log of 2 events"):
            storage.append(study, [Event("told", {}, trial=0)], after)
        assert storage.read(study) == log, f"a conflict (after={after}) must leave the log as it was"
    assert [event.seq for event in storage.append(study, [Event("told", {}, trial=0)], 2)] == [3], "append must work after a conflict"


def _check_unknown_study(storage: Storage) -> None:
    study = "check_storage unknown"
    before = storage.studies()
    calls: dict[str, Callable[[], object]] = {
        "read": lambda: storage.read(study),
        "append(after=1)": lambda: storage.append(study, [Event("told", {}, trial=0)], 1),
        "renew": lambda: storage.renew(study, {(0, 1): 1.0}),
        "leases": lambda: storage.leases(study),
    }
    for name, call in calls.items():
        with _raises(StudyNotFound, f"{name} of a study that does not exist"):
            call()
    assert storage.append(study, [], 0) == [], "appending no events must return none"
    assert storage.studies() == before, "none of these may create a study"


def _check_refusals(storage: Storage) -> None:
    study = "check_storage refusals"
    good = Event("asked", {}, trial=0)
    bad: list[tuple[Event, type[Exception]]] = [
        (Event("told", {"value": float("nan")}, trial=0), ValueError),
        (Event("told", {"value": float("inf")}, trial=0), ValueError),
        (Event("told", {"value": object()}, trial=0), TypeError),
        (Event("tolled", {}, trial=0), StorageError),
        (Event("told", {}, trial=0, time=float("nan")), StorageError),
    ]
    for event, error in bad:
        with _raises(error, f"append of {event}"):
            storage.append(study, [_created(study), good, event], 0)
    assert study not in storage.studies(), "a refused append must not create the study"
    log = storage.append(study, [_created(study)], 0)
    for event, error in bad:
        with _raises(error, f"append of {event}"):
            storage.append(study, [good, event], 1)
    assert storage.read(study) == log, "a refused append must write none of its events"
    for name in ("", "two\nlines", "\x00", "\ud800"):
        with _raises(InvalidStudy, f"creation of a study named {name!r}"):
            storage.append(name, [_created(name)], 0)


def _check_studies(storage: Storage) -> None:
    names = [f"check_storage studies {letter}" for letter in "bca"]
    for name in names:
        storage.append(name, [_created(name)], 0)
    for seq in (1, 2):
        for name in names:
            storage.append(name, [Event("enqueued", {"of": name}, trial=seq)], seq)
    assert [name for name in storage.studies() if name in names] == names, "studies must come in order of creation"
    for name in names:
        assert [event.body.get("of") for event in storage.read(name, 1)] == [name, name], "each study must have a log of its own"


def _check_leases(storage: Storage) -> None:
    study, other = "check_storage leases", "check_storage leases of another"
    for name in (study, other):
        storage.append(name, [_created(name)], 0)
    assert storage.leases(study) == {}, "a new study has no leases"
    storage.renew(study, {(0, 1): 1000.25, (1, 1): 1001.0})
    storage.renew(study, {(1, 1): 1002.0, (1, 2): 1003.0})
    storage.renew(study, {})
    assert storage.leases(study) == {(0, 1): 1000.25, (1, 1): 1002.0, (1, 2): 1003.0}, (
        "the latest renewal of each (trial, attempt) must stand"
    )
    assert storage.leases(other) == {}, "leases of one study must not appear in another"
    assert len(storage.read(study)) == 1, "renewals must not enter the log"


def _check_close(storage: Storage) -> None:
    study = "check_storage close"
    log = storage.append(study, [_created(study)], 0)
    storage.close()
    storage.close()
    assert storage.read(study) == log, "a closed storage must be usable again"


def _check_threads(storage: Storage) -> None:
    study = "check_storage threads"
    log: Sequence[Event] = storage.append(study, [_created(study)], 0)
    errors: list[BaseException] = []
    done = threading.Event()

    def write(writer: int) -> None:
        for k in range(APPENDS):
            after = 1
            while True:
                try:
                    storage.append(study, [Event("asked", {"writer": writer, "k": k}), Event("told", {"writer": writer, "k": k})], after)
                    break
                except Conflict:
                    after = storage.read(study)[-1].seq

    def watch() -> None:
        seen: list[Event] = []
        while not done.is_set():
            now = storage.read(study)
            assert now[: len(seen)] == seen, "what was read once must stay as it was"
            assert len(now) % 2 == 1, "a reader must see all events of an append, or none"
            seen = now

    def guarded(run: Callable[[], None]) -> Callable[[], None]:
        def target() -> None:
            try:
                run()
            except BaseException as error:  # noqa: BLE001 - raised again below, in the caller's thread
                errors.append(error)

        return target

    watcher = threading.Thread(target=guarded(watch))
    writers = [threading.Thread(target=guarded(lambda writer=writer: write(writer))) for writer in range(WRITERS)]  # type: ignore[misc]
    watcher.start()
    for thread in writers:
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    watcher.join()
    if errors:
        raise errors[0]
    log = storage.read(study)
    assert [event.seq for event in log] == list(range(1, 2 + 2 * WRITERS * APPENDS)), "concurrent appends must leave no gap"
    for writer in range(WRITERS):
        mine = [event.body["k"] for event in log[1:] if event.body["writer"] == writer and event.kind == "told"]
        assert mine == list(range(APPENDS)), "every append that returned must stand in the log, once and in the writer's order"


_CHECKS = (
    _check_round_trip,
    _check_isolation_from_callers,
    _check_tail,
    _check_conflict,
    _check_unknown_study,
    _check_refusals,
    _check_studies,
    _check_leases,
    _check_close,
    _check_threads,
)
