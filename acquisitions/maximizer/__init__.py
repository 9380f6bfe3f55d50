"""Maximization of acquisition functions over domains: screening, batched climbing, and local search, with NumPy alone."""

from acquisitions.maximizer.augmented_lagrangian import Smooth
from acquisitions.maximizer.batches import maximize_sequential, power
from acquisitions.maximizer.botorch import from_botorch
from acquisitions.maximizer.lbfgs import ClimbSettings, climb
from acquisitions.maximizer.multistart import maximize
from acquisitions.maximizer.result import Maximum
from acquisitions.maximizer.settings import MaximizerSettings

__all__ = [
    "ClimbSettings",
    "Maximum",
    "MaximizerSettings",
    "Smooth",
    "climb",
    "from_botorch",
    "maximize",
    "maximize_sequential",
    "power",
]
