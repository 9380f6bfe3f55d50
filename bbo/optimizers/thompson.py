"""Thompson sampling: the best point of a function drawn from the posterior, another one for each point of a batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from acquisitions.protocol import Acquisition
from bbo.log.ledger import Record
from bbo.optimizers import search
from bbo.optimizers.history import History
from bbo.optimizers.surrogate import Surrogate
from bbo.problem import Problem
from surrogates.exact_gp import ExactGP, sample_path

if TYPE_CHECKING:
    from botorch.acquisition.acquisition import AcquisitionFunction
    from botorch.models.model import Model

    from bbo.optimizers.bayes import Bayes
    from bbo.optimizers.custom import AcquisitionBuild, Context
    from bbo.optimizers.targets import Target


@dataclass(frozen=True, slots=True, eq=False)
class ThompsonSampling:
    """Draws what is maximized; see `bbo.optimizers.acquisitions.Score`.

    Running trials are left out of account: draws differ, and so do the points (Kandasamy et al. 2018, arXiv:1705.09236).
    """

    state: History
    settings: Bayes

    def __call__(
        self, problem: Problem, surrogate: Surrogate, feasible: Sequence[Record], running: Sequence[Mapping[str, Any]], *, seed: int
    ) -> tuple[Acquisition, str]:
        """As `Score`."""
        assert isinstance(surrogate.gps[0], ExactGP)  # refused before
        path = sample_path(surrogate.gps[0], np.random.default_rng(seed))
        return search.where_it_works(path, surrogate), "Thompson sampling"


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
