"""A BoTorch `SingleTaskGP` with the hyperparameters of an exact Gaussian process. Imports torch, GPyTorch and BoTorch."""

from __future__ import annotations

import math

import gpytorch
import torch
from botorch.models import SingleTaskGP
from botorch.models.kernels.categorical import CategoricalKernel
from botorch.models.transforms.input import Warp
from botorch.models.transforms.outcome import Standardize
from gpytorch.constraints import GreaterThan
from torch import Tensor

from surrogates.exact_gp.arrays import Array, of
from surrogates.exact_gp.gp import ExactGP
from surrogates.exact_gp.kernels.base import Kernel
from surrogates.exact_gp.kernels.categorical import Hamming
from surrogates.exact_gp.kernels.composite import Product, Scaled, Sum
from surrogates.exact_gp.kernels.stationary import Stationary
from surrogates.exact_gp.kernels.warped import EDGE, Warped
from surrogates.exact_gp.transforms import Standardise


class UnsupportedKernel(ValueError):
    """GPyTorch has no equal of a kernel."""


def twin(gp: ExactGP, scaling: Standardise) -> SingleTaskGP:
    """The same process as a `SingleTaskGP`, with outcomes in their own units.

    Args:
        gp: Fitted to standardised values.
        scaling: How they were standardised.

    Raises:
        UnsupportedKernel: Of latent, conditional and linear kernels, and of warping that is not of whole columns.
    """
    X, theta = _tensor(gp.X), of(gp.L).numpy(gp.theta)
    yvar = None if gp.yvar is None else _tensor(gp.yvar).unsqueeze(-1)
    if len(gp.weights) == 1:
        mean: gpytorch.means.Mean = gpytorch.means.ConstantMean()
        mean.double().initialize(constant=_tensor(gp.weights[0]))
    else:
        mean = gpytorch.means.LinearMean(X.shape[1])
        mean.double().initialize(weights=_tensor(gp.weights[1:]).unsqueeze(-1), bias=_tensor(gp.weights[:1]))
    plain, theta, warp = _unwarped(gp.kernel, theta, X.shape[1])
    model = SingleTaskGP(
        X,
        _tensor(gp.y).unsqueeze(-1),
        yvar,
        covar_module=_kernel(plain, theta).double(),
        mean_module=mean,
        outcome_transform=None,
        input_transform=warp,
    )
    if gp.yvar is None:
        model.likelihood.noise_covar.register_constraint("raw_noise", GreaterThan(1e-12, transform=None))
        model.likelihood.initialize(noise=torch.tensor([gp.noise], dtype=torch.float64))
    model.outcome_transform = _standardize(scaling)  # set now: given to the constructor, it would learn from the data
    return model.eval().to(X)  # parts that were set one by one were made on the CPU


def _standardize(scaling: Standardise) -> Standardize:
    """BoTorch's transform with our mean and standard deviation, not learned again."""
    transform = Standardize(m=1)
    transform.means = torch.full((1, 1), scaling.shift, dtype=torch.float64)
    transform.stdvs = torch.full((1, 1), scaling.scale, dtype=torch.float64)
    transform._stdvs_sq = torch.full((1, 1), scaling.scale**2, dtype=torch.float64)
    transform._is_trained = torch.tensor(True)
    return transform


def _unwarped(kernel: Kernel, theta: Array, d: int) -> tuple[Kernel, Array, Warp | None]:
    """The kernel without its warping, its hyperparameters, and the warping as an input transform."""
    if isinstance(kernel, Scaled):
        part, rest, warp = _unwarped(kernel.part, theta[:-1], d)
        return Scaled(part), torch.cat([_tensor(rest), _tensor(theta[-1:])]).numpy(), warp
    if isinstance(kernel, Product) and isinstance(kernel.parts[0], Warped):
        own = len(kernel.parts[0].parameters)
        first, rest, warp = _unwarped(kernel.parts[0], theta[:own], d)
        if any(set(kernel.parts[0].columns) & _columns(part) for part in kernel.parts[1:]):
            raise UnsupportedKernel("to_gpytorch: a column is warped for one kernel and not for another")
        return Product((first, *kernel.parts[1:])), torch.cat([_tensor(rest), _tensor(theta[own:])]).numpy(), warp
    if not isinstance(kernel, Warped):
        return kernel, theta, None
    if not _columns(kernel.part) <= set(kernel.columns):
        raise UnsupportedKernel("to_gpytorch: only some columns of a kernel are warped")
    own, c = len(kernel.part.parameters), len(kernel.columns)
    bounds = torch.stack([torch.zeros(d), torch.ones(d)]).double()
    warp = Warp(d, list(kernel.columns), eps=EDGE, bounds=bounds).double()
    gpytorch.Module.initialize(warp, concentration1=_tensor(theta[own : own + c]).exp(), concentration0=_tensor(theta[own + c :]).exp())
    return kernel.part, theta[:own], warp


def _columns(kernel: Kernel) -> set[int]:
    """The columns that a kernel looks at, as far as can be told."""
    if isinstance(kernel, (Product, Sum)):
        return set().union(*(_columns(part) for part in kernel.parts))
    return set(kernel.columns) if isinstance(kernel, (Stationary, Hamming, Warped)) else set()


def _kernel(kernel: Kernel, theta: Array) -> gpytorch.kernels.Kernel:
    values = _tensor(theta)
    if isinstance(kernel, Stationary):
        shared = {
            "ard_num_dims": len(kernel.columns),
            "active_dims": kernel.columns,
            "lengthscale_constraint": GreaterThan(1e-12, transform=None),
        }
        nu = {"matern12": 0.5, "matern32": 1.5, "matern52": 2.5}.get(kernel.profile)
        found = gpytorch.kernels.RBFKernel(**shared) if nu is None else gpytorch.kernels.MaternKernel(nu, **shared)
        found.double().initialize(lengthscale=values.exp())
        return found
    if isinstance(kernel, Hamming):
        if kernel.levels.conditional:
            raise UnsupportedKernel("to_gpytorch: a categorical column has a condition")
        c = len(kernel.columns)  # by which BoTorch divides the sum
        found = CategoricalKernel(ard_num_dims=c, active_dims=kernel.columns, lengthscale_constraint=GreaterThan(1e-12, transform=None))
        found.double().initialize(lengthscale=values.exp() / c)
        return found
    if isinstance(kernel, Scaled):
        found = gpytorch.kernels.ScaleKernel(_kernel(kernel.part, theta[:-1]), outputscale_constraint=GreaterThan(1e-12, transform=None))
        found.double().initialize(outputscale=math.exp(theta[-1]))
        return found
    if isinstance(kernel, (Product, Sum)):
        parts, start = [], 0
        for part in kernel.parts:
            parts.append(_kernel(part, theta[start : start + len(part.parameters)]))
            start += len(part.parameters)
        return (gpytorch.kernels.ProductKernel if isinstance(kernel, Product) else gpytorch.kernels.AdditiveKernel)(*parts)
    raise UnsupportedKernel(f"to_gpytorch: GPyTorch has no equal of {type(kernel).__name__}")


def _tensor(values: Array) -> Tensor:
    return values if isinstance(values, Tensor) else torch.as_tensor(values, dtype=torch.float64)
