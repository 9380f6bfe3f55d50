"""What one process knows of a study: the ledger of its log, and the optimizer's state folded alongside."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bbo.errors import Unsupported
from bbo.log.events import Event
from bbo.log.ledger import Ledger
from bbo.optimizers.base import Optimizer, resolve
from bbo.problem import Problem

_RECONFIGURING = frozenset({"created", "configured", "redefined"})


class Replica:
    """The fold of a log, kept up to date from wherever the log is read.

    Args:
        read: ``read(after)`` gives the events with ``seq > after``, in order.
    """

    def __init__(self, read: Callable[[int], Sequence[Event]]) -> None:
        self._read = read
        self.ledger = Ledger()
        self._problem: Problem | None = None
        self._optimizer: Optimizer | None = None
        self._state: Any = None
        self._stale = True  # whether the optimizer's state must be folded anew

    @property
    def problem(self) -> Problem:
        """The problem as last defined, under the configuration in force."""
        if self._problem is None:
            self._problem = Problem.from_definition(self.ledger.definition, len(self.ledger.configurations) - 1)
        return self._problem

    @property
    def optimizer(self) -> Optimizer:
        """The optimizer in force.

        Raises:
            InvalidStudy: It cannot be imported here.
        """
        if self._optimizer is None:
            self._optimizer = resolve(self.ledger.configurations[-1]["optimizer"])
        return self._optimizer

    @property
    def state(self) -> Any:
        """The optimizer's state at the end of the log as known here; folded from the start after a new configuration.

        Raises:
            Unsupported: The optimizer cannot run this problem.
        """
        if self._stale:
            self._fold_anew(self._read(0)[: self.ledger.seq])
        return self._state

    def sync(self) -> Sequence[Event]:
        """Read what has come since, fold it, and return it."""
        tail = self._read(self.ledger.seq)
        if self.ledger.seq == 0 and tail and self._fold_at_once(tail):
            return tail
        self.fold(tail)
        return tail

    def fold(self, events: Sequence[Event]) -> None:
        """Fold events that follow on what is known."""
        for event in events:
            update = self.ledger.apply(event)
            if event.kind in _RECONFIGURING:
                self._problem, self._optimizer, self._state, self._stale = None, None, None, True
            elif not self._stale:
                self._state = self.optimizer.fold(self._state, update)

    def _fold_at_once(self, events: Sequence[Event]) -> bool:
        """Fold ledger and optimizer in one pass when a log is opened; False where that optimizer cannot be had here."""
        try:
            self._fold_anew(events)
        except Exception:  # noqa: BLE001 - reading a study must not depend on its optimizer; the ask that needs it raises again
            return False
        return True

    def _fold_anew(self, events: Sequence[Event]) -> None:
        definition: dict[str, Any] = {}
        configurations: list[Mapping[str, Any]] = []
        for event in events:
            if event.kind == "configured":
                configurations.append(event.body)
            elif event.kind in _RECONFIGURING:
                definition |= {key: value for key, value in event.body.items() if key not in ("v", "defaults")}
        problem = Problem.from_definition(definition, len(configurations) - 1)
        optimizer = resolve(configurations[-1]["optimizer"])
        if reason := optimizer.supports(problem):
            raise Unsupported(f"optimizer {optimizer.name!r} cannot run this study: {reason}")
        ledger, state = Ledger(), optimizer.init(problem)
        for event in events:
            state = optimizer.fold(state, ledger.apply(event))
        self.ledger, self._problem, self._optimizer, self._state, self._stale = ledger, problem, optimizer, state, False
