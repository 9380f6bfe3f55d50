"""The few array functions that the formulas need and that NumPy and torch spell differently.

`of(x)` gives those for the kind of array that x is. The rest (arithmetic, ``@``, indexing, ``.T``, ``.sum(axis)``) is written
alike for both. Torch is imported by `on` alone, and only for a device that asks for it; `of` meets a tensor after that.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Protocol, TypeAlias, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg.blas import dtrsm
from scipy.linalg.lapack import dpotrf, dpotri, dtrtri

Array: TypeAlias = NDArray[np.float64]
"""A NumPy array of float64, or a torch tensor of float64 where the caller works with tensors."""


Mask: TypeAlias = NDArray[np.bool_]


class Arrays(Protocol):
    """What both kinds provide. Matrices are lower triangular factors ``L`` with ``L L' = K`` where they are called L."""

    def asarray(self, x: ArrayLike) -> Array: ...
    def numpy(self, x: Array) -> Array: ...
    def zeros(self, *shape: int) -> Array: ...
    def ones(self, *shape: int) -> Array: ...
    def exp(self, x: Array) -> Array: ...
    def exp_(self, x: Array) -> Array: ...
    def log(self, x: Array) -> Array: ...
    def log1p(self, x: Array) -> Array: ...
    def expm1(self, x: Array) -> Array: ...
    def sqrt(self, x: Array) -> Array: ...
    def sin(self, x: Array) -> Array: ...
    def cos(self, x: Array) -> Array: ...
    def clip(self, x: Array, low: float | None, high: float | None) -> Array: ...
    def where(self, mask: Mask, x: Array | float, y: Array | float) -> Array: ...
    def concatenate(self, parts: Sequence[Array], axis: int) -> Array: ...
    def copy(self, x: Array) -> Array: ...
    def diagonal(self, x: Array) -> Array: ...
    def nonzero(self, mask: Mask) -> tuple[NDArray[np.intp], ...]: ...
    def squares(self, x: Array, axis: int) -> Array: ...
    def outer(self, x: Array, y: Array) -> Array: ...
    def amax(self, x: Array, axis: int) -> Array: ...
    def cholesky(self, K: Array) -> Array | None: ...
    def inverse_triangle(self, L: Array) -> Array: ...
    def inverse_diagonal(self, L: Array) -> Array: ...
    def grown(self, L: Array, below: Array, corner: Array) -> Array: ...
    def solve_lower(self, L: Array, B: Array) -> Array: ...
    def solve_upper(self, L: Array, B: Array) -> Array: ...


class _NumPy:
    """NumPy, with SciPy's bindings of BLAS and LAPACK, which avoid the copies and checks of `scipy.linalg`."""

    exp = staticmethod(np.exp)
    log = staticmethod(np.log)
    log1p = staticmethod(np.log1p)
    expm1 = staticmethod(np.expm1)
    sqrt = staticmethod(np.sqrt)
    sin = staticmethod(np.sin)
    cos = staticmethod(np.cos)
    where = staticmethod(np.where)
    outer = staticmethod(np.multiply.outer)
    amax = staticmethod(np.amax)
    zeros = staticmethod(lambda *shape: np.zeros(shape))
    ones = staticmethod(lambda *shape: np.ones(shape))

    def asarray(self, x: ArrayLike) -> Array:
        return np.ascontiguousarray(x, dtype=float)

    def numpy(self, x: Array) -> Array:
        return x

    def exp_(self, x: Array) -> Array:
        """In place."""
        return np.exp(x, out=x)

    def clip(self, x: Array, low: float | None, high: float | None) -> Array:
        """Clipped in place."""
        if low is not None:
            np.maximum(x, low, out=x)
        if high is not None:
            np.minimum(x, high, out=x)
        return x

    def concatenate(self, parts: Sequence[Array], axis: int) -> Array:
        return np.concatenate(parts, axis)

    def copy(self, x: Array) -> Array:
        return x.copy()

    def diagonal(self, x: Array) -> Array:
        """The diagonal as a view that can be written to."""
        return cast(Array, np.einsum("ii->i", x))

    def nonzero(self, mask: Mask) -> tuple[NDArray[np.intp], ...]:
        return mask.nonzero()

    def squares(self, x: Array, axis: int) -> Array:
        """Sums of squares along an axis of a matrix."""
        return cast(Array, np.einsum("ij,ij->j" if axis == 0 else "ij,ij->i", x, x))

    def cholesky(self, K: Array) -> Array | None:
        """Lower factor of a symmetric matrix, zeros above it; None where a pivot is not positive. K is overwritten."""
        L, info = dpotrf(K.T, lower=1, clean=1, overwrite_a=1)  # K.T: Fortran's order without a copy
        return L if info == 0 and np.isfinite(L[-1, -1]) else None

    def inverse_triangle(self, L: Array) -> Array:
        """The lower triangle of ``K^-1``, zeros above it. L is overwritten."""
        inverse, _ = dpotri(L, lower=1, overwrite_c=1)
        return np.asarray(inverse)

    def inverse_diagonal(self, L: Array) -> Array:
        """The diagonal of ``K^-1``."""
        inverse, _ = dtrtri(L, lower=1)
        return self.squares(inverse, 0)

    def grown(self, L: Array, below: Array, corner: Array) -> Array:
        """The lower triangular ``[[L, 0], [below, corner]]``."""
        n, q = len(L), len(corner)
        whole = np.zeros((n + q, n + q), order="F")  # Fortran's order, as LAPACK reads it
        whole[:n, :n], whole[n:, :n], whole[n:, n:] = L, below, corner
        return whole

    def solve_lower(self, L: Array, B: Array) -> Array:
        """``L^-1 B`` for a vector or matrix B."""
        return np.asarray(dtrsm(1.0, L, B.reshape(len(B), -1), lower=1)).reshape(B.shape)

    def solve_upper(self, L: Array, B: Array) -> Array:
        """``L^-T B`` for a vector or matrix B."""
        return np.asarray(dtrsm(1.0, L, B.reshape(len(B), -1), lower=1, trans_a=1)).reshape(B.shape)


NUMPY = cast(Arrays, _NumPy())  # the types that NumPy declares for its functions are wider


def of(x: Array) -> Arrays:
    """The functions for the kind of array that x is."""
    return NUMPY if isinstance(x, np.ndarray) else _torch(x.device)


def on(device: str) -> Arrays:
    """The functions for a device: ``cpu`` is NumPy; ``torch`` is torch on the CPU; anything else is a device of torch's."""
    return NUMPY if device == "cpu" else _torch("cpu" if device == "torch" else device)


@lru_cache
def keep_memory() -> None:
    """Let glibc keep the memory of arrays that come and go, once a process; elsewhere this does nothing.

    It returns what is freed to the system, and asks for it again page by page, until a larger block has been freed: its thresholds
    follow that (mallopt(3), M_MMAP_THRESHOLD). An evaluation of the evidence took 1.2 ms without and 0.6 ms with this at n = 200,
    15 and 9.5 ms at n = 500. The block is not written to, and so costs no memory.
    """
    block = np.empty(3 << 20)  # 24 MB; blocks above 32 MB are not followed
    del block


@lru_cache
def _torch(device: Any) -> Arrays:
    from surrogates.exact_gp.arrays_torch import TorchArrays

    return TorchArrays(device)
