"""Acquisition functions that BoTorch lacks, or whose gradients break there, for any of its models. Importing this loads torch."""

from acquisitions.botorch.bald import LogBALD
from acquisitions.botorch.ensemble import EnsembleMembers
from acquisitions.botorch.entropy_search import LogEntropySearch
from acquisitions.botorch.hypervolume_knowledge_gradient import HypervolumeKnowledgeGradient
from acquisitions.botorch.integrated_variance import LogIntegratedVarianceReduction
from acquisitions.botorch.knowledge_gradient import LogDiscreteKnowledgeGradient, LogKGCP
from acquisitions.botorch.predictive_entropy_search import PredictiveEntropySearch
from acquisitions.botorch.straddle import Straddle
from acquisitions.botorch.two_step_lookahead import LogTwoStepLookahead

__all__ = [
    "EnsembleMembers",
    "HypervolumeKnowledgeGradient",
    "LogBALD",
    "LogDiscreteKnowledgeGradient",
    "LogEntropySearch",
    "LogIntegratedVarianceReduction",
    "LogKGCP",
    "LogTwoStepLookahead",
    "PredictiveEntropySearch",
    "Straddle",
]
