"""A trial away from its study: what stands in its record, and a channel for the two things that need the study."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from bbo.errors import NoBest
from bbo.trial import Reported, Trial

if TYPE_CHECKING:
    from bbo.log.ledger import Record
    from bbo.study import Study


class Channel(Protocol):
    """The way back to the study."""

    def report(self, number: int, attempt: int, values: Reported, step: int) -> None:
        """As `Study.report`."""
        ...

    def should_prune(self, number: int) -> bool:
        """As `Study.should_prune`."""
        ...


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A trial as it was handed out; it can be pickled."""

    identity: Hashable
    own: Record
    seed: int
    outcome: str | None  # the only objective

    @classmethod
    def of(cls, study: Study, trial: Trial) -> Snapshot:
        """The trial as it stands."""
        names = [objective.name for objective in study.objectives]
        return cls(study.identity, study.record(trial.number), trial.seed, names[0] if len(names) == 1 else None)

    def trial(self, channel: Channel) -> Trial:
        """The trial that a function is called with."""
        return Trial(_Link(self, channel), self.own.number, self.own.attempt)


@dataclass(frozen=True, slots=True)
class _Link:
    """What stands behind a detached trial (see `bbo.trial.Link`)."""

    snapshot: Snapshot
    channel: Channel

    @property
    def identity(self) -> Hashable:
        return self.snapshot.identity

    def record(self, number: int) -> Record:
        return self.snapshot.own

    def seed_of(self, number: int) -> int:
        return self.snapshot.seed

    def value_of(self, number: int) -> float | None:
        if self.snapshot.outcome is None:
            raise NoBest("a trial of several objectives has no single value; use trial.outcomes")
        return self.snapshot.own.values.get(self.snapshot.outcome)

    def report(self, number: int, attempt: int, values: Reported, step: int) -> None:
        self.channel.report(number, attempt, values, step)

    def should_prune(self, number: int) -> bool:
        return self.channel.should_prune(number)
