"""The straddle as a BoTorch acquisition function; see `acquisitions.straddle`."""

from __future__ import annotations

from typing import cast

import torch
from botorch.acquisition.analytic import AnalyticAcquisitionFunction
from botorch.acquisition.objective import PosteriorTransform
from botorch.models.model import Model
from botorch.utils.transforms import average_over_ensemble_models, t_batch_mode_transform
from torch import Tensor


class Straddle(AnalyticAcquisitionFunction):
    """``sqrt(beta) s - |m - level|`` with the posterior mean m and standard deviation s.

    As `acquisitions.Straddle`, for any model whose posterior has a mean and a variance.

    Args:
        model: Of one outcome; or of several with a transform.
        level: In the units of the outcome.
        beta: Weight of the variance, at least 0.
        posterior_transform: Makes one outcome of several.
    """

    def __init__(self, model: Model, level: float, *, beta: float = 1.96**2, posterior_transform: PosteriorTransform | None = None) -> None:
        super().__init__(model, posterior_transform)
        if not beta >= 0:
            raise ValueError(f"beta is {beta}, must be at least 0")
        self.register_buffer("level", torch.as_tensor(level, dtype=torch.float64))
        self.register_buffer("beta", torch.as_tensor(beta, dtype=torch.float64))

    @t_batch_mode_transform(expected_q=1)
    @average_over_ensemble_models  # type: ignore[arg-type]  # declared for functions of the base class
    def forward(self, X: Tensor) -> Tensor:
        """The score at each candidate, `b x 1 x d` to `b`."""
        mean, sd = self._mean_and_sigma(X)
        assert sd is not None
        return (cast(Tensor, self.beta).sqrt() * sd - (mean - cast(Tensor, self.level)).abs()).squeeze(-1)
