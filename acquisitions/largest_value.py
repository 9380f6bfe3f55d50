"""What max-value entropies share, at one fidelity and at several: samples of the largest value, and the scores that go by them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol, Self

import numpy as np

from acquisitions.conditioning import joint_samples
from acquisitions.feasibility import LogProbabilityOfFeasibility, OutcomeConstraint
from acquisitions.gaussian import LEAST_VARIANCE, Array, GrowingModel, in_blocks
from acquisitions.tails import log_mean
from acquisitions.truncation import information_bound, log_information

_BLOCK = 64  # candidates scored at a time: what is worked on stays in the cache


def max_values(gp: GrowingModel, X: Array, samples: int, *, seed: int = 0) -> Array:
    """Samples of the largest latent value over X (`b x d`), shape `samples`: of joint ones, so that neighbours count as neighbours."""
    largest: Array = joint_samples(gp, X, samples, np.random.default_rng(seed)).max(1)
    return largest


def check(X: Array, noise: float) -> None:
    """Refuse sets without points and noise that is none.

    Raises:
        ValueError: X has no points, or noise is negative or not finite.
    """
    if not len(X):
        raise ValueError("X has no points; an entropy is that of the best of some")
    if not 0 <= noise < np.inf:
        raise ValueError(f"noise is {noise}, a variance, and must be at least 0 and finite")


class Looks(Protocol):
    """Measurements of m candidates beside s bounds of the value that counts, in the terms of `acquisitions.truncation`; each `m x s`."""

    @property
    def g(self) -> Array:
        """How far each bound is above the mean, in standard deviations."""

    @property
    def shares(self) -> tuple[Array, Array]:
        """Of the value that counts in the variance of the measurement, and the rest of it."""

    @property
    def measured(self) -> Array:
        """Variance of the measurement without its noise, floored, `m`."""

    def pull(self, d_g: Array, d_ratio: Array, d_measured: Array | None = None) -> Array:
        """Gradient (`m x d`) of what has slopes d_g in g and d_ratio in the log of signal to rest, summed over bounds, and d_measured."""


class Information(ABC):
    """What the logarithms of the information about the largest value share, wherever it is."""

    __slots__ = ()

    gp: GrowingModel
    X: Array
    noise: float
    constraints: Sequence[OutcomeConstraint]

    @abstractmethod
    def _looks(self, X: Array) -> Looks:
        """Measurements of candidates beside the sampled largest values."""

    def with_pending(self, X: Array) -> Self:
        """The same after measurements at X (`q x d`), whose results are taken to be the means.

        That is exact for the covariances, which do not depend on results; the means stay as they are, which they do on average. The
        largest value is sampled anew, with X among the points.
        """
        if not len(X):
            return self
        gp = self.gp.condition(X, self.gp.predict(X)[0], np.full(len(X), self.noise))
        return replace(self, gp=gp, X=np.vstack([self.X, X]))  # type: ignore[type-var]  # a dataclass below

    def value(self, X: Array) -> Array:
        """The score at each row of X (`m x d`), shape `m`."""
        value = in_blocks(lambda part: self._information(part)[0], X, _BLOCK)
        return value + LogProbabilityOfFeasibility(self.constraints).value(X) if self.constraints else value

    def rough(self, X: Array) -> Array:
        """A stand-in for `value` by the lower bound of GIBBON, to rank thousands of candidates by at a fraction of the cost; `m`."""
        with np.errstate(divide="ignore"):
            value = in_blocks(lambda part: np.log(bound(self._looks(part))), X, _BLOCK)
        return value + LogProbabilityOfFeasibility(self.constraints).value(X) if self.constraints else value

    def value_and_gradient(self, X: Array) -> tuple[Array, Array]:
        """The score (`m`) and its gradient (`m x d`) at each row of X (`m x d`)."""
        value, looks, d_g, d_ratio = self._information(X)
        gradient = looks.pull(d_g, d_ratio)
        if not self.constraints:
            return value, gradient
        likely, push = LogProbabilityOfFeasibility(self.constraints).value_and_gradient(X)
        return value + likely, gradient + push

    def _information(self, X: Array) -> tuple[Array, Looks, Array, Array]:
        looks = self._looks(X)
        terms, d_g, d_ratio = log_information(looks.g, *looks.shares)
        value, share = log_mean(terms)
        return value, looks, share * d_g, share * d_ratio


class Bound(ABC):
    """What the lower bounds of that information share, with repulsion from points that are pending."""

    __slots__ = ()

    gp: GrowingModel
    noise: float
    _after: GrowingModel | None

    @abstractmethod
    def _looks(self, X: Array) -> Looks:
        """Measurements of candidates beside the sampled largest values."""

    def with_pending(self, X: Array) -> Self:
        """The same beside measurements at X (`q x d`) whose results are awaited; only their covariances matter."""
        if not len(X):
            return self
        before = self.gp if self._after is None else self._after
        after = before.condition(X, before.predict(X)[0], np.full(len(X), self.noise))
        return replace(self, _after=after)  # type: ignore[type-var]  # a dataclass below

    def value(self, X: Array) -> Array:
        """The score at each row of X (`m x d`), shape `m`."""
        value = in_blocks(lambda part: bound(self._looks(part)), X, _BLOCK)
        if self._after is None:
            return value
        before, after = (np.maximum(gp.predict(X)[1], LEAST_VARIANCE) + self.noise for gp in (self.gp, self._after))
        repulsion: Array = 0.5 * np.log(after / before)
        return value + repulsion

    def value_and_gradient(self, X: Array) -> tuple[Array, Array]:
        """The score (`m`) and its gradient (`m x d`) at each row of X (`m x d`)."""
        looks = self._looks(X)
        terms, d_g, d_ratio = information_bound(looks.g, *looks.shares)
        each = terms.shape[1]
        value, d_g, d_ratio = terms.mean(1), d_g / each, d_ratio / each
        if self._after is None:
            return value, looks.pull(d_g, d_ratio)
        later, before = self._after.at(X), looks.measured + self.noise
        after = np.maximum(later.variance, LEAST_VARIANCE) + self.noise
        rises = np.where(later.variance > LEAST_VARIANCE, 0.5 / after, 0.0)
        return value + 0.5 * np.log(after / before), looks.pull(d_g, d_ratio, -0.5 / before) + later.pull(None, rises)


def bound(looks: Looks) -> Array:
    """Mean of `information_bound` over the bounds, shape `m`."""
    value: Array = information_bound(looks.g, *looks.shares)[0].mean(1)
    return value
