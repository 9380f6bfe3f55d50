"""Acquisition functions that BoTorch lacks, as BoTorch's, for any of its models. Importing this package loads torch."""

from acquisitions.botorch.ensemble import EnsembleMembers
from acquisitions.botorch.integrated_variance import LogIntegratedVarianceReduction
from acquisitions.botorch.knowledge_gradient import LogDiscreteKnowledgeGradient, LogKGCP
from acquisitions.botorch.straddle import Straddle

__all__ = ["EnsembleMembers", "LogDiscreteKnowledgeGradient", "LogIntegratedVarianceReduction", "LogKGCP", "Straddle"]
