"""The posterior of differences given the outcomes of comparisons, by expectation propagation, and the evidence.

Each outcome's likelihood is stood in for by an unnormalised normal density (a site), such that the approximate posterior has the mean
and the variance that it would have with the true likelihood in place of any one site. Likelihoods here are log-concave, so sites
have no negative precision. All sites are renewed at once, with damping.

Source: Minka (2001); Rasmussen & Williams (2006), sections 3.6 and 5.5.2, with their symbols; of chains of comparisons, whose
probabilities are those of orthants: Cunningham, Hennig & Lacoste-Julien (2011), arXiv:1111.6832. For one comparison mean and variance are
exact. Laplace's approximation, at the mode, falls short where comparisons are sure: with a noise of 1 % of the utility's variance one
comparison moves its mode by a third of what it moves the mean.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from surrogates.exact_gp.arrays import NUMPY
from surrogates.preference_gp.likelihood import tilted

Array = NDArray[np.float64]

TOLERANCE = 1e-6
"""Greatest change of a site, in units of the posterior, at which the sweeps end."""

_SWEEPS = 200
_NUGGET = 1e-9  # added to the variances of differences, of which that of two equal points is zero


@dataclass(frozen=True, slots=True, eq=False)
class Approximation:
    """Sites, and what follows from them.

    Args:
        tau, nu: Precisions of the sites, and precisions times means, `c`.
        half: ``L^-1 S`` with ``S^2 = diag(tau)`` and ``L L' = I + S G S``, `c x c`: the data take ``G half' half G`` from the covariance
            of the differences, and from any other covariance alike.
        weights: The means of the differences are ``G weights``, `c`.
        log_evidence: Approximate log probability of all outcomes.
        d_threshold: Its derivative.
        sweeps: How many it took.
        change: Of the last sweep; at most `TOLERANCE` where they converged.
    """

    tau: Array
    nu: Array
    half: Array
    weights: Array
    log_evidence: float
    d_threshold: float
    sweeps: int
    change: float

    @property
    def d_covariance(self) -> Array:
        """Gradient of the evidence with respect to G, `c x c`; the sites are stationary, so they count as fixed."""
        gradient: Array = 0.5 * (np.multiply.outer(self.weights, self.weights) - self.half.T @ self.half)
        return gradient


def infer(G: Array, tied: NDArray[np.bool_], threshold: float, start: tuple[Array, Array] | None = None) -> Approximation:
    """Expectation propagation.

    Args:
        G: Prior covariance of the differences as they are judged, better less worse, errors included, `c x c`; prior means are zero.
        tied: Which of the comparisons are ties, `c`.
        threshold: Below which differences pass for ties.
        start: Sites (tau and nu) to begin with.
    """
    c = len(G)
    G = G + _NUGGET * np.eye(c)
    tau, nu = (np.zeros(c), np.zeros(c)) if start is None else (start[0].copy(), start[1].copy())
    damping, before, sweep = 1.0, np.inf, 0
    while True:
        sweep += 1
        belief = _Belief.of(G, tau, nu)
        left = np.maximum(1.0 - tau * belief.variance, 1e-12)
        cavity_mean, cavity_variance = (belief.mean - nu * belief.variance) / left, belief.variance / left
        moments = tilted(cavity_mean, cavity_variance, tied, threshold)
        shrunk = np.maximum(1.0 + cavity_variance * moments.curvature, 1e-12)
        new_tau = np.maximum(-moments.curvature, 0.0) / shrunk
        new_nu = (moments.slope - cavity_mean * moments.curvature) / shrunk
        change = float(np.max(np.abs(new_tau - tau) * belief.variance + np.abs(new_nu - nu) * np.sqrt(belief.variance), initial=0.0))
        if change <= TOLERANCE or sweep == _SWEEPS:
            break
        damping = max(0.7 * damping, 0.1) if change > 0.9 * before else min(1.05 * damping, 1.0)  # renewed at once, sites answer each other
        before = change
        tau, nu = tau + damping * (new_tau - tau), nu + damping * (new_nu - nu)
    grown = 1.0 + tau * cavity_variance
    log_evidence = (
        float(np.sum(moments.log_z + 0.5 * np.log(grown) - np.log(np.diag(belief.L))))
        + 0.5 * float(nu @ belief.mean - np.sum(nu**2 * cavity_variance / grown))
        + 0.5 * float(np.sum(cavity_mean * (tau * cavity_mean - 2.0 * nu) / grown))
    )
    half = NUMPY.solve_lower(belief.L, np.diag(np.sqrt(tau)))
    weights = nu - half.T @ (half @ (G @ nu))
    return Approximation(tau, nu, half, weights, log_evidence, float(moments.d_threshold.sum()), sweep, change)


@dataclass(frozen=True, slots=True, eq=False)
class _Belief:
    """Marginals of the differences given the sites, and the factor ``L L' = I + S G S``."""

    L: Array
    mean: Array
    variance: Array

    @classmethod
    def of(cls, G: Array, tau: Array, nu: Array) -> _Belief:
        S = np.sqrt(tau)
        L = NUMPY.cholesky(np.eye(len(G)) + S[:, None] * G * S)
        if L is None:
            raise ArithmeticError("expectation propagation broke down: a covariance of comparisons is not finite")
        V = NUMPY.solve_lower(L, S[:, None] * G)
        return cls(L, G @ nu - V.T @ (V @ nu), np.maximum(np.diag(G) - NUMPY.squares(V, 0), 1e-14))
