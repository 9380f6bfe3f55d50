"""The command line, run in a folder of its own."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import bbo
from bbo.storage.jsonl import export_log

STUDY = """\
space:
  T: {float: [20, 80], unit: °C}
  cat: {categorical: [Pd, Ni]}
objectives: {yield: maximize}
outcome_constraints: [impurity <= 0.05]
optimizer: sobol
seed: 3
"""


@dataclass(frozen=True)
class Outcome:
    """What a command left."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output, which must be one JSON document."""
        return json.loads(self.out)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with the study file week.yaml."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BBO_STORAGE", raising=False)
    (tmp_path / "week.yaml").write_text(STUDY, encoding="utf-8")
    return tmp_path


@pytest.fixture
def run(folder: Path) -> Callable[..., Outcome]:
    """Run a command line in this process: ``run("ask week.yaml -n 3")``."""
    from typer.testing import CliRunner

    from bbo.cli.app import app

    def run(line: str, stdin: str | None = None) -> Outcome:
        result = CliRunner().invoke(app, shlex.split(line), input=stdin)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Outcome(result.exit_code, result.stdout, result.stderr)

    return run


@pytest.fixture
def week(run: Callable[..., Outcome]) -> bbo.Study:
    """The study of week.yaml, created; nothing asked yet."""
    assert run("create week.yaml").code == 0
    return bbo.load_study("week", "bbo.db")


@pytest.fixture
def log(week: bbo.Study) -> Callable[[], list[str]]:
    """Its whole log as it is stored, byte for byte."""
    return lambda: list(export_log(week.storage, "week"))
