"""Surrogates that can be averaged: ridge regression on random Fourier features that everybody shares.

``phi(x) = sqrt(2 / M) cos(V x + b)`` with rows of V normal, of standard deviation one over the length scale, and b uniform on
``[0, 2 pi]``: products of features are the kernel ``exp(-|x - z|^2 / (2 l^2))`` up to an error of about ``1 / sqrt(M)``. A surrogate is
its M weights, and the mean of surrogates is that of the mean of their weights, gradients included.

Sources: Rahimi & Recht (2007) for the features; Shu, Lin, Dai & Low (2023), arXiv:2308.04077, for their use. The paper's appendix has
``2 / sqrt(M)`` for the factor, with which the kernel would be twice as large.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class FourierFeatures:
    """The features.

    Args:
        frequencies: V, `M x d`.
        phases: b, `M`.
    """

    frequencies: Array
    phases: Array

    @classmethod
    def draw(cls, count: int, d: int, lengthscale: float, rng: np.random.Generator) -> FourierFeatures:
        """M = `count` features of points of d columns."""
        return cls(rng.standard_normal((count, d)) / lengthscale, rng.uniform(0, 2 * np.pi, count))

    def of(self, X: ArrayLike) -> Array:
        """Features of points (`n x d`), `n x M`."""
        features: Array = self._factor * np.cos(np.asarray(X, dtype=np.float64) @ self.frequencies.T + self.phases)
        return features

    def weights(self, X: ArrayLike, y: ArrayLike, noise: float) -> Array:
        """Weights (`M`) of the surrogate of values: ``Phi' (Phi Phi' + noise I)^-1 y`` with Phi of `n x M`.

        Args:
            X: Points, `n x d`.
            y: Values, `n`, about zero.
            noise: The variance of their noise, above 0: with more features than values a surrogate would else meet all of them.
        """
        features = self.of(X)
        gram = features @ features.T
        gram[np.diag_indices_from(gram)] += noise
        weights: Array = features.T @ np.linalg.solve(gram, np.asarray(y, dtype=np.float64))
        return weights

    def gradient(self, x: ArrayLike, weights: ArrayLike) -> Array:
        """Gradient of a surrogate at one point (`d`), `d`."""
        waves = np.sin(self.frequencies @ np.asarray(x, dtype=np.float64) + self.phases)
        slope: Array = -self._factor * (np.asarray(weights) * waves) @ self.frequencies
        return slope

    @property
    def _factor(self) -> float:
        return math.sqrt(2 / len(self.phases))


def mean_of(vectors: Sequence[ArrayLike]) -> Array:
    """The mean of vectors of one length; exactly that vector where all are equal."""
    first = np.asarray(vectors[0], dtype=np.float64)
    mean: Array = first + np.mean([np.asarray(vector) - first for vector in vectors], axis=0)
    return mean
