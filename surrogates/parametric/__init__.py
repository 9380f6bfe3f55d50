"""Parametric families ``f_x(w)``, their fit by least squares, and what data say of the parameters to first order.

NumPy in float64; of `TorchFamily` alone torch, which is imported when one is made.
"""

from surrogates.parametric.family import Family
from surrogates.parametric.linear import Linear
from surrogates.parametric.linearised import LinearisedPosterior
from surrogates.parametric.one_hot import OneHot
from surrogates.parametric.regression import fit
from surrogates.parametric.sigmoid_network import SigmoidNetwork

__all__ = ["Family", "Linear", "LinearisedPosterior", "OneHot", "SigmoidNetwork", "fit"]
