"""Exact Gaussian processes on a dense core of our own: NumPy and LAPACK on the CPU, torch on a GPU.

`fit` is the way in; `model.fit_model` gives the same as a BoTorch model. Nothing here imports torch unless one of these is asked
for: a torch device, or `ExactGPModel` and `fit_model`, which are imported when they are first named.
"""

from typing import TYPE_CHECKING

from surrogates.exact_gp.fitting import fit
from surrogates.exact_gp.gp import Baseline, ExactGP, Memo, Moments
from surrogates.exact_gp.one_task import OneTask
from surrogates.exact_gp.paths import SamplePath, sample_path
from surrogates.exact_gp.settings import Settings

if TYPE_CHECKING:
    from surrogates.exact_gp.model import ExactGPModel, fit_model

__all__ = ["Baseline", "ExactGP", "ExactGPModel", "Memo", "Moments", "OneTask", "SamplePath", "Settings", "fit", "fit_model", "sample_path"]


def __getattr__(name: str) -> object:
    if name in {"ExactGPModel", "fit_model"}:
        from surrogates.exact_gp import model

        return getattr(model, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
