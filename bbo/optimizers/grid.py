"""Exhaustive search over a grid."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, ClassVar

from bbo.optimizers.base import Proposal, Request, pinned
from bbo.optimizers.candidates import held
from bbo.optimizers.history import FromHistory, History
from bbo.optimizers.random import proposal_of
from bbo.optimizers.settings import demand_integer
from bbo.problem import Problem


@dataclass(frozen=True, slots=True)
class Grid(FromHistory):
    """Every feasible point of a grid in lexicographic order (the last parameter changes fastest), without known points.

    The order depends on the space alone, not on the seed. Runs anything; honours every request.

    Args:
        resolution: Number of values of a continuous parameter, both ends included. Finite parameters are taken whole.

    Raises:
        InvalidStudy: `resolution` is no integer, at least 1.
    """

    resolution: int = 10
    name: ClassVar[str] = "grid"
    version: ClassVar[int] = 1

    def __post_init__(self) -> None:
        demand_integer(self, "resolution", least=1)

    def supports(self, problem: Problem) -> str | None:
        """Every problem is supported."""
        return None

    def propose(self, state: History, request: Request) -> Proposal:
        """The first points of the grid that are not known yet."""
        points = islice(self._unknown(state, request), request.n)
        return proposal_of([(state.draws + index, point) for index, point in enumerate(points)])

    def model(self, state: History) -> None:
        """None: it has no model."""
        return

    def _unknown(self, state: History, request: Request) -> Iterator[dict[str, Any]]:
        space = state.problem.space
        fixed = pinned(space, request)
        taken = set()
        for given in space.grid(self.resolution):
            point = held(space, given, fixed)
            if point is None or state.known(point) or (key := space.key(point)) in taken:
                continue
            yield point
            taken.add(key)
            fixed |= {name: point[name] for name in request.shared if name in point}  # the first of a batch settles what all share
