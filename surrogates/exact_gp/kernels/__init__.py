"""Covariance functions."""

from surrogates.exact_gp.kernels.base import Features, Gram, Kernel, Parameters, matrix
from surrogates.exact_gp.kernels.stationary import Stationary

__all__ = ["Features", "Gram", "Kernel", "Parameters", "Stationary", "matrix"]
