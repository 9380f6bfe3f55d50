"""Where evaluations run: the contract, and the plainest way to keep it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

from bbo.execution.endings import Ending, evaluate
from bbo.trial import Link, Trial

if TYPE_CHECKING:
    from bbo.execution import ObjectiveFunction


class Evaluator(Protocol):
    """Takes trials, gives back what became of them."""

    capacity: int
    """How many evaluations run at a time; no more are submitted."""

    def submit(self, trial: Trial) -> None:
        """Begin an evaluation.

        Raises:
            BBOError: No worker can be had.
        """
        ...

    def wait(self, timeout: float | None) -> list[tuple[Trial, Ending]]:
        """What has ended; blocks until something has, or for `timeout` seconds.

        Raises:
            BBOError: The workers are of no use any more.
        """
        ...

    def close(self) -> None:
        """Stop what still runs, and let the workers go."""
        ...


class Inline:
    """Evaluates in the calling thread, one at a time.

    Args:
        fn: The function.
        catch: Exceptions of `fn` that mean a failed trial.
        link: What the function's trial asks and tells through.
    """

    capacity = 1

    def __init__(self, fn: ObjectiveFunction, catch: tuple[type[BaseException], ...], link: Link) -> None:
        self._fn = fn
        self._catch = catch
        self._link = link
        self._trial: Trial | None = None

    def submit(self, trial: Trial) -> None:
        self._trial = trial

    def wait(self, timeout: float | None) -> list[tuple[Trial, Ending]]:
        trial, self._trial = self._trial, None
        if trial is None:
            time.sleep(timeout or 0)
            return []
        return [(trial, evaluate(self._fn, Trial(self._link, trial.number, trial.attempt), self._catch))]

    def close(self) -> None:
        """Nothing runs outside `wait`."""
