"""The BoTorch `Model` over exact Gaussian processes, one an output. Imports torch and BoTorch.

Values and gradients are computed by the processes (NumPy on the CPU) and enter autograd as one function; what is built on them,
conditioning on fantasies included, is plain torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypedDict, cast

import numpy as np
import torch
from botorch.acquisition.objective import PosteriorTransform
from botorch.models.model import Model
from botorch.posteriors.gpytorch import GPyTorchPosterior
from botorch.posteriors.posterior import Posterior
from botorch.sampling.base import MCSampler
from gpytorch.distributions import MultitaskMultivariateNormal, MultivariateNormal
from linear_operator import to_linear_operator
from numpy.typing import ArrayLike
from torch import Tensor

from surrogates.columns import Columns
from surrogates.exact_gp.arrays import Array, of
from surrogates.exact_gp.fitting import fit
from surrogates.exact_gp.gp import TINY, ExactGP, Memo
from surrogates.exact_gp.kernels.base import Gram
from surrogates.exact_gp.settings import DEFAULT, Settings
from surrogates.exact_gp.transforms import Standardise

_BLOCK = 64  # points whose covariance matrix is taken at once where only its diagonal blocks are needed


class ModelMemo(TypedDict):
    """Hyperparameters of every output as plain JSON, in units of standardised outcomes."""

    outputs: list[Memo]


def fit_model(
    X: ArrayLike,
    Y: ArrayLike,
    Yvar: ArrayLike | None = None,
    *,
    columns: Columns | None = None,
    settings: Settings = DEFAULT,
    warm: ModelMemo | None = None,
    seed: int = 0,
    device: str = "cpu",
) -> ExactGPModel:
    """Fit one Gaussian process an output, as a BoTorch model; outcomes are standardised here, and predicted in their own units.

    Args:
        X: Points, `n x d`, unit cube.
        Y: Outcomes, `n x m`, own units.
        Yvar: Known variances of their noise, `n x m`; None infers one an output.
        columns, settings, seed, device: As for `fit`.
        warm: What `ExactGPModel.memo` returned.

    Raises:
        ValueError: Shapes do not fit, or an entry is not finite.
    """
    points, outcomes = (_array(values) for values in (X, Y))
    noise = None if Yvar is None else _array(Yvar)
    if outcomes.ndim != 2 or (noise is not None and noise.shape != outcomes.shape):
        raise ValueError(f"fit_model: Y is {outcomes.shape}{'' if noise is None else f' and Yvar {noise.shape}'}; both are n x m")
    if warm is not None and len(warm["outputs"]) != outcomes.shape[1]:
        raise ValueError(f"fit_model: warm is of {len(warm['outputs'])} outputs, and Y has {outcomes.shape[1]}")
    outputs = []
    for k, y in enumerate(outcomes.T):
        scaling = Standardise.fit(y)
        yvar = None if noise is None else noise[:, k] / scaling.scale**2
        memo = None if warm is None else warm["outputs"][k]
        gp = fit(points, scaling.forward(y), yvar, columns=columns, settings=settings, warm=memo, seed=seed, device=device)
        outputs.append(Output(gp, scaling))
    return ExactGPModel(outputs)


@dataclass(frozen=True, slots=True, eq=False)
class Output:
    """A process fitted to standardised values, and how they were standardised."""

    gp: ExactGP
    scaling: Standardise


class ExactGPModel(Model):
    """Independent exact Gaussian processes as a BoTorch model.

    Args:
        outputs: One an outcome, all on the same points.
        added: Observations beyond those of the processes, which may have batch dimensions: fantasies.
    """

    def __init__(self, outputs: Sequence[Output], added: Added | None = None) -> None:
        super().__init__()
        self.outputs = tuple(outputs)
        self.added = added

    @property
    def num_outputs(self) -> int:
        """Number of outcomes, m."""
        return len(self.outputs)

    @property
    def batch_shape(self) -> torch.Size:
        """Of the fantasies; empty without."""
        return torch.Size() if self.added is None else self.added.Y.shape[:-2]

    @property
    def train_inputs(self) -> tuple[Tensor]:
        """The points that the processes were fitted to, `n x d`."""
        return (_tensor(self.outputs[0].gp.X),)

    @property
    def train_targets(self) -> Tensor:
        """The outcomes there in their own units, `m x n`; `n` where m is one."""
        rows = torch.stack([output.scaling.shift + output.scaling.scale * _tensor(output.gp.y) for output in self.outputs])
        return rows[0] if len(rows) == 1 else rows

    def memo(self) -> ModelMemo:
        """Hyperparameters as plain JSON, from which `fit_model` starts when given as `warm`."""
        return {"outputs": [output.gp.memo() for output in self.outputs]}

    def subset_output(self, idcs: list[int]) -> ExactGPModel:
        """The model of some of the outcomes."""
        added = None if self.added is None else self.added.subset(idcs)
        return ExactGPModel([self.outputs[k] for k in idcs], added)

    def posterior(
        self,
        X: Tensor,
        output_indices: list[int] | None = None,
        observation_noise: bool | Tensor = False,
        posterior_transform: PosteriorTransform | None = None,
    ) -> Posterior:
        """The joint posterior of the `q` points of each batch of X (`... x q x d`), differentiable in X.

        Args:
            X: Points in the unit cube.
            output_indices: Which outcomes; all by default.
            observation_noise: Whether the noise of a measurement is included (where it was known, its mean over the data), or its
                variances, `... x q x m`, own units.
            posterior_transform: Applied at the end.
        """
        model = self if output_indices is None else self.subset_output(output_indices)
        means, covariances = zip(*(model._joint(k, X) for k in range(model.num_outputs)), strict=True)
        normals = []
        for k, (mean, covariance) in enumerate(zip(means, covariances, strict=True)):
            if isinstance(observation_noise, Tensor):
                covariance = covariance + torch.diag_embed(observation_noise[..., k].expand(mean.shape))
            elif observation_noise:
                covariance = covariance + torch.diag_embed(model.noise[k].to(mean).expand(mean.shape))
            # As an operator: the joint covariance of points that nearly coincide is singular, and only operators add jitter then.
            normals.append(MultivariateNormal(mean, to_linear_operator(covariance)))
        normal = normals[0] if len(normals) == 1 else MultitaskMultivariateNormal.from_independent_mvns(normals)
        posterior = GPyTorchPosterior(normal)
        return posterior if posterior_transform is None else posterior_transform(posterior, X=X)

    @property
    def noise(self) -> Tensor:
        """Variance of the noise of a measurement of each outcome, own units, `m`: inferred, or the mean of those known."""
        found = [o.scaling.scale**2 * (o.gp.noise if o.gp.yvar is None else float(o.gp.yvar.mean())) for o in self.outputs]
        return _tensor(found).to(self.train_inputs[0])

    def condition_on_observations(self, X: Tensor, Y: Tensor, noise: Tensor | None = None, **_: object) -> ExactGPModel:
        """The model with more observations and the same hyperparameters.

        Args:
            X: `... x q x d`.
            Y: `... x q x m`, own units; may have more batch dimensions than X, in front.
            noise: Variances of their noise, shaped like Y, own units. By default those of `noise`.
        """
        X, Y = X.to(torch.float64), Y.to(torch.float64)
        variance = (self.noise if noise is None else noise).to(Y).expand(Y.shape)
        if self.added is None and Y.ndim == 2 and not (X.requires_grad or Y.requires_grad):
            grown = []
            for k, output in enumerate(self.outputs):
                known = output.gp.yvar is not None or noise is not None
                yvar = variance[:, k] / output.scaling.scale**2 if known else None
                y = (Y[:, k] - output.scaling.shift) / output.scaling.scale
                more = output.gp.condition(_array(X), _array(y), None if yvar is None else _array(yvar))
                grown.append(Output(more, output.scaling))
            return ExactGPModel(grown)
        added = Added(X, Y, variance)
        return ExactGPModel(self.outputs, added if self.added is None else self.added.joined(added))

    def fantasize(self, X: Tensor, sampler: MCSampler, observation_noise: Tensor | None = None, **_: object) -> ExactGPModel:
        """The model conditioned on samples of what would be observed at X (`... x q x d`): one batch a sample, in front."""
        posterior = self.posterior(X, observation_noise=True if observation_noise is None else observation_noise)
        return self.condition_on_observations(X, sampler(posterior), noise=observation_noise)

    def to_gpytorch(self) -> Model:
        """A `SingleTaskGP` (or a `ModelListGP` of them) with the same data, hyperparameters and predictions.

        Raises:
            UnsupportedKernel: A kernel has no equivalent in GPyTorch.
        """
        from surrogates.exact_gp.gpytorch_twin import twin

        if self.added is not None:
            raise ValueError("to_gpytorch: a model with fantasies has no twin; take that of the model before")
        from botorch.models.model_list_gp_regression import ModelListGP

        twins = [twin(output.gp, output.scaling) for output in self.outputs]
        return twins[0] if len(twins) == 1 else ModelListGP(*twins)

    def _joint(self, k: int, X: Tensor) -> tuple[Tensor, Tensor]:
        """Mean (`... x q`) and covariance (`... x q x q`) of the k-th outcome in its own units."""
        output, added = self.outputs[k], self.added
        if added is None:
            mean, covariance = _prior_joint(output.gp, X)
        else:
            batch = _broadcast(X, added.X)
            n_added = added.X.shape[-2]
            points = torch.cat([added.X.expand(*batch, *added.X.shape[-2:]), X.expand(*batch, *X.shape[-2:])], -2)
            mean, covariance = _prior_joint(output.gp, points)
            residual = (added.Y[..., k] - output.scaling.shift) / output.scaling.scale - mean[..., :n_added]
            noise = torch.diag_embed(added.noise[..., k] / output.scaling.scale**2)
            L = torch.linalg.cholesky(covariance[..., :n_added, :n_added] + noise)
            V = torch.linalg.solve_triangular(L, covariance[..., :n_added, n_added:].expand(*L.shape[:-2], -1, -1), upper=False)
            z = torch.linalg.solve_triangular(L, residual.unsqueeze(-1), upper=False)
            mean = mean[..., n_added:] + (V.mT @ z).squeeze(-1)
            covariance = covariance[..., n_added:, n_added:] - V.mT @ V
        return output.scaling.shift + output.scaling.scale * mean, output.scaling.scale**2 * covariance


@dataclass(frozen=True, slots=True, eq=False)
class Added:
    """Observations with batch dimensions: X `... x q x d`, Y and the variances of its noise `... x q x m`, own units."""

    X: Tensor
    Y: Tensor
    noise: Tensor

    def subset(self, outputs: Sequence[int]) -> Added:
        """Of some outcomes."""
        return Added(self.X, self.Y[..., list(outputs)], self.noise[..., list(outputs)])

    def joined(self, other: Added) -> Added:
        """Both, one after the other."""
        parts = []
        for name in ("X", "Y", "noise"):
            mine, theirs = getattr(self, name), getattr(other, name)
            batch = _broadcast(mine, theirs)
            parts.append(torch.cat([mine.expand(*batch, *mine.shape[-2:]), theirs.expand(*batch, *theirs.shape[-2:])], -2))
        return Added(*parts)


def _prior_joint(gp: ExactGP, X: Tensor) -> tuple[Tensor, Tensor]:
    """Mean (`... x q`) and covariance (`... x q x q`) of a process at X, standardised units."""
    q, d = X.shape[-2:]
    mean, covariance = cast(Any, _Joint).apply(X.to(torch.float64).reshape(-1, q, d), gp)
    return mean.reshape(X.shape[:-1]), covariance.reshape(*X.shape[:-1], q)


class _Joint(torch.autograd.Function):
    """Joint posterior moments of batches of points, `b x q x d`, and their vector-Jacobian product."""

    @staticmethod
    def forward(ctx: Any, X: Tensor, gp: ExactGP) -> tuple[Tensor, Tensor]:
        xp, (b, q, d) = of(gp.L), X.shape
        points = xp.asarray(X.detach().cpu().numpy() if isinstance(gp.L, np.ndarray) else cast(Any, X))
        features = gp.kernel.features(points.reshape(b * q, d))
        gram = gp.kernel.gram(gp.theta, features, gp.features)
        V = xp.solve_lower(gp.L, gram.matrix.T)
        mean = (gp.mean(points.reshape(b * q, d)) + gram.matrix @ gp.alpha).reshape(b, q)
        if q == 1:
            variance = gp.kernel.diagonal(gp.theta, features) - xp.squares(V, 0)
            covariance = xp.clip(variance, TINY, None).reshape(b, 1, 1)
        else:
            rows = V.T.reshape(b, q, len(gp.X))
            covariance = xp.concatenate([part for _, _, part in _blocks(gp, points)], 0) - rows @ rows.swapaxes(1, 2)
            for j in range(q):
                xp.clip(covariance[:, j, j], TINY, None)
        ctx.gp, ctx.points, ctx.gram, ctx.V, ctx.features, ctx.device = gp, points, gram, V, features, X.device
        return _tensor(mean).to(X.device), _tensor(covariance).to(X.device)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, d_mean: Tensor, d_covariance: Tensor) -> tuple[Tensor, None]:
        gp, points = ctx.gp, ctx.points
        xp, (b, q, d) = of(gp.L), points.shape
        weights, squares = (xp.asarray(g.cpu().numpy() if isinstance(gp.L, np.ndarray) else g) for g in (d_mean, d_covariance))
        both = squares + squares.swapaxes(1, 2)
        solved = xp.solve_upper(gp.L, ctx.V).T.reshape(b, q, len(gp.X))
        W = xp.outer(weights.reshape(-1), gp.alpha) - (both @ solved).reshape(b * q, -1)
        gradient = ctx.gram.pull_inputs(W).reshape(b, q, d)
        if len(gp.weights) > 1:
            gradient = gradient + weights[:, :, None] * gp.weights[1:]
        if q == 1:
            direct = gp.kernel.pull_diagonal(gp.theta, ctx.features, squares.reshape(-1))
            gradient = gradient if direct is None else gradient + direct.reshape(b, q, d)
        else:
            parts = []
            for start, gram, part in _blocks(gp, points):
                c = len(part)
                whole = xp.zeros(c, q, c, q)
                whole[list(range(c)), :, list(range(c)), :] = both[start : start + c]
                parts.append(gram.pull_inputs(whole.reshape(c * q, c * q)).reshape(c, q, d))
            gradient = gradient + xp.concatenate(parts, 0)
        return _tensor(gradient).to(ctx.device), None


def _blocks(gp: ExactGP, points: Array) -> list[tuple[int, Gram, Array]]:
    """Prior covariances within the batches of points (`b x q x d`), some batches at a time: where they start, gram, `c x q x q`."""
    b, q, d = points.shape
    step, found = max(1, _BLOCK // q), []
    for start in range(0, b, step):
        chunk = points[start : start + step]
        c = len(chunk)
        features = gp.kernel.features(chunk.reshape(c * q, d))
        gram = gp.kernel.gram(gp.theta, features, features)
        found.append((start, gram, gram.matrix.reshape(c, q, c, q)[list(range(c)), :, list(range(c)), :]))
    return found


def _broadcast(a: Tensor, b: Tensor) -> torch.Size:
    """The batch dimensions (all but two) of both."""
    return torch.Size(np.broadcast_shapes(a.shape[:-2], b.shape[:-2]))


def _array(values: ArrayLike | Tensor) -> Array:
    return values.detach().cpu().numpy().astype(float) if isinstance(values, Tensor) else np.asarray(values, dtype=float)


def _tensor(values: ArrayLike) -> Tensor:
    return values if isinstance(values, Tensor) else torch.as_tensor(np.asarray(values), dtype=torch.float64)
