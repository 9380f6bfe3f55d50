"""Values and gradients agree with GPyTorch's (Cholesky forced) for every kernel that both have, and fits with BoTorch's."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import gpytorch
import numpy as np
import pytest
import torch
from gpytorch.distributions import MultivariateNormal
from gpytorch.likelihoods import FixedNoiseGaussianLikelihood, GaussianLikelihood
from gpytorch.means import ConstantMean, LinearMean

from surrogates.columns import Column, Columns
from surrogates.exact_gp import ExactGP, Settings, fit
from surrogates.exact_gp.core import evidence
from surrogates.exact_gp.gp import basis
from surrogates.exact_gp.transforms import Standardise


class Process(gpytorch.models.ExactGP):
    """A mean and a covariance."""

    def __init__(self, X, y, likelihood, mean, covar):
        super().__init__(X, y, likelihood)
        self.mean_module, self.covar_module = mean, covar

    def forward(self, X):
        return MultivariateNormal(self.mean_module(X), self.covar_module(X))


@contextmanager
def exact() -> Iterator[None]:
    """Cholesky always, no jitter of GPyTorch's own, no fast path."""
    with ExitStack() as stack, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for context in (
            gpytorch.settings.fast_computations(False, False, False),
            gpytorch.settings.max_cholesky_size(10**6),
            gpytorch.settings.cholesky_jitter(double_value=0.0),
            gpytorch.settings.fast_pred_var(False),
            gpytorch.settings.min_fixed_noise(double_value=1e-12),
        ):
            stack.enter_context(context)
        yield


def tensor(x) -> torch.Tensor:
    return torch.as_tensor(np.asarray(x, dtype=float))


def twin(gp: ExactGP, covar: gpytorch.kernels.Kernel) -> Process:
    """The same process in GPyTorch."""
    if gp.yvar is not None:
        likelihood = FixedNoiseGaussianLikelihood(tensor(gp.yvar))
    else:
        likelihood = GaussianLikelihood(noise_constraint=gpytorch.constraints.GreaterThan(1e-12, transform=None)).double()
        likelihood.noise = tensor([gp.noise])
    if len(gp.weights) == 1:
        mean = ConstantMean().double()
        mean.initialize(constant=tensor(gp.weights[0]))
    else:
        mean = LinearMean(gp.X.shape[1]).double()
        mean.initialize(weights=tensor(gp.weights[1:]).unsqueeze(-1), bias=tensor(gp.weights[:1]))
    return Process(tensor(gp.X), tensor(gp.y), likelihood, mean, covar.double()).double()


def plain() -> gpytorch.constraints.GreaterThan:
    """A constraint that leaves the raw parameter alone, so that its gradient is the parameter's."""
    return gpytorch.constraints.GreaterThan(1e-12, transform=None)


class Exponential(gpytorch.kernels.MaternKernel):
    """GPyTorch's Matern 1/2 on distances taken directly: its own come from norms, and are 1e-8 between a point and itself."""

    def covar_dist(self, x1, x2, diag=False, **_):
        squares = ((x1 - x2) ** 2).sum(-1) if diag else ((x1.unsqueeze(-2) - x2.unsqueeze(-3)) ** 2).sum(-1)
        same = squares == 0
        return torch.where(same, 0.0, torch.where(same, 1.0, squares).sqrt())


def stationary(gp: ExactGP) -> gpytorch.kernels.Kernel:
    d, profile = gp.X.shape[1], gp.settings.kernel
    common = {"ard_num_dims": d, "lengthscale_constraint": plain()}
    nu = {"matern12": 0.5, "matern32": 1.5, "matern52": 2.5}
    if profile == "rbf":
        kernel = gpytorch.kernels.RBFKernel(**common).double()
    else:
        family = Exponential if profile == "matern12" else gpytorch.kernels.MaternKernel
        kernel = family(nu[profile], **common).double()
    kernel.lengthscale = tensor(np.exp(gp.theta))
    return kernel


def lengthscales(covar: gpytorch.kernels.Kernel) -> np.ndarray:
    """The gradient with respect to their logarithms."""
    return (covar.raw_lengthscale.grad * covar.lengthscale.detach()).numpy().ravel()


def tolerance(gp: ExactGP) -> float:
    """1e-8, or 100 machine epsilons times the condition number where that is more."""
    return max(1e-8, 100 * np.finfo(float).eps * np.linalg.cond(gp.L) ** 2)


def data(n: int, d: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    X = rng.random((n, d))
    y = np.sin(6 * X[:, 0]) + X[:, -1] ** 2 + 0.1 * rng.standard_normal(n)
    return X, (y - y.mean()) / y.std()


def agree(gp: ExactGP, covar: gpytorch.kernels.Kernel, raw_to_log, Z: np.ndarray) -> None:
    """Evidence with its gradient, posterior with its gradient; raw_to_log picks GPyTorch's gradient in our parameters."""
    other, rtol = twin(gp, covar), tolerance(gp)

    other.train()
    with exact():
        value = other.likelihood(other(tensor(gp.X)), tensor(gp.X)).log_prob(tensor(gp.y))
        value.backward()
    assert gp.log_marginal_likelihood == pytest.approx(value.item(), rel=rtol, abs=rtol * len(gp.y))
    variance = gp.noise if gp.yvar is None else gp.yvar
    H = basis(gp.X, gp.settings)
    found = evidence(gp.kernel, gp.theta, gp.features, gp.y, variance, H, gp.settings.ridge(gp.X))
    expected = raw_to_log(covar)
    np.testing.assert_allclose(found.kernel, expected, rtol=rtol, atol=rtol * np.abs(expected).max())
    if gp.yvar is None:
        noise = other.likelihood.noise_covar
        slope = noise.raw_noise.grad.item()  # the constraint transforms nothing
        assert found.noise == pytest.approx(slope, rel=rtol, abs=rtol * max(1.0, abs(slope)))

    other.eval()
    points = tensor(Z).requires_grad_()
    with exact():
        posterior = other(points)
        mean, covariance = posterior.mean, posterior.covariance_matrix
        (d_mean,) = torch.autograd.grad(mean.sum(), points, retain_graph=True)
        (d_variance,) = torch.autograd.grad(covariance.diagonal().sum(), points, retain_graph=True)
        (d_covariance,) = torch.autograd.grad(covariance[:3, 3:].sum(), points)
    moments = gp.at(Z)
    np.testing.assert_allclose(moments.mean, mean.detach(), rtol=rtol, atol=rtol)
    np.testing.assert_allclose(moments.variance, covariance.detach().diagonal(), rtol=rtol, atol=rtol)
    np.testing.assert_allclose(gp.covariance(Z, Z), covariance.detach(), rtol=rtol, atol=rtol)
    one = np.ones(len(Z))
    np.testing.assert_allclose(moments.pull(one, None), d_mean, rtol=rtol, atol=rtol * max(1.0, d_mean.abs().max().item()))
    np.testing.assert_allclose(moments.pull(None, one), d_variance, rtol=rtol, atol=rtol * max(1.0, d_variance.abs().max().item()))
    baseline = gp.baseline(Z[3:])
    beside = gp.at(Z[:3], baseline)
    np.testing.assert_allclose(beside.covariance, covariance.detach()[:3, 3:], rtol=rtol, atol=rtol)
    pulled = beside.pull(None, None, np.ones((3, len(Z) - 3)))
    np.testing.assert_allclose(pulled, d_covariance[:3], rtol=rtol, atol=rtol * max(1.0, d_covariance.abs().max().item()))
    np.testing.assert_allclose(baseline.covariance, covariance.detach()[3:, 3:], rtol=rtol, atol=rtol)


@pytest.mark.parametrize("noise", [1e-2, 1e-4, 1e-6])
@pytest.mark.parametrize("profile", ["rbf", "matern12", "matern32", "matern52"])
@pytest.mark.parametrize("n, d", [(30, 2), (120, 6)])
def test_stationary_kernels(profile, n, d, noise):
    X, y = data(n, d)
    settings = Settings(kernel=profile, noise_floor=1e-6)
    kernel = settings.build(None, d)
    gp = ExactGP.conditioned(kernel, np.log(0.4 + 0.3 * np.arange(d)), X, y, None, noise, None, settings)
    agree(gp, stationary(gp), lengthscales, np.random.default_rng(1).random((8, d)))


@pytest.mark.parametrize("profile", ["rbf", "matern12", "matern32", "matern52"])
def test_a_thousand_points(profile):
    X, y = data(1000, 6)
    settings = Settings(kernel=profile, noise_floor=1e-6)
    gp = ExactGP.conditioned(settings.build(None, 6), np.full(6, np.log(0.8)), X, y, None, 1e-6, None, settings)
    agree(gp, stationary(gp), lengthscales, np.random.default_rng(1).random((8, 6)))


MIXED = Columns((Column("x"), Column("c", "categorical", (0.0, 0.5, 1.0)), Column("y"), Column("e", "categorical", (0.0, 1.0))))


@pytest.mark.parametrize("warp", [False, True])
@pytest.mark.parametrize("noise", [1e-2, 1e-6])
def test_composed_kernels(noise, warp):
    from surrogates.exact_gp.gpytorch_twin import twin as single_task_gp

    rng = np.random.default_rng(2)
    X = MIXED.snap(rng.random((60, 4)))
    y = np.sin(6 * X[:, 0]) + X[:, 1] * X[:, 2] + X[:, 3] + 0.1 * rng.standard_normal(60)
    settings = Settings(kernel="matern52", warp=warp, outputscale=True, noise_floor=1e-6)
    kernel = settings.build(MIXED, 4)
    theta = 0.4 * rng.standard_normal(len(kernel.parameters))
    gp = ExactGP.conditioned(kernel, theta, X, (y - y.mean()) / y.std(), None, noise, MIXED, settings)
    other = single_task_gp(gp, Standardise(0.0, 1.0)).train()
    with exact():
        value = other.likelihood(other(tensor(X)), tensor(X)).log_prob(tensor(gp.y))
        value.backward()
    rtol = tolerance(gp)
    assert gp.log_marginal_likelihood == pytest.approx(value.item(), rel=rtol, abs=rtol * 60)
    product = other.covar_module.base_kernel
    raw = [product.kernels[0].raw_lengthscale]
    raw += [other.input_transform.concentration1, other.input_transform.concentration0] if warp else []
    raw += [product.kernels[1].raw_lengthscale, other.covar_module.raw_outputscale]  # no constraint transforms any of them
    expected = np.concatenate([(p.grad * p.detach()).numpy().ravel() for p in raw])
    found = evidence(kernel, theta, gp.features, gp.y, noise, basis(X, settings)).kernel
    np.testing.assert_allclose(found, expected, rtol=rtol, atol=rtol * np.abs(expected).max())


def test_known_noise_and_linear_mean():
    X, y = data(40, 3)
    settings = Settings(kernel="matern52", mean="linear")
    yvar = np.linspace(1e-4, 0.5, 40)
    gp = ExactGP.conditioned(settings.build(None, 3), np.log([0.3, 0.6, 0.9]), X, y, yvar, 0.0, None, settings)
    agree(gp, stationary(gp), lengthscales, np.random.default_rng(1).random((8, 3)))


@pytest.mark.parametrize("n, d, known", [(20, 2, False), (60, 6, False), (60, 6, True), (40, 12, False)])
def test_a_fit_ends_where_botorch_ends(n, d, known):
    from botorch.fit import fit_gpytorch_mll
    from botorch.models import SingleTaskGP
    from gpytorch.mlls import ExactMarginalLogLikelihood

    X, y = data(n, d)
    yvar = np.full(n, 0.01) if known else None
    gp = fit(X, y, yvar)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = SingleTaskGP(tensor(X), tensor(y)[:, None], None if yvar is None else tensor(yvar)[:, None], outcome_transform=None)
        mll = fit_gpytorch_mll(ExactMarginalLogLikelihood(model.likelihood, model))
        mll.train()
        theirs = mll(model(tensor(X)), model.train_targets).sum().item()
        model.covar_module.lengthscale = tensor(np.exp(gp.theta))
        model.mean_module.initialize(constant=tensor(gp.weights[0]))
        if not known:
            model.likelihood.noise = tensor([gp.noise])
        ours = mll(model(tensor(X)), model.train_targets).sum().item()
    assert ours >= theirs - 1e-5  # of the posterior density a point, at BoTorch's own reckoning


def test_priors_are_botorchs():
    from botorch.models import SingleTaskGP
    from gpytorch.mlls import ExactMarginalLogLikelihood

    from surrogates.exact_gp.fitting import Posterior

    X, y = data(20, 3)
    y /= y.std(ddof=1)
    settings = Settings()
    posterior = Posterior(settings.build(None, 3), X, y, None, settings)
    theta = np.log([0.3, 0.6, 2.0, 0.02])
    model = SingleTaskGP(tensor(X), tensor(y)[:, None], outcome_transform=None)
    np.testing.assert_allclose(np.exp(posterior.parameters.start[:3]), model.covar_module.lengthscale.detach().ravel())
    assert np.exp(posterior.parameters.start[3]) == pytest.approx(model.likelihood.noise.item())
    mll = ExactMarginalLogLikelihood(model.likelihood, model)
    model.covar_module.lengthscale, model.likelihood.noise = tensor(np.exp(theta[:3])), tensor(np.exp(theta[3:]))
    gp = ExactGP.conditioned(posterior.kernel, theta[:3], X, y, None, float(np.exp(theta[3])), None, settings)
    model.mean_module.initialize(constant=tensor(gp.weights[0]))
    with exact():
        theirs = mll(model(tensor(X)), model.train_targets).sum().item()
    assert -posterior(theta)[0] == pytest.approx(theirs, rel=1e-8)  # GPyTorch keeps its priors in single precision
