"""Two-step lookahead: what a proposal and the one after it improve together; by BoTorch's function."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from acquisitions.gaussian import Array
from acquisitions.protocol import Acquisition
from bbo.optimizers.asked import Asked
from bbo.optimizers.candidates import SAMPLED, pool
from bbo.optimizers.custom import alone, on_twins
from bbo.optimizers.history import History
from bbo.optimizers.knowledge_gradient import contenders
from bbo.optimizers.targets import Target

if TYPE_CHECKING:
    from botorch.acquisition.acquisition import AcquisitionFunction
    from botorch.models.model import Model

    from bbo.optimizers.bayes import Bayes
    from bbo.optimizers.custom import AcquisitionBuild, Context

AIM = "log two-step lookahead"

SECOND, BASELINE = 32, 16
"""Points that may be evaluated second, and evaluated ones of the largest means that may be the best, at most."""


def two_step(asked: Asked) -> tuple[Acquisition, str]:
    """Two-step lookahead on the exact Gaussian process."""
    optima, X = contenders(asked, np.random.default_rng(asked.seed))
    points = np.vstack([optima, X]) if len(X) else asked.measured
    return on_twins(partial(_of_model, points=points), AIM, asked)


def own_two_step(state: History, settings: Bayes, targets: Sequence[Target]) -> AcquisitionBuild:
    """For a model of the user's: the second evaluation is one of points from all over the space."""

    def build(model: Model, context: Context) -> AcquisitionFunction:
        space = state.problem.space
        others = pool(state, (), np.random.default_rng(context.seed), fixed={}, size=SAMPLED)
        return _of_model(model, context, space.encode(others))

    return build


def _of_model(model: Model, context: Context, points: Array) -> AcquisitionFunction:
    """Over those of the points, and of the baseline, that matter most by the sums of mean and standard deviation, and by the means."""
    import torch

    from acquisitions.botorch import LogTwoStepLookahead

    objective = alone(model.subset_output([0]) if model.num_outputs > 1 else model)
    X = torch.tensor(points)
    with torch.no_grad():
        there: Any = objective.posterior(X.unsqueeze(-2))
        known: Any = objective.posterior(context.X_baseline.unsqueeze(-2))
    high = (there.mean + there.variance.sqrt()).reshape(-1).argsort(descending=True, stable=True)[:SECOND]
    best = known.mean.reshape(-1).argsort(descending=True, stable=True)[:BASELINE]
    return LogTwoStepLookahead(objective, X[high], context.X_baseline[best])
