"""Covariance functions."""

from surrogates.exact_gp.kernels.base import Features, Gram, Kernel, Parameters, matrix
from surrogates.exact_gp.kernels.categorical import Hamming, Latent
from surrogates.exact_gp.kernels.composite import Product, Scaled, Sum
from surrogates.exact_gp.kernels.conditional import Arc
from surrogates.exact_gp.kernels.coregional import Coregional
from surrogates.exact_gp.kernels.default import default_kernel
from surrogates.exact_gp.kernels.level_noise import LevelNoise
from surrogates.exact_gp.kernels.linear import Linear
from surrogates.exact_gp.kernels.offsets import Offsets
from surrogates.exact_gp.kernels.stationary import Stationary
from surrogates.exact_gp.kernels.warped import Warped

__all__ = [
    "Arc",
    "Coregional",
    "Features",
    "Gram",
    "Hamming",
    "Kernel",
    "Latent",
    "LevelNoise",
    "Linear",
    "Offsets",
    "Parameters",
    "Product",
    "Scaled",
    "Stationary",
    "Sum",
    "Warped",
    "default_kernel",
    "matrix",
]
