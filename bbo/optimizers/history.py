"""What most optimizers keep of the log: the points that are known, and how many draws were made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from bbo.errors import BBOError
from bbo.log.ledger import Ranking, Record, Update
from bbo.log.states import State
from bbo.prior_studies import key
from bbo.problem import Problem

T = TypeVar("T")


@dataclass(slots=True)
class History:
    """Trials by number as they stand, for one problem. Fold it inside an optimizer's `fold`.

    Attributes:
        problem: The problem it is kept for.
        records: Latest record of each trial that still counts as a point (not the abandoned ones, which may be proposed again).
        draws: Plain points this configuration has drawn: the number of the next draw.
        memo: Hyperparameters that its latest proposal rested on; None where it had none.
        amendments: How many trials were amended.
        rankings: Told rankings, in order.
        transferred: Trials of finished studies, by where they are from (`bbo.prior_studies.key`), as `transferred` events have them.
    """

    problem: Problem
    records: dict[int, Record] = field(default_factory=dict)
    draws: int = 0
    memo: Mapping[str, Any] | None = None
    amendments: int = 0
    rankings: list[Ranking] = field(default_factory=list)
    transferred: dict[str, list[Mapping[str, Any]]] = field(default_factory=dict)
    _keys: Counter[Hashable] = field(default_factory=Counter)
    _verdicts: dict[tuple[int, bool], tuple[Mapping[str, Any], bool]] = field(default_factory=dict)
    _answers: dict[Hashable, Any] = field(default_factory=dict, compare=False)

    def fold(self, update: Update) -> None:
        """Take in one event."""
        event = update.event
        self._answers.clear()
        if event.kind == "asked" and event.body["configuration"] == self.problem.configuration and event.body["draw"] is not None:
            self.draws = max(self.draws, event.body["draw"] + 1)
            self.memo = event.body["memo"] or self.memo
        self.amendments += event.kind == "amended"
        if event.kind == "ranked":
            self.rankings.append(Ranking.of(event))
        elif event.kind == "transferred":
            self.transferred[key(event.body["source"])] = list(event.body["trials"])
        elif event.kind == "redefined" and (defaults := event.body.get("defaults")):
            for source, trials in self.transferred.items():
                self.transferred[source] = [{**trial, "params": {**defaults, **trial["params"]}} for trial in trials]
        for record in update.records:
            before = self.records.pop(record.number, None)
            if before is not None:
                self._count(before, -1)
            if record.state is not State.ABANDONED:
                self.records[record.number] = record
                self._count(record, +1)

    def known(self, params: Mapping[str, Any]) -> bool:
        """Whether a point is planned, running or finished already."""
        return self.problem.space.key(params) in self._keys

    def done(self) -> Iterator[Record]:
        """Trials with all outcomes, in the order of their numbers."""
        return (self.records[number] for number in sorted(self.records) if self.records[number].state is State.DONE)

    def finished(self, state: State) -> list[Record]:
        """Trials of a state by number, as far as their points can be encoded, which those of an older space may not."""
        records = self.records

        def look() -> list[Record]:
            return [records[k] for k in sorted(k for k, record in records.items() if record.state is state) if self.legal(records[k])]

        return list(self.once(("finished", state), look))

    def running(self) -> list[dict[str, Any]]:
        """Points of trials whose results are awaited, those that may be proposed."""
        return [dict(r.params) for r in self.records.values() if r.state in (State.QUEUED, State.PENDING) and self.inside(r)]

    def part(self, records: Iterable[Record], *, memo: Mapping[str, Any] | None) -> History:
        """A history of some of its trials, with another memo, that knows every point all the same. It is not to be folded further."""
        kept = {record.number: record for record in records}
        return History(self.problem, kept, self.draws, memo, self.amendments, _keys=self._keys, _verdicts=self._verdicts)

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """What `make` says of this history, asked again only after the next event. Nobody changes it."""
        if key not in self._answers:
            self._answers[key] = make()
        answer: T = self._answers[key]
        return answer

    def legal(self, record: Record) -> bool:
        """Whether a trial's point can be encoded, perhaps out of range."""
        return self._valid(record, outside=True)

    def inside(self, record: Record) -> bool:
        """Whether a trial's point is one that may be proposed."""
        return self._valid(record, outside=False)

    def _valid(self, record: Record, *, outside: bool) -> bool:
        """What the space says of a trial's point, asked again only when that has changed."""
        known = self._verdicts.get((record.number, outside))
        if known is None or known[0] is not record.params:
            try:
                self.problem.space.validate(record.params, outside=outside)
                verdict = True
            except BBOError:
                verdict = False
            known = self._verdicts[record.number, outside] = record.params, verdict
        return known[1]

    def _count(self, record: Record, step: int) -> None:
        for params in (record.params,) if record.params is record.planned else (record.params, record.planned):
            try:
                key = self.problem.space.key(params)
            except (BBOError, KeyError):  # a partly specified point, or one of an older definition of the space
                continue
            self._keys[key] += step
            if not self._keys[key]:
                del self._keys[key]


class FromHistory:
    """The settings of an optimizer whose state is a `History`: what is the same for all of them."""

    __slots__ = ()

    def init(self, problem: Problem) -> History:
        """No point known."""
        return History(problem)

    def fold(self, state: History, update: Update) -> History:
        """Remember points, count draws, keep the latest memo."""
        state.fold(update)
        return state
