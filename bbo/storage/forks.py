"""Database connections and `fork`.

A child process must not inherit an open SQLite connection: the locks stay with the parent, but the child's copy of the library believes
that it holds them, and commits of the child may then vanish. So a fork waits until no operation is in progress, and closes the connections
first; parent and child both reconnect when they need to. A spawned process inherits nothing.
"""

from __future__ import annotations

import os
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class ForkGate:
    """Lets operations on a storage pass, any number at once, and keeps them apart from forks.

    Args:
        close: Closes all idle connections; called while no operation is in progress.
    """

    def __init__(self, close: Callable[[], None]) -> None:
        self._close = close
        self._changed = threading.Condition()
        self._active = 0
        with _registry_lock:
            _gates.add(self)

    @contextmanager
    def operation(self) -> Iterator[None]:
        """Hold forks of this process back until the block ends."""
        with self._changed:
            self._active += 1
        try:
            yield
        finally:
            with self._changed:
                self._active -= 1
                self._changed.notify_all()

    def shut(self) -> None:
        """Wait until no operation is in progress, let none begin, and close."""
        self._changed.acquire()
        self._changed.wait_for(lambda: self._active == 0)
        self._close()

    def open(self) -> None:
        """Let operations pass again."""
        self._changed.release()


# The hooks below can be registered once and never withdrawn; hence a registry for the process, which keeps no gate alive.
_gates: weakref.WeakSet[ForkGate] = weakref.WeakSet()
_registry_lock = threading.RLock()
_shut: list[ForkGate] = []


def _before_fork() -> None:
    _registry_lock.acquire()
    for gate in list(_gates):
        gate.shut()
        _shut.append(gate)


def _after_fork() -> None:
    while _shut:
        _shut.pop().open()
    _registry_lock.release()


if sys.platform != "win32":
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork)
