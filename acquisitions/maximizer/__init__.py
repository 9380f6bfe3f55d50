"""Maximization of acquisition functions over domains: screening, batched climbing, and local search, with NumPy alone."""

from acquisitions.maximizer.lbfgs import ClimbSettings, climb
from acquisitions.maximizer.multistart import maximize
from acquisitions.maximizer.result import Maximum
from acquisitions.maximizer.settings import MaximizerSettings

__all__ = ["ClimbSettings", "Maximum", "MaximizerSettings", "climb", "maximize"]
