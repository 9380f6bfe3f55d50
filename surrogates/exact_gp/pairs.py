"""How far each of some points goes together with a partner of its own."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from surrogates.exact_gp.arrays import Array, of

if TYPE_CHECKING:
    from surrogates.exact_gp.gp import ExactGP, Moments
    from surrogates.exact_gp.kernels.base import Gram

_PART = 64  # pairs whose covariances are taken from one matrix, of which the diagonal alone is wanted


@dataclass(frozen=True, eq=False, repr=False)
class Pairs:
    """Posterior covariances of some points with others, row by row.

    Args:
        here, there: The moments of m points each.
    """

    here: Moments
    there: Moments
    _gp: ExactGP

    @cached_property
    def covariance(self) -> Array:
        """`m`."""
        covariance: Array = self._prior_covariance - (self.here.whitened * self.there.whitened).sum(0)
        return covariance

    def pull(self, d: Array) -> tuple[Array, Array]:
        """Gradients of ``sum(d * covariance)`` with respect to the points here and there, each `m x d`."""
        gram, xp = self._prior, of(self.here.mean)
        D = xp.zeros(len(d), len(d))
        xp.diagonal(D)[:] = d
        here = gram.pull_inputs(D) + self.here.with_data.pull_inputs(-(d * self.there.weights).T)
        return here, gram.transposed().pull_inputs(D) + self.there.with_data.pull_inputs(-(d * self.here.weights).T)

    @cached_property
    def _prior(self) -> Gram:
        """Of every point with every partner."""
        gp = self._gp
        return gp.kernel.gram(gp.theta, self.here.features, self.there.features)

    @property
    def _prior_covariance(self) -> Array:
        gp, xp = self._gp, of(self.here.mean)
        m = len(self.here.mean)
        if m <= _PART:
            return xp.diagonal(xp.copy(self._prior.matrix))
        prior = []
        for start in range(0, m, _PART):
            A, B = (gp.kernel.features(side.X[start : start + _PART]) for side in (self.here, self.there))
            prior.append(xp.diagonal(xp.copy(gp.kernel.gram(gp.theta, A, B).matrix)))
        return xp.concatenate(prior, 0)
