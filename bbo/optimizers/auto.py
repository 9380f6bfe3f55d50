"""The choice of an optimizer for a problem and a budget."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from bbo.errors import Unsupported
from bbo.log.ledger import Update
from bbo.optimizers.base import Optimizer, Proposal, Request, resolve, to_json
from bbo.optimizers.bayes import Bayes
from bbo.optimizers.bayes_then_cma_es import BayesThenCMAES
from bbo.optimizers.cma_es import CMAES
from bbo.optimizers.grid import Grid
from bbo.optimizers.history import History
from bbo.optimizers.settings import demand_integer
from bbo.optimizers.sobol import Sobol
from bbo.problem import Problem

_SMALL = 1_000  # points of a space that a grid may exhaust
_MANY = 1_000  # trials of a budget from which on a model is only for the first of them
_WIDE = 200  # columns from which on a model of them costs more than it brings to such a budget
_HUGE = 2_000  # columns from which on a matrix of them costs more than it brings


@dataclass(frozen=True, slots=True)
class Auto:
    """Chooses its delegate at the first ask, and says why; runs anything.

    - `Grid` where the stated budget covers every point of a small finite space;
    - `BayesThenCMAES` on boxes of numbers when the stated budget is 1,000 trials or more, `CMAES` where these are of more than 200
      columns, and `OpenAIES` where they are of more than 2,000;
    - `Bayes` wherever it can be;
    - where contexts are given, and there are at most 1,000 decisions on a grid, `ChebCB` for one number, and else `NeuSquareCB`;
    - `FrankWolfe` on convex sets that `Bayes` cannot search;
    - `Sobol` for all else, and for what is asked of others than `Bayes` with parts fixed or shared.

    Args:
        budget: Trials to choose for; None means what `optimize` states.
        delegate: The choice made, as JSON with its reason; None until the first ask. Not meant to be given.

    Raises:
        InvalidStudy: `budget` is no positive integer.
    """

    budget: int | None = None
    delegate: Mapping[str, Any] | None = field(default=None, hash=False)
    name: ClassVar[str] = "auto"
    version: ClassVar[int] = 9

    def __post_init__(self) -> None:
        demand_integer(self, "budget", least=1, optional=True)

    @property
    def reason(self) -> str:
        """Which optimizer it chose, and why."""
        if self.delegate is None:
            return "auto chooses an optimizer at the first ask"
        return f"auto chose {self.delegate['name']}: {self.delegate['reason']}"

    def resolve(self, problem: Problem, budget: int | None) -> Auto:
        """With the delegate chosen; one that was stored by an older release is brought to this one's version.

        Raises:
            Unsupported: The stored delegate is of a newer version than this bbo has.
        """
        budget = self.budget if budget is None or self.budget is not None else budget
        if self.delegate is None:
            chosen, reason = _choose(problem, budget)
            return Auto(budget, {**to_json(chosen), "reason": reason})
        now = to_json(resolve(self.delegate))
        if self.delegate["version"] > now["version"]:
            stored = f"{self.delegate['name']!r} is of version {self.delegate['version']}, this bbo has {now['version']}"
            raise Unsupported(f"optimizer {stored}: upgrade bbo-platform")
        return self if self.delegate["version"] == now["version"] else replace(self, delegate={**self.delegate, **now})

    def supports(self, problem: Problem) -> str | None:
        """Every problem is supported: there is always `Sobol`."""
        return None

    def init(self, problem: Problem) -> Delegation:
        """The delegate's state before any event."""
        chosen = resolve(self.delegate) if self.delegate else _choose(problem, self.budget)[0]
        honours = isinstance(chosen, (Bayes, BayesThenCMAES, Grid, Sobol))
        return Delegation(problem, chosen, chosen.init(problem), None if honours else History(problem))

    def fold(self, state: Delegation, update: Update) -> Delegation:
        """Let the delegate take it in."""
        state.inner = state.optimizer.fold(state.inner, update)
        if state.plain is not None:
            state.plain.fold(update)
        return state

    def propose(self, state: Delegation, request: Request) -> Proposal:
        """The delegate's proposal; a Sobol point where it cannot honour the request."""
        try:
            proposal = state.optimizer.propose(state.inner, request)
        except Unsupported as error:
            if state.plain is None:
                raise
            return replace(Sobol().propose(state.plain, request), note=f"a Sobol point, since {error}")
        return replace(proposal, note=f"{state.optimizer.name}: {proposal.note}" if proposal.note else state.optimizer.name)

    def model(self, state: Delegation) -> Any | None:
        """The delegate's model."""
        return state.optimizer.model(state.inner)


@dataclass(slots=True)
class Delegation:
    """The optimizer at work, and its state.

    Attributes:
        problem: What is optimized.
        optimizer: The optimizer at work.
        inner: Its state.
        plain: Known points, where the optimizer at work cannot honour every request.
    """

    problem: Problem
    optimizer: Optimizer
    inner: Any
    plain: History | None


def _choose(problem: Problem, budget: int | None) -> tuple[Optimizer, str]:
    """The optimizer for a problem, and why it is."""
    size = problem.space.cardinality
    if size is not None and budget is not None and size <= min(budget, _SMALL):
        return Grid(resolution=size), f"the budget of {budget} trials covers all {size} points"
    refused = Bayes().supports(problem)
    box = not problem.space.constraints and CMAES().supports(problem) is None
    if budget is not None and budget >= _MANY and box:
        if problem.space.d > _HUGE:
            from bbo.optimizers.openai_es import OpenAIES  # most studies are made without loading it

            return OpenAIES(), f"a box of {problem.space.d} numbers, too many for a matrix, and a budget of {budget} trials"
        if refused is not None or problem.space.d > _WIDE:
            return CMAES(), f"a box of numbers, and a budget of {budget} trials, too many for a model"
        return BayesThenCMAES(), f"a box of numbers, and a budget of {budget} trials: a model makes the most of the first ones only"
    if refused is None:
        return Bayes(), "trials are taken to be expensive, and a model makes the most of each"
    # Most studies need none of what follows, and are made without loading it.
    from bbo.optimizers.frank_wolfe import FrankWolfe

    if problem.space.of_role("context"):
        from bbo.optimizers.cheb_cb import ChebCB
        from bbo.optimizers.neu_cb import NeuSquareCB

        for bandit in (ChebCB(), NeuSquareCB()):
            if bandit.supports(problem) is None:
                return bandit, "decisions are made in given contexts, again and again, and it learns what suits which"
    if FrankWolfe().supports(problem) is None:
        return FrankWolfe(), f"a convex set, which bayes cannot search: {refused}"
    return Sobol(), f"bayes cannot run this problem: {refused}"
