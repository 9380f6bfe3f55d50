"""Optimism in the parameter space of a family: the most that a point may be worth, with parameters that the data allow.

Source: Liu & Wang (2023), "Global Optimization with Parametric Function Approximation", ICML (GO-UCB).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from surrogates.parametric.family import Array, Family
from surrogates.parametric.linearised import LinearisedPosterior

_HALVINGS = 10  # of a step that leads from the centre of the ball to a worse value
_STEPS = 100  # of the ascent, at most
_SHORTER = 4.0  # by what a step is divided that does not raise the value
_ROUNDING = 1e-12  # a step shorter than this, in radii of the ball, is none
_EDGE = 1e-12  # of the squared radius: closer to the sphere is on it


@dataclass(frozen=True, slots=True, eq=False)
class LinearisedBound:
    """``f_x(w) + sqrt(beta) |g_x|`` in the norm of ``Sigma^-1``, with the gradient ``g_x`` in the parameters at the estimate w.

    The most that x may be worth if the family were linear in its parameters. With ``beta = 0`` it is the estimate of the function.

    Args:
        family: Of the objective, to be maximized.
        posterior: Estimate and precision of its parameters.
        beta: Squared radius of the ellipsoid of parameters, at least 0.
    """

    family: Family
    posterior: LinearisedPosterior
    beta: float

    def __post_init__(self) -> None:
        if not 0 <= self.beta < math.inf:
            raise ValueError(f"beta is {self.beta}, must be finite and at least 0")

    def value(self, X: Array) -> Array:
        """As `Acquisition.value`."""
        values, slopes = self.family.weight_gradient(self.posterior.weights, X)
        return np.asarray(values + math.sqrt(self.beta) * np.linalg.norm(self.posterior.whiten(slopes), axis=1))

    def value_and_gradient(self, X: Array) -> tuple[Array, Array]:
        """As `Climbable.value_and_gradient`."""
        family, posterior, radius = self.family, self.posterior, math.sqrt(self.beta)
        values, gradients = family.point_gradient(posterior.weights, X)
        white = posterior.whiten(family.weight_gradient(posterior.weights, X)[1])
        lengths = np.linalg.norm(white, axis=1)
        directions = posterior.colour(white / np.where(lengths > 0, lengths, 1.0)[:, None])
        return values + radius * lengths, gradients + radius * family.mixed(posterior.weights, X, directions)

    def with_pending(self, X: Array) -> Self:
        """As `Growing.with_pending`: the precision grows, and the estimate stays."""
        posterior = self.posterior
        for slope in self.family.weight_gradient(posterior.weights, X)[1]:
            posterior = posterior.append(slope)
        return replace(self, posterior=posterior)


@dataclass(frozen=True, slots=True, eq=False)
class ParametricOptimism(LinearisedBound):
    """``max f_x(v)`` over the parameters v of the ellipsoid ``(v - w)' Sigma (v - w) <= beta`` around the estimate w.

    In coordinates in which the ellipsoid is the unit ball, the ascent begins at the maximizer of the linearised family, and steps
    along the gradient are put back on the ball; each that does not raise the value is shortened. It finds a local maximum, never less
    than ``f_x(w)``; of a family that is linear in its parameters the first point is the maximum. The gradient in x is that of
    ``f_x(v)`` at the maximizer, by the envelope theorem.

    Args:
        family: Of the objective, to be maximized.
        posterior: Estimate and precision of its parameters.
        beta: Squared radius of the ellipsoid of parameters, at least 0.
        tolerance: The ascent ends where no more than this share of a gradient is along the ball; the value is then wrong by about the
            square of it.
    """

    tolerance: float = 1e-2

    def rough(self, X: Array) -> Array:
        """As `Rough.rough`: the linearised bound."""
        return LinearisedBound.value(self, X)  # not super(): dataclasses with slots are made twice, and it would look for the first

    def value(self, X: Array) -> Array:
        """As `Acquisition.value`."""
        return self.inner(X)[0]

    def value_and_gradient(self, X: Array) -> tuple[Array, Array]:
        """As `Climbable.value_and_gradient`."""
        values, W = self.inner(X)
        return values, self.family.point_gradient(W, X)[1]

    def inner(self, X: Array) -> tuple[Array, Array]:
        """The greatest value found for each point, shape `m`, and the parameters that have it, `m x p`."""
        ball = _Ball(self.family, self.posterior, math.sqrt(self.beta), X)
        centre, slopes = self.family.weight_gradient(self.posterior.weights, X)
        U, values = ball.start(centre, self.posterior.whiten(slopes))
        if self.beta > 0:
            values = ball.ascend(U, self.tolerance)
        return values, ball.parameters(U)


@dataclass(frozen=True, slots=True, eq=False)
class _Ball:
    """The ellipsoid in coordinates u in which it is the unit ball, ``v = w + radius A u``, and points for each of which it is searched."""

    family: Family
    posterior: LinearisedPosterior
    radius: float
    X: Array

    def parameters(self, U: Array) -> Array:
        """Of coordinates, `m x p`."""
        return np.asarray(self.posterior.weights + self.radius * self.posterior.colour(U))

    def start(self, centre: Array, white: Array) -> tuple[Array, Array]:
        """The linearised maximizers, drawn towards the centre where they are worse than it; and their values.

        Args:
            centre: Values at the centre, `m`.
            white: Whitened gradients there, `m x p`.
        """
        lengths = np.linalg.norm(white, axis=1)
        outward = white / np.where(lengths > 0, lengths, 1.0)[:, None]
        U, values = np.zeros_like(white), centre.copy()
        left = np.flatnonzero(lengths > 0)
        for halvings in range(_HALVINGS):
            tried = outward[left] * 0.5**halvings
            found = self.family.value(self.parameters(tried), self.X[left])
            good = found >= centre[left]
            U[left[good]], values[left[good]] = tried[good], found[good]
            left = left[~good]
            if not len(left):
                break
        return U, values

    def ascend(self, U: Array, tolerance: float) -> Array:
        """Move coordinates to local maxima, in place; the values there.

        Steps of Barzilai & Borwein (1988) along the gradient, on the sphere along its tangent, each taken only where it raises the value.
        """
        left = np.arange(len(U))
        values, slopes = self._climb(U, left)
        free = _feasible(U, slopes)
        pull = np.maximum(np.sum(slopes * U, axis=1), np.linalg.norm(slopes, axis=1) / 2)
        length = 1.0 / np.where(pull > 0, pull, 1.0)  # on the sphere a step to where the gradient points
        for _ in range(_STEPS):
            left = left[np.linalg.norm(free[left], axis=1) > tolerance * np.linalg.norm(slopes[left], axis=1)]
            if not len(left):
                break
            tried = U[left] + length[left, None] * free[left]
            tried /= np.maximum(np.linalg.norm(tried, axis=1, keepdims=True), 1.0)
            found, there = self._climb(tried, left)
            onward = _feasible(tried, there)
            better = found > values[left]
            rows = left[better]
            step, turn = tried[better] - U[rows], onward[better] - free[rows]
            bend = np.abs(np.sum(step * turn, axis=1))
            length[left[~better]] /= _SHORTER
            length[rows] = np.where(bend > 0, np.sum(step**2, axis=1) / np.where(bend > 0, bend, 1.0), length[rows])
            U[rows], values[rows], slopes[rows], free[rows] = tried[better], found[better], there[better], onward[better]
            left = left[better | (length[left] * np.linalg.norm(free[left], axis=1) > _ROUNDING)]
        return values

    def _climb(self, U: Array, rows: np.ndarray) -> tuple[Array, Array]:
        values, slopes = self.family.weight_gradient(self.parameters(U), self.X[rows])
        return values, self.posterior.whiten(slopes)


def _feasible(U: Array, slopes: Array) -> Array:
    """Gradients without their part that leads out of the ball."""
    outward = np.sum(U * slopes, axis=1)
    edge = (np.sum(U**2, axis=1) >= 1.0 - _EDGE) & (outward > 0)
    return np.asarray(slopes - np.where(edge, outward, 0.0)[:, None] * U)
