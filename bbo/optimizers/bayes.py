"""Bayesian optimization: a Gaussian process for each outcome, and the point of greatest expected improvement.

The way of a proposal: the log becomes `targets` (and very long ones are cut by `thinning`), to which a `surrogate` is fitted when
`fitting` says so, and `search` maximizes the acquisition function on it, over the space or the points of `candidates`. Which functions
there are, and who makes each of what is `asked`, says the table of `acquisitions`. What is special about a problem has a module of its
own, which says why it is refused and does what differs: `fidelities`, `robust` (environments, inexact settings), `tasks`, `preferences`
(rankings), `slopes` (gradients), `transfer` (finished studies), `belief` (where the optimum lies). The study sees the processes through
`fitted`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Literal, cast

from bbo.callables import name_of
from bbo.errors import InvalidStudy
from bbo.log.states import State
from bbo.optimizers import belief, fidelities, robust, slopes, tasks
from bbo.optimizers.acquisitions import TABLE, Entry, default
from bbo.optimizers.base import Proposal, Query, Request, refuse
from bbo.optimizers.fallback import answered
from bbo.optimizers.history import FromHistory, History
from bbo.optimizers.settings import demand_integer, demand_number
from bbo.optimizers.sobol import Sobol
from bbo.prior_studies import canonical
from bbo.problem import Problem
from bbo.space import Array as ArrayParameter
from bbo.space import Sequence as SequenceParameter
from surrogates.columns import Role

if TYPE_CHECKING:
    from botorch.acquisition.acquisition import AcquisitionFunction

    from bbo.optimizers.asked import Score
    from bbo.optimizers.custom import AcquisitionBuild, ModelFit
    from bbo.optimizers.fitted import Model
    from bbo.optimizers.surrogate import Surrogate
    from bbo.optimizers.targets import Bends, Target
    from bbo.optimizers.transfer import Drawn, Sources
    from bbo.prior_studies import PriorStudy
    from bbo.study import Study

_CHOICES: Mapping[str, tuple[Any, ...]] = {
    "surrogate": ("exact_gp",),
    "acquisition": (*TABLE, None),
    "kernel": ("rbf", "matern12", "matern32", "matern52"),
    "input_warp": (False, True),
    "output_warp": (False, True),
    "learn_costs": (False, True),
}

_LEARNING = 3
"""Trials of an initial design with finished studies: two of their best points, and a Sobol point between them."""

_OWN = {
    "surrogate": "a function fit(X, Y, context) of yours",
    "acquisition": "a function build(model, context) of yours, a class that BoTorch has an input constructor for",
}


@dataclass(frozen=True, slots=True)
class Bayes(FromHistory):
    """Bayesian optimization with Gaussian processes.

    Starts with Sobol points. Then one objective is improved by log noisy expected improvement, several by log noisy expected
    hypervolume improvement, more than four as ``"parego"`` does; outcome constraints and the risk of a failure weigh in by their
    modelled probability, and while nothing feasible is known that probability alone is maximized, in turn with the least expected
    violation. Running trials take part with the values that the model expects of them, uncertain as they are, which also spreads a
    batch. Every known constraint holds, and points that are known are not proposed again.

    Hyperparameters are fitted after every tell up to 100 trials, then whenever their number has grown by 7 %, from those of the
    fit before. Standard deviations told with the outcomes (or `Objective.sd`) are used where every trial has one, else the noise is
    inferred. Of more than 2,000 trials 1,000 are fitted: the best, and others spread over the space. An objective's bad values
    beyond three interquartile ranges are clipped in the fit.

    Knowledge gradients ask instead how much better the best point will look by the model's mean once a trial's result is in, which is
    meant for noisy measurements: `"knowledge_gradient"` the best point of the space (Frazier, Powell & Dayanik 2009), `"kgcp"` the best
    of those that have been evaluated then (Scott, Frazier & Powell 2011). They are exact for up to 64 such points, the likeliest ones
    beside the proposed one, and of one objective.

    ``"derivative_knowledge_gradient"`` is the first of them for results that bring gradients along (see below): what a gradient will say
    counts before it is measured (Wu et al. 2017).

    ``"parego"`` makes one objective of any number, by a random Chebyshev scalarization for each proposal (Knowles 2006).

    ``"ei_per_cost"`` is the expected improvement for each unit of what a trial costs, which is learnt from the costs told with the
    results (`Study.tell(cost=)`; Snoek et al. 2012, cooled as Lee et al. 2020 do).

    Of the other acquisition functions ``"log_pi"`` is the probability of improving on the best mean, ``"ucb"`` an upper confidence bound,
    ``"thompson"`` the best point of a function drawn from the posterior, another one for each point. Two look for knowledge instead of the
    best point: ``"integrated_variance"`` lowers the uncertainty all over the space (active learning), ``"straddle"`` learns where
    the objective crosses a level. Which takes what is in `bbo.optimizers.acquisitions`.

    A `bbo.Fidelity` or `bbo.Source` is an input of the model, in which named levels build on each other and sources look at the target
    (`surrogates.exact_gp.kernels.Coregional`). Each evaluation is then worth what it says about the best value at the target for what it
    costs, and the cheap ones are run as long as they say more for their price (MF-MES: Takeno et al. 2020, arXiv:1901.08275; with
    ``"knowledge_gradient"`` misoKG: Poloczek, Wang & Frazier 2017, arXiv:1603.00389); for other rules see
    `bbo.optimizers.fidelity_rules`. The initial design is of all levels. Outcome constraints count as they are at the target. Ask
    `Study.recommend` for the best point at the target.

    A `bbo.Environment` is an input of the model too, and so is what inexact settings (`input_sd`) may become. Designs are then judged by
    their expectation over all conditions, or by another `Objective.risk`, and each evaluation, of a design in one condition, is worth
    what it says about the best design by that measure: the integrated knowledge gradient (Toscano-Palmerin & Frazier 2022,
    arXiv:1803.08661), and for other measures one over samples (Cakmak et al. 2020, arXiv:2007.05554). Ask `Study.recommend` for the
    design. Outcome constraints, several objectives and fidelities exclude an environment; beside them, and with other acquisition
    functions, `input_sd` is left out of account, which `Study.explain` says.

    Where results are rankings, a utility is learned from them (`surrogates.preference_gp`), and what is proposed is to be compared: a
    pair by the expected utility of the better one, a single point beside the best so far (``"eubo"``).

    Gradients of the first objective that were told (`Study.tell`) are modelled together with its values, up to 500 partial derivatives,
    those at the best trials (Wu et al. 2017, arXiv:1703.04389). That takes the kernels ``"rbf"`` and ``"matern52"``, no `input_warp`, and
    an acquisition function of bbo's own that needs no draws of functions (``"thompson"``, and BoTorch's such as ``"pes"``, go by values
    alone); `output_warp` bends them by the chain rule. Where they are not used `Study.explain` says why.

    Of a `bbo.Task` all values are modelled together, each as a multiple of what they share plus a discrepancy, a constant and noise of its
    own; the best point is looked for of the task that is fixed at an ask, among that task's own measurements. Ask
    ``Study.recommend(fixed=...)`` for the best point of a task.

    A model or an acquisition function of your own goes through the same loop: the Sobol points, the known constraints, no point
    twice, and a Sobol point where it fails. While nothing feasible is known the probability of feasibility is maximized;
    where a failure is likelier than not, nothing is proposed. An acquisition function is told of running trials by `set_X_pending`;
    for one of BoTorch's analytic ones, the model takes its means for their results. `Study.predict`, `recommend` and
    `importance` rest on the Gaussian processes, whatever the proposals rest on.

    Args:
        surrogate: ``"exact_gp"``, or a function ``fit(X, Y, context)`` that returns a BoTorch model (see `bbo.optimizers.custom`).
        acquisition: A name; with a model of your own BoTorch's function is taken, where it has none that of `acquisitions.botorch`
            (``"knowledge_gradient"`` and ``"kgcp"`` then over evaluated points, and ``"straddle"``). Or a function
            ``build(model, context)`` that returns a BoTorch acquisition function of one point, to be maximized over the unit cube;
            or a class of these that BoTorch has an input constructor for. None means ``"log_ei"``, ``"parego"`` with more than four
            objectives, ``"mf_mes"`` where there is a fidelity or a source, ``"knowledge_gradient"`` where there is an environment or an
            `input_sd`, and ``"eubo"`` where results are rankings.
        n_initial: Finished trials before the model takes over; None means ``d + 1``, at least 5 and at most 10.
        kernel: Of numeric parameters: ``"rbf"``, ``"matern12"``, ``"matern32"`` or ``"matern52"``.
        input_warp: Whether numeric axes are bent by Kumaraswamy's distribution function (Snoek et al. 2014, arXiv:1402.0929).
        output_warp: Whether objectives are bent towards a normal distribution (Yeo & Johnson 2000), as HEBO does
            (Cowen-Rivers et al. 2022, arXiv:2012.03826): what tells good from very good is then not lost among bad values. And whether
            outcomes that are constraints only go through the logarithm of large distances from their bound (bilog; Eriksson & Poloczek
            2021, arXiv:2002.08526), wherever that has the greater evidence.

        beta: Of ``"ucb"``, ``"straddle"``, ``"boca"``, ``"mf_gp_ucb"``, ``"variable_fidelity_lcb"`` and ``"augmented_ucb"``: the weight of
            the variance, so that ``sqrt(beta)`` standard deviations count; None means 1.96 squared, the bounds of a 95 % interval.
        level: Of ``"straddle"``: the value of the objective that is to be located, in its own units.
        optimum: Where you believe the optimum to lie, as far as you have a belief: `bbo.Normal` (mean, sd) for a number, in its own
            units, the sd of a parameter with ``log=True`` in decades (0.5 is a factor of three); weights of all choices for a
            choice, ``{"rbf": 0.8, "poly": 0.2}``. Half of the initial design is drawn from it, and acquisition functions that are
            logarithms of gains are weighed by a power of it (Hvarfner et al. 2022, arXiv:2204.11051), so that a wrong one costs time only.
        prior_studies: Finished studies of the same parameters and outcomes to learn from, up to five: names in the storage of this study,
            `bbo.PriorStudy` for one elsewhere or with a parameter that it did not have, or studies. Their trials are copied into the log
            once, when the study is made or configured, and are other tasks of the model (see `bbo.optimizers.transfer`); they are no
            trials of this study. The initial design is of 3 then, two of them the best points of finished studies.
        optimum_weight: That power is `optimum_weight` divided by the number of finished trials; None means 5, a tenth of a budget of
            50 trials, as its authors advise, and 0 to leave the belief alone.
        max_cost: Of ``"ei_per_cost"``: what all trials of the study may cost together, as `Study.optimize` takes it; costs count the less
            the less of it is left. None means that they count in full to the end.
        learn_costs: Whether costs told with the results (`Study.tell(cost=)`) correct what a fidelity or source is given to cost, which
            they may do differently at different points. Otherwise the given costs count, whatever was told.

    Raises:
        InvalidStudy: A setting is not one of these, or is not meant for the acquisition.
    """

    surrogate: str | ModelFit = "exact_gp"
    acquisition: str | AcquisitionBuild | type[AcquisitionFunction] | None = None
    n_initial: int | None = None
    kernel: Literal["rbf", "matern12", "matern32", "matern52"] = "rbf"
    input_warp: bool = False
    output_warp: bool = True
    beta: float | None = None
    level: float | None = None
    optimum: Mapping[str, Any] | None = field(default=None, hash=False)
    optimum_weight: float | None = None
    max_cost: float | None = None
    learn_costs: bool = False
    prior_studies: Sequence[str | PriorStudy | Study | Mapping[str, Any]] | None = field(default=None, hash=False)
    name: ClassVar[str] = "bayes"
    version: ClassVar[int] = 11
    uses_sd: ClassVar[bool] = True
    roles: ClassVar[tuple[Role, ...]] = (*fidelities.ROLES, *robust.ROLES)

    def __post_init__(self) -> None:
        for setting, allowed in _CHOICES.items():
            value, own = getattr(self, setting), _OWN.get(setting)
            if own is not None and callable(value):
                continue
            if value not in allowed or type(value) not in map(type, allowed):
                raise InvalidStudy(
                    f"bayes: {setting} is {value!r}; it is one of {', '.join([*map(repr, allowed), *([own] if own else [])])}"
                )
        self._check_numbers()
        if isinstance(self.acquisition, type):
            from bbo.optimizers.custom import check_registered

            check_registered(self.acquisition)
        demand_integer(self, "n_initial", least=2, optional=True)
        object.__setattr__(self, "optimum", belief.canonical(self.optimum))
        object.__setattr__(self, "prior_studies", canonical(self.prior_studies))
        self._check_weight()

    def _check_weight(self) -> None:
        """Refuse a weight of the belief that is none, or that nothing is weighed by."""
        demand_number(self, "optimum_weight", least=0, optional=True)
        if self.optimum_weight is not None and self.optimum is None:
            raise InvalidStudy(f"bayes: optimum_weight is {self.optimum_weight!r}, and has a meaning beside optimum only")

    def _check_numbers(self) -> None:
        """Refuse a number that the acquisition has no use for, or that it lacks."""
        entry = TABLE.get(self.acquisition) if isinstance(self.acquisition, str) else None
        meant = {} if entry is None else entry.settings
        for setting in ("beta", "level", "max_cost"):
            value = getattr(self, setting)
            if value is None:
                if setting in meant and meant[setting] is None:
                    raise InvalidStudy(f"bayes: the acquisition {self.acquisition!r} needs a {setting}, such as {setting}=0.5")
                continue
            if setting not in meant:
                users = ", ".join(repr(name) for name, other in TABLE.items() if setting in other.settings)
                raise InvalidStudy(f"bayes: {setting} is {value!r}, and has a meaning for the acquisitions {users} only")
            if (
                isinstance(value, bool)
                or not isinstance(value, int | float)
                or not math.isfinite(value)
                or (setting == "beta" and value < 0)
            ):
                raise InvalidStudy(f"bayes: {setting} is {value!r}; it is a finite number{', at least 0' if setting == 'beta' else ''}")
            if setting == "max_cost" and value <= 0:
                raise InvalidStudy(f"bayes: max_cost is {value!r}; it is positive")

    def supports(self, problem: Problem) -> str | None:
        """None for measured or ranked objectives over decisions, fidelities, sources and environments, else the reason."""
        if problem.objectives[0].feedback == "ranking" and self._own:
            return "a model or an acquisition of your own needs values, and the study is told rankings"
        if self.optimum is not None and (reason := self._unguided(problem) or belief.refusal(self.optimum, problem.space)):
            return reason
        if reason := self._unlearning(problem) or self._unlearnt(problem):
            return reason
        roles: tuple[str, ...] = ("decision",)
        if not callable(self.acquisition):
            name, entry = self.named(problem)
            refusal = robust.refusal(problem) or entry.refusal(name, problem, own_model=callable(self.surrogate))
            refusal = refusal or fidelities.refusal(problem) or tasks.refusal(problem, name)
            if refusal is not None:
                return refusal
            if entry.needs_gradients and (reason := slopes.refusal(self, problem, problem.objectives[0].name)):
                return f"the acquisition {name!r} needs a model of gradients: {reason}"
            roles = ("decision", *self.roles) if callable(self.surrogate) else ("decision", "task", *self.roles)
        elif robust.needed(problem):
            return robust.unmodelled(problem, "an acquisition of your own")
        for name, parameter in problem.space.parameters.items():
            if parameter.role not in roles:
                return f"it models decisions only, and {name!r} is a {parameter.role} parameter"
            if isinstance(parameter, ArrayParameter) and not parameter.searchable:
                return f"it searches arrays between bounds and on simplices, and {name!r} is within another set"
            if isinstance(parameter, SequenceParameter):
                return f"it cannot model sequences, and {name!r} is one"
        return None

    @property
    def _own(self) -> bool:
        """Whether the model or the acquisition function is one of the user's."""
        return callable(self.surrogate) or callable(self.acquisition)

    def named(self, problem: Problem) -> tuple[str, Entry]:
        """The acquisition function for a problem, where it is not one of the user's: its name, and what it can."""
        assert not callable(self.acquisition)
        name = self.acquisition or default(problem)
        return name, TABLE[name]

    def _unguided(self, problem: Problem) -> str | None:
        """Why a belief cannot weigh the acquisition function; None where it can."""
        if self._own:
            own = "surrogate" if callable(self.surrogate) else "acquisition"
            return f"a belief where the optimum lies weighs bbo's own functions of bbo's own models, and the {own} is yours"
        name, entry = self.named(problem)
        if entry.log_gain:
            return None
        those = ", ".join(repr(key) for key, entry in TABLE.items() if entry.log_gain)
        return f"the acquisition {name!r} is no logarithm of a gain, which a belief where the optimum lies could weigh; {those} are"

    def _unlearning(self, problem: Problem) -> str | None:
        """Why finished studies cannot be learned from; None where they can, or where there are none."""
        if not self.prior_studies:
            return None
        from bbo.optimizers import transfer

        return transfer.refusal(problem, *((None, None) if self._own else self.named(problem)))

    def _drawn(self, state: History) -> Drawn | None:
        """What makes the points of an initial design, where those of the Sobol sequence are not all."""
        drawn = None if (believed := self._believes(state.problem)) is None else believed.sobol
        if not self.prior_studies:
            return drawn
        from bbo.optimizers import transfer

        return transfer.drawn(state, self._sources, drawn)

    @property
    def _sources(self) -> Sources:
        """The finished studies, as they were brought into one form."""
        return cast("Sources", self.prior_studies or ())

    def _unlearnt(self, problem: Problem) -> str | None:
        """Why told costs cannot correct given ones; None where they can, or need not."""
        if not self.learn_costs:
            return None
        if fidelities.cost(problem.space) is None:
            return "learn_costs corrects what fidelities and sources are given to cost, and there is none; 'ei_per_cost' does without"
        if callable(self.acquisition) or TABLE[name := self.acquisition or default(problem)].learns_costs:
            return None  # functions of the user's take no fidelities either, which is said elsewhere
        those = ", ".join(repr(key) for key, entry in TABLE.items() if entry.learns_costs)
        return f"the acquisition {name!r} takes costs as they are given; with learn_costs there are {those}"

    def _believes(self, problem: Problem) -> belief.Belief | None:
        return None if self.optimum_weight == 0 else belief.Belief.of(self.optimum, problem.space)

    def no_gradients(self, problem: Problem, outcome: str) -> str:
        """Why told gradients of an outcome are not used; empty where they are."""
        return slopes.refusal(self, problem, outcome)

    def propose(self, state: History, request: Request) -> Proposal:
        """Sobol points first, then the model's choice; Sobol points again, with the reason, where the model fails."""
        refuse(request, "context", optimizer="bayes")
        tasks.fixed(state.problem.space, request.fixed)
        done, failed = (len(state.finished(kind)) for kind in (State.DONE, State.FAILED))
        n_initial = self.n_initial or (_LEARNING if self.prior_studies else self._initial(state.problem))
        early = done < 2 or done + failed < n_initial
        if not early and state.problem.objectives[0].feedback == "ranking":
            from bbo.optimizers.preferences import nothing_compared

            early = nothing_compared(state)
        if early:
            fixed = {**request.fixed, **request.context}
            varied, drawn = partial(fidelities.turn, state.problem.space), self._drawn(state)
            proposal = Sobol().over(state, request, fixed=fixed, varied=varied, drawn=drawn)
            half = "of the best of finished studies" if self.prior_studies else "drawn from the belief where the optimum lies"
            note = f"initial design, until {n_initial} trials are finished and 2 of them done"
            return replace(proposal, note=note if drawn is None else f"{note}, half of it {half}")
        return answered(
            lambda: self._choose(state, request), lambda: Sobol().propose(state, request), since="a Sobol point, since the model failed"
        )

    def judges_conditions(self, problem: Problem) -> bool:
        """Whether its proposals rest on the measure over conditions, inexact settings among them."""
        return not self._own and robust.applies(problem) and self.named(problem)[1].environments

    def may_bend(self, problem: Problem) -> bool:
        """Whether a fit decides if the objective is bent: where there are named levels or sources; else `output_warp` alone decides."""
        leveled = fidelities.leveled(problem.space)
        return self.output_warp and leveled and not callable(self.surrogate) and not self.judges_conditions(problem)

    def bendable(self, problem: Problem) -> tuple[str, ...]:
        """Outcomes that are constraints only, of which a fit decides if their distances from the bound are bent."""
        from bbo.optimizers.targets import bendable

        apart = callable(self.surrogate) or self.prior_studies or tasks.names(problem.space) or self.judges_conditions(problem)
        return bendable(problem) if self.output_warp and not apart else ()

    def targets(self, state: History, bends: Bends | None = None) -> list[Target]:
        """What is modelled, in the units of the model, finished studies and gradients among it.

        Args:
            state: What is known.
            bends: How outcomes are bent, as far as `output_warp` lets them be; None for objectives alone.
        """
        from bbo.optimizers.targets import Bends, targets_of

        problem, bends = state.problem, bends or Bends()
        if tasks.names(problem.space):
            return [tasks.within(target, problem.space) for target in targets_of(state, Bends(objectives=False), tails=True)]
        judges = self.judges_conditions(problem)
        power = bends.objectives and self.output_warp and not judges  # which would bend sums over conditions
        tails = judges or (fidelities.leveled(problem.space) and not power)  # a value that is cut off is no multiple of another level's
        targets = targets_of(state, replace(bends, objectives=power), tails=tails, gradients=slopes.used(self, problem))
        if not self.prior_studies:
            return targets
        from bbo.optimizers import transfer

        return transfer.learned(state, targets, self._sources, power=power)

    def model(self, state: History) -> Model | None:
        """The Gaussian processes, on which proposals rest unless `surrogate` is a function; None while fewer than two trials are done."""
        from bbo.optimizers.fitted import Model

        return state.once(("model", self), lambda: Model.of(state, self))

    @staticmethod
    def _initial(problem: Problem) -> int:
        """Trials of the initial design: one more than columns, 5 to 10; with fidelities those of their design."""
        modelled = sum(column.role in ("decision", *robust.ROLES) for column in problem.space.columns)
        return len(fidelities.design(problem.space)) or fidelities.points(modelled)

    def _choose(self, state: History, request: Request) -> Proposal:
        from bbo.optimizers import fitting
        from bbo.optimizers.targets import WORKS

        with fitting.one_thread():
            targets = self.targets(state, fitting.bends(request.memo or state.memo))
            modelled = [target for target in targets if not callable(self.surrogate) or target.name == WORKS]
            if request.memo is None:
                fit = fitting.fit(state, modelled, self)
            else:
                fit = fitting.Fit(fitting.conditioned(state.problem, modelled, self, request.memo), request.memo, "hyperparameters kept")
            if not callable(self.surrogate):
                targets = list(fit.surrogate.targets)
            queries, aim, path = self._search(state, fit.surrogate, request, targets)
        if not queries:
            return replace(Sobol().propose(state, request), note="a Sobol point, since the model's pool holds known points only")
        n, of = len(targets[0].y), len(state.finished(State.DONE))
        compared = targets[0].comparisons
        trials = f"{n} trials" if n == of or compared is not None else f"{n} of {of} trials (the best, and others spread over the space)"
        trials = trials if compared is None else f"{len(compared)} comparisons of {trials}"
        if before := targets[0].before:
            trials += f" and {sum(len(study.y) for study in before)} of finished studies"
        trials += slopes.said(state, targets[0])
        by = (
            f"the model {name_of(self.surrogate)} on {trials}" if callable(self.surrogate) else f"Gaussian processes on {trials}, {fit.how}"
        )
        return Proposal(tuple(queries), memo=fit.memo, note=f"{aim}, by {by}; {path}")

    def _search(self, state: History, surrogate: Surrogate, request: Request, targets: Sequence[Target]) -> tuple[list[Query], str, str]:
        """What `search.points` finds for the user's acquisition or model, or for bbo's."""
        from bbo.optimizers import search

        entry = None if callable(self.acquisition) else self.named(state.problem)[1]
        if entry is not None and entry.rankings:
            from bbo.optimizers import best_option

            return best_option.points(state, surrogate, request)
        if entry is not None and not callable(self.surrogate) and not entry.botorch:
            guide = None
            if (believed := self._believes(state.problem)) is not None:
                n = len(state.finished(State.DONE)) + len(state.finished(State.FAILED))
                guide = belief.Guide(believed, (belief.WEIGHT if self.optimum_weight is None else self.optimum_weight) / n)
            return search.points(state, self, surrogate, request, entry.score(), guide, decides_level=entry.decides_level)
        from bbo.optimizers import custom
        from bbo.optimizers.targets import WORKS

        outcomes = [target for target in targets if target.name != WORKS]
        model = self.surrogate if callable(self.surrogate) else None
        if callable(self.acquisition):
            score: Score = custom.Custom(outcomes, model, self.acquisition)
        elif entry is not None and model is None:
            score = entry.score()
        else:
            assert entry is not None
            score = custom.Custom(outcomes, model, entry.own_score(state, self, outcomes), entry.title)
        with custom.quiet():
            return search.points(state, self, surrogate, request, score)
