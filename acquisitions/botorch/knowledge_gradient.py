"""The knowledge gradient over finitely many points as BoTorch acquisition functions; see `acquisitions.knowledge_gradient`."""

from __future__ import annotations

from typing import Any, cast

import torch
from botorch.acquisition.analytic import AnalyticAcquisitionFunction
from botorch.acquisition.input_constructors import acqf_input_constructor
from botorch.acquisition.objective import PosteriorTransform
from botorch.models.model import Model
from botorch.utils.datasets import SupervisedDataset
from botorch.utils.transforms import average_over_ensemble_models, t_batch_mode_transform
from torch import Tensor

from acquisitions.botorch.joint import joint_normal
from acquisitions.envelope import ExpectedGain
from acquisitions.gaussian import LEAST_VARIANCE


class LogDiscreteKnowledgeGradient(AnalyticAcquisitionFunction):
    """``log (E[max_i mu_{n+1}(x_i) | x_{n+1} = x] - max_i mu_n(x_i))`` over points x_i of a finite set, exact.

    As `acquisitions.LogDiscreteKnowledgeGradient`, for any model whose posterior of several points is jointly Gaussian. Costs one joint
    posterior of the set and a candidate, b + 1 points, for each candidate. The noise of a measurement is what the model says.

    Args:
        model: Of one outcome, to be maximized; or of several with a transform.
        X: The set, `b x d`; at least one point.
        candidate: Whether the candidate belongs to the set as well, at each x another set.
        posterior_transform: Makes one outcome of several.
    """

    _log = True  # for the mean over an ensemble of models
    _newcomer = False

    def __init__(self, model: Model, X: Tensor, *, candidate: bool = False, posterior_transform: PosteriorTransform | None = None) -> None:
        super().__init__(model, posterior_transform)
        if not len(X):
            raise ValueError("X has no points; the knowledge gradient is that of the best of some")
        self.register_buffer("X", X)
        self.candidate = candidate

    @t_batch_mode_transform(expected_q=1)
    @average_over_ensemble_models  # type: ignore[arg-type]  # declared for functions of the base class
    def forward(self, X: Tensor) -> Tensor:
        """The score at each candidate, `b x 1 x d` to `b`."""
        self.to(X)
        points = torch.cat([cast(Tensor, self.X).expand(*X.shape[:-2], -1, -1), X], -2)
        joint: Any = self.model.posterior(points, posterior_transform=self.posterior_transform)
        measured: Any = self.model.posterior(X, observation_noise=True, posterior_transform=self.posterior_transform)
        normal = joint_normal(joint, type(self).__name__)
        mean, covariance = normal.mean, normal.covariance_matrix[..., -1, :]
        covariance = torch.cat([covariance[..., :-1], covariance[..., -1:].clamp_min(LEAST_VARIANCE)], -1)
        shift = covariance / measured.variance[..., 0].clamp_min(LEAST_VARIANCE).sqrt()
        if not self.candidate:
            mean, shift = mean[..., :-1], shift[..., :-1]
        return cast(Tensor, cast(Any, _LogGain).apply(mean, shift, self._newcomer))


class LogKGCP(LogDiscreteKnowledgeGradient):
    """``log (E[max_{i<=n+1} mu_{n+1}(x_i) | x_{n+1} = x] - max_{i<=n} mu_n(x_i))``: expected improvement under noise, exact.

    As `acquisitions.LogKGCP`, for any model whose posterior of several points is jointly Gaussian.

    Args:
        model: Of one outcome, to be maximized; or of several with a transform.
        X: What was evaluated, `n x d`; at least one point. Points of low means hardly count and may be left out.
        posterior_transform: Makes one outcome of several.
    """

    _newcomer = True

    def __init__(self, model: Model, X: Tensor, *, posterior_transform: PosteriorTransform | None = None) -> None:
        super().__init__(model, X, candidate=True, posterior_transform=posterior_transform)


class _LogGain(torch.autograd.Function):
    """`ExpectedGain` of lines in the last dimension of two tensors, with the derivatives that it has in closed form."""

    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor, newcomer: bool) -> Tensor:
        rows = (line.detach().double().cpu().reshape(-1, line.shape[-1]).numpy() for line in (a, b))
        gain = ExpectedGain.of(*rows, newcomer=newcomer)
        ctx.save_for_backward(*(torch.from_numpy(d).to(a).reshape(a.shape) for d in gain.log_gradient()))
        return torch.from_numpy(gain.log).to(a).reshape(a.shape[:-1])

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, up: Tensor) -> tuple[Tensor, Tensor, None]:
        d_a, d_b = ctx.saved_tensors
        return up.unsqueeze(-1) * d_a, up.unsqueeze(-1) * d_b, None


MOST = 64
"""Points that the input constructors choose at most, those of the largest means: a joint posterior takes the square of their number."""


@acqf_input_constructor(LogDiscreteKnowledgeGradient)
def _discrete_inputs(
    model: Model,
    training_data: SupervisedDataset | None = None,
    X_baseline: Tensor | None = None,
    posterior_transform: PosteriorTransform | None = None,
) -> dict[str, Any]:
    """The set is what was evaluated, with the candidate: the knowledge gradient of Scott, Frazier & Powell (2011)."""
    return {**_kgcp_inputs(model, training_data, X_baseline, posterior_transform), "candidate": True}


@acqf_input_constructor(LogKGCP)
def _kgcp_inputs(
    model: Model,
    training_data: SupervisedDataset | None = None,
    X_baseline: Tensor | None = None,
    posterior_transform: PosteriorTransform | None = None,
) -> dict[str, Any]:
    if X_baseline is None:
        if training_data is None:
            raise ValueError("the points that were evaluated are missing; give X_baseline or training_data")
        X_baseline = training_data.X
    if len(X_baseline) > MOST:
        with torch.no_grad():
            posterior: Any = model.posterior(X_baseline, posterior_transform=posterior_transform)
        mean = posterior.mean[..., 0].reshape(-1, len(X_baseline)).mean(0)  # over the models of an ensemble
        X_baseline = X_baseline[mean.topk(MOST).indices]
    return {"model": model, "X": X_baseline, "posterior_transform": posterior_transform}
