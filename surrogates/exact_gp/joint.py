"""What a measurement of a value and of partial derivatives would tell, before it is made."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from surrogates.exact_gp.arrays import Array, of
from surrogates.exact_gp.kernels.base import Features, Gram

if TYPE_CHECKING:
    from surrogates.exact_gp.gp import Baseline, ExactGP


@dataclass(frozen=True, eq=False, repr=False)
class Joint:
    """The posterior of the value and p - 1 partial derivatives at each of m points, those of one point together.

    Args:
        rows: Values and derivatives, point by point, as the process has them: `mp x (d + 1)`.
        p: How many at each point; the value comes first.
    """

    rows: Array
    p: int
    _gp: ExactGP
    _features: Features
    _gram: Gram
    _baseline: Baseline | None

    @classmethod
    def of(cls, gp: ExactGP, X: Array, partials: tuple[int, ...], baseline: Baseline | None) -> Joint:
        """At X (`m x d`), with the derivatives by these columns."""
        p = 1 + len(partials)
        tags = np.tile([0.0, *(1.0 + column for column in partials)], len(X))
        rows = np.column_stack([np.repeat(X, p, axis=0), tags])
        features = gp.kernel.features(rows)
        return cls(rows, p, gp, features, gp.kernel.gram(gp.theta, features, (gp if baseline is None else baseline).features), baseline)

    @cached_property
    def mean(self) -> Array:
        """`m x p`."""
        gp = self._gp
        mean: Array = gp.mean(self.rows) + self._gram.matrix[:, : len(gp.X)] @ gp.alpha
        return mean.reshape(-1, self.p)

    @cached_property
    def covariance(self) -> Array:
        """Of value and derivatives at each point, `m x p x p`. Before any data those of a stationary process are independent there."""
        gp, V = self._gp, self._whitened
        prior = gp.kernel.diagonal(gp.theta, self._features).reshape(-1, self.p)
        covariance: Array = prior[:, :, None] * np.eye(self.p) - np.matmul(V.transpose(1, 2, 0), V.transpose(1, 0, 2))
        return covariance

    @cached_property
    def across(self) -> Array:
        """Covariance with the values at the baseline's points, `m x p x b`.

        Raises:
            ValueError: There is no baseline.
        """
        if self._baseline is None:
            raise ValueError("joint: covariances with other points need a baseline")
        n = len(self._gp.X)
        V = self._whitened.reshape(n, -1)
        return (self._gram.matrix[:, n:] - V.T @ self._baseline.V).reshape(-1, self.p, len(self._baseline.X))

    @cached_property
    def _whitened(self) -> Array:
        """``L^-1 k(training rows, rows)``, `n x m x p`."""
        gp = self._gp
        return of(gp.L).solve_lower(gp.L, self._gram.matrix[:, : len(gp.X)].T).reshape(len(gp.X), -1, self.p)

    def pull(self, d_mean: Array, d_covariance: Array, d_across: Array | None = None) -> Array:
        """Gradient of ``sum(d_mean * mean) + sum(d_covariance * covariance) + sum(d_across * across)`` in the points, `m x d`.

        Args:
            d_mean: `m x p`.
            d_covariance: `m x p x p`.
            d_across: `m x p x b`, or None for zeros.
        """
        gp = self._gp
        n, m = len(gp.X), len(d_mean)
        U = np.matmul(self._whitened.transpose(1, 0, 2), d_covariance + d_covariance.transpose(0, 2, 1)).transpose(1, 0, 2)
        W = np.multiply.outer(d_mean.reshape(-1), gp.alpha) - of(gp.L).solve_upper(gp.L, np.ascontiguousarray(U).reshape(n, -1)).T
        if self._baseline is not None:
            beside = np.zeros((m * self.p, len(self._baseline.X))) if d_across is None else d_across.reshape(m * self.p, -1)
            W = np.concatenate([W - beside @ self._baseline.weights.T, beside], axis=1)
        pulled: Array = self._gram.pull_inputs(W)[:, :-1].reshape(m, self.p, -1).sum(1)
        return pulled
