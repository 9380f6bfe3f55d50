"""From told rankings to comparisons of trials."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from bbo.log.ledger import Ranking, Record
from bbo.log.states import State
from bbo.optimizers.history import History
from surrogates.preference_gp.comparisons import Comparisons, Order

MOST = 400
"""Comparisons that a model is fitted to, those of the latest rankings; a fit costs their cube."""


class Compared(NamedTuple):
    """Trials by number, and comparisons of them by their place."""

    records: tuple[Record, ...]
    comparisons: Comparisons


def compared(history: History) -> Compared:
    """What the rankings say of trials that are done; one that turned out to have failed drops out of them."""
    return history.once("compared", lambda: _compared(history))


def nothing_compared(history: History) -> bool:
    """Whether results are rankings, and none of them says anything of two trials that are done."""
    return history.problem.objectives[0].feedback == "ranking" and not len(compared(history).comparisons)


def _compared(history: History) -> Compared:
    done = {record.number: record for record in history.finished(State.DONE)}
    kept: list[Order] = []
    left = MOST
    for ranking in reversed(history.rankings):
        order = _of_these(ranking, done.keys())
        left -= len(Comparisons.of([order]))
        if left < 0 and kept:
            break
        kept.append(order)
    numbers = sorted({number for order in kept for tier in (*order.tiers, order.rest) for number in tier})
    places = {number: place for place, number in enumerate(numbers)}
    placed = [Order(tuple(tuple(places[k] for k in tier) for tier in order.tiers), tuple(places[k] for k in order.rest)) for order in kept]
    return Compared(tuple(done[number] for number in numbers), Comparisons.of(placed))


def _of_these(ranking: Ranking, numbers: Collection[int]) -> Order:
    tiers = (tuple(k for k in tier if k in numbers) for tier in ranking.tiers)
    return Order(tuple(tier for tier in tiers if tier), tuple(k for k in ranking.rest if k in numbers))
