"""The knowledge gradient of a measurement that brings partial derivatives along with the value.

Value and derivatives at x are one normal vector of p entries, and the means it leads to are linear in its standardised surprise:
``mu_{n+1}(x_i) = a_i + b_i' Z`` with ``b_i = C^-1 k_n((f, grad f)(x), f(x_i))`` and C the Cholesky factor of the vector's covariance,
noise included. The value comes first, so that the first entry of Z is the surprise of the value alone and its slopes are those of the
knowledge gradient without derivatives. The expected largest mean is closed in that entry, by `acquisitions.envelope`; over the others it
is averaged over quasi-random vectors, the same for every candidate.

Source: Wu, Poloczek, Wilson & Frazier (2017), "Bayesian optimization with gradients", arXiv:1703.04389, equation 3.3, who average over all
entries.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, Self, runtime_checkable

import numpy as np

from acquisitions.conditioning import normals
from acquisitions.envelope import ExpectedGain
from acquisitions.feasibility import LogProbabilityOfFeasibility, OutcomeConstraint
from acquisitions.gaussian import Array, Baseline, GrowingModel, in_blocks

SAMPLES = 32
"""Vectors that are averaged over; at least two for each derivative, so that they can have mean zero."""

_ROUGHLY = 4  # vectors that a rough score takes
_BLOCK = 64  # candidates scored at a time: what is worked on stays in the cache
_LEAST_NOISE = 1e-10  # of the variances before any data, below which rounding decides


class Joint(Protocol):
    """Value and derivatives at m points, those of one point together, to be differentiated."""

    @property
    def rows(self) -> Array:
        """What the model's `condition` takes to measure all of them, `mp` rows, point by point."""

    @property
    def mean(self) -> Array:
        """`m x p`, the value first."""

    @property
    def covariance(self) -> Array:
        """`m x p x p`."""

    @property
    def across(self) -> Array:
        """Covariance with the values at the points of the baseline, `m x p x b`."""

    def pull(self, d_mean: Array, d_covariance: Array, d_across: Array | None = None) -> Array:
        """Gradient (`m x d`) of the sum of these times mean, covariance and across, in the points."""


@runtime_checkable
class GradientModel(GrowingModel, Protocol):
    """A model of a function and its derivatives, such as `surrogates.exact_gp.gradients.fit` makes."""

    def joint(self, X: Array, partials: tuple[int, ...], baseline: Any = None) -> Joint:
        """Value and derivatives by these columns at each row of X (`m x d`)."""


@dataclass(frozen=True, slots=True)
class LogDerivativeKnowledgeGradient:
    """``log (E[max_i mu_{n+1}(x_i) | value and derivatives at x] - max_i mu_n(x_i))``, the candidate x among the x_i.

    Never less than `LogDiscreteKnowledgeGradient` with ``candidate=True``, and equal to it where derivatives say nothing: the vectors that
    are averaged over have mean zero, and a largest mean is convex in them.

    Cost: O(n^2 p + n b p + s b h) a candidate for n rows of data, b points, s vectors and h points on the envelope.

    Args:
        gp: The model of the objective, to be maximized, of outcomes standardised to variance one.
        X: The set, `b x d` in the unit cube; at least one point.
        noise: Variances of the noise of a new measurement: of the value, and of each derivative, in the squared units of the model, `p`.
        partials: By which columns derivatives are measured, `p - 1`.
        constraints: As for `LogDiscreteKnowledgeGradient`.
        samples: How many vectors.
        seed: Of the vectors.
    """

    gp: GradientModel
    X: Array
    noise: Array
    partials: tuple[int, ...]
    constraints: Sequence[OutcomeConstraint] = ()
    samples: int = SAMPLES
    seed: int = 0
    _baseline: Baseline = field(init=False, repr=False)
    _Z: Array = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not len(self.X):
            raise ValueError("X has no points; the knowledge gradient is that of the best of some")
        noise = np.asarray(self.noise, dtype=float)
        if noise.shape != (1 + len(self.partials),) or not np.all((noise >= 0) & np.isfinite(noise)):
            raise ValueError(f"noise is {self.noise}; it has one finite variance for the value and one for each of {self.partials}")
        others = len(self.partials)
        count = max(self.samples, 2 * others) if others else 1
        object.__setattr__(self, "noise", noise)
        object.__setattr__(self, "_baseline", self.gp.baseline(self.X))
        object.__setattr__(self, "_Z", normals(count, others, np.random.default_rng(self.seed)))

    def with_pending(self, X: Array) -> Self:
        """The same after measurements at X (`q x d`), whose results, derivatives too, are taken to be the means.

        That is exact for the covariances, which do not depend on results; the means stay as they are, which they do on average.
        """
        if not len(X):
            return self
        joint = self.gp.joint(X, self.partials)
        return replace(self, gp=self.gp.condition(joint.rows, joint.mean.reshape(-1), np.tile(self.noise, len(X))))

    def value(self, X: Array) -> Array:
        """The score at each row of X (`m x d`), shape `m`."""
        value = in_blocks(lambda part: self._after(part, self._Z)[1].log, X, _BLOCK)
        return value + LogProbabilityOfFeasibility(self.constraints).value(X) if self.constraints else value

    def rough(self, X: Array) -> Array:
        """Nearly the score, shape `m`, to rank candidates by: over a few of the vectors."""
        value = in_blocks(lambda part: self._after(part, self._Z[:_ROUGHLY])[1].log, X, _BLOCK)
        return value + LogProbabilityOfFeasibility(self.constraints).value(X) if self.constraints else value

    def value_and_gradient(self, X: Array) -> tuple[Array, Array]:
        """The score (`m`) and its gradient (`m x d`) at each row of X (`m x d`); with zeros for a gain of minus infinity."""
        planes, gain = self._after(X, self._Z)
        value, gradient = gain.log, planes.pull(*gain.log_gradient())
        if not self.constraints:
            return value, gradient
        likely, push = LogProbabilityOfFeasibility(self.constraints).value_and_gradient(X)
        return value + likely, gradient + push

    def _after(self, X: Array, Z: Array) -> tuple[_Planes, _MeanGain]:
        planes = _Planes.after(self.gp.joint(X, self.partials, self._baseline), self._baseline, self.noise)
        return planes, _MeanGain.of(planes.a, planes.B, Z)


@dataclass(frozen=True, slots=True)
class _Planes:
    """Means after a measurement at each of m candidates: ``a + B' Z``, those at the baseline's points and the candidate's at the end.

    Args:
        a: `m x k`.
        B: `m x p x k`.
    """

    a: Array
    B: Array
    _joint: Joint
    _inverse: Array

    @classmethod
    def after(cls, joint: Joint, baseline: Baseline, noise: Array) -> Self:
        """After measurements with noise of these variances, `p`."""
        prior = np.maximum(np.einsum("mpp->mp", joint.covariance), 1.0)
        covariance = joint.covariance + np.maximum(noise, _LEAST_NOISE * prior)[:, :, None] * np.eye(len(noise))
        inverse = np.linalg.inv(np.linalg.cholesky(covariance))  # of a few entries each
        means = np.broadcast_to(baseline.mean, (len(joint.mean), len(baseline.mean)))
        across = np.concatenate([joint.across, joint.covariance[:, :, :1]], axis=2)
        return cls(np.column_stack([means, joint.mean[:, 0]]), inverse @ across, joint, inverse)

    def pull(self, d_a: Array, d_B: Array) -> Array:
        """Gradient (`m x d`) of ``sum(d_a * a) + sum(d_B * B)`` in the candidates.

        Through ``B = C^-1 M`` and the Cholesky factor C: Murray (2016), arXiv:1602.07527, equation 10.
        """
        d_mean = np.zeros(self._inverse.shape[:2])
        d_mean[:, 0] = d_a[:, -1]
        raised = self._inverse.transpose(0, 2, 1)
        d_across = raised @ d_B
        # The factor's own gradient is -d_across B', lower; times C' it is -d_B B' there, of which half the diagonal counts.
        inner = -np.tril(d_B @ self.B.transpose(0, 2, 1))
        np.einsum("mpp->mp", inner)[:] *= 0.5
        d_covariance = raised @ inner @ self._inverse
        d_covariance[:, :, 0] += d_across[:, :, -1]
        return self._joint.pull(d_mean, d_covariance, d_across[:, :, :-1])


@dataclass(frozen=True, slots=True)
class _MeanGain:
    """The mean over vectors z of ``E[max_i (a_i + B_i' (Z_1, z))]``, less ``max_i a_i``.

    Of each vector it is what its largest mean has more than the one that leads now, and what is expected to be gained on the largest by
    the surprise of the value: neither is negative, and they are added in logarithms. Vectors have mean zero, so that this is the
    difference above.
    """

    log: Array
    _gain: ExpectedGain
    _B: Array
    _Z: Array
    _leads: Array
    _first: Array
    _after: Array

    @classmethod
    def of(cls, a: Array, B: Array, Z: Array) -> Self:
        """Of `m x k` means, their `m x p x k` slopes, and `s x (p - 1)` vectors."""
        (m, k), s = a.shape, len(Z)
        shifted = a[:, None, :] + np.einsum("sq,mqk->msk", Z, B[:, 1:, :])
        gain = ExpectedGain.of(shifted.reshape(m * s, k), np.repeat(B[:, 0, :], s, axis=0))
        first, after = a.argmax(1), shifted.argmax(2)
        leads = np.take_along_axis(shifted, after[:, :, None], 2)[:, :, 0] - np.take_along_axis(shifted, first[:, None, None], 2)[:, :, 0]
        with np.errstate(divide="ignore"):
            terms = np.logaddexp(np.log(leads), gain.log.reshape(m, s))
            top = terms.max(1)
            top[~np.isfinite(top)] = 0.0
            log = top + np.log(np.exp(terms - top[:, None]).mean(1))
        return cls(log, gain, B, Z, leads, first, after)

    def log_gradient(self) -> tuple[Array, Array]:
        """Derivatives of `log` with respect to a (`m x k`) and B (`m x p x k`); zeros where it is minus infinity."""
        (m, s), k = self._leads.shape, self._B.shape[2]
        some = np.isfinite(self.log)
        log = np.where(some, self.log, 0.0)[:, None]
        d_shifted, d_slope = (part.reshape(m, s, k) for part in self._gain.log_gradient())
        share = (np.exp(self._gain.log.reshape(m, s) - log) / s * some[:, None])[:, :, None]
        d_shifted = share * d_shifted
        lead = np.where(self._leads > 0, np.exp(np.minimum(-log, 700.0)) / s, 0.0) * some[:, None]
        rows, vectors = np.ogrid[:m, :s]
        d_shifted[rows, vectors, self._after] += lead
        d_shifted[rows, vectors, self._first[:, None]] -= lead
        d_B = np.empty_like(self._B)
        d_B[:, 0] = (share * d_slope).sum(1)
        d_B[:, 1:] = np.einsum("sq,msk->mqk", self._Z, d_shifted)
        return d_shifted.sum(1), d_B
