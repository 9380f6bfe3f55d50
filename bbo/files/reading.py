"""Reading a CSV of trials: encoding, separator, decimal mark, rows of cells."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bbo.errors import InvalidTell
from bbo.files.cells import Layout, Mark, mark_of

_SEPARATORS = (",", ";", "\t")


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a CSV: its line, from 1, and its cells by column, without blanks around them."""

    line: int
    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A CSV of trials.

    Args:
        path: The file.
        columns: The columns' names in the order of the file.
        rows: The rows that are not empty.
        separator: ``","``, ``";"`` or a tab.
        mark: Decimal mark of its numbers, None where none shows one.
        newline: The line break it uses.
        complete: Whether the last line ends with a line break.
    """

    path: Path
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    separator: str
    mark: Mark
    newline: str
    complete: bool


def read_sheet(path: str | Path, layout: Layout) -> Sheet:
    """Read a CSV with the columns of a study, or some of them, in any order.

    Raises:
        InvalidTell: It cannot be read, has a column that the study has not, or is no sound CSV; the message names the lines.
    """
    path = Path(path)
    text = _text(path)
    separator = _separator(text.split("\n", 1)[0], layout)
    lines = _lines(path, text, separator)
    if not lines:
        raise InvalidTell(f"{path} is empty; its first line names the columns: {', '.join(layout.names)}")
    (_, header), *body = lines
    columns = _columns(path, header, layout)
    rows, problems = [], []
    for line, cells in body:
        cells = [cell.strip() for cell in cells]
        if not any(cells):
            continue
        if not len(columns) <= len(cells) <= len(header) or any(cells[len(columns) :]):
            hint = (
                "; write numbers with a decimal point, or put ';' between the cells"
                if separator == "," and len(cells) > len(columns)
                else ""
            )
            problems.append(f"line {line} has {len(cells)} cells where the header has {len(columns)}{hint}")
            continue
        rows.append(Row(line, dict(zip(columns, cells, strict=False))))
    mark, mixed = _mark(rows, layout)
    if problems := problems + mixed:
        raise InvalidTell("\n".join([f"{path}: nothing was written", *problems]))
    newline = "\r\n" if "\r\n" in text else "\n"
    return Sheet(path, columns, tuple(rows), separator, mark, newline, complete=text.endswith("\n"))


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise InvalidTell(f"there is no file {path}; `bbo ask --csv {path}` writes one") from None
    except OSError as error:
        raise InvalidTell(f"{path} cannot be read: {error.strerror}") from None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InvalidTell(f"{path}: line {line} is not UTF-8 text; in the spreadsheet save it as 'CSV UTF-8'") from None
    if "\0" in text:
        raise InvalidTell(f"{path} is no CSV: it holds zero bytes; in the spreadsheet save it as 'CSV UTF-8'")
    return text if "\n" in text else text.replace("\r", "\n")  # line breaks of old Macintosh spreadsheets


def _separator(first: str, layout: Layout) -> str:
    """The separator under which the first line names the most columns of the study."""

    def known(separator: str) -> int:
        return len({cell.strip().strip('"') for cell in first.split(separator)} & set(layout.names))

    return max(_SEPARATORS, key=known)


def _lines(path: Path, text: str, separator: str) -> list[tuple[int, list[str]]]:
    """Cells of each record, with the line it begins on."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    lines, line = [], 1
    try:
        for cells in reader:
            lines.append((line, cells))
            line = reader.line_num + 1
    except csv.Error as error:
        raise InvalidTell(f"{path}: line {line} is no sound CSV: {error}") from None
    return lines


def _columns(path: Path, header: list[str], layout: Layout) -> tuple[str, ...]:
    names = [name.strip() for name in header]
    while names and not names[-1]:  # spreadsheets put separators behind the last column
        names.pop()
    if not set(names) & set(layout.names):
        raise InvalidTell(f"{path}: line 1 names none of this study's columns: {', '.join(layout.names)}")
    try:
        columns = tuple(layout.check_name(name) for name in names)
    except InvalidTell as error:
        raise InvalidTell(f"{path}: line 1: {error}") from None
    if twice := [name for name in columns if columns.count(name) > 1]:
        raise InvalidTell(f"{path}: line 1 names the column {twice[0]!r} twice")
    return columns


def _mark(rows: list[Row], layout: Layout) -> tuple[Mark, list[str]]:
    """The decimal mark of all numbers, and what is wrong where two are used."""
    first: dict[Mark, str] = {}
    for row in rows:
        for name, cell in row.cells.items():
            if name in layout.numbers:
                first.setdefault(mark_of(cell), f"{cell} in line {row.line}")
    first.pop(None, None)
    if len(first) > 1:
        return None, [f"numbers are written both with a decimal point and with a comma ({first['.']}, {first[',']}); use one of them"]
    return next(iter(first), None), []
