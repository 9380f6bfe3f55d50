"""A perturbed network of one hidden layer, trained a step at a time by projected gradient descent, as NeuSquareCB and NeuFastCB do.

The network is ``f(theta; x) = sum_r v_r relu(w_r . x) / sqrt(m)`` with `m` hidden units. What predicts is the mean over `S` copies
``f + c_p (theta - theta_0) . eps_s / m^(1/4)``, whose signs ``eps_s`` are drawn once: in expectation over the signs they add the square
of the distance to the start to the loss, so that it is curved everywhere, which is what the regret of order ``log T`` rests on.

Source: Deb, Ban, Zuo, He and Banerjee, Contextual bandits with online neural regression (2024). The scale of the network is that of
neural tangent kernels, and its start, in pairs of units that cancel, is ours: all predictions begin equal.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def start(d: int, width: int, rng: np.random.Generator) -> Array:
    """Parameters of a network that is zero everywhere, shape ``width (d + 1)``: weights `m x d` row by row, then the outer ones.

    Args:
        d: Number of features.
        width: Hidden units, an even number.
        rng: Source of the draws.
    """
    w = rng.standard_normal((width // 2, d))
    v = np.ones(width // 2)
    return np.concatenate([np.vstack([w, w]).ravel(), v, -v])


def value(theta: Array, X: ArrayLike, width: int) -> Array:
    """``f(theta; x)`` at each row of X (`n x d`), shape `n`."""
    w, v = _parts(theta, width)
    outputs: Array = np.maximum(np.asarray(X, float) @ w.T, 0) @ v / np.sqrt(width)
    return outputs


def gradient(theta: Array, x: ArrayLike, width: int) -> Array:
    """Gradient of ``f(theta; x)`` with respect to theta at one point (`d`), shape of theta."""
    w, v = _parts(theta, width)
    point = np.asarray(x, float)
    before = w @ point
    inner = np.outer(v * (before > 0), point)
    slopes: Array = np.concatenate([inner.ravel(), np.maximum(before, 0)]) / np.sqrt(width)
    return slopes


def _parts(theta: Array, width: int) -> tuple[Array, Array]:
    return theta[:-width].reshape(width, -1), theta[-width:]


def unit(X: ArrayLike) -> Array:
    """Rows of X (`n x d`, the unit cube) as features of length one, `n x (d + 1)`: centred, with a constant, divided by their length."""
    centred = 2 * np.asarray(X, float) - 1
    rows = np.hstack([centred, np.ones((len(centred), 1))])
    features: Array = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return features


def identity(z: Array) -> Array:
    """What a regression for the squared error predicts from an output: half more than it, as the start is between losses 0 and 1."""
    return z + 0.5


def sigmoid(z: Array) -> Array:
    """What a regression for the log loss predicts from an output, between 0 and 1."""
    p: Array = 0.5 * (1 + np.tanh(0.5 * z))
    return p


@dataclass(frozen=True, slots=True, eq=False)
class Perturbed:
    """A network with perturbed copies.

    Args:
        start: Its parameters at the start, shape `p`.
        width: Hidden units `m`.
        signs: Plus or minus one, `S x p`.
        strength: The factor ``c_p``; with 0 all copies are the plain network.
        link: From the output of a copy to a predicted loss: `identity` for the squared error, `sigmoid` for the log loss. For both the
            derivative of the loss by the output is the predicted loss less the observed one.
    """

    start: Array
    width: int
    signs: Array
    strength: float
    link: Callable[[Array], Array]

    def outputs(self, theta: Array, X: ArrayLike) -> Array:
        """Output of each copy at each row of X, `S x n`."""
        return value(theta, X, self.width)[None, :] + self.perturbations(theta)[:, None]

    def perturbations(self, theta: Array) -> Array:
        """What is added to the output in each copy, shape `S`; linear in the distance from the start."""
        added: Array = self._factor * (self.signs @ (theta - self.start))
        return added

    def predict(self, theta: Array, X: ArrayLike) -> Array:
        """Mean predicted loss over the copies at each row of X, shape `n`."""
        mean: Array = self.link(self.outputs(theta, X)).mean(axis=0)
        return mean

    def loss_gradient(self, theta: Array, x: ArrayLike, loss: float) -> Array:
        """Gradient of the mean loss over the copies at one observation: half the squared error, or the log loss."""
        point = np.asarray(x, float)
        residuals = self.link(self.outputs(theta, point[None, :]))[:, 0] - loss
        found: Array = residuals.mean() * gradient(theta, point, self.width) + self._factor * (residuals @ self.signs) / len(self.signs)
        return found

    def step(self, theta: Array, x: ArrayLike, loss: float, *, rate: float, radius: float) -> Array:
        """Parameters after one observation: a gradient step, and the projection onto the ball around the start."""
        moved = theta - rate * self.loss_gradient(theta, x, loss) - self.start
        length = float(np.linalg.norm(moved))
        return self.start + moved * min(1.0, radius / length) if length > 0 else self.start.copy()

    @property
    def _factor(self) -> float:
        return float(self.strength / self.width**0.25)
