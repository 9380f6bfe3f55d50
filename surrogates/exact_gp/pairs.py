"""How far each of some points goes together with a partner of its own."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from surrogates.exact_gp.arrays import Array, of

if TYPE_CHECKING:
    from surrogates.exact_gp.gp import ExactGP

_PART = 64  # pairs whose covariances are taken from one matrix, of which the diagonal alone is wanted


@dataclass(frozen=True, eq=False, repr=False)
class Pairs:
    """Posterior covariances of the rows of X with those of Z, row by row.

    Args:
        X, Z: `m x d`.
    """

    X: Array
    Z: Array
    _gp: ExactGP

    @cached_property
    def covariance(self) -> Array:
        """`m`."""
        gp, xp = self._gp, of(self.X)
        prior = [xp.zeros(0)]
        for start in range(0, len(self.X), _PART):
            A, B = (gp.kernel.features(points[start : start + _PART]) for points in (self.X, self.Z))
            prior.append(xp.diagonal(xp.copy(gp.kernel.gram(gp.theta, A, B).matrix)))
        V, W = self._whitened
        covariance: Array = xp.concatenate(prior, 0) - (V * W).sum(0)
        return covariance

    def pull(self, d: Array) -> tuple[Array, Array]:
        """Gradients of ``sum(d * covariance)`` with respect to X and to Z, each `m x d`."""
        gp, xp = self._gp, of(self.X)
        A, B = (gp.kernel.features(points) for points in (self.X, self.Z))
        gram = gp.kernel.gram(gp.theta, A, B)
        D = xp.zeros(len(d), len(d))
        xp.diagonal(D)[:] = d
        V, W = self._whitened
        pulled = []
        for features, prior, partner in ((A, gram, W), (B, gram.transposed(), V)):
            weights = -(d * xp.solve_upper(gp.L, partner)).T
            pulled.append(prior.pull_inputs(D) + gp.kernel.gram(gp.theta, features, gp.features).pull_inputs(weights))
        return pulled[0], pulled[1]

    @cached_property
    def _whitened(self) -> tuple[Array, Array]:
        """``L^-1 k(training points, X)`` and the same of Z, each `n x m`."""
        gp, xp = self._gp, of(self.X)
        grams = (gp.kernel.gram(gp.theta, gp.kernel.features(points), gp.features).matrix for points in (self.X, self.Z))
        V, W = (xp.solve_lower(gp.L, matrix.T) for matrix in grams)
        return V, W
