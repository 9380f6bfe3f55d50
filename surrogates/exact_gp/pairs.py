"""How far each of some points goes together with a partner of its own."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from surrogates.exact_gp.arrays import Array, of

if TYPE_CHECKING:
    from surrogates.exact_gp.gp import ExactGP, Moments

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
        gp, xp = self._gp, of(self.here.mean)
        prior = [xp.zeros(0)]
        for start in range(0, len(self.here.mean), _PART):
            A, B = (gp.kernel.features(side.X[start : start + _PART]) for side in (self.here, self.there))
            prior.append(xp.diagonal(xp.copy(gp.kernel.gram(gp.theta, A, B).matrix)))
        covariance: Array = xp.concatenate(prior, 0) - (self.here.whitened * self.there.whitened).sum(0)
        return covariance

    def pull(self, d: Array) -> tuple[Array, Array]:
        """Gradients of ``sum(d * covariance)`` with respect to the points here and there, each `m x d`."""
        gp, xp = self._gp, of(self.here.mean)
        gram = gp.kernel.gram(gp.theta, self.here.features, self.there.features)
        D = xp.zeros(len(d), len(d))
        xp.diagonal(D)[:] = d
        here = gram.pull_inputs(D) + self.here.with_data.pull_inputs(-(d * self.there.weights).T)
        return here, gram.transposed().pull_inputs(D) + self.there.with_data.pull_inputs(-(d * self.here.weights).T)
