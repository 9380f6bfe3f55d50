"""Expected hypervolume improvement: over a known Pareto front, and over one that is known with noise only."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr

from acquisitions.box_decomposition import decompose, nondominated
from acquisitions.conditioning import Draws, FeasibilityDraws, LatentFeasibility, LatentProcess, joint_samples, normals
from acquisitions.feasibility import OutcomeConstraint
from acquisitions.gaussian import Array, GaussianModel, in_blocks, spread
from acquisitions.tails import log_h, log_mean

_PRUNING = 128  # samples that say which points may be on the front
_ROUGH = 8  # samples to rank candidates by
_MOST = 128  # points kept at most, those most often on it
_MARGIN = 4.0  # standard deviations beyond which a point is out of the question
_UNDERFLOW = 1e-150  # below, products of tails are taken in logarithms
_BLOCK = 128  # candidates scored at a time: what is worked on stays in the cache


class Cells:
    """Boxes above the fronts of s samples, and the hypervolume a Gaussian candidate is expected to gain in them.

    The gain of a value y in a box ``[l, u]`` is the volume of the part of the box below y, ``prod_j (min(y_j, u_j) - l_j)^+``. For
    independent Gaussian y_j its mean is ``prod_j (psi_j(l_j) - psi_j(u_j))`` with ``psi_j(a) = E[(y_j - a)^+] = s_j h((m_j - a) / s_j)``,
    exact, and psi is needed only at the distinct borders of a sample's boxes.

    Source: Yang et al. (2019), arXiv:1904.12672; Daulton et al. (2020), arXiv:2006.05078, section 3, whose terms over subsets of the
    objectives the product replaces.

    Args:
        fronts: One a sample, each `k x m`, not dominated and above the reference point.
        reference: `m`.
    """

    def __init__(self, fronts: Sequence[Array], reference: Array) -> None:
        corners = [decompose(front, reference) for front in fronts]
        counts = [len(lower) for lower, _ in corners]
        lower, upper = (np.concatenate(parts) for parts in zip(*corners, strict=True))
        self.samples = len(fronts)
        self.sample = np.repeat(np.arange(self.samples), counts)  # of each box
        self.first = np.concatenate([[0], np.cumsum(counts[:-1], dtype=int)])  # box of each sample
        self.borders = [_Borders(self.sample, lower[:, j], upper[:, j]) for j in range(len(reference))]

    def parts(self, means: Sequence[Array], sds: Sequence[Array]) -> list[tuple[Array, Array, Array]]:
        """What `gains` and `pull` are made of, for c candidates with means (`s x c`) and standard deviations (`c`) of each objective."""
        return [borders.extents(mean, sd) for borders, mean, sd in zip(self.borders, means, sds, strict=True)]

    def gains(self, parts: Sequence[tuple[Array, Array, Array]]) -> Array:
        """The expected gain of each candidate in each sample, `s x c`."""
        return np.add.reduceat(_product([extents for extents, _, _ in parts]), self.first, axis=0)

    def pull(self, parts: Sequence[tuple[Array, Array, Array]], weights: Array) -> list[tuple[Array, Array]]:
        """Gradient of ``sum(weights * gains)`` (weights `s x c`) for each objective: in its means, `s x c`, and in its sd, `c`."""
        found = []
        for j, (borders, (_, cdf, density)) in enumerate(zip(self.borders, parts, strict=True)):
            others = _product([weights[self.sample], *(extents for i, (extents, _, _) in enumerate(parts) if i != j)])
            d_psi = borders.collect(others, -others)
            found.append((borders.by_sample(d_psi * cdf), np.einsum("ij,ij->j", d_psi, density)))
        return found

    def log_gains(self, means: Sequence[Array], sds: Sequence[Array]) -> tuple[Array, list[tuple[Array, ...]]]:
        """Logarithms of the gains, `s x c`, where they underflow, and what `log_pull` is made of."""
        parts: list[tuple[Array, ...]] = [borders.log_extents(mean, sd) for borders, mean, sd in zip(self.borders, means, sds, strict=True)]
        terms: Array = _sum([part[0] for part in parts])
        top: Array = np.maximum.reduceat(terms, self.first, axis=0)
        total: Array = np.add.reduceat(np.exp(terms - top[self.sample]), self.first, axis=0)
        return top + np.log(total), parts

    def log_pull(self, log_gains: Array, parts: Sequence[tuple[Array, ...]]) -> list[tuple[Array, Array]]:
        """Gradients of log_gains for each objective: in its mean and in its sd, both `s x c`."""
        share = np.exp(_sum([part[0] for part in parts]) - log_gains[self.sample])
        found = []
        for borders, (_, share_lower, share_upper, d_mean, d_sd) in zip(self.borders, parts, strict=True):
            d_log_psi = borders.collect(share * share_lower, share * share_upper)
            found.append((borders.by_sample(d_log_psi * d_mean), borders.by_sample(d_log_psi * d_sd)))
        return found


class _Borders:
    """Where the boxes begin and end along one objective: each distinct border of a sample once, ordered by sample.

    Candidates are the last axis of every array, so that picking borders or boxes copies whole rows.
    """

    def __init__(self, sample: NDArray[np.intp], lower: Array, upper: Array) -> None:
        self._closed = np.flatnonzero(upper < np.inf)
        values = np.concatenate([lower, upper[self._closed]])
        samples = np.concatenate([sample, sample[self._closed]])
        self._order = np.lexsort((values, samples))
        values, samples = values[self._order], samples[self._order]
        new = np.ones(len(values), dtype=bool)
        new[1:] = (values[1:] != values[:-1]) | (samples[1:] != samples[:-1])
        self._begin = np.flatnonzero(new)
        self._values, self._sample = values[new, None], samples[new]
        border = np.empty(len(values), dtype=np.intp)
        border[self._order] = np.cumsum(new) - 1
        self._lower, self._upper = border[: len(lower)], border[len(lower) :]
        self._first = np.searchsorted(self._sample, np.arange(self._sample[-1] + 1))

    def extents(self, mean: Array, sd: Array) -> tuple[Array, Array, Array]:
        """``psi(l) - psi(u)`` of every box, `boxes x c`, and ``Phi(z)``, ``phi(z)`` at every border, `borders x c`."""
        z = mean[self._sample]
        z -= self._values
        z /= sd
        np.maximum(z, -37.0, out=z)  # below, densities are denormal numbers, which are slow, and the sum is taken in logarithms
        cdf, density = ndtr(z), np.exp(-0.5 * z * z)
        density *= 1 / math.sqrt(2 * math.pi)
        z *= cdf
        z += density
        psi = np.maximum(z, 0.0, out=z)
        psi *= sd
        extents = psi[self._lower]
        extents[self._closed] -= psi[self._upper]
        return np.maximum(extents, 0.0, out=extents), cdf, density

    def log_extents(self, mean: Array, sd: Array) -> tuple[Array, Array, Array, Array, Array]:
        """``log(psi(l) - psi(u))`` of every box, its slopes in ``log psi(l)`` and ``log psi(u)``, and those of log psi in mean and sd."""
        z = (mean[self._sample] - self._values) / sd
        value, slope = log_h(z)
        log_psi = value + np.log(sd)
        low = log_psi[self._lower]
        ratio = np.full_like(low, -np.inf)  # log of psi(u) / psi(l)
        ratio[self._closed] = log_psi[self._upper] - low[self._closed]
        rest = np.maximum(-np.expm1(ratio), np.finfo(float).tiny)  # where rounding leaves a box no extent
        return low + np.log(rest), 1.0 / rest, 1.0 - 1.0 / rest, slope / sd, (1.0 - slope * z) / sd

    def collect(self, at_lower: Array, at_upper: Array) -> Array:
        """Sums over the boxes that begin and that end at each border, `borders x c`, of what is given for every box, `boxes x c`."""
        both = np.concatenate([at_lower, at_upper[self._closed]])
        return np.add.reduceat(both[self._order], self._begin, axis=0)

    def by_sample(self, at_borders: Array) -> Array:
        """Sums over the borders (`borders x c`) of each sample, `s x c`."""
        return np.add.reduceat(at_borders, self._first, axis=0)


def _product(factors: Sequence[Array]) -> Array:
    total = factors[0]
    for factor in factors[1:]:
        total = total * factor
    return total


def _sum(terms: Sequence[Array]) -> Array:
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total


@dataclass(frozen=True, slots=True)
class _Expectation:
    """``log mean_s [gain_s(x) P_s(x feasible)]``, the body of both functions below."""

    objectives: Sequence[Draws]
    feasibility: FeasibilityDraws
    cells: Cells

    def value(self, X: Array) -> Array:
        """Shape `m`."""
        return in_blocks(lambda X: self._score(X)[0], X, _BLOCK)

    def value_and_gradient(self, X: Array) -> tuple[Array, Array]:
        """Shapes `m` and `m x d`."""
        value, gradient = self._score(X, climbing=True)
        assert gradient is not None
        return value, gradient

    def _score(self, X: Array, *, climbing: bool = False) -> tuple[Array, Array | None]:
        givens = [objective.at(X) for objective in self.objectives]
        spreads = [spread(given.variance) for given in givens]
        sds = [sd for sd, _ in spreads]
        means = [np.ascontiguousarray(np.broadcast_to(given.mean, (len(X), self.cells.samples)).T) for given in givens]
        feasible = self.feasibility.at(X)
        parts = self.cells.parts(means, sds)
        shares = self.cells.gains(parts).T
        probability = None if feasible.joint is None else np.exp(feasible.joint)
        if probability is not None:
            shares *= probability
        total = shares.sum(1)
        small = ~(total > _UNDERFLOW)
        total[small] = 1.0
        shares /= total[:, None]
        value = np.log(total / self.cells.samples) + feasible.closed
        slopes = None
        if np.any(small):
            log_gains, log_parts = self.cells.log_gains([mean[:, small] for mean in means], [sd[small] for sd in sds])
            if climbing:
                slopes = self.cells.log_pull(log_gains, log_parts)
            terms = log_gains.T
            if feasible.joint is not None:
                terms = terms + feasible.joint[small]
            logarithm, shares[small] = log_mean(terms)
            value[small] = logarithm + feasible.closed[small]
        if not climbing:
            return value, None
        gradient = feasible.pull(shares)
        per_gain = (np.ones_like(shares) if probability is None else probability) / total[:, None]
        pulled = self.cells.pull(parts, per_gain.T)
        for j, (given, (_, d_sd), (d_mean, d_spread)) in enumerate(zip(givens, spreads, pulled, strict=True)):
            if slopes is not None:
                in_mean, in_sd = slopes[j]
                d_mean[:, small] = shares[small].T * in_mean
                d_spread[small] = (shares[small].T * in_sd).sum(0)
            gradient += given.pull(d_mean.T, d_spread * d_sd)
        return value, gradient


class LogExpectedHypervolumeImprovement:
    """``log E[HV(front + f(x)) - HV(front)]`` of independent objectives, plus the log probability of feasibility.

    Exact, for two to four objectives. BoTorch: `ExpectedHypervolumeImprovement`, whose logarithm this is, without underflow.
    Source: Emmerich et al. (2006); over boxes: Yang et al. (2019), arXiv:1904.12672; in logarithms: Ament et al. (2023), arXiv:2310.20708.

    Args:
        gps: The models of the objectives, to be maximized, each of outcomes standardised to variance one.
        front: Feasible values known without noise, `n x m`; dominated ones and ones below the reference point are left out.
        reference: The reference point, `m`; see `infer_reference_point`.
        constraints: Outcomes that must keep bounds, independent of each other and of the objectives.
    """

    def __init__(
        self, gps: Sequence[GaussianModel], front: Array, reference: ArrayLike, constraints: Sequence[OutcomeConstraint] = ()
    ) -> None:
        bound = _checked(gps, reference)
        front = np.asarray(front, dtype=float).reshape(-1, len(bound))
        front = front[np.all(front > bound, axis=1)]
        nowhere, no_normals = np.empty((0, 1)), np.empty((1, 0))
        objectives = [LatentProcess(gp, nowhere).draw(no_normals) for gp in gps]
        feasibility = LatentFeasibility(constraints, nowhere).draw(no_normals)
        self._expectation = _Expectation(objectives, feasibility, Cells([front[nondominated(front)]], bound))

    def value(self, X: Array) -> Array:
        """The score at each row of X (`m x d`), shape `m`."""
        return self._expectation.value(X)

    def value_and_gradient(self, X: Array) -> tuple[Array, Array]:
        """The score (`m`) and its gradient (`m x d`) at each row of X (`m x d`)."""
        return self._expectation.value_and_gradient(X)


class LogNoisyExpectedHypervolumeImprovement:
    """``log E[HV({f(x_i)} + f(x)) - HV({f(x_i)})]`` over points x_i whose latent values are uncertain too, by samples of those.

    For each of s joint posterior samples of the objectives at the baseline, what lies above its Pareto front is cut into boxes, in which
    the candidate, Gaussian given the sample, has a closed expected gain (`Cells`). The samples are the only approximation, they are fixed
    by the seed, and there is no smoothing. Without noise it equals `LogExpectedHypervolumeImprovement`. For two to four objectives.
    BoTorch: `qLogNoisyExpectedHypervolumeImprovement` with one candidate, there by samples of the candidate as well.

    Constraints as in `LogNoisyExpectedImprovement`: the front of a sample is of the points feasible in it; one without any has everything
    above the reference point to gain.

    Cost: O(m (n^2 + n b + b s)) a candidate for n data, b baseline points kept and m objectives, and O(m) a box.

    Source: Daulton et al. (2021), arXiv:2105.08195, equation 4; the gain: Yang et al. (2019), arXiv:1904.12672; in logarithms:
    Ament et al. (2023), arXiv:2310.20708.

    Args:
        gps: The models of the objectives, to be maximized, each of outcomes standardised to variance one.
        X: The baseline, `n x d` in the unit cube: what was measured, and running trials. At least one point. Points that are hardly
            ever on the front are dropped, as BoTorch's `prune_inferior_points_multi_objective`.
        reference: The reference point, `m`; see `infer_reference_point`.
        constraints: Outcomes that must keep bounds, independent of each other and of the objectives.
        samples: How many samples of the baseline.
        seed: Of the samples.
    """

    def __init__(
        self,
        gps: Sequence[GaussianModel],
        X: Array,
        reference: ArrayLike,
        constraints: Sequence[OutcomeConstraint] = (),
        *,
        samples: int = 32,
        seed: int = 0,
    ) -> None:
        if len(X) == 0:
            raise ValueError("X has no points; while nothing was measured there is nothing to improve on")
        self.gps, self.constraints, self.samples, self.seed = tuple(gps), tuple(constraints), samples, seed
        self.reference = _checked(gps, reference)
        rng = np.random.default_rng(seed)
        self.baseline = X[_contenders(gps, X, self.reference, self.constraints, rng)]
        """Points that may be on the front, `b x d`."""
        objectives = [LatentProcess(gp, self.baseline) for gp in gps]
        feasibility = LatentFeasibility(self.constraints, self.baseline)
        ranks = [*(objective.rank for objective in objectives), feasibility.rank]

        def expectation(samples: int) -> _Expectation:
            *shares, rest = np.split(normals(samples if any(ranks) else 1, sum(ranks), rng), np.cumsum(ranks)[:-1], axis=1)
            draws = [objective.draw(Z) for objective, Z in zip(objectives, shares, strict=True)]
            feasible = feasibility.draw(rest)
            values = np.stack([draw.values for draw in draws], axis=-1)
            values[~(feasible.verdicts & np.all(values > self.reference, axis=-1))] = -np.inf
            fronts = [sample[front] for sample, front in zip(values, nondominated(values), strict=True)]
            return _Expectation(draws, feasible, Cells(fronts, self.reference))

        self._fine, self._rough = expectation(samples), expectation(min(_ROUGH, samples))

    def with_pending(self, X: Array) -> LogNoisyExpectedHypervolumeImprovement:
        """The same with X (`q x d`) as further points of the baseline: what a further point gains beyond these as well."""
        if not len(X):
            return self
        baseline = np.vstack([self.baseline, X])
        return LogNoisyExpectedHypervolumeImprovement(
            self.gps, baseline, self.reference, self.constraints, samples=self.samples, seed=self.seed
        )

    def value(self, X: Array) -> Array:
        """The score at each row of X (`m x d`), shape `m`."""
        return self._fine.value(X)

    def value_and_gradient(self, X: Array) -> tuple[Array, Array]:
        """The score (`m`) and its gradient (`m x d`) at each row of X (`m x d`)."""
        return self._fine.value_and_gradient(X)

    def rough(self, X: Array) -> Array:
        """A stand-in for `value` with 8 samples, to rank thousands of candidates by at a fraction of the cost; shape `m`."""
        return self._rough.value(X)


def _checked(gps: Sequence[GaussianModel], reference: ArrayLike) -> Array:
    point = np.asarray(reference, dtype=float)
    if not 2 <= len(gps) <= 4 or point.shape != (len(gps),):
        raise ValueError(f"{len(gps)} objectives and a reference point of shape {point.shape}: both must be of the same 2 to 4 objectives")
    if not np.all(np.isfinite(point)):
        raise ValueError(f"the reference point {point.tolist()} is not finite")
    return point


def _contenders(
    gps: Sequence[GaussianModel], X: Array, reference: Array, constraints: Sequence[OutcomeConstraint], rng: np.random.Generator
) -> NDArray[np.intp]:
    """Indices of the points that may be on the feasible front above the reference point: first by margins, then by joint samples."""
    predictions = [gp.predict(X) for gp in gps]
    mean = np.column_stack([mean for mean, _ in predictions])
    reach = _MARGIN * np.sqrt(np.column_stack([variance for _, variance in predictions]))
    verdicts = [constraint.verdict(*constraint.gp.predict(X), margin=_MARGIN) for constraint in constraints]
    possible = np.all([verdict >= 0 for verdict in verdicts], axis=0) if verdicts else np.ones(len(X), dtype=bool)
    certain = np.all([verdict > 0 for verdict in verdicts], axis=0) if verdicts else possible
    surely = (mean - reach)[certain]
    surely = surely[nondominated(surely)]
    beaten = np.any(np.all(surely > (mean + reach)[:, None], axis=2), axis=1)
    kept: NDArray[np.intp] = np.flatnonzero(possible & ~beaten & np.all(mean + reach > reference, axis=1))
    if len(kept) < 2:
        return kept
    values = np.stack([joint_samples(gp, X[kept], _PRUNING, rng) for gp in gps], axis=-1)
    values[~np.all(values > reference, axis=-1)] = -np.inf
    for constraint, verdict in zip(constraints, verdicts, strict=True):
        undecided = np.flatnonzero(verdict[kept] == 0)
        if len(undecided):
            broken = ~constraint.satisfied(joint_samples(constraint.gp, X[kept[undecided]], _PRUNING, rng))
            values[:, undecided] = np.where(broken[..., None], -np.inf, values[:, undecided])
    counts = np.sum([nondominated(sample) for sample in values], axis=0)
    often: NDArray[np.intp] = np.sort(np.argsort(-counts, kind="stable")[: min(_MOST, np.count_nonzero(counts))])
    return kept[often]
