"""Writing trials to be run into a CSV: rows are appended, none is rewritten."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from bbo.errors import InvalidTell
from bbo.files.cells import Layout
from bbo.files.reading import Sheet, read_sheet
from bbo.log.ledger import Record


def open_sheet(path: str | Path, layout: Layout) -> Sheet | None:
    """The CSV that rows are to be appended to, None where there is none yet. Nothing is written.

    Raises:
        InvalidTell: It is not one of this study, lacks a column that a trial needs, or cannot be written.
    """
    path = Path(path)
    if not path.exists():
        if not path.absolute().parent.is_dir():
            raise InvalidTell(f"{path} cannot be written: there is no folder {path.absolute().parent}")
        return None
    if not os.access(path, os.W_OK):
        raise InvalidTell(f"{path} cannot be written: it is read-only")
    if path.is_file() and path.stat().st_size == 0:
        return Sheet(path, (), (), ",", None, "\n", complete=True)
    sheet = read_sheet(path, layout)
    if missing := [name for name in ("trial", *layout.slots) if name not in sheet.columns]:
        raise InvalidTell(f"{path} has no column {missing[0]!r}; name a new file, and it gets all columns")
    return sheet


def append_rows(path: str | Path, sheet: Sheet | None, layout: Layout, records: Iterable[Record]) -> int:
    """Append the trials that the file does not hold yet, and return how many these are. All rows are written or none.

    Args:
        path: The file; it is created, with its header, where `sheet` is None.
        sheet: What `open_sheet` found there.
        layout: The study's columns.
        records: The trials.

    Raises:
        InvalidTell: The file cannot be written.
    """
    known = set() if sheet is None else {row.cells.get("trial") for row in sheet.rows}
    new = [record for record in records if str(record.number) not in known]
    columns = sheet.columns if sheet is not None and sheet.columns else layout.names
    separator = "," if sheet is None else sheet.separator
    mark = (sheet.mark if sheet is not None else None) or ("," if separator == ";" else ".")  # ";" comes from decimal commas
    rows = [[*columns]] if sheet is None or not sheet.columns else []
    for record in new:
        cells = {"trial": str(record.number), **layout.write(record.planned, mark)}
        rows.append([cells.get(name, "") for name in columns])
    newline = "\n" if sheet is None else sheet.newline
    start = "" if sheet is None or sheet.complete else newline
    if new:
        _append(Path(path), start + _csv(rows, separator, newline), create=sheet is None)
    return len(new)


def _csv(rows: Sequence[Sequence[str]], separator: str, newline: str) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=separator, lineterminator=newline).writerows(rows)
    return text.getvalue()


def _append(path: Path, text: str, *, create: bool) -> None:
    """One write at the end of the file; where it does not go through as a whole, the file is cut back."""
    data = text.encode()
    flags = os.O_WRONLY | os.O_APPEND | (os.O_CREAT | os.O_EXCL if create else 0)
    try:
        file = os.open(path, flags, 0o666)
        try:
            before = os.fstat(file).st_size
            written = 0
            try:
                written = os.write(file, data)
                os.fsync(file)
            finally:
                if written < len(data):
                    os.ftruncate(file, before)
            if written < len(data):
                raise InvalidTell(
                    f"{path} cannot be written: the disk is full; the trials are handed out, `bbo ask --csv {path}` writes them"
                )
        finally:
            os.close(file)
    except OSError as error:
        raise InvalidTell(
            f"{path} cannot be written: {error.strerror}; the trials are handed out, `bbo ask --csv {path}` writes them once it can"
        ) from None
