"""Acquisition functions that BoTorch lacks, as BoTorch's, for any of its models. Importing this package loads torch."""

from acquisitions.botorch.entropy_search import LogEntropySearch
from acquisitions.botorch.knowledge_gradient import LogDiscreteKnowledgeGradient, LogKGCP

__all__ = ["LogDiscreteKnowledgeGradient", "LogEntropySearch", "LogKGCP"]
