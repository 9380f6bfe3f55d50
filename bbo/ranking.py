"""Which trials are to be ranked now."""

from __future__ import annotations

from bbo.errors import InvalidTell
from bbo.log.states import State
from bbo.optimizers.base import Comparing, Comparison
from bbo.replica import Replica


def comparison(replica: Replica) -> Comparison:
    """What the optimizer wants ranked together; of one that does not say, the best so far beside a trial that is out alone.

    Raises:
        InvalidTell: The study is told values.
    """
    if replica.problem.objectives[0].feedback != "ranking":
        raise InvalidTell("this study is told values (study.tell): nothing is to be ranked")
    if isinstance(replica.optimizer, Comparing):
        return replica.optimizer.comparison(replica.state)
    ledger = replica.ledger
    if len(ledger.pending) != 1 or not ledger.rankings:
        return Comparison()
    best = ledger.rankings[-1].tiers[0][0]
    return Comparison(beside=(best,) if ledger.records[best].state is State.DONE else ())


def to_rank(replica: Replica) -> list[int]:
    """Numbers of the trials to be ranked: done ones that are shown again, then those that are out. Empty where nothing is out.

    Raises:
        InvalidTell: The study is told values.
    """
    beside = comparison(replica).beside
    return [*beside, *replica.ledger.pending] if replica.ledger.pending else []
