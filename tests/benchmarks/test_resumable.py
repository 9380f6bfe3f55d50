"""Runs that go on where they ended."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks.resumable import go_on, read


def test_what_stands_in_the_file_is_not_run_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ran: list[int] = []

    def job(seed: int) -> tuple[dict[str, Any], Any]:
        return {"seed": seed}, lambda: {"value": ran.append(seed) or 10 * seed}

    file = tmp_path / "new" / "rows.jsonl"
    assert read(file) == []
    go_on(file, map(job, [1, 2]), hours=1)
    go_on(file, map(job, [2, 3]), hours=1, say=lambda row: f"seed {row['seed']}")
    assert ran == [1, 2, 3]
    assert read(file) == [{"seed": k, "value": 10 * k} for k in ran]
    assert capsys.readouterr().out == "seed 3\n"


def test_nothing_is_started_once_the_time_is_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    go_on(tmp_path / "rows.jsonl", [({"seed": 1}, dict)], hours=-1)
    assert not read(tmp_path / "rows.jsonl") and "time is up" in capsys.readouterr().out
