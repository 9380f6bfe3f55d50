"""GO-UCB: optimism in the parameters of a family of functions, such as a small network.

The way of a proposal: the log becomes an estimate of the parameters and an ellipsoid around it (`parametric`), and `search` maximizes
the most that a point may be worth with parameters of the ellipsoid (`acquisitions.parametric_optimism`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from bbo.callables import name_of
from bbo.errors import InvalidStudy
from bbo.log.ledger import Update
from bbo.log.states import State
from bbo.optimizers import robust
from bbo.optimizers.base import Proposal, Query, Request, refuse
from bbo.optimizers.fallback import answered
from bbo.optimizers.parametric import FamilyModel, Learning
from bbo.optimizers.random import Random
from bbo.optimizers.settings import demand_boolean, demand_integer, demand_number
from bbo.problem import Problem
from bbo.space import Array, Sequence

if TYPE_CHECKING:
    import torch

    from bbo.optimizers.candidates import Params
    from bbo.optimizers.parametric import Estimate
    from surrogates.parametric import Family

_LEADERS = 5  # points that are looked around


@dataclass(frozen=True, slots=True)
class GOUCB:
    """Global optimization with upper confidence bounds over the parameters of a family ``f_x(w)`` (GO-UCB).

    The first trials are uniform draws; the family is fitted to them by least squares. Then each proposal is the point that may be
    worth most with parameters in an ellipsoid around their estimate, which every further trial moves and narrows, by the gradient
    of the family at that trial. Meant for functions that a family of few parameters is known to describe, measured with noise, when every
    evaluation counts and not the best one alone. Of other functions it learns what the family can say: with the network it went from corner
    to corner of spaces of 20 parameters, and was worse than random draws there (the guide has numbers). Prefer `bayes` otherwise.
    Source: Liu & Wang (2023), "Global Optimization with Parametric Function Approximation", ICML, arXiv:2211.09100.

    Two things are not as published, where the family is fitted once, and its fit then stands for the first trials: they count in the
    precision like all others (`count_first`), without which later ones make the estimate forget them; and the family is fitted
    anew to all trials as these grow in number (`growth`), since linearisations do not follow a network far. The theory's beta is far too
    large to be of use; the default is calibrated at each fit.

    Running trials narrow the ellipsoid and leave the estimate, which spreads a batch. As bandits do, it may propose a measured point again;
    points that run or have failed it does not, and learns nothing else of a failure. Every known constraint holds. Levels of
    categories enter as one indicator each. Trials of other origin are data like any other. Numbers count in the unit cube, values in
    standard deviations of the trials of the fit.

    Args:
        family: ``"sigmoid"``, one hidden layer of sigmoids; ``"linear"``, with an intercept, which makes it LinUCB; or a function that
            makes a `torch.nn.Module` for a number of inputs, of one output: points of the unit cube come in, standardised values are
            to come out, in float64. It should have two derivatives in inputs and parameters.
        hidden: Hidden units of ``"sigmoid"``; 25 as in the paper.
        n_initial: Finished trials before the family takes over; None means ``d + 1``, at least 5.
        weight_decay: Of the fit, where squared errors count half.
        ridge: lambda: the precision of each parameter beside what trials say of it, in units of one over the variance of the noise.
        beta: Squared radius of the ellipsoid; 0 is greedy. None makes the bound lie one standard deviation above the fit, in the median
            over the space, whenever the family was just fitted.
        count_first: Whether trials of the fit count in the precision. False as published.
        growth: By which factor trials grow in number until the family is fitted anew to all; None for a single fit, as published.
        linearised: Whether the family is taken as linear in its parameters when points are scored, which is cheaper; exact for a
            family that is.

    Raises:
        InvalidStudy: A setting is not one of these.
    """

    family: str | Callable[[int], torch.nn.Module] = "sigmoid"
    hidden: int = 25
    n_initial: int | None = None
    weight_decay: float = 1e-2
    ridge: float = 1.0
    beta: float | None = None
    count_first: bool = True
    growth: float | None = 1.2
    linearised: bool = False
    name: ClassVar[str] = "go_ucb"
    version: ClassVar[int] = 2

    def __post_init__(self) -> None:
        if self.family not in ("sigmoid", "linear") and not callable(self.family):
            raise InvalidStudy(f"go_ucb: family is {self.family!r}; it is 'sigmoid', 'linear' or a function that makes a torch.nn.Module")
        demand_integer(self, "hidden", least=1)
        demand_integer(self, "n_initial", least=2, optional=True)
        demand_number(self, "weight_decay", least=0)
        demand_number(self, "ridge", above=0)
        demand_number(self, "beta", least=0, optional=True)
        demand_number(self, "growth", above=1, optional=True)
        demand_boolean(self, "count_first")
        demand_boolean(self, "linearised")

    def supports(self, problem: Problem) -> str | None:
        """None for one measured objective over decisions, without outcome constraints; else the reason."""
        if problem.objectives[0].feedback == "ranking":
            return "it needs values, and the study is told rankings"
        if len(problem.objectives) > 1:
            return f"it takes one objective, and there are {len(problem.objectives)}"
        if problem.outcome_constraints:
            return f"it cannot keep outcome constraints, and there is one on {problem.outcome_constraints[0].name!r}"
        if robust.needed(problem):
            return robust.unmodelled(problem, self.name)
        for name, parameter in problem.space.parameters.items():
            if parameter.role != "decision":
                return f"it models decisions only, and {name!r} is a {parameter.role} parameter"
            if isinstance(parameter, Array) and not parameter.searchable:
                return f"it searches arrays between bounds and on simplices, and {name!r} is within another set"
            if isinstance(parameter, Sequence):
                return f"it cannot model sequences, and {name!r} is one"
        return None if problem.space.d else "there is nothing to search"

    def build(self, d: int) -> Family:
        """The family for d inputs.

        Raises:
            TypeError, ValueError: The function of the user's does not make a module that can be used.
        """
        if callable(self.family):
            from surrogates.parametric.torch_family import TorchFamily

            return TorchFamily(self.family, d)
        from surrogates.parametric import Linear, SigmoidNetwork

        return Linear(d) if self.family == "linear" else SigmoidNetwork(d, self.hidden)

    def init(self, problem: Problem) -> Learning:
        """No point known."""
        return Learning(problem)

    def fold(self, state: Learning, update: Update) -> Learning:
        """Remember points, count draws, keep the latest memo."""
        state.fold(update)
        return state

    def propose(self, state: Learning, request: Request) -> Proposal:
        """Uniform draws first, then what is most promising; draws again, with the reason, where the family fails."""
        refuse(request, "context", optimizer=self.name)
        done, failed = (len(state.finished(kind)) for kind in (State.DONE, State.FAILED))
        n_initial = self.n_initial or max(5, state.problem.space.d + 1)
        if done < 2 or done + failed < n_initial:
            note = f"uniform draws, until {n_initial} trials are finished and 2 of them done"
            return replace(Random().propose(state, request), note=note)
        return answered(
            lambda: self._choose(state, request), lambda: Random().propose(state, request), since="a random point, since the family failed"
        )

    def model(self, state: Learning) -> FamilyModel | None:
        """The family at its estimate; None while fewer than two trials are done."""
        from bbo.optimizers import fitting

        if len(done := state.finished(State.DONE)) < 2:
            return None
        with fitting.one_thread():
            estimate, _ = state.estimate(self, state.memo, renew=False)
        return FamilyModel(state.problem, estimate, tuple(record.number for record in done))

    def _choose(self, state: Learning, request: Request) -> Proposal:
        from bbo.optimizers import fitting

        with fitting.one_thread():
            estimate, memo = state.estimate(self, request.memo or state.memo, renew=request.memo is None)
            queries, path = self._points(state, estimate, request)
        if not queries:
            return replace(Random().propose(state, request), note="a random point, since those of the search are known")
        family = name_of(self.family) if callable(self.family) else self.family
        aim = "linearised bound" if self.linearised else "best case"
        trials = f"{len(memo['first'])} first trials and {len(estimate.rows)} since"
        return Proposal(tuple(queries), memo=memo, note=f"{aim} of the family {family} on {trials}; {path}")

    def _points(self, state: Learning, estimate: Estimate, request: Request) -> tuple[list[Query], str]:
        """Up to ``request.n`` points, one after the other, and how the last was found; fewer where no new ones are left."""
        from acquisitions.parametric_optimism import LinearisedBound, ParametricOptimism
        from bbo.optimizers import search

        problem, space = state.problem, state.problem.space
        running, leaders, fixed = state.running(), self._leaders(state), dict(request.fixed)
        kind = LinearisedBound if self.linearised else ParametricOptimism
        score = kind(estimate.start.family, estimate.posterior, estimate.start.beta)
        if running:
            score = score.with_pending(space.encode(running))
        queries, path, optima = list[Query](), "", np.empty((0, space.d))
        for number in range(state.draws, state.draws + request.n):
            rng = problem.rng("go_ucb", number)
            params, path, optima = search.best_new(state, score, leaders, running, fixed, rng, before=optima)
            if params is None:
                break
            queries.append(Query(params, draw=number))
            running.append(params)
            score = score.with_pending(space.encode([params]))
            fixed |= {name: params[name] for name in request.shared if name in params}
        return queries, path

    def _leaders(self, state: Learning) -> list[Params]:
        """The best points that may be proposed."""
        eligible = [record for record in state.finished(State.DONE) if state.inside(record)]
        best = sorted(eligible, key=lambda record: (float(state.problem.losses(record.values)[0]), record.number))
        return [dict(record.params) for record in best[:_LEADERS]]
