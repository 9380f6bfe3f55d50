"""An optimizer in a process of its own, spoken to by JSON lines."""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).resolve().parents[1]


class TimedOut(Exception):
    """No answer within the limit."""


class Failed(Exception):
    """The library raised, or its process died; the message is its traceback."""


class Worker:
    """A running `benchmarks.peers.worker`.

    Args:
        python: The interpreter of its environment.
        adapter: Module of `benchmarks.peers`.
        log: File that takes what the library prints.
        core: The core it is pinned to; None leaves it free.
    """

    def __init__(self, python: Path, adapter: str, *, log: Path, core: int | None = None) -> None:
        self._log = log.open("ab")
        threads = ("OMP", "OPENBLAS", "MKL", "NUMEXPR")
        environment = {
            **os.environ,
            **{f"{name}_NUM_THREADS": "1" for name in threads},
            "PYTHONPATH": str(ROOT),
            "PYTHONWARNINGS": "ignore",
        }
        command = [str(python), "-m", "benchmarks.peers.worker", adapter]
        if core is not None:
            command = ["taskset", "-c", str(core), *command]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log, cwd=log.parent, env=environment, bufsize=0
        )
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._out, selectors.EVENT_READ)
        self._buffer = b""

    @property
    def _out(self) -> Any:
        return self._process.stdout

    def request(self, message: Mapping[str, Any], *, limit: float) -> dict[str, Any]:
        """The answer to a message.

        Args:
            message: A request of `benchmarks.peers.worker`.
            limit: Seconds to wait.

        Raises:
            TimedOut: There was none in time. The process is of no use any more.
            Failed: The library raised an error, or the process ended.
        """
        deadline = time.monotonic() + limit
        try:
            self._process.stdin.write(json.dumps(message).encode() + b"\n")  # type: ignore[union-attr]
        except BrokenPipeError:
            raise Failed(f"the process ended with status {self._process.wait()}") from None
        while b"\n" not in self._buffer:
            if not self._selector.select(max(deadline - time.monotonic(), 0)):
                raise TimedOut(f"no answer within {limit:g} s")
            read = os.read(self._out.fileno(), 1 << 20)
            if not read:
                raise Failed(f"the process ended with status {self._process.wait()}")
            self._buffer += read
        line, self._buffer = self._buffer.split(b"\n", 1)
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise Failed(answer["error"])
        return answer

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        self._selector.close()
        for pipe in (self._process.stdin, self._process.stdout):
            pipe.close()  # type: ignore[union-attr]
        self._log.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
