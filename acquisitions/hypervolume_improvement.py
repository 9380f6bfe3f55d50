"""Expected hypervolume improvement: over a known Pareto front, and over one that is known with noise only."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr

from acquisitions.box_decomposition import decompose, nondominated
from acquisitions.conditioning import SampledFeasibility, SampledProcess, joint_samples, normals
from acquisitions.feasibility import OutcomeConstraint
from acquisitions.gaussian import Array, GaussianModel, spread
from acquisitions.tails import log_h, log_mean

_PRUNING = 128  # samples that say which points may be on the front
_MOST = 128  # points kept at most, those most often on it
_MARGIN = 4.0  # standard deviations beyond which a point is out of the question
_UNDERFLOW = 1e-150  # below, products of tails are taken in logarithms
_BLOCK = 64  # candidates scored at a time: what is worked on stays in the cache


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
        """What `gains` and `pull` are made of, for c candidates with means (`c x s`) and standard deviations (`c`) of each objective."""
        return [borders.extents(mean, sd) for borders, mean, sd in zip(self.borders, means, sds, strict=True)]

    def gains(self, parts: Sequence[tuple[Array, Array, Array]]) -> Array:
        """The expected gain of each candidate in each sample, `c x s`."""
        return np.add.reduceat(_product([extents for extents, _, _ in parts]), self.first, axis=1)

    def pull(self, parts: Sequence[tuple[Array, Array, Array]], weights: Array) -> list[tuple[Array, Array]]:
        """Gradient of ``sum(weights * gains)`` (weights `c x s`) for each objective: in its means, `c x s`, and in its sd, `c`."""
        found = []
        for j, (borders, (_, cdf, density)) in enumerate(zip(self.borders, parts, strict=True)):
            others = _product([weights[:, self.sample], *(extents for i, (extents, _, _) in enumerate(parts) if i != j)])
            d_psi = borders.collect(others, -others)
            found.append((borders.by_sample(d_psi * cdf), np.einsum("ij,ij->i", d_psi, density)))
        return found

    def log_gains(self, means: Sequence[Array], sds: Sequence[Array]) -> tuple[Array, list[tuple[Array, Array]]]:
        """Logarithms of the gains, `c x s`, where they underflow, and their gradients: for each objective in mean and in sd, `c x s`."""
        parts = [borders.log_extents(mean, sd) for borders, mean, sd in zip(self.borders, means, sds, strict=True)]
        terms: Array = np.sum([part[0] for part in parts], axis=0)
        top = np.maximum.reduceat(terms, self.first, axis=1)
        weights = np.exp(terms - top[:, self.sample])
        total = np.add.reduceat(weights, self.first, axis=1)
        share = weights / total[:, self.sample]
        slopes = []
        for borders, (_, share_lower, share_upper, d_mean, d_sd) in zip(self.borders, parts, strict=True):
            d_log_psi = borders.collect(share * share_lower, share * share_upper)
            slopes.append((borders.by_sample(d_log_psi * d_mean), borders.by_sample(d_log_psi * d_sd)))
        return top + np.log(total), slopes


class _Borders:
    """Where the boxes begin and end along one objective: each distinct border of a sample once, ordered by sample."""

    def __init__(self, sample: NDArray[np.intp], lower: Array, upper: Array) -> None:
        closed = np.flatnonzero(upper < np.inf)
        pairs = np.column_stack([np.concatenate([sample, sample[closed]]), np.concatenate([lower, upper[closed]])])
        distinct, inverse = np.unique(pairs, axis=0, return_inverse=True)
        self.sample, self.values = distinct[:, 0].astype(np.intp), distinct[:, 1]
        self.lower = inverse[: len(lower)]
        self.upper = np.full(len(lower), len(distinct))  # one past the end: nothing is above infinity
        self.upper[closed] = inverse[len(lower) :]
        self._closed = closed
        self._order = np.argsort(inverse, kind="stable")
        self._begin = np.searchsorted(inverse[self._order], np.arange(len(distinct)))
        self._first = np.searchsorted(self.sample, np.arange(self.sample[-1] + 1))

    def extents(self, mean: Array, sd: Array) -> tuple[Array, Array, Array]:
        """``psi(l) - psi(u)`` of every box, and ``Phi(z)``, ``phi(z)`` at every border."""
        z = (mean[:, self.sample] - self.values) / sd[:, None]
        cdf, density = ndtr(z), np.exp(-0.5 * z * z) * (1 / math.sqrt(2 * math.pi))
        psi = np.zeros((len(z), z.shape[1] + 1))
        np.multiply(sd[:, None], np.maximum(density + z * cdf, 0.0), out=psi[:, :-1])
        return np.maximum(psi[:, self.lower] - psi[:, self.upper], 0.0), cdf, density

    def log_extents(self, mean: Array, sd: Array) -> tuple[Array, Array, Array, Array, Array]:
        """``log(psi(l) - psi(u))`` of every box, its slopes in ``log psi(l)`` and ``log psi(u)``, and those of log psi in mean and sd."""
        z = (mean[:, self.sample] - self.values) / sd[:, None]
        value, slope = log_h(z)
        log_psi = np.full((len(z), z.shape[1] + 1), -np.inf)
        log_psi[:, :-1] = value + np.log(sd)[:, None]
        low, high = log_psi[:, self.lower], log_psi[:, self.upper]
        rest = np.maximum(-np.expm1(high - low), np.finfo(float).tiny)  # of boxes without extent, nothing
        return low + np.log(rest), 1.0 / rest, 1.0 - 1.0 / rest, slope / sd[:, None], (1.0 - slope * z) / sd[:, None]

    def collect(self, at_lower: Array, at_upper: Array) -> Array:
        """Sums over the boxes that begin and that end at each border, `c x borders`, of what is given for every box, `c x boxes`."""
        both = np.concatenate([at_lower, at_upper[:, self._closed]], axis=1)
        return np.add.reduceat(both[:, self._order], self._begin, axis=1)

    def by_sample(self, at_borders: Array) -> Array:
        """Sums over the borders (`c x borders`) of each sample, `c x s`."""
        return np.add.reduceat(at_borders, self._first, axis=1)


def _product(factors: Sequence[Array]) -> Array:
    total = factors[0]
    for factor in factors[1:]:
        total = total * factor
    return total


class _Expectation:
    """``log mean_s [gain_s(x) P_s(x feasible)]``, the body of both functions below."""

    def __init__(self, objectives: Sequence[SampledProcess], feasibility: SampledFeasibility, cells: Cells) -> None:
        self.objectives, self.feasibility, self.cells = objectives, feasibility, cells

    def value(self, X: Array) -> Array:
        """Shape `m`."""
        return np.concatenate([np.empty(0), *(self._score(X[start : start + _BLOCK])[0] for start in range(0, len(X), _BLOCK))])

    def value_and_gradient(self, X: Array) -> tuple[Array, Array]:
        """Shapes `m` and `m x d`."""
        value, gradient = self._score(X, climbing=True)
        assert gradient is not None
        return value, gradient

    def _score(self, X: Array, *, climbing: bool = False) -> tuple[Array, Array | None]:
        givens = [objective.at(X) for objective in self.objectives]
        spreads = [spread(given.variance) for given in givens]
        sds = [sd for sd, _ in spreads]
        means = [np.broadcast_to(given.mean, (len(X), self.cells.samples)) for given in givens]
        feasible = self.feasibility.at(X)
        parts = self.cells.parts(means, sds)
        shares = self.cells.gains(parts)
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
            terms, slopes = self.cells.log_gains([mean[small] for mean in means], [sd[small] for sd in sds])
            if feasible.joint is not None:
                terms = terms + feasible.joint[small]
            logarithm, shares[small] = log_mean(terms)
            value[small] = logarithm + feasible.closed[small]
        if not climbing:
            return value, None
        gradient = feasible.pull(shares)
        per_gain = (np.ones_like(shares) if probability is None else probability) / total[:, None]
        for j, (given, (_, d_sd), (d_mean, d_spread)) in enumerate(zip(givens, spreads, self.cells.pull(parts, per_gain), strict=True)):
            if slopes is not None:
                in_mean, in_sd = slopes[j]
                d_mean[small] = shares[small] * in_mean
                d_spread[small] = (shares[small] * in_sd).sum(1)
            gradient += given.pull(d_mean, d_spread * d_sd)
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
        nowhere = np.empty((0, 1))
        objectives = [SampledProcess(gp, nowhere) for gp in gps]
        for objective in objectives:
            objective.draw(np.empty((1, 0)))
        feasibility = SampledFeasibility(constraints, nowhere)
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
        objectives = [SampledProcess(gp, self.baseline) for gp in gps]
        feasibility = SampledFeasibility(self.constraints, self.baseline)
        ranks = [objective.rank for objective in objectives]
        total = sum(ranks) + feasibility.rank
        ends = np.cumsum(ranks)
        *shares, rest = np.split(normals(samples if total else 1, total, rng), ends, axis=1)
        values = np.stack([objective.draw(Z) for objective, Z in zip(objectives, shares, strict=True)], axis=-1)
        values[~(feasibility.draw(rest) & np.all(values > self.reference, axis=-1))] = -np.inf
        fronts = [sample[front] for sample, front in zip(values, nondominated(values), strict=True)]
        self._expectation = _Expectation(objectives, feasibility, Cells(fronts, self.reference))

    def with_pending(self, X: Array) -> LogNoisyExpectedHypervolumeImprovement:
        """The same with X (`q x d`) as further points of the baseline: what a further point gains beyond these as well."""
        baseline = np.vstack([self.baseline, X])
        return LogNoisyExpectedHypervolumeImprovement(
            self.gps, baseline, self.reference, self.constraints, samples=self.samples, seed=self.seed
        )

    def value(self, X: Array) -> Array:
        """The score at each row of X (`m x d`), shape `m`."""
        return self._expectation.value(X)

    def value_and_gradient(self, X: Array) -> tuple[Array, Array]:
        """The score (`m`) and its gradient (`m x d`) at each row of X (`m x d`)."""
        return self._expectation.value_and_gradient(X)


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
