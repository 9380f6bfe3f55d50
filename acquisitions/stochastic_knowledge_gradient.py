"""The knowledge gradient over a whole space, climbed by stochastic gradients: no set of points stands for the space.

With results ``y = mu_n(X) + L Z`` of a batch X, where ``L L' = K_n(X, X) + noise`` and Z is standard normal, the means become
``mu_n(x') + k_n(x', X) L^-T Z``. One Z gives an unbiased gradient: that of the largest of these means, at its place x* held fixed
(infinitesimal perturbation analysis and the envelope theorem).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular

from acquisitions.conditioning import normals
from acquisitions.domain import Domain, UnsupportedDomain
from acquisitions.gaussian import LEAST_VARIANCE, Array, Moments, Pairs
from acquisitions.maximizer.lbfgs import ClimbSettings, climb
from acquisitions.maximizer.result import Maximum

_INNER = ClimbSettings(value_tolerance=1e-5, gradient_tolerance=1e-3, rounds=10, patience=1_000)
_SAMPLES = 4  # of the gradient, averaged in a step
_LENGTH = 0.1  # of the first steps, in widths of the cube
_BLOCK = 2**21  # numbers held at a time where candidates are scored


@dataclass(frozen=True, eq=False)
class StochasticKnowledgeGradient:
    """``E[max_x' mu_{n+q}(x') | X] - max_x' mu_n(x')`` over a domain, and its maximization by stochastic gradients.

    Where the domain is a box with columns that stand still or not, x* is the best of the points P of the largest shifted mean, climbed
    from there; under other constraints it is the best of P as it is, and the space is P then.

    Gradients are as large as the gain, which falls by orders of magnitude over a run, and single samples are noisy. Other than in the
    source, a step is therefore the mean of four samples (of stratified results) over the root mean square of all such means on the
    way, times 0.1 a / (a + t); and a way ends at the mean of its second half (Polyak & Juditsky 1992).

    Source: Frazier (2018), arXiv:1807.02811, algorithms 3 and 4; batches: Wu & Frazier (2016), arXiv:1606.04414.

    Args:
        gp: The model of the objective, to be maximized, of outcomes standardised to variance one: moments with a baseline and pairs.
        domain: Where the best point is looked for, and the candidates are.
        P: Points of the domain from which the best one is looked for, `p x d`; at least one.
        noise: Variance of the noise of a new measurement.
        q: Points of a batch, which a row of candidates holds one after another, `q d`.
        starts: Uniform points from which candidates climb (R in the source).
        steps: Of each (T).
        scale: a of the step lengths, which are meant for unit cubes.
        replications: Results that are common to all candidates whose values are compared at the end (J).
        allowed: Which points may be candidates, beside the domain's constraints.
        seed: Of the common results.
    """

    gp: Any
    domain: Domain
    P: Array
    noise: float
    q: int = 1
    starts: int = 10
    steps: int = 100
    scale: float = 4.0
    replications: int = 1_000
    allowed: Callable[[Array], NDArray[np.bool_]] | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if not len(self.P):
            raise ValueError("P has no points; the largest mean is looked for from some")

    def value(self, X: Array) -> Array:
        """The knowledge gradient of each row of X (`m x q d`) over P and the candidates themselves, by common results; `m`."""
        return self._over(self.P, X)

    def gradient_sample(self, X: Array, Z: Array) -> Array:
        """An unbiased sample of the gradient at each row of X (`m x q d`) for its normals Z (`m x q`), `m x q d`."""
        return self._sample(X, Z)[0]

    def seek(self, starts: Array, fixed: Mapping[int, float], rng: np.random.Generator) -> Maximum:
        """Climb from the starts (`r x q d`), and compare where they end by common results.

        Columns with levels, inactive ones and those that are fixed stand still on each way.

        Args:
            starts: Points of the domain, `r x q d`.
            fixed: Columns of a point that stand still, by index.
            rng: Source of the results along the ways.
        """
        X, seen, squares, late = starts.copy(), [self.P], np.zeros(len(starts)), list[Array]()
        moving, r = self._moving(X, fixed), len(starts)
        for t in range(1, self.steps + 1):
            Z = np.concatenate([normals(_SAMPLES, self.q, rng) for _ in range(r)])
            samples, best = self._sample(np.repeat(X, _SAMPLES, 0), Z)
            gradient = np.where(moving, samples.reshape(r, _SAMPLES, -1).mean(1), 0.0)
            squares += np.einsum("ij,ij->i", gradient, gradient)
            size = np.sqrt(squares / t)[:, None]
            step = _LENGTH * self.scale / (self.scale + t) * np.divide(gradient, size, out=np.zeros_like(X), where=size > 0)
            X = self._within(X, X + step)
            if 2 * t > self.steps:  # results about where the ways end
                seen.append(best)
                late.append(X)
        X = self._within(X, np.mean(late, 0))
        values = self._over(np.unique(np.vstack(seen), axis=0), X)
        order = np.argsort(-values, kind="stable")
        path = f"{len(X)} climbed by {self.steps} stochastic gradients, compared by {self.replications:,} common results"
        return Maximum(X[order[0]], float(values[order[0]]), path, len(X) * self.steps, starts, X[order], values[order])

    # -- one step

    def _sample(self, X: Array, Z: Array) -> tuple[Array, Array]:
        """Gradients at X, and the points of the largest shifted means, `m x d`."""
        batch = _Batch.of(self.gp, X.reshape(len(X), self.q, -1), self.noise)
        best = self._largest(batch, batch.weights(Z))
        return batch.gradient(best, Z).reshape(X.shape), best

    def _largest(self, batch: _Batch, u: Array) -> Array:
        """Where ``mu(x') + k(x', X) u`` is largest for each batch and its weights u (`m x q`), `m x d`."""
        m, q, d = batch.X.shape
        covariance = self.gp.at(batch.X.reshape(m * q, d), self._baseline).covariance.reshape(m, q, -1)
        start: Array = self.P[(self._baseline.mean + np.einsum("mq,mqp->mp", u, covariance)).argmax(1)]
        if self._low is None:
            return start

        def shifted(S: Array, rows: NDArray[np.int_]) -> tuple[Array, Array]:
            moments, k = self.gp.at(S), len(rows)
            pairs = self.gp.pairs(self.gp.at(np.repeat(S, q, 0)), self.gp.at(batch.X[rows].reshape(k * q, d)))
            value = moments.mean + np.einsum("kq,kq->k", u[rows], pairs.covariance.reshape(k, q))
            moved = pairs.pull(u[rows].reshape(-1))[0].reshape(k, q, d).sum(1)
            return value, moments.pull(np.ones(k), None) + moved

        low, high = (np.where(self._still(start), start, end) for end in (self._low, self._high))
        return climb(shifted, start, low, high, _INNER).X

    def _over(self, S: Array, X: Array) -> Array:
        """The knowledge gradient over the points S and the candidates, by the common results; `m`."""
        Z = normals(self.replications, self.q, np.random.default_rng(self.seed))
        baseline, found = self.gp.baseline(S), [np.empty(0)]
        step = max(1, _BLOCK // (self.replications * (len(S) + self.q)))
        for start in range(0, len(X), step):
            batch = _Batch.of(self.gp, X[start : start + step].reshape(-1, self.q, self.domain.d), self.noise)
            m, q, d = batch.X.shape
            moments = self.gp.at(batch.X.reshape(m * q, d), baseline)
            mean = np.concatenate([np.broadcast_to(baseline.mean, (m, len(S))), moments.mean.reshape(m, q)], 1)
            covariance = np.concatenate([moments.covariance.reshape(m, q, -1), batch.K], 2)
            shift = np.stack([solve_triangular(L, c, lower=True) for L, c in zip(batch.L, covariance, strict=True)])  # m x q x (s + q)
            largest = (mean[:, None, :] + np.einsum("jq,mqs->mjs", Z, shift)).max(2).mean(1)
            found.append(largest - mean.max(1))
        values = np.concatenate(found)
        if self.allowed is not None:
            values[~self.allowed(X.reshape(-1, self.domain.d)).reshape(-1, self.q).all(1)] = -np.inf
        return values

    # -- the domain

    @cached_property
    def _baseline(self) -> Any:
        return self.gp.baseline(self.P)

    @cached_property
    def _low(self) -> Array | None:
        """Lower bounds that the best point is climbed within; None where bounds are not all there is."""
        columns = self.domain.columns
        return None if self.domain.constraints or columns.groups else self.domain.bounds[0]

    @property
    def _high(self) -> Array:
        high: Array = self.domain.bounds[1]
        return high

    def _still(self, X: Array) -> NDArray[np.bool_]:
        """Entries of points (`m x d`) that have levels or are inactive."""
        still = ~self.domain.columns.active(X)
        still[:, list(self.domain.columns.discrete)] = True
        return still

    def _moving(self, X: Array, fixed: Mapping[int, float]) -> NDArray[np.bool_]:
        moving = ~self._still(X.reshape(-1, self.domain.d))
        moving[:, list(fixed)] = False
        return moving.reshape(X.shape)

    def _within(self, X: Array, moved: Array) -> Array:
        """The nearest points of the domain; where that is not to be had, points clipped to the bounds if they are legal, else as before."""
        points, before = moved.reshape(-1, self.domain.d), X.reshape(-1, self.domain.d)
        try:
            projected = self.domain.project(points)
        except UnsupportedDomain:
            projected = points.clip(*self.domain.bounds)
            projected = np.where(self.domain.contains(projected)[:, None], projected, before)
        found: Array = projected.reshape(X.shape)
        return found


@dataclass(frozen=True, slots=True, eq=False)
class _Batch:
    """Candidates `m x q x d`, their posterior covariance K and the factor L of that with noise, both `m x q x q`."""

    gp: Any
    X: Array
    K: Array
    L: Array
    _moments: Moments
    _pairs: Pairs | None

    @classmethod
    def of(cls, gp: Any, X: Array, noise: float) -> _Batch:
        m, q, d = X.shape
        K, pairs = np.zeros((m, q, q)), None
        moments = gp.at(X.reshape(m * q, d))
        K[:, range(q), range(q)] = np.maximum(moments.variance.reshape(m, q), LEAST_VARIANCE)
        if q > 1:
            i, j = np.tril_indices(q, -1)
            pairs = gp.pairs(gp.at(X[:, i].reshape(-1, d)), gp.at(X[:, j].reshape(-1, d)))
            K[:, i, j] = pairs.covariance.reshape(m, -1)
            K[:, j, i] = K[:, i, j]
        return cls(gp, X, K, np.linalg.cholesky(K + (noise + LEAST_VARIANCE * (q > 1)) * np.eye(q)), moments, pairs)

    def weights(self, Z: Array) -> Array:
        """``L^-T Z`` for each batch and its normals (`m x q`), `m x q`."""
        weights: Any = np.linalg.solve(self.L.swapaxes(1, 2), Z[:, :, None])
        found: Array = weights[:, :, 0]
        return found

    def gradient(self, best: Array, Z: Array) -> Array:
        """Gradient (`m x q x d`) of ``k(x*, X) L^-T Z`` in X for each batch, with x* (`m x d`) held fixed."""
        m, q, d = self.X.shape
        u = self.weights(Z)
        pairs = self.gp.pairs(self._moments, self.gp.at(np.repeat(best, q, 0)))
        gradient: Array = pairs.pull(u.reshape(-1))[0].reshape(m, q, d)
        v = np.linalg.solve(self.L, pairs.covariance.reshape(m, q, 1))[:, :, 0]
        d_L: Array = -np.tril(u[:, :, None] * v[:, None, :])  # of the factor; then back to the matrix: Murray (2016), arXiv:1602.07527
        inner = np.tril(self.L.swapaxes(1, 2) @ d_L)
        inner[:, range(q), range(q)] *= 0.5
        inverse = np.linalg.inv(self.L)
        d_K = inverse.swapaxes(1, 2) @ inner @ inverse
        d_K = 0.5 * (d_K + d_K.swapaxes(1, 2))
        gradient = gradient + self._moments.pull(None, d_K[:, range(q), range(q)].reshape(-1)).reshape(m, q, d)
        if self._pairs is not None:
            i, j = np.tril_indices(q, -1)
            here, there = self._pairs.pull(2 * d_K[:, i, j].reshape(-1))
            for pair, (a, b) in enumerate(zip(i, j, strict=True)):
                gradient[:, a] += here.reshape(m, -1, d)[:, pair]
                gradient[:, b] += there.reshape(m, -1, d)[:, pair]
        return gradient
