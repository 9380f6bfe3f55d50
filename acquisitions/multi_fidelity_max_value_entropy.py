"""Max-value entropies over fidelities: how much a cheap measurement tells of the largest value of the function at the target, in nats.

With the value f of a candidate at the target and a noisy measurement y of it at some fidelity, of correlation rho, a sample f* of the
largest value says that ``f <= f*``. Standardised, y is ``rho f + sqrt(1 - rho^2) e`` with e independent of f, so that the fidelity and
the noise are one thing, and `acquisitions.truncation` has the information that noisy measurements bring.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from acquisitions.at_target import AtTarget, moved
from acquisitions.feasibility import OutcomeConstraint
from acquisitions.gaussian import Array, GrowingModel
from acquisitions.largest_value import Bound, Information, Looks, check, max_values


@dataclass(frozen=True, slots=True)
class LogMultiFidelityMaxValueEntropy(Information):
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

    def _looks(self, X: Array) -> Looks:
        return _Looks.at(self.gp, X, self.target, self.max_values, self.noise)


@dataclass(frozen=True, slots=True)
class MultiFidelityGIBBON(Bound):
    """``mean_s -1/2 log(1 - rho^2 r_s (g_s + r_s))``, a lower bound of the information, with repulsion from points that are pending.

    Here ``g_s = (f*_s - m) / s`` of the candidate at the target, ``r = phi / Phi`` at it, and rho the correlation of a measurement of the
    candidate, noise included, with its value at the target. With pending points there is added
    ``1/2 log(Var[y | y_pending] / Var[y])`` of the measurement, which is at most zero, so that the score may be negative. At the
    target it is `GIBBON`. BoTorch: `qMultiFidelityLowerBoundMaxValueEntropy`. For costs see `acquisitions.per_cost.PerCost`.

    Cost: O(n^2 + s) a candidate for n data and s samples, and O(b^3) once.

    Source: Moss, Leslie, Gonzalez & Rayson (2021), arXiv:2102.03324.

    Its arguments are those of `LogMultiFidelityMaxValueEntropy`, without constraints.
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

    def _looks(self, X: Array) -> Looks:
        return _Looks.at(self.gp, X, self.target, self.max_values, self.noise)


@dataclass(frozen=True, slots=True)
class _Looks:
    """`Looks` at the value of the candidate at the target."""

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

    @property
    def measured(self) -> Array:
        """Variance of the measurement without its noise, floored, `m`."""
        return self.point.measured

    def pull(self, d_g: Array, d_ratio: Array, d_measured: Array | None = None) -> Array:
        """As `Looks.pull`."""
        sd = np.sqrt(self.point.variance)
        return self.point.pull(-d_g.sum(1) / sd, -0.5 * (d_g * self.g).sum(1) / sd**2, d_ratio.sum(1), d_measured)
