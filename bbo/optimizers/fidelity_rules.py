"""Rules of the literature for where, and at which fidelity or source, to measure next; the default is max-value entropy search per cost.

Each decides itself when to run the target. In a space without fidelities each is what it is at the target.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from acquisitions.augmented_expected_improvement import LogAugmentedExpectedImprovement
from acquisitions.boca import BOCA
from acquisitions.crowding import LogRoom
from acquisitions.expected_improvement import LogExpectedImprovement
from acquisitions.extended_probability_of_improvement import LogExtendedProbabilityOfImprovement
from acquisitions.feasibility import OutcomeConstraint
from acquisitions.multi_fidelity_max_value_entropy import LogMultiFidelityMaxValueEntropy, MultiFidelityGIBBON
from acquisitions.multi_fidelity_upper_confidence_bound import MultiFidelityUpperConfidenceBound, largest_differences
from acquisitions.per_cost import LogPerCost, LogRoughPerCost, PerCost
from acquisitions.protocol import Acquisition, Climbable, Staged
from acquisitions.standing import Standing
from acquisitions.two_stage_expected_improvement import LogTwoStageExpectedImprovement
from acquisitions.upper_confidence_bound import UpperConfidenceBound
from acquisitions.variable_fidelity_confidence_bound import VariableFidelityConfidenceBound
from acquisitions.variable_fidelity_expected_improvement import LogVariableFidelityExpectedImprovement
from acquisitions.weighed import LogFeasibleGain, WhereLikely
from bbo.optimizers import search
from bbo.optimizers.asked import Asked
from bbo.optimizers.candidates import standing
from bbo.optimizers.confidence_bound import beta
from bbo.optimizers.costs import of_evaluations, per
from bbo.optimizers.entropy_search import may_be_best
from bbo.optimizers.fidelities import cost, is_target
from bbo.optimizers.surrogate import Process, Surrogate
from bbo.space import Space
from surrogates.exact_gp import ExactGP

Array = NDArray[np.float64]


def _max_value_entropy(bound: bool, asked: Asked) -> tuple[Acquisition, str]:
    """The information about the largest value at the target, per cost; or its lower bound (GIBBON), which batches of points have too."""
    space, surrogate, waiting = asked.space, asked.surrogate, asked.waiting
    gp, noise, target = surrogate.gps[0], surrogate.noise, standing(space, space.targets)
    constraints, costs = judged_at_target(surrogate, space), of_evaluations(asked)
    X = may_be_best(asked, np.random.default_rng(asked.seed))
    if not bound:
        information = LogMultiFidelityMaxValueEntropy(gp, X, noise, target, constraints, seed=asked.seed).with_pending(waiting)
        return information if costs is None else LogRoughPerCost(information, costs), f"multi-fidelity max-value entropy search{per(costs)}"
    score = MultiFidelityGIBBON(gp, X, noise, target, seed=asked.seed).with_pending(waiting)
    each = score if costs is None else PerCost(score, costs)
    return WhereLikely(each, constraints) if constraints else each, f"multi-fidelity GIBBON{per(costs)}"


def augmented_ei(asked: Asked) -> tuple[Acquisition, str]:
    """The log augmented expected improvement per cost."""
    space, surrogate = asked.space, asked.surrogate
    target, constraints = standing(space, space.targets), judged_at_target(surrogate, space)
    known, costs = asked.measured, of_evaluations(asked)
    improvement = LogAugmentedExpectedImprovement(surrogate.gps[0], known, surrogate.noise, target, constraints).with_pending(asked.waiting)
    return improvement if costs is None else LogPerCost(improvement, costs), f"log augmented expected improvement{per(costs)}"


def variable_fidelity_ei(asked: Asked) -> tuple[Acquisition, str]:
    """Log variable-fidelity expected improvement, whatever a level costs."""
    space = asked.space
    target, levels = standing(space, space.targets), cost(space)
    believed = asked.surrogate.believing(asked.waiting)
    gp, constraints = believed.gps[0], judged_at_target(believed, space)
    best = _best(asked, gp)
    improvement: Climbable = LogExpectedImprovement(gp, best)
    if levels is not None:
        assert levels.knots[-1] == target[levels.column]
        improvement = LogVariableFidelityExpectedImprovement(gp, best, levels.column, levels.knots)
    return LogFeasibleGain(improvement, constraints) if constraints else improvement, "log variable-fidelity expected improvement"


def variable_fidelity_pi(asked: Asked) -> tuple[Acquisition, str]:
    """The log extended probability of improvement per cost."""
    space, surrogate = asked.space, asked.surrogate
    levels, costs = cost(space), of_evaluations(asked)
    gp, constraints = surrogate.gps[0], judged_at_target(surrogate, space)
    assert isinstance(gp, ExactGP)  # others are refused
    room = LogRoom(gp) if levels is None else LogRoom(gp, levels.column, levels.knots)
    target, best = standing(space, space.targets), _best(asked, gp)
    score = LogExtendedProbabilityOfImprovement(room, best, surrogate.noise, target, constraints).with_pending(asked.waiting)
    aim = f"log variable-fidelity probability of improvement{per(costs)}"
    return score if costs is None else LogPerCost(score, costs), aim


def two_stage_ei(asked: Asked) -> tuple[Acquisition, str]:
    """The log two-stage expected improvement, whose level is chosen per cost. Running trials count as measured at their means."""
    levels, costs = cost(asked.space), of_evaluations(asked)
    believed = asked.surrogate.believing(asked.waiting)
    gp, constraints = believed.gps[0], judged_at_target(believed, asked.space)
    best = _best(asked, gp)
    if levels is None or costs is None:
        return search.weighed(LogExpectedImprovement(gp, best), believed), "log expected improvement"
    score = LogTwoStageExpectedImprovement(gp, best, asked.surrogate.noise, levels.column, levels.knots, costs, constraints)
    return score, f"log two-stage expected improvement{per(costs)}"


def _confidence_bound(name: str, asked: Asked) -> tuple[Acquisition, str]:
    """BOCA, MF-GP-UCB or the variable-fidelity bound. Running trials count as measured at their means."""
    believed, costs, weight = asked.surrogate.believing(asked.waiting), cost(asked.space), beta(asked.settings)
    gp = believed.gps[0]
    if costs is None:
        return search.where_it_works(UpperConfidenceBound(gp, weight), believed), "upper confidence bound"
    column, levels, known = costs.column, costs.knots, asked.measured
    if name == "variable_fidelity_lcb":
        own = VariableFidelityConfidenceBound(gp, weight, column, levels, costs.costs)
        return search.where_it_works(own, believed), "variable-fidelity confidence bound"
    if name == "boca":
        assert isinstance(gp, ExactGP)  # finished studies exclude fidelities
        gaps, sds = _before_data(gp, known[:1], column, levels)
        rule = BOCA(gp, weight, column, levels, costs.costs, gaps, sds)
        return _Staged(search.where_it_works(rule, believed), rule), "BOCA"
    zeta = largest_differences(gp, known, column, levels)
    bound = MultiFidelityUpperConfidenceBound(gp, weight, column, levels, costs.costs, zeta.tolist())
    return _Staged(search.where_it_works(bound, believed), bound), "multi-fidelity upper confidence bound"


boca, mf_gp_ucb, variable_fidelity_lcb = (partial(_confidence_bound, name) for name in ("boca", "mf_gp_ucb", "variable_fidelity_lcb"))
mf_mes, mf_gibbon = (partial(_max_value_entropy, bound) for bound in (False, True))


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


def _best(asked: Asked, gp: Process) -> float:
    """What is to be improved on: the best mean at what was measured at the target, or at the target of what was measured elsewhere."""
    there = [record for record in asked.feasible if is_target(asked.space, record.params)]
    known = replace(asked, feasible=there).measured if there else asked.measured
    return float(gp.predict(known)[0].max())
