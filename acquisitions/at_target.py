"""What a measurement of a candidate, at some fidelity, has to do with what the same candidate is worth at the target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from acquisitions.gaussian import LEAST_VARIANCE, Array, GaussianModel, Moments, Pairing, Pairs

_LEAST_REST = 1e-12  # share of what is left open below which rounding has it; by an exact covariance it is known to that
_LEAST_SIGNAL = 1e-30  # likewise of what is told, whose logarithm is taken


def moved(X: Array, columns: Mapping[int, float]) -> Array:
    """X (`m x d`) with the values of some columns in place."""
    points = X.copy()
    points[:, list(columns)] = list(columns.values())
    return points


@dataclass(frozen=True, slots=True)
class AtTarget:
    """The latent value f of each candidate at the target, and the noisy measurement y of it elsewhere; each field of shape `m`.

    Candidates that are at the target already, all of them where no columns differ, have the numbers of one point to the last digit.

    Args:
        mean: Of f.
        variance: Of f, floored.
        measured: Variance of y without its noise, floored.
        signal: ``rho^2``, the squared correlation of y and f.
        rest: ``1 - rho^2``, without cancellation at the target, where it is the share of the noise in the variance of y.
    """

    mean: Array
    variance: Array
    measured: Array
    signal: Array
    rest: Array
    _noise: float
    _here: Moments
    _there: Moments
    _pairs: Pairs | None
    _columns: tuple[int, ...]
    _covariance: Array
    _same: NDArray[np.bool_]

    @classmethod
    def of(cls, gp: GaussianModel, X: Array, columns: Mapping[int, float], noise: float) -> Self:
        """Candidates X (`m x d`) that are at the target when `columns` have these values.

        Raises:
            TypeError: Columns differ, and the model has no `pairs`.
        """
        here = gp.at(X)
        measured = np.maximum(here.variance, LEAST_VARIANCE)
        if not columns:
            total, same = measured + noise, np.ones(len(X), dtype=bool)
            return cls(here.mean, measured, measured, measured / total, noise / total, noise, here, here, None, (), measured, same)
        if not isinstance(gp, Pairing):
            raise TypeError(f"{type(gp).__name__} has no pairs(), which measurements elsewhere than at the target need")
        Z = moved(X, columns)
        there, same = gp.at(Z), np.all(X == Z, axis=1)
        pairs = gp.pairs(here, there)
        variance = np.where(same, measured, np.maximum(there.variance, LEAST_VARIANCE))
        covariance = np.where(same, measured, pairs.covariance)
        whole = variance * (measured + noise)
        signal = np.where(same, measured / (measured + noise), np.clip(covariance**2 / whole, _LEAST_SIGNAL, 1.0))
        rest = np.where(same, noise / (measured + noise), np.maximum((whole - covariance**2) / whole, _LEAST_REST))
        return cls(there.mean, variance, measured, signal, rest, noise, here, there, pairs, tuple(columns), covariance, same)

    def pull(self, d_mean: Array, d_variance: Array, d_ratio: Array, d_measured: Array | None = None) -> Array:
        """Gradient (`m x d`) in the candidates of a sum of mean, variance, ``log(signal / rest)`` and `measured`, with these weights (`m`).

        At the target the ratio is that of variance and noise, also along the columns that differ: where a covariance function is smooth,
        half of the slope of the variance along them is that of the covariance.
        """
        free = self.measured > LEAST_VARIANCE
        ratio = np.where(self._same, d_ratio / self.measured, 0.0)
        if self._pairs is None:
            direct = d_variance + ratio + (0.0 if d_measured is None else d_measured)
            return self._here.pull(d_mean, np.where(free, direct, 0.0))
        told = ~self._same & (self.signal > _LEAST_SIGNAL)
        share = np.where(told, d_ratio / np.where(self.rest > _LEAST_REST, self.rest, 1.0), 0.0)
        d_here = ratio - share / (self.measured + self._noise) + (0.0 if d_measured is None else d_measured)
        d_there = np.where(self.variance > LEAST_VARIANCE, d_variance - share / self.variance, 0.0)
        d_covariance = np.where(told, 2.0 * share / np.where(told, self._covariance, 1.0), 0.0)
        here, there = self._pairs.pull(d_covariance)
        there = there + self._there.pull(d_mean, d_there)
        there[:, list(self._columns)] = 0.0
        return here + there + self._here.pull(None, np.where(free, d_here, 0.0))
