"""Scores for candidates, the domains they live on, and the maximizer: arrays in, arrays out."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from acquisitions.augmented_expected_improvement import LogAugmentedExpectedImprovement as LogAugmentedExpectedImprovement
    from acquisitions.augmented_upper_confidence_bound import AugmentedUpperConfidenceBound as AugmentedUpperConfidenceBound
    from acquisitions.bald import LogBALD as LogBALD
    from acquisitions.batch_expected_improvement import LogBatchExpectedImprovement as LogBatchExpectedImprovement
    from acquisitions.best_option import ExpectedUtilityOfBestOption as ExpectedUtilityOfBestOption
    from acquisitions.best_option import LogGainOfBestOption as LogGainOfBestOption
    from acquisitions.boca import BOCA as BOCA
    from acquisitions.box_decomposition import infer_reference_point as infer_reference_point
    from acquisitions.constrained_expected_improvement import LogConstrainedExpectedImprovement as LogConstrainedExpectedImprovement
    from acquisitions.derivative_knowledge_gradient import LogDerivativeKnowledgeGradient as LogDerivativeKnowledgeGradient
    from acquisitions.entropy_search import LogEntropySearch as LogEntropySearch
    from acquisitions.expected_improvement import ExpectedImprovement as ExpectedImprovement
    from acquisitions.expected_improvement import LogExpectedImprovement as LogExpectedImprovement
    from acquisitions.extended_probability_of_improvement import LogExtendedProbabilityOfImprovement as LogExtendedProbabilityOfImprovement
    from acquisitions.feasibility import ExpectedViolation as ExpectedViolation
    from acquisitions.feasibility import LogProbabilityOfFeasibility as LogProbabilityOfFeasibility
    from acquisitions.feasibility import OutcomeConstraint as OutcomeConstraint
    from acquisitions.feasible_mean import best_feasible_mean as best_feasible_mean
    from acquisitions.hypervolume_improvement import LogExpectedHypervolumeImprovement as LogExpectedHypervolumeImprovement
    from acquisitions.hypervolume_improvement import LogNoisyExpectedHypervolumeImprovement as LogNoisyExpectedHypervolumeImprovement
    from acquisitions.integrated_knowledge_gradient import LogIntegratedKnowledgeGradient as LogIntegratedKnowledgeGradient
    from acquisitions.integrated_variance import LogIntegratedVarianceReduction as LogIntegratedVarianceReduction
    from acquisitions.knowledge_gradient import LogDiscreteKnowledgeGradient as LogDiscreteKnowledgeGradient
    from acquisitions.knowledge_gradient import LogKGCP as LogKGCP
    from acquisitions.max_value_entropy import GIBBON as GIBBON
    from acquisitions.max_value_entropy import LogMaxValueEntropy as LogMaxValueEntropy
    from acquisitions.maximizer import maximize as maximize
    from acquisitions.multi_fidelity_max_value_entropy import LogMultiFidelityMaxValueEntropy as LogMultiFidelityMaxValueEntropy
    from acquisitions.multi_fidelity_max_value_entropy import MultiFidelityGIBBON as MultiFidelityGIBBON
    from acquisitions.multi_fidelity_upper_confidence_bound import MultiFidelityUpperConfidenceBound as MultiFidelityUpperConfidenceBound
    from acquisitions.noisy_expected_improvement import LogNoisyExpectedImprovement as LogNoisyExpectedImprovement
    from acquisitions.optimistic_constraints import LeastViolation as LeastViolation
    from acquisitions.optimistic_constraints import OptimisticConstraints as OptimisticConstraints
    from acquisitions.optimistic_penalty import ExactPenalty as ExactPenalty
    from acquisitions.optimistic_penalty import OptimisticLagrangian as OptimisticLagrangian
    from acquisitions.parametric_optimism import LinearisedBound as LinearisedBound
    from acquisitions.parametric_optimism import ParametricOptimism as ParametricOptimism
    from acquisitions.posterior_mean import PosteriorMean as PosteriorMean
    from acquisitions.probability_of_improvement import LogProbabilityOfImprovement as LogProbabilityOfImprovement
    from acquisitions.probability_of_improvement import ProbabilityOfImprovement as ProbabilityOfImprovement
    from acquisitions.risk_knowledge_gradient import LogRiskKnowledgeGradient as LogRiskKnowledgeGradient
    from acquisitions.risk_measures import RiskMeasure as RiskMeasure
    from acquisitions.risk_of_mean import RiskOfMean as RiskOfMean
    from acquisitions.scenarios import Scenarios as Scenarios
    from acquisitions.scenarios import Shift as Shift
    from acquisitions.straddle import Straddle as Straddle
    from acquisitions.two_stage_expected_improvement import LogTwoStageExpectedImprovement as LogTwoStageExpectedImprovement
    from acquisitions.upper_confidence_bound import UpperConfidenceBound as UpperConfidenceBound
    from acquisitions.variable_fidelity_confidence_bound import VariableFidelityConfidenceBound as VariableFidelityConfidenceBound
    from acquisitions.variable_fidelity_expected_improvement import (
        LogVariableFidelityExpectedImprovement as LogVariableFidelityExpectedImprovement,
    )
    from acquisitions.weighed import LogFeasibleGain as LogFeasibleGain

REGISTRY = {
    "ei": "acquisitions.expected_improvement:ExpectedImprovement",
    "log_ei": "acquisitions.expected_improvement:LogExpectedImprovement",
    "log_nei": "acquisitions.noisy_expected_improvement:LogNoisyExpectedImprovement",
    "batch_log_nei": "acquisitions.batch_expected_improvement:LogBatchExpectedImprovement",
    "log_ehvi": "acquisitions.hypervolume_improvement:LogExpectedHypervolumeImprovement",
    "log_nehvi": "acquisitions.hypervolume_improvement:LogNoisyExpectedHypervolumeImprovement",
    "knowledge_gradient": "acquisitions.knowledge_gradient:LogDiscreteKnowledgeGradient",
    "derivative_knowledge_gradient": "acquisitions.derivative_knowledge_gradient:LogDerivativeKnowledgeGradient",
    "kgcp": "acquisitions.knowledge_gradient:LogKGCP",
    "entropy_search": "acquisitions.entropy_search:LogEntropySearch",
    "mes": "acquisitions.max_value_entropy:LogMaxValueEntropy",
    "gibbon": "acquisitions.max_value_entropy:GIBBON",
    "mf_mes": "acquisitions.multi_fidelity_max_value_entropy:LogMultiFidelityMaxValueEntropy",
    "mf_gibbon": "acquisitions.multi_fidelity_max_value_entropy:MultiFidelityGIBBON",
    "augmented_ei": "acquisitions.augmented_expected_improvement:LogAugmentedExpectedImprovement",
    "variable_fidelity_ei": "acquisitions.variable_fidelity_expected_improvement:LogVariableFidelityExpectedImprovement",
    "variable_fidelity_pi": "acquisitions.extended_probability_of_improvement:LogExtendedProbabilityOfImprovement",
    "variable_fidelity_lcb": "acquisitions.variable_fidelity_confidence_bound:VariableFidelityConfidenceBound",
    "two_stage_ei": "acquisitions.two_stage_expected_improvement:LogTwoStageExpectedImprovement",
    "boca": "acquisitions.boca:BOCA",
    "mf_gp_ucb": "acquisitions.multi_fidelity_upper_confidence_bound:MultiFidelityUpperConfidenceBound",
    "pi": "acquisitions.probability_of_improvement:ProbabilityOfImprovement",
    "log_pi": "acquisitions.probability_of_improvement:LogProbabilityOfImprovement",
    "augmented_ucb": "acquisitions.augmented_upper_confidence_bound:AugmentedUpperConfidenceBound",
    "ucb": "acquisitions.upper_confidence_bound:UpperConfidenceBound",
    "eubo": "acquisitions.best_option:ExpectedUtilityOfBestOption",
    "log_eubo": "acquisitions.best_option:LogGainOfBestOption",
    "integrated_variance": "acquisitions.integrated_variance:LogIntegratedVarianceReduction",
    "bald": "acquisitions.bald:LogBALD",
    "straddle": "acquisitions.straddle:Straddle",
    "mean": "acquisitions.posterior_mean:PosteriorMean",
    "log_pof": "acquisitions.feasibility:LogProbabilityOfFeasibility",
    "expected_violation": "acquisitions.feasibility:ExpectedViolation",
    "log_cei": "acquisitions.constrained_expected_improvement:LogConstrainedExpectedImprovement",
}
"""Acquisition functions with an analytic fast path: name to ``module:class``, imported on use."""

_EXPORTS = {
    path.partition(":")[2]: path
    for path in (
        *REGISTRY.values(),
        "acquisitions.box_decomposition:infer_reference_point",
        "acquisitions.feasibility:OutcomeConstraint",
        "acquisitions.feasible_mean:best_feasible_mean",
        "acquisitions.maximizer:maximize",
        "acquisitions.optimistic_constraints:LeastViolation",
        "acquisitions.optimistic_constraints:OptimisticConstraints",
        "acquisitions.optimistic_penalty:ExactPenalty",
        "acquisitions.optimistic_penalty:OptimisticLagrangian",
        "acquisitions.integrated_knowledge_gradient:LogIntegratedKnowledgeGradient",
        "acquisitions.parametric_optimism:LinearisedBound",
        "acquisitions.parametric_optimism:ParametricOptimism",
        "acquisitions.risk_knowledge_gradient:LogRiskKnowledgeGradient",
        "acquisitions.risk_measures:RiskMeasure",
        "acquisitions.risk_of_mean:RiskOfMean",
        "acquisitions.scenarios:Scenarios",
        "acquisitions.scenarios:Shift",
        "acquisitions.weighed:LogFeasibleGain",
    )
}


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, attribute = _EXPORTS[name].partition(":")
    return getattr(import_module(module), attribute)
