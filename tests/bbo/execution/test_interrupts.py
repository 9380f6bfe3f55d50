"""Ctrl-C and SIGTERM: what runs is queued again, workers leave, and no write is broken into."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import bbo
from bbo.execution.endings import Terminated
from bbo.execution.interrupts import Interrupts, Shielded

Start = Callable[..., "subprocess.Popen[str]"]


def until(there: Callable[[], object], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not there():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def states(folder: Path) -> list[str]:
    return [str(trial.state) for trial in bbo.load_study("s", folder / "s.db").trials]


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, -signal.SIGINT), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("workers", [1, 2])
def test_a_signal_queues_what_runs_and_the_next_run_goes_on(
    start: Start, tmp_path: Path, workers: int, number: signal.Signals, status: int
) -> None:
    process = start("sleeper.py", tmp_path, workers, 3, 60.0)
    until(lambda: all((tmp_path / f"begun-{trial}").exists() for trial in range(workers)))
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    assert process.returncode == status, err
    assert states(tmp_path) == ["queued"] * workers
    assert all((tmp_path / f"left-{trial}").exists() for trial in range(workers))  # clean-up ran, in the workers too
    (tmp_path / "go").touch()
    again = start("sleeper.py", tmp_path, workers, 3, 60.0)
    _, err = again.communicate(timeout=30)
    assert again.returncode == 0, err
    assert states(tmp_path) == ["done"] * 3
    assert [trial.attempt for trial in bbo.load_study("s", tmp_path / "s.db").trials] == [2] * workers + [1] * (3 - workers)


def test_a_terminal_interrupts_the_whole_group(start: Start, tmp_path: Path) -> None:
    process = start("sleeper.py", tmp_path, 2, 3, 60.0)
    until(lambda: all((tmp_path / f"begun-{trial}").exists() for trial in range(2)))
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == -signal.SIGINT, err
    assert err.count("Traceback") == 1  # of this process alone: the workers leave without a word
    assert states(tmp_path) == ["queued"] * 2


def test_a_second_interrupt_gets_out_at_once(start: Start, tmp_path: Path) -> None:
    (tmp_path / "stubborn").touch()
    process = start("sleeper.py", tmp_path, 1, 3, 60.0)
    until((tmp_path / "begun-0").exists)
    process.send_signal(signal.SIGINT)
    until((tmp_path / "swallowed").exists)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == -signal.SIGINT, err
    assert states(tmp_path) == ["queued"]


def test_workers_leave_when_their_parent_is_killed(start: Start, tmp_path: Path) -> None:
    process = start("sleeper.py", tmp_path, 2, 3, 60.0)
    until(lambda: all((tmp_path / f"begun-{trial}").exists() for trial in range(2)))
    process.kill()
    until(lambda: all((tmp_path / f"left-{trial}").exists() for trial in range(2)))


def test_a_first_signal_waits_until_the_code_is_open_to_it() -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), Interrupts() as interrupts:
        signal.raise_signal(signal.SIGINT)  # a write goes on
        with interrupts.open():
            pytest.fail("it is raised before anything else")
    assert signal.getsignal(signal.SIGINT) is before


def test_an_open_stretch_is_broken_into_at_once() -> None:
    with pytest.raises(Terminated) as raised, Interrupts() as interrupts, interrupts.open():
        signal.raise_signal(signal.SIGTERM)
        pytest.fail("it is raised at once")
    assert raised.value.code == 143
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_a_write_within_an_open_stretch_is_finished_first(study: bbo.Study) -> None:
    trial = study.ask()
    seen: list[str] = []
    report = study.report

    def interrupted(number: int, attempt: int, value: float, step: int) -> None:
        signal.raise_signal(signal.SIGINT)
        report(number, attempt, value, step)
        seen.append("written")

    study.report = interrupted  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt), Interrupts() as interrupts, interrupts.open():
        bbo.Trial(Shielded(study, interrupts), trial.number, trial.attempt).report(1.0, 0)
        seen.append("not reached")
    assert seen == ["written"]
    assert study.record(0).reports == ((0, 1.0),)


def test_a_second_signal_is_raised_wherever_it_comes() -> None:
    with pytest.raises(KeyboardInterrupt), Interrupts():
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        pytest.fail("it is raised at once")


def test_a_signal_at_the_very_end_is_not_swallowed() -> None:
    with pytest.raises(KeyboardInterrupt), Interrupts():
        signal.raise_signal(signal.SIGINT)


def test_handlers_of_the_program_and_other_threads_are_left_alone() -> None:
    def own(number: int, frame: object) -> None:
        """The program's."""

    before = signal.signal(signal.SIGTERM, own)
    try:
        with Interrupts():
            assert signal.getsignal(signal.SIGTERM) is own
            assert signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    finally:
        signal.signal(signal.SIGTERM, before)
    found = []

    def enter() -> None:
        with Interrupts():
            found.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert found == [signal.default_int_handler]
