"""Expected improvement over the best of points whose values are known with noise only."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from acquisitions.conditioning import Draws, FeasibilityDraws, LatentFeasibility, LatentProcess, joint_samples, normals
from acquisitions.feasibility import OutcomeConstraint
from acquisitions.gaussian import Array, GaussianModel, in_blocks, spread
from acquisitions.tails import log_h, log_mean

_PRUNING = 512  # samples that say which points may be the best
_ROUGH = 16  # samples to rank candidates by
_MOST = 128  # points kept at most, those most often the best
_HIGHEST = 512  # points of the highest means, of which those are chosen: variances of all cost more than a search where they are many
_MARGIN = 4.0  # standard deviations beyond which a point is out of the question
_LONG = 100  # measured points beyond which candidates are passed through a sieve before they are ranked
_UNDERFLOW = 1e-90  # h(-20): below, the mean of h is taken in logarithms
_BLOCK = 256  # candidates scored at a time: what is worked on stays in the cache


class LogNoisyExpectedImprovement:
    """``log E[max(f(x) - max_i f(x_i), 0)]`` over points x_i whose latent values are uncertain too, by samples of those.

    For each of s joint posterior samples of the latent values at the baseline the candidate is Gaussian given the sample, so that its
    expected improvement is closed: ``log mean_s [sigma h((m_s - best_s) / sigma)]``. The samples are the only approximation, they are
    fixed by the seed, and there is no smoothing. Without noise there is nothing to sample and it equals `LogExpectedImprovement`.
    BoTorch: `qLogNoisyExpectedImprovement` with one candidate, there by samples of the candidate as well; with pending points, its
    incremental mode.

    With constraints the best of a sample is the best of its points that are feasible in it, and the improvement counts by the
    candidate's probability of feasibility given the sample; where a constraint's verdicts on the baseline are the same in every sample,
    the candidate's probability is independent of them and closed. A sample without a feasible point takes a lower bound of
    the objective as the best: six standard deviations of the outcome (6) below zero and below all predicted means at X. BoTorch's bound
    is the mean less six standard deviations at random points of the cube, which need not be legal in other spaces.

    Cost: O(n^2 + n b + b s) a candidate for n data, b baseline points kept.

    Source: Letham et al. (2019), arXiv:1706.07094, equation 3; in logarithms: Ament et al. (2023), arXiv:2310.20708.

    Args:
        gp: The model of the objective, to be maximized, of outcomes standardised to variance one.
        X: The baseline, `n x d` in the unit cube: what was measured, and running trials. At least one point. Points that are hardly
            ever the best are dropped, as BoTorch's `prune_inferior_points`.
        constraints: Outcomes that must keep bounds, independent of each other and of the objective.
        samples: How many samples of the baseline; 128 leave an error of 1 to 10 % where the improvement is worth a trial.
        seed: Of the samples.
    """

    def __init__(
        self, gp: GaussianModel, X: Array, constraints: Sequence[OutcomeConstraint] = (), *, samples: int = 128, seed: int = 0
    ) -> None:
        if len(X) == 0:
            raise ValueError("X has no points; while nothing was measured there is nothing to improve on")
        self.gp, self.constraints, self.samples, self.seed = gp, tuple(constraints), samples, seed
        self._long = len(X) > _LONG and not self.constraints
        rng = np.random.default_rng(seed)
        self.baseline = X[_contenders(gp, X, self.constraints, rng)]
        """Points that may be the best, `b x d`."""
        objective, feasibility = LatentProcess(gp, self.baseline), LatentFeasibility(self.constraints, self.baseline)
        ranks = objective.rank, feasibility.rank
        least = min(0.0, float(np.min(gp.at(X).mean))) - 6.0 if self.constraints else -np.inf  # without, every sample has a best point

        def improvement(samples: int) -> _Improvement:
            Z = normals(samples if any(ranks) else 1, sum(ranks), rng)
            values, feasible = objective.draw(Z[:, : ranks[0]]), feasibility.draw(Z[:, ranks[0] :])
            best = np.where(feasible.verdicts, values.values, -np.inf).max(1, initial=-np.inf)
            return _Improvement(values, feasible, np.where(best > -np.inf, best, least))

        self._fine, self._rough = improvement(samples), improvement(min(_ROUGH, samples))

    def with_pending(self, X: Array) -> LogNoisyExpectedImprovement:
        """The same with X (`q x d`) as further points of the baseline: what a further point improves beyond these as well.

        This is the joint treatment of a batch built one by one, since the latent values of pending points are sampled with the others.
        """
        if not len(X):
            return self
        baseline = np.vstack([self.baseline, X])
        return LogNoisyExpectedImprovement(self.gp, baseline, self.constraints, samples=self.samples, seed=self.seed)

    def value(self, X: Array) -> Array:
        """The score at each row of X (`m x d`), shape `m`."""
        return self._fine.value(X)

    def value_and_gradient(self, X: Array) -> tuple[Array, Array]:
        """The score (`m`) and its gradient (`m x d`) at each row of X (`m x d`)."""
        return self._fine.value_and_gradient(X)

    def rough(self, X: Array) -> Array:
        """A stand-in for `value` with 16 samples, to rank thousands of candidates by at a fraction of the cost; shape `m`.

        Where the baseline is long, so that variances cost most, only the half of the candidates that may be good by an upper bound on
        their variances is scored; the others get minus infinity.
        """
        if not self._long:
            return self._rough.value(X)
        values = np.full(len(X), -np.inf)
        kept = np.argsort(-self._optimistic(X), kind="stable")[: -(-len(X) // 2)]
        values[kept] = self._rough.value(X[kept])
        return values

    def _optimistic(self, X: Array) -> Array:
        """About an upper bound of the score, without a triangular solve."""
        best = float(self._rough.best.mean())

        def score(X: Array) -> Array:
            moments = self.gp.at(X)
            sd, _ = spread(moments.variance_bound)
            return np.asarray(np.log(sd) + log_h((moments.mean - best) / sd)[0])

        return in_blocks(score, X, _BLOCK)


@dataclass(frozen=True, slots=True)
class _Improvement:
    """The score by given samples; `best` is `s`."""

    objective: Draws
    feasibility: FeasibilityDraws
    best: Array

    def value(self, X: Array) -> Array:
        return in_blocks(self._value, X, _BLOCK)

    def _value(self, X: Array) -> Array:
        given, feasible = self.objective.at(X), self.feasibility.at(X)
        sd, _ = spread(given.variance)
        z = (given.mean - self.best) / sd[:, None]
        if feasible.joint is None:
            return np.log(sd) + _log_mean_h(z)[0] + feasible.closed
        return np.log(sd) + log_mean(log_h(z)[0] + feasible.joint)[0] + feasible.closed

    def value_and_gradient(self, X: Array) -> tuple[Array, Array]:
        given, feasible = self.objective.at(X), self.feasibility.at(X)
        sd, d_sd = spread(given.variance)
        z = (given.mean - self.best) / sd[:, None]
        share: Array | None = None
        if feasible.joint is None:
            value, d_z = _log_mean_h(z)
        else:
            terms, slope = log_h(z)
            value, share = log_mean(terms + feasible.joint)
            d_z = share * slope
        gradient = given.pull(d_z / sd[:, None], (1.0 - np.einsum("ij,ij->i", d_z, z)) / sd * d_sd)
        return np.log(sd) + value + feasible.closed, gradient + feasible.pull(share)


def _log_mean_h(z: Array) -> tuple[Array, Array]:
    """``log mean_s h(z)`` over the columns of `m x s` and its gradient, `m x s`; in logarithms only where h would underflow."""
    cdf = ndtr(z)
    density = np.exp(-0.5 * z * z) * (1 / math.sqrt(2 * math.pi))
    total = (density + z * cdf).sum(1)
    small = ~(total > _UNDERFLOW)
    total[small] = 1.0
    value, d_z = np.log(total / z.shape[1]), cdf / total[:, None]
    if np.any(small):
        terms, slope = log_h(z[small])
        value[small], share = log_mean(terms)
        d_z[small] = share * slope
    return value, d_z


def _contenders(gp: GaussianModel, X: Array, constraints: Sequence[OutcomeConstraint], rng: np.random.Generator) -> NDArray[np.intp]:
    """Indices of the points that may be the best feasible one: first by margins, then by joint samples."""
    if len(X) > _HIGHEST and not constraints:
        highest = np.sort(np.argsort(-gp.at(X).mean, kind="stable")[:_HIGHEST])
        return highest[_contenders(gp, X[highest], (), rng)]
    mean, variance = gp.predict(X)
    sd = np.sqrt(variance)
    verdicts = [constraint.verdict(*constraint.gp.predict(X), margin=_MARGIN) for constraint in constraints]
    possible = np.all([verdict >= 0 for verdict in verdicts], axis=0) if verdicts else np.ones(len(X), dtype=bool)
    certain = np.all([verdict > 0 for verdict in verdicts], axis=0) if verdicts else possible
    floor = np.max((mean - _MARGIN * sd)[certain], initial=-np.inf)
    kept: NDArray[np.intp] = np.flatnonzero(possible & (mean + _MARGIN * sd >= floor))
    if len(kept) < 2:
        return kept
    values = joint_samples(gp, X[kept], _PRUNING, rng)
    for constraint, verdict in zip(constraints, verdicts, strict=True):
        open_ = np.flatnonzero(verdict[kept] == 0)
        if len(open_):
            outcomes = joint_samples(constraint.gp, X[kept[open_]], _PRUNING, rng)
            values[:, open_] = np.where(constraint.satisfied(outcomes), values[:, open_], -np.inf)
    winners = values.argmax(1)[values.max(1) > -np.inf]
    often, counts = np.unique(winners, return_counts=True)
    most: NDArray[np.intp] = np.sort(often[np.argsort(-counts, kind="stable")[:_MOST]])
    return kept[most]
