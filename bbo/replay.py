"""Reproducing a proposal from the log alone: the guarantee that every proposal is a function of the log, the seed and the draw."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bbo.errors import UnknownTrial
from bbo.log.events import Event
from bbo.optimizers.base import Query, Request
from bbo.replica import Replica


def reproduce(events: Sequence[Event], number: int) -> Query:
    """Make the proposal of a trial once more, from the log before it.

    Hyperparameters are fitted to ``log[:fit_seen]``; data and pending points are those of ``log[:seen]``.

    Args:
        events: The whole log, in order.
        number: A trial that an optimizer proposed (not one enqueued or added).

    Returns:
        The query as proposed; its ``params`` are to equal those logged, bit for bit.

    Raises:
        UnknownTrial: No optimizer proposed a trial of that number.
    """
    asked = next((e.body for e in events if e.kind == "asked" and e.trial == number and e.body["origin"] == "optimizer"), None)
    if asked is None:
        raise UnknownTrial(f"trial {number} was not proposed by an optimizer")
    terms = asked["request"]
    first = number - terms["index"]

    def request(memo: Any) -> Request:
        shared = tuple(terms.get("shared", ()))
        return Request(terms["n"], terms.get("fixed", {}), shared, terms.get("context", {}), first, memo)

    memo = None
    if asked["fit_seen"] < asked["seen"]:
        early = known(events, asked["fit_seen"], asked["configuration"])
        memo = early.optimizer.propose(early.state, request(None)).memo
    late = known(events, asked["seen"], asked["configuration"])
    queries = late.optimizer.propose(late.state, request(memo)).queries
    return queries[int(terms["index"])]


def known(events: Sequence[Event], seen: int, configuration: int) -> Replica:
    """What a process knew that had read ``log[:seen]``.

    Raises:
        UnknownTrial: Another configuration was in force there.
    """
    prefix = events[:seen]
    replica = Replica(lambda after: prefix[after:])
    replica.sync()
    if replica.problem.configuration != configuration:
        raise UnknownTrial(f"log[:{seen}] ends under configuration {replica.problem.configuration}, not {configuration}")
    return replica
