"""What runs in a worker process: it gets the function once, then one trial after another (see `bbo.execution.pool`)."""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

import cloudpickle

from bbo.execution.endings import Raised, Terminated, evaluate, pack

if TYPE_CHECKING:
    from types import FrameType

    from bbo.trial import Reported

GRACE = 5.0
"""Seconds that a function has to clean up once it is terminated."""


def main(fd: int, parent: int) -> None:
    """Serve the process `parent` over the socket `fd` until either goes."""
    os.set_inheritable(fd, False)
    signal.signal(signal.SIGTERM, _terminate)
    signal.signal(signal.SIGINT, _ignore)
    threading.Thread(target=_leave_with, args=(parent,), name="bbo parent watch", daemon=True).start()
    with suppress(EOFError, OSError, Terminated):  # the parent closed the pipe, is gone, or wants this process gone
        _serve(_Pipe(Connection(fd)))


class _Pipe:
    """The worker's end; one message or question at a time, whichever thread of the function it comes from."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._lock = threading.Lock()

    def receive(self) -> Any:
        return cloudpickle.loads(self._connection.recv_bytes())

    def send(self, kind: str, content: Any = None) -> None:
        with self._lock:
            self._connection.send_bytes(cloudpickle.dumps((kind, content)))

    def ask(self, kind: str, content: Any) -> Any:
        """Send a question; the answer, or raise the exception that came as the answer."""
        with self._lock:
            self._connection.send_bytes(cloudpickle.dumps((kind, content)))
            answer = self.receive()
        if isinstance(answer, Exception):
            raise answer
        return answer

    # As the channel of a detached trial (`bbo.execution.detached.Channel`); the parent knows which trial this process has.

    def report(self, number: int, attempt: int, values: Reported, step: int) -> None:
        self.ask("report", (values, step))

    def should_prune(self, number: int) -> bool:
        return bool(self.ask("should_prune", None))


def _serve(pipe: _Pipe) -> None:
    name = f"worker process {os.getpid()}"
    try:
        fn, catch = pipe.receive()
    except (EOFError, OSError):
        raise
    except BaseException as error:  # noqa: BLE001 - whatever the user's modules raise at import; the parent raises it again
        pipe.send("unusable", pack(Raised(error), name))
        return
    pipe.send("ready")
    while True:
        trial = pipe.receive().trial(pipe)
        pipe.send("ended", pack(evaluate(fn, trial, catch), name))


def _terminate(number: int, frame: FrameType | None) -> None:
    raise Terminated


def _ignore(number: int, frame: FrameType | None) -> None:
    """Ctrl-C reaches every process of the terminal; the parent decides. A handler, as SIG_IGN would pass on to what `fn` starts."""


def _leave_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1.0)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE)
    os._exit(1)
