"""The knowledge gradient of a risk measure over conditions: how much better the best design will look, by its expected measure.

What counts of a design is ``E_n[rho_w f(x, w)]``, which for the expectation is that of the mean and for other measures is not: doubt about
conditions makes the worst of them worse. A measurement moves the whole joint posterior of designs and conditions, here that of samples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from acquisitions.conditioning import LatentProcess, normals
from acquisitions.envelope import ExpectedGain
from acquisitions.feasibility import LogProbabilityOfFeasibility, OutcomeConstraint
from acquisitions.gaussian import LEAST_VARIANCE, Array, GrowingModel, Moments, in_blocks
from acquisitions.risk_measures import RiskMeasure
from acquisitions.scenarios import Scenarios

_BLOCK, _ROUGH = 8, 128  # candidates scored at a time

_TEMPERATURE = 1e-2  # of the soft maximum over designs, of outcomes standardised to variance one; as BoTorch's `qLogEI` has for its own

_SURPRISES = 7  # nodes of the Gauss-Hermite rule over what is measured

_LEAST = 1e-9  # weight of the squared movement; gains well below it are lost in the rounding of what they are differences of

_ONE = 1.0 - 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class LogRiskKnowledgeGradient:
    """``log (E[max_i R_{n+1}(x_i) | f measured at (x, w)] - max_i R_n(x_i))`` for ``R_n(x) = E_n[rho_w f(x, w)]``, over some designs.

    A measurement with surprise Z takes a joint sample ``g = a + R xi`` of all designs under all conditions to
    ``g + b (Z - (v' xi) / (1 + sqrt(1 - v'v)))`` with ``b = k_n(., (x, w)) / sd = R v``, which has the mean and the covariance of the
    posterior then: nothing is factorised anew. Expectations are averages over samples, in pairs of opposite ones, and a Gauss-Hermite rule
    for Z; ``max_i R_n`` is that of the averages over Z, which it equals in expectation, so that the gain is never negative. Both maxima are
    soft (log-sum-exp), and a billionth of the mean square by which a measurement moves the designs is added: where none decides between
    them any more, the one that says most of them is best.

    `rough`, for screening, is the first order of it in closed form: a mean that moves by d moves the measure by
    ``sum_j E_n[share_j] d_j``, so that measures are lines in Z again. For the expectation that is all.

    Cost: O(n^2 + (n + b q) r + s b q) a candidate for n data, b designs, q conditions, rank r of their posterior, s samples and surprises.

    Source: Cakmak, Astudillo, Frazier & Zhou (2020), "Bayesian optimization of risk measures", arXiv:2007.05554, equation 3; samples are
    updated by the symmetric root of a rank-one downdate.

    Args:
        gp: The model of the outcome, to be maximized, of outcomes standardised to variance one.
        X: Designs among which the best is looked for, `b x d` in the unit cube; columns that the conditions set have no influence.
        scenarios: The conditions.
        measure: What counts of the gain over them.
        noise: Variance of the noise of a new measurement, in the squared units of the model's y, at least 0.
        constraints: Outcomes that must keep bounds where the candidate is measured, independent of each other and of the objective.
        samples: Joint samples, an even number.
        seed: Of the samples.

    Raises:
        ValueError: No design, a noise that is no variance, or an odd number of samples.
    """

    gp: GrowingModel
    X: Array
    scenarios: Scenarios
    measure: RiskMeasure
    noise: float
    constraints: Sequence[OutcomeConstraint] = ()
    samples: int = 16
    seed: int = 0
    _process: LatentProcess = field(init=False, repr=False)
    _xi: Array = field(init=False, repr=False)
    _values: Array = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not len(self.X):
            raise ValueError("X has no designs; the knowledge gradient is that of the best of some")
        if not 0 <= self.noise < np.inf:
            raise ValueError(f"noise is {self.noise}, a variance, and must be at least 0 and finite")
        if self.samples < 2 or self.samples % 2:
            raise ValueError(f"samples is {self.samples}; it is an even number, at least 2")
        process = LatentProcess(self.gp, self.scenarios.expand(self.X))
        half = normals(self.samples // 2, process.rank, np.random.default_rng(self.seed))
        xi = np.vstack([half, -half])
        object.__setattr__(self, "_process", process)
        object.__setattr__(self, "_xi", xi)
        shape = (self.samples, len(self.X), len(self.scenarios))
        object.__setattr__(self, "_values", (process.mean + xi @ process.root.T).reshape(shape))

    def with_pending(self, X: Array) -> LogRiskKnowledgeGradient:
        """The same after measurements at X (`q x d`), whose results are taken to be the means."""
        if not len(X):
            return self
        return replace(self, gp=self.gp.condition(X, self.gp.predict(X)[0], np.full(len(X), self.noise)))

    def value(self, X: Array) -> Array:
        """The score at each row of X (`m x d`), a design and a condition, shape `m`."""
        return self._feasible(X, in_blocks(lambda part: _log(self._after(part).gain()[0]), X, _BLOCK))

    def rough(self, X: Array) -> Array:
        """The score to first order (`m`), of hard maxima."""
        weights = self.measure.shares(self._values, self.scenarios.weights).mean(0)
        level = self.measure.of(self._values, self.scenarios.weights).mean(0)

        def score(part: Array) -> Array:
            slope = (self._after(part).b * weights).sum(2)
            return ExpectedGain.of(np.broadcast_to(level, slope.shape), slope).log

        return self._feasible(X, in_blocks(score, X, _ROUGH))

    def value_and_gradient(self, X: Array) -> tuple[Array, Array]:
        """The score (`m`) and its gradient (`m x d`) at each row of X (`m x d`); with zeros for a gain of minus infinity."""
        parts = [self._climbed(X[start : start + _BLOCK]) for start in range(0, len(X), _BLOCK)]
        value, gradient = np.concatenate([np.empty(0), *(v for v, _ in parts)]), np.vstack([X[:0], *(g for _, g in parts)])
        if not self.constraints:
            return value, gradient
        likely, push = LogProbabilityOfFeasibility(self.constraints).value_and_gradient(X)
        return value + likely, gradient + push

    def _climbed(self, X: Array) -> tuple[Array, Array]:
        after = self._after(X)
        gain, gradient = after.gain(gradient=True)
        return _log(gain), gradient / np.where(gain > 0, gain, np.inf)[:, None]

    def _feasible(self, X: Array, value: Array) -> Array:
        return value + LogProbabilityOfFeasibility(self.constraints).value(X) if self.constraints else value

    def _after(self, X: Array) -> _Moved:
        moments = self.gp.at(X, self._process.baseline)
        assert moments.covariance is not None
        variance = np.maximum(moments.variance, LEAST_VARIANCE)
        sd = np.sqrt(variance + self.noise)
        b = moments.covariance / sd[:, None]
        return _Moved(self, moments, sd, b.reshape(len(X), *self._values.shape[1:]), b @ self._process.whiten, variance <= LEAST_VARIANCE)


@dataclass(frozen=True, slots=True)
class _Moved:
    """What measurements at m candidates do to the samples: `b`, `m x b x q`, for each unit of surprise, and `v`, `m x r`."""

    score: LogRiskKnowledgeGradient
    moments: Moments
    sd: Array
    b: Array
    v: Array
    floored: NDArray[np.bool_]

    def gain(self, *, gradient: bool = False) -> tuple[Array, Array]:
        """Gains, `m`, and their gradients in the candidates, `m x d` (empty unless asked for)."""
        measure, weights, values, xi = self.score.measure, self.score.scenarios.weights, self.score._values, self.score._xi
        z, chance = np.polynomial.hermite_e.hermegauss(_SURPRISES)
        chance = chance / chance.sum()
        told = np.minimum((self.v * self.v).sum(1), _ONE)
        root = np.sqrt(1.0 - told)
        h, along = 1.0 / (1.0 + root), self.v @ xi.T
        t = z - (along * h[:, None])[:, :, None]  # m x s x k
        after = values[:, None] + self.b[:, None, None] * t[:, :, :, None, None]  # m x s x k x b x q
        said = _LEAST * (self.b * self.b).mean((1, 2))
        if not gradient:
            return _soft(measure.of(after, weights).mean(1), chance)[0] + said, np.empty((0, 0))
        shares = measure.shares(after, weights)
        found, slope = _soft((shares * after).sum(-1).mean(1), chance)
        weighed = slope[:, None, :, :, None] * shares / len(xi)
        d_b = (weighed * t[:, :, :, None, None]).sum((1, 2)) + 2.0 * _LEAST / self.b[0].size * self.b
        d_t = (weighed * self.b[:, None, None]).sum((3, 4)).sum(2)  # m x s: t moves alike for all surprises
        d_v = -h[:, None] * (d_t @ xi) - ((d_t * along).sum(1) * h * h / root)[:, None] * self.v
        d_b = d_b.reshape(len(d_b), -1)
        d_covariance = (d_b + d_v @ self.score._process.whiten.T) / self.sd[:, None]
        d_variance = -0.5 * ((d_b * self.b.reshape(d_b.shape)).sum(1) + (d_v * self.v).sum(1)) / self.sd**2
        return found + said, self.moments.pull(None, np.where(self.floored, 0.0, d_variance), d_covariance)


def _soft(R: Array, chance: Array) -> tuple[Array, Array]:
    """Mean over k of the soft maximum over b of R (`m x k x b`), less that of the means (`m`), and its gradient in R.

    In differences from the means, whose first order cancels, so that it is good far below the rounding of R.
    """
    centre = np.einsum("k,mkb->mb", chance, R)
    log_share = (centre - centre.max(1, keepdims=True)) / _TEMPERATURE
    log_share -= np.log(np.exp(log_share).sum(1, keepdims=True))
    share = np.exp(log_share)[:, None]
    off = (R - centre[:, None]) / _TEMPERATURE
    exponent = log_share[:, None] + off
    top = exponent.max(2, keepdims=True)
    lifted = np.exp(exponent - top)
    total = lifted.sum(2, keepdims=True)
    risen = np.where(np.abs(off).max(2) < 0.5, np.log1p((share * np.expm1(np.clip(off, -0.5, 0.5))).sum(2)), (top + np.log(total))[:, :, 0])
    gain = _TEMPERATURE * ((risen - (share * off).sum(2)) @ chance)
    return np.maximum(gain, 0.0), chance[:, None] * (lifted / total - share)


def _log(gain: Array) -> Array:
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(gain))
