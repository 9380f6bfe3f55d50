"""Bayesian optimization: a Gaussian process for each outcome, and the point of greatest expected improvement.

The way of a proposal: the log becomes `targets` (and very long ones are cut by `thinning`), to which a `surrogate` is fitted when
`fitting` says so, and `search` maximizes the acquisition function on it, over the space or the points of `candidates`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from bbo.callables import name_of
from bbo.errors import BBOError, InvalidStudy
from bbo.log.ledger import Update
from bbo.log.states import State
from bbo.optimizers.base import Proposal, Query, Request, refuse
from bbo.optimizers.history import History
from bbo.optimizers.sobol import Sobol
from bbo.problem import Problem
from bbo.space import Sequence as SequenceParameter

if TYPE_CHECKING:
    from botorch.acquisition.acquisition import AcquisitionFunction

    from acquisitions.feasibility import OutcomeConstraint
    from acquisitions.posterior_mean import PosteriorMean
    from bbo.optimizers.custom import AcquisitionBuild, ModelFit
    from bbo.optimizers.surrogate import Surrogate
    from bbo.optimizers.targets import Target
    from surrogates.leave_one_out import LeaveOneOut

Array = NDArray[np.float64]

_CHOICES: Mapping[str, tuple[Any, ...]] = {
    "surrogate": ("exact_gp",),
    "acquisition": ("log_ei", "knowledge_gradient", "kgcp", "entropy_search", "mes", "gibbon", "pes", "jes"),
    "kernel": ("rbf", "matern12", "matern32", "matern52"),
    "input_warp": (False, True),
    "output_warp": (False, True),
}

_KNOWLEDGE = ("knowledge_gradient", "kgcp")  # acquisitions of one objective, as are
_ENTROPIES = ("entropy_search", "mes", "gibbon", "pes", "jes")

_OWN = {
    "surrogate": "a function fit(X, Y, context) of yours",
    "acquisition": "a function build(model, context) of yours, a class that BoTorch has an input constructor for",
}

_MAX_OBJECTIVES = 4  # beyond, the hypervolume takes too long


@dataclass(frozen=True, slots=True)
class Bayes:
    """Bayesian optimization with Gaussian processes.

    Starts with Sobol points. Then one objective is improved by log noisy expected improvement, several by log noisy expected
    hypervolume improvement; outcome constraints and the risk of a failure weigh in by their modelled probability, and while
    nothing feasible is known that probability alone is maximized. Running trials take part with the values that the model expects
    of them, uncertain as they are, which also spreads a batch. Every known constraint holds, and points that are known are not
    proposed again.

    Hyperparameters are fitted after every tell up to 100 trials, then whenever their number has grown by 7 %, from those of the
    fit before. Standard deviations told with the outcomes (or `Objective.sd`) are used where every trial has one, else the noise is
    inferred. Of more than 2,000 trials 1,000 are fitted: the best, and others spread over the space. An objective's bad values
    beyond three interquartile ranges are clipped in the fit.

    Knowledge gradients ask instead how much better the best point will look by the model's mean once a trial's result is in, which is
    meant for noisy measurements: `"knowledge_gradient"` the best point of the space (Frazier, Powell & Dayanik 2009), `"kgcp"` the best
    of those that have been evaluated then (Scott, Frazier & Powell 2011). They are exact for up to 64 such points, the likeliest ones
    beside the proposed one, and of one objective.

    Entropy searches ask how much a trial's result tells, in nats, of one objective: `"entropy_search"` of which of up to 32 points is
    the best (Hennig & Schuler 2012), `"mes"` of the best value (max-value entropy search, Wang & Jegelka 2017, with noise), `"gibbon"`
    the same by a lower bound (Moss et al. 2021); `"pes"` and `"jes"` are BoTorch's predictive (Hernández-Lobato et al. 2014) and joint
    entropy search (Hvarfner et al. 2022), and load torch. The first two are weighed by the probability of feasibility; of the others,
    which may be negative, only points count that are likelier feasible than not. For all but the first two, running trials and the
    proposed one are scored as a batch.

    A model or an acquisition function of your own goes through the same loop: the Sobol points, the known constraints, no point
    twice, and a Sobol point where it fails. While nothing feasible is known the probability of feasibility is maximized all the same;
    where a failure is likelier than not, nothing is proposed. An acquisition function is told of running trials by `set_X_pending`;
    for one of BoTorch's analytic ones, the model takes its means for their results. `Study.predict`, `recommend` and
    `importance` rest on the Gaussian processes, whatever the proposals rest on.

    Args:
        surrogate: ``"exact_gp"``, or a function ``fit(X, Y, context)`` that returns a BoTorch model (see `bbo.optimizers.custom`).
        acquisition: ``"log_ei"``, with a model of your own BoTorch's `qLogNoisyExpectedImprovement`; ``"knowledge_gradient"`` or
            ``"kgcp"``, with a model of your own those of `acquisitions.botorch`, over evaluated points; ``"entropy_search"``, ``"mes"``,
            ``"gibbon"``, ``"pes"`` or ``"jes"``, with a model of your own BoTorch's and that of `acquisitions.botorch`; or a function
            ``build(model, context)`` that returns a BoTorch acquisition function of one point, to be maximized over the unit cube;
            or a class of these that BoTorch has an input constructor for.
        n_initial: Finished trials before the model takes over; None means ``d + 1``, at least 5 and at most 10.
        kernel: Of numeric parameters: ``"rbf"``, ``"matern12"``, ``"matern32"`` or ``"matern52"``.
        input_warp: Whether numeric axes are bent by Kumaraswamy's distribution function (Snoek et al. 2014, arXiv:1402.0929).
        output_warp: Whether objectives are bent towards a normal distribution (Yeo & Johnson 2000), as HEBO does
            (Cowen-Rivers et al. 2022, arXiv:2012.03826): what tells good from very good is then not lost among bad values.

    Raises:
        InvalidStudy: A setting is not one of these.
    """

    surrogate: str | ModelFit = "exact_gp"
    acquisition: str | AcquisitionBuild | type[AcquisitionFunction] = "log_ei"
    n_initial: int | None = None
    kernel: Literal["rbf", "matern12", "matern32", "matern52"] = "rbf"
    input_warp: bool = False
    output_warp: bool = True
    name: ClassVar[str] = "bayes"
    version: ClassVar[int] = 5
    uses_sd: ClassVar[bool] = True

    def __post_init__(self) -> None:
        for setting, allowed in _CHOICES.items():
            value, own = getattr(self, setting), _OWN.get(setting)
            if own is not None and callable(value):
                continue
            if value not in allowed or type(value) is not type(allowed[0]):
                raise InvalidStudy(
                    f"bayes: {setting} is {value!r}; it is one of {', '.join([*map(repr, allowed), *([own] if own else [])])}"
                )
        if isinstance(self.acquisition, type):
            from bbo.optimizers.custom import check_registered

            check_registered(self.acquisition)
        if self.n_initial is not None and (isinstance(self.n_initial, bool) or not isinstance(self.n_initial, int) or self.n_initial < 2):
            raise InvalidStudy(f"bayes: n_initial is {self.n_initial!r}; it is None or an integer, at least 2")

    def supports(self, problem: Problem) -> str | None:
        """None for up to four measured objectives over decisions, else the reason."""
        if problem.objectives[0].feedback == "ranking":
            return "it needs values, and the study is told rankings"
        if len(problem.objectives) > _MAX_OBJECTIVES:
            return f"it takes up to {_MAX_OBJECTIVES} objectives, and there are {len(problem.objectives)}"
        if callable(self.surrogate) and not callable(self.acquisition) and len(problem.objectives) > 1:
            return "with a model of your own and several objectives it needs an acquisition of your own too"
        if self.acquisition in (*_KNOWLEDGE, *_ENTROPIES):
            if len(problem.objectives) > 1:
                return f"the acquisition {self.acquisition!r} is of one objective, and there are {len(problem.objectives)}"
            if callable(self.surrogate) and problem.outcome_constraints:
                return f"the acquisition {self.acquisition!r} takes outcome constraints only with the Gaussian processes of bbo"
        for name, parameter in problem.space.parameters.items():
            if parameter.role != "decision":
                return f"it models decisions only, and {name!r} is a {parameter.role} parameter"
            if isinstance(parameter, SequenceParameter):
                return f"it cannot model sequences, and {name!r} is one"
        return None

    def init(self, problem: Problem) -> History:
        """No point known."""
        return History(problem)

    def fold(self, state: History, update: Update) -> History:
        """Remember points, count draws, keep the latest memo."""
        state.fold(update)
        return state

    def propose(self, state: History, request: Request) -> Proposal:
        """Sobol points first, then the model's choice; Sobol points again, with the reason, where the model fails."""
        refuse(request, "context", optimizer="bayes")
        done, failed = (len(state.finished(kind)) for kind in (State.DONE, State.FAILED))
        n_initial = self.n_initial or min(max(5, state.problem.space.d + 1), 10)
        if done < 2 or done + failed < n_initial:
            return replace(
                Sobol().propose(state, request), note=f"initial design, until {n_initial} trials are finished and 2 of them done"
            )
        try:
            return self._choose(state, request)
        except BBOError:  # the request itself is at fault
            raise
        except Exception as error:  # noqa: BLE001 - whatever numerics run into, an ask is answered
            return replace(Sobol().propose(state, request), note=f"a Sobol point, since the model failed: {type(error).__name__}: {error}")

    def model(self, state: History) -> Model | None:
        """The Gaussian processes, on which proposals rest unless `surrogate` is a function; None while fewer than two trials are done."""
        return state.once(("model", self), lambda: Model.of(state, self))

    def _choose(self, state: History, request: Request) -> Proposal:
        from bbo.optimizers import fitting
        from bbo.optimizers.targets import WORKS, targets_of

        with fitting.one_thread():
            targets = targets_of(state, power=self.output_warp)
            modelled = [target for target in targets if not callable(self.surrogate) or target.name == WORKS]
            if request.memo is None:
                fit = fitting.fit(state, modelled, self)
            else:
                fit = fitting.Fit(fitting.conditioned(state.problem, modelled, self, request.memo), request.memo, "hyperparameters kept")
            queries, aim, path = self._search(state, fit.surrogate, request, targets)
        if not queries:
            return replace(Sobol().propose(state, request), note="a Sobol point, since the model's pool holds known points only")
        n, of = len(targets[0].y), len(state.finished(State.DONE))
        trials = f"{n} trials" if n == of else f"{n} of {of} trials (the best, and others spread over the space)"
        by = (
            f"the model {name_of(self.surrogate)} on {trials}" if callable(self.surrogate) else f"Gaussian processes on {trials}, {fit.how}"
        )
        return Proposal(tuple(queries), memo=fit.memo, note=f"{aim}, by {by}; {path}")

    def _search(self, state: History, surrogate: Surrogate, request: Request, targets: Sequence[Target]) -> tuple[list[Query], str, str]:
        """What `search.points` finds for the user's acquisition or model, or for bbo's."""
        from bbo.optimizers import search

        model = self.surrogate if callable(self.surrogate) else None
        acquisition = self.acquisition if callable(self.acquisition) else None
        if model is None and acquisition is None:
            if self.acquisition == "log_ei":
                return search.points(state, surrogate, request)
            if self.acquisition in ("entropy_search", "mes", "gibbon"):
                from bbo.optimizers.entropy_search import EntropySearch

                return search.points(state, surrogate, request, EntropySearch(state, self.acquisition))
        if model is None and self.acquisition in _KNOWLEDGE:
            from bbo.optimizers.knowledge_gradient import KnowledgeGradient

            return search.points(state, surrogate, request, KnowledgeGradient(state, evaluated=self.acquisition == "kgcp"))
        if self.acquisition in _KNOWLEDGE:
            from acquisitions.botorch import LogDiscreteKnowledgeGradient, LogKGCP

            acquisition = LogKGCP if self.acquisition == "kgcp" else LogDiscreteKnowledgeGradient
        from bbo.optimizers import custom
        from bbo.optimizers.targets import WORKS

        outcomes = [target for target in targets if target.name != WORKS]
        with custom.quiet():
            if self.acquisition in _ENTROPIES:
                from bbo.optimizers.entropy_search import BoTorchEntropySearch

                name = str(self.acquisition)
                return search.points(state, surrogate, request, BoTorchEntropySearch(state, name, outcomes, model))
            return search.points(state, surrogate, request, custom.Custom(outcomes, model, acquisition))


@dataclass(frozen=True, slots=True)
class Model:
    """A fitted surrogate in the study's own terms (see `bbo.model.CubeModel`).

    Args:
        problem: What is optimized.
        surrogate: Of its outcomes.
        trials: Numbers of the finished trials it is fitted to.
    """

    problem: Problem
    surrogate: Surrogate
    trials: tuple[int, ...]

    @classmethod
    def of(cls, history: History, settings: Bayes) -> Model | None:
        """Of the trials that are done or failed, with the latest hyperparameters where there are some; None while under two are done."""
        from bbo.optimizers import fitting
        from bbo.optimizers.targets import targets_of, usable

        if len(history.finished(State.DONE)) < 2:
            return None
        with fitting.one_thread():
            targets = targets_of(history, power=settings.output_warp)
            surrogate = fitting.refreshed(history.problem, targets, settings, history.memo)
        return cls(history.problem, surrogate, tuple(record.number for record in usable(history, State.DONE)))

    @property
    def outcomes(self) -> tuple[str, ...]:
        """Names of the modelled outcomes, in the order of the columns of `predict`."""
        return self.problem.outcomes

    def predict(self, rows: Sequence[Mapping[str, Any]]) -> tuple[Array, Array]:
        """Mean and standard deviation of each outcome at each point (`n x m`), native units and sign, without measurement noise."""
        from bbo.optimizers import fitting

        with fitting.one_thread():
            means, sds = self.surrogate.predict(self.problem.space.encode(rows))
        m = len(self.outcomes)
        return means[:, :m], sds[:, :m]

    def log_p_feasible(self, rows: Sequence[Mapping[str, Any]]) -> Array:
        """Log probability that each point can be evaluated and keeps the outcome constraints, shape `n`."""
        from bbo.optimizers import fitting

        with fitting.one_thread():
            return self.surrogate.log_p_feasible(self.problem.space.encode(rows))

    # -- for `bbo.model.CubeModel`; whoever calls these limits the threads

    @property
    def score(self) -> PosteriorMean:
        """The posterior mean of the first objective, to be maximized, in the units of the fit."""
        from acquisitions.posterior_mean import PosteriorMean

        return PosteriorMean(self.surrogate.gps[0])

    @property
    def constraints(self) -> Mapping[str, OutcomeConstraint]:
        """What makes a point feasible, by the name of the outcome; that it can be evaluated under a name that is none."""
        bounded = (target.name for target in self.surrogate.targets if target.bounded)
        return dict(zip(bounded, self.surrogate.constraints, strict=True))

    def medians(self, X: Array) -> Array:
        """Median of each outcome at encoded points (`n x d`), native units and sign, `n x m`; the mean, without `output_warp`."""
        return self.surrogate.medians(X)[:, : len(self.outcomes)]

    def slopes(self, X: Array) -> Array:
        """Gradients of the medians with respect to encoded points (`n x d`), `n x m x d`."""
        return self.surrogate.slopes(X)[:, : len(self.outcomes)]

    def leave_one_out(self) -> Mapping[str, LeaveOneOut]:
        """Each trial's outcomes beside what is expected of them from the other trials, by outcome; units of the fit."""
        return {name: entry for name, entry in self.surrogate.leave_one_out().items() if name in self.outcomes}
