"""Any `concurrent.futures.Executor` as the place where evaluations run: threads, processes, Dask's, Ray's."""

from __future__ import annotations

import time
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Executor, Future
from concurrent.futures import wait as wait_for
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import cloudpickle

from bbo.errors import BBOError, InvalidStudy, Unsupported
from bbo.execution.detached import Snapshot
from bbo.execution.endings import Ending, described, evaluate, pack, unpack
from bbo.execution.pool import sendable
from bbo.trial import Reported, Trial

if TYPE_CHECKING:
    from bbo.execution import ObjectiveFunction
    from bbo.study import Study


class Foreign:
    """Evaluates in an executor, which stays open.

    An evaluation that has begun in an executor cannot be stopped from outside: after an interrupt its result is ignored.

    Args:
        executor: The executor.
        study: The study.
        fn: The function.
        catch: Exceptions of `fn` that mean a failed trial.
        capacity: How many evaluations at a time; None for as many as the executor has workers.

    Raises:
        InvalidStudy: `capacity` is None, and the executor does not tell its size.
    """

    def __init__(
        self, executor: Executor, study: Study, fn: ObjectiveFunction, catch: tuple[type[BaseException], ...], capacity: int | None
    ) -> None:
        self.capacity = _size(executor) if capacity is None else capacity
        self._executor = executor
        self._job = _Job(study, fn, catch)
        self._futures: dict[Future[Any], Trial] = {}

    def submit(self, trial: Trial) -> None:
        try:
            future = self._executor.submit(_Evaluation(self._job, trial))
        except (BrokenExecutor, RuntimeError) as error:
            raise BBOError(f"the executor takes no trials: {described(error)}; start another one and run again") from error
        self._futures[future] = trial

    def wait(self, timeout: float | None) -> list[tuple[Trial, Ending]]:
        if not self._futures:
            time.sleep(timeout or 0)
            return []
        done, _ = wait_for(self._futures, timeout, FIRST_COMPLETED)
        heard = {future: ending for future in self._futures if future in done and not isinstance(ending := _result(future), BaseException)}
        if done and not heard:
            lost = next(future for future in self._futures if future in done)
            error = _result(lost)
            assert isinstance(error, BaseException)
            raise BBOError(
                f"the executor lost trial {self._futures[lost].number}: {described(error)}; trials that were running are queued again"
            ) from error
        return [(self._futures.pop(future), unpack(ending) if isinstance(ending, bytes) else ending) for future, ending in heard.items()]

    def close(self) -> None:
        for future in self._futures:
            future.cancel()


def _size(executor: Executor) -> int:
    """How many evaluations it runs at a time: what the standard library's executors and Dask's know of themselves."""
    if isinstance(size := getattr(executor, "_max_workers", None), int):
        return size
    if (client := getattr(executor, "_client", None)) is not None and hasattr(client, "nthreads"):
        return int(sum(client.nthreads().values())) or 1
    raise InvalidStudy(f"optimize: say with workers= how many evaluations {type(executor).__name__} is to run at a time")


def _result(future: Future[Any]) -> Ending | bytes | BaseException:
    """What became of the evaluation, or what became of the executor instead: the evaluation itself raises nothing."""
    try:
        found: Ending | bytes | BaseException = future.exception() or future.result()
        return found
    except CancelledError as error:
        return error


@dataclass(frozen=True)
class _Job:
    """What all evaluations of a run have in common."""

    study: Study
    fn: ObjectiveFunction
    catch: tuple[type[BaseException], ...]

    @cached_property
    def packed(self) -> bytes:
        """The function as bytes, made once a run."""
        return sendable(self.fn, self.catch)


@dataclass(frozen=True, slots=True)
class _Evaluation:
    """One evaluation. In this process it uses the study itself; pickled, it becomes the one below."""

    job: _Job
    trial: Trial

    def __call__(self) -> Ending:
        return evaluate(self.job.fn, self.trial, self.job.catch)

    def __reduce__(self) -> tuple[Any, ...]:
        study = self.job.study
        snapshot = cloudpickle.dumps(Snapshot.of(study, self.trial))
        return _Remote, (self.job.packed, snapshot, study.name, study.storage.url)


@dataclass(frozen=True, slots=True)
class _Remote:
    """One evaluation in another process, which answers in bytes."""

    job: bytes
    snapshot: bytes
    study: str
    url: str

    def __call__(self) -> bytes:
        fn, catch = cloudpickle.loads(self.job)
        snapshot: Snapshot = cloudpickle.loads(self.snapshot)
        reopened = _Reopened(self.study, self.url)
        try:
            return pack(evaluate(fn, snapshot.trial(reopened), catch), "the executor's worker")
        finally:
            reopened.close()


@dataclass(frozen=True)
class _Reopened:
    """The study opened where the evaluation runs, if a report asks for it (see `bbo.execution.detached.Channel`)."""

    name: str
    url: str

    @cached_property
    def study(self) -> Study:
        from bbo.study import load_study

        if self.url == "memory":
            raise Unsupported("report and should_prune in another process need a stored study: Study(..., storage='runs.db')")
        return load_study(self.name, self.url)

    def close(self) -> None:
        """Release the storage, if it was opened."""
        if "study" in self.__dict__:
            self.study.storage.close()

    def report(self, number: int, attempt: int, values: Reported, step: int) -> None:
        self.study.report(number, attempt, values, step)

    def should_prune(self, number: int) -> bool:
        return self.study.should_prune(number)
