"""What an older release wrote, this one reads. The files were made by `fixtures/make_schema_1.py` when schema 1 was current."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from bbo.log.events import KINDS, Event
from bbo.log.ledger import Ledger
from bbo.storage import open_storage
from bbo.storage.jsonl import export_log, import_log

FIXTURES = Path(__file__).parent / "fixtures"
NAMES = ["values °", "ranking"]
STATES = {
    "values °": ["done", "done", "done", "failed", "pruned", "abandoned", "done", "pending"],
    "ranking": ["done", "done", "done"],
}


def lines(name: str) -> list[str]:
    return (FIXTURES / f"schema_1_{NAMES.index(name) + 1}.jsonl").read_text(encoding="utf-8").splitlines()


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return Path(shutil.copy(FIXTURES / "schema_1.db", tmp_path / "old.db"))


LATER = {"transferred"}  # kinds that were added, without a change of the others, after the fixture was written


def test_the_fixture_holds_every_kind_as_schema_1() -> None:
    rows = [json.loads(line) for name in NAMES for line in lines(name)]
    assert {row["body"]["v"] for row in rows} == {1}
    assert {row["kind"] for row in rows} == KINDS - LATER


def test_a_database_of_schema_1_is_read_and_continued(database: Path) -> None:
    storage = open_storage(database)
    assert storage.studies() == NAMES
    for name in NAMES:
        log = storage.read(name)
        fresh = open_storage(None)
        assert import_log(fresh, lines(name)) == name
        assert fresh.read(name) == log
        assert storage.append(name, [Event("stopped", {})], len(log))[0].seq == len(log) + 1


@pytest.mark.parametrize("name", NAMES)
def test_trials_of_schema_1_stand_as_they_stood(name: str) -> None:
    storage = open_storage(None)
    import_log(storage, lines(name))
    ledger = Ledger()
    for event in storage.read(name):
        ledger.apply(event)
    assert [record.state for record in ledger.records] == STATES[name]


@pytest.mark.parametrize("name", NAMES)
def test_export_of_schema_1_is_unchanged_while_it_is_current(name: str, database: Path) -> None:
    """A release that raises the schema replaces this test by one of what the upgrade changes."""
    assert list(export_log(open_storage(database), name)) == lines(name)


def test_bodies_without_a_number_are_read_as_schema_1() -> None:
    old = [line.replace('"v":1,', "") for line in lines("ranking")]
    assert old != lines("ranking")
    storage = open_storage(None)
    import_log(storage, old)
    assert list(export_log(storage, "ranking")) == lines("ranking")
