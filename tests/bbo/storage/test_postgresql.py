"""PostgreSQL: locks, rights and lost connections give their own errors, and the storage works afterwards."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

import bbo.storage.postgresql as module
from bbo.errors import StorageError
from bbo.log.events import Event
from bbo.storage import open_storage

CREATED = Event("created", {"name": "x"})
TOLD = Event("told", {"attempt": 1, "values": {"loss": 0.1}}, trial=0)


@pytest.fixture
def other(postgresql_url: str) -> Iterator[sa.Connection]:
    """Another program's connection to a database that holds the study x."""
    open_storage(postgresql_url).append("x", [CREATED], 0)
    engine = sa.create_engine(sa.make_url(postgresql_url).set(drivername="postgresql+psycopg"), poolclass=sa.NullPool)
    with engine.connect() as connection:
        yield connection


def test_a_locked_study(other: sa.Connection, postgresql_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its readers do not wait, nor do the writers of other studies."""
    monkeypatch.setattr(module, "LOCK_TIMEOUT", 0.1)
    storage = open_storage(postgresql_url)
    storage.append("y", [CREATED], 0)
    other.exec_driver_sql("SELECT id FROM studies WHERE name = 'x' FOR UPDATE")
    with pytest.raises(StorageError, match="is locked: another process has been writing for 30 s. Nothing was written"):
        storage.append("x", [TOLD], 1)
    assert len(storage.read("x")) == 1
    assert storage.append("y", [TOLD], 1)[0].seq == 2
    other.rollback()
    assert storage.append("x", [TOLD], 1)[0].seq == 2


def test_a_connection_lost_between_operations_is_replaced(other: sa.Connection, postgresql_url: str) -> None:
    storage = open_storage(postgresql_url)
    assert len(storage.read("x")) == 1
    terminate_others(other)
    assert storage.append("x", [TOLD], 1)[0].seq == 2


def test_a_connection_lost_during_an_append(other: sa.Connection, postgresql_url: str) -> None:
    storage = open_storage(postgresql_url)
    other.exec_driver_sql("SELECT id FROM studies WHERE name = 'x' FOR UPDATE")
    errors: list[Exception] = []

    def append() -> None:
        try:
            storage.append("x", [TOLD], 1)
        except StorageError as error:
            errors.append(error)

    thread = threading.Thread(target=append)
    thread.start()
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    while other.exec_driver_sql(waiting).scalar() == 0:
        time.sleep(0.01)
    terminate_others(other)
    thread.join()
    assert len(errors) == 1
    assert "the connection was lost. The log holds all of the last write or none; read it and try again" in str(errors[0])
    other.rollback()
    assert len(storage.read("x")) == 1
    assert storage.append("x", [TOLD], 1)[0].seq == 2


def terminate_others(connection: sa.Connection) -> None:
    others = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    assert all(connection.exec_driver_sql(others).scalars())


def test_a_user_without_rights(other: sa.Connection, postgresql_url: str) -> None:
    name = f"reader_{sa.make_url(postgresql_url).database}"
    other.exec_driver_sql(f"CREATE ROLE {name} LOGIN")
    other.commit()
    try:
        address = sa.make_url(postgresql_url).set(username=name).render_as_string(hide_password=False)
        with pytest.raises(StorageError, match="refused: the user may not do this; grant SELECT"):
            open_storage(address)
        other.exec_driver_sql(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {name}")
        other.commit()
        storage = open_storage(address)
        assert len(storage.read("x")) == 1
        with pytest.raises(StorageError, match="refused: the user may not do this"):
            storage.append("x", [TOLD], 1)
        assert len(storage.read("x")) == 1
    finally:
        other.rollback()
        other.exec_driver_sql(f"DROP OWNED BY {name}")
        other.exec_driver_sql(f"DROP ROLE {name}")
        other.commit()


def test_a_database_that_does_not_exist(postgresql_url: str) -> None:
    address = sa.make_url(postgresql_url).set(database="no_such_database").render_as_string(hide_password=False)
    with pytest.raises(StorageError, match='database "no_such_database" does not exist'):
        open_storage(address)


def test_a_read_only_server(postgresql_url: str) -> None:
    open_storage(postgresql_url).append("x", [CREATED], 0)
    address = sa.make_url(postgresql_url).update_query_dict({"options": "-c default_transaction_read_only=on"})
    storage = open_storage(address.render_as_string(hide_password=False))
    assert len(storage.read("x")) == 1
    with pytest.raises(StorageError, match="is read-only. Nothing was written; connect to the primary server"):
        storage.append("x", [TOLD], 1)


def test_passwords_stay_out_of_messages_and_in_the_url(postgresql_url: str) -> None:
    address = sa.make_url(postgresql_url).set(password="hush1").update_query_dict({"password": "hush2"})
    storage = open_storage(address.render_as_string(hide_password=False))
    assert "hush1" in storage.url
    assert "hush2" in storage.url
    with pytest.raises(LookupError) as caught:
        storage.read("x")
    assert "hush" not in str(caught.value)


def test_a_schema_of_its_own(postgresql_url: str) -> None:
    engine = sa.create_engine(sa.make_url(postgresql_url).set(drivername="postgresql+psycopg"), poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE SCHEMA lab")
        connection.exec_driver_sql("CREATE TABLE public.studies (foreign_to_bbo INTEGER)")
    address = sa.make_url(postgresql_url).update_query_dict({"options": "-c search_path=lab"})
    storage = open_storage(address.render_as_string(hide_password=False))
    storage.append("x", [CREATED], 0)
    assert storage.studies() == ["x"]
    assert sorted(sa.inspect(engine).get_table_names(schema="lab")) == ["bbo_schema", "events", "leases", "studies"]


def test_processes_that_create_tables_wait_for_each_other(postgresql_url: str) -> None:
    """The advisory lock is held until the tables stand."""
    engine = sa.create_engine(sa.make_url(postgresql_url).set(drivername="postgresql+psycopg"), poolclass=sa.NullPool)
    storage = open_storage(postgresql_url)
    with engine.begin() as connection:
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(module._TABLES_LOCK)))
        thread = threading.Thread(target=lambda: storage.append("x", [CREATED], 0))
        thread.start()
        while not connection.exec_driver_sql("SELECT count(*) FROM pg_locks WHERE NOT granted").scalar():
            time.sleep(0.01)
        assert sa.inspect(connection).get_table_names() == []
    thread.join()
    assert storage.studies() == ["x"]
