"""Max-value entropy search: how much a measurement tells of the largest value of the function, in nats.

The largest value is sampled. Given a sample f* a candidate's latent value is a normal one cut off at f*, its measurement that with
noise, and the fall of the latter's entropy is the information, see `acquisitions.truncation`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from acquisitions.feasibility import OutcomeConstraint
from acquisitions.gaussian import LEAST_VARIANCE, Array, GrowingModel, Moments
from acquisitions.largest_value import Bound, Information, Looks, check, max_values


@dataclass(frozen=True, slots=True)
class LogMaxValueEntropy(Information):
    """``log mean_s (H(y | D) - H(y | D, max f = f*_s))`` for a noisy measurement y at a candidate; the information is never negative.

    Exact for each sample, by a formula that keeps its digits where the information underflows. BoTorch's `qMaxValueEntropy` is the
    same by samples of y as well. That f* bounds the value at the candidate alone is the only thing taken of it, as in the paper.

    Cost: O(n^2 + 16 s) a candidate for n data and s samples, and O(b^3) once.

    Source: Wang & Jegelka (2017), arXiv:1703.01968; with noise: Takeno et al. (2020), arXiv:1901.08275.

    Args:
        gp: The model of the objective, to be maximized, of outcomes standardised to variance one.
        X: Points that may be the best, `b x d` in the unit cube, at least one: the largest value is sampled over them.
        noise: Variance of the noise of a new measurement, in the squared units of the model's y, at least 0.
        constraints: Outcomes that must keep bounds, independent of each other and of the objective: the logarithm of the probability
            that the candidate does is added. X should hold points that do.
        samples: How many samples of the largest value.
        seed: Of the samples.
    """

    gp: GrowingModel
    X: Array
    noise: float
    constraints: Sequence[OutcomeConstraint] = ()
    samples: int = 32
    seed: int = 0
    max_values: Array = field(init=False, repr=False)

    def __post_init__(self) -> None:
        check(self.X, self.noise)
        object.__setattr__(self, "max_values", max_values(self.gp, self.X, self.samples, seed=self.seed))

    def _looks(self, X: Array) -> Looks:
        return _Looks.at(self.gp.at(X), self.max_values, self.noise)


@dataclass(frozen=True, slots=True)
class GIBBON(Bound):
    """``mean_s -1/2 log(1 - rho^2 r_s (g_s + r_s))``, a lower bound of the information, with repulsion from points that are pending.

    Here ``g_s = (f*_s - m) / s`` at the candidate, ``r = phi / Phi`` at it and rho^2 the share of the latent variance in that of a
    measurement. With pending points there is added ``1/2 log(Var[y | y_pending] / Var[y])``, what the bound for the
    whole batch grows by; that is at most zero, so that the score may be negative. BoTorch: `qLowerBoundMaxValueEntropy`.

    Cost: O(n^2 + s) a candidate for n data and s samples, and O(b^3) once.

    Source: Moss, Leslie, Gonzalez & Rayson (2021), arXiv:2102.03324.

    Args:
        gp: The model of the objective, to be maximized, of outcomes standardised to variance one.
        X: Points that may be the best, `b x d` in the unit cube, at least one: the largest value is sampled over them.
        noise: Variance of the noise of a new measurement, in the squared units of the model's y, at least 0.
        samples: How many samples of the largest value.
        seed: Of the samples.
    """

    gp: GrowingModel
    X: Array
    noise: float
    samples: int = 32
    seed: int = 0
    max_values: Array = field(init=False, repr=False)
    _after: GrowingModel | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        check(self.X, self.noise)
        object.__setattr__(self, "max_values", max_values(self.gp, self.X, self.samples, seed=self.seed))

    def _looks(self, X: Array) -> Looks:
        return _Looks.at(self.gp.at(X), self.max_values, self.noise)


@dataclass(frozen=True, slots=True)
class _Looks:
    """`Looks` at the value of the candidate itself."""

    g: Array
    shares: tuple[Array, Array]
    measured: Array
    _sd: Array
    _moments: Moments

    @classmethod
    def at(cls, moments: Moments, bounds: Array, noise: float) -> _Looks:
        variance = np.maximum(moments.variance, LEAST_VARIANCE)
        sd, total = np.sqrt(variance), variance + noise
        g = (bounds - moments.mean[:, None]) / sd[:, None]
        signal, rest = (np.broadcast_to((part / total)[:, None], g.shape) for part in (variance, noise))
        return cls(g, (signal, rest), variance, sd, moments)

    def pull(self, d_g: Array, d_ratio: Array, d_measured: Array | None = None) -> Array:
        """As `Looks.pull`; a variance below the least does not move."""
        d_variance = (d_ratio.sum(1) - 0.5 * (d_g * self.g).sum(1)) / self._sd**2
        if d_measured is not None:
            d_variance = d_variance + d_measured
        moves = self._moments.variance > LEAST_VARIANCE
        return self._moments.pull(-d_g.sum(1) / self._sd, np.where(moves, d_variance, 0.0))
