"""Where logs are kept: memory, SQLite, PostgreSQL."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import unquote

from bbo.errors import StorageError, Unsupported
from bbo.storage.base import Conflict, Storage

__all__ = ["Conflict", "Storage", "open_storage"]


def open_storage(target: str | os.PathLike[str] | Storage | None) -> Storage:
    """Open a storage; what is open already is returned as it is.

    Args:
        target: None for memory; a path or ``sqlite:///path`` for an SQLite file, created by the first write;
            ``postgresql://user:password@host/database`` for PostgreSQL.

    Raises:
        StorageError: It cannot be opened; the message says why and what would help.
        Unsupported: The address is one of a bbo server (``http://``), which this release cannot use.
    """
    if target is None:
        from bbo.storage.memory import MemoryStorage

        return MemoryStorage()
    if not isinstance(target, str | os.PathLike):
        return target
    address = os.fspath(target)
    scheme, separator, rest = address.partition("://")
    if not separator:
        return _open_file(address)
    if scheme == "sqlite":
        if not rest.startswith("/") or "?" in rest:
            raise StorageError(
                f"{address!r} is not understood: write sqlite:///runs.db or, from the root, sqlite:////data/runs.db; without options"
            )
        return _open_file(unquote(rest[1:]))
    if scheme in {"postgresql", "postgres", "postgresql+psycopg"}:
        from bbo.storage.postgresql import open_postgresql

        return open_postgresql(f"postgresql+psycopg://{rest}")
    if scheme in {"http", "https"}:
        raise Unsupported(f"{address!r}: this release has no client for a bbo server; use a path, sqlite:/// or postgresql://")
    raise StorageError(f"{address!r}: unknown scheme {scheme!r}; use a path, sqlite:/// or postgresql://, or None for memory")


def _open_file(path: str) -> Storage:
    if path in {"", ":memory:"}:
        raise StorageError(f"{path!r} names no file; storage=None keeps the study in memory")
    from bbo.storage.sqlite import open_sqlite

    return open_sqlite(Path(path))
