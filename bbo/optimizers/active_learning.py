"""Active learning: the measurement that leaves the least uncertainty all over the space."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from acquisitions.bald import LogBALD
from acquisitions.integrated_variance import LogIntegratedVarianceReduction
from acquisitions.protocol import Acquisition
from bbo.optimizers import search
from bbo.optimizers.asked import Asked
from bbo.optimizers.history import History

if TYPE_CHECKING:
    from botorch.acquisition.acquisition import AcquisitionFunction
    from botorch.models.model import Model

    from bbo.optimizers.bayes import Bayes
    from bbo.optimizers.custom import AcquisitionBuild, Context
    from bbo.optimizers.targets import Target

POINTS = 256
"""Points of the space that stand for all of it."""

OWN_POINTS = 64
"""With a model of the user's, whose joint posteriors take the square of their number."""


def integrated_variance(asked: Asked) -> tuple[Acquisition, str]:
    """The reduction of the integrated variance."""
    space, surrogate = asked.space, asked.surrogate
    points = space.encode(space.sample(POINTS, np.random.default_rng(asked.seed)))
    gain = LogIntegratedVarianceReduction(surrogate.gps[0], points, surrogate.noise).with_pending(asked.waiting)
    return search.weighed(gain, surrogate), "log reduction of the integrated variance"


def disagreement(asked: Asked) -> tuple[Acquisition, str]:
    """The information that a measurement carries about the function."""
    surrogate = asked.surrogate
    gain = LogBALD(surrogate.believing(asked.waiting).gps[0], surrogate.noise)
    return search.weighed(gain, surrogate), "log information about the function"


def own_bald(state: History, settings: Bayes, targets: Sequence[Target]) -> AcquisitionBuild:
    """The same for a model of the user's. The noise that an ensemble does not tell is that of the data, else its residuals' variance."""

    def build(model: Model, context: Context) -> AcquisitionFunction:
        import torch

        from acquisitions.botorch import LogBALD as OfBoTorch

        if context.Yvar is not None:
            return OfBoTorch(model, noise=float(context.Yvar[:, 0].mean()))
        with torch.no_grad():
            posterior: Any = model.posterior(context.X)
        return OfBoTorch(model, noise=float(((posterior.mean[..., 0] - context.Y[:, 0]) ** 2).mean()))

    return build


def own_integrated_variance(state: History, settings: Bayes, targets: Sequence[Target]) -> AcquisitionBuild:
    """The same for a model of the user's, over fewer points; BoTorch's has wrong gradients on most models."""
    space = state.problem.space

    def build(model: Model, context: Context) -> AcquisitionFunction:
        import torch

        from acquisitions.botorch import LogIntegratedVarianceReduction as OfBoTorch

        points = space.encode(space.sample(OWN_POINTS, np.random.default_rng(context.seed)))
        return OfBoTorch(model, torch.tensor(points))

    return build
