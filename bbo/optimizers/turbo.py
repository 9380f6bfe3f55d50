"""TuRBO: Bayesian optimization in a region around the best point, which grows with success and shrinks without.

The way of a proposal: `restarts` reads from the log which trials the present restart has, and how large its region is; Gaussian processes
are fitted to these trials as `bayes` does it (`fitting`), and `search` maximizes the expected improvement over the `trust_region`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from bbo.log.states import State
from bbo.optimizers import robust
from bbo.optimizers.base import Proposal, Request, refuse
from bbo.optimizers.bayes import Bayes
from bbo.optimizers.candidates import standing as standing_still
from bbo.optimizers.fallback import answered
from bbo.optimizers.history import FromHistory, History
from bbo.optimizers.phases import one_measured_objective
from bbo.optimizers.restarts import DESIGN, REGION, Standing, standing
from bbo.optimizers.settings import demand_integer
from bbo.optimizers.sobol import Sobol
from bbo.optimizers.trust_region import limited, part, sides
from bbo.problem import Problem
from bbo.space import Array as ArrayParameter
from bbo.space import Simplex, Space

if TYPE_CHECKING:
    from acquisitions.domain import Domain
    from bbo.log.ledger import Record
    from bbo.optimizers.surrogate import Surrogate

Array = NDArray[np.float64]

_FEWEST, _MOST = 5, 20  # trials of an initial design; of 40 instead of 20 all of three runs in 20 dimensions were worse after 250
_PROCESSES = Bayes(kernel="matern52")
_INSTEAD = "a Sobol point, since the model failed"


@dataclass(frozen=True, slots=True)
class TuRBO(FromHistory):
    """Bayesian optimization in one trust region after another (TuRBO-1), for many parameters and some hundreds of evaluations.

    A restart begins with Sobol points. Then Gaussian processes are fitted to its trials alone, and each proposal is the point of
    greatest log expected improvement in a box around the best of them: sides in proportion to the fitted length scales, of geometric
    mean `L`, which is 0.8 of the cube's at first. Three batches in a row that each bring a better point double it, up to 1.6; as many
    trials in a row without as there are columns halve it; a batch is what one ask handed out. Below 2^-7 the next restart begins, and
    nothing of the one before it counts. All that is a function of results as they stand, whatever their order, but for restarts that
    have begun.

    The region lies around the best measured trial; where standard deviations are told, around the one with the best mean of the model.
    While nothing is feasible it lies around the trial of least total violation, a batch that lowers that is a success, and what is
    maximized is the probability of feasibility; after that the improvement is weighed by it. The regions are those of SCBO in that, and
    the weighing is that of `bayes`. The risk of a failure weighs in the same way, running trials take part as in `bayes`, and every
    known constraint holds. Integers and steps go to the next level at least, however small the region is; categories and parameters
    under conditions have no sides, and are searched all over. Trials of other origin belong to the restart that they came in, and count
    neither as success nor as failure; nor does what is asked with parts fixed. `Study.predict` and `Study.recommend` fit a model to all
    trials, and proposals do not rest on it.

    The paper takes the best of many candidates by a function drawn from the posterior (Thompson sampling) where this maximizes expected
    improvement: of 9 pairs of runs in 20 dimensions that was better in 4, and of 3 in 60 dimensions in all (200 to 300 trials, 10 an ask).

    Args:
        n_initial: Finished trials of a restart before its model takes over; None means twice the number of columns, at least 5 and at
            most 20.

    Raises:
        InvalidStudy: `n_initial` is no integer, or less than 2.

    Source: Eriksson, Pearce, Gardner, Turner & Poloczek (2019), arXiv:1910.01739, of which this is the version with one region; with
    outcome constraints: Eriksson & Poloczek (2021), arXiv:2002.08526.
    """

    n_initial: int | None = None
    name: ClassVar[str] = "turbo"
    version: ClassVar[int] = 3
    uses_sd: ClassVar[bool] = True

    def __post_init__(self) -> None:
        demand_integer(self, "n_initial", least=2, optional=True)

    def supports(self, problem: Problem) -> str | None:
        """None for one measured objective over decisions that a box can be around, some of them numbers; else the reason."""
        if (reason := one_measured_objective(problem)) is not None:
            return reason
        if robust.needed(problem):
            return robust.unmodelled(problem, self.name)
        for name, parameter in problem.space.parameters.items():
            if parameter.role != "decision":
                return f"it models decisions only, and {name!r} is a {parameter.role} parameter"
            if isinstance(parameter, Simplex) or (isinstance(parameter, ArrayParameter) and not parameter.fills(parameter.convex)):
                return f"its regions are boxes, and {name!r} is within another set"
        if not limited(problem.space.columns):
            return "its regions need a number that is always there, and there is none"
        return _PROCESSES.supports(problem)

    def propose(self, state: History, request: Request) -> Proposal:
        """Sobol points until a restart has enough trials, then points of its region; Sobol points, and why, where the model fails."""
        refuse(request, "context", optimizer=self.name)
        now = standing(state)
        done, failed = (sum(r.state is kind and state.legal(r) for r in now.records) for kind in (State.DONE, State.FAILED))
        n_initial = self.n_initial or min(max(2 * state.problem.space.d, _FEWEST), _MOST)
        if done < 2 or done + failed < n_initial:
            note = f"initial design{f' of restart {now.restart}' if now.restart else ''}, until {n_initial} trials are finished"
            return _marked(replace(Sobol().propose(state, request), note=note), DESIGN, now, request)
        proposal = answered(lambda: self._choose(state, now, request), lambda: Sobol().propose(state, request), since=_INSTEAD)
        return _marked(proposal, REGION, now, request)

    def model(self, state: History) -> None:
        """None: that of a restart knows nothing of the others, and little beyond its region."""
        return

    def remark(self, state: History) -> str:
        """Where the present restart stands."""
        now = standing(state)
        if not now.merits:
            return f"Restart {now.restart} begins." if now.restart else ""
        size = now.region
        return (
            f"Trust region of restart {now.restart}: length {size.length:.3g}, {size.successes} batches in a row with success and "
            f"{size.failures} trials in a row without."
        )

    def _choose(self, state: History, now: Standing, request: Request) -> Proposal:
        from bbo.optimizers import fitting, search
        from bbo.optimizers.acquisitions import TABLE

        space = state.problem.space
        latest = state.memo if state.memo is not None and state.memo.get("restart") == now.restart else None
        local = state.part(now.records, memo=latest)
        with fitting.one_thread():
            targets = _PROCESSES.targets(local, fitting.bends(request.memo or latest))
            if request.memo is None:
                fit = fitting.fit(local, targets, _PROCESSES)
            else:
                fit = fitting.Fit(
                    fitting.conditioned(state.problem, targets, _PROCESSES, request.memo), request.memo, "hyperparameters kept"
                )
            centre = centre_of(now, fit.surrogate, space)
            within = region(space, space.encode([centre.params])[0], now.region.length, fit.surrogate, request.fixed)
            score = TABLE["log_ei"].score()
            queries, aim, path = search.points(local, _PROCESSES, fit.surrogate, request, score, within=within)
        if not queries:
            note = "a Sobol point, since the region holds known points only"
            return replace(Sobol().propose(state, request), note=note)
        where = f"in a region of length {now.region.length:.3g} around trial {centre.number}"
        trials = f"{len(targets[0].y)} trials{f' of restart {now.restart}' if now.restart else ''}"
        note = f"{aim} {where}, by Gaussian processes on {trials}, {fit.how}; {path}"
        return Proposal(tuple(queries), memo={"restart": now.restart, **fit.memo}, note=note)


def centre_of(now: Standing, surrogate: Surrogate, space: Space) -> Record:
    """The best feasible trial of a restart, or the one that violates constraints least; of noise that was told, by the model's mean.

    Raises:
        ArithmeticError: None of its trials is done at a point that may be proposed.
    """
    able = [record for record in now.records if record.number in now.merits]
    if not able:
        raise ArithmeticError("no trial of the restart can be the centre of a region")
    feasible = [record for record in able if now.merits[record.number][0] == 0]
    if not feasible or surrogate.targets[0].variance is None:
        return min(able, key=lambda record: (now.merits[record.number], record.number))
    means = surrogate.gps[0].at(space.encode([record.params for record in feasible])).mean
    return feasible[int(np.argmax(means))]


def region(space: Space, centre: Array, length: float, surrogate: Surrogate, fixed: Mapping[str, Any]) -> Domain:
    """The trust region of that length around an encoded point (`d`), by the length scales of the first process."""
    columns = limited(space.columns)
    fitted = surrogate.gps[0].memo()["parameters"]
    scales = np.exp([fitted[f"lengthscale[{i}]"] for i in columns])
    widths = dict(zip(columns, sides(length, scales).tolist(), strict=True))
    return part(space.cube, centre, widths, standing_still(space, fixed))


def _marked(proposal: Proposal, role: str, now: Standing, request: Request) -> Proposal:
    """With what tells the trials of a restart from others; those that the user fixed a part of are others."""
    if request.fixed:
        return proposal
    return replace(proposal, queries=tuple(replace(query, role=role, group=now.restart) for query in proposal.queries))
