"""Many processes on one study: leases are renewed, what lapses is taken over, and a total is met exactly."""

from __future__ import annotations

import logging
import subprocess
import time
import types
from collections.abc import Callable
from pathlib import Path

import pytest

import bbo
from bbo.execution import heartbeat
from bbo.execution.heartbeat import Heartbeat

Start = Callable[..., "subprocess.Popen[str]"]


def until(there: Callable[[], object], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not there():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


def test_a_script_with_a_total_run_twice(start: Start, tmp_path: Path) -> None:
    for mine in (30, 0):
        process = start("total.py", tmp_path / "s.db", 30)
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        assert int(out) == mine
    assert len(bbo.load_study("s", tmp_path / "s.db").trials) == 30


@pytest.mark.parametrize(
    ("processes", "total"), [pytest.param(4, 40, id="4x40"), pytest.param(16, 320, id="16x320", marks=pytest.mark.slow)]
)
def test_processes_share_a_total_exactly(start: Start, tmp_path: Path, processes: int, total: int) -> None:
    started = [start("total.py", tmp_path / "s.db", total) for _ in range(processes)]
    counts = []
    for process in started:
        out, err = process.communicate(timeout=300)
        assert process.returncode == 0, err
        counts.append(int(out))
    assert sum(counts) == total
    trials = bbo.load_study("s", tmp_path / "s.db").trials
    assert [str(trial.state) for trial in trials] == ["done"] * total


def test_what_a_dead_process_held_is_taken_over(start: Start, tmp_path: Path) -> None:
    process = start("sleeper.py", tmp_path, 1, 3, 2.0)  # its first renewal would come after 20 s, long after this lease
    until((tmp_path / "begun-0").exists)
    process.kill()
    process.wait()
    study = bbo.load_study("s", tmp_path / "s.db")
    order: list[int] = []
    study.optimize(lambda trial: trial["x"], total=3, callbacks=[lambda study, trial: order.append(trial.number)])
    assert sorted(order) == [0, 1, 2]
    assert [(str(trial.state), trial.attempt) for trial in study.trials] == [("done", 2), ("done", 1), ("done", 1)]
    kinds = [event.kind for event in study.storage.read("s")]
    assert kinds.count("lapsed") == 1


def test_what_another_process_still_runs_is_waited_for(start: Start, tmp_path: Path) -> None:
    process = start("sleeper.py", tmp_path, 1, 3, 60.0)
    until((tmp_path / "begun-0").exists)
    study = bbo.load_study("s", tmp_path / "s.db")

    def go(study: bbo.Study, trial: bbo.Trial) -> None:
        if trial.number == 2:
            (tmp_path / "go").touch()

    study.optimize(lambda trial: trial["x"], total=3, callbacks=[go])
    assert [(str(trial.state), trial.attempt) for trial in study.trials] == [("done", 1)] * 3
    process.communicate(timeout=30)
    assert process.returncode == 0


def test_asks_of_a_run_carry_a_lease_and_the_process(study: bbo.Study) -> None:
    study.optimize(lambda trial: trial["x"], 1)
    asked = study.record(0).asked
    assert asked["lease"] == heartbeat.LEASE == 60.0
    host, _, process = asked["worker"].rpartition(":")
    assert host
    assert process.isdigit()


def test_leases_are_renewed_while_trials_run(study: bbo.Study, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "INTERVAL", 0.01)
    first, second = study.ask(2, lease=60)
    running = {0: first}

    def held(number: int) -> float:
        return study.storage.leases(study.name).get((number, 1), 0.0)

    with Heartbeat(study, running):
        until(lambda: held(0))
        earlier = held(0)
        running[1] = second
        until(lambda: held(1) and held(0) > earlier)
        del running[0]
        later = held(1)
        until(lambda: held(1) > later)
    stopped = held(1)
    time.sleep(0.05)
    assert held(1) == stopped


def test_a_storage_that_fails_for_a_moment_does_not_end_the_heartbeat(
    study: bbo.Study, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(heartbeat, "INTERVAL", 0.01)
    renew, failures = study.storage.renew, iter(range(3))

    def shaky(name: str, leases: dict[tuple[int, int], float]) -> None:
        if next(failures, None) is not None:
            raise bbo.StorageError("locked")
        renew(name, leases)

    monkeypatch.setattr(study.storage, "renew", shaky)
    with caplog.at_level(logging.WARNING), Heartbeat(study, {0: study.ask(lease=60)}):
        until(lambda: study.storage.leases(study.name))
    assert [record.message for record in caplog.records] == ["the leases of 1 running trials could not be renewed: locked"] * 3


def test_a_machine_that_slept_renews_before_it_asks(study: bbo.Study, monkeypatch: pytest.MonkeyPatch) -> None:
    """The heartbeat's clock stands still in a suspended machine; without this, a run would take its own trials for lapsed."""
    trial = study.ask(lease=60)
    pulse = Heartbeat(study, {0: trial})
    pulse.catch_up()
    assert study.storage.leases(study.name) == {}
    late = time.time() + 3600
    monkeypatch.setattr(heartbeat, "time", types.SimpleNamespace(time=lambda: late))
    pulse.catch_up()
    assert study.storage.leases(study.name) == {(0, 1): late + 60}
