"""Export and import as JSON Lines lose nothing and accept nothing damaged."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from bbo.errors import InvalidStudy, StorageError, StudyExists, StudyNotFound
from bbo.log.events import Event
from bbo.storage import Storage, open_storage
from bbo.storage.jsonl import export_log, import_log, write_jsonl
from bbo.storage.memory import MemoryStorage

LOG = [
    Event("created", {"space": {"x": [0.1, 1 / 3]}, "name": "net °C", "seed": 2**64}, time=1763000000.123456),
    Event("asked", {"attempt": 1, "params": {"x": 5e-324, "text": 'a"b\\c\n\u2028\ud800'}}, trial=0, time=1763000001.0),
    Event("told", {"attempt": 1, "values": {"loss": -1.7976931348623157e308}, "sd": {}}, trial=0, time=1763000002),
    Event("stopped", {}, time=0.1 + 0.2),
]


@pytest.fixture
def lines() -> list[str]:
    storage = open_storage(None)
    storage.append("net °C", LOG, 0)
    return list(export_log(storage, "net °C"))


def test_a_line_is_a_row_of_the_events_table(lines: list[str]) -> None:
    body = '{"v":1,"attempt":1,"values":{"loss":-1.7976931348623157e+308},"sd":{}}'
    assert lines[2] == '{"seq":3,"kind":"told","trial":0,"time":1763000002.0,"body":' + body + "}"
    assert [json.loads(line)["seq"] for line in lines] == [1, 2, 3, 4]


def test_export_of_an_import_is_the_same_byte_for_byte(storage: Storage, lines: list[str]) -> None:
    assert import_log(storage, lines) == "net °C"
    assert list(export_log(storage, "net °C")) == lines


def test_a_renamed_import_differs_in_the_name_only(storage: Storage, lines: list[str]) -> None:
    assert import_log(storage, lines, name="other") == "other"
    assert storage.studies() == ["other"]
    renamed = list(export_log(storage, "other"))
    assert renamed[0] == lines[0].replace('"name":"net °C"', '"name":"other"') != lines[0]
    assert renamed[1:] == lines[1:]


def test_through_a_file(storage: Storage, lines: list[str], tmp_path: Path) -> None:
    path = tmp_path / "net.jsonl"
    path.write_text("older")
    import_log(storage, lines)
    assert write_jsonl(storage, "net °C", path) == 4
    assert path.read_bytes() == "".join(line + "\n" for line in lines).encode()
    assert list(tmp_path.glob(".*")) == [], "no draft is left behind"
    copy = open_storage(None)
    with path.open(encoding="utf-8") as file:
        import_log(copy, file)
    assert copy.read("net °C") == storage.read("net °C")


def test_an_older_export_stays_when_a_new_one_fails(lines: list[str], tmp_path: Path) -> None:
    path = tmp_path / "net.jsonl"
    path.write_text("older")
    with pytest.raises(StudyNotFound):
        write_jsonl(open_storage(None), "no such", path)
    assert path.read_text() == "older"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_cannot_be_written(lines: list[str], tmp_path: Path) -> None:
    storage = open_storage(None)
    import_log(storage, lines)
    with pytest.raises(StorageError, match="cannot be written: No such file"):
        write_jsonl(storage, "net °C", tmp_path / "no folder" / "net.jsonl")


def test_an_existing_study_is_left_alone(storage: Storage, lines: list[str]) -> None:
    log = storage.append("net °C", [Event("created", {"name": "net °C"})], 0)
    with pytest.raises(StudyExists, match="import under another name"):
        import_log(storage, lines)
    assert storage.read("net °C") == log


def edited(lines: list[str], place: int, **changes: object) -> list[str]:
    row = json.loads(lines[place - 1]) | changes
    return [*lines[: place - 1], json.dumps(row), *lines[place:]]


@pytest.mark.parametrize(
    "damage, message",
    [
        (lambda x: [], "there are no lines"),
        (lambda x: [*x[:2], x[3]], "line 3 holds event 4: lines are missing"),
        (lambda x: [*x[:2], x[1], *x[2:]], "line 3 holds event 2: lines are missing, doubled"),
        (lambda x: x[1:], "line 1 holds event 2"),
        (lambda x: [x[0], x[2], x[1], x[3]], "line 2 holds event 3"),
        (lambda x: [x[0], "nonsense", *x[2:]], "line 2 is no exported event: Expecting value"),
        (lambda x: [x[0], "", *x[1:]], "line 2 is no exported event"),
        (lambda x: [x[0], "[1, 2]", *x[2:]], "line 2 is no exported event: an object with the keys seq, kind, trial, time, body is needed"),
        (lambda x: [x[0], x[1].replace('"trial":0,', ""), *x[2:]], "line 2 is no exported event: an object with the keys"),
        (lambda x: edited(x, 2, extra=1), "line 2 is no exported event: an object with the keys"),
        (lambda x: edited(x, 2, seq="2"), "line 2 is no exported event: seq is '2'; a whole number is needed"),
        (lambda x: edited(x, 2, seq=2.0), "line 2 is no exported event: seq is 2.0"),
        (lambda x: edited(x, 2, seq=True), "line 2 is no exported event: seq is True"),
        (lambda x: edited(x, 3, trial="0"), "line 3 is no exported event: trial is '0'"),
        (lambda x: edited(x, 3, time=None), "line 3 is no exported event: time is None"),
        (lambda x: edited(x, 3, body=[]), "line 3 is no exported event: body is "),
        (lambda x: edited(x, 3, kind="tolled"), "line 3 is no exported event: unknown event kind 'tolled'"),
        (lambda x: edited(x, 3, kind=["told"]), "line 3 is no exported event"),
        (lambda x: edited(x, 3, body={"v": 2}), "line 3 is no exported event: event of schema 2, written by a newer bbo"),
        (lambda x: edited(x, 3, body={"v": "x"}), "line 3 is no exported event: the schema number"),
        (lambda x: edited(x, 3, body={"x": float("nan")}), "line 3 is no exported event: NaN is no number"),
        (lambda x: [*x[:2], x[2].replace("1763000002.0", "Infinity"), x[3]], "line 3 is no exported event: Infinity is no number"),
        (lambda x: [*x[:2], x[2].replace("1763000002.0", "1e999"), x[3]], "line 3 is no exported event: time is inf"),
        (lambda x: edited(x, 3, time=10**400), "line 3 is no exported event"),
        (lambda x: [*x[:2], x[2].replace("-1.7976931348623157e+308", "1e999"), x[3]], "line 3 is no exported event: Out of range float"),
        (lambda x: [*x[:2], '{"seq":3,"kind":"told","trial":0,"time":0,"body":{"a":' + "[" * 100_000, x[3]], "line 3 is no exported event"),
        (lambda x: edited(x, 1, kind="told"), "line 1: an exported study begins with the event 'created'"),
        (
            lambda x: edited(x, 1, body={"space": {}}),
            "line 1: an exported study begins with the event 'created', whose body holds the study's name",
        ),
    ],
)
def test_damage_is_refused_with_the_line(lines: list[str], damage, message: str) -> None:
    storage = open_storage(None)
    with pytest.raises(StorageError, match=message):
        import_log(storage, damage(lines))
    assert storage.studies() == []


def test_a_name_that_is_none(lines: list[str]) -> None:
    with pytest.raises(InvalidStudy):
        import_log(open_storage(None), lines, name="two\nlines")


def test_a_file_cut_at_any_byte_is_refused_or_a_whole_prefix(lines: list[str]) -> None:
    """Only between two lines can a cut go unnoticed; there, what is imported is the log as it once was."""
    whole = "".join(line + "\n" for line in lines).encode("utf-8")
    ends = [len("".join(line + "\n" for line in lines[:k]).encode()) for k in range(1, 5)]
    for cut in range(len(whole)):
        storage = MemoryStorage()
        text = io.TextIOWrapper(io.BytesIO(whole[:cut]), encoding="utf-8")
        if cut in ends or cut + 1 in ends:  # the last line break may be missing
            import_log(storage, text)
            assert list(export_log(storage, "net °C")) == lines[: (ends.index(cut) if cut in ends else ends.index(cut + 1)) + 1]
            continue
        with pytest.raises(StorageError, match="cut short|no lines|not UTF-8"):
            import_log(storage, text)
        assert storage.studies() == []
