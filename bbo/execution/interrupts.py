"""Ctrl-C and SIGTERM, kept from breaking into a write of the log."""

from __future__ import annotations

import signal
import threading
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

from bbo.execution.endings import Terminated

if TYPE_CHECKING:
    from types import FrameType, TracebackType

    from bbo.log.ledger import Record
    from bbo.study import Study
    from bbo.trial import Reported


class Interrupts:
    """Within this context a first signal is raised only where the code is `open` to it; a second one is raised at once.

    SIGINT becomes KeyboardInterrupt, SIGTERM becomes `Terminated` (SystemExit with status 143). Handlers that the program set
    itself are left alone, and so are signals outside the main thread.
    """

    def __init__(self) -> None:
        self._open = False
        self._received: int | None = None
        self._replaced: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
                    self._replaced[number] = signal.signal(number, self._receive)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for number, handler in self._replaced.items():
            signal.signal(number, handler)
        if kind is None:
            self._check()

    @contextmanager
    def open(self) -> Iterator[None]:
        """Where a signal may be raised: in the function's own code, and while waiting."""
        self._check()
        self._open = True
        try:
            yield
        finally:
            self._open = False

    @contextmanager
    def closed(self) -> Iterator[None]:
        """A write within an open stretch: a signal that arrives meanwhile is raised at its end."""
        before, self._open = self._open, False
        try:
            yield
        finally:
            self._open = before
        if before:
            self._check()

    def _receive(self, number: int, frame: FrameType | None) -> None:
        again = self._received is not None
        self._received = number
        if self._open or again:
            self._check()

    def _check(self) -> None:
        if self._received is not None:
            raise KeyboardInterrupt if self._received == signal.SIGINT else Terminated


class Shielded:
    """A study as the link behind a trial, whose writes no signal breaks into."""

    def __init__(self, study: Study, interrupts: Interrupts) -> None:
        self._study = study
        self._interrupts = interrupts

    @property
    def identity(self) -> Hashable:
        """The study's."""
        return self._study.identity

    def record(self, number: int) -> Record:
        """The study's."""
        return self._study.record(number)

    def seed_of(self, number: int) -> int:
        """The study's."""
        return self._study.seed_of(number)

    def value_of(self, number: int) -> float | None:
        """The study's."""
        return self._study.value_of(number)

    def report(self, number: int, attempt: int, values: Reported, step: int) -> None:
        """Log an intermediate result."""
        with self._interrupts.closed():
            self._study.report(number, attempt, values, step)

    def should_prune(self, number: int) -> bool:
        """What the study's pruner says."""
        with self._interrupts.closed():
            return self._study.should_prune(number)
