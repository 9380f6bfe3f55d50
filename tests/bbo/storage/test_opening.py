"""`open_storage`: what it opens, and what it says of what it cannot open."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import bbo.storage.sqlite as sqlite_module
from bbo.errors import StorageError, StudyNotFound, Unsupported
from bbo.log.events import Event
from bbo.storage import open_storage
from bbo.storage.filesystem import network_filesystem
from bbo.storage.memory import MemoryStorage


def test_none_is_memory_and_each_is_its_own() -> None:
    first, second = open_storage(None), open_storage(None)
    assert isinstance(first, MemoryStorage)
    assert first.url == "memory"
    first.append("x", [Event("created", {})], 0)
    assert second.studies() == []


def test_an_open_storage_is_returned() -> None:
    storage = open_storage(None)
    assert open_storage(storage) is storage


@pytest.mark.parametrize("name", ["plain.db", "with space & ünicode.db", "100%.db", "a?b#c.db", "%41.db"])
def test_every_spelling_of_a_file_is_the_same_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    storage = open_storage(name)
    storage.append("x", [Event("created", {})], 0)
    assert (tmp_path / name).is_file()
    spellings: list[str | Path] = [tmp_path / name, str(tmp_path / name), f"~/{name}", storage.url]
    if not set(name) & set("?%"):
        spellings += [f"sqlite:///{name}", f"sqlite:///{tmp_path / name}"]
    assert [open_storage(spelling).studies() for spelling in spellings] == [["x"]] * len(spellings)


def test_the_url_holds_after_a_change_of_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    storage = open_storage("runs.db")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    storage.append("x", [Event("created", {})], 0)
    assert open_storage(storage.url).studies() == ["x"]
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_study_that_is_not_there(tmp_path: Path) -> None:
    storage = open_storage(tmp_path / "runs.db")
    with pytest.raises(StudyNotFound, match=r"no study 'net' in .*runs.db, which holds none"):
        storage.read("net")
    for name in ("nets", "wing", "a", "b", "c", "d"):
        storage.append(name, [Event("created", {})], 0)
    with pytest.raises(StudyNotFound, match="no study 'net' in .*runs.db; it holds 'nets' and 5 more"):
        storage.read("net")


@pytest.mark.parametrize(
    "target, message",
    [
        ("", "names no file; storage=None keeps the study in memory"),
        (":memory:", "storage=None keeps the study in memory"),
        ("{folder}", "is a folder; name a file in it, such as .*bbo.db"),
        ("{folder}/missing/runs.db", "the folder .*missing does not exist; create it first"),
        ("{folder}/text/runs.db", "the folder .*text does not exist"),
        ("{folder}/socket", "is not an ordinary file"),
        ("{folder}/text", "is not an SQLite database; name another file"),
        ("{folder}/" + "x" * 300, "cannot be opened: File name too long"),
        ("sqlite:///{folder}", "is a folder"),
        ("sqlite://", "write sqlite:///runs.db"),
        ("sqlite://runs.db", "write sqlite:///runs.db"),
        ("sqlite:///", "names no file"),
        ("sqlite:///:memory:", "storage=None keeps the study in memory"),
        ("sqlite:///runs.db?mode=ro", "without options"),
        ("mysql://localhost/runs", "unknown scheme 'mysql'; use a path, sqlite:/// or postgresql://"),
        ("redis://localhost", "unknown scheme 'redis'"),
        ("://x", "unknown scheme ''"),
        ("postgresql://user@host:port/runs", "the PostgreSQL address is malformed"),
        ("postgresql://user:secret@127.0.0.1:1/runs", "cannot be reached; see whether the server runs"),
    ],
)
def test_what_cannot_be_opened(tmp_path: Path, target: str, message: str) -> None:
    (tmp_path / "text").write_text("This is a text, long enough to be taken for the head of a database file. " * 20)
    with socket.socket(socket.AF_UNIX) as listener:
        here = Path.cwd()
        os.chdir(tmp_path)  # the path of a socket must be short
        listener.bind("socket")
        os.chdir(here)
        with pytest.raises(StorageError, match=message) as caught:
            open_storage(target.replace("{folder}", str(tmp_path)))
    assert "secret" not in str(caught.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["socket", "text"], "nothing is created"


@pytest.mark.parametrize("address", ["http://localhost:8000", "https://bbo.example.org/runs"])
def test_a_server_is_a_later_release(address: str) -> None:
    with pytest.raises(Unsupported, match="no client for a bbo server"):
        open_storage(address)


def test_a_missing_driver_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(StorageError, match=r"needs the driver psycopg: pip install 'bbo-platform\[postgres\]'"):
        open_storage("postgresql://localhost/runs")


MOUNTS = r"""/dev/vda / ext4 rw,relatime 0 0
proc /proc proc rw 0 0
server:/export /home nfs4 rw 0 0
/dev/vdb /home/fast ext4 rw 0 0
//server/share /mnt/lab\040data cifs rw 0 0
/dev/vdc /mnt/over xfs rw 0 0
server:/over /mnt/over nfs rw 0 0
sshfs#host: /mnt/ssh fuse.sshfs rw 0 0
tmpfs /tmp tmpfs rw 0 0
"""


@pytest.mark.parametrize(
    "path, kind",
    [
        ("/data/runs.db", None),
        ("/home/ann/runs.db", "nfs4"),
        ("/home/fast/runs.db", None),
        ("/home/faster/runs.db", "nfs4"),
        ("/homes/runs.db", None),
        ("/mnt/lab data/runs.db", "cifs"),
        ("/mnt/over/runs.db", "nfs"),
        ("/mnt/ssh/a/b/runs.db", "fuse.sshfs"),
        ("/tmp/runs.db", None),
    ],
)
def test_network_file_systems_are_known_by_the_mount_above(tmp_path: Path, path: str, kind: str | None) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(MOUNTS)
    assert network_filesystem(Path(path), mounts) == kind


def test_a_link_to_a_network_file_system_is_followed(tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    (tmp_path / "near").symlink_to(tmp_path / "far")
    mounts = tmp_path / "mounts"
    mounts.write_text(f"/dev/vda / ext4 rw 0 0\nserver:/ {tmp_path / 'far'} nfs rw 0 0\n")
    assert network_filesystem(tmp_path / "near" / "runs.db", mounts) == "nfs"
    (tmp_path / "runs.db").symlink_to(tmp_path / "far" / "runs.db")
    assert network_filesystem(tmp_path / "runs.db", mounts) == "nfs"


def test_the_tests_own_folder_is_local_and_a_system_that_does_not_say_is_trusted(tmp_path: Path) -> None:
    assert network_filesystem(tmp_path / "runs.db") is None
    assert network_filesystem(tmp_path / "runs.db", tmp_path / "no such") is None


def test_sqlite_on_a_network_file_system_is_refused_with_the_ways_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_module, "network_filesystem", lambda path: "nfs4")
    with pytest.raises(StorageError, match=r"network file system \(nfs4\).*a local disk, or PostgreSQL.*postgresql://"):
        open_storage(tmp_path / "runs.db")
    assert list(tmp_path.iterdir()) == []


def test_opening_memory_loads_no_database() -> None:
    program = "import sys; from bbo.storage import open_storage; open_storage(None); print({'sqlalchemy', 'sqlite3'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", program], cwd=Path(__file__).parents[3], check=True, capture_output=True, text=True)
    assert done.stdout == "set()\n"
