"""Runs in executors of other makers."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import pytest

import bbo


def states(study: bbo.Study) -> list[str]:
    return [str(trial.state) for trial in study.trials]


def with_reports(trial: bbo.Trial) -> float:
    for step in range(2):
        trial.report(trial.number + step, step)
        if trial.should_prune():
            raise bbo.TrialPruned
    if trial.number == 1:
        raise bbo.TrialFailed("exploded")
    return float(trial["x"])


def at_fault(trial: bbo.Trial) -> float:
    raise KeyError("missing")


def deadly(trial: bbo.Trial) -> float:
    os._exit(1)


@pytest.fixture
def processes() -> Iterator[Executor]:
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as executor:
        yield executor


def test_threads_share_the_study(study: bbo.Study) -> None:
    names = set()

    def fn(trial: bbo.Trial) -> float:
        names.add(threading.current_thread().name)
        return with_reports(trial)

    with ThreadPoolExecutor(3, thread_name_prefix="pool") as executor:
        study.optimize(fn, 9, executor=executor)
        study.optimize(fn, total=12, executor=executor, workers=1)
    assert states(study) == ["done", "failed"] + ["done"] * 10
    assert all(name.startswith("pool") for name in names)
    assert study.record(5).reports == ((0, 5.0), (1, 6.0))


def test_as_many_at_a_time_as_the_executor_has_workers(study: bbo.Study) -> None:
    barrier = threading.Barrier(3)
    with ThreadPoolExecutor(3) as executor:
        study.optimize(lambda trial: float(barrier.wait(timeout=30)), 6, executor=executor)
    assert sorted(trial.value for trial in study.trials) == [0, 0, 1, 1, 2, 2]


def test_an_exception_in_a_thread_is_raised_with_its_traceback(study: bbo.Study) -> None:
    with ThreadPoolExecutor(2) as executor, pytest.raises(KeyError, match="missing") as raised:
        study.optimize(at_fault, 5, executor=executor)
    assert "at_fault" in [entry.name for entry in raised.traceback]
    assert set(states(study)) == {"abandoned"}


def test_processes_report_through_the_storage(stored: bbo.Study, processes: Executor) -> None:
    stored.configure(pruner=bbo.Median(n_startup=1))
    stored.optimize(with_reports, 5, executor=processes, workers=1)
    assert states(stored) == ["done", "pruned", "pruned", "pruned", "pruned"]
    assert stored.record(0).reports == ((0, 0.0), (1, 1.0))
    with pytest.raises(KeyError, match="missing") as raised:
        stored.optimize(at_fault, 1, executor=processes)
    assert "in at_fault" in raised.value.__notes__[0]


def test_closures_go_to_processes_but_reports_need_a_stored_study(study: bbo.Study, processes: Executor) -> None:
    factor = 2.0
    study.optimize(lambda trial: factor * trial["x"], 4, executor=processes)
    assert all(trial.value == 2 * trial["x"] for trial in study.trials)
    with pytest.raises(bbo.Unsupported, match="need a stored study"):
        study.optimize(with_reports, 1, executor=processes)


def test_a_broken_executor_queues_its_trials_again(stored: bbo.Study, processes: Executor) -> None:
    with pytest.raises(bbo.BBOError, match="the executor lost trial [01]: BrokenProcessPool"):
        stored.optimize(deadly, 4, executor=processes)
    assert set(states(stored)) == {"queued"}
    with pytest.raises(bbo.BBOError, match="the executor takes no trials: BrokenProcessPool"):
        stored.optimize(deadly, 4, executor=processes)
    assert set(states(stored)) == {"queued"}
    stored.optimize(lambda trial: 1.0, total=4)
    assert states(stored) == ["done"] * 4


def test_what_cannot_be_sent_is_an_error(study: bbo.Study, processes: Executor) -> None:
    lock = threading.Lock()
    with pytest.raises(bbo.BBOError, match="cannot be sent"):
        study.optimize(lambda trial: 1.0 if lock.locked() else 2.0, 3, executor=processes)


def test_a_closed_executor_is_an_error(study: bbo.Study) -> None:
    executor = ThreadPoolExecutor(1)
    executor.shutdown()
    with pytest.raises(bbo.BBOError, match="takes no trials"):
        study.optimize(lambda trial: 1.0, 3, executor=executor)
    assert states(study) == ["queued"]


def test_an_executor_of_unknown_size_needs_workers(study: bbo.Study) -> None:
    class Here(Executor):
        def submit(self, fn, /, *args, **kwargs):  # type: ignore[no-untyped-def]
            future: Future[object] = Future()
            future.set_result(fn(*args, **kwargs))
            return future

    with pytest.raises(bbo.InvalidStudy, match="say with workers="):
        study.optimize(lambda trial: 1.0, 3, executor=Here())
    study.optimize(lambda trial: 1.0, 3, executor=Here(), workers=2)
    assert states(study) == ["done"] * 3


def test_cancelled_trials_are_queued_again(study: bbo.Study) -> None:
    class Cancelling(Executor):
        def submit(self, fn, /, *args, **kwargs):  # type: ignore[no-untyped-def]
            future: Future[object] = Future()
            future.cancel()
            future.set_running_or_notify_cancel()
            return future

    with pytest.raises(bbo.BBOError, match="lost trial 0: CancelledError"):
        study.optimize(lambda trial: 1.0, 3, executor=Cancelling(), workers=1)
    assert states(study) == ["queued"]


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")
def test_dask(stored: bbo.Study, tmp_path: Path) -> None:
    import dask
    from distributed import Client, LocalCluster

    stored.configure(pruner=bbo.Median(n_startup=1))
    with (
        dask.config.set({"temporary-directory": str(tmp_path)}),
        LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, host="127.0.0.1") as cluster,
        Client(cluster) as client,
    ):
        stored.optimize(lambda trial: bbo.Result(trial["x"], attrs={"pid": os.getpid()}), 8, executor=client.get_executor())
        stored.optimize(with_reports, total=10, executor=client.get_executor(), workers=1)
    assert states(stored)[:8] == ["done"] * 8
    assert len({trial.attrs["pid"] for trial in stored.trials[:8]}) == 2
    assert stored.record(9).reports[0] == (0, 9.0)
