"""A scrambled Sobol sequence over the feasible space (quasi-random search)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from bbo.optimizers.base import Proposal, Request, pinned
from bbo.optimizers.distinct import distinct
from bbo.optimizers.history import FromHistory, History
from bbo.optimizers.random import proposal_of
from bbo.problem import Problem, derive


@dataclass(frozen=True, slots=True)
class Sobol(FromHistory):
    """The points of one Owen-scrambled Sobol sequence in order, without known points. Runs anything; honours every request."""

    name: ClassVar[str] = "sobol"
    version: ClassVar[int] = 1

    def supports(self, problem: Problem) -> str | None:
        """Every problem is supported."""
        return None

    def propose(self, state: History, request: Request) -> Proposal:
        """The next points of the sequence."""
        return self.over(state, request, fixed=pinned(state.problem.space, request))

    def over(
        self,
        state: History,
        request: Request,
        *,
        fixed: Mapping[str, Any],
        varied: Callable[[int], Mapping[str, Any]] = lambda number: {},
        drawn: Callable[[int, int, Mapping[str, Any]], dict[str, Any]] | None = None,
    ) -> Proposal:
        """The next points with these values, and those that `varied` says for the number of a draw.

        The point of a draw is that of the sequence, or what `drawn` makes of its seed, the number and the values that are set.
        """
        problem, space = state.problem, state.problem.space
        seed = derive(problem.seed, problem.configuration, "sobol", bits=64)

        def point(number: int, held: Mapping[str, Any]) -> dict[str, Any]:
            return space.sobol(1, seed=seed, start=number, fixed=held)[0] if drawn is None else drawn(seed, number, held)

        if request.shared:
            first = point(state.draws, {**varied(state.draws), **fixed})
            fixed = {**fixed, **{name: first[name] for name in request.shared if name in first}}

        def draw(number: int) -> dict[str, Any]:
            return point(number, {**varied(number), **fixed})

        def rng(number: int) -> np.random.Generator:
            return problem.rng("sobol", number)

        return proposal_of(distinct(state, request.n, draw, fixed=fixed, rng=rng))

    def model(self, state: History) -> None:
        """None: it has no model."""
        return
