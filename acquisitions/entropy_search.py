"""Entropy search: how much a measurement tells of where the best of some points is, in nats.

The joint posterior of the M points, the representers, says with which probability each is the best one, and a measurement changes
these. What a measurement at x does to a sample of the latent values there is linear in its standardised surprise Z, so that which
point is the best in the sample, as a function of Z, is an upper envelope of lines, see `acquisitions.envelope`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np
from scipy.special import ndtr

from acquisitions.conditioning import KNOWN, LatentProcess, normals
from acquisitions.envelope import Indices, upper_envelope
from acquisitions.feasibility import LogProbabilityOfFeasibility, OutcomeConstraint
from acquisitions.gaussian import LEAST_VARIANCE, Array, GrowingModel, Moments, in_blocks
from acquisitions.largest_value import check

CELLS = 16
"""Intervals of equal probability that the outcome of a measurement is told apart by. They lost 2 to 4 % of what 64 tell apart in
an example of two inputs, where that was worth most and where it was worth least."""

_BLOCK = 8  # candidates scored at a time: what is worked on stays in the cache
_ROUGH = 16  # samples to rank candidates by
_REACH = 38.0  # standard deviations beyond which an outcome has no density
_ROUNDING = 1e-14  # information below which there is none


@dataclass(frozen=True, slots=True)
class LogEntropySearch:
    """``log (H(p) - E_y H(p | y))``, where p_i is the probability that x_i is the best of the representers x_1, ..., x_M.

    That is the mutual information of a noisy measurement y at the candidate and the index of the best point, hence the predictive
    entropy search over these points as well. It is taken from the joint distribution of two things: the
    index, and in which of 16 equally probable intervals y falls. For each of s samples of the latent values given Z = 0 the index is a
    step function of Z, so that the sample's share in each entry is a closed integral over Z; the share moves smoothly with x
    although the index does not. (Counts of the best point at Gauss-Hermite nodes of y have no gradient; weighing fixed samples by the
    likelihood of y has one, and breaks down where the noise is small, as one sample then explains each y.)

    The score is a mutual information exactly: never negative, and minus infinity where the outcome changes no sample's best point. The
    intervals lose some of it, and the samples add some, as the differences of a few between outcomes look like knowledge: with 128 of
    them 0.01 to 0.04 nats for candidates worth 0.06 to 0.3 in an example of 30 representers, with 512 up to 0.007. The best of 200
    candidates was the best by 20,000 samples already with 16. The samples are fixed by the seed.

    Cost: O(n^2 + n M + s M h) a candidate for n data and h points on an envelope, a few.

    Source: Hennig & Schuler (2012), arXiv:1112.1217, there by expectation propagation; as mutual information: Hernández-Lobato et al.
    (2014), arXiv:1406.2541.

    Args:
        gp: The model of the objective, to be maximized, of outcomes standardised to variance one.
        X: The representers, `M x d` in the unit cube; at least one. Points between which the model sees no difference count as one.
        noise: Variance of the noise of a new measurement, in the squared units of the model's y, at least 0.
        constraints: Outcomes that must keep bounds, independent of each other and of the objective: the logarithm of the probability
            that the candidate does is added. X should hold points that do.
        samples: How many samples of the latent values.
        seed: Of the samples.
    """

    gp: GrowingModel
    X: Array
    noise: float
    constraints: Sequence[OutcomeConstraint] = ()
    samples: int = 128
    seed: int = 0
    _process: LatentProcess = field(init=False, repr=False)
    _normals: Array = field(init=False, repr=False)

    def __post_init__(self) -> None:
        check(self.X, self.noise)
        known = self.gp.baseline(self.X)
        process = LatentProcess(self.gp, self.X[distinct(known.mean, known.covariance)])
        object.__setattr__(self, "_process", process)
        object.__setattr__(self, "_normals", normals(self.samples, process.rank, np.random.default_rng(self.seed)))

    def with_pending(self, X: Array) -> LogEntropySearch:
        """The same after measurements at X (`q x d`), whose results are taken to be the means.

        That is exact for the covariances, which do not depend on results; the means stay as they are, which they do on average.
        """
        if not len(X):
            return self
        return replace(self, gp=self.gp.condition(X, self.gp.predict(X)[0], np.full(len(X), self.noise)))

    def value(self, X: Array) -> Array:
        """The score at each row of X (`m x d`), shape `m`."""
        return self._scored(X, self._normals)

    def rough(self, X: Array) -> Array:
        """A stand-in for `value` with 16 samples, to rank thousands of candidates by at a fraction of the cost; shape `m`."""
        return self._scored(X, self._normals[:: -(-self.samples // _ROUGH)])

    def value_and_gradient(self, X: Array) -> tuple[Array, Array]:
        """The score (`m`) and its gradient (`m x d`) at each row of X (`m x d`); with zeros for a score of minus infinity."""
        value, gradient = np.empty(len(X)), np.empty_like(X)
        for start in range(0, len(X), _BLOCK):
            rows = slice(start, start + _BLOCK)
            shifts = _Shifts.at(self.gp.at(X[rows], self._process.baseline), self._process, self.noise)
            found = BestPoint.of(self._drawn(self._normals), shifts.slopes, shifts.origins(self._normals))
            value[rows] = found.log_information
            gradient[rows] = shifts.pull(*found.log_gradient(), self._normals)
        if not self.constraints:
            return value, gradient
        likely, push = LogProbabilityOfFeasibility(self.constraints).value_and_gradient(X)
        return value + likely, gradient + push

    def _drawn(self, Z: Array) -> Array:
        return self._process.draw(Z).values

    def _scored(self, X: Array, Z: Array) -> Array:
        values = self._drawn(Z)

        def score(part: Array) -> Array:
            shifts = _Shifts.at(self.gp.at(part, self._process.baseline), self._process, self.noise)
            return BestPoint.of(values, shifts.slopes, shifts.origins(Z)).log_information

        value = in_blocks(score, X, _BLOCK * max(1, self.samples // len(Z)))
        return value + LogProbabilityOfFeasibility(self.constraints).value(X) if self.constraints else value


@dataclass(frozen=True, slots=True)
class _Shifts:
    """What measurements at m candidates do to M points: slopes of their values in the standardised surprise, `m x M`.

    Of samples ``f = mean + U zeta`` of the values the part that the surprise moves is taken away, ``U (1 - theta beta beta')
    zeta`` with ``b = U beta`` and ``theta = 1 / (1 + sqrt(1 - beta' beta))``: these have the covariance ``S - b b'`` that is left after
    the measurement. So each sample is a point at ``Z = theta beta' zeta`` of its own lines, its origin.
    """

    slopes: Array
    _process: LatentProcess
    _moments: Moments
    _variance: Array
    _sd: Array
    _whitened: Array
    _left: Array

    @classmethod
    def at(cls, moments: Moments, process: LatentProcess, noise: float) -> Self:
        covariance = moments.covariance
        assert covariance is not None
        variance = np.maximum(moments.variance, LEAST_VARIANCE)
        sd = np.sqrt(variance + noise)
        whitened = covariance @ process.whiten / sd[:, None]
        left = np.sqrt(np.maximum(1.0 - np.einsum("ij,ij->i", whitened, whitened), LEAST_VARIANCE))
        return cls(covariance / sd[:, None], process, moments, variance, sd, whitened, left)

    def origins(self, Z: Array) -> Array:
        """Of samples with the standard normals Z (`s x rank`), `m x s`."""
        return (self._whitened @ Z.T) / (1.0 + self._left)[:, None]

    def pull(self, d_slopes: Array, d_origins: Array, Z: Array) -> Array:
        """Gradient (`m x d`) in the candidates of what has these slopes in `slopes` (`m x M`) and the origins of Z (`m x s`)."""
        theta = 1.0 / (1.0 + self._left)
        d_whitened = theta[:, None] * (d_origins @ Z)
        d_theta = np.einsum("ij,ij->i", d_origins, self._whitened @ Z.T)
        moves = self._left > np.sqrt(LEAST_VARIANCE)
        d_whitened += np.where(moves, d_theta * theta**2 / self._left, 0.0)[:, None] * self._whitened
        scaled = np.einsum("ij,ij->i", d_whitened, self._whitened) + np.einsum("ij,ij->i", d_slopes, self.slopes)
        d_covariance = (d_slopes + d_whitened @ self._process.whiten.T) / self._sd[:, None]
        d_variance = np.where(self._variance > LEAST_VARIANCE, -0.5 * scaled / self._sd**2, 0.0)
        return self._moments.pull(None, d_variance, d_covariance)


@dataclass(frozen=True, slots=True, eq=False)
class BestPoint:
    """What an outcome tells of which of M points is the best, where each is a line in the outcome in each of s equally likely cases.

    Args:
        log_information: Mutual information of the index and the interval of the outcome, nats, `m`.
    """

    log_information: Array
    _slopes: Array
    _lines: Indices
    _crossings: Array
    _steps: Array
    _origins: Array
    _log_ratio: Array

    @classmethod
    def of(cls, intercepts: Array, slopes: Array, origins: Array) -> Self:
        """Of m sets.

        Args:
            intercepts: Values of the points in each case at the case's origin, `s x M`.
            slopes: Of the points in the standardised outcome, `m x M`.
            origins: Outcomes at which the cases have these values, `m x s`.
        """
        (s, M), m = intercepts.shape, len(slopes)
        a = np.broadcast_to(intercepts, (m, s, M)).reshape(m * s, M)
        b = np.repeat(slopes, s, axis=0)
        lines = upper_envelope(a, b)
        steps = np.diff(np.take_along_axis(b, lines, 1), axis=1)
        crossings = np.full(steps.shape, np.inf)
        with np.errstate(over="ignore"):  # nearly parallel lines may cross at infinity
            np.divide(-np.diff(np.take_along_axis(a, lines, 1), axis=1), steps, out=crossings, where=steps > 0)
        ends = ndtr(crossings + origins.reshape(-1, 1))
        ends = np.concatenate([np.zeros((m * s, 1)), ends, np.ones((m * s, 1))], 1)
        at = (M * (np.arange(m * s) // s))[:, None] + lines
        below = np.empty((CELLS + 1, m * M))
        for k in range(CELLS + 1):
            below[k] = np.bincount(at.ravel(), np.diff(np.minimum(ends, k / CELLS), axis=1).ravel(), minlength=m * M)
        joint = np.maximum(np.diff(below, axis=0), 0.0).reshape(CELLS, m, M) / s
        total = joint.sum(0)
        ratio = np.divide(CELLS * joint, total, out=np.ones_like(joint), where=total > 0)
        log_ratio = np.log(np.maximum(ratio, 1e-300))
        information = np.einsum("qmi,qmi->m", joint, log_ratio)
        information = np.where(information > _ROUNDING, information, 0.0)
        with np.errstate(divide="ignore"):
            log_information = np.log(information)
        shape = (m, s, -1)
        return cls(log_information, slopes, lines.reshape(shape), crossings.reshape(shape), steps.reshape(shape), origins, log_ratio)

    def log_gradient(self) -> tuple[Array, Array]:
        """Derivatives of `log_information` in the slopes (`m x M`) and the origins (`m x s`); zeros where it is minus infinity.

        A crossing moves a case's weight between two points, within the interval that it is in. The envelope stands still, which is
        exact: a line that enters it has no width there.
        """
        m, s, _ = self._lines.shape
        M = self._slopes.shape[1]
        d_slopes, d_origins = np.zeros((m, M)), np.zeros((m, s))
        row, case, k = np.nonzero(np.abs(self._crossings + self._origins[:, :, None]) < _REACH)
        z = self._crossings[row, case, k]
        outcome = z + self._origins[row, case]
        cell = np.minimum((CELLS * ndtr(outcome)).astype(np.intp), CELLS - 1)
        left, right = self._lines[row, case, k], self._lines[row, case, k + 1]
        with np.errstate(over="ignore"):
            scale = np.exp(-np.minimum(self.log_information, 0.0) - 0.5 * math.log(2 * math.pi)) / s
        known = np.isfinite(self.log_information)[row]
        gain = np.where(known, self._log_ratio[cell, row, left] - self._log_ratio[cell, row, right], 0.0)
        push = gain * np.exp(-0.5 * outcome**2) * np.where(known, scale[row], 0.0)
        np.add.at(d_origins, (row, case), push)
        turn = push * z / self._steps[row, case, k]
        np.add.at(d_slopes, (row, left), turn)
        np.subtract.at(d_slopes, (row, right), turn)
        return d_slopes, d_origins


def distinct(mean: Array, covariance: Array) -> Indices:
    """Which of n Gaussian values (`n`, `n x n`) are not that of an earlier one, as far as is known."""
    variance = np.diag(covariance)
    apart = variance[:, None] + variance - 2.0 * covariance
    same = (apart < KNOWN) & (np.abs(mean[:, None] - mean) < math.sqrt(KNOWN))
    kept: Indices = np.flatnonzero(~np.any(np.tril(same, -1), axis=1))
    return kept


def often_best(values: Array, most: int) -> Indices:
    """Of n points those that are most often the best in samples of their values (`s x n`), `most` of them at most: representers."""
    points, counts = np.unique(values.argmax(1), return_counts=True)
    chosen: Indices = points[np.argsort(-counts, kind="stable")[:most]]
    return chosen
