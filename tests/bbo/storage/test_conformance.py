"""Every storage keeps the contract, and the kit notices when one does not."""

from __future__ import annotations

import math
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bbo.errors import StorageError
from bbo.log.events import SCHEMA, Event
from bbo.storage import Conflict, Storage, open_storage
from bbo.storage.memory import MemoryStorage
from bbo.storage.rows import FORGOTTEN_AFTER
from bbo.testing.storage import check_storage


def test_it_keeps_the_contract(make) -> None:
    check_storage(make)


class Renumbers(MemoryStorage):
    """Appends wherever the log ends."""

    def append(self, study, events, after):
        return super().append(study, events, len(self._logs.get(study, [])))


class WritesHalf(MemoryStorage):
    """Writes the events of an append one by one."""

    def append(self, study, events, after):
        return [super(WritesHalf, self).append(study, [event], after + i)[0] for i, event in enumerate(events)]


class SharesBodies(MemoryStorage):
    """Gives everybody the same dictionaries."""

    def __init__(self):
        super().__init__()
        self._kept = {}

    def read(self, study, after=0):
        events = self._kept.setdefault(study, [])
        events += super().read(study, len(events))
        return events[after:]


class ForgetsOnClose(MemoryStorage):
    def close(self):
        self._logs.clear()


class MixesLeases(MemoryStorage):
    def leases(self, study):
        return (
            {key: until for leases in self._leases.values() for key, until in leases.items()} if super().leases(study) is not None else {}
        )


class ChecksOutsideTheLock(MemoryStorage):
    """Two writers may both find the log as long as they believed."""

    def append(self, study, events, after):
        import time

        from bbo.storage.rows import to_events, to_rows

        if after != len(self._logs.get(study, [])) or not events or after == 0:
            return super().append(study, events, after)
        rows = to_rows(study, events, after)
        time.sleep(0.001)
        self._logs[study].extend(rows)
        return to_events(study, rows, after)


@pytest.mark.parametrize("broken", [Renumbers, WritesHalf, SharesBodies, ForgetsOnClose, MixesLeases, ChecksOutsideTheLock])
def test_the_kit_notices(broken) -> None:
    with pytest.raises((AssertionError, LookupError, StorageError)):
        check_storage(broken)


json_bodies = st.dictionaries(
    st.text().filter(lambda key: key != "v"),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(st.characters(codec=None)),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(codec=None)), inner, max_size=3),
        max_leaves=8,
    ),
    max_size=4,
)


@pytest.fixture(scope="module")
def counter() -> list[int]:
    return [0]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50, derandomize=True)
@given(body=json_bodies, time=st.floats(allow_nan=False, allow_infinity=False), trial=st.none() | st.integers(0, 2**31 - 1))
def test_any_event_comes_back_as_it_went(
    storage: Storage, counter: list[int], body: dict[str, Any], time: float, trial: int | None
) -> None:
    counter[0] += 1
    study = f"any {counter[0]}"
    (event,) = storage.append(study, [Event("asked", body, trial, time)], 0)
    assert storage.read(study) == [event] == [Event("asked", {"v": SCHEMA, **body}, trial, time, 1)]


def test_what_ended_long_ago_is_forgotten(storage: Storage) -> None:
    storage.append("x", [Event("created", {})], 0)
    storage.renew("x", {(0, 1): 100.0, (1, 1): 200.0})
    storage.renew("x", {(2, 1): 200.0 + FORGOTTEN_AFTER})
    assert storage.leases("x") == {(1, 1): 200.0, (2, 1): 200.0 + FORGOTTEN_AFTER}


def test_a_long_log_is_read_whole_and_in_order(storage: Storage) -> None:
    events = [Event("created", {}), *(Event("told", {"values": {"loss": math.sqrt(n)}}, trial=n) for n in range(5000))]
    storage.append("long", events, 0)
    log = storage.read("long")
    assert [event.seq for event in log] == list(range(1, 5002))
    assert [event.body["values"]["loss"] for event in log[1:]] == [math.sqrt(n) for n in range(5000)]


@pytest.fixture
def engine(url: str):
    """Another program's connection to the database of `url`."""
    engine = sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:"), poolclass=sa.NullPool)
    yield engine
    engine.dispose()


def test_a_newer_table_layout_is_refused(url: str, engine: sa.Engine) -> None:
    open_storage(url).append("x", [Event("created", {})], 0)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE bbo_schema SET number = 2")
    with pytest.raises(StorageError, match="table layout 2, made by a newer bbo; this one knows 1: upgrade"):
        open_storage(url)


def test_a_newer_event_is_refused_with_its_place(url: str, engine: sa.Engine) -> None:
    storage = open_storage(url)
    storage.append("x", [Event("created", {}), Event("asked", {}, trial=0)], 0)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"""UPDATE events SET body = '{{"v":{SCHEMA + 1}}}' WHERE seq = 2""")
    with pytest.raises(StorageError, match="study 'x', event 2: event of schema 2, written by a newer bbo"):
        storage.read("x")


@pytest.mark.parametrize("body", ["", "{", "[1]", "nonsense", '{"v": "one"}', '{"v": -1}', '{"v": null}'])
def test_a_damaged_body_is_an_error_with_its_place(url: str, engine: sa.Engine, body: str) -> None:
    storage = open_storage(url)
    storage.append("x", [Event("created", {}), Event("asked", {}, trial=0)], 0)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE events SET body = :body WHERE seq = 2"), {"body": body})
    with pytest.raises(StorageError, match="study 'x', event 2: "):
        storage.read("x")


def test_a_gap_is_an_error(url: str, engine: sa.Engine) -> None:
    storage = open_storage(url)
    storage.append("x", [Event("created", {}), Event("asked", {}, trial=0), Event("told", {}, trial=0)], 0)
    with engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM events WHERE seq = 2")
    with pytest.raises(StorageError, match="study 'x': event 2 is missing, 3 stands in its place"):
        storage.read("x")


def test_tables_of_another_program_are_left_alone(url: str, engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE studies (study_id INTEGER, study_name TEXT)")
    with pytest.raises(StorageError, match="holds the tables studies of another program"):
        open_storage(url)
    with engine.begin() as connection:
        assert sa.inspect(connection).get_table_names() == ["studies"]


def test_other_tables_beside_ours_do_not_matter(url: str, engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE unrelated (id INTEGER)")
    storage = open_storage(url)
    assert storage.studies() == []
    storage.append("x", [Event("created", {})], 0)
    assert storage.studies() == ["x"]


def test_reading_creates_nothing(url: str, engine: sa.Engine, tmp_path) -> None:
    storage = open_storage(url)
    assert storage.studies() == []
    with pytest.raises(LookupError, match="which holds none"):
        storage.read("x")
    assert list(tmp_path.iterdir()) == []
    assert sa.inspect(engine).get_table_names() == []


def test_a_second_storage_sees_the_first(url: str) -> None:
    first, second = open_storage(url), open_storage(url)
    log = first.append("x", [Event("created", {})], 0)
    assert second.read("x") == log
    with pytest.raises(Conflict):
        second.append("x", [Event("created", {})], 0)
    log += second.append("x", [Event("asked", {}, trial=0)], 1)
    assert first.read("x") == log == open_storage(first.url).read("x")
