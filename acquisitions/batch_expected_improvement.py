"""Expected improvement of several points together over the best of points whose values are known with noise only."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from acquisitions.conditioning import Draws, Given, normals
from acquisitions.factors import factor, pull_factor
from acquisitions.gaussian import Array, GaussianModel, Pairing, Pairs, in_blocks
from acquisitions.noisy_expected_improvement import LogNoisyExpectedImprovement
from acquisitions.tails import log_h, log_mean

_BLOCK = 64  # batches scored at a time


class LogBatchExpectedImprovement(LogNoisyExpectedImprovement):
    """`LogNoisyExpectedImprovement` of a point, and of q points together: ``log E[max_j (f(x_j) - max_i f(x_i))^+]``, see `of_batch`.

    What a batch improves is the sum of what each of its points improves on the best and the points before it,
    ``E[(max_j f_j - best)^+] = sum_j E[(f_j - max(best, f_1, ..., f_(j-1)))^+]``. Given samples of the values at the baseline and at the
    points before, each term is closed, ``s_j h((m_j - max(best, f_1, ..., f_(j-1))) / s_j)``, so that the score is smooth in each point
    and has a slope where no sample improves, and for one point it is `LogNoisyExpectedImprovement`. BoTorch:
    `qLogNoisyExpectedImprovement`, there by samples of all points, with smoothed maxima in their place.

    Cost: of a batch q that of a point, and O(q^3 + q^2 s) for s samples.

    Source: the score: Ginsbourger, Le Riche & Carraro (2008), "A multi-points criterion for deterministic parallel global optimization";
    with noise, Letham et al. (2019), arXiv:1706.07094. The sum of closed terms is ours.

    Args:
        gp: The model of the objective, to be maximized, of outcomes standardised to variance one, with `pairs` (see
            `acquisitions.gaussian.Pairing`).
        X: The baseline, `n x d` in the unit cube: what was measured, and running trials. At least one point.
        samples: How many of the baseline and the batch.
        seed: Of the samples.

    Raises:
        TypeError: The model has no `pairs`.
    """

    def __init__(self, gp: GaussianModel, X: Array, *, samples: int = 128, seed: int = 0) -> None:
        if not isinstance(gp, Pairing):
            raise TypeError(f"the score of a batch needs covariances between its points, and a {type(gp).__name__} has no pairs()")
        super().__init__(gp, X, samples=samples, seed=seed)

    def of_batch(self, q: int) -> OfBatch:
        """The score of q points together, of rows that hold them one after another, `m x (q d)`; see `acquisitions.maximizer.power`."""
        draws, best = self._fine.objective, self._fine.best
        return OfBatch(draws, np.broadcast_to(best, self.samples), normals(self.samples, q, np.random.default_rng([self.seed, q])))


@dataclass(frozen=True, slots=True, eq=False)
class OfBatch:
    """The improvement of q points together, by given samples.

    Args:
        draws: Samples of the latent values at the baseline.
        best: What is to be improved on in each of s samples.
        Z: Standard normals that the values of the points are made of, `s x q`.
    """

    draws: Draws
    best: Array
    Z: Array

    def value(self, X: Array) -> Array:
        """The score at each row of X (`m x (q d)`), shape `m`."""
        return in_blocks(lambda part: self._forward(_Batches.of(self.draws, part, self.Z.shape[1]))[0], X, _BLOCK)

    def value_and_gradient(self, X: Array) -> tuple[Array, Array]:
        """The score (`m`) and its gradient (`m x (q d)`) at each row of X."""
        batches = _Batches.of(self.draws, X, self.Z.shape[1])
        value, shares, slopes, z, wins = self._forward(batches)
        L, Z, q = batches.L, self.Z, self.Z.shape[1]
        d_mean, d_L = np.empty((len(X), q, len(Z))), np.zeros_like(L)
        d_best = np.zeros((len(X), len(Z)))
        for j in reversed(range(q)):
            sd = L[:, j, j]
            by_value = np.where(wins[j], d_best, 0.0)  # of the best so far that the point has become
            improved = shares[j] * slopes[j] / sd[:, None]
            d_best = d_best - by_value - improved
            d_mean[:, j] = by_value + improved
            d_L[:, j, :j] = d_mean[:, j] @ Z[:, :j]
            d_L[:, j, j] = (by_value * Z[:, j]).sum(1) + (shares[j] * (1.0 - slopes[j] * z[j])).sum(1) / sd
        return value, batches.pull(d_mean, pull_factor(L, d_L))

    def _forward(self, batches: _Batches) -> tuple[Array, list[Array], list[Array], list[Array], list[NDArray[np.bool_]]]:
        """The score, and of each point in turn its shares in it, the slopes of log h, their arguments, and where it is the best so far."""
        L, Z = batches.L, self.Z
        best = np.broadcast_to(self.best, (len(L), len(Z)))
        terms, slopes, arguments, wins = [], [], [], []
        for j in range(Z.shape[1]):
            sd = L[:, j, j, None]
            mean = batches.given.mean.reshape(len(L), Z.shape[1], -1)[:, j] + L[:, j, :j] @ Z[:, :j].T
            z = (mean - best) / sd
            log_improvement, slope = log_h(z)
            value = mean + sd * Z[:, j]
            terms.append(np.log(sd) + log_improvement)
            slopes.append(slope)
            arguments.append(z)
            wins.append(value > best)
            best = np.maximum(best, value)
        total, shares = log_mean(np.hstack(terms))  # over samples and points; a sum over the latter
        return total + np.log(len(terms)), np.split(shares, len(terms), axis=1), slopes, arguments, wins


@dataclass(frozen=True, slots=True, eq=False)
class _Batches:
    """m batches of q points each: the factors of their covariances given a sample of the baseline, `m x q x q`, and the way back."""

    given: Given
    L: Array
    _pairs: Pairs
    _shape: tuple[int, int, int]

    @classmethod
    def of(cls, draws: Draws, X: Array, q: int) -> _Batches:
        m, d = len(X), X.shape[1] // q
        gp, points = draws.process.gp, X.reshape(m, q, d)
        assert isinstance(gp, Pairing)
        given = draws.at(points.reshape(-1, d))
        i, j = _below(q)
        pairs = gp.pairs(gp.at(points[:, i].reshape(-1, d)), gp.at(points[:, j].reshape(-1, d)))
        covariance = pairs.covariance.reshape(m, -1)
        if given.weights is not None:
            weights = given.weights.reshape(m, q, -1)
            covariance = covariance - np.einsum("mpr,mpr->mp", weights[:, i], weights[:, j])
        S = np.zeros((m, q, q))
        S[:, range(q), range(q)] = given.variance.reshape(m, q)
        S[:, i, j] = covariance
        return cls(given, factor(S), pairs, (m, q, d))

    def pull(self, d_mean: Array, d_S: Array) -> Array:
        """Gradient (`m x (q d)`) by those in the means (`m x q x s`) and the covariances (`m x q x q`, both entries of a pair count)."""
        m, q, d = self._shape
        i, j = _below(q)
        d_covariance = d_S[:, i, j] + d_S[:, j, i]
        d_weights: Array | None = None
        if self.given.weights is not None:
            both = np.zeros((m, q, q))
            both[:, i, j] = both[:, j, i] = -d_covariance
            d_weights = (both @ self.given.weights.reshape(m, q, -1)).reshape(m * q, -1)
        d_variance = d_S[:, range(q), range(q)].reshape(-1)
        gradient = self.given.pull(d_mean.reshape(m * q, -1), d_variance, d_weights).reshape(m, q, d).copy()
        here, there = (part.reshape(m, -1, d) for part in self._pairs.pull(d_covariance.reshape(-1)))
        for p, (a, b) in enumerate(zip(i, j, strict=True)):
            gradient[:, a] += here[:, p]
            gradient[:, b] += there[:, p]
        return gradient.reshape(m, q * d)


def _below(q: int) -> tuple[list[int], list[int]]:
    """Rows and columns of the entries below the diagonal."""
    pairs = list(combinations(range(q), 2))
    return [b for _, b in pairs], [a for a, _ in pairs]
