"""Runs in worker processes: relays, deaths, exceptions, what can be sent."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

import bbo
from bbo.replay import reproduce


def states(study: bbo.Study) -> list[str]:
    return [str(trial.state) for trial in study.trials]


def test_two_workers_add_exactly_n_trials(study: bbo.Study) -> None:
    here = os.getpid()

    def fn(trial: bbo.Trial) -> bbo.Result:
        assert os.getpid() != here
        return bbo.Result(trial["x"], attrs={"pid": os.getpid()})

    study.optimize(fn, 11, workers=2)
    study.optimize(fn, total=13, workers=2)
    assert states(study) == ["done"] * 13
    assert all(trial.value == trial["x"] for trial in study.trials)
    assert len({trial.attrs["pid"] for trial in study.trials[:11]}) == 2


@pytest.mark.parametrize("optimizer", ["random", "sobol", "cma_es"])
def test_every_proposal_of_a_run_with_workers_is_reproduced_from_the_log(optimizer: str) -> None:
    space = bbo.Space({"x": bbo.Float(-1, 1), "y": bbo.Float(-1, 1)})
    study = bbo.Study(space, optimizer=optimizer, seed=0)
    study.optimize(lambda trial: trial["x"] ** 2 + trial["y"] ** 2, 14, workers=2)
    events = study.storage.read(study.name)
    for trial in study.trials:
        assert dict(reproduce(events, trial.number).params) == trial.params


def test_no_more_workers_than_trials(study: bbo.Study) -> None:
    study.optimize(lambda trial: bbo.Result(1.0, attrs={"pid": os.getpid()}), 1, workers=8)
    assert len(study.trials) == 1


def test_reports_and_the_pruners_answers_are_relayed(line: bbo.Space) -> None:
    study = bbo.Study(line, {"loss": "minimize"}, optimizer="random", pruner=bbo.Median(n_startup=2), seed=0)

    def fn(trial: bbo.Trial) -> float:
        for step in range(3):
            trial.report(trial.number + 0.1 * step, step)
            if trial.should_prune():
                raise bbo.TrialPruned(f"at step {step}")
        return float(trial.number)

    study.optimize(fn, 2)  # two to compare with
    study.optimize(fn, 4, workers=2)
    assert states(study) == ["done", "done", "pruned", "pruned", "pruned", "pruned"]
    assert study.trials[2].reason == "at step 0"
    assert study.record(1).reports == ((0, 1.0), (1, 1.1), (2, 1.2))
    assert study.record(5).reports == ((0, 5.0),)


def test_a_bad_report_is_raised_where_it_was_made(study: bbo.Study) -> None:
    def fn(trial: bbo.Trial) -> float:
        try:
            trial.report(float("nan"), 0)
        except bbo.InvalidTell as error:
            raise bbo.TrialFailed(str(error)) from error
        return 1.0

    study.optimize(fn, 1, workers=2)
    assert states(study) == ["failed"]
    assert "finite" in study.trials[0].reason


def test_the_trial_in_a_worker(study: bbo.Study) -> None:
    def fn(trial: bbo.Trial) -> bbo.Result:
        facts = {"params": trial.params, "seed": trial.seed, "value": trial.value, "state": str(trial.state), "attempt": trial.attempt}
        return bbo.Result(trial["x"], attrs={**facts, "known": {trial: 1}[trial], "length": len(trial)})

    study.optimize(fn, 1, workers=2)
    (trial,) = study.trials
    assert trial.attrs == {
        "params": trial.params,
        "seed": trial.seed,
        "value": None,
        "state": "pending",
        "attempt": 1,
        "known": 1,
        "length": 1,
    }


def test_several_objectives_have_no_single_value_in_a_worker_either(line: bbo.Space) -> None:
    study = bbo.Study(line, {"a": "minimize", "b": "maximize"}, optimizer="random", seed=0)

    def fn(trial: bbo.Trial) -> dict[str, float]:
        try:
            trial.value
        except bbo.NoBest:
            return {"a": 1.0, "b": 2.0}
        return {"a": 0.0, "b": 0.0}

    study.optimize(fn, 1, workers=2)
    assert study.trials[0].outcomes == {"a": 1.0, "b": 2.0}


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_a_killed_worker_is_a_retry_and_is_replaced(study: bbo.Study, number: signal.Signals) -> None:
    def fn(trial: bbo.Trial) -> float:
        if trial.number in {1, 4} and trial.attempt == 1:
            os.kill(os.getpid(), number)
        return float(trial["x"])

    study.optimize(fn, total=8, workers=2)
    assert states(study) == ["done"] * 8
    assert [trial.attempt for trial in study.trials] == [1, 2, 1, 1, 2, 1, 1, 1]
    retried = [event for event in study.storage.read(study.name) if event.kind == "retried"]
    assert [event.body["reason"] for event in retried] == [f"its worker process was killed by {number.name}"] * 2


def test_the_point_that_kills_three_workers_has_failed(study: bbo.Study) -> None:
    def fn(trial: bbo.Trial) -> float:
        if trial.number == 1:
            os._exit(7)
        return 1.0

    study.optimize(fn, 4, workers=2)
    assert states(study) == ["done", "failed", "done", "done"]
    assert study.trials[1].reason == "its worker process ended with exit status 7, for the 3rd time"


def test_a_worker_whose_children_hold_its_socket_is_noticed_when_it_dies(study: bbo.Study, tmp_path: Path) -> None:
    note = tmp_path / "child"

    def fn(trial: bbo.Trial) -> float:
        if trial.attempt == 1:
            child = os.fork()
            if child == 0:
                signal.pause()
            note.write_text(str(child))
            os.kill(os.getpid(), signal.SIGKILL)
        os.kill(int(note.read_text()), signal.SIGKILL)
        return 1.0

    study.optimize(fn, 1, workers=2)
    assert states(study) == ["done"]
    assert study.trials[0].attempt == 2


class Peculiar(Exception):
    """Cannot be unpickled: its constructor wants more than its message."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)


def test_an_exception_comes_back_with_its_type_and_the_workers_traceback(study: bbo.Study) -> None:
    class Mine(ValueError):
        pass

    def deep(trial: bbo.Trial) -> float:
        raise Mine("from afar")

    with pytest.raises(Mine, match="from afar") as raised:
        study.optimize(lambda trial: deep(trial) if trial.number == 2 else 1.0, 20, workers=2)
    (note,) = raised.value.__notes__
    assert "in deep" in note
    assert "worker process" in note
    kinds = [trial.state.value for trial in study.trials]
    assert kinds.count("abandoned") == 1
    assert set(kinds) == {"done", "abandoned"}
    assert len(kinds) < 20


def test_an_exception_that_cannot_travel_is_described(study: bbo.Study) -> None:
    def fn(trial: bbo.Trial) -> float:
        raise Peculiar(3, "odd")

    with pytest.raises(RuntimeError, match="Peculiar: odd") as raised:
        study.optimize(fn, 1, workers=2)
    assert "Traceback" in raised.value.__notes__[0]


def test_exceptions_of_the_expected_types_are_failures(study: bbo.Study) -> None:
    class Mine(ValueError):
        pass

    def fn(trial: bbo.Trial) -> float:
        raise Mine("x")

    study.optimize(fn, 2, workers=2, catch=Mine)
    assert states(study) == ["failed", "failed"]


def test_running_trials_end_before_an_exception_is_raised(study: bbo.Study, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    def fn(trial: bbo.Trial) -> float:
        (tmp_path / f"begun-{trial.number}").touch()
        wanted = [tmp_path / "begun-1", tmp_path / "begun-2"] if trial.number == 0 else [tmp_path / "go"]
        while not all(path.exists() for path in wanted):
            time.sleep(0.01)
        if trial.number == 0:
            raise ValueError("while others run")
        return 1.0

    class Go(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            (tmp_path / "go").touch()

    logger = logging.getLogger("bbo.execution.loop")
    handler = Go()
    logger.addHandler(handler)
    with pytest.raises(ValueError, match="while others run"):
        study.optimize(fn, 10, workers=3)
    logger.removeHandler(handler)
    assert states(study) == ["abandoned", "done", "done"]
    assert "once the trials that still run (2) have ended" in caplog.text


def test_what_cannot_be_sent_is_refused_before_anything_is_asked(study: bbo.Study) -> None:
    lock = threading.Lock()
    with pytest.raises(bbo.InvalidStudy, match="cannot be sent to worker processes"):
        study.optimize(lambda trial: 1.0 if lock.locked() else 2.0, 3, workers=2)
    assert study.trials == []


def test_what_cannot_be_sent_back_is_no_result(study: bbo.Study) -> None:
    with pytest.raises(bbo.InvalidTell, match="cannot be sent between processes"):
        study.optimize(lambda trial: threading.Lock(), 3, workers=2)
    assert "abandoned" in states(study)


def test_a_function_that_cannot_be_loaded_is_an_error_that_says_so(study: bbo.Study, tmp_path: Path) -> None:
    (tmp_path / "passing_by.py").write_text("def fn(trial): return 1.0\n")
    sys.path.insert(0, str(tmp_path))
    try:
        import passing_by
    finally:
        sys.path.remove(str(tmp_path))
    try:
        with pytest.raises(bbo.BBOError, match="cannot be loaded in a worker process: ModuleNotFoundError") as raised:
            study.optimize(passing_by.fn, 3, workers=2)
        assert isinstance(raised.value.__cause__, ModuleNotFoundError)
        assert states(study) == ["queued", "queued"]
    finally:
        del sys.modules["passing_by"]


def test_a_worker_that_cannot_begin_is_an_error(study: bbo.Study, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(bbo.BBOError, match="ended with exit status 1 before it could begin"):
        study.optimize(lambda trial: 1.0, 3, workers=2)
    assert states(study) == ["queued", "queued"]


def test_threads_of_a_function_may_report(study: bbo.Study) -> None:
    def fn(trial: bbo.Trial) -> float:
        threads = [threading.Thread(target=trial.report, args=(1.0, step)) for step in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return 1.0

    study.optimize(fn, 1, workers=2)
    assert sorted(study.record(0).reports) == [(step, 1.0) for step in range(8)]
