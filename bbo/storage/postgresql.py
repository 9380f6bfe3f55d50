"""PostgreSQL: a server, many machines."""

from __future__ import annotations

import sqlalchemy as sa

from bbo.errors import StorageError
from bbo.storage.sql import SqlStorage

LOCK_TIMEOUT = 30
"""Seconds to wait for other writers of the same study."""

CONNECT_TIMEOUT = 10
"""Seconds to wait for the server, unless the address says otherwise (``?connect_timeout=``)."""

_TABLES_LOCK = 0x62626F  # "bbo": the advisory lock's number


def open_postgresql(url: str) -> SqlStorage:
    """The storage in a PostgreSQL database, in the first schema of the search path.

    Raises:
        StorageError: The address is malformed, the driver is missing, the server cannot be reached, or the database is no place for bbo.
    """
    try:
        address = sa.make_url(url).set(drivername="postgresql+psycopg")
    except (sa.exc.ArgumentError, ValueError) as error:
        raise StorageError("the PostgreSQL address is malformed; write postgresql://user:password@host:5432/database") from error
    try:
        return SqlStorage(PostgresqlDatabase(address))
    except ModuleNotFoundError as error:
        if error.name != "psycopg":
            raise
        raise StorageError("PostgreSQL needs the driver psycopg: pip install 'bbo-platform[postgres]'") from error


class PostgresqlDatabase:
    """A `Database` on a server. A writer locks the row of its study, so that studies do not wait for each other."""

    def __init__(self, address: sa.URL) -> None:
        public = address.set(drivername="postgresql")
        self.url = public.render_as_string(hide_password=False)
        self.where = public.difference_update_query(["password"]).render_as_string(hide_password=True)
        patience = {} if "connect_timeout" in address.query else {"connect_timeout": CONNECT_TIMEOUT}
        # READ COMMITTED: the statement after the lock sees what the lock waited for.
        self.engine = sa.create_engine(address, isolation_level="READ COMMITTED", pool_pre_ping=True, connect_args=patience)
        sa.event.listen(self.engine, "begin", _begin)

    def exists(self) -> bool:
        return True

    def lock_tables(self, connection: sa.Connection) -> None:
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_TABLES_LOCK)))

    def explain(self, error: sa.exc.SQLAlchemyError) -> str:
        original = getattr(error, "orig", None)
        reason = " ".join(str(original or error).split())
        state = getattr(original, "sqlstate", None) or ""
        for prefix, message in _EXPLANATIONS.items():
            if state.startswith(prefix):
                return f"{self.where} {message} [{reason}]"
        if isinstance(error, sa.exc.DBAPIError) and error.connection_invalidated:
            return f"{self.where}: the connection was lost. The log holds all of the last write or none; read it and try again [{reason}]"
        if isinstance(error, sa.exc.OperationalError) and not state:
            return f"{self.where} cannot be reached; see whether the server runs, and check host, port, user and password [{reason}]"
        return f"{self.where}: {reason}"


def _begin(connection: sa.Connection) -> None:
    if connection.get_execution_options().get("writes"):
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}s'")


_EXPLANATIONS = {
    "55P03": f"is locked: another process has been writing for {LOCK_TIMEOUT} s. Nothing was written; end that process or try again",
    "53100": "cannot grow: the server's disk is full. Nothing was written; free some space and try again",
    "53300": "has no connection left; close some, or raise max_connections",
    "25006": "is read-only. Nothing was written; connect to the primary server",
    "42501": "refused: the user may not do this; grant SELECT, INSERT, UPDATE and DELETE on the tables (CREATE on the schema to make them)",
    "3D": "does not exist; create the database first (createdb)",
    "28": "refused the user or the password",
}
