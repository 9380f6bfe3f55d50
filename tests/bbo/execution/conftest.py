"""What the tests of runs have in common."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

import bbo

ROOT = Path(__file__).parents[3]
PROGRAMS = Path(__file__).parent / "programs"

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start one of `programs` in a process group of its own, killed at the end if it still runs."""
    begun: list[subprocess.Popen[str]] = []

    def begin(program: str, *arguments: object) -> subprocess.Popen[str]:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-W", "error", str(PROGRAMS / program), *map(str, arguments)]
        process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        )
        begun.append(process)
        return process

    yield begin
    for process in begun:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


@pytest.fixture
def line() -> bbo.Space:
    """One parameter, ``x`` from 0 to 1."""
    return bbo.Space({"x": bbo.Float(0, 1)})


@pytest.fixture
def study(line: bbo.Space) -> bbo.Study:
    """A study in memory."""
    return bbo.Study(line, {"loss": "minimize"}, optimizer="random", seed=0)


@pytest.fixture
def stored(line: bbo.Space, tmp_path: Path) -> bbo.Study:
    """A study in an SQLite file."""
    return bbo.Study(line, {"loss": "minimize"}, optimizer="random", seed=0, storage=tmp_path / "s.db", name="s")
