"""The reduction of the integrated variance as a BoTorch acquisition function; see `acquisitions.integrated_variance`."""

from __future__ import annotations

from typing import Any, cast

import torch
from botorch.acquisition.analytic import AnalyticAcquisitionFunction
from botorch.acquisition.objective import PosteriorTransform
from botorch.models.model import Model
from botorch.utils.transforms import average_over_ensemble_models, t_batch_mode_transform
from torch import Tensor

from acquisitions.botorch.joint import joint_normal
from acquisitions.gaussian import LEAST_VARIANCE

_LEAST = 1e-100  # squared covariances that sum to less are none


class LogIntegratedVarianceReduction(AnalyticAcquisitionFunction):
    """``log mean_i (v_n(x_i) - v_{n+1}(x_i))``, the variances v of the latent function before and after a measurement at x.

    As `acquisitions.LogIntegratedVarianceReduction`, for any model whose posterior of several points is jointly Gaussian. Its values are
    those of BoTorch's `qNegIntegratedPosteriorVariance`, whose gradients are wrong on GPyTorch models (0.18.1: the fantasies it takes
    leave out a part). Costs one joint posterior of b + 1 points for each candidate.

    Args:
        model: Of one outcome; or of several with a transform.
        X: The points that stand for the space, `b x d`; at least one.
        posterior_transform: Makes one outcome of several.
    """

    _log = True  # for the mean over an ensemble of models

    def __init__(self, model: Model, X: Tensor, *, posterior_transform: PosteriorTransform | None = None) -> None:
        super().__init__(model, posterior_transform)
        if not len(X):
            raise ValueError("X has no points; a variance is integrated over some")
        self.register_buffer("X", X)

    @t_batch_mode_transform(expected_q=1)
    @average_over_ensemble_models  # type: ignore[arg-type]  # declared for functions of the base class
    def forward(self, X: Tensor) -> Tensor:
        """The score at each candidate, `b x 1 x d` to `b`."""
        self.to(X)
        points = torch.cat([cast(Tensor, self.X).expand(*X.shape[:-2], -1, -1), X], -2)
        joint: Any = self.model.posterior(points, posterior_transform=self.posterior_transform)
        measured: Any = self.model.posterior(X, observation_noise=True, posterior_transform=self.posterior_transform)
        normal = joint_normal(joint, type(self).__name__)
        covariance = normal.covariance_matrix[..., -1, :-1]
        told = measured.variance[..., 0, 0].clamp_min(LEAST_VARIANCE)
        return cast(Tensor, covariance.square().mean(-1).clamp_min(_LEAST).log() - told.log())
