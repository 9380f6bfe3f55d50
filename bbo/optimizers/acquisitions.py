"""The acquisition functions that `bbo.Bayes` takes by name: what each can do, and who makes it.

A further one is an entry of `TABLE` and a maker. The refusals of `Bayes.supports` and the tables of the documentation come from here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

from bbo.optimizers import fidelities, robust
from bbo.problem import Problem

if TYPE_CHECKING:
    from botorch.acquisition.acquisition import AcquisitionFunction

    from bbo.optimizers.asked import Score
    from bbo.optimizers.bayes import Bayes
    from bbo.optimizers.custom import AcquisitionBuild
    from bbo.optimizers.history import History
    from bbo.optimizers.targets import Target

MOST_OBJECTIVES = 4
"""Beyond, the hypervolume takes too long."""

ANY = 1_000_000
"""Objectives of what takes any number of them."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What an acquisition function can do, and who makes it.

    Args:
        title: What it is called.
        make: ``module:attribute`` of a `bbo.optimizers.asked.Score`, for the Gaussian processes of bbo.
        own: ``module:attribute`` of a function ``(state, settings, targets)`` that returns what `bbo.optimizers.custom.Custom` takes, for
            a model of the user's; None where only bbo's will do.
        running: How running trials take part, in a few words.
        objectives: How many at most.
        fewest: How many at least.
        unconstrained: Why it takes no outcome constraints; None where it does, by their probability, which is maximized alone while
            nothing feasible is known.
        own_unconstrained: Whether it takes none with a model of the user's.
        own_several: Whether it takes several objectives with a model of the user's.
        fidelities: Whether it weighs what evaluations at other fidelities and sources say about the target against what they cost.
        ranges: Whether it takes fidelities that are a range, of which no level is the one below the target.
        decides_level: Whether it is an algorithm that says of itself when to run the target; where it is not, half of the cost is spent
            there, whatever it says, and what is worth next to nothing is not run elsewhere.
        learns_costs: Whether what fidelities and sources cost may be learnt from what was told (`Bayes.learn_costs`).
        environments: Whether it weighs what an evaluation in one condition says about designs that meet all of them (`bbo.Environment`,
            `input_sd`, `Objective.risk`).
        log_gain: Whether it is the logarithm of a gain, which a belief where the optimum lies can weigh.
        botorch: Whether it is BoTorch's function on a twin of bbo's Gaussian processes, so that an ask loads torch.
        rankings: Whether it is for studies that are told rankings, and for no others.
        settings: Those of `Bayes` that are meant for it, with their defaults; None for one that has to be given.
        gradients: Whether it works on a process that was told gradients; BoTorch's functions do not.
        needs_gradients: Whether it is for nothing else.
    """

    title: str
    make: str
    own: str | None
    running: str
    objectives: int = 1
    fewest: int = 1
    unconstrained: str | None = None
    own_unconstrained: bool = True
    own_several: bool = False
    fidelities: bool = False
    ranges: bool = True
    decides_level: bool = False
    learns_costs: bool = False
    environments: bool = False
    log_gain: bool = True
    botorch: bool = False
    rankings: bool = False
    settings: Mapping[str, float | None] = field(default_factory=dict)
    gradients: bool = True
    needs_gradients: bool = False

    def refusal(self, name: str, problem: Problem, *, own_model: bool) -> str | None:
        """Why it cannot be used under that name for a problem; None where it can."""
        m = len(problem.objectives)
        if (problem.objectives[0].feedback == "ranking") != self.rankings:
            told, other = ("values", "rankings") if self.rankings else ("rankings", "values")
            return f"the acquisition {name!r} needs {other}, and the study is told {told}"
        if m > self.objectives:
            most = "one objective" if self.objectives == 1 else f"up to {self.objectives} objectives"
            return f"the acquisition {name!r} is of {most}, and there are {m}"
        if m < self.fewest:
            return f"the acquisition {name!r} is of a Pareto front, and there is one objective"
        if problem.space.targets and (own_model or not self.fidelities):
            return f"it models decisions only{' with a model of your own' if own_model else f', with the acquisition {name!r}'}, and " + (
                ", ".join(f"{key!r} is a {problem.space.roles[key]} parameter" for key in problem.space.targets)
            )
        if not self.ranges and (ranged := fidelities.ranges(problem.space)):
            return f"the acquisition {name!r} is of named levels, and {ranged[0]!r} is a range of fidelities"
        if robust.needed(problem) and (own_model or not self.environments):
            return robust.unmodelled(problem, "a model of your own" if own_model else f"the acquisition {name!r}")
        if own_model and self.own is None:
            return f"the acquisition {name!r} is that of the Gaussian processes of bbo, and takes no model of your own"
        if own_model and m > 1 and not self.own_several:
            return "with a model of your own and several objectives it needs an acquisition of your own too"
        if problem.outcome_constraints and self.unconstrained:
            return f"the acquisition {name!r} takes no outcome constraints: {self.unconstrained}"
        if problem.outcome_constraints and own_model and self.own_unconstrained:
            return f"the acquisition {name!r} takes outcome constraints only with the Gaussian processes of bbo"
        return None

    def score(self) -> Score:
        """The maker for bbo's Gaussian processes."""
        made: Score = _imported(self.make)
        if self.botorch or self.unconstrained is not None:  # BoTorch's have a way of their own, see `bbo.optimizers.custom`
            return made
        from bbo.optimizers.search import feasibility_first

        return partial(feasibility_first, made)

    def own_score(self, state: History, settings: Bayes, targets: Sequence[Target]) -> AcquisitionBuild | type[AcquisitionFunction]:
        """What makes a BoTorch acquisition function of a model of the user's."""
        assert self.own is not None  # refused before
        made: AcquisitionBuild | type[AcquisitionFunction] = _imported(self.own)(state, settings, targets)
        return made


def _imported(path: str) -> Any:
    module, _, attribute = path.partition(":")
    return getattr(import_module(module), attribute)


BETA = 1.96**2
"""Weight of the variance in confidence bounds: two-sided 95 % intervals, as for the straddle in its source (Bryan et al. 2005).

Upper confidence bounds of other libraries have weights of the standard deviation between 0.45 (BoTorch's input constructor) and 2.576
(bayes_opt); scikit-optimize and Trieste have 1.96.
"""

_NO_GAIN = "it is no gain, which their probability could weigh"
_BELIEVED = "count as measured at their means"

TABLE: Mapping[str, Entry] = {
    "log_ei": Entry(
        title="log expected improvement",
        make="bbo.optimizers.improvement:expected_improvement",
        own="bbo.optimizers.improvement:own_log_ei",
        running="sampled with what was measured",
        objectives=MOST_OBJECTIVES,
        own_unconstrained=False,
    ),
    "batch_log_ei": Entry(
        title="log expected improvement of a batch, its points moved together",
        make="bbo.optimizers.improvement:improvement_together",
        own=None,
        running="sampled with what was measured",
        unconstrained="whether each point of a batch keeps them is a matter of yes or no, which has no slope",
        log_gain=False,
        gradients=False,
    ),
    "parego": Entry(
        title="log expected improvement of a random Chebyshev scalarization",
        make="bbo.optimizers.parego:parego",
        own="bbo.optimizers.parego:own_parego",
        running="sampled with what was measured",
        objectives=ANY,
        own_unconstrained=False,
        own_several=True,
        gradients=False,
    ),
    "cei_plus": Entry(
        title="log expected improvement, where what is likelier kept than not counts as kept",
        make="bbo.optimizers.constrained:cei_plus",
        own=None,
        running=_BELIEVED,
    ),
    "penalty": Entry(
        title="log expected improvement of the objective less a penalty",
        make="bbo.optimizers.constrained:penalty",
        own=None,
        running="sampled with what was measured",
        gradients=False,
    ),
    "ei_per_cost": Entry(
        title="log expected improvement per learnt cost",
        make="bbo.optimizers.costs:improvement_per_cost",
        own=None,
        running="sampled with what was measured",
        objectives=MOST_OBJECTIVES,
        settings={"max_cost": math.inf},
    ),
    "knowledge_gradient": Entry(
        title="log knowledge gradient",
        make="bbo.optimizers.knowledge_gradient:over_the_space",
        own="bbo.optimizers.knowledge_gradient:own_over_the_space",
        running=_BELIEVED,
        fidelities=True,
        learns_costs=True,
        environments=True,
    ),
    "knowledge_gradient_sga": Entry(
        title="knowledge gradient by stochastic gradients",
        make="bbo.optimizers.stochastic_knowledge_gradient:by_stochastic_gradients",
        own=None,
        running=_BELIEVED,
        unconstrained="its gradients are samples of the gain alone",
        log_gain=False,
        gradients=False,
    ),
    "two_step": Entry(
        title="log two-step lookahead",
        make="bbo.optimizers.lookahead:two_step",
        own="bbo.optimizers.lookahead:own_two_step",
        running=_BELIEVED,
        log_gain=False,
        botorch=True,
    ),
    "kgcp": Entry(
        title="log knowledge gradient over evaluated points",
        make="bbo.optimizers.knowledge_gradient:over_evaluated",
        own="bbo.optimizers.knowledge_gradient:own_over_evaluated",
        running=_BELIEVED,
    ),
    **{
        name: Entry(
            title=title,
            make=f"bbo.optimizers.entropy_search:{name}",
            own=f"bbo.optimizers.entropy_search:own_{name}",
            running=_BELIEVED if name in ("entropy_search", "mes") else "are scored together with the point",
            log_gain=name in ("entropy_search", "mes"),
            botorch=name in ("pes", "jes"),
        )
        for name, title in (
            ("entropy_search", "entropy search"),
            ("mes", "max-value entropy search"),
            ("gibbon", "GIBBON"),
            ("pes", "predictive entropy search"),
            ("jes", "joint entropy search"),
        )
    },
    **{
        name: Entry(
            title=title,
            make=f"bbo.optimizers.pareto_search:{name}",
            own=f"bbo.optimizers.pareto_search:own_{name}",
            running="are scored together with the point",
            objectives=MOST_OBJECTIVES,
            fewest=2,
            own_several=True,
            log_gain=False,
            botorch=True,
        )
        for name, title in (
            ("hypervolume_knowledge_gradient", "hypervolume knowledge gradient"),
            ("pareto_mes", "max-value entropy search of the Pareto front"),
            ("pareto_jes", "joint entropy search of the Pareto front"),
        )
    },
    "log_pi": Entry(
        title="log probability of improvement",
        make="bbo.optimizers.improvement:probability_of_improvement",
        own="bbo.optimizers.improvement:own_log_pi",
        running=_BELIEVED,
    ),
    "ucb": Entry(
        title="upper confidence bound",
        make="bbo.optimizers.confidence_bound:confidence_bound",
        own="bbo.optimizers.confidence_bound:own_ucb",
        running=_BELIEVED,
        unconstrained=_NO_GAIN,
        log_gain=False,
        settings={"beta": BETA},
    ),
    "thompson": Entry(
        title="Thompson sampling",
        make="bbo.optimizers.thompson:thompson_sampling",
        own="bbo.optimizers.thompson:own_thompson",
        running="left out of account; each point has a draw of its own",
        unconstrained=_NO_GAIN,
        log_gain=False,
        gradients=False,
    ),
    "integrated_variance": Entry(
        title="log reduction of the integrated variance",
        make="bbo.optimizers.active_learning:integrated_variance",
        own="bbo.optimizers.active_learning:own_integrated_variance",
        running="count as measured",
    ),
    "bald": Entry(
        title="log information about the function",
        make="bbo.optimizers.active_learning:disagreement",
        own="bbo.optimizers.active_learning:own_bald",
        running="count as measured",
    ),
    "straddle": Entry(
        title="straddle",
        make="bbo.optimizers.confidence_bound:straddle",
        own="bbo.optimizers.confidence_bound:own_straddle",
        running=_BELIEVED,
        unconstrained=_NO_GAIN,
        log_gain=False,
        settings={"level": None, "beta": BETA},
    ),
    "eubo": Entry(
        title="expected utility of the best option",
        make="bbo.optimizers.best_option:best_option",
        own=None,
        running="are options too",
        unconstrained="a study of rankings is told no values that could keep them",
        log_gain=False,
        rankings=True,
    ),
    "derivative_knowledge_gradient": Entry(
        title="log knowledge gradient of results with gradients",
        make="bbo.optimizers.derivative_knowledge_gradient:with_derivatives",
        own=None,
        running=_BELIEVED,
        needs_gradients=True,
    ),
    **{
        name: Entry(
            title=title,
            make=f"bbo.optimizers.fidelity_rules:{name}",
            own=None,
            running=running,
            fidelities=True,
            unconstrained=_NO_GAIN if name in ("boca", "mf_gp_ucb", "variable_fidelity_lcb") else None,
            ranges=name not in ("variable_fidelity_ei", "variable_fidelity_pi", "variable_fidelity_lcb", "mf_gp_ucb"),
            decides_level=True,
            gradients=name != "variable_fidelity_pi",
            learns_costs=name in ("mf_mes", "mf_gibbon", "augmented_ei", "variable_fidelity_pi", "two_stage_ei"),
            log_gain=name in ("mf_mes", "augmented_ei", "variable_fidelity_ei", "variable_fidelity_pi"),
            settings={"beta": BETA} if name in ("boca", "mf_gp_ucb", "variable_fidelity_lcb") else {},
        )
        for name, title, running in (
            ("mf_mes", "multi-fidelity max-value entropy search", _BELIEVED),
            ("mf_gibbon", "multi-fidelity GIBBON", "are scored together with the point"),
            ("augmented_ei", "log augmented expected improvement", _BELIEVED),
            ("variable_fidelity_ei", "log variable-fidelity expected improvement", _BELIEVED),
            ("boca", "BOCA", _BELIEVED),
            ("mf_gp_ucb", "multi-fidelity upper confidence bound", _BELIEVED),
            ("variable_fidelity_pi", "log variable-fidelity probability of improvement", _BELIEVED),
            ("variable_fidelity_lcb", "variable-fidelity confidence bound", _BELIEVED),
            ("two_stage_ei", "log two-stage expected improvement", _BELIEVED),
        )
    },
    "augmented_ucb": Entry(
        title="augmented upper confidence bound",
        make="bbo.optimizers.augmented_bound:augmented_bound",
        own=None,
        running=_BELIEVED,
        unconstrained=_NO_GAIN,
        fidelities=True,
        learns_costs=True,
        log_gain=False,
        settings={"beta": BETA},
    ),
}
"""By name."""


def default(problem: Problem) -> str:
    """The name of the one that a problem calls for."""
    if problem.objectives[0].feedback == "ranking":
        return "eubo"
    if robust.needed(problem) or robust.applies(problem):
        return "knowledge_gradient"
    if problem.space.targets:
        return "mf_mes"
    return "log_ei" if len(problem.objectives) <= MOST_OBJECTIVES else "parego"
