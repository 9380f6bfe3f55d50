"""Rules of the literature for where, and at which fidelity or source, to measure next; the default is the knowledge gradient per cost.

Each decides itself when to run the target. In a space without fidelities each is what it is at the target.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from acquisitions.at_target import moved
from acquisitions.augmented_expected_improvement import LogAugmentedExpectedImprovement
from acquisitions.boca import BOCA
from acquisitions.crowding import LogRoom
from acquisitions.expected_improvement import LogExpectedImprovement
from acquisitions.extended_probability_of_improvement import LogExtendedProbabilityOfImprovement
from acquisitions.feasibility import OutcomeConstraint
from acquisitions.multi_fidelity_max_value_entropy import LogMultiFidelityMaxValueEntropy, MultiFidelityGIBBON
from acquisitions.multi_fidelity_upper_confidence_bound import MultiFidelityUpperConfidenceBound, largest_differences
from acquisitions.per_cost import LogPerCost, PerCost
from acquisitions.protocol import Acquisition, Climbable, Staged
from acquisitions.standing import Standing
from acquisitions.two_stage_expected_improvement import LogTwoStageExpectedImprovement
from acquisitions.upper_confidence_bound import UpperConfidenceBound
from acquisitions.variable_fidelity_confidence_bound import VariableFidelityConfidenceBound
from acquisitions.variable_fidelity_expected_improvement import LogVariableFidelityExpectedImprovement
from acquisitions.weighed import LogFeasibleGain, WhereLikely
from bbo.log.ledger import Record
from bbo.optimizers import search
from bbo.optimizers.acquisitions import BETA
from bbo.optimizers.candidates import standing
from bbo.optimizers.costs import of_evaluations, per
from bbo.optimizers.entropy_search import may_be_best
from bbo.optimizers.fidelities import at_target, cost, is_target
from bbo.optimizers.history import History
from bbo.optimizers.surrogate import Surrogate
from bbo.problem import Problem
from bbo.space import Space
from surrogates.exact_gp import ExactGP

if TYPE_CHECKING:
    from bbo.optimizers.acquisitions import Score
    from bbo.optimizers.bayes import Bayes

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class MaxValueEntropy:
    """Makes the information about the largest value at the target, per cost; see `bbo.optimizers.acquisitions.Score`.

    Args:
        state: What is known.
        settings: By which costs may be learnt.
        bound: Whether its lower bound is taken (GIBBON), which batches of points have too.
    """

    state: History
    settings: Bayes
    bound: bool

    def __call__(
        self, problem: Problem, surrogate: Surrogate, feasible: Sequence[Record], running: Sequence[Mapping[str, Any]], *, seed: int
    ) -> tuple[Acquisition, str]:
        """As `Score`."""
        space = problem.space
        waiting, constraints = space.encode(running), judged_at_target(surrogate, space)
        gp, noise, target = surrogate.gps[0], surrogate.noise, standing(space, space.targets)
        costs = of_evaluations(self.state, self.settings, seed=seed)
        measured = known_at_target(problem, surrogate, feasible)
        X = may_be_best(self.state, problem, surrogate, feasible, measured, np.random.default_rng(seed))
        if not self.bound:
            information = LogMultiFidelityMaxValueEntropy(gp, X, noise, target, constraints, seed=seed).with_pending(waiting)
            return information if costs is None else LogPerCost(information, costs), f"multi-fidelity max-value entropy search{per(costs)}"
        score = MultiFidelityGIBBON(gp, X, noise, target, seed=seed).with_pending(waiting)
        each = score if costs is None else PerCost(score, costs)
        return WhereLikely(each, constraints) if constraints else each, f"multi-fidelity GIBBON{per(costs)}"


@dataclass(frozen=True, slots=True, eq=False)
class AugmentedImprovement:
    """Makes the log augmented expected improvement per cost; see `bbo.optimizers.acquisitions.Score`."""

    state: History
    settings: Bayes

    def __call__(
        self, problem: Problem, surrogate: Surrogate, feasible: Sequence[Record], running: Sequence[Mapping[str, Any]], *, seed: int
    ) -> tuple[Acquisition, str]:
        """As `Score`."""
        space = problem.space
        waiting = space.encode(running)
        target, constraints = standing(space, space.targets), judged_at_target(surrogate, space)
        costs = of_evaluations(self.state, self.settings, seed=seed)
        known = known_at_target(problem, surrogate, feasible)
        improvement = LogAugmentedExpectedImprovement(surrogate.gps[0], known, surrogate.noise, target, constraints).with_pending(waiting)
        return improvement if costs is None else LogPerCost(improvement, costs), f"log augmented expected improvement{per(costs)}"


def variable_fidelity_improvement(
    problem: Problem, surrogate: Surrogate, feasible: Sequence[Record], running: Sequence[Mapping[str, Any]], *, seed: int
) -> tuple[Acquisition, str]:
    """Log variable-fidelity expected improvement, whatever a level costs; see `bbo.optimizers.acquisitions.Score`."""
    space = problem.space
    waiting = space.encode(running)
    target, levels = standing(space, space.targets), cost(space)
    believed = surrogate.believing(waiting)
    gp, constraints = believed.gps[0], judged_at_target(believed, space)
    there = [record for record in feasible if is_target(space, record.params)]  # where the best is a measured one
    known = known_at_target(problem, surrogate, there or feasible)
    best = float(gp.predict(known)[0].max())
    improvement: Climbable = LogExpectedImprovement(gp, best)
    if levels is not None:
        assert levels.knots[-1] == target[levels.column]
        improvement = LogVariableFidelityExpectedImprovement(gp, best, levels.column, levels.knots)
    return LogFeasibleGain(improvement, constraints) if constraints else improvement, "log variable-fidelity expected improvement"


@dataclass(frozen=True, slots=True, eq=False)
class ProbableImprovement:
    """Makes the log extended probability of improvement per cost; see `bbo.optimizers.acquisitions.Score`.

    What is to be improved on is the best mean at what was measured at the target, or at the target of what was measured elsewhere.
    """

    state: History
    settings: Bayes

    def __call__(
        self, problem: Problem, surrogate: Surrogate, feasible: Sequence[Record], running: Sequence[Mapping[str, Any]], *, seed: int
    ) -> tuple[Acquisition, str]:
        """As `Score`."""
        space = problem.space
        waiting, levels = space.encode(running), cost(space)
        gp, constraints = surrogate.gps[0], judged_at_target(surrogate, space)
        assert isinstance(gp, ExactGP)  # others are refused
        there = [record for record in feasible if is_target(space, record.params)]
        best = float(gp.predict(known_at_target(problem, surrogate, there or feasible))[0].max())
        room = LogRoom(gp) if levels is None else LogRoom(gp, levels.column, levels.knots)
        target, costs = standing(space, space.targets), of_evaluations(self.state, self.settings, seed=seed)
        score = LogExtendedProbabilityOfImprovement(room, best, surrogate.noise, target, constraints).with_pending(waiting)
        aim = f"log variable-fidelity probability of improvement{per(costs)}"
        return score if costs is None else LogPerCost(score, costs), aim


@dataclass(frozen=True, slots=True, eq=False)
class TwoStageImprovement:
    """Makes the log two-stage expected improvement; see `bbo.optimizers.acquisitions.Score`.

    Running trials count as measured at their means, and what is to be improved on is the best mean at what was measured at the target.
    """

    state: History
    settings: Bayes

    def __call__(
        self, problem: Problem, surrogate: Surrogate, feasible: Sequence[Record], running: Sequence[Mapping[str, Any]], *, seed: int
    ) -> tuple[Acquisition, str]:
        """As `Score`."""
        space = problem.space
        waiting, levels = space.encode(running), cost(space)
        believed = surrogate.believing(waiting)
        gp, constraints = believed.gps[0], judged_at_target(believed, space)
        there = [record for record in feasible if is_target(space, record.params)]
        best = float(gp.predict(known_at_target(problem, surrogate, there or feasible))[0].max())
        costs = of_evaluations(self.state, self.settings, seed=seed)
        if levels is None or costs is None:
            return search.weighed(LogExpectedImprovement(gp, best), believed), "log expected improvement"
        score = LogTwoStageExpectedImprovement(gp, best, surrogate.noise, levels.column, levels.knots, costs, constraints)
        return score, f"log two-stage expected improvement{per(costs)}"


@dataclass(frozen=True, slots=True, eq=False)
class ConfidenceBounds:
    """Makes BOCA, MF-GP-UCB and the variable-fidelity bound; see `bbo.optimizers.acquisitions.Score`.

    Running trials count as measured at their means.

    Args:
        name: ``"boca"``, ``"mf_gp_ucb"`` or ``"variable_fidelity_lcb"``.
        beta: Weight of the variance.
    """

    name: str
    beta: float

    def __call__(
        self, problem: Problem, surrogate: Surrogate, feasible: Sequence[Record], running: Sequence[Mapping[str, Any]], *, seed: int
    ) -> tuple[Acquisition, str]:
        """As `Score`."""
        space = problem.space
        believed, costs = surrogate.believing(space.encode(running)), cost(space)
        gp = believed.gps[0]
        if costs is None:
            return search.where_it_works(UpperConfidenceBound(gp, self.beta), believed), "upper confidence bound"
        column, levels, known = costs.column, costs.knots, known_at_target(problem, surrogate, feasible)
        if self.name == "variable_fidelity_lcb":
            own = VariableFidelityConfidenceBound(gp, self.beta, column, levels, costs.costs)
            return search.where_it_works(own, believed), "variable-fidelity confidence bound"
        if self.name == "boca":
            assert isinstance(gp, ExactGP)  # finished studies exclude fidelities
            gaps, sds = _before_data(gp, known[:1], column, levels)
            boca = BOCA(gp, self.beta, column, levels, costs.costs, gaps, sds)
            return _Staged(search.where_it_works(boca, believed), boca), "BOCA"
        zeta = largest_differences(gp, known, column, levels)
        bound = MultiFidelityUpperConfidenceBound(gp, self.beta, column, levels, costs.costs, zeta.tolist())
        return _Staged(search.where_it_works(bound, believed), bound), "multi-fidelity upper confidence bound"


def _before_data(gp: ExactGP, x: Array, column: int, levels: Sequence[float]) -> tuple[list[float], list[float]]:
    """Of each of k levels how far it is from the target, the last one, and its standard deviation, at x (`1 x d`) by the kernel alone."""
    X = np.repeat(x, len(levels), axis=0)
    X[:, column] = levels
    features = gp.kernel.features(X)
    K = gp.kernel.gram(gp.theta, features, features).matrix
    variances = np.diag(K)
    correlations = K[:, -1] / np.sqrt(variances * variances[-1])
    return np.sqrt(np.maximum(1.0 - correlations**2, 0.0)).tolist(), np.sqrt(variances).tolist()


@dataclass(frozen=True, slots=True, eq=False)
class _Staged:
    """A score, where points work, and what says at which level they are measured."""

    score: Climbable
    rule: Staged

    def value(self, X: Array) -> Array:
        """As `Acquisition.value`."""
        return self.score.value(X)

    def value_and_gradient(self, X: Array) -> tuple[Array, Array]:
        """As `Climbable.value_and_gradient`."""
        return self.score.value_and_gradient(X)

    def at_levels(self, x: Array) -> Array:
        """As `Staged.at_levels`."""
        return self.rule.at_levels(x)


def judged_at_target(surrogate: Surrogate, space: Space) -> list[OutcomeConstraint]:
    """The constraints of a surrogate, which count at the target wherever a point is measured."""
    target = standing(space, space.targets)
    return [replace(constraint, gp=Standing(constraint.gp, target)) if target else constraint for constraint in surrogate.constraints]


def known_at_target(problem: Problem, surrogate: Surrogate, feasible: Sequence[Record]) -> Array:
    """What was measured, at whichever fidelity, as points at the target, `n x d`; only feasible points where there are some."""
    space = problem.space
    if feasible:
        return space.encode(at_target(space, [record.params for record in feasible]))
    return moved(surrogate.targets[0].X, standing(space, space.targets))


def _max_value_entropy(bound: bool, state: History, settings: Bayes) -> MaxValueEntropy:
    return MaxValueEntropy(state, settings, bound)


def augmented_ei(state: History, settings: Bayes) -> Score:
    """Per cost, which may be learnt."""
    return AugmentedImprovement(state, settings)


def variable_fidelity_ei(state: History, settings: Bayes) -> Score:
    """It needs no settings."""
    return variable_fidelity_improvement


def variable_fidelity_pi(state: History, settings: Bayes) -> Score:
    """Per cost, which may be learnt."""
    return ProbableImprovement(state, settings)


def two_stage_ei(state: History, settings: Bayes) -> Score:
    """The level is chosen per cost, which may be learnt."""
    return TwoStageImprovement(state, settings)


def _confidence_bounds(name: str, state: History, settings: Bayes) -> ConfidenceBounds:
    return ConfidenceBounds(name, BETA if settings.beta is None else settings.beta)


boca, mf_gp_ucb, variable_fidelity_lcb = (partial(_confidence_bounds, name) for name in ("boca", "mf_gp_ucb", "variable_fidelity_lcb"))
mf_mes, mf_gibbon = (partial(_max_value_entropy, bound) for bound in (False, True))
