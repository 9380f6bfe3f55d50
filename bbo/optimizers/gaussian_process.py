"""Gaussian processes over the model's inputs, by BoTorch, and the acquisition functions that rest on them.

Imports torch: to be imported where it is used. Everything here maximizes, and runs inside `numerics`.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from botorch.acquisition.acquisition import AcquisitionFunction
from botorch.acquisition.analytic import LogProbabilityOfFeasibility
from botorch.acquisition.logei import qLogNoisyExpectedImprovement
from botorch.acquisition.multi_objective import logei as multi_objective
from botorch.acquisition.multi_objective.objective import IdentityMCMultiOutputObjective
from botorch.acquisition.objective import GenericMCObjective
from botorch.fit import fit_gpytorch_mll
from botorch.models.gp_regression import SingleTaskGP
from botorch.models.model_list_gp_regression import ModelListGP
from botorch.models.utils.gpytorch_modules import get_covar_module_with_dim_scaled_prior
from botorch.optim.optimize import optimize_acqf
from botorch.sampling.normal import SobolQMCNormalSampler
from botorch.utils.multi_objective.hypervolume import infer_reference_point
from gpytorch.constraints import GreaterThan
from gpytorch.mlls import ExactMarginalLogLikelihood
from numpy.typing import NDArray
from scipy.special import log_ndtr
from threadpoolctl import threadpool_limits
from torch import Tensor

Array = NDArray[np.float64]
Memo = dict[str, dict[str, Any]]

_CHUNK = 250  # points evaluated at a time: bounds memory, not results


@dataclass(frozen=True, slots=True)
class Target:
    """What one Gaussian process is fitted to.

    Args:
        name: Name of the outcome.
        X: Model inputs, `n x p`.
        y: Standardised values, `n`; an objective's are to be maximized.
        variance: Variances of their noise, `n`; None where it is to be inferred.
        shift, scale: ``shift + scale * y`` is the outcome in its own units and sign.
        lower, upper: Bounds on y that make a point feasible, where the outcome is constrained.
        smooth: Least length scale, in units of the cube's diagonal.
    """

    name: str
    X: Array
    y: Array
    variance: Array | None = None
    shift: float = 0.0
    scale: float = 1.0
    lower: float | None = None
    upper: float | None = None
    smooth: float = 0.0

    @property
    def bounded(self) -> bool:
        """Whether it is constrained."""
        return self.lower is not None or self.upper is not None


@contextmanager
def numerics(seed: int) -> Iterator[None]:
    """Seeded random numbers and one thread, so that results are the same bit for bit; both are put back afterwards.

    Warnings of the libraries are silenced, and BoTorch's attempt to compile a kernel with whatever compiler it finds (tens of
    seconds, and other last digits from then on) is prevented.
    """
    threads, kernel = torch.get_num_threads(), (multi_objective._load_attempted, multi_objective._C)
    with warnings.catch_warnings(), torch.random.fork_rng(devices=[]), threadpool_limits(1):
        warnings.simplefilter("ignore")
        try:
            torch.set_num_threads(1)
            torch.manual_seed(seed)
            multi_objective._load_attempted, multi_objective._C = True, None
            yield
        finally:
            torch.set_num_threads(threads)
            multi_objective._load_attempted, multi_objective._C = kernel


@dataclass(frozen=True, slots=True)
class Surrogate:
    """Independent Gaussian processes, one a target; those of the objectives come first."""

    targets: tuple[Target, ...]
    gps: tuple[SingleTaskGP, ...]

    @property
    def model(self) -> ModelListGP:
        """All of them as one BoTorch model."""
        return ModelListGP(*self.gps)

    def memo(self) -> Memo:
        """The hyperparameters as plain JSON; `condition` takes them."""
        return {
            target.name: {key: value.detach().tolist() for key, value in gp.named_parameters()}
            for target, gp in zip(self.targets, self.gps, strict=True)
        }

    def predict(self, X: Array) -> tuple[Array, Array]:
        """Mean and standard deviation of the standardised targets, without the noise of a measurement, each `n x t`."""
        means, sds = np.empty((2, len(X), len(self.gps)))
        with torch.no_grad():
            for k, gp in enumerate(self.gps):
                posterior = gp.posterior(_tensor(X))
                means[:, k] = posterior.mean[:, 0].numpy()
                sds[:, k] = posterior.variance[:, 0].clamp_min(0).sqrt().numpy()
        return means, sds

    def log_p_feasible(self, X: Array) -> Array:
        """Logarithm of the probability that every bounded target keeps its bounds, shape `n`."""
        total = np.zeros(len(X))
        for target, mean, sd in zip(self.targets, *(values.T for values in self.predict(X)), strict=True):
            if target.bounded:
                total += _log_between(*((bound - mean) / np.maximum(sd, 1e-12) for bound in _ends(target)))
        return total

    def believe(self, X: Array) -> Surrogate:
        """As if the means at X had been measured: where trials are running, nothing new is to be found."""
        if not len(X):
            return self
        means, _ = self.predict(X)
        grown = [
            replace(
                target,
                X=np.vstack([target.X, X]),
                y=np.append(target.y, mean),
                variance=None if target.variance is None else np.append(target.variance, np.full(len(X), target.variance.mean())),
            )
            for target, mean in zip(self.targets, means.T, strict=True)
        ]
        return condition(grown, self.memo())


def fit(targets: Sequence[Target]) -> Surrogate:
    """Hyperparameters that maximize the posterior (marginal likelihood and BoTorch's priors)."""
    gps = [_gp(target) for target in targets]
    for gp in gps:
        fit_gpytorch_mll(ExactMarginalLogLikelihood(gp.likelihood, gp), optimizer_kwargs={"options": {"maxiter": 200}})
    return Surrogate(tuple(targets), tuple(gp.eval() for gp in gps))


def condition(targets: Sequence[Target], memo: Mapping[str, Mapping[str, Any]]) -> Surrogate:
    """The surrogate with hyperparameters of an earlier fit; targets that were not part of it are left out."""
    kept = [target for target in targets if target.name in memo]
    gps = [_gp(target) for target in kept]
    with torch.no_grad():
        for target, gp in zip(kept, gps, strict=True):
            for key, parameter in gp.named_parameters():
                parameter.copy_(_tensor(memo[target.name][key]))
    return Surrogate(tuple(kept), tuple(gp.eval() for gp in gps))


def improvement(surrogate: Surrogate, baseline: Array, *, seed: int) -> AcquisitionFunction:
    """Log expected improvement over the best of the baseline points (`b x p`), whose own values are uncertain, among feasible ones.

    Source: Ament et al. (2023), arXiv:2310.20708; Letham et al. (2019), arXiv:1706.07094.
    """
    return qLogNoisyExpectedImprovement(
        surrogate.model,
        _tensor(baseline),
        sampler=SobolQMCNormalSampler(torch.Size([128]), seed=seed),
        objective=GenericMCObjective(_first),
        constraints=_constraints(surrogate.targets),
    )


def hypervolume_improvement(
    surrogate: Surrogate, baseline: Array, observed: Array, reference: Sequence[float | None], *, seed: int
) -> AcquisitionFunction:
    """Log expected hypervolume improvement over the baseline points (`b x p`), whose own values are uncertain, among feasible ones.

    Args:
        surrogate: Its first ``len(reference)`` targets are the objectives.
        baseline: Points to improve on.
        observed: Standardised objectives of feasible trials, `n x m`.
        reference: The reference point; None where it is to be inferred from what was observed.
        seed: Seed of the posterior samples.

    Source: Daulton et al. (2021), arXiv:2105.08195; Ament et al. (2023), arXiv:2310.20708.
    """
    inferred = infer_reference_point(_tensor(observed))
    point = [float(inferred[k]) if given is None else given for k, given in enumerate(reference)]
    return multi_objective.qLogNoisyExpectedHypervolumeImprovement(
        surrogate.model,
        point,
        _tensor(baseline),
        sampler=SobolQMCNormalSampler(torch.Size([32]), seed=seed),
        objective=IdentityMCMultiOutputObjective(outcomes=list(range(len(reference)))),
        constraints=_constraints(surrogate.targets),
        prune_baseline=True,
    )


def feasibility(surrogate: Surrogate) -> AcquisitionFunction:
    """Log probability that all bounds are kept."""
    bounds = {k: (target.lower, target.upper) for k, target in enumerate(surrogate.targets) if target.bounded}
    return LogProbabilityOfFeasibility(surrogate.model, bounds)


def evaluate(acquisition: AcquisitionFunction, X: Array) -> Array:
    """The acquisition function at each of X (`n x p`), shape `n`; minus infinity where it is no number."""
    with torch.no_grad():
        values = [acquisition(_tensor(X[start : start + _CHUNK]).unsqueeze(-2)) for start in range(0, len(X), _CHUNK)]
    found: Array = torch.cat(values).numpy()
    return np.where(np.isnan(found), -np.inf, found)


def climb(acquisition: AcquisitionFunction, starts: Array, *, fixed: Mapping[int, float]) -> Array:
    """Local maxima in the unit cube from each of the starts (`k x p`), with some columns held fixed."""
    unit = torch.stack([torch.zeros(starts.shape[1]), torch.ones(starts.shape[1])]).to(torch.float64)
    points, _ = optimize_acqf(
        acquisition,
        bounds=unit,
        q=1,
        num_restarts=len(starts),
        batch_initial_conditions=_tensor(starts).clamp(0, 1).unsqueeze(-2),
        fixed_features=dict(fixed) or None,
        return_best_only=False,
        retry_on_optimization_warning=False,
        options={"maxiter": 60},
    )
    return np.asarray(points.detach().numpy()[:, 0], dtype=float)


def _gp(target: Target) -> SingleTaskGP:
    variance = None if target.variance is None else _tensor(target.variance).unsqueeze(-1)
    kernel = get_covar_module_with_dim_scaled_prior(ard_num_dims=target.X.shape[1])
    if target.smooth:
        least = target.smooth * math.sqrt(target.X.shape[1])
        start = max(float(kernel.lengthscale.max()), 1.1 * least)
        kernel.register_constraint("raw_lengthscale", GreaterThan(least, transform=None, initial_value=start))
    return SingleTaskGP(_tensor(target.X), _tensor(target.y).unsqueeze(-1), variance, covar_module=kernel, outcome_transform=None)


def _constraints(targets: Sequence[Target]) -> list[Callable[[Tensor], Tensor]] | None:
    """``g <= 0`` on samples (`... x t`) for each bound."""
    found: list[Callable[[Tensor], Tensor]] = []
    for k, target in enumerate(targets):
        if target.lower is not None:
            found.append(_bound(k, target.lower, sign=-1.0))
        if target.upper is not None:
            found.append(_bound(k, target.upper, sign=1.0))
    return found or None


def _bound(k: int, bound: float, *, sign: float) -> Callable[[Tensor], Tensor]:
    return lambda Y: sign * (Y[..., k] - bound)


def _first(Y: Tensor, X: Tensor | None = None) -> Tensor:
    return Y[..., 0]


def _log_between(a: Array, b: Array) -> Array:
    """``log(Phi(b) - Phi(a))`` for ``a < b``, in the tails too: taken on the side where both are small."""
    a, b = np.where(a > 0, -b, a), np.where(a > 0, -a, b)
    upper = log_ndtr(b)
    return np.asarray(upper + np.log1p(-np.exp(log_ndtr(a) - upper)), dtype=float)


def _ends(target: Target) -> tuple[float, float]:
    return (-np.inf if target.lower is None else target.lower, np.inf if target.upper is None else target.upper)


def _tensor(values: Any) -> Tensor:
    return torch.as_tensor(np.asarray(values), dtype=torch.float64)
