"""Max-value entropy search: how much a measurement tells of the largest value of the function, in nats.

The largest value is sampled. Given a sample f* a candidate's latent value is a normal one cut off at f*, its measurement that with
noise, and the fall of the latter's entropy is the information, see `acquisitions.truncation`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from acquisitions.conditioning import joint_samples
from acquisitions.feasibility import LogProbabilityOfFeasibility, OutcomeConstraint
from acquisitions.gaussian import LEAST_VARIANCE, Array, GrowingModel, Moments, in_blocks
from acquisitions.tails import log_mean
from acquisitions.truncation import information_bound, log_information

_BLOCK = 64  # candidates scored at a time: what is worked on stays in the cache


def max_values(gp: GrowingModel, X: Array, samples: int, *, seed: int = 0) -> Array:
    """Samples of the largest latent value over X (`b x d`), shape `samples`: of joint ones, so that neighbours count as neighbours."""
    largest: Array = joint_samples(gp, X, samples, np.random.default_rng(seed)).max(1)
    return largest


@dataclass(frozen=True, slots=True)
class LogMaxValueEntropy:
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

    def with_pending(self, X: Array) -> LogMaxValueEntropy:
        """The same after measurements at X (`q x d`), whose results are taken to be the means.

        That is exact for the covariances, which do not depend on results; the means stay as they are, which they do on average. The
        largest value is sampled anew, with X among the points.
        """
        if not len(X):
            return self
        gp = self.gp.condition(X, self.gp.predict(X)[0], np.full(len(X), self.noise))
        return replace(self, gp=gp, X=np.vstack([self.X, X]))

    def value(self, X: Array) -> Array:
        """The score at each row of X (`m x d`), shape `m`."""
        value = in_blocks(lambda part: self._information(self.gp.at(part))[0], X, _BLOCK)
        return value + LogProbabilityOfFeasibility(self.constraints).value(X) if self.constraints else value

    def rough(self, X: Array) -> Array:
        """A stand-in for `value` by the lower bound of `GIBBON`, to rank thousands of candidates by at a fraction of the cost; `m`."""
        with np.errstate(divide="ignore"):
            value = in_blocks(lambda part: np.log(_Looks.at(self.gp.at(part), self.max_values, self.noise).bound()[0]), X, _BLOCK)
        return value + LogProbabilityOfFeasibility(self.constraints).value(X) if self.constraints else value

    def value_and_gradient(self, X: Array) -> tuple[Array, Array]:
        """The score (`m`) and its gradient (`m x d`) at each row of X (`m x d`)."""
        moments = self.gp.at(X)
        value, d_mean, d_variance = self._information(moments)
        gradient = moments.pull(d_mean, d_variance)
        if not self.constraints:
            return value, gradient
        likely, push = LogProbabilityOfFeasibility(self.constraints).value_and_gradient(X)
        return value + likely, gradient + push

    def _information(self, moments: Moments) -> tuple[Array, Array, Array]:
        looks = _Looks.at(moments, self.max_values, self.noise)
        terms, d_g, d_ratio = log_information(looks.g, looks.signal, looks.rest)
        value, share = log_mean(terms)
        return value, *looks.pull(share * d_g, share * d_ratio)


@dataclass(frozen=True, slots=True)
class GIBBON:
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

    def with_pending(self, X: Array) -> GIBBON:
        """The same beside measurements at X (`q x d`) whose results are awaited; only their covariances matter."""
        if not len(X):
            return self
        before = self.gp if self._after is None else self._after
        return replace(self, _after=before.condition(X, before.predict(X)[0], np.full(len(X), self.noise)))

    def value(self, X: Array) -> Array:
        """The score at each row of X (`m x d`), shape `m`."""
        value = in_blocks(lambda part: _Looks.at(self.gp.at(part), self.max_values, self.noise).bound()[0], X, _BLOCK)
        if self._after is None:
            return value
        before, after = (np.maximum(gp.predict(X)[1], LEAST_VARIANCE) + self.noise for gp in (self.gp, self._after))
        repulsion: Array = 0.5 * np.log(after / before)
        return value + repulsion

    def value_and_gradient(self, X: Array) -> tuple[Array, Array]:
        """The score (`m`) and its gradient (`m x d`) at each row of X (`m x d`)."""
        moments = self.gp.at(X)
        looks = _Looks.at(moments, self.max_values, self.noise)
        value, d_mean, d_variance = looks.bound()
        if self._after is None:
            return value, moments.pull(d_mean, d_variance)
        later = self._after.at(X)
        before, after = (np.maximum(m.variance, LEAST_VARIANCE) + self.noise for m in (moments, later))
        falls, rises = (np.where(m.variance > LEAST_VARIANCE, 0.5, 0.0) for m in (moments, later))
        gradient = moments.pull(d_mean, d_variance - falls / before) + later.pull(None, rises / after)
        return value + 0.5 * np.log(after / before), gradient


@dataclass(frozen=True, slots=True)
class _Looks:
    """Measurements at m candidates beside s bounds of the value there, in the terms of `acquisitions.truncation`; each `m x s`."""

    g: Array
    signal: Array
    rest: Array
    _sd: Array
    _moves: NDArray[np.bool_]

    @classmethod
    def at(cls, moments: Moments, bounds: Array, noise: float) -> _Looks:
        variance = np.maximum(moments.variance, LEAST_VARIANCE)
        sd, total = np.sqrt(variance), variance + noise
        g = (bounds - moments.mean[:, None]) / sd[:, None]
        signal, rest = (np.broadcast_to((part / total)[:, None], g.shape) for part in (variance, noise))
        return cls(g, signal, rest, sd, moments.variance > LEAST_VARIANCE)

    def bound(self) -> tuple[Array, Array, Array]:
        """Mean of `information_bound` over the bounds, and its slopes in the mean and the variance of the value; each `m`."""
        terms, d_g, d_ratio = information_bound(self.g, self.signal, self.rest)
        return terms.mean(1), *self.pull(d_g / terms.shape[1], d_ratio / terms.shape[1])

    def pull(self, d_g: Array, d_ratio: Array) -> tuple[Array, Array]:
        """Slopes in mean and variance (`m`) of what has slopes d_g in g and d_ratio in the logarithm of signal to noise, summed."""
        d_variance = (d_ratio.sum(1) - 0.5 * (d_g * self.g).sum(1)) / self._sd**2
        return -d_g.sum(1) / self._sd, np.where(self._moves, d_variance, 0.0)


def check(X: Array, noise: float) -> None:
    """Refuse sets without points and noise that is none.

    Raises:
        ValueError: X has no points, or noise is negative or not finite.
    """
    if not len(X):
        raise ValueError("X has no points; an entropy is that of the best of some")
    if not 0 <= noise < np.inf:
        raise ValueError(f"noise is {noise}, a variance, and must be at least 0 and finite")
