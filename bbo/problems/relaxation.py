"""Successive over-relaxation (SOR) on a sequence of linear systems: tune a solver's parameter while it is at work.

Instance `t` is ``(A + c I) x = b`` with the five-point Laplacian A on a grid of 10 x 10 inner points, an offset `c` drawn from a beta
distribution, and a standard normal vector `b` cut off at its root mean length. The relaxation factor ``omega`` is chosen before an
instance is solved, perhaps with `c` known, and what is minimized is the number of iterations.

Source: Khodak, Chow, Balcan and Talwalkar, Learning to relax: setting solver parameters across a sequence of linear system instances
(2024), Section 4 and its published code.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bbo.errors import InvalidStudy
from bbo.problem import derive
from bbo.space import Context, Float, Space

Array = NDArray[np.float64]

SIDE = 10
"""Inner points of the grid along an axis."""

_BETA = {"high": (0.5, 1.5), "low": (2.0, 6.0)}
_OFFSETS = -0.15, 0.6  # least offset, and what a draw of the beta distribution is multiplied by
_MOST = 10_000  # iterations after which a solve is given up


@dataclass(frozen=True, slots=True)
class Relaxation:
    """A sequence of linear systems, each solved by SOR.

    Args:
        variance: Of the offsets: ``"high"`` draws them from ``-0.15 + 0.6 Beta(0.5, 1.5)``, which is often nearly singular, ``"low"``
            from ``-0.15 + 0.6 Beta(2, 6)``.
        seed: Of the instances.

    Raises:
        InvalidStudy: `variance` is neither.

    Examples:
        >>> import bbo
        >>> systems = bbo.problems.Relaxation("low", seed=0)
        >>> study = bbo.Study(systems.space, "minimize", optimizer="tsallis_inf", seed=0)
        >>> for t in range(20):
        ...     trial = study.ask(context=systems.context(t))
        ...     study.tell(trial, systems.iterations(trial["omega"], t))
    """

    variance: Literal["high", "low"] = "high"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.variance not in _BETA:
            raise InvalidStudy(f"Relaxation: variance is {self.variance!r}; it is 'high' or 'low'")

    @property
    def space(self) -> Space:
        """The relaxation factor, and the offset as a context."""
        return Space({"omega": Float(1.0, 1.95), "c": Context(Float(-0.15, 0.65))})

    def instance(self, t: int) -> tuple[float, Array]:
        """Offset and right-hand side of instance `t`, from 0; the same whatever was asked for before."""
        rng = np.random.Generator(np.random.Philox(key=derive("relaxation", self.variance, self.seed, t, bits=128)))
        c = _OFFSETS[0] + _OFFSETS[1] * float(rng.beta(*_BETA[self.variance]))
        while True:
            b = rng.standard_normal(SIDE**2)
            if b @ b <= SIDE**2:
                return c, b

    def context(self, t: int) -> dict[str, float]:
        """What `Study.ask` takes as the context of instance `t`."""
        return {"c": self.instance(t)[0]}

    def iterations(self, omega: float, t: int) -> int:
        """Iterations of SOR on instance `t`."""
        return sor_iterations(*self.instance(t), omega)


def best_omega(c: float) -> float:
    """The relaxation factor of the least spectral radius, ``1 + (beta / (1 + sqrt(1 - beta^2)))^2``; that radius is ``omega - 1``.

    Here ``beta = 4 cos(pi / 11) / (4 + c)`` is the spectral radius of Jacobi's iteration. It need not be the factor of the fewest
    iterations, which also depends on the right-hand side.

    Source: Young, Iterative solution of large linear systems (1971).
    """
    beta = 4 * math.cos(math.pi / (SIDE + 1)) / (4 + c)
    return 1 + (beta / (1 + math.sqrt(1 - beta**2))) ** 2


def laplacian(c: float = 0.0) -> Array:
    """The matrix ``A + c I`` of the five-point stencil, dense, `100 x 100`, in the lexicographic order of the grid points."""
    matrix: Array = _without_offset() + c * np.eye(SIDE**2)
    return matrix


def sor_matrix(c: float, omega: float) -> Array:
    """What a sweep of SOR makes of the residual, ``r <- r - (A + c I) (D / omega + L)^-1 r``, `100 x 100`.

    D is the diagonal and L what is strictly below it; an iterate moves by ``x <- x + (D / omega + L)^-1 r``.
    """
    from scipy.linalg import solve_triangular

    A = laplacian(c)
    lower = np.tril(A, -1) + np.diag(np.diag(A)) / omega
    swept: Array = np.eye(len(A)) - solve_triangular(lower, A, trans="T", lower=True).T  # A is symmetric
    return swept


def sor_iterations(c: float, b: ArrayLike, omega: float, *, tolerance: float = 1e-8, most: int = _MOST) -> int:
    """Sweeps of SOR from zero until the residual is at most `tolerance` times as long as `b`; at most `most`.

    Args:
        c: Offset of the diagonal.
        b: Right-hand side, shape 100, not zero.
        omega: Relaxation factor, between 0 and 2.
        tolerance: Relative length of the residual.
        most: Where it gives up.
    """
    sweep, residual = _sweep(c, omega), np.asarray(b, float)
    enough = tolerance**2 * float(residual @ residual)
    for k in range(most):
        if residual @ residual <= enough:
            return k
        residual = sweep @ residual
    return most


@lru_cache(maxsize=1)
def _without_offset() -> Array:
    line = np.diag(np.full(SIDE, 2.0)) - np.eye(SIDE, k=1) - np.eye(SIDE, k=-1)
    matrix: Array = np.kron(line, np.eye(SIDE)) + np.kron(np.eye(SIDE), line)
    return matrix


@lru_cache(maxsize=32)
def _sweep(c: float, omega: float) -> Array:
    return sor_matrix(c, omega)
