"""An optimistic improvement at the target, the less of it the further a source is off there."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from acquisitions.gaussian import Array, GrowingModel, spread
from acquisitions.standing import Standing


@dataclass(frozen=True, slots=True, eq=False)
class AugmentedUpperConfidenceBound:
    """``(m + sqrt(beta) s - best) / (1 + |m - m_l|)``, with m and s at the target and m_l the mean where the candidate is measured.

    Where the bound is below `best`, there is nothing to be gained, and the deficit is multiplied instead of divided: what is far off does
    not get better by it. At the target it is `UpperConfidenceBound` less `best`. For costs see `acquisitions.per_cost.PerCost`, which
    treats deficits alike. The discrepancy counts in the units of the model's y.

    Source: Candelieri & Archetti (2021), Structural and Multidisciplinary Optimization 64, by the formula that
    `botorch_community.acquisition.augmented_multisource` documents. Its code adds `best` instead of taking it off and multiplies by
    the discrepancy's factor, so that the further a source is off the better (BoTorch 0.18.1). There m and s are those of a process of
    the target's and of reliable measurements of the sources, and m_l is of a process of the source alone; here all are of one
    model of all levels. The paper itself was not read.

    Args:
        gp: The model of the objective at all levels, to be maximized, of outcomes standardised to variance one.
        best: Value at the target to improve on, in the units of the model's y.
        beta: Weight of the variance, at least 0.
        target: Values, by index, of the columns by which a candidate is at the target; none where every candidate is.
        noise: Variance of the noise of a new measurement, at least 0; only points whose results are awaited need it.
    """

    gp: GrowingModel
    best: float
    beta: float
    target: Mapping[int, float] = field(default_factory=dict)
    noise: float = 0.0

    def __post_init__(self) -> None:
        if not self.beta >= 0:
            raise ValueError(f"beta is {self.beta}, must be at least 0")

    def with_pending(self, X: Array) -> AugmentedUpperConfidenceBound:
        """The same after measurements at X (`q x d`), whose results are taken to be the means: less is uncertain around them."""
        if not len(X):
            return self
        gp = self.gp.condition(X, self.gp.predict(X)[0], np.full(len(X), self.noise))
        return replace(self, gp=gp, best=max(self.best, float(Standing(self.gp, self.target).predict(X)[0].max())))

    def value(self, X: Array) -> Array:
        """The score at each row of X (`m x d`), shape `m`."""
        mean, variance = Standing(self.gp, self.target).predict(X)
        gain = mean + math.sqrt(self.beta) * spread(variance)[0] - self.best
        off = 1.0 + np.abs(mean - self.gp.at(X).mean)
        return np.where(gain > 0, gain / off, gain * off)

    def value_and_gradient(self, X: Array) -> tuple[Array, Array]:
        """The score (`m`) and its gradient (`m x d`) at each row of X (`m x d`)."""
        there, here = Standing(self.gp, self.target).at(X), self.gp.at(X)
        weight = math.sqrt(self.beta)
        sd, d_sd = spread(there.variance)
        gain, apart = there.mean + weight * sd - self.best, there.mean - here.mean
        off = 1.0 + np.abs(apart)
        d_gain = np.where(gain > 0, 1.0 / off, off)
        d_apart = np.where(gain > 0, -gain / off**2, gain) * np.sign(apart)
        gradient = there.pull(d_gain + d_apart, d_gain * weight * d_sd) + here.pull(-d_apart, None)
        return gain * d_gain, gradient
