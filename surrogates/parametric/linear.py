"""Functions that are linear in their parameters: optimism over these is LinUCB."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from surrogates.parametric.family import Array


@dataclass(frozen=True, slots=True)
class Linear:
    """``f_x(w) = w_0 + w_1 x_1 + ... + w_d x_d``; its methods are those of `Family`.

    Args:
        d: Numbers of a point.
    """

    d: int

    @property
    def n_parameters(self) -> int:
        """``d + 1``."""
        return self.d + 1

    def starts(self, n: int, rng: np.random.Generator) -> Array:
        """Standard normal draws."""
        return rng.standard_normal((n, self.n_parameters))

    def value(self, W: Array, X: Array) -> Array:
        """See `Family.value`."""
        return np.asarray(W[..., 0] + np.sum(W[..., 1:] * X, axis=-1))

    def weight_gradient(self, W: Array, X: Array) -> tuple[Array, Array]:
        """See `Family.weight_gradient`."""
        return self.value(W, X), np.column_stack([np.ones(len(X)), X])

    def point_gradient(self, W: Array, X: Array) -> tuple[Array, Array]:
        """See `Family.point_gradient`."""
        return self.value(W, X), np.broadcast_to(W[..., 1:], X.shape).copy()

    def mixed(self, W: Array, X: Array, V: Array) -> Array:
        """See `Family.mixed`."""
        return V[:, 1:].copy()
