"""CSVs as spreadsheets write them: encodings, separators, decimal marks, line breaks."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from bbo.errors import InvalidTell
from bbo.files.cells import Layout
from bbo.files.reading import read_sheet

HEADER = ["trial", "T", "mix.water", "mix.THF", "mix.MeOH", "cat", "yield", "impurity", "failed", "note"]
ROW = ["0", "60.5", "0.5", "0.25", "0.25", "Pd", "0.71", "0.02", "", 'said, done; "so"']


def encode(cells: list[str], separator: str) -> str:
    quoted = ['"' + cell.replace('"', '""') + '"' if any(c in cell for c in ',;\t"') else cell for cell in cells]
    return separator.join(quoted)


@pytest.mark.parametrize(
    ("separator", "mark", "newline", "bom"), list(itertools.product([",", ";", "\t"], [".", ","], ["\n", "\r\n", "\r"], [False, True]))
)
def test_any_spreadsheet(tmp_path: Path, layout: Layout, separator: str, mark: str, newline: str, bom: bool) -> None:
    row = [cell.replace(".", mark) if index < 8 else cell for index, cell in enumerate(ROW)]
    text = newline.join([encode(HEADER, separator), encode(row, separator), separator * (len(HEADER) - 1), ""])
    path = tmp_path / "week.csv"
    path.write_bytes((b"\xef\xbb\xbf" if bom else b"") + text.encode())
    sheet = read_sheet(path, layout)
    assert (sheet.separator, sheet.mark, sheet.complete) == (separator, mark, True)
    assert sheet.newline == ("\r\n" if newline == "\r\n" else "\n")
    assert sheet.columns == tuple(HEADER)
    (only,) = sheet.rows
    assert only.line == 2
    assert only.cells["note"] == 'said, done; "so"'
    assert layout.measured("yield", only.cells["yield"], sheet.mark) == 0.71


def test_columns_may_be_fewer_and_in_any_order(tmp_path: Path, layout: Layout) -> None:
    path = tmp_path / "week.csv"
    path.write_text(" yield ; trial;;\n0,5;3;;\n")
    sheet = read_sheet(path, layout)
    assert sheet.columns == ("yield", "trial")
    assert sheet.rows[0].cells == {"yield": "0,5", "trial": "3"}


def test_lines_are_counted_as_an_editor_does(tmp_path: Path, layout: Layout) -> None:
    path = tmp_path / "week.csv"
    path.write_text('trial,note\n0,"two\nlines"\n\n1,x')
    sheet = read_sheet(path, layout)
    assert [row.line for row in sheet.rows] == [2, 5]
    assert not sheet.complete


def test_text_says_nothing_about_the_decimal_mark(tmp_path: Path, layout: Layout) -> None:
    path = tmp_path / "week.csv"
    path.write_text('trial;cat;yield;note\n0;"Ni, on carbon";1;1,5\n')
    assert read_sheet(path, layout).mark is None


def test_two_decimal_marks_are_shown_where_they_stand(tmp_path: Path, layout: Layout) -> None:
    path = tmp_path / "week.csv"
    path.write_text("trial;yield\n0;0.5\n1;0,5\n")
    with pytest.raises(InvalidTell, match=r"0\.5 in line 2, 0,5 in line 3"):
        read_sheet(path, layout)
