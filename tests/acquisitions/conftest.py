"""A plain Gaussian process with fixed hyperparameters, and the same one in BoTorch: two independent oracles."""

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.linalg import cho_solve, cholesky, solve_triangular


class Gaussian:
    """RBF kernel of unit outputscale, zero mean: `predict`, `at`, `baseline` as `surrogates.exact_gp` has them, by the book."""

    def __init__(self, X, y, lengthscale=0.3, noise=1e-2):
        self.X, self.y, self.lengthscale, self.noise = X, y, lengthscale, noise
        self.L = cholesky(self.k(X, X) + noise * np.eye(len(X)), lower=True)
        self.alpha = cho_solve((self.L, True), y)

    def k(self, A, B):
        return np.exp(-0.5 * ((A[:, None] - B[None]) ** 2).sum(-1) / self.lengthscale**2)

    def predict(self, X):
        k = self.k(X, self.X)
        return k @ self.alpha, np.maximum(1 - (solve_triangular(self.L, k.T, lower=True) ** 2).sum(0), 1e-14)

    def covariance(self, A, B):
        return self.k(A, B) - self.k(A, self.X) @ cho_solve((self.L, True), self.k(self.X, B))

    def baseline(self, B):
        return SimpleNamespace(X=B, mean=self.predict(B)[0], covariance=self.covariance(B, B))

    def at(self, X, baseline=None):
        mean, variance = self.predict(X)
        covariance = None if baseline is None else self.covariance(X, baseline.X)

        def pull(d_mean, d_variance, d_covariance=None):
            def back(weights, Z):  # gradient of sum(weights * k(X, Z)) with respect to X
                return (((weights * self.k(X, Z))[:, :, None] * (Z[None] - X[:, None])).sum(1)) / self.lengthscale**2

            d_mean, d_variance = (np.zeros(len(X)) if d is None else d for d in (d_mean, d_variance))
            k = self.k(X, self.X)
            weights = d_mean[:, None] * self.alpha - 2 * d_variance[:, None] * cho_solve((self.L, True), k.T).T
            gradient = np.zeros_like(X)
            if d_covariance is not None:
                weights = weights - d_covariance @ cho_solve((self.L, True), self.k(self.X, baseline.X)).T
                gradient = back(d_covariance, baseline.X)
            return gradient + back(weights, self.X)

        return SimpleNamespace(X=X, mean=mean, variance=variance, covariance=covariance, pull=pull)

    def pairs(self, here, there):
        X, Z = here.X, there.X

        def pull(d):
            def half(P, Q):  # gradient of sum(d * covariance(P, Q)) row by row with respect to P
                prior = (d * np.diag(self.k(P, Q)))[:, None] * (Q - P)
                weights = d[:, None] * cho_solve((self.L, True), self.k(self.X, Q)).T * self.k(P, self.X)
                return (prior - (weights[:, :, None] * (self.X[None] - P[:, None])).sum(1)) / self.lengthscale**2

            return half(X, Z), half(Z, X)

        return SimpleNamespace(covariance=np.diag(self.covariance(X, Z)), pull=pull)


@dataclass
class Case:
    """One or more outcomes at the same points, in NumPy and in BoTorch."""

    X: np.ndarray
    Y: np.ndarray
    gps: list[Gaussian]
    lengthscales: list[float]
    noise: float

    @property
    def model(self):
        import torch
        from botorch.models import ModelListGP, SingleTaskGP
        from gpytorch.kernels import RBFKernel
        from gpytorch.means import ZeroMean

        models = []
        for k, lengthscale in enumerate(self.lengthscales):
            kernel = RBFKernel().double()
            kernel.lengthscale = lengthscale
            X, y = torch.as_tensor(self.X), torch.as_tensor(self.Y[:, k : k + 1])
            noise = torch.full_like(y, self.noise)
            models.append(SingleTaskGP(X, y, noise, covar_module=kernel, mean_module=ZeroMean(), outcome_transform=None).double())
        return (models[0] if len(models) == 1 else ModelListGP(*models)).eval()


@pytest.fixture(scope="session")
def make_case():
    def make(outcomes=1, n=20, d=3, noise=1e-2, seed=0):
        rng = np.random.default_rng(seed)
        X = rng.random((n, d))
        lengthscales = list(0.3 + 0.15 * np.arange(outcomes))
        phases = rng.random((outcomes, d)) * 3
        Y = np.stack([np.sin(4 * X + phase).sum(1) for phase in phases], 1)
        Y = (Y - Y.mean(0)) / Y.std(0) + np.sqrt(noise) * rng.standard_normal(Y.shape)
        return Case(X, Y, [Gaussian(X, y, l, noise) for y, l in zip(Y.T, lengthscales, strict=True)], lengthscales, noise)

    return make


@pytest.fixture(scope="session")
def check_gradient():
    def check(acquisition, X, h=1e-5, tolerance=2e-6):
        """The gradient against central differences, in units of its own size."""
        value, gradient = acquisition.value_and_gradient(X)
        np.testing.assert_allclose(value, acquisition.value(X), rtol=1e-9, atol=1e-12)
        for j in range(X.shape[1]):
            step = np.zeros(X.shape[1])
            step[j] = h
            numeric = (acquisition.value(X + step) - acquisition.value(X - step)) / (2 * h)
            scale = np.maximum(np.abs(gradient).max(1), np.abs(value) * 1e-3)
            assert np.all(np.abs(gradient[:, j] - numeric) <= tolerance * scale + 1e-12)

    return check
