"""The knowledge gradient of designs that meet all of an environment, by measurements of a design in one condition at a time.

What counts of a design x is ``F(x) = sum_j p_j f(x, w_j)``, which nobody measures. A measurement of f at (x, w) moves the means of all
F(x_i) along lines in its standardised surprise Z: ``a_i = sum_j p_j mu_n(x_i, w_j)``, ``b_i = sum_j p_j k_n((x_i, w_j), (x, w)) / sd``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from acquisitions.envelope import ExpectedGain
from acquisitions.feasibility import LogProbabilityOfFeasibility, OutcomeConstraint
from acquisitions.gaussian import LEAST_VARIANCE, Array, Averages, Averaging, GrowingModel, Moments, in_blocks
from acquisitions.scenarios import Scenarios

_BLOCK = 128  # candidates scored at a time


@dataclass(frozen=True, slots=True, eq=False)
class LogIntegratedKnowledgeGradient:
    """``log (E[max_i M_{n+1}(x_i) | f measured at (x, w)] - max_i M_n(x_i))`` for ``M_n(x) = sum_j p_j mu_n(x, w_j)``, exact for the sum.

    With a single condition it is `LogDiscreteKnowledgeGradient`, whose candidates are `moved` there. BoTorch has the same by fantasies:
    `qMultiFidelityKnowledgeGradient` with `project_to_sample_points` and `ScalarizedPosteriorMean`.

    Cost: O(n^2 + (n + b) q) a candidate for n data, b designs and q conditions.

    Source: Toscano-Palmerin & Frazier (2022), "Bayesian optimization with expensive integrands", arXiv:1803.08661; Frazier (2018),
    arXiv:1807.02811, section 5.7.

    Args:
        gp: The model of the outcome, to be maximized, of outcomes standardised to variance one.
        X: Designs among which the best is looked for, `b x d` in the unit cube; columns that the conditions set have no influence.
        scenarios: The conditions.
        noise: Variance of the noise of a new measurement, in the squared units of the model's y, at least 0.
        constraints: Outcomes that must keep bounds where the candidate is measured, independent of each other and of the objective.
        candidate: Whether the candidate's design belongs to the designs as well, at each candidate another set.

    Raises:
        ValueError: No design, or a noise that is no variance.
        TypeError: The model knows no averages, which the candidate's design needs.
    """

    gp: GrowingModel
    X: Array
    scenarios: Scenarios
    noise: float
    constraints: Sequence[OutcomeConstraint] = ()
    candidate: bool = True
    _baseline: Any = field(init=False, repr=False)
    _mean: Array = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not len(self.X):
            raise ValueError("X has no designs; the knowledge gradient is that of the best of some")
        if not 0 <= self.noise < np.inf:
            raise ValueError(f"noise is {self.noise}, a variance, and must be at least 0 and finite")
        if self.candidate and not isinstance(self.gp, Averaging):
            raise TypeError(f"{type(self.gp).__name__} has no averages(X, Z, weights), which the candidate's own design needs")
        baseline = self.gp.baseline(self.scenarios.expand(self.X))
        object.__setattr__(self, "_baseline", baseline)
        object.__setattr__(self, "_mean", self.scenarios.by_row(baseline.mean) @ self.scenarios.weights)

    def with_pending(self, X: Array) -> LogIntegratedKnowledgeGradient:
        """The same after measurements at X (`q x d`), whose results are taken to be the means: exact for covariances, and on average."""
        if not len(X):
            return self
        return replace(self, gp=self.gp.condition(X, self.gp.predict(X)[0], np.full(len(X), self.noise)))

    def value(self, X: Array) -> Array:
        """The score at each row of X (`m x d`), a design and a condition, shape `m`."""
        return in_blocks(self._value, X, _BLOCK)

    def value_and_gradient(self, X: Array) -> tuple[Array, Array]:
        """The score (`m`) and its gradient (`m x d`) at each row of X (`m x d`); with zeros for a gain of minus infinity."""
        lines = self._after(X)
        gain = ExpectedGain.of(lines.a, lines.b)
        value, gradient = gain.log, lines.pull(*gain.log_gradient())
        if not self.constraints:
            return value, gradient
        likely, push = LogProbabilityOfFeasibility(self.constraints).value_and_gradient(X)
        return value + likely, gradient + push

    def _value(self, X: Array) -> Array:
        lines = self._after(X)
        value = ExpectedGain.of(lines.a, lines.b).log
        return value + LogProbabilityOfFeasibility(self.constraints).value(X) if self.constraints else value

    def _after(self, X: Array) -> _Lines:
        """The integrated means after a measurement at each row of X (`m x d`)."""
        scenarios = self.scenarios
        moments = self.gp.at(X, self._baseline)
        assert moments.covariance is not None
        variance = np.maximum(moments.variance, LEAST_VARIANCE)
        sd = np.sqrt(variance + self.noise)
        covariance = moments.covariance.reshape(len(X), len(self.X), len(scenarios)) @ scenarios.weights
        a, b = np.broadcast_to(self._mean, covariance.shape), covariance / sd[:, None]
        own = None
        if self.candidate:
            assert isinstance(self.gp, Averaging)
            own = self.gp.averages(X, scenarios.expand(X), scenarios.weights)
            a, b = np.column_stack([a, own.mean]), np.column_stack([b, own.covariance / sd])
        return _Lines(a, b, X, moments, variance, sd, scenarios, own)


@dataclass(frozen=True, slots=True)
class _Lines:
    """Integrated means after a measurement at each of m candidates: ``a + b Z``, with that of the candidate's design at the end."""

    a: Array
    b: Array
    _X: Array
    _moments: Moments
    _variance: Array
    _sd: Array
    _scenarios: Scenarios
    _own: Averages | None

    def pull(self, d_a: Array, d_b: Array) -> Array:
        """Gradient (`m x d`) of ``sum(d_a * a) + sum(d_b * b)`` in the candidates."""
        d_variance = np.where(self._variance <= LEAST_VARIANCE, 0.0, -0.5 * np.einsum("ij,ij->i", d_b, self.b) / self._sd**2)
        d_covariance, beside = d_b / self._sd[:, None], np.zeros_like(self._X)
        if self._own is not None:
            here, there = self._own.pull(d_a[:, -1], d_covariance[:, -1])
            beside, d_covariance = here + self._scenarios.pull(self._X, there), d_covariance[:, :-1]
        spread = (d_covariance[:, :, None] * self._scenarios.weights).reshape(len(self._X), -1)
        return beside + self._moments.pull(None, d_variance, spread)
