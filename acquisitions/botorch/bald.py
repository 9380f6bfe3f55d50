"""Bayesian active learning by disagreement as a BoTorch acquisition function; see `acquisitions.bald`."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import torch
from botorch.acquisition.analytic import AnalyticAcquisitionFunction
from botorch.acquisition.objective import PosteriorTransform
from botorch.models.model import Model
from botorch.posteriors.ensemble import EnsemblePosterior
from botorch.utils.transforms import average_over_ensemble_models, t_batch_mode_transform
from torch import Tensor

from acquisitions.gaussian import LEAST_VARIANCE

_NODES = 16  # of Gauss-Hermite quadrature
_LEAST = 1e-30  # information that is none


class LogBALD(AnalyticAcquisitionFunction):
    """``log I(y; f | x)``, the logarithm of the mutual information of a measurement and the function.

    With a Gaussian posterior as `acquisitions.bald.LogBALD`, the noise being what the model says. With an ensemble the function is one
    of its members, and the measurement a mixture of normal distributions about their values: what it says about which member it is, by
    quadrature; at most the logarithm of their number.

    Source: Houlsby et al. (2011), arXiv:1112.5745, equation 2.

    Args:
        model: Of one outcome; or of several with a transform.
        noise: Variance of the noise of a measurement, which an ensemble does not tell; of no use with other models.
        posterior_transform: Makes one outcome of several.
    """

    _log = True  # for the mean over an ensemble of Gaussian processes

    def __init__(self, model: Model, *, noise: float = 0.0, posterior_transform: PosteriorTransform | None = None) -> None:
        super().__init__(model, posterior_transform)
        nodes, weights = np.polynomial.hermite_e.hermegauss(_NODES)
        self.register_buffer("noise", torch.as_tensor(max(noise, LEAST_VARIANCE), dtype=torch.float64))
        self.register_buffer("nodes", torch.as_tensor(nodes))
        self.register_buffer("weights", torch.as_tensor(weights / weights.sum()))

    @t_batch_mode_transform(expected_q=1)
    @average_over_ensemble_models  # type: ignore[arg-type]  # declared for functions of the base class
    def forward(self, X: Tensor) -> Tensor:
        """The score at each candidate, `b x 1 x d` to `b`."""
        posterior: Any = self.model.posterior(X, posterior_transform=self.posterior_transform)
        if isinstance(posterior, EnsemblePosterior):
            information = self._of_members(posterior.values[..., 0, 0], posterior.weights)
            return information.clamp_min(_LEAST).log()
        noisy: Any = self.model.posterior(X, observation_noise=True, posterior_transform=self.posterior_transform)
        variance = posterior.variance[..., 0, 0]
        noise = (noisy.variance[..., 0, 0] - variance).clamp_min(LEAST_VARIANCE)
        gained: Tensor = 0.5 * (variance / noise).log1p()
        return gained.clamp_min(_LEAST).log()

    def _of_members(self, values: Tensor, shares: Tensor) -> Tensor:
        """Information about which member it is, of values `b x s` and shares `s`, `b`."""
        sd = cast(Tensor, self.noise).sqrt()
        z = cast(Tensor, self.nodes)
        distance = (values.unsqueeze(-1) - values.unsqueeze(-2)) / sd  # from each member to each
        densities = -0.5 * (z[:, None, None] + distance.unsqueeze(-3)) ** 2  # b x nodes x s x s, up to a constant
        mixture = torch.logsumexp(densities + shares.log(), -1)
        gain = -0.5 * z[:, None] ** 2 - mixture
        return torch.einsum("n,s,...ns->...", cast(Tensor, self.weights), shares, gain)
