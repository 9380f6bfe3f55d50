"""Storages of every kind, and children that run a function."""

from __future__ import annotations

import itertools
import multiprocessing
from collections.abc import Callable
from pathlib import Path

import pytest

from bbo.storage import Conflict, Storage, open_storage

Make = Callable[[], Storage]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where an SQLite file may be made."""
    return tmp_path / "study file.db"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, file: Path) -> str:
    """The address of an empty database that several processes can open."""
    return request.getfixturevalue("postgresql_url") if request.param == "postgresql" else f"sqlite:///{file}"


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    """Opens a storage; those of one test do not share names, and need not share their logs."""
    if request.param == "memory":
        return lambda: open_storage(None)
    if request.param == "postgresql":
        address = request.getfixturevalue("postgresql_url")
        return lambda: open_storage(address)
    numbers = itertools.count()
    return lambda: open_storage(tmp_path / f"{next(numbers)}.db")


@pytest.fixture
def storage(make: Make) -> Storage:
    """An open, empty storage."""
    return make()


@pytest.fixture
def append() -> Callable[..., int]:
    """Append one event to a study that exists, wherever its log ends by now; returns its number."""
    from bbo.log.events import Event

    def append(storage: Storage, study: str, event: Event) -> int:
        after = 0
        while True:
            after += len(storage.read(study, after))
            try:
                return storage.append(study, [event], after)[-1].seq
            except Conflict:
                continue

    return append


@pytest.fixture
def in_children() -> Callable[..., None]:
    """Run functions in forked children at once, and fail if one of them fails."""
    context = multiprocessing.get_context("fork")

    def run(*targets: Callable[[], object]) -> None:
        children = [context.Process(target=target) for target in targets]
        for child in children:
            child.start()
        for child in children:
            child.join()
        assert [child.exitcode for child in children] == [0] * len(children), "a child failed; its traceback is above"

    return run
