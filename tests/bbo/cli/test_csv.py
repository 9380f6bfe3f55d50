"""A week of experiments from the command line: asked into a CSV, filled in by a spreadsheet, told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import bbo

Run = Callable[..., Any]


def fill(path: Path, *, mark: str = ".", **outcomes: str) -> None:
    """Write outcomes into the rows that have none."""
    head, *rows = path.read_text(encoding="utf-8").splitlines()
    columns = head.split(",")
    filled = [head]
    for row in rows:
        cells = dict(zip(columns, row.split(","), strict=True))
        filled.append(",".join((cells if cells["yield"] else {**cells, **outcomes}).values()))
    path.write_text("\n".join(filled) + "\n", encoding="utf-8")


def test_a_week(run: Run, week: bbo.Study, folder: Path) -> None:
    path = folder / "week.csv"
    assert "3 rows appended to week.csv" in run("ask -n 3 --csv week.csv").out
    fill(path, **{"yield": "0.5", "impurity": "0.01"})
    told = run("tell week.csv --yes")
    assert told.code == 0
    assert told.out.endswith("3 told\n")
    before = path.read_bytes()
    assert "3 rows appended" in run("ask -n 3 --csv week.csv").out
    assert path.read_bytes().startswith(before)
    assert run("tell week.yaml week.csv").out == "3 told before, 3 not measured yet\n"  # nothing to write: nothing to ask
    fill(path, **{"yield": "0.6", "impurity": "0.01"})
    assert run("tell week.yaml week.csv -y").out.endswith("3 told, 3 told before\n")
    assert [trial.outcomes["yield"] for trial in week.trials] == [0.5] * 3 + [0.6] * 3


def test_nothing_is_written_without_a_terminal_or_yes(run: Run, week: bbo.Study, folder: Path, log: Callable[[], list[str]]) -> None:
    run("ask -n 2 --csv week.csv")
    fill(folder / "week.csv", **{"yield": "0.5", "impurity": "0.01"})
    before = log()
    refused = run("tell week.csv")
    assert refused.code == 1
    assert "yield=0.5" in refused.out  # the preview
    assert "--yes" in refused.err
    assert log() == before


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("n", 1)])
def test_on_a_terminal_one_is_asked(
    run: Run, week: bbo.Study, folder: Path, log: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch, answer: str, code: int
) -> None:
    run("ask -n 2 --csv week.csv")
    fill(folder / "week.csv", **{"yield": "0.5", "impurity": "0.01"})
    before = log()
    monkeypatch.setattr("bbo.cli.tell.on_terminal", lambda: True)
    assert run("tell week.csv", stdin=f"{answer}\n").code == code
    assert (log() == before) is (code == 1)


def test_asking_again_after_a_crash_repeats_no_row(run: Run, week: bbo.Study, folder: Path) -> None:
    run("ask -n 2")  # asked, and the file was never written
    assert "2 rows appended" in run("ask -n 2 --csv week.csv").out
    assert "0 rows appended" in run("ask -n 2 --csv week.csv").out


def test_json_stays_json(run: Run, week: bbo.Study) -> None:
    asked = run("ask -n 2 --csv week.csv --json")
    assert len(asked.json) == 2
    assert "2 rows appended" in asked.err


def test_a_foreign_file_is_refused_before_anything_is_asked(run: Run, week: bbo.Study, folder: Path, log: Callable[[], list[str]]) -> None:
    (folder / "other.csv").write_text("name,street\n")
    before = log()
    assert run("ask -n 2 --csv other.csv").code == 1
    assert log() == before
    assert (folder / "other.csv").read_text() == "name,street\n"


def test_options_reach_the_rows(run: Run, week: bbo.Study, folder: Path) -> None:
    path = folder / "week.csv"
    path.write_text("trial,T,cat,yield,impurity\n,90,Pd,0.5,0.01\n")
    assert run("tell week.csv --yes").code == 1
    assert run("tell week.csv --yes --outside").code == 0
    assert run("tell week.csv --yes --outside").out == "1 added before and skipped (--replicate keeps them)\n"
    assert run("tell week.csv --yes --outside --replicate").code == 0
    run("ask")
    path.write_text("trial,yield,impurity\n2,0.5,0.01\n")
    assert run("tell week.csv --yes").code == 0
    path.write_text("trial,yield,impurity\n2,0.6,0.01\n")
    assert run("tell week.csv --yes").code == 1
    assert run("tell week.csv --yes --amend").code == 0
    assert week.trials[2].outcomes["yield"] == 0.6
