"""A pool of worker processes of this machine.

Workers are fresh interpreters that get the function by cloudpickle, so that it may stand in a script without a main guard, in a
notebook, or in a closure. Each is bound to this process by a socket of its own, over which reports and the pruner's answers go.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING, Any

import cloudpickle

from bbo.errors import BBOError, InvalidStudy, InvalidTell
from bbo.execution.detached import Snapshot
from bbo.execution.endings import Died, Ending, Raised, described, exit_described, unpack
from bbo.execution.worker import GRACE

if TYPE_CHECKING:
    from bbo.execution import ObjectiveFunction
    from bbo.trial import Link, Trial

_LOOK = 1.0
"""Seconds between looks at whether workers live: a process that `fn` forked may hold the socket of a dead one open."""

_MAIN = """
import signal, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)  # the worker's own handler follows once it is imported
sys.path[:] = {path!r}
from bbo.execution.worker import main
main({fd}, {parent})
"""


@dataclass(slots=True, eq=False)
class _Worker:
    process: subprocess.Popen[bytes]
    connection: Connection
    trial: Trial | None = None
    ready: bool = False


class Pool:
    """Evaluates in worker processes, started as they are needed and replaced when they die.

    Args:
        fn: The function.
        catch: Exceptions of `fn` that mean a failed trial.
        link: What reports and questions of the workers go to.
        snapshot: What of a trial is sent to its worker.
        capacity: How many processes.

    Raises:
        InvalidStudy: `fn` cannot be sent.
    """

    def __init__(
        self,
        fn: ObjectiveFunction,
        catch: tuple[type[BaseException], ...],
        link: Link,
        snapshot: Callable[[Trial], Snapshot],
        capacity: int,
    ) -> None:
        self.capacity = capacity
        self._job = sendable(fn, catch)
        self._link = link
        self._snapshot = snapshot
        self._workers: list[_Worker] = []

    def submit(self, trial: Trial) -> None:
        idle = (worker for worker in self._workers if worker.trial is None and worker.process.poll() is None)
        worker = next(idle, None) or self._hire()
        worker.trial = trial
        _send(worker, cloudpickle.dumps(self._snapshot(trial)))

    def wait(self, timeout: float | None) -> list[tuple[Trial, Ending]]:
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            left = _LOOK if end is None else max(0.0, min(_LOOK, end - time.monotonic()))
            busy = {worker.connection: worker for worker in self._workers if worker.trial is not None}
            if not busy:
                time.sleep(timeout or 0)
                return []
            spoke = wait(list(busy), left)
            ended = [ending for connection, worker in busy.items() if connection in spoke and (ending := self._hear(worker))]
            for connection, worker in busy.items():
                if connection not in spoke and worker.process.poll() is not None and not connection.poll():
                    ended.append(self._bury(worker))
            if ended or (end is not None and time.monotonic() >= end):
                return ended

    def close(self) -> None:
        for worker in self._workers:
            worker.connection.close()  # who is idle leaves by itself
            if worker.trial is not None:
                worker.process.terminate()
        end = time.monotonic() + GRACE
        try:
            for worker in self._workers:
                with suppress(subprocess.TimeoutExpired):
                    worker.process.wait(max(0.0, end - time.monotonic()))
        finally:
            for worker in self._workers:
                worker.process.kill()  # nothing happens to one that has left
                worker.process.wait()
            self._workers.clear()

    def _hire(self) -> _Worker:
        ours, theirs = Pipe()
        with theirs:
            code = _MAIN.format(path=sys.path, fd=theirs.fileno(), parent=os.getpid())
            process = subprocess.Popen([sys.executable, "-c", code], pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL)
        worker = _Worker(process, ours)
        self._workers.append(worker)
        _send(worker, self._job)
        return worker

    def _hear(self, worker: _Worker) -> tuple[Trial, Ending] | None:
        """Take one message; an ending if it is one."""
        trial = worker.trial
        assert trial is not None
        try:
            kind, content = cloudpickle.loads(worker.connection.recv_bytes())
        except (EOFError, OSError):
            return self._bury(worker)
        if kind == "ready":
            worker.ready = True
        elif kind == "unusable":
            ending = unpack(content)
            assert isinstance(ending, Raised)
            raise BBOError(f"fn cannot be loaded in a worker process: {described(ending.exception)}") from ending.exception
        elif kind == "ended":
            worker.trial = None
            return trial, unpack(content)
        else:
            _send(worker, cloudpickle.dumps(self._answer(trial, kind, content)))
        return None

    def _answer(self, trial: Trial, kind: str, content: Any) -> Any:
        if kind == "should_prune":
            return self._link.should_prune(trial.number)
        try:
            self._link.report(trial.number, trial.attempt, *content)
        except InvalidTell as error:  # the function's mistake, to be raised where it was made
            return error
        return None

    def _bury(self, worker: _Worker) -> tuple[Trial, Ending]:
        trial = worker.trial
        assert trial is not None
        self._workers.remove(worker)
        worker.connection.close()
        with suppress(subprocess.TimeoutExpired):
            worker.process.wait(_LOOK)
        worker.process.kill()  # it may live, without its end of the pipe
        how = exit_described(worker.process.wait())
        if not worker.ready:
            raise BBOError(f"a worker process {how} before it could begin; what it wrote to standard error says why")
        return trial, Died(f"its worker process {how}")


def sendable(fn: ObjectiveFunction, catch: tuple[type[BaseException], ...]) -> bytes:
    """The function as bytes.

    Raises:
        InvalidStudy: It holds what cannot be pickled.
    """
    try:
        return bytes(cloudpickle.dumps((fn, catch)))
    except Exception as error:
        raise InvalidStudy(
            f"fn cannot be sent to worker processes: {described(error)}; make files, locks, connections and studies inside fn"
        ) from error


def _send(worker: _Worker, message: bytes) -> None:
    """A worker that is gone is noticed by the next wait, which knows what to do."""
    with suppress(OSError):
        worker.connection.send_bytes(message)
