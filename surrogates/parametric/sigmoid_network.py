"""The network of GO-UCB's experiments: one hidden layer of sigmoids."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from surrogates.parametric.family import Array


@dataclass(frozen=True, slots=True)
class SigmoidNetwork:
    """``f_x(w) = c . s(A x + b) + e`` with the logistic function s; its methods are those of `Family`.

    A parameter vector holds A row by row, b, c and e, one after another: ``h d + 2 h + 1`` numbers for h hidden units.

    Args:
        d: Numbers of a point.
        hidden: Hidden units, h.
    """

    d: int
    hidden: int = 25

    @property
    def n_parameters(self) -> int:
        """``h d + 2 h + 1``."""
        return self.hidden * (self.d + 2) + 1

    def starts(self, n: int, rng: np.random.Generator) -> Array:
        """Each layer uniform within one over the root of its number of inputs, as PyTorch's layers begin."""
        first, h = self.hidden * (self.d + 1), self.hidden
        reach = np.repeat([1.0 / math.sqrt(self.d), 1.0 / math.sqrt(h)], [first, h + 1])
        return reach * rng.uniform(-1.0, 1.0, size=(n, self.n_parameters))

    def _parts(self, W: Array) -> tuple[Array, Array, Array, Array]:
        h, hd = self.hidden, self.hidden * self.d
        A = W[..., :hd].reshape(*W.shape[:-1], h, self.d)
        return A, W[..., hd : hd + h], W[..., hd + h : hd + 2 * h], W[..., -1]

    @staticmethod
    def _into(A: Array, X: Array) -> Array:
        """``A x`` for each row."""
        return X @ A.T if A.ndim == 2 else (A @ X[:, :, None])[:, :, 0]

    @staticmethod
    def _back(S: Array, A: Array) -> Array:
        """``A' s`` for each row s of S (`m x h`)."""
        return S @ A if A.ndim == 2 else (S[:, None, :] @ A)[:, 0, :]

    def value(self, W: Array, X: Array) -> Array:
        """See `Family.value`."""
        A, b, c, e = self._parts(W)
        return np.asarray(np.sum(c * expit(self._into(A, X) + b), axis=-1) + e)

    def weight_gradient(self, W: Array, X: Array) -> tuple[Array, Array]:
        """See `Family.weight_gradient`."""
        A, b, c, e = self._parts(W)
        s = expit(self._into(A, X) + b)
        db = c * s * (1.0 - s)
        dA = (db[:, :, None] * X[:, None, :]).reshape(len(X), -1)
        return np.asarray(np.sum(c * s, axis=-1) + e), np.hstack([dA, db, s, np.ones((len(X), 1))])

    def point_gradient(self, W: Array, X: Array) -> tuple[Array, Array]:
        """See `Family.point_gradient`."""
        A, b, c, e = self._parts(W)
        s = expit(self._into(A, X) + b)
        return np.asarray(np.sum(c * s, axis=-1) + e), self._back(c * s * (1.0 - s), A)

    def mixed(self, W: Array, X: Array, V: Array) -> Array:
        """See `Family.mixed`."""
        (A, b, c, _), (dA, db, dc, _) = self._parts(W), self._parts(V)
        s = expit(self._into(A, X) + b)
        slope = s * (1.0 - s)
        moved = self._into(dA, X) + db  # how fast what enters the sigmoids changes along v
        return self._back(c * slope, dA) + self._back(c * slope * (1.0 - 2.0 * s) * moved + dc * slope, A)
