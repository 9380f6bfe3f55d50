"""Many processes on one study: no trial twice, none lost, nobody starved; and a new process goes on bit for bit."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import bbo
from bbo.optimizers.base import REGISTRY
from bbo.replay import reproduce
from bbo.storage import open_storage
from bbo.storage.jsonl import export_log, import_log

PROGRAMS = Path(__file__).parent / "programs"
ROOT = Path(__file__).parents[3]


def start(program: str, *arguments: object) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(PROGRAMS)]), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(PROGRAMS / program), *map(str, arguments)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(processes: list[subprocess.Popen[str]]) -> list[list[str]]:
    lines = []
    for process in processes:
        out, err = process.communicate(timeout=500)
        assert process.returncode == 0, err
        lines.append(out.split("\n")[:-1])
    return lines


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/s.db" if request.param == "sqlite" else request.getfixturevalue("postgresql_url")


@pytest.mark.parametrize(
    ("processes", "trials"), [pytest.param(4, 10, id="4x10"), pytest.param(16, 50, id="16x50", marks=pytest.mark.slow)]
)
def test_the_same_constructor_at_once_makes_one_study(url: str, processes: int, trials: int) -> None:
    lines = finish([start("constructor.py", url, trials) for _ in range(processes)])
    numbers = sorted(int(line) for out in lines for line in out)
    assert numbers == list(range(processes * trials))
    assert bbo.list_studies(url) == ["same"]
    events = open_storage(url).read("same")
    assert [event.kind for event in events].count("told") == processes * trials
    assert [event.kind for event in events].count("created") == 1


def test_asks_return_in_time_while_results_pour_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """200 open trials are told one every 50 ms while 8 processes propose, 2 s for a fit and 0.2 s given a memo."""
    monkeypatch.syspath_prepend(str(PROGRAMS))
    from sleepy import Sleepy

    url = f"sqlite:///{tmp_path}/s.db"
    space = bbo.Space({"x": bbo.Float(0, 1)})
    study = bbo.Study(space, "minimize", optimizer="random", storage=url, name="s", seed=3)
    trials = study.ask(200)
    study.configure(optimizer=Sleepy())
    done = threading.Event()

    def tell() -> None:
        for trial in trials:
            if done.is_set():
                return
            study.tell(trial, trial["x"])
            time.sleep(0.05)

    teller = threading.Thread(target=tell)
    teller.start()
    try:
        lines = finish([start("sleepy.py", url) for _ in range(8)])
    finally:
        done.set()
        teller.join()
    numbers = sorted(int(line.split()[0]) for out in lines for line in out)
    assert numbers == list(range(200, 208))
    assert max(float(line.split()[1]) for out in lines for line in out) < 6.0
    events = study.storage.read("s")
    points = [event.body["params"]["x"] for event in events if event.kind == "asked" and event.trial >= 200]
    assert len(set(points)) == 8
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    for number in numbers:
        asked = next(event.body for event in events if event.kind == "asked" and event.trial == number)
        assert dict(reproduce(events, number).params) == asked["params"]


CONTEXTS = {"cheb_cb": {"t": bbo.Context(bbo.Float(0, 1))}}
"""Of optimizers that need one."""

OBJECTIVES = {"nsga3": {"near": "minimize", "large": "maximize"}}
"""Of optimizers that need several."""


@pytest.mark.parametrize("optimizer", sorted(REGISTRY))
def test_a_new_process_goes_on_bit_for_bit(url: str, optimizer: str) -> None:
    space = bbo.Space({"x": bbo.Float(0, 1), "y": bbo.Float(1e-3, 1, log=True), **CONTEXTS.get(optimizer, {})})
    objectives = OBJECTIVES.get(optimizer, "minimize")
    whole = bbo.Study(space, objectives, optimizer=optimizer, name="half", seed=7)
    go_on(whole, 10)
    bbo.Study(space, objectives, optimizer=optimizer, name="half", seed=7, storage=url)
    finish([start("half.py", url, 5)])
    finish([start("half.py", url, 5)])
    assert [trial.params for trial in bbo.load_study("half", url).trials] == [trial.params for trial in whole.trials]


@pytest.mark.parametrize("optimizer", sorted(REGISTRY))
def test_an_imported_log_goes_on_bit_for_bit(optimizer: str) -> None:
    space = bbo.Space({"x": bbo.Float(0, 1), "y": bbo.Float(0, 9), **CONTEXTS.get(optimizer, {})})
    study = bbo.Study(space, OBJECTIVES.get(optimizer, "minimize"), optimizer=optimizer, seed=7)
    go_on(study, 6)
    other = open_storage(None)
    import_log(other, export_log(study.storage, study.name))
    assert go_on(bbo.load_study("study", other), 2) == go_on(study, 2)


def go_on(study: bbo.Study, n: int) -> list[dict[str, object]]:
    """A few asks and tells more; the points."""
    context = dict.fromkeys(CONTEXTS.get(study.optimizer.name, {}), 0.5)
    points = []
    for _ in range(n):
        trial = study.ask(context=context)
        study.tell(trial, [sum((value - 0.3) ** 2 for value in trial.values()), trial["x"]][: len(study.objectives)])
        points.append(trial.params)
    return points
