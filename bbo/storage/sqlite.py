"""SQLite: one file, many processes on one machine."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa

from bbo.errors import StorageError
from bbo.storage.filesystem import network_filesystem
from bbo.storage.sql import SqlStorage

BUSY_TIMEOUT = 30.0
"""Seconds to wait for other writers."""


def open_sqlite(path: Path) -> SqlStorage:
    """The storage in an SQLite file, which the first write creates.

    Raises:
        StorageError: The path is a folder, its folder is missing or on a network file system, or the file is no database of bbo's.
    """
    path = path.expanduser().absolute()
    try:
        if path.is_dir():
            raise StorageError(f"{path} is a folder; name a file in it, such as {path / 'bbo.db'}")
        if not path.parent.is_dir():
            raise StorageError(f"the folder {path.parent} does not exist; create it first, or name a file elsewhere")
        if path.exists() and not path.is_file():
            raise StorageError(f"{path} is not an ordinary file; name another one")
    except OSError as error:
        raise StorageError(f"{path} cannot be opened: {error.strerror}") from error
    if kind := network_filesystem(path):
        raise StorageError(
            f"{path} is on a network file system ({kind}), where SQLite loses data: its processes must share memory and locks."
            " Use a file on a local disk, or PostgreSQL for workers on several machines: storage='postgresql://user@host/database'"
        )
    return SqlStorage(SqliteDatabase(path))


class SqliteDatabase:
    """A `Database` in a file, in write-ahead mode.

    A commit is on the disk when it returns (``synchronous=FULL``), and readers and the one writer do not wait for each other.

    Never open the file by other means than SQLite in a process that uses it: closing any handle of it drops the process's locks.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.url = f"sqlite:///{quote(str(path), safe='/:')}"
        self.where = str(path)
        self.engine = sa.create_engine(
            sa.URL.create("sqlite", database=str(path)),
            connect_args={"timeout": BUSY_TIMEOUT, "check_same_thread": False},
        )
        sa.event.listen(self.engine, "connect", self._prepare)
        sa.event.listen(self.engine, "checkout", self._check_identity)
        sa.event.listen(self.engine, "begin", _begin)

    def exists(self) -> bool:
        try:
            return self.path.stat().st_size > 0
        except FileNotFoundError:
            return False
        except OSError as error:
            raise StorageError(f"{self.path} cannot be opened: {error.strerror}") from error

    def lock_tables(self, connection: sa.Connection) -> None:
        """Every transaction that writes has the file to itself."""

    def explain(self, error: sa.exc.SQLAlchemyError) -> str:
        original = getattr(error, "orig", None)
        name: str = getattr(original, "sqlite_errorname", "")
        for prefix, message in _EXPLANATIONS.items():
            if name.startswith(prefix):
                return f"{self.path} {message} [{name}: {original}]"
        return f"{self.path}: {original or error}"

    def _prepare(self, connection: sqlite3.Connection, record: sa.pool.ConnectionPoolEntry) -> None:
        connection.isolation_level = None  # the driver begins no transaction by itself: _begin does
        _set_wal(connection)
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA fullfsync = ON")  # macOS: its plain fsync does not empty the disk's cache
        record.info["identity"] = self._identity()

    def _check_identity(self, connection: sqlite3.Connection, record: sa.pool.ConnectionPoolEntry, _fairy: Any) -> None:
        """What is appended to a deleted file would be lost without an error."""
        if record.info["identity"] != self._identity():
            raise StorageError(
                f"{self.path} was moved, replaced or deleted while it was open. Nothing was written;"
                " put it back, or try again for what stands there now"
            )

    def _identity(self) -> tuple[int, int] | None:
        try:
            status = self.path.stat()
        except OSError:
            return None
        return status.st_dev, status.st_ino


def _begin(connection: sa.Connection) -> None:
    # A transaction that read first and wrote later could fail half-way; one that will write takes the lock at once.
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("writes") else "BEGIN")


def _set_wal(connection: sqlite3.Connection) -> None:
    """Turn write-ahead logging on; of an existing file nothing is written.

    While several processes do this to a new file at once, SQLite reports a lock without waiting; hence the loop.
    """
    deadline = time.monotonic() + BUSY_TIMEOUT
    while True:
        try:
            (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
            continue
        if mode != "wal":
            raise StorageError(f"SQLite cannot use write-ahead logging here (journal mode {mode!r}); use a file on a local disk")
        return


_EXPLANATIONS = {
    "SQLITE_BUSY": f"is locked: another process has been writing for {BUSY_TIMEOUT:.0f} s. Nothing was written; end it or try again",
    "SQLITE_PROTOCOL": "is locked by too many processes at once. Nothing was written; try again",
    "SQLITE_FULL": "cannot grow: the disk is full. Nothing was written; free some space and try again",
    "SQLITE_IOERR": "could not be read or written; look for a full disk or quota, a limit on file sizes (ulimit -f)"
    " or a failing disk, then try again. Nothing was written",
    "SQLITE_READONLY": "is read-only. Nothing was written; make the file and its folder writable, or copy it to a folder of yours",
    "SQLITE_CANTOPEN": "cannot be opened; the file and its folder must be readable and writable, as SQLite keeps files beside it",
    "SQLITE_NOTADB": "is not an SQLite database; name another file",
    "SQLITE_CORRUPT": "is damaged; restore a backup, or import a JSON Lines export into a new file",
}
