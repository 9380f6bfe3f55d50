"""The knowledge gradient: how much better the best point will look, by the model's mean, once a candidate has been measured.

What a measurement at x does to the mean at x_i is linear in its standardised surprise Z: ``mu_{n+1}(x_i) = a_i + b_i Z`` with
``a_i = mu_n(x_i)`` and ``b_i = k_n(x_i, x) / sqrt(k_n(x, x) + noise)``. Over finitely many x_i the expected largest of these lines is
closed, see `acquisitions.envelope`. Unlike improvements it needs no measured value to be exact, nor to be the best one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np

from acquisitions import at_target
from acquisitions.envelope import ExpectedGain
from acquisitions.feasibility import LogProbabilityOfFeasibility, OutcomeConstraint
from acquisitions.gaussian import LEAST_VARIANCE, Array, Baseline, GrowingModel, Moments, Pairing, Pairs, in_blocks

_BLOCK = 256  # candidates scored at a time: what is worked on stays in the cache


@dataclass(frozen=True, slots=True)
class _OneStep(ABC):
    """What one measurement does to the means at the points X, scored."""

    gp: GrowingModel
    X: Array
    noise: float
    constraints: Sequence[OutcomeConstraint] = ()
    _baseline: Baseline = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not len(self.X):
            raise ValueError("X has no points; the knowledge gradient is that of the best of some")
        if not 0 <= self.noise < np.inf:
            raise ValueError(f"noise is {self.noise}, a variance, and must be at least 0 and finite")
        object.__setattr__(self, "_baseline", self.gp.baseline(self.X))

    @abstractmethod
    def _after(self, X: Array) -> tuple[_Lines, ExpectedGain]:
        """The means after a measurement at each row of X (`m x d`), and what their largest gains."""

    def value(self, X: Array) -> Array:
        """The score at each row of X (`m x d`), shape `m`."""
        return in_blocks(self._value, X, _BLOCK)

    def value_and_gradient(self, X: Array) -> tuple[Array, Array]:
        """The score (`m`) and its gradient (`m x d`) at each row of X (`m x d`); with zeros for a gain of minus infinity."""
        lines, gain = self._after(X)
        value, gradient = gain.log, lines.pull(*gain.log_gradient())
        if not self.constraints:
            return value, gradient
        likely, push = LogProbabilityOfFeasibility(self.constraints).value_and_gradient(X)
        return value + likely, gradient + push

    def _value(self, X: Array) -> Array:
        value = self._after(X)[1].log
        return value + LogProbabilityOfFeasibility(self.constraints).value(X) if self.constraints else value

    def _believing(self, X: Array) -> GrowingModel:
        """The model after measurements at X (`q x d`), whose results are taken to be the means."""
        return self.gp.condition(X, self.gp.predict(X)[0], np.full(len(X), self.noise))


@dataclass(frozen=True, slots=True)
class LogDiscreteKnowledgeGradient(_OneStep):
    """``log (E[max_i mu_{n+1}(x_i) | x_{n+1} = x] - max_i mu_n(x_i))`` over points x_i of a finite set, exact.

    Minus infinity where a measurement at x moves all means alike, as one far from the set does by less than rounding. BoTorch's
    `qKnowledgeGradient` is the same over a continuous space, by fantasies.

    Cost: O(n^2 + n b + b h) a candidate for n data, b points and h of them on the envelope.

    Source: Frazier, Powell & Dayanik (2009), "The knowledge-gradient policy for correlated normal beliefs".

    Args:
        gp: The model of the objective, to be maximized, of outcomes standardised to variance one.
        X: The set, `b x d` in the unit cube; at least one point.
        noise: Variance of the noise of a new measurement, in the squared units of the model's y, at least 0.
        constraints: Outcomes that must keep bounds, independent of each other and of the objective: the logarithm of the probability
            that the candidate does is added, as in `LogConstrainedExpectedImprovement`. X should hold points that do.
        candidate: Whether the candidate belongs to the set as well, at each x another set. Where the best of the means over a whole
            space is in X, that is a lower bound of the knowledge gradient over the space, and one without holes between the points.
        moved: Values by index of those columns of the candidate that differ between where it is measured and where it belongs to the
            set, such as a fidelity.
    """

    candidate: bool = False
    moved: Mapping[int, float] = field(default_factory=dict)

    def with_pending(self, X: Array) -> LogDiscreteKnowledgeGradient:
        """The same after measurements at X (`q x d`), whose results are taken to be the means.

        That is exact for the covariances, which do not depend on results; the means stay as they are, which they do on average.
        """
        return replace(self, gp=self._believing(X)) if len(X) else self

    def _after(self, X: Array) -> tuple[_Lines, ExpectedGain]:
        lines = _Lines.after(self.gp, self._baseline, self.noise, X, candidate=self.candidate, moved=self.moved)
        return lines, ExpectedGain.of(lines.a, lines.b)


@dataclass(frozen=True, slots=True)
class LogKGCP(_OneStep):
    """``log (E[max_{i<=n+1} mu_{n+1}(x_i) | x_{n+1} = x] - max_{i<=n} mu_n(x_i))``: expected improvement under noise, exact.

    What is reported in the end is an evaluated point, the one of the largest mean, and the candidate is one after its evaluation: the
    first maximum has it, the second has not. Without noise the means at evaluated points stand still, and this is
    `LogExpectedImprovement` over the best of them. `LogNoisyExpectedImprovement` improves on the latent values, whatever
    of them will be known; this on what will be known of them, so that a measurement of little weight is worth little.

    Cost: as `LogDiscreteKnowledgeGradient`.

    Source: Frazier (2018), arXiv:1807.02811, section 5.1, whose second term leaves out the candidate; the knowledge gradient for
    continuous parameters of Scott, Frazier & Powell (2011), which has it there too, is
    ``LogDiscreteKnowledgeGradient(gp, X, noise, candidate=True)``.

    Args:
        gp: The model of the objective, to be maximized, of outcomes standardised to variance one.
        X: What was evaluated, `n x d` in the unit cube; at least one point. Points of low means hardly count and may be left out.
        noise: Variance of the noise of a new measurement, in the squared units of the model's y, at least 0.
        constraints: As for `LogDiscreteKnowledgeGradient`.
    """

    def with_pending(self, X: Array) -> LogKGCP:
        """The same after measurements at X (`q x d`), whose results are taken to be the means; X will be among the evaluated points.

        That is exact for the covariances, which do not depend on results; the means stay as they are, which they do on average.
        """
        return replace(self, gp=self._believing(X), X=np.vstack([self.X, X])) if len(X) else self

    def _after(self, X: Array) -> tuple[_Lines, ExpectedGain]:
        lines = _Lines.after(self.gp, self._baseline, self.noise, X, candidate=True)
        return lines, ExpectedGain.of(lines.a, lines.b, newcomer=True)


@dataclass(frozen=True, slots=True)
class _Lines:
    """Means after a measurement at each of m candidates: ``a + b Z``, each `m x b`, or `m x (b + 1)` with the candidate's at the end."""

    a: Array
    b: Array
    _moments: Moments
    _variance: Array
    _sd: Array
    _candidate: bool
    _elsewhere: _Elsewhere | None

    @classmethod
    def after(
        cls, gp: GrowingModel, baseline: Any, noise: float, X: Array, *, candidate: bool, moved: Mapping[int, float] | None = None
    ) -> Self:
        """Those at the points of a baseline of gp, after a measurement at each row of X (`m x d`)."""
        moments = gp.at(X, baseline)
        covariance = moments.covariance
        assert covariance is not None
        variance = np.maximum(moments.variance, LEAST_VARIANCE)
        sd = np.sqrt(variance + noise)
        a, b = np.broadcast_to(baseline.mean, covariance.shape), covariance / sd[:, None]
        elsewhere = _Elsewhere.of(gp, X, moved) if candidate and moved else None
        if elsewhere is not None:
            a, b = np.column_stack([a, elsewhere.moments.mean]), np.column_stack([b, elsewhere.pairs.covariance / sd])
        elif candidate:
            a, b = np.column_stack([a, moments.mean]), np.column_stack([b, variance / sd])
        return cls(a, b, moments, variance, sd, candidate, elsewhere)

    def pull(self, d_a: Array, d_b: Array) -> Array:
        """Gradient (`m x d`) of ``sum(d_a * a) + sum(d_b * b)`` in the candidates."""
        d_variance = -0.5 * np.einsum("ij,ij->i", d_b, self.b) / self._sd**2
        d_mean, d_covariance = None, d_b / self._sd[:, None]
        floored = self._variance <= LEAST_VARIANCE
        if self._elsewhere is not None:
            there = self._elsewhere.pull(d_a[:, -1], d_covariance[:, -1])
            return there + self._moments.pull(None, np.where(floored, 0.0, d_variance), d_covariance[:, :-1])
        if self._candidate:
            d_mean, d_variance, d_covariance = d_a[:, -1], d_variance + d_covariance[:, -1], d_covariance[:, :-1]
        return self._moments.pull(d_mean, np.where(floored, 0.0, d_variance), d_covariance)


@dataclass(frozen=True, slots=True)
class _Elsewhere:
    """The candidates with some of their columns moved: what is known there, and how far it goes together with what they measure."""

    moments: Moments
    pairs: Pairs
    columns: tuple[int, ...]

    @classmethod
    def of(cls, gp: GrowingModel, X: Array, moved: Mapping[int, float]) -> Self:
        """X (`m x d`) with these columns at these values."""
        if not isinstance(gp, Pairing):
            raise TypeError(f"{type(gp).__name__} has no pairs(), which candidates that are moved need")
        there = gp.at(at_target.moved(X, moved))
        return cls(there, gp.pairs(gp.at(X), there), tuple(moved))

    def pull(self, d_mean: Array, d_covariance: Array) -> Array:
        """Gradient (`m x d`) of ``sum(d_mean * mean) + sum(d_covariance * covariance)`` in the candidates."""
        here, there = self.pairs.pull(d_covariance)
        there = there + self.moments.pull(d_mean, None)
        there[:, list(self.columns)] = 0.0
        return here + there
