"""Gaussian processes of a utility that is known by comparisons alone: which of two points is better, or that neither is.

`fit` is the way in. NumPy and LAPACK; no torch.
"""

from surrogates.preference_gp.comparisons import Comparisons, Order
from surrogates.preference_gp.fitting import fit
from surrogates.preference_gp.gp import Memo, PreferenceGP

__all__ = ["Comparisons", "Memo", "Order", "PreferenceGP", "fit"]
