"""Acquisition functions that BoTorch lacks, or whose gradients break there, for any of its models. Importing this loads torch."""

from acquisitions.botorch.entropy_search import LogEntropySearch
from acquisitions.botorch.knowledge_gradient import LogDiscreteKnowledgeGradient, LogKGCP
from acquisitions.botorch.predictive_entropy_search import PredictiveEntropySearch

__all__ = ["LogDiscreteKnowledgeGradient", "LogEntropySearch", "LogKGCP", "PredictiveEntropySearch"]
