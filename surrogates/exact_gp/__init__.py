"""Exact Gaussian processes on a dense core of our own: NumPy and LAPACK on the CPU, torch on a GPU.

`fit` is the way in. Nothing here imports torch unless a torch device is asked for.
"""

from surrogates.exact_gp.fitting import fit
from surrogates.exact_gp.gp import Baseline, ExactGP, Memo, Moments
from surrogates.exact_gp.settings import Settings

__all__ = ["Baseline", "ExactGP", "Memo", "Moments", "Settings", "fit"]
