"""Uniform random search over the feasible space."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from bbo.optimizers.base import Proposal, Query, Request, pinned
from bbo.optimizers.distinct import distinct
from bbo.optimizers.history import FromHistory, History
from bbo.problem import Problem


@dataclass(frozen=True, slots=True)
class Random(FromHistory):
    """Independent uniform draws (log-uniform on log axes), without known points. Runs anything; honours every request."""

    name: ClassVar[str] = "random"
    version: ClassVar[int] = 1

    def supports(self, problem: Problem) -> str | None:
        """Every problem is supported."""
        return None

    def propose(self, state: History, request: Request) -> Proposal:
        """Fresh draws, each keyed by its number."""
        space = state.problem.space
        fixed = pinned(space, request)

        def rng(number: int) -> np.random.Generator:
            return state.problem.rng("random", number)

        if request.shared:
            first = space.sample(1, rng(state.draws), fixed=fixed)[0]
            fixed |= {name: first[name] for name in request.shared if name in first}

        def draw(number: int) -> dict[str, Any]:
            return space.sample(1, rng(number), fixed=fixed)[0]

        return proposal_of(distinct(state, request.n, draw, fixed=fixed, rng=rng))

    def model(self, state: History) -> None:
        """None: it has no model."""
        return


def proposal_of(points: list[tuple[int, dict[str, Any]]], note: str = "") -> Proposal:
    """Plain points as a proposal; no points mean that the space is exhausted."""
    return Proposal(tuple(Query(params, draw=number) for number, params in points), note=note, status="ok" if points else "exhausted")
