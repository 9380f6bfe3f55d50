"""Where a method of trust regions stands by the log: which restart it is in, with which trials, and how large its region is.

Trials carry the number of their restart as their group, and whether they are of its initial design or of its region as their role. All
else is computed from the results as they stand, batch by batch in the order of their trials: the order in which results came in changes
nothing, and neither does what is amended, but for a restart that has been begun.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from bbo.log.ledger import Record
from bbo.log.states import State
from bbo.optimizers.history import History
from bbo.optimizers.phases import awaited, total_violations
from bbo.optimizers.trust_region import TrustRegion
from bbo.problem import Problem

DESIGN, REGION = "design", "region"
"""Roles of the trials of a restart."""

Merit = tuple[float, float]
_NONE: Merit = (math.inf, math.inf)


@dataclass(frozen=True, slots=True)
class Standing:
    """What a restart is made of.

    Args:
        restart: Its number, from 0.
        region: The size of its trust region.
        records: Its trials by number. Those of other origin count to the restart that they came in.
        merits: Of those that could be its centre, by number; the least is the best.
    """

    restart: int
    region: TrustRegion
    records: tuple[Record, ...] = ()
    merits: Mapping[int, Merit] = field(default_factory=dict)


def standing(state: History) -> Standing:
    """The restart that the next proposal belongs to: the latest in the log, or the one after it where its region has ended."""
    return state.once("standing", lambda: _standing(state))


def _standing(state: History) -> Standing:
    records = [state.records[number] for number in sorted(state.records)]
    mine = {record.number: group for record in records if (group := _group(state.problem, record)) is not None}
    restart = max(mine.values(), default=0)
    since = min((number for number, group in mine.items() if group == restart), default=0) if restart else 0
    own = [record for record in records if (mine[record.number] == restart if record.number in mine else record.number >= since)]
    merits = merits_of(state, own)
    region = walked(own, {record.number for record in own if record.number in mine}, merits, state.problem.space.d)
    return Standing(restart + 1, TrustRegion()) if region.ended else Standing(restart, region, tuple(own), merits)


def walked(records: Sequence[Record], mine: set[int], merits: Mapping[int, Merit], d: int) -> TrustRegion:
    """The region after the batches among these trials, which are sorted by number; `mine` are those that were asked for."""
    region, best = TrustRegion(), _NONE

    def batch_of(record: Record) -> int:
        asked = record.number in mine and record.asked["role"] == REGION
        return record.number - int(record.asked["request"]["index"]) if asked else -1

    for batch, members in ((first, list(group)) for first, group in groupby(records, batch_of)):
        reached = min((merits.get(record.number, _NONE) for record in members), default=_NONE)
        ended = [record for record in members if record.state.finished]
        if batch >= 0 and ended and (reached < best or not awaited(members)):
            region = region.after(better=reached < best, trials=len(ended), d=d)
        best = min(best, reached)
        if region.ended:
            break
    return region


def merits_of(state: History, records: Sequence[Record]) -> dict[int, Merit]:
    """Total violation of the outcome constraints, each in units of the largest one among these trials, and loss; by number.

    Of trials that are done, and whose points may be proposed.
    """
    problem = state.problem
    done = [record for record in records if record.state is State.DONE and state.inside(record)]
    if not done:
        return {}
    total = total_violations([problem.violations(record.values) for record in done]).tolist()
    return {record.number: (v, float(problem.losses(record.values)[0])) for record, v in zip(done, total, strict=True)}


def _group(problem: Problem, record: Record) -> int | None:
    """The restart that a trial was asked for, None for one of other origin."""
    if record.configuration != problem.configuration or not record.asked.get("role"):
        return None
    return int(record.asked["group"])
