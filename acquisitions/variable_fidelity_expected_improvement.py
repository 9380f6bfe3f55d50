"""Variable-fidelity expected improvement: at each of several levels, the improvement at the target that its own uncertainty allows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from acquisitions.at_target import moved
from acquisitions.factors import factor, pull_factor
from acquisitions.gaussian import LEAST_VARIANCE, Array, GaussianModel, Moments, Pairing, Pairs
from acquisitions.tails import log_h


@dataclass(frozen=True, slots=True)
class LogVariableFidelityExpectedImprovement:
    """``log (s_l h((m - best) / s_l))``, m the mean of a candidate at the target, s_l what its uncertainty there owes to level l.

    The uncertainty of the value at the target is split among the levels: what is open at the lowest level, handed on, then what each
    further level adds, ``sum_l s_l^2 = s^2``. These are the last row of the Cholesky factor of the levels' joint covariance at the
    candidate. In hierarchical Kriging, from which the source has it, ``s_1 = |beta_0| s_low`` for the lower level, and for the target
    what Kriging says of its discrepancy; where ``f_target = rho f_low + delta`` with delta independent in the posterior too, it is the
    same. Where the lower levels are known, or tell nothing, it is at the target `LogExpectedImprovement`. Costs are no part of it.

    Cost: O(n^2 k^2) a candidate for n data and k levels.

    Source: Zhang, Han & Zhang (2018), "Variable-fidelity expected improvement method for efficient global optimization of expensive
    functions", of two levels; from memory and from implementations by others, since its text was not at hand (one of them has the
    standard deviation of the target in the argument of h at the lower level too). The split for any joint Gaussian model is ours.

    Args:
        gp: The model of the objective, to be maximized, of outcomes standardised to variance one, with `pairs` (see
            `acquisitions.gaussian.Pairing`).
        best: Value to improve on at the target, in the units of the model's y.
        column: Index of the column of levels.
        levels: Its values, the target last; candidates are at the nearest one.
    """

    gp: GaussianModel
    best: float
    column: int
    levels: Sequence[float]

    def __post_init__(self) -> None:
        if not isinstance(self.gp, Pairing):
            raise TypeError(f"{type(self.gp).__name__} has no pairs(), which the covariances between levels need")
        if not len(self.levels):
            raise ValueError("levels are empty; the target is one")

    def value(self, X: Array) -> Array:
        """The score at each row of X (`m x d`), shape `m`."""
        return self._score(Split.of(self.gp, X, self.column, self.levels))[0]

    def value_and_gradient(self, X: Array) -> tuple[Array, Array]:
        """The score (`m`) and its gradient (`m x d`) at each row of X (`m x d`), zero along the levels."""
        split = Split.of(self.gp, X, self.column, self.levels)
        value, d_mean, d_sd = self._score(split)
        return value, split.pull(d_mean, d_sd)

    def _score(self, split: Split) -> tuple[Array, Array, Array]:
        z = (split.mean - self.best) / split.sd
        improvement, slope = log_h(z)
        return np.log(split.sd) + improvement, slope / split.sd, (1.0 - slope * z) / split.sd


@dataclass(frozen=True, slots=True)
class Split:
    """Mean at the target, and which part of the standard deviation there each of m candidates' levels has; each `m`.

    Args:
        mean: Of the value at the target.
        sd: What its standard deviation owes to the candidate's level.
        level: Index of that.
    """

    mean: Array
    sd: Array
    level: NDArray[np.intp]
    _column: int
    _moments: list[Moments]
    _pairs: dict[tuple[int, int], Pairs]
    _L: Array

    @classmethod
    def of(cls, gp: GaussianModel, X: Array, column: int, levels: Sequence[float]) -> Split:
        assert isinstance(gp, Pairing)
        k, moments = len(levels), [gp.at(moved(X, {column: level})) for level in levels]
        pairs = {(a, b): gp.pairs(moments[a], moments[b]) for a, b in combinations(range(k), 2)}
        S = np.zeros((len(X), k, k))
        for a, part in enumerate(moments):
            S[:, a, a] = part.variance
        for (a, b), pair in pairs.items():
            S[:, b, a] = pair.covariance
        level = np.argmin(np.abs(X[:, column, None] - np.asarray(levels)), axis=1)
        L = factor(S)
        sd = np.maximum(np.abs(L[np.arange(len(X)), -1, level]), np.sqrt(LEAST_VARIANCE))
        return cls(moments[-1].mean, sd, level, column, moments, pairs, L)

    def pull(self, d_mean: Array, d_sd: Array) -> Array:
        """Gradient (`m x d`) of ``sum(d_mean * mean) + sum(d_sd * sd)`` in the candidates."""
        rows, k = np.arange(len(d_mean)), len(self._moments)
        entry = self._L[rows, -1, self.level]
        d_L = np.zeros_like(self._L)
        d_L[rows, -1, self.level] = np.where(np.abs(entry) >= self.sd, np.sign(entry) * d_sd, 0.0)
        d_S = pull_factor(self._L, d_L)
        gradient = self._moments[-1].pull(d_mean, d_S[:, -1, -1])
        for a in range(k - 1):
            gradient = gradient + self._moments[a].pull(None, d_S[:, a, a])
        for (a, b), pair in self._pairs.items():
            here, there = pair.pull(d_S[:, a, b] + d_S[:, b, a])
            gradient = gradient + here + there
        gradient[:, self._column] = 0.0
        return gradient
