"""A trial as the user holds it."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any, NoReturn, Protocol, TypeAlias

from bbo.log.ledger import Record
from bbo.log.states import State

Reported: TypeAlias = float | Mapping[str, float] | Sequence[float]
"""What a report takes: one objective's value; of several a mapping by name, or a sequence in their order."""


class Link(Protocol):
    """What stands behind a trial: the study in this process, or a pipe to it from a worker."""

    @property
    def identity(self) -> Hashable:
        """Equal for two links to one study."""
        ...

    def record(self, number: int) -> Record:
        """The trial as it stands."""
        ...

    def seed_of(self, number: int) -> int:
        """Its seed for common random numbers."""
        ...

    def value_of(self, number: int) -> float | None:
        """Its only objective's value, None while there is none."""
        ...

    def report(self, number: int, attempt: int, values: Reported, step: int) -> None:
        """Log an intermediate result."""
        ...

    def should_prune(self, number: int) -> bool:
        """What the study's pruner says."""
        ...


class Trial(Mapping[str, Any]):
    """One evaluation: a read-only mapping of parameter values, so that ``f(**trial)`` works.

    Inactive parameters are absent. Two trials are equal when they have the same study and number. The properties follow the
    study: after a tell, `value` is what was told.
    """

    __slots__ = ("_link", "attempt", "number")

    def __init__(self, link: Link, number: int, attempt: int) -> None:
        self._link = link
        self.number = number
        """Its number in the study, from 0."""
        self.attempt = attempt
        """Which attempt at it this is, from 1."""

    @property
    def _record(self) -> Record:
        return self._link.record(self.number)

    @property
    def params(self) -> dict[str, Any]:
        """What is to be run; once told, what was really run. Native values."""
        return dict(self._record.params)

    @property
    def outcomes(self) -> dict[str, float]:
        """What was measured so far, by name."""
        return dict(self._record.values)

    @property
    def value(self) -> float | None:
        """The only objective's value; None while there is none. With several objectives use `outcomes`."""
        return self._link.value_of(self.number)

    @property
    def state(self) -> State:
        """Where it stands: queued, pending, done, failed, pruned, abandoned or lost."""
        return self._record.state

    @property
    def attrs(self) -> dict[str, Any]:
        """What was attached to it."""
        return dict(self._record.attrs)

    @property
    def sd(self) -> dict[str, float]:
        """Told standard deviations of the measurements, by outcome."""
        return dict(self._record.sd)

    @property
    def gradient(self) -> dict[str, dict[str, float]]:
        """Told partial derivatives, by outcome and parameter; native units."""
        return {outcome: dict(part) for outcome, part in self._record.gradient.items()}

    @property
    def gradient_sd(self) -> dict[str, dict[str, float]]:
        """Told standard deviations of the partial derivatives, alike."""
        return {outcome: dict(part) for outcome, part in self._record.gradient_sd.items()}

    @property
    def cost(self) -> float | None:
        """Told cost of the evaluation."""
        return self._record.cost

    @property
    def reason(self) -> str:
        """Why it failed, was abandoned or was retried."""
        return self._record.reason

    @property
    def reports(self) -> tuple[tuple[int, float | Mapping[str, float]], ...]:
        """Reported ``(step, value)`` of the latest attempt, in order of arrival; with several objectives ``(step, {name: value})``."""
        return tuple((step, dict(value) if isinstance(value, Mapping) else value) for step, value in self._record.reports)

    @property
    def worker(self) -> str | None:
        """The worker it was handed to, where one was named."""
        worker = self._record.asked.get("worker")
        return None if worker is None else str(worker)

    @property
    def seed(self) -> int:
        """An integer below 2**32. Trials of equal seed are to be evaluated with the same random numbers."""
        return self._link.seed_of(self.number)

    def report(self, values: Reported, step: int) -> None:
        """Tell an intermediate result, for early stopping.

        Inside `Study.optimize` a NaN or infinity fails the trial, as it does when it is returned.

        Args:
            values: The objective so far, in its own units and sign. With several objectives all of them, as ``{name: value}`` or as
                a sequence in their order.
            step: How far the evaluation has come (epoch, fold, ...), from 0; each step once.

        Raises:
            InvalidTell: A value is no finite number; an objective is missing or unknown, or one number is given for several; the
                step is negative, no integer, or was reported with other values.
        """
        self._link.report(self.number, self.attempt, values, step)

    def should_prune(self) -> bool:
        """Whether the study's pruner would stop this trial now. If so: ``raise bbo.TrialPruned``."""
        return self._link.should_prune(self.number)

    def __getitem__(self, name: str) -> Any:
        return self._record.params[name]

    def __getattr__(self, name: str) -> NoReturn:
        hint = ""
        if name.startswith("suggest_"):
            hint = "; what can be varied is said beforehand, in a bbo.Space, and a trial holds the values: trial['x']"
        elif not name.startswith("_") and name in self._record.params:
            hint = f"; parameters are items: trial[{name!r}]"
        raise AttributeError(f"a Trial has no attribute {name!r}{hint}", name=name, obj=self)

    def __iter__(self) -> Iterator[str]:
        return iter(self._record.params)

    def __len__(self) -> int:
        return len(self._record.params)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Trial) and (self._link.identity, self.number) == (other._link.identity, other.number)

    def __hash__(self) -> int:
        return hash((self._link.identity, self.number))

    def __repr__(self) -> str:
        record = self._record
        outcomes = f", outcomes={dict(record.values)}" if record.values else ""
        return f"Trial({self.number}, {record.state}, {dict(record.params)}{outcomes})"
