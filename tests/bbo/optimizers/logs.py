"""What an optimizer makes of a log, for the tests of those that think in phases."""

from __future__ import annotations

from collections.abc import Iterable

from bbo.log.events import Event
from bbo.optimizers.base import Proposal, Request
from bbo.replica import Replica


def next_of(events: Iterable[Event]) -> Proposal:
    """What is proposed at the end of a log; events are numbered as they come."""
    log = [Event(e.kind, e.body, trial=e.trial, seq=k + 1) for k, e in enumerate(events)]
    replica = Replica(lambda after: log[after:])
    replica.sync()
    return replica.optimizer.propose(replica.state, Request(100, first_number=len(replica.ledger.records)))
