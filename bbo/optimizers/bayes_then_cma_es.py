"""Bayes first, then CMA-ES: for budgets of thousands, of which a model makes the most at the beginning."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

from bbo.errors import Unsupported
from bbo.log.ledger import Update
from bbo.optimizers.base import Proposal, Request
from bbo.optimizers.bayes import Bayes
from bbo.optimizers.cma_es import CMAES, Evolution
from bbo.optimizers.history import History
from bbo.optimizers.settings import demand_integer
from bbo.problem import Problem


@dataclass(frozen=True, slots=True)
class BayesThenCMAES:
    """`Bayes` for the first trials, and `CMAES` from the best of them on.

    CMA-ES begins with a standard deviation of how far other good trials lie from the best. It is in charge from its first ticket on,
    but what is asked with parts fixed or shared is still proposed by `Bayes`, on whose model `Study.predict` and `Study.recommend` rest.

    Args:
        trials: Trials that the study has when CMA-ES takes over, those of other origin among them.

    Raises:
        InvalidStudy: `trials` is no positive integer.
    """

    trials: int = 200
    name: ClassVar[str] = "bayes_then_cma_es"
    version: ClassVar[int] = 1000 * Bayes.version + CMAES.version
    uses_sd: ClassVar[bool] = True

    def __post_init__(self) -> None:
        demand_integer(self, "trials", least=1)

    def supports(self, problem: Problem) -> str | None:
        """None where both can run the problem, else the reason."""
        return _EVOLUTION.supports(problem) or _MODEL.supports(problem)

    def init(self, problem: Problem) -> Relay:
        """Nothing known, and no generation open."""
        return Relay(_MODEL.init(problem), _EVOLUTION.init(problem))

    def fold(self, state: Relay, update: Update) -> Relay:
        """Let both take it in."""
        state.first = _MODEL.fold(state.first, update)
        state.second.fold(update)
        return state

    def propose(self, state: Relay, request: Request) -> Proposal:
        """The proposal of the one in charge."""
        left = self.trials - len(state.first.records)
        if state.second.started or left <= 0:
            try:
                proposal = _EVOLUTION.propose(state.second, replace(request, memo=request.memo if "x0" in (request.memo or ()) else None))
            except Unsupported:  # parts are fixed or shared
                return _MODEL.propose(state.first, request)
            return replace(proposal, note=f"cma_es: {proposal.note}" if proposal.note else "cma_es")
        return _MODEL.propose(state.first, replace(request, n=min(request.n, left)))

    def model(self, state: Relay) -> Any | None:
        """The model of `Bayes`."""
        return _MODEL.model(state.first)


@dataclass(slots=True)
class Relay:
    """The states of both."""

    first: History
    second: Evolution


_MODEL, _EVOLUTION = Bayes(), CMAES(sigma0=None)
