"""Two-step lookahead as a score of one candidate: what it and the best evaluation after it improve together, by BoTorch's function."""

from __future__ import annotations

import math
from typing import Any, cast

import numpy as np
import torch
from botorch.acquisition.analytic import AnalyticAcquisitionFunction, LogExpectedImprovement, _log_ei_helper
from botorch.acquisition.multi_step_lookahead import qMultiStepLookahead
from botorch.models.model import Model
from botorch.sampling.base import MCSampler
from botorch.utils.transforms import t_batch_mode_transform
from torch import Tensor

from acquisitions.botorch.joint import joint_normal
from acquisitions.gaussian import LEAST_VARIANCE

NODES = 8
"""Results of a candidate, by Gauss-Hermite quadrature."""

_LEAST = 1e-300  # improvements below this are none


class LogTwoStepLookahead(AnalyticAcquisitionFunction):
    """``log (EI_n(x) + E[max_x2 EI_{n+1}(x2) | x_{n+1} = x])``, x2 among given points.

    Improvements are on the best mean at points that are evaluated then. `qMultiStepLookahead` is one-shot, the second evaluations, one a
    result of the first, are arguments beside the candidate; here they are the best of the given points, for each candidate and
    result, which the function of BoTorch then scores together with the candidate. Its gradient in the candidate holds them fixed,
    which is exact (envelope theorem).

    Source: Wu & Frazier (2019), "Practical two-step lookahead Bayesian optimization", NeurIPS 32; Jiang et al. (2020), arXiv:2006.15779.

    Args:
        model: Of one outcome, to be maximized, with Gaussian posteriors; it must be able to fantasize.
        X: What may be evaluated second, `p x d`; at least one point.
        X_baseline: What was evaluated, `b x d`; points of low means hardly count and may be left out.
    """

    def __init__(self, model: Model, X: Tensor, X_baseline: Tensor) -> None:
        super().__init__(model)
        if not len(X) or not len(X_baseline):
            raise ValueError("X and X_baseline have a point each at least: something is to be evaluated second, and to be improved on")
        self.register_buffer("X", X)
        self.register_buffer("X_baseline", X_baseline)
        with torch.no_grad():
            self.best = _joint(model, X_baseline)[0].max()
        self.sampler = _GaussHermite(NODES)
        self._candidates = X_baseline[:1, None]
        self.one_shot = qMultiStepLookahead(
            model,
            batch_sizes=[1],
            samplers=[self.sampler],
            valfunc_cls=[_ExpectedImprovement, _ExpectedImprovement],
            valfunc_argfacs=[lambda model, X: {"best_f": self.best}, lambda model, X: {"best_f": self._best_after(model)}],
        )

    @t_batch_mode_transform(expected_q=1)  # type: ignore[arg-type]  # declared for functions of the base class
    def forward(self, X: Tensor) -> Tensor:
        """The score at each candidate, `b x 1 x d` to `b`."""
        self._candidates = X
        with torch.no_grad():
            second = self._second(X)  # f x b
        points = cast(Tensor, self.X)[second].movedim(0, 1)  # b x f x d
        return cast(Tensor, self.one_shot(torch.cat([X, points], -2))).clamp_min(_LEAST).log()

    def _best_after(self, model: Any) -> Tensor:
        """The best mean at evaluated points, the candidates among them, by a fantasy model: `f x b x 1`."""
        X = self._candidates
        points = torch.cat([X, cast(Tensor, self.X_baseline).expand(*X.shape[:-2], -1, -1)], -2)
        return cast(Tensor, model.posterior(points).mean.amax(-2))

    def _second(self, X: Tensor) -> Tensor:
        """Which of the given points to evaluate second, by each result of the candidates (`b x 1 x d`), `f x b`."""
        given, baseline = cast(Tensor, self.X), cast(Tensor, self.X_baseline)
        rest = torch.cat([given, baseline])
        mean, covariance = _joint(self.model, torch.cat([X, rest.expand(*X.shape[:-2], -1, -1)], -2))
        observed: Any = self.model.posterior(X, observation_noise=True)
        told = observed.variance[..., 0, 0].clamp_min(LEAST_VARIANCE)  # b
        shift = covariance[..., 0, :] / told.sqrt().unsqueeze(-1)
        after = mean + cast(Tensor, self.sampler.nodes)[:, None, None] * shift  # f x b x (1 + p + b)
        variance = torch.diagonal(covariance, dim1=-2, dim2=-1) - shift**2
        p = len(given)
        best = torch.maximum(after[..., 0], after[..., 1 + p :].amax(-1))
        sd = variance[..., 1 : 1 + p].clamp_min(LEAST_VARIANCE).sqrt()
        gain: Tensor = _log_ei_helper((after[..., 1 : 1 + p] - best.unsqueeze(-1)) / sd) + sd.log()
        return gain.argmax(-1)


class _ExpectedImprovement(LogExpectedImprovement):
    """Itself, good in the tails until it is as small as numbers go."""

    def forward(self, X: Tensor) -> Tensor:
        logarithm: Tensor = super().forward(X)
        return logarithm.exp()


class _GaussHermite(MCSampler):
    """Results at the nodes of Gauss-Hermite quadrature, with their weights, of one point and one outcome."""

    def __init__(self, nodes: int) -> None:
        super().__init__(sample_shape=torch.Size([nodes]))
        z, weights = np.polynomial.hermite_e.hermegauss(nodes)
        self.register_buffer("nodes", torch.as_tensor(z))
        self.register_buffer("base_weights", torch.as_tensor(weights / math.sqrt(2 * math.pi)))

    def forward(self, posterior: Any) -> Tensor:
        mean, sd = posterior.mean, posterior.variance.clamp_min(LEAST_VARIANCE).sqrt()
        results: Tensor = mean + sd * cast(Tensor, self.nodes).reshape(-1, *[1] * mean.ndim)
        return results


def _joint(model: Any, X: Tensor) -> tuple[Tensor, Tensor]:
    """Mean (`... x q`) and covariance (`... x q x q`) at X."""
    normal = joint_normal(model.posterior(X), "two-step lookahead")
    return normal.mean, normal.covariance_matrix
