"""Entropy search over representers as a BoTorch acquisition function; see `acquisitions.entropy_search`."""

from __future__ import annotations

import warnings
from typing import Any, cast

import numpy as np
import torch
from botorch.acquisition.analytic import AnalyticAcquisitionFunction
from botorch.acquisition.input_constructors import acqf_input_constructor
from botorch.acquisition.objective import PosteriorTransform
from botorch.models.model import Model
from botorch.utils.datasets import SupervisedDataset
from botorch.utils.sampling import draw_sobol_samples
from botorch.utils.transforms import average_over_ensemble_models, t_batch_mode_transform
from linear_operator.utils.warnings import NumericalWarning
from torch import Tensor

from acquisitions.botorch.joint import joint_normal
from acquisitions.conditioning import KNOWN, normals
from acquisitions.entropy_search import BestPoint, distinct, often_best
from acquisitions.gaussian import LEAST_VARIANCE


class LogEntropySearch(AnalyticAcquisitionFunction):
    """``log (H(p) - E_y H(p | y))``, where p_i is the probability that x_i is the best of the representers x_1, ..., x_M.

    As `acquisitions.LogEntropySearch`, for any model whose posterior of several points is jointly Gaussian. Costs one joint posterior
    of the representers and a candidate, M + 1 points, for each candidate. The noise of a measurement is what the model says.

    Args:
        model: Of one outcome, to be maximized; or of several with a transform.
        X: The representers, `M x d`; at least one point.
        posterior_transform: Makes one outcome of several.
        samples: How many samples of the latent values.
        seed: Of the samples.
    """

    _log = True  # for the mean over an ensemble of models

    def __init__(
        self, model: Model, X: Tensor, *, posterior_transform: PosteriorTransform | None = None, samples: int = 128, seed: int = 0
    ) -> None:
        super().__init__(model, posterior_transform)
        if not len(X):
            raise ValueError("X has no points; an entropy is that of the best of some")
        with torch.no_grad():
            mean, covariance = self._moments(X)
            kept = distinct(*(part.reshape(-1, *part.shape[k:])[0].double().cpu().numpy() for part, k in ((mean, -1), (covariance, -2))))
            mean, covariance = mean[..., kept], covariance[..., kept, :][..., kept]
            variances, directions = torch.linalg.eigh(covariance)
            sd = variances.clamp_min(KNOWN).sqrt().unsqueeze(-2)
            known = variances.unsqueeze(-2) <= KNOWN
            Z = torch.from_numpy(normals(samples, len(kept), np.random.default_rng(seed))).to(mean)
            values = mean.unsqueeze(-2) + Z @ (directions * sd).masked_fill(known, 0.0).mT
        self.register_buffer("X", X[kept])
        self.register_buffer("_normals", Z)
        self.register_buffer("_values", values)
        self.register_buffer("_whiten", (directions / sd).masked_fill(known, 0.0))

    @t_batch_mode_transform(expected_q=1)
    @average_over_ensemble_models  # type: ignore[arg-type]  # declared for functions of the base class
    def forward(self, X: Tensor) -> Tensor:
        """The score at each candidate, `b x 1 x d` to `b`."""
        self.to(X)
        _, covariance = self._moments(torch.cat([cast(Tensor, self.X).expand(*X.shape[:-2], -1, -1), X], -2))
        measured: Any = self.model.posterior(X, observation_noise=True, posterior_transform=self.posterior_transform)
        slopes = covariance[..., -1, :-1] / measured.variance[..., 0].clamp_min(LEAST_VARIANCE).sqrt()
        whitened = (slopes.unsqueeze(-2) @ cast(Tensor, self._whiten)).squeeze(-2)
        left = (1.0 - whitened.square().sum(-1)).clamp_min(LEAST_VARIANCE).sqrt()
        origins = whitened @ cast(Tensor, self._normals).mT / (1.0 + left).unsqueeze(-1)
        return cast(Tensor, cast(Any, _LogInformation).apply(self._values, slopes, origins))

    def _moments(self, X: Tensor) -> tuple[Tensor, Tensor]:
        """Mean (`... x q`) and covariance (`... x q x q`) of the latent values at X."""
        normal = joint_normal(self.model.posterior(X, posterior_transform=self.posterior_transform), type(self).__name__)
        return normal.mean, normal.covariance_matrix


class _LogInformation(torch.autograd.Function):
    """`BestPoint` of tensors, with the derivatives that it has in closed form: values `(e x) s x M`, slopes `... (x e) x M`."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, slopes: Tensor, origins: Tensor) -> Tensor:
        e, (s, M) = values.shape[:-2].numel(), values.shape[-2:]
        cases, b, z = (
            part.detach().double().cpu().numpy() for part in (values.reshape(e, s, M), slopes.reshape(-1, e, M), origins.reshape(-1, e, s))
        )
        found = [BestPoint.of(cases[k], b[:, k], z[:, k]) for k in range(e)]
        gradients = zip(*(point.log_gradient() for point in found), strict=True)
        ctx.save_for_backward(
            *(torch.from_numpy(np.stack(d, 1)).to(to).reshape(to.shape) for d, to in zip(gradients, (slopes, origins), strict=True))
        )
        return torch.from_numpy(np.stack([point.log_information for point in found], 1)).to(slopes).reshape(slopes.shape[:-1])

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, up: Tensor) -> tuple[None, Tensor, Tensor]:
        d_slopes, d_origins = ctx.saved_tensors
        return None, up.unsqueeze(-1) * d_slopes, up.unsqueeze(-1) * d_origins


MOST = 32
"""Representers that the input constructor chooses at most, those that are the best most often."""

_POOL = 512  # points among which it chooses, beside those that were evaluated
_DRAWS = 512  # samples of their values


@acqf_input_constructor(LogEntropySearch)
def _inputs(
    model: Model,
    bounds: list[tuple[float, float]],
    training_data: SupervisedDataset | None = None,
    X_baseline: Tensor | None = None,
    posterior_transform: PosteriorTransform | None = None,
) -> dict[str, Any]:
    """Representers are points that are the best of 512 Sobol points and of what was evaluated in a sample of the values."""
    if X_baseline is None:
        if training_data is None:
            raise ValueError("the points that were evaluated are missing; give X_baseline or training_data")
        X_baseline = training_data.X
    points = draw_sobol_samples(torch.tensor(bounds, dtype=torch.float64).T, _POOL, 1, seed=0).squeeze(-2).to(X_baseline)
    points = torch.cat([X_baseline, points])
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore", NumericalWarning)  # neighbours make a joint covariance singular
        posterior: Any = model.posterior(points, posterior_transform=posterior_transform)
        values = posterior.rsample(torch.Size([_DRAWS])).reshape(-1, len(points))
    return {"model": model, "X": points[often_best(values.double().cpu().numpy(), MOST)], "posterior_transform": posterior_transform}
