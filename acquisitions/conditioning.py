"""A Gaussian posterior given samples of its latent values at fixed points: what makes noisy improvements analytic.

Measured values are noisy, so which of the points seen so far is the best is uncertain. Joint samples of the latent values there stand
for that uncertainty; given one, a candidate's value is again Gaussian, and improvements over the sample are integrated in closed form.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cholesky, eigh
from scipy.special import ndtri

from acquisitions.feasibility import OutcomeConstraint
from acquisitions.gaussian import LEAST_VARIANCE, Array, GaussianModel, Moments, spread

KNOWN = 1e-10
"""Directions of latent variance below this are known (outcomes standardised to variance one): they are neither sampled nor conditioned
on, so that without noise nothing is left to sample and the limit is the plain improvement, exactly."""


def normals(samples: int, dimensions: int, rng: np.random.Generator) -> Array:
    """Standard normal vectors, `samples x dimensions`: a Latin hypercube, then rescaled to zero mean and unit covariance.

    The rescaling (moment matching) is left out where there are fewer than two samples a dimension. On noisy expected improvement with
    128 samples its error was that of scrambled Sobol points, 0.4 to 0.6 of plain Monte Carlo's, in three cases of four (where rare
    samples ruled, all were alike), without importing them (0.6 s).

    Source: McKay, Beckman & Conover (1979); moment matching: Glasserman (2003), section 4.5.
    """
    strata = np.argsort(rng.random((samples, dimensions)), axis=0)
    Z: Array = ndtri((strata + rng.random((samples, dimensions))) / samples)
    if 0 < dimensions <= samples // 2:
        Z -= Z.mean(0)
        Z = np.linalg.solve(np.linalg.cholesky(Z.T @ Z / samples), Z.T).T
    return Z


@dataclass(frozen=True, slots=True)
class Given:
    """Moments of candidates given each sample; `mean` is `m x s`, or `m x 1` where nothing is uncertain; `variance` is `m`."""

    mean: Array
    variance: Array
    weights: Array | None
    """What the samples explain of the candidates: of two, their covariance given a sample is less by the product, `m x rank`."""
    _moments: Moments
    _draws: Draws

    def pull(self, d_mean: Array, d_variance: Array, d_weights: Array | None = None) -> Array:
        """Gradient (`m x d`) of ``sum(d_mean * mean) + sum(d_variance * variance) + sum(d_weights * weights)`` in the candidates.

        Of the shapes `m x s`, `m` and `m x rank`.
        """
        if self.weights is None:
            return self._moments.pull(d_mean.sum(1), d_variance)
        whiten = self._draws.process.whiten.T
        d_covariance = d_mean @ self._draws.shift - (2.0 * d_variance)[:, None] * (self.weights @ whiten)
        if d_weights is not None:
            d_covariance += d_weights @ whiten
        return self._moments.pull(d_mean.sum(1), d_variance, d_covariance)


@dataclass(frozen=True, slots=True)
class Draws:
    """Samples of the latent values of a process at its points: `values`, `s x b`; `shift`, `s x b`, what they do to candidates."""

    process: LatentProcess
    values: Array
    shift: Array

    def at(self, X: Array) -> Given:
        """Candidates X (`m x d`) given each of the samples."""
        process = self.process
        if not process.rank:
            moments = process.gp.at(X)
            return Given(moments.mean[:, None], moments.variance, None, moments, self)
        moments = process.gp.at(X, process.baseline)
        covariance = moments.covariance
        assert covariance is not None
        weights = covariance @ process.whiten
        variance = np.maximum(moments.variance - np.einsum("ij,ij->i", weights, weights), LEAST_VARIANCE)
        return Given(moments.mean[:, None] + covariance @ self.shift.T, variance, weights, moments, self)


class LatentProcess:
    """One model's latent values at fixed points, to be sampled.

    With ``S = U diag(l) U'`` the posterior covariance of the b points, directions of negligible variance left out, the samples are
    ``mean + U diag(l)^(1/2) z``. Given one, a candidate with covariance c (`b`) to the points has mean ``m + c' W z`` and variance
    ``v - |W' c|^2``, where ``W = U diag(l)^(-1/2)``: both linear in what the model returns, O(b (s + r)) a candidate.

    Args:
        gp: The model.
        X: The fixed points, `b x d`; b may be 0.
    """

    def __init__(self, gp: GaussianModel, X: Array) -> None:
        self.gp = gp
        self.baseline = gp.baseline(X) if len(X) else None
        if self.baseline is None:
            self.mean, variances, directions = np.empty(0), np.empty(0), np.empty((0, 0))
        else:
            self.mean = self.baseline.mean
            variances, directions = eigh(self.baseline.covariance)
        kept = np.flatnonzero(variances > KNOWN)[::-1]  # the largest first
        self.root = directions[:, kept] * np.sqrt(variances[kept])
        self.whiten = directions[:, kept] / np.sqrt(variances[kept])
        self.rank = len(kept)

    def draw(self, Z: Array) -> Draws:
        """The samples made of standard normals Z, `s x rank`."""
        return Draws(self, self.mean + Z @ self.root.T, Z @ self.whiten.T)


def joint_samples(gp: GaussianModel, X: Array, samples: int, rng: np.random.Generator) -> Array:
    """Posterior samples of the latent values at X (`b x d`), `samples x b`, good to `KNOWN` in variance: to tell points apart by."""
    baseline = gp.baseline(X)
    drawn: Array = baseline.mean + rng.standard_normal((samples, len(X))) @ _root(baseline.covariance).T
    return drawn


def _root(covariance: Array) -> Array:
    """A Cholesky factor, `b x b`, with as much jitter as it takes: rounding leaves some negative variances."""
    for jitter in KNOWN * 10.0 ** np.arange(6):
        try:
            return np.asarray(cholesky(covariance + jitter * np.eye(len(covariance)), lower=True))
        except LinAlgError:
            pass
    return np.diag(np.sqrt(np.maximum(np.diag(covariance), 0.0)))


@dataclass(frozen=True, slots=True)
class FeasibilityGiven:
    """Log probability that candidates are feasible: a part that depends on the sample and a part that does not."""

    joint: Array | None
    """`m x s`, or None where no constraint's verdict on the baseline is open."""
    closed: Array
    """`m`."""
    _X: Array
    _joint_parts: tuple[tuple[Given, Array, Array], ...]
    _closed_parts: tuple[tuple[Moments, Array, Array], ...]

    def pull(self, share: Array | None) -> Array:
        """Gradient (`m x d`) of ``sum(share * joint) + sum(closed)`` in the candidates; share is `m x s`, not needed without joint."""
        total = np.zeros_like(self._X)
        for given, d_mean, d_variance in self._joint_parts:
            assert share is not None
            total += given.pull(share * d_mean, (share * d_variance).sum(1))
        for moments, d_mean, d_variance in self._closed_parts:
            total += moments.pull(d_mean, d_variance)
        return total


@dataclass(frozen=True, slots=True)
class FeasibilityDraws:
    """Samples of which points are feasible, `verdicts`, `s x b`, and what they say of candidates."""

    verdicts: NDArray[np.bool_]
    _open: tuple[tuple[OutcomeConstraint, Draws], ...]
    _closed: tuple[OutcomeConstraint, ...]

    def at(self, X: Array) -> FeasibilityGiven:
        """The candidates' probabilities of feasibility, to be differentiated."""
        joint: Array | None = None
        closed = np.zeros(len(X))
        joint_parts, closed_parts = [], []
        for constraint, draws in self._open:
            given = draws.at(X)
            sd, d_sd = spread(given.variance)
            value, d_mean, d_spread = constraint.log_probability(given.mean, sd[:, None])
            joint = value if joint is None else joint + value
            joint_parts.append((given, d_mean, d_spread * d_sd[:, None]))
        for constraint in self._closed:
            moments = constraint.gp.at(X)
            sd, d_sd = spread(moments.variance)
            value, d_mean, d_spread = constraint.log_probability(moments.mean, sd)
            closed += value
            closed_parts.append((moments, d_mean, d_spread * d_sd))
        return FeasibilityGiven(joint, closed, X, tuple(joint_parts), tuple(closed_parts))


class LatentFeasibility:
    """Constraints whose verdicts on fixed points are to be sampled.

    Only points whose verdict is open are sampled and conditioned on: where it is certain, it is the same in every sample.

    Args:
        constraints: Independent of each other.
        X: The fixed points, `b x d`; b may be 0.
    """

    def __init__(self, constraints: Sequence[OutcomeConstraint], X: Array) -> None:
        self._certain = np.ones(len(X), dtype=bool)
        self._closed: list[OutcomeConstraint] = []
        self._open: list[tuple[OutcomeConstraint, NDArray[np.intp], LatentProcess]] = []
        for constraint in constraints:
            verdict = constraint.verdict(*constraint.gp.predict(X)) if len(X) else np.empty(0)
            self._certain &= verdict >= 0
            undecided = np.flatnonzero(verdict == 0)
            process = LatentProcess(constraint.gp, X[undecided])
            if process.rank:
                self._open.append((constraint, undecided, process))
            else:
                self._certain[undecided] &= constraint.satisfied(process.mean)
                self._closed.append(constraint)
        self.rank = sum(process.rank for *_, process in self._open)

    def draw(self, Z: Array) -> FeasibilityDraws:
        """The samples made of standard normals Z, `s x rank`."""
        verdicts = np.tile(self._certain, (len(Z), 1))
        drawn, start = [], 0
        for constraint, undecided, process in self._open:
            draws = process.draw(Z[:, start : start + process.rank])
            verdicts[:, undecided] &= constraint.satisfied(draws.values)
            drawn.append((constraint, draws))
            start += process.rank
        return FeasibilityDraws(verdicts, tuple(drawn), tuple(self._closed))
