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


def namespace(X: Array) -> ModuleType:
    """NumPy for its arrays, torch for its tensors, which need not be imported otherwise."""
    if isinstance(X, np.ndarray):
        return np
    import torch

    return torch


def dot(a: Array, b: Array) -> Array:
    """Inner products over the last axis."""
    product: Array = (a * b).sum(-1)
    return product


@dataclass(eq=False)
class Memory:
    """For each of b rows a Hessian ``B = theta I - W' N^-1 W`` (Byrd, Nocedal and Schnabel 1994, equation 3.5).

    W holds ``theta s`` and ``y`` of the last m steps s and changes y of the gradient. B does not change when a pair is
    multiplied by a number, so that each is kept with ``s.y = 1``, which keeps N well scaled when steps become tiny.

    Args:
        pairs: The s, oldest first, then the y, `b x 2m x d`; zero where there are none yet.
        gram: Their inner products, `b x 2m x 2m`.
        theta: Curvature along all other directions, shape `b`.
    """

    pairs: Array
    gram: Array
    theta: Array

    @classmethod
    def empty(cls, m: int, X: Array, theta: Array) -> Memory:
        """No pair known, for the rows of X (`b x d`)."""
        xp = namespace(X)
        b, d = X.shape
        like = {"dtype": X.dtype, "device": X.device}
        return cls(xp.zeros((b, 2 * m, d), **like), xp.zeros((b, 2 * m, 2 * m), **like), theta)

    @property
    def m(self) -> int:
        """How many pairs there is room for."""
        return int(self.pairs.shape[1] // 2)

    def take(self, rows: Mask | NDArray[np.int_]) -> Memory:
        """The memory of some rows."""
        return Memory(self.pairs[rows], self.gram[rows], self.theta[rows])

    def update(self, rows: Mask, s: Array, y: Array) -> None:
        """Remember the steps s and changes y of the gradient (`b x d`) of the given rows, as far as they show positive curvature."""
        xp, m = namespace(s), self.m
        sy, ss, yy = dot(s, y), dot(s, s), dot(y, y)
        rows = rows & (sy > _CURVED * (ss * yy) ** 0.5) & xp.isfinite(yy)
        size = xp.where(rows, sy, 1.0)
        self.theta = xp.where(rows, yy / size, self.theta)
        size = size[:, None] ** 0.5
        old = self.pairs
        pairs = xp.concatenate([old[:, 1:m], (s / size)[:, None], old[:, m + 1 :], (y / size)[:, None]], 1)
        if not bool(rows.all()):
            pairs = xp.where(rows[:, None, None], pairs, old)
        self.pairs = pairs
        self.gram = pairs @ pairs.mT

    def forget(self, rows: Mask, theta: Array) -> None:
        """Start the given rows anew with ``B = theta I``."""
        xp = namespace(theta)
        self.pairs = xp.where(rows[:, None, None], 0.0, self.pairs)
        self.gram = xp.where(rows[:, None, None], 0.0, self.gram)
        self.theta = xp.where(rows, theta, self.theta)

    def times(self, P: Array) -> Array:
        """``B P`` for directions P (`b x d`)."""
        xp, m = namespace(P), self.m
        theta = self.theta[:, None, None]
        gram = self.gram
        L = xp.tril(gram[:, :m, m:], -1)
        identity = xp.eye(m, dtype=gram.dtype, device=gram.device)
        SS = theta * gram[:, :m, :m] + _blank(gram, identity)[:, :, None] * identity
        N = xp.concatenate([xp.concatenate([SS, L], 2), xp.concatenate([L.mT, -identity + 0 * L], 2)], 1)
        W = xp.concatenate([theta * self.pairs[:, :m], self.pairs[:, m:]], 1)
        product: Array = self.theta[:, None] * P - (W.mT @ xp.linalg.solve(N, W @ P[..., None]))[..., 0]
        return product

    def reduced(self, free: Mask) -> Reduced:
        """The Hessian on the free entries (mask, `b x d`)."""
        return Reduced(self, free)


class Reduced:
    """Solves with the submatrix of B on the free entries (the same formula by Sherman, Morrison and Woodbury)."""

    def __init__(self, memory: Memory, free: Mask) -> None:
        xp, m = namespace(memory.pairs), memory.m
        self.theta = memory.theta[:, None]
        theta = self.theta[..., None]
        masked = memory.pairs * free[:, None]
        self._W = xp.concatenate([theta * masked[:, :m], masked[:, m:]], 1)
        held = xp.zeros_like(memory.gram) if bool(free.all()) else memory.gram - masked @ masked.mT
        gram = memory.gram
        SY = held[:, :m, m:] - xp.triu(gram[:, :m, m:])
        SS = theta * held[:, :m, :m]
        identity = xp.eye(m, dtype=gram.dtype, device=gram.device)
        SS = SS + _blank(gram, identity)[:, :, None] * identity
        YY = (held[:, m:, m:] - gram[:, m:, m:]) / theta - identity
        self._K = xp.concatenate([xp.concatenate([SS, SY], 2), xp.concatenate([SY.mT, YY], 2)], 1)
        self._xp = xp

    def solve(self, R: Array) -> Array:
        """``B_FF^-1 R`` for right-hand sides R (`b x d x k`), zero outside the free entries."""
        W = self._W
        theta = self.theta[..., None]
        core: Array = self._xp.linalg.solve(self._K, W @ R)
        found: Array = (R + (W.mT @ core) / theta) / theta
        return found


def _blank(gram: Array, identity: Array) -> Mask:
    """Which slots (`b x m`) hold no pair yet; an identity in their place keeps systems regular."""
    m = len(identity)
    blank: Mask = (gram[:, :m, :m] * identity).sum(-1) == 0
    return blank
