"""Trials to be run are appended to a CSV; what stands there stays as it is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import bbo
from bbo.errors import InvalidTell
from bbo.files.cells import Layout
from bbo.files.matching import Options, tell_sheet
from bbo.files.reading import read_sheet
from bbo.files.writing import append_rows, open_sheet

HEADER = b"trial,T,mix.water,mix.THF,mix.MeOH,cat,yield,impurity,sd.yield,sd.impurity,failed,note\n"


def append(path: Path, study: bbo.Study, layout: Layout) -> int:
    return append_rows(path, open_sheet(path, layout), layout, [study.record(trial.number) for trial in study.trials])


def test_a_new_file(study: bbo.Study, layout: Layout, tmp_path: Path) -> None:
    path = tmp_path / "week.csv"
    assert append(path, study, layout) == 2
    assert path.read_bytes() == HEADER + b'0,60,0.5,0.25,0.25,Pd,,,,,,\n1,40.5,0,1,0,"Ni, on carbon",,,,,,\n'


def test_an_empty_file_gets_its_header(study: bbo.Study, layout: Layout, tmp_path: Path) -> None:
    path = tmp_path / "week.csv"
    path.touch()
    assert append(path, study, layout) == 2
    assert path.read_bytes().startswith(HEADER)


def test_rows_that_are_there_are_neither_rewritten_nor_repeated(study: bbo.Study, layout: Layout, tmp_path: Path) -> None:
    path = tmp_path / "week.csv"
    append(path, study, layout)
    before = path.read_bytes()
    assert append(path, study, layout) == 0
    assert path.read_bytes() == before
    study.ask()
    assert append(path, study, layout) == 1
    assert path.read_bytes().startswith(before)
    assert len(path.read_bytes().splitlines()) == 4


def test_the_file_keeps_its_manner(study: bbo.Study, layout: Layout, tmp_path: Path) -> None:
    path = tmp_path / "week.csv"
    old = "\ufeffnote;trial;cat;T;mix.THF;mix.water;mix.MeOH;yield\r\nwarm;0;Pd;60,0;0,25;0,5;0,25;0,71".encode()
    path.write_bytes(old)
    assert append(path, study, layout) == 1
    assert path.read_bytes() == old + b"\r\n;1;Ni, on carbon;40,5;1;0;0;\r\n"


@pytest.mark.parametrize("manner", [(",", "."), (";", ","), ("\t", "."), (",", ",")])
def test_what_is_appended_is_read_back_as_planned(layout: Layout, study: bbo.Study, tmp_path: Path, manner: tuple[str, str]) -> None:
    separator, mark = manner
    path = tmp_path / "week.csv"
    header = separator.join(layout.names)
    old = separator.join(["", f'"30{mark}0"', "1", "0", "0", "Pd", "1", f'"0{mark}01"', "", "", "", ""])
    path.write_text(f"{header}\n{old}\n")
    study.ask(20)
    assert append(path, study, layout) == 22
    filled = path.read_text().replace(f"{separator}" * 6 + "\n", separator.join(["", "1", f'"0{mark}5"', "", "", "", "\n"]))
    path.write_text(filled)
    matched = tell_sheet(study, read_sheet(path, layout), layout, Options(), lambda _: True)
    assert matched is not None
    assert [row.action for row in matched.rows] == ["add"] + ["tell"] * 22
    assert not any(row.executed for row in matched.rows[1:])
    assert all(study.record(number).params == study.record(number).planned for number in range(22))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("name,street\nAda,1\n", "names none of this study's columns"),
        ("trial,T,mix.water,mix.THF,mix.MeOH,yield\n", "no column 'cat'"),
        ("T,mix.water,mix.THF,mix.MeOH,cat,yield\n", "no column 'trial'"),
        ("trial,T,mix.water,mix.THF,mix.MeOH,cat,yeld\n", "did you mean 'yield'"),
    ],
)
def test_a_foreign_header_is_refused(layout: Layout, tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "week.csv"
    path.write_text(content)
    with pytest.raises(InvalidTell, match=message):
        open_sheet(path, layout)
    assert path.read_text() == content


def test_no_folder(layout: Layout, tmp_path: Path) -> None:
    with pytest.raises(InvalidTell, match="no folder"):
        open_sheet(tmp_path / "none" / "week.csv", layout)


def test_a_write_that_is_cut_short_leaves_no_half_row(
    study: bbo.Study, layout: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "week.csv"
    append(path, study, layout)
    before = path.read_bytes()
    study.ask()
    write = os.write
    monkeypatch.setattr(os, "write", lambda file, data: write(file, data[:5]))
    with pytest.raises(InvalidTell, match="disk is full"):
        append(path, study, layout)
    assert path.read_bytes() == before


def test_a_file_that_appears_meanwhile_is_not_overwritten(study: bbo.Study, layout: Layout, tmp_path: Path) -> None:
    path = tmp_path / "week.csv"
    assert open_sheet(path, layout) is None
    path.write_text("mine")
    with pytest.raises(InvalidTell, match="cannot be written"):
        append_rows(path, None, layout, [study.record(0)])
    assert path.read_text() == "mine"
