"""When a run has enough."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bbo.errors import InvalidStudy

if TYPE_CHECKING:
    from bbo.log.ledger import Ledger
    from bbo.space import Space


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one run, None where there is none.

    Args:
        n_trials: Trials that this run adds.
        total: Trials that the study is to have in all.
        timeout: Seconds from now after which no trial is started.
        max_cost: Sum of told costs in the study at which no trial is started.

    Raises:
        InvalidStudy: One is malformed.
    """

    n_trials: int | None = None
    total: int | None = None
    timeout: float | None = None
    max_cost: float | None = None
    started: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        for name in ("n_trials", "total"):
            number = getattr(self, name)
            if number is not None and (isinstance(number, bool) or not isinstance(number, int) or number < 0):
                raise InvalidStudy(f"optimize: {name} is {number!r}; it is an integer, at least 0, or None")
        for name in ("timeout", "max_cost"):
            number = getattr(self, name)
            if number is not None and (isinstance(number, bool) or not isinstance(number, (int, float)) or not number >= 0):
                raise InvalidStudy(f"optimize: {name} is {number!r}; it is a number, at least 0, or None")

    def check(self, space: Space) -> None:
        """Raise where the run would have no end.

        Raises:
            InvalidStudy: No limit is given, and the space is infinite.
        """
        if (self.n_trials, self.total, self.timeout, self.max_cost) == (None,) * 4 and space.cardinality is None:
            raise InvalidStudy("optimize: give n_trials=, total=, timeout= or max_cost=; only a finite space ends without one")

    def budget(self, ledger: Ledger) -> int | None:
        """How many trials the study will have if all goes well; None where time or cost decide."""
        ends = [self.total, None if self.n_trials is None else ledger.counted + self.n_trials]
        return min((end for end in ends if end is not None), default=None)

    def left(self, ledger: Ledger, begun: int) -> float:
        """How many more trials may be started, as far as this run alone decides; `total` is decided with the ask.

        Args:
            ledger: The study as known here.
            begun: Trials this run has finished or is running.
        """
        if self.timeout is not None and time.monotonic() - self.started >= self.timeout:
            return 0
        if self.max_cost is not None and sum(record.cost or 0.0 for record in ledger.records) >= self.max_cost:
            return 0
        return math.inf if self.n_trials is None else max(0, self.n_trials - begun)
