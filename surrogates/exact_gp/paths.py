"""Functions drawn from the posterior of an exact Gaussian process, to be evaluated anywhere.

Matheron's rule: a draw f of the prior, moved by what it takes to meet the data,
``f(x) + k(x, X) (K + N)^-1 (y - f(X) - e)`` with ``e ~ N(0, N)``, is a draw of the posterior. The draw of the prior is a sum of waves
(random Fourier features); the rest is exact, so that a path has the posterior's mean and covariance on average over its frequencies,
and meets data without noise whatever they are.

Source: Wilson et al. (2020), arXiv:2002.09309, equation 13; the features: Rahimi & Recht (2007).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from surrogates.exact_gp.arrays import Array, of
from surrogates.exact_gp.gp import ExactGP
from surrogates.exact_gp.kernels.base import Features, spectral

WAVES = 1024
"""Waves of a path: Wilson et al. take as many features."""


@dataclass(frozen=True, eq=False)
class SamplePath:
    """One function of the posterior's.

    Args:
        gp: The process.
        frequencies: Of the waves, in the space where the kernel is stationary, `k x w`.
        phases: `w`.
        amplitudes: `w`.
        update: What the data add, in weights of the training points, `n`.
    """

    gp: ExactGP
    frequencies: Array
    phases: Array
    amplitudes: Array
    update: Array

    def value(self, X: Array) -> Array:
        """The function at X (`m x d`), `m`."""
        gp = self.gp
        features = gp.kernel.features(X)
        gram = gp.kernel.gram(gp.theta, features, gp.features)
        value: Array = gp.mean(X) + self._prior(features)[0] + gram.matrix @ self.update
        return value

    def rough(self, X: Array) -> Array:
        """Nearly the function at X (`m x d`), `m`: with waves in single precision, whose cosines cost a quarter; to rank points by."""
        if not isinstance(self.phases, np.ndarray):
            return self.value(X)
        gp = self.gp
        features = gp.kernel.features(X)
        gram = gp.kernel.gram(gp.theta, features, gp.features)
        embedded = spectral(gp.kernel).embedded(gp.theta, features)
        frequencies, phases, amplitudes = self._single
        angles = embedded.astype(np.float32) @ frequencies
        angles -= phases
        waves: Array = np.cos(angles, out=angles) @ amplitudes
        return gp.mean(X) + waves + gram.matrix @ self.update

    @cached_property
    def _single(self) -> tuple[NDArray[np.float32], ...]:
        return tuple(part.astype(np.float32) for part in (self.frequencies, self.phases, self.amplitudes))

    def value_and_gradient(self, X: Array) -> tuple[Array, Array]:
        """The function (`m`) and its gradient (`m x d`) at X (`m x d`)."""
        gp, xp = self.gp, of(self.update)
        features = gp.kernel.features(X)
        gram = gp.kernel.gram(gp.theta, features, gp.features)
        prior, angles = self._prior(features)
        value = gp.mean(X) + prior + gram.matrix @ self.update
        slopes = -(xp.sin(angles) * self.amplitudes) @ self.frequencies.T
        gradient = spectral(gp.kernel).pull_embedded(gp.theta, features, slopes)
        gradient = gradient + gram.pull_inputs(xp.outer(xp.ones(len(X)), self.update))
        if len(gp.weights) > 1:
            gradient = gradient + gp.weights[1:]
        return value, gradient

    def _prior(self, features: Features) -> tuple[Array, Array]:
        """The draw of the prior, without its mean (`m`), and the angles of its waves (`m x w`)."""
        kernel = spectral(self.gp.kernel)
        angles = kernel.embedded(self.gp.theta, features) @ self.frequencies - self.phases
        return of(angles).cos(angles) @ self.amplitudes, angles


def sample_path(gp: ExactGP, rng: np.random.Generator, *, waves: int = WAVES) -> SamplePath:
    """Draw a function of the posterior.

    Costs O(n^2 + n w) to draw and O(n + w) a point to evaluate, for n data and w waves.

    Args:
        gp: The process; of products of stationary kernels, warped or of levels, as `Settings.kernel` makes them.
        rng: Source of the draws.
        waves: How many; the covariance of paths with equal frequencies is off by about ``1 / sqrt(2 waves)`` of the variance.

    Raises:
        NotImplementedError: The kernel has no spectral density here.
    """
    xp, kernel = of(gp.L), spectral(gp.kernel)
    frequencies = xp.asarray(kernel.frequencies(gp.theta, gp.features, waves, rng))
    variance = kernel.diagonal(gp.theta, gp.features)  # the same everywhere
    amplitudes = xp.asarray(rng.rayleigh(size=waves)) * xp.sqrt(variance[:1] / waves)
    path = SamplePath(gp, frequencies, xp.asarray(rng.uniform(0.0, 2.0 * np.pi, waves)), amplitudes, xp.zeros(len(gp.y)))
    noise = xp.sqrt(xp.clip(gp.sd * gp.sd - variance, 0.0, None)) * xp.asarray(rng.standard_normal(len(gp.y)))  # with the factor's jitter
    residual = gp.y - gp.mean(gp.X) - path._prior(gp.features)[0] - noise
    return replace(path, update=xp.solve_upper(gp.L, xp.solve_lower(gp.L, residual)))
