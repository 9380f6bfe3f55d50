"""Max-value entropies over fidelities: how much a cheap measurement tells of the largest value of the function at the target, in nats.

With the value f of a candidate at the target and a noisy measurement y of it at some fidelity, of correlation rho, a sample f* of the
largest value says that ``f <= f*``. Standardised, y is ``rho f + sqrt(1 - rho^2) e`` with e independent of f, so that the fidelity and
the noise are one thing, and `acquisitions.truncation` has the information that noisy measurements bring.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from acquisitions.at_target import AtTarget, moved
from acquisitions.feasibility import LogProbabilityOfFeasibility, OutcomeConstraint
from acquisitions.gaussian import LEAST_VARIANCE, Array, GrowingModel, in_blocks
from acquisitions.max_value_entropy import check, max_values
from acquisitions.tails import log_mean
from acquisitions.truncation import information_bound, log_information

_BLOCK = 64  # candidates scored at a time: what is worked on stays in the cache


@dataclass(frozen=True, slots=True)
class LogMultiFidelityMaxValueEntropy:
    """``log mean_s (H(y | D) - H(y | D, max f = f*_s))`` for a noisy measurement y of a candidate at its fidelity, f at the target.

    Exact for each sample, by a one-dimensional quadrature (Gauss-Hermite, 16 nodes) that keeps its digits where the information
    underflows. That f* bounds the value of the candidate at the target is the only thing taken of it, as in the papers. At the target it is
    `LogMaxValueEntropy`. BoTorch's `qMultiFidelityMaxValueEntropy` is the same by samples of y as well. Costs are not part of it: the
    papers divide by them, see `acquisitions.per_cost.LogPerCost`.

    Cost: O(n^2 + 16 s) a candidate for n data and s samples, and O(b^3) once.

    Source: Takeno et al. (2020), arXiv:1901.08275 (MF-MES); of noisy measurements: Moss, Leslie & Rayson (2020), arXiv:2006.12093
    (MUMBO). The papers' quadratures are over y; the one here is over another variable, see `acquisitions.truncation.log_information`.

    Args:
        gp: The model of the objective, to be maximized, of outcomes standardised to variance one, with `pairs` (see
            `acquisitions.gaussian.Pairing`) where columns differ.
        X: Points that may be the best at the target, `b x d` in the unit cube, at least one: the largest value is sampled over them.
            They are moved to the target.
        noise: Variance of the noise of a new measurement, in the squared units of the model's y, at least 0, at every fidelity.
        target: Values, by index, of the columns by which a candidate is at the target; none where every candidate is.
        constraints: Outcomes that must keep bounds, independent of each other and of the objective: the logarithm of the probability
            that the candidate does is added. A model of theirs that stands at the target (`acquisitions.standing`) judges it there.
        samples: How many samples of the largest value.
        seed: Of the samples.
    """

    gp: GrowingModel
    X: Array
    noise: float
    target: Mapping[int, float] = field(default_factory=dict)
    constraints: Sequence[OutcomeConstraint] = ()
    samples: int = 32
    seed: int = 0
    max_values: Array = field(init=False, repr=False)

    def __post_init__(self) -> None:
        check(self.X, self.noise)
        object.__setattr__(self, "max_values", max_values(self.gp, moved(self.X, self.target), self.samples, seed=self.seed))

    def with_pending(self, X: Array) -> LogMultiFidelityMaxValueEntropy:
        """The same after measurements at X (`q x d`), whose results are taken to be the means; as `LogMaxValueEntropy.with_pending`."""
        if not len(X):
            return self
        gp = self.gp.condition(X, self.gp.predict(X)[0], np.full(len(X), self.noise))
        return replace(self, gp=gp, X=np.vstack([self.X, X]))

    def value(self, X: Array) -> Array:
        """The score at each row of X (`m x d`), shape `m`."""
        value = in_blocks(lambda part: self._information(part)[0], X, _BLOCK)
        return value + LogProbabilityOfFeasibility(self.constraints).value(X) if self.constraints else value

    def rough(self, X: Array) -> Array:
        """A stand-in for `value` by the lower bound of `MultiFidelityGIBBON`, at a fraction of the cost; shape `m`."""
        with np.errstate(divide="ignore"):
            value = in_blocks(lambda part: np.log(_Looks.at(self.gp, part, self.target, self.max_values, self.noise).bound()), X, _BLOCK)
        return value + LogProbabilityOfFeasibility(self.constraints).value(X) if self.constraints else value

    def value_and_gradient(self, X: Array) -> tuple[Array, Array]:
        """The score (`m`) and its gradient (`m x d`) at each row of X (`m x d`)."""
        value, looks, d_g, d_ratio = self._information(X)
        gradient = looks.pull(d_g, d_ratio)
        if not self.constraints:
            return value, gradient
        likely, push = LogProbabilityOfFeasibility(self.constraints).value_and_gradient(X)
        return value + likely, gradient + push

    def _information(self, X: Array) -> tuple[Array, _Looks, Array, Array]:
        looks = _Looks.at(self.gp, X, self.target, self.max_values, self.noise)
        terms, d_g, d_ratio = log_information(looks.g, *looks.shares)
        value, share = log_mean(terms)
        return value, looks, share * d_g, share * d_ratio


@dataclass(frozen=True, slots=True)
class MultiFidelityGIBBON:
    """``mean_s -1/2 log(1 - rho^2 r_s (g_s + r_s))``, a lower bound of the information, with repulsion from points that are pending.

    Here ``g_s = (f*_s - m) / s`` of the candidate at the target, ``r = phi / Phi`` at it, and rho the correlation of a measurement of the
    candidate, noise included, with its value at the target. With pending points there is added
    ``1/2 log(Var[y | y_pending] / Var[y])`` of the measurement, which is at most zero, so that the score may be negative. At the
    target it is `GIBBON`. BoTorch: `qMultiFidelityLowerBoundMaxValueEntropy`. For costs see `acquisitions.per_cost.PerCost`.

    Cost: O(n^2 + s) a candidate for n data and s samples, and O(b^3) once.

    Source: Moss, Leslie, Gonzalez & Rayson (2021), arXiv:2102.03324.

    Args:
        gp, X, noise, target, samples, seed: As for `LogMultiFidelityMaxValueEntropy`.
    """

    gp: GrowingModel
    X: Array
    noise: float
    target: Mapping[int, float] = field(default_factory=dict)
    samples: int = 32
    seed: int = 0
    max_values: Array = field(init=False, repr=False)
    _after: GrowingModel | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        check(self.X, self.noise)
        object.__setattr__(self, "max_values", max_values(self.gp, moved(self.X, self.target), self.samples, seed=self.seed))

    def with_pending(self, X: Array) -> MultiFidelityGIBBON:
        """The same beside measurements at X (`q x d`) whose results are awaited; only their covariances matter."""
        if not len(X):
            return self
        before = self.gp if self._after is None else self._after
        return replace(self, _after=before.condition(X, before.predict(X)[0], np.full(len(X), self.noise)))

    def value(self, X: Array) -> Array:
        """The score at each row of X (`m x d`), shape `m`."""
        value = in_blocks(lambda part: _Looks.at(self.gp, part, self.target, self.max_values, self.noise).bound(), X, _BLOCK)
        if self._after is None:
            return value
        before, after = (np.maximum(gp.predict(X)[1], LEAST_VARIANCE) + self.noise for gp in (self.gp, self._after))
        repulsion: Array = 0.5 * np.log(after / before)
        return value + repulsion

    def value_and_gradient(self, X: Array) -> tuple[Array, Array]:
        """The score (`m`) and its gradient (`m x d`) at each row of X (`m x d`)."""
        looks = _Looks.at(self.gp, X, self.target, self.max_values, self.noise)
        terms, d_g, d_ratio = information_bound(looks.g, *looks.shares)
        each = terms.shape[1]
        value, d_g, d_ratio = terms.mean(1), d_g / each, d_ratio / each
        if self._after is None:
            return value, looks.pull(d_g, d_ratio)
        later, before = self._after.at(X), looks.point.measured + self.noise
        after = np.maximum(later.variance, LEAST_VARIANCE) + self.noise
        rises = np.where(later.variance > LEAST_VARIANCE, 0.5 / after, 0.0)
        return value + 0.5 * np.log(after / before), looks.pull(d_g, d_ratio, -0.5 / before) + later.pull(None, rises)


@dataclass(frozen=True, slots=True)
class _Looks:
    """Measurements of m candidates beside s bounds of their values at the target: ``g``, `m x s`, as in `acquisitions.truncation`."""

    point: AtTarget
    g: Array

    @classmethod
    def at(cls, gp: GrowingModel, X: Array, target: Mapping[int, float], bounds: Array, noise: float) -> _Looks:
        point = AtTarget.of(gp, X, target, noise)
        return cls(point, (bounds - point.mean[:, None]) / np.sqrt(point.variance)[:, None])

    @property
    def shares(self) -> tuple[Array, Array]:
        """Of the value at the target in the variance of the measurement, and the rest of it; each `m x s`."""
        signal, rest = (np.broadcast_to(part[:, None], self.g.shape) for part in (self.point.signal, self.point.rest))
        return signal, rest

    def bound(self) -> Array:
        """Mean of `information_bound` over the bounds, shape `m`."""
        value: Array = information_bound(self.g, *self.shares)[0].mean(1)
        return value

    def pull(self, d_g: Array, d_ratio: Array, d_measured: Array | None = None) -> Array:
        """Gradient (`m x d`) of what has slopes d_g in g and d_ratio in the log of signal to rest (`m x s`), summed over bounds."""
        sd = np.sqrt(self.point.variance)
        return self.point.pull(-d_g.sum(1) / sd, -0.5 * (d_g * self.g).sum(1) / sd**2, d_ratio.sum(1), d_measured)
