"""SQLite: what is acknowledged is on the disk, readers and the writer do not wait for each other, damage and obstacles are named."""

from __future__ import annotations

import ctypes
import json
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

import bbo.storage.sqlite as module
from bbo.errors import StorageError, StudyNotFound
from bbo.log.events import Event
from bbo.storage import Conflict, open_storage

ROOT = Path(__file__).parents[3]
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait for locks, so that whoever would wait fails at once."""
    monkeypatch.setattr(module, "BUSY_TIMEOUT", 0.05)


@pytest.fixture
def other(file: Path) -> Iterator[sqlite3.Connection]:
    """Another program's connection, to a file that holds the study x."""
    fill(file, 3)
    connection = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    yield connection
    connection.close()


def fill(file: Path, n: int) -> list[Event]:
    """A file with the study x of n + 1 events, everything written back from the write-ahead log."""
    storage = open_storage(file)
    log = storage.append("x", [Event("created", {"name": "x"}), *(told(k) for k in range(n))], 0)
    storage.close()
    return log


def told(k: int) -> Event:
    return Event("told", {"values": {"loss": k / 7}, "attrs": {"text": "x" * 300}}, trial=k, time=float(k))


def beside(file: Path) -> list[str]:
    return sorted(path.name.removeprefix(file.name) for path in file.parent.iterdir() if path != file)


# -- durability ------------------------------------------------------------------------------------------------------------------


def test_every_connection_is_durable(file: Path) -> None:
    storage = open_storage(file)
    storage.append("x", [Event("created", {})], 0)
    storage.close()
    barrier = threading.Barrier(4)
    found = []

    def look() -> None:
        with storage._transaction() as connection:
            barrier.wait()  # four connections at once
            found.append(
                [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous", "busy_timeout")]
            )

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [["wal", 2, 30_000]] * 4


COUNT_FORCED_WRITES = """
import ctypes, json, sqlite3, sys
from bbo.log.events import Event
from bbo.storage import Conflict, open_storage
count = ctypes.CDLL(None).forced_writes
storage = open_storage(sys.argv[1])
each = []
for seq in range(30):
    before = count()
    storage.append("x", [Event("told" if seq else "created", {"seq": seq})], seq)
    each.append(count() - before)
other = sqlite3.connect(sys.argv[2], isolation_level=None)
other.execute("PRAGMA journal_mode = WAL")
other.execute("PRAGMA synchronous = NORMAL")
other.execute("CREATE TABLE t (x)")
before = count()
for x in range(10):
    other.execute("INSERT INTO t VALUES (1)")
print(json.dumps([each, count() - before]))
"""


def test_every_append_is_forced_to_the_disk(tmp_path: Path) -> None:
    if shutil.which("gcc") is None:
        pytest.fail("this test compiles a small library: apt-get install gcc libc6-dev", pytrace=False)
    shim = tmp_path / "shim.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", shim, Path(__file__).with_name("fsync_shim.c"), "-ldl"], check=True)
    done = subprocess.run(
        [sys.executable, "-c", COUNT_FORCED_WRITES, tmp_path / "a.db", tmp_path / "b.db"],
        env={**os.environ, "LD_PRELOAD": str(shim), "PYTHONPATH": str(ROOT)},
        check=True,
        capture_output=True,
        text=True,
    )
    each, without_full = json.loads(done.stdout)
    assert len(each) == 30
    assert min(each) >= 1
    assert without_full == 0, "the shim sees the difference to synchronous=NORMAL"


# -- readers and writers ---------------------------------------------------------------------------------------------------------


def test_readers_do_not_wait_for_a_writer(impatient: None, other: sqlite3.Connection, file: Path) -> None:
    other.execute("BEGIN IMMEDIATE")
    other.execute("INSERT INTO studies (name) VALUES ('not yet')")
    storage = open_storage(file)
    assert storage.studies() == ["x"]
    assert len(storage.read("x")) == 4
    assert storage.leases("x") == {}
    with pytest.raises(Conflict):
        storage.append("x", [Event("created", {})], 0)
    with pytest.raises(StudyNotFound):
        storage.read("not yet")
    other.execute("COMMIT")
    assert storage.studies() == ["x", "not yet"]


def test_a_writer_does_not_wait_for_readers(impatient: None, other: sqlite3.Connection, file: Path) -> None:
    other.execute("BEGIN")
    assert other.execute("SELECT count(*) FROM events").fetchone() == (4,)
    storage = open_storage(file)
    storage.append("x", [told(9)], 4)
    assert len(storage.read("x")) == 5
    assert other.execute("SELECT count(*) FROM events").fetchone() == (4,), "a reader's view does not move"


def test_a_locked_database(impatient: None, other: sqlite3.Connection, file: Path) -> None:
    storage = open_storage(file)
    other.execute("BEGIN IMMEDIATE")
    for write in (
        lambda: storage.append("x", [told(9)], 4),
        lambda: storage.append("y", [Event("created", {})], 0),
        lambda: storage.renew("x", {(0, 1): 1.0}),
    ):
        with pytest.raises(StorageError, match="is locked: another process has been writing for 30 s. Nothing was written"):
            write()
    other.execute("ROLLBACK")
    assert len(storage.append("x", [told(9)], 4)) == 1
    assert len(storage.read("x")) == 5
    assert storage.studies() == ["x"]


def test_a_database_that_another_program_keeps_for_itself(impatient: None, other: sqlite3.Connection, file: Path) -> None:
    other.execute("PRAGMA locking_mode = EXCLUSIVE")
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StorageError, match="is locked"):
        open_storage(file)


def test_a_writer_waits_its_turn(other: sqlite3.Connection, file: Path) -> None:
    storage = open_storage(file)
    other.execute("BEGIN IMMEDIATE")
    release = threading.Timer(0.2, lambda: other.execute("COMMIT"))
    release.start()
    assert storage.append("x", [told(9)], 4)[0].seq == 5
    release.join()


def test_opening_and_reading_change_no_byte(file: Path) -> None:
    log = fill(file, 20)
    before = file.read_bytes()
    storage = open_storage(file)
    assert storage.studies() == ["x"]
    assert storage.read("x") == log
    storage.leases("x")
    storage.close()
    assert file.read_bytes() == before
    assert beside(file) == []


# -- obstacles -------------------------------------------------------------------------------------------------------------------


def append_until_it_fails(storage, after: int) -> tuple[int, str]:
    for seq in range(after, 100_000):
        try:
            storage.append("x", [told(seq)], seq)
        except StorageError as error:
            return seq, str(error)
    raise AssertionError("no append failed")


def test_a_full_disk(file: Path) -> None:
    storage = open_storage(file)
    pages = [40]

    def small(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute(f"PRAGMA max_page_count = {pages[0]}")

    sa.event.listen(storage._database.engine, "connect", small)
    log = storage.append("x", [Event("created", {})], 0)
    for pages[0] in (40, 60):
        storage.close()
        after, message = append_until_it_fails(storage, len(log))
        assert "cannot grow: the disk is full. Nothing was written; free some space" in message
        assert after > len(log), "it had room for more than nothing"
        log = storage.read("x")
        assert [event.seq for event in log] == list(range(1, after + 1))
    pages[0] = 1_000_000
    storage.close()
    storage.append("x", [told(0)], len(log))
    assert open_storage(file).read("x")[:-1] == log


@pytest.mark.parametrize("limit", [1_000, 30_000, 50_000, 200_000, 1_000_000])
def test_a_limit_on_file_sizes(file: Path, in_children: Callable[..., None], limit: int) -> None:
    def write() -> None:
        log = fill(file, 3)
        storage = open_storage(file)
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
        after, message = append_until_it_fails(storage, len(log))
        assert "look for a full disk or quota, a limit on file sizes (ulimit -f)" in message, message
        assert [event.seq for event in storage.read("x")] == list(range(1, after + 1)), "what was acknowledged can be read under the limit"
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        storage.append("x", [told(-1)], after)
        log = storage.read("x")
        storage.close()
        assert open_storage(file).read("x") == log

    in_children(write)
    assert open_storage(file).read("x")[-1].trial == -1


def test_a_limit_too_small_for_a_new_database(file: Path, in_children: Callable[..., None]) -> None:
    def write() -> None:
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        storage = open_storage(file)
        for limit in (0, 100, 5_000, 20_000, 33_000):
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
            with pytest.raises(StorageError):
                storage.append("x", [Event("created", {})], 0)
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        assert storage.studies() == []
        storage.append("x", [Event("created", {})], 0)

    in_children(write)
    assert open_storage(file).studies() == ["x"]


def give_up_privileges() -> None:
    """Root may write anywhere; without capabilities the permissions of files hold for it too."""
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    assert ctypes.CDLL(None, use_errno=True).capset(header, (ctypes.c_uint32 * 6)()) == 0


def test_a_read_only_file(file: Path, in_children: Callable[..., None]) -> None:
    log = fill(file, 3)
    file.chmod(0o444)

    def child() -> None:
        give_up_privileges()
        storage = open_storage(file)
        assert storage.read("x") == log
        with pytest.raises(StorageError, match="is read-only. Nothing was written; make the file and its folder writable"):
            storage.append("x", [told(9)], 4)
        assert storage.read("x") == log

    in_children(child)
    file.chmod(0o644)
    open_storage(file).append("x", [told(9)], 4)


def test_a_read_only_folder(file: Path, in_children: Callable[..., None]) -> None:
    fill(file, 3)

    def child() -> None:
        give_up_privileges()
        with pytest.raises(StorageError, match="is read-only. Nothing was written; make the file and its folder writable, or copy it"):
            open_storage(file)
        with pytest.raises(StorageError, match="cannot be opened; the file and its folder must be readable and writable"):
            open_storage(file.with_name("new.db")).append("x", [told(9)], 0)

    file.parent.chmod(0o555)
    try:
        in_children(child)
    finally:
        file.parent.chmod(0o755)


def test_a_file_that_vanishes_while_it_is_open(file: Path, tmp_path: Path) -> None:
    """Without the check, appends to a deleted file succeed, and are gone."""
    storage = open_storage(file)
    log = storage.append("x", [Event("created", {})], 0)
    moved = tmp_path / "moved.db"
    for suffix in ("", "-wal", "-shm"):
        file.with_name(file.name + suffix).rename(f"{moved}{suffix}")
    with pytest.raises(StudyNotFound):
        storage.append("x", [told(1)], 1)
    with pytest.raises(StorageError, match="was moved, replaced or deleted while it was open"):
        storage.append("y", [Event("created", {})], 0)
    assert open_storage(moved).read("x") == log
    storage.append("y", [Event("created", {})], 0)
    assert storage.studies() == ["y"], "warned once, it uses what stands there now"
    file.unlink()
    fill(file, 5)
    with pytest.raises(StorageError, match="was moved, replaced or deleted while it was open"):
        storage.append("x", [told(1)], 1)
    assert len(storage.read("x")) == 6


# -- damage ----------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def crashed(file: Path, in_children: Callable[..., None]) -> tuple[Path, list[int]]:
    """A file whose writer died after ten appends, and the size of the write-ahead log after each."""
    sizes = file.with_name("sizes")

    def write() -> None:
        storage = open_storage(file)
        wal = file.with_name(f"{file.name}-wal")
        with sizes.open("w") as output:
            for seq in range(10):
                storage.append("x", [told(seq) if seq else Event("created", {})], seq)
                output.write(f"{wal.stat().st_size}\n")
        os._exit(0)  # no farewell: the log stays in the write-ahead log

    in_children(write)
    return file, [int(size) for size in sizes.read_text().split()]


def copy_crashed(file: Path, target: Path) -> Path:
    shutil.copy(file, target)
    shutil.copy(f"{file}-wal", f"{target}-wal")
    return Path(f"{target}-wal")


def test_a_write_cut_at_any_byte(crashed: tuple[Path, list[int]], tmp_path: Path) -> None:
    """What was acknowledged before the cut is there, what was being written is not, and the next append works."""
    file, sizes = crashed
    rng = np.random.default_rng(3)
    cuts = {cut for size in sizes for cut in (size - 1, size, size + 1)} | set(rng.integers(0, sizes[-1], 40).tolist())
    for number, cut in enumerate(sorted(cuts - {sizes[-1] + 1})):
        target = tmp_path / f"{number}.db"
        os.truncate(copy_crashed(file, target), cut)
        storage = open_storage(target)
        log = storage.read("x") if storage.studies() else []
        assert len(log) == sum(size <= cut for size in sizes)
        storage.append("x", [told(99)] if log else [Event("created", {})], len(log))
        assert storage.read("x")[:-1] == log
        storage.close()


def test_a_flipped_bit_in_the_write_ahead_log(crashed: tuple[Path, list[int]], tmp_path: Path) -> None:
    """Its checksums end the log before the damage; what is read is what once was."""
    file, sizes = crashed
    rng = np.random.default_rng(4)
    places = rng.integers(0, sizes[-1], 40).tolist()
    wals = [copy_crashed(file, tmp_path / f"{number}.db") for number in range(len(places))]
    whole = open_storage(file).read("x")
    for number, place in enumerate(places):
        target = tmp_path / f"{number}.db"
        damaged = bytearray(wals[number].read_bytes())
        damaged[place] ^= 1 << int(rng.integers(8))
        wals[number].write_bytes(damaged)
        storage = open_storage(target)
        log = storage.read("x") if storage.studies() else []
        assert log == whole[: len(log)]
        storage.close()


@pytest.mark.parametrize("garbage", ["zeros", "noise"])
def test_a_destroyed_page(file: Path, tmp_path: Path, garbage: str) -> None:
    """An error, or the log as it was where the page is of another table; never a wrong log."""
    log = fill(file, 60)
    whole = file.read_bytes()
    rng = np.random.default_rng(5)
    refused = []
    for page in range(len(whole) // 4096):
        damaged = bytearray(whole)
        damaged[page * 4096 : (page + 1) * 4096] = bytes(4096) if garbage == "zeros" else rng.bytes(4096)
        target = tmp_path / f"{page}.db"
        target.write_bytes(damaged)
        try:
            storage = open_storage(target)
            assert storage.read("x") == log
            storage.close()
        except StorageError as error:
            refused.append(str(error))
    assert len(refused) > 3
    assert all("is damaged; restore a backup" in message or "is not an SQLite database" in message for message in refused)


def test_a_truncated_file(file: Path) -> None:
    fill(file, 100)
    os.truncate(file, file.stat().st_size // 2)
    with pytest.raises(StorageError, match="is damaged; restore a backup, or import a JSON Lines export into a new file"):
        open_storage(file).read("x")


def test_an_empty_file_is_an_empty_storage(file: Path) -> None:
    file.touch()
    storage = open_storage(file)
    assert storage.studies() == []
    storage.append("x", [Event("created", {})], 0)
    assert open_storage(file).studies() == ["x"]
