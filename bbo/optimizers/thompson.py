"""Thompson sampling: the best point of a function drawn from the posterior, another one for each point of a batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from acquisitions.protocol import Acquisition
from bbo.optimizers import search
from bbo.optimizers.asked import Asked
from bbo.optimizers.history import History
from surrogates.exact_gp import ExactGP, sample_path

if TYPE_CHECKING:
    from botorch.acquisition.acquisition import AcquisitionFunction
    from botorch.models.model import Model

    from bbo.optimizers.bayes import Bayes
    from bbo.optimizers.custom import AcquisitionBuild, Context
    from bbo.optimizers.targets import Target


def thompson_sampling(asked: Asked) -> tuple[Acquisition, str]:
    """A function drawn from the posterior.

    Running trials are left out of account: draws differ, and so do the points (Kandasamy et al. 2018, arXiv:1705.09236).
    """
    gp = asked.surrogate.gps[0]
    assert isinstance(gp, ExactGP)  # refused before
    path = sample_path(gp, np.random.default_rng(asked.seed))
    return search.where_it_works(path, asked.surrogate), "Thompson sampling"


def own_thompson(state: History, settings: Bayes, targets: Sequence[Target]) -> AcquisitionBuild:
    """BoTorch's, for a model of the user's that it draws paths of: of GPyTorch's types, of one outcome."""

    def build(model: Model, context: Context) -> AcquisitionFunction:
        from botorch.acquisition.thompson_sampling import PathwiseThompsonSampling
        from botorch.exceptions.errors import UnsupportedError

        from bbo.optimizers.custom import alone
        from surrogates.exact_gp.model import ExactGPModel

        model = alone(model)  # BoTorch draws from a list what it cannot sum up then
        if isinstance(model, ExactGPModel):
            model = model.to_gpytorch()
        function = PathwiseThompsonSampling(model)
        try:
            function(context.X[:1])  # draws the path
        except NotImplementedError as error:
            raise UnsupportedError(f"BoTorch has no sample paths of a {type(model).__name__}") from error
        return function

    return build
