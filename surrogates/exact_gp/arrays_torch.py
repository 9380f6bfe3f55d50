"""Torch's spelling of the array functions of `arrays`. Imports torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from surrogates.exact_gp.arrays import Array, Mask


class TorchArrays:
    """The functions of `arrays.Arrays` on one device, float64. `Array` stands for a tensor here."""

    def __init__(self, device: Any) -> None:
        self._kind: Any = {"dtype": torch.float64, "device": torch.device(device)}
        t: Any = torch
        self.exp, self.log, self.log1p, self.expm1 = t.exp, t.log, t.log1p, t.expm1
        self.sqrt, self.sin, self.cos, self.outer, self.amax = t.sqrt, t.sin, t.cos, t.outer, t.amax

    def asarray(self, x: ArrayLike) -> Array:
        if isinstance(x, torch.Tensor):
            return cast(Array, x.detach().to(**self._kind))
        return cast(Array, torch.as_tensor(np.asarray(x, dtype=float), **self._kind))

    def numpy(self, x: Array) -> Array:
        return cast(Array, cast(torch.Tensor, x).detach().cpu().numpy())

    def zeros(self, *shape: int) -> Array:
        return cast(Array, torch.zeros(*shape, **self._kind))

    def ones(self, *shape: int) -> Array:
        return cast(Array, torch.ones(*shape, **self._kind))

    def exp_(self, x: Array) -> Array:
        return cast(Array, cast(torch.Tensor, x).exp_())

    def clip(self, x: Array, low: float | None, high: float | None) -> Array:
        return cast(Array, cast(torch.Tensor, x).clamp_(low, high))

    def where(self, mask: Mask, x: Array | float, y: Array | float) -> Array:
        return cast(Array, torch.where(*cast(Any, (mask, x, y))))

    def concatenate(self, parts: Sequence[Array], axis: int) -> Array:
        return cast(Array, torch.cat(cast(Any, tuple(parts)), axis))

    def copy(self, x: Array) -> Array:
        return cast(Array, cast(torch.Tensor, x).clone())

    def diagonal(self, x: Array) -> Array:
        return cast(Array, torch.diagonal(cast(torch.Tensor, x)))

    def nonzero(self, mask: Mask) -> tuple[NDArray[np.intp], ...]:
        return cast(tuple[NDArray[np.intp], ...], cast(torch.Tensor, mask).nonzero(as_tuple=True))

    def squares(self, x: Array, axis: int) -> Array:
        return cast(Array, cast(torch.Tensor, x).square().sum(axis))

    def cholesky(self, K: Array) -> Array | None:
        L, info = torch.linalg.cholesky_ex(cast(torch.Tensor, K))
        return cast(Array, L) if int(info) == 0 and bool(torch.isfinite(L[-1, -1])) else None

    def inverse_triangle(self, L: Array) -> Array:
        return cast(Array, torch.cholesky_inverse(cast(torch.Tensor, L)).tril())

    def inverse_diagonal(self, L: Array) -> Array:
        return self.squares(self.solve_lower(L, cast(Array, torch.eye(len(L), **self._kind))), 0)

    def grown(self, L: Array, below: Array, corner: Array) -> Array:
        n, q = len(L), len(corner)
        whole = self.zeros(n + q, n + q)
        whole[:n, :n], whole[n:, :n], whole[n:, n:] = L, below, corner
        return whole

    def solve_lower(self, L: Array, B: Array) -> Array:
        return self._solve(L, B, upper=False)

    def solve_upper(self, L: Array, B: Array) -> Array:
        return self._solve(L.T, B, upper=True)

    def _solve(self, A: Array, B: Array, *, upper: bool) -> Array:
        left, right = cast(torch.Tensor, A), cast(torch.Tensor, B)
        solved = torch.linalg.solve_triangular(left, right.reshape(len(right), -1), upper=upper)
        return cast(Array, solved.reshape(right.shape))
