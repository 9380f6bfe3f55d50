"""What the optimistic methods share: Gaussian processes for objective and constraints, and a question to their confidence bounds."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Literal

from bbo.errors import InvalidStudy
from bbo.log.states import State
from bbo.optimizers import robust, tasks
from bbo.optimizers.base import Proposal, Request, refuse
from bbo.optimizers.bayes import Bayes
from bbo.optimizers.fallback import answered
from bbo.optimizers.fitted import Model
from bbo.optimizers.history import FromHistory, History
from bbo.optimizers.sobol import Sobol
from bbo.problem import Problem

if TYPE_CHECKING:
    from bbo.optimizers.auxiliary import Aim, Auxiliary
    from bbo.optimizers.surrogate import Surrogate
    from bbo.optimizers.targets import Target


@dataclass(frozen=True, slots=True)
class Optimistic(FromHistory, ABC):
    """An optimizer of one objective that takes confidence bounds at their most favourable; what is maximized says `aim`.

    Constraints keep their zero: their processes have the bound for a mean before any data, lest a far region look hopeless because
    what was measured so far was.
    """

    beta: float = 3.0
    delta: float | None = None
    n_initial: int | None = None
    kernel: Literal["rbf", "matern12", "matern32", "matern52"] = "matern52"
    name: ClassVar[str]
    version: ClassVar[int]
    uses_sd: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if isinstance(self.beta, bool) or not isinstance(self.beta, int | float) or not 0 <= self.beta < float("inf"):
            raise InvalidStudy(f"{self.name}: beta is {self.beta!r}; it is a number of standard deviations, at least 0")
        if self.delta is not None and (isinstance(self.delta, bool) or not isinstance(self.delta, float) or not 0 < self.delta < 1):
            raise InvalidStudy(f"{self.name}: delta is {self.delta!r}; it is None or a probability between 0 and 1")
        try:
            self._processes  # noqa: B018 - checks the rest
        except InvalidStudy as error:
            raise InvalidStudy(f"{self.name}: {str(error).removeprefix('bayes: ')}") from None

    @property
    def _processes(self) -> Bayes:
        return Bayes(kernel=self.kernel, n_initial=self.n_initial, output_warp=False)

    @abstractmethod
    def aim(self, auxiliary: Auxiliary) -> Aim:
        """What to maximize for the next point."""

    def supports(self, problem: Problem) -> str | None:
        """None for one measured objective over decisions, with or without outcome constraints; else the reason."""
        if problem.objectives[0].feedback == "ranking":
            return "it needs values, and the study is told rankings"
        if len(problem.objectives) > 1:
            return f"it takes one objective, and there are {len(problem.objectives)}"
        if robust.needed(problem):
            return robust.unmodelled(problem, self.name)
        for name in (*problem.space.targets, *tasks.names(problem.space)):
            return f"it models decisions only, and {name!r} is a {problem.space.roles[name]} parameter"
        return self._processes.supports(problem)

    def propose(self, state: History, request: Request) -> Proposal:
        """Sobol points first, then what the confidence bounds promise; Sobol points again, with the reason, where the model fails."""
        refuse(request, "context", optimizer=self.name)
        done, failed = (len(state.finished(kind)) for kind in (State.DONE, State.FAILED))
        n_initial = self.n_initial or min(max(5, state.problem.space.d + 1), 10)
        if done < 2 or done + failed < n_initial:
            note = f"initial design, until {n_initial} trials are finished and 2 of them done"
            return replace(Sobol().propose(state, request), note=note)
        return answered(
            lambda: self._choose(state, request), lambda: Sobol().propose(state, request), since="a Sobol point, since the model failed"
        )

    def model(self, state: History) -> Model | None:
        """The Gaussian processes; None while fewer than two trials are done."""
        return state.once(("model", self), lambda: self._model(state))

    def _choose(self, state: History, request: Request) -> Proposal:
        from bbo.optimizers import auxiliary, fitting

        with fitting.one_thread():
            targets = self._targets(state)
            if request.memo is None:
                fit = fitting.fit(state, targets, self._processes)
            else:
                kept = fitting.conditioned(state.problem, targets, self._processes, request.memo)
                fit = fitting.Fit(kept, request.memo, "hyperparameters kept")
            beta = auxiliary.widths(fit.surrogate, self.beta, self.delta)
            queries, name, path = auxiliary.points(state, fit.surrogate, request, beta, self.aim)
        if not queries:
            return replace(Sobol().propose(state, request), note="a Sobol point, since the model's pool holds known points only")
        note = f"{name}, by Gaussian processes on {len(targets[0].y)} trials, {fit.how}; {path}"
        return Proposal(tuple(queries), memo=fit.memo, note=note)

    def _model(self, state: History) -> Model | None:
        from bbo.optimizers import fitting
        from bbo.optimizers.targets import usable

        if len(state.finished(State.DONE)) < 2:
            return None
        with fitting.one_thread():
            surrogate = fitting.refreshed(state, self._targets(state), self._processes)
        return Model(state.problem, surrogate, tuple(record.number for record in usable(state, State.DONE)))

    def _targets(self, state: History) -> list[Target]:
        from bbo.optimizers.targets import WORKS, Bends, anchored, targets_of

        objective, *others = targets_of(state, Bends(objectives=False))
        return [objective, *(target if target.name == WORKS else anchored(target) for target in others)]

    def _surrogate(self, state: History) -> Surrogate | None:
        model = self.model(state)
        return None if model is None else model.surrogate
