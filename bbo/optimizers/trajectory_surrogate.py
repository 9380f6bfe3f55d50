"""The Gaussian process of the trials near a point, and the gradient it knows there without any further trial: what `FZooS` descends by.

It is fitted in coordinates of its own, in which the point stands in the middle of the unit cube and the farthest of the trials on its
boundary. So it sees as much of a function in a small neighbourhood as in a large one: length scales have a floor and a prior, both
in units of the cube.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bbo.log.ledger import Record
from bbo.log.states import State
from bbo.optimizers.history import History

if TYPE_CHECKING:
    from bbo.optimizers.targets import Target
    from surrogates.exact_gp import ExactGP

Array = NDArray[np.float64]

NEAREST = 150
"""Trials it is fitted to, those nearest to the point: as many as the authors have. A fit costs their cube; what is farther off than so
many neighbours says little of a gradient."""


@dataclass(frozen=True, slots=True, eq=False)
class TrajectorySurrogate:
    """The process around a point.

    Args:
        gp: Over its own coordinates, of gains: minus the loss.
        target: Its data.
        centre: The point (`d`, cube).
        reach: How far the trials go from it along any axis, in the cube.
    """

    gp: ExactGP
    target: Target
    centre: Array
    reach: float

    @classmethod
    def around(cls, centre: Array, history: History, *, least: float, warm: Mapping[str, Any] | None, seed: int) -> TrajectorySurrogate:
        """Fitted to the trials nearest to a point.

        Args:
            centre: The point (`d`, cube).
            history: What is known; at least one trial is done.
            least: The least reach.
            warm: Hyperparameters to start from, as `memo` returned them; None for a search from scratch.
            seed: Of that search.

        Raises:
            ArithmeticError: The fit failed.
        """
        from bbo.optimizers.fitting import NOISE_FLOOR, NOISE_PRIOR
        from bbo.optimizers.targets import measured
        from surrogates.exact_gp import Settings, fit

        records, X = nearest(history, centre, NEAREST)
        reach = max(float(np.abs(X - centre).max()), least)
        target = measured(history.problem, history.problem.objectives[0].name, 0.5 + (X - centre) / (2 * reach), records)
        settings = Settings(kernel="matern52", noise_floor=NOISE_FLOOR, noise_prior=NOISE_PRIOR)
        if warm is not None and (warm["noise"] is None) != (target.variance is not None):
            warm = None  # some noise has become known, or unknown
        gp = fit(target.X, target.y, target.variance, settings=settings, warm=warm, seed=seed)  # type: ignore[arg-type]
        return cls(gp, target, centre, reach)

    @property
    def n(self) -> int:
        """How many trials it is fitted to."""
        return len(self.target.y)

    def memo(self) -> dict[str, Any]:
        """Its hyperparameters as plain JSON."""
        return dict(self.gp.memo())

    def loss(self) -> float:
        """What it believes the loss to be at the centre, in its own units."""
        (mean,) = self.gp.at(self._middle).mean
        return -float(self.target.transform.inverse(mean))

    def gradient(self) -> Array:
        """Mean of the gradient of the loss at the centre (`d`), in units of the loss for a side of the cube."""
        at = self.gp.at(self._middle)
        gain = self.target.transform.inverse(at.mean)
        slope: Array = at.pull(np.ones(1), None)[0] / self.target.transform.derivative(gain)
        return -slope / (2 * self.reach)

    def uncertainty(self, X: Array) -> Array:
        """Trace of the covariance of the gradient at points (`m x d`, cube), `m`; in units of its own."""
        from surrogates.exact_gp.gradient_posterior import gradient_posterior

        _, variance = gradient_posterior(self.gp, 0.5 + (X - self.centre) / (2 * self.reach))
        total: Array = variance.sum(axis=1)
        return total

    @property
    def _middle(self) -> Array:
        return np.full((1, len(self.centre)), 0.5)


def nearest(history: History, centre: Array, most: int) -> tuple[list[Record], Array]:
    """The trials with a value nearest to a point (`d`, cube), at most so many, by number, and where they were run (`n x d`, cube)."""
    done = history.finished(State.DONE)
    X = history.problem.space.encode([record.params for record in done])
    kept = np.sort(np.argsort(((X - centre) ** 2).sum(axis=1), kind="stable")[:most])
    return [done[i] for i in kept], X[kept]
