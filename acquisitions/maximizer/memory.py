"""Limited-memory BFGS matrices of many rows at once, in compact form."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

_CURVED = 1e-10
"""A pair whose curvature `s.y` is below this fraction of `|s| |y|` says nothing about the Hessian and is left out."""


_BLANK = 1e-150
"""On the diagonal of N in slots without a pair, where all else is zero: keeps N regular, and changes nothing elsewhere."""


def namespace(X: Array) -> ModuleType:
    """NumPy for its arrays, torch for its tensors, which need not be imported otherwise."""
    if isinstance(X, np.ndarray):
        return np
    import torch

    return torch


def dot(a: Array, b: Array) -> Array:
    """Inner products over the last axis."""
    product: Array = namespace(a).linalg.vecdot(a, b)
    return product


@dataclass(eq=False)
class Memory:
    """For each of b rows a Hessian ``B = theta I - theta Z' N^-1 Z`` (Byrd, Nocedal and Schnabel 1994, equation 3.5).

    Z holds the last m steps s and changes y of the gradient, and ``N = [[S S', L], [L', -theta I]]`` with L the part of ``S Y'``
    below the diagonal. B does not change when a pair is multiplied by a number, so that each is kept with ``s.y = 1``, which
    keeps N well scaled when steps become tiny.

    Args:
        Z: The s, oldest first, then the y, `b x 2m x d`; zero where there are none yet.
        gram: Their inner products, `b x 2m x 2m`.
        N: See above, `b x 2m x 2m`.
        theta: Curvature along all other directions, shape `b`.
        pattern: Constants of N, `2m x 2m` each.
    """

    Z: Array
    gram: Array
    N: Array
    theta: Array
    pattern: tuple[Array, Array, Array]

    @classmethod
    def empty(cls, m: int, X: Array, theta: Array) -> Memory:
        """No pair known, for the rows of X (`b x d`)."""
        xp = namespace(X)
        b, d = X.shape
        one, none = (make((m, m), dtype=X.dtype, device=X.device) for make in (xp.ones, xp.zeros))
        below, identity = xp.tril(one, -1), xp.tril(one) * xp.triu(one)
        kept = xp.concatenate([xp.concatenate([one, below], 1), xp.concatenate([below.T, none], 1)])
        blank, last = (
            xp.concatenate([xp.concatenate([a, none], 1), xp.concatenate([none, c], 1)])
            for a, c in ((_BLANK * identity, none), (none, identity))
        )
        memory = cls(xp.zeros((b, 2 * m, d), dtype=X.dtype, device=X.device), theta, theta, theta, (kept, blank, last))
        memory._assemble()
        return memory

    @property
    def m(self) -> int:
        """How many pairs there is room for."""
        return int(self.Z.shape[1] // 2)

    @property
    def blank(self) -> Mask:
        """Which rows know no pair."""
        known: Mask = (self.Z[:, -1] != 0).any(-1)
        return ~known

    def take(self, rows: Mask | NDArray[np.int_]) -> Memory:
        """The memory of some rows."""
        return Memory(self.Z[rows], self.gram[rows], self.N[rows], self.theta[rows], self.pattern)

    def update(self, rows: Mask, s: Array, y: Array) -> None:
        """Remember the steps s and changes y of the gradient (`b x d`) of the given rows, as far as they show positive curvature."""
        xp, m, old = namespace(s), self.m, self.Z
        sy, ss, yy = dot(s, y), dot(s, s), dot(y, y)
        rows = rows & (sy > _CURVED * (ss * yy) ** 0.5) & (yy < np.inf)
        every = bool(rows.all())
        if not every:
            sy, yy = xp.where(rows, sy, 1.0), xp.where(rows, yy, self.theta)
        self.theta = yy / sy
        size = sy[:, None] ** -0.5
        self.Z = xp.concatenate([old[:, 1:m], (s * size)[:, None], old[:, m + 1 :], (y * size)[:, None]], 1)
        if not every:
            self.Z = xp.where(rows[:, None, None], self.Z, old)
        self._assemble()

    def forget(self, rows: Mask, theta: Array) -> None:
        """Start the given rows anew with ``B = theta I``."""
        xp = namespace(theta)
        self.Z = xp.where(rows[:, None, None], 0.0, self.Z)
        self.theta = xp.where(rows, theta, self.theta)
        self._assemble()

    def _assemble(self) -> None:
        kept, blank, last = self.pattern
        self.gram = self.Z @ self.Z.mT
        self.N = self.gram * kept + blank - self.theta[:, None, None] * last

    def times(self, P: Array) -> Array:
        """``B P`` for directions P (`b x d`)."""
        core = namespace(P).linalg.solve(self.N, self.Z @ P[..., None])
        product: Array = self.theta[:, None] * (P - (self.Z.mT @ core)[..., 0])
        return product

    def solve(self, free: Mask, R: Array) -> Array:
        """``B_FF^-1 R`` with the submatrix of B on the free entries (mask, `b x d`), by Sherman, Morrison and Woodbury.

        Args:
            free: The entries F of each row.
            R: Right-hand sides, `b x d x k`, zero outside the free entries; so is the result.
        """
        Z, gram = self.Z, self.gram
        if not bool(free.all()):
            Z = Z * free[:, None]
            gram = Z @ Z.mT
        core = namespace(R).linalg.solve(self.N - gram, Z @ R)
        found: Array = (R + Z.mT @ core) / self.theta[:, None, None]
        return found
