"""A storage in an SQL database, on SQLAlchemy Core."""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Protocol

import sqlalchemy as sa

from bbo.errors import StorageError
from bbo.log.events import Event
from bbo.storage.base import Conflict
from bbo.storage.forks import ForkGate
from bbo.storage.rows import FORGOTTEN_AFTER, Row, not_found, to_events, to_rows

TABLES = 1
"""Number of the table layout below; a database of a newer one is refused."""

metadata = sa.MetaData()

studies_table = sa.Table(
    "studies",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),
)

events_table = sa.Table(
    "events",
    metadata,
    sa.Column("study", sa.ForeignKey("studies.id"), primary_key=True),
    sa.Column("seq", sa.Integer, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("trial", sa.Integer),
    sa.Column("time", sa.Double, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
)

leases_table = sa.Table(
    "leases",
    metadata,
    sa.Column("study", sa.ForeignKey("studies.id"), primary_key=True),
    sa.Column("trial", sa.Integer, primary_key=True),
    sa.Column("attempt", sa.Integer, primary_key=True),
    sa.Column("until", sa.Double, nullable=False),
)

bbo_schema = sa.Table("bbo_schema", metadata, sa.Column("number", sa.Integer, primary_key=True, autoincrement=False))

# One statement for both databases; SQLAlchemy has only dialect-specific constructs for it.
_UPSERT_LEASE = sa.text(
    "INSERT INTO leases (study, trial, attempt, until) VALUES (:study, :trial, :attempt, :until)"
    " ON CONFLICT (study, trial, attempt) DO UPDATE SET until = excluded.until"
)


class Database(Protocol):
    """What differs between the databases."""

    url: str
    where: str
    """How messages name it: without a password."""

    engine: sa.Engine
    """Begins a transaction that will write, marked by the execution option ``writes``, so that a second writer waits for it."""

    def exists(self) -> bool:
        """Whether there is a database to read at all. Nothing is created by asking."""
        ...

    def lock_tables(self, connection: sa.Connection) -> None:
        """Keep other processes from creating the tables until the transaction ends."""
        ...

    def explain(self, error: sa.exc.SQLAlchemyError) -> str:
        """What went wrong and what would help."""
        ...


class SqlStorage:
    """Logs in the tables above; the `Storage` contract says what its methods do.

    Safe with threads, and with processes that fork or spawn. The first `append` creates the tables; reading creates nothing.

    Args:
        database: SQLite or PostgreSQL.

    Raises:
        StorageError: It cannot be reached, was made by a newer bbo, or belongs to another program.
    """

    def __init__(self, database: Database) -> None:
        self.url = database.url
        self._database = database
        self._gate = ForkGate(database.engine.dispose)
        self._tables_seen = False
        weakref.finalize(self, database.engine.dispose)
        self.studies()

    def append(self, study: str, events: Sequence[Event], after: int) -> list[Event]:
        rows = to_rows(study, events, after)
        numbered = to_events(study, rows, after)
        if not rows:
            return []
        if after == 0:
            self._create_tables()
            with self._transaction() as connection:  # whoever opens an existing study need not wait for writers
                if connection.scalar(_id_of(study)) is not None:
                    raise Conflict
            with self._transaction(writes=True) as connection:
                try:
                    connection.execute(sa.insert(studies_table).values(name=study))
                except sa.exc.IntegrityError as error:
                    raise Conflict from error
                _insert(connection, connection.scalars(_id_of(study)).one(), rows)
        else:
            with self._study(study, writes=True) as (connection, number):
                last = connection.scalar(sa.select(sa.func.max(events_table.c.seq)).where(events_table.c.study == number))
                if last != after:
                    raise Conflict
                _insert(connection, number, rows)
        return numbered

    def read(self, study: str, after: int = 0) -> list[Event]:
        table = events_table.c
        with self._study(study) as (connection, number):
            query = sa.select(table.seq, table.kind, table.trial, table.time, table.body)
            rows = connection.execute(query.where(table.study == number, table.seq > after).order_by(table.seq)).all()
        return to_events(study, rows, after)

    def studies(self) -> list[str]:
        if not self._database.exists():
            return []
        with self._transaction() as connection:
            return self._names(connection)

    def renew(self, study: str, leases: Mapping[tuple[int, int], float]) -> None:
        if not leases:
            return
        with self._study(study, writes=True) as (connection, number):
            rows = [{"study": number, "trial": trial, "attempt": attempt, "until": until} for (trial, attempt), until in leases.items()]
            connection.execute(_UPSERT_LEASE, rows)
            horizon = min(leases.values()) - FORGOTTEN_AFTER
            connection.execute(sa.delete(leases_table).where(leases_table.c.study == number, leases_table.c.until < horizon))

    def leases(self, study: str) -> dict[tuple[int, int], float]:
        table = leases_table.c
        with self._study(study) as (connection, number):
            rows = connection.execute(sa.select(table.trial, table.attempt, table.until).where(table.study == number))
            return {(trial, attempt): until for trial, attempt, until in rows}

    def close(self) -> None:
        with self._gate.operation():
            self._database.engine.dispose()
            self._tables_seen = False

    @contextmanager
    def _transaction(self, *, writes: bool = False) -> Iterator[sa.Connection]:
        """One transaction: committed at the end of the block, rolled back on any error."""
        try:
            with (
                self._gate.operation(),
                self._database.engine.connect().execution_options(writes=writes) as connection,
                connection.begin(),
            ):
                yield connection
        except StorageError:
            self._tables_seen = False  # for all we know another database stands there now
            raise
        except sa.exc.SQLAlchemyError as error:
            self._tables_seen = False
            raise StorageError(self._database.explain(error)) from error

    @contextmanager
    def _study(self, study: str, *, writes: bool = False) -> Iterator[tuple[sa.Connection, int]]:
        """A transaction and the study's id; one that writes has the study to itself."""
        if not self._database.exists():
            raise not_found(study, [], self._database.where)
        with self._transaction(writes=writes) as connection:
            number = None
            if self._has_tables(connection):
                number = connection.scalar(_id_of(study).with_for_update() if writes else _id_of(study))
            if number is None:
                raise not_found(study, self._names(connection), self._database.where)
            yield connection, number

    def _names(self, connection: sa.Connection) -> list[str]:
        if not self._has_tables(connection):
            return []
        return list(connection.scalars(sa.select(studies_table.c.name).order_by(studies_table.c.id)))

    def _has_tables(self, connection: sa.Connection) -> bool:
        if self._tables_seen:
            return True
        names = set(sa.inspect(connection).get_table_names())
        if bbo_schema.name not in names:
            if foreign := names & metadata.tables.keys():
                raise StorageError(
                    f"{self._database.where} holds the tables {', '.join(sorted(foreign))} of another program; give bbo its own database"
                )
            return False
        number = connection.scalars(sa.select(bbo_schema.c.number)).one()
        if number > TABLES:
            raise StorageError(
                f"{self._database.where} has table layout {number}, made by a newer bbo; this one knows {TABLES}: upgrade bbo-platform"
            )
        self._tables_seen = True
        return True

    def _create_tables(self) -> None:
        if self._tables_seen:
            return
        with self._transaction(writes=True) as connection:
            self._database.lock_tables(connection)
            if not self._has_tables(connection):
                metadata.create_all(connection)
                connection.execute(sa.insert(bbo_schema).values(number=TABLES))


def _id_of(study: str) -> sa.Select[int]:
    return sa.select(studies_table.c.id).where(studies_table.c.name == study)


def _insert(connection: sa.Connection, study: int, rows: Sequence[Row]) -> None:
    connection.execute(
        sa.insert(events_table),
        [{"study": study, "seq": seq, "kind": kind, "trial": trial, "time": time, "body": body} for seq, kind, trial, time, body in rows],
    )
