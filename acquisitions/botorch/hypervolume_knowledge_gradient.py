"""The hypervolume knowledge gradient as a score of one candidate, for any BoTorch model."""

from __future__ import annotations

import math
from typing import Any, cast

import numpy as np
import torch
from botorch.acquisition.acquisition import AcquisitionFunction
from botorch.models.model import Model
from botorch.utils.sampling import sample_hypersphere
from botorch.utils.transforms import concatenate_pending_points, t_batch_mode_transform
from torch import Tensor

from acquisitions.botorch.joint import joint_normal
from acquisitions.conditioning import normals

FANTASIES, DIRECTIONS = 8, 64
"""Results of a measurement that are imagined, as in BoTorch, and directions that the hypervolume is a mean over."""

_ELEMENTS = 2**21  # numbers held at a time: fantasies times points times directions


class HypervolumeKnowledgeGradient(AcquisitionFunction):
    """``E[HV(mu_{n+1}) | x_{n+1} = x] - HV(mu_n)``: what a measurement adds to the hypervolume of the means at given points and x.

    BoTorch's `qHypervolumeKnowledgeGradient` is over the sets of ten points, say, that dominate most after each of the fantasies; it is
    one-shot, these sets are arguments beside the candidate, and the volume is a sum over all subsets of a set. Here the points that
    may be on a front are given and all count, so that nothing is left to search for, and the volume is a mean over fixed directions w,
    ``HV(Y) = c_m E_w[max_y min_k ((y_k - r_k)^+ / w_k)^m]``. What these miss, they miss before and after a measurement.

    Source: Daulton, Balandat & Bakshy (2023), "Hypervolume knowledge gradient"; the mean: Zhang & Golovin (2020), arXiv:2006.04655.

    Args:
        model: Of m independent outcomes, all to be maximized, with Gaussian posteriors.
        X: Points that may be on the front after a measurement, `p x d`; at least one.
        ref_point: Of the hypervolume, `m`.
        num_fantasies: Results of a measurement that are imagined.
        num_directions: Of the mean.
        X_pending: Points whose results are awaited, `q x d`: they are imagined together with the candidate's.
        seed: Of the fantasies and directions.
    """

    def __init__(
        self,
        model: Model,
        X: Tensor,
        ref_point: Tensor,
        *,
        num_fantasies: int = FANTASIES,
        num_directions: int = DIRECTIONS,
        X_pending: Tensor | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(model)
        if not len(X):
            raise ValueError("X has no points; a front is made of some")
        m = len(ref_point)
        self.outcomes = [model.subset_output([k]) for k in range(m)] if m > 1 else [model]
        self.num_fantasies, self.seed = num_fantasies, seed
        directions = sample_hypersphere(d=m, n=num_directions, qmc=True, seed=seed, dtype=X.dtype, device=X.device).abs()
        for name, tensor in (("X", X), ("ref_point", ref_point), ("directions", directions.clamp_min(1e-9))):
            self.register_buffer(name, tensor)
        self.set_X_pending(X_pending)

    @concatenate_pending_points
    @t_batch_mode_transform()  # type: ignore[arg-type]  # declared for functions of the base class
    def forward(self, X: Tensor) -> Tensor:
        """The score of the points of each batch together, `b x q x d` to `b`."""
        q, m = X.shape[-2], len(self.outcomes)
        Z = torch.as_tensor(normals(self.num_fantasies, m * q, np.random.default_rng(self.seed))).to(X).reshape(-1, m, 1, q)
        points = torch.cat([X, cast(Tensor, self.X).expand(*X.shape[:-2], -1, -1)], -2)  # b x (q + p) x d
        now, after = [], []
        for k, outcome in enumerate(self.outcomes):
            mean, covariance = _joint(outcome, points)
            measured: Any = outcome.posterior(X, observation_noise=True)
            root = torch.linalg.cholesky(measured.distribution.covariance_matrix)
            shift = torch.linalg.solve_triangular(root, covariance[..., :q, :], upper=False)  # b x q x (q + p)
            now.append(mean)
            after.append(mean + torch.einsum("fiq,bqp->fbp", Z[:, k], shift))
        Y = torch.stack(after, -1)  # f x b x (q + p) x m
        step = max(1, _ELEMENTS // (Y.shape[0] * Y.shape[2] * len(cast(Tensor, self.directions))))
        volumes = [self._volume(part).mean(0) for part in torch.split(Y, step, 1)]
        return torch.cat(volumes) - self._volume(torch.stack(now, -1))

    def _volume(self, Y: Tensor) -> Tensor:
        """Hypervolume of sets of points (`... x p x m`), `...`."""
        directions, m = cast(Tensor, self.directions), Y.shape[-1]
        reach = torch.full((*Y.shape[:-1], len(directions)), torch.inf, dtype=Y.dtype, device=Y.device)
        for k in range(m):
            reach = torch.minimum(reach, (Y[..., k : k + 1] - cast(Tensor, self.ref_point)[k]) / directions[:, k])
        ball = math.pi ** (m / 2) / (2**m * math.gamma(m / 2 + 1))  # volume of the unit ball's positive part
        volume: Tensor = ball * (reach.amax(-2).clamp_min(0.0) ** m).mean(-1)
        return volume


def _joint(model: Any, X: Tensor) -> tuple[Tensor, Tensor]:
    """Mean (`... x q`) and covariance (`... x q x q`) of one outcome at X."""
    normal = joint_normal(model.posterior(X), "the hypervolume knowledge gradient")
    return normal.mean, normal.covariance_matrix
