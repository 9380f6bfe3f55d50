"""How near candidates are to what was measured at their own level, by the correlations of a process before there are data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from acquisitions.gaussian import Array

if TYPE_CHECKING:
    from surrogates.exact_gp import ExactGP

_LEAST = 1e-12  # distances below this are rounding's


@dataclass(frozen=True, slots=True, eq=False)
class LogRoom:
    """``sum_i log(1 - R(x, x_i))`` over the data at the level of a candidate x: none at one of them, zero far from all.

    R is the correlation that the kernel has. At one of the data it is floored: 1e-12 counts instead of zero.

    Args:
        gp: The process, with its data.
        column: Index of the column of levels; None where there are none.
        levels: Its values.
    """

    gp: ExactGP
    column: int | None = None
    levels: Sequence[float] = ()

    def value(self, X: Array) -> Array:
        """The score at each row of X (`m x d`), shape `m`."""
        total: Array = self._terms(X)[0].sum(1)
        return total

    def value_and_gradient(self, X: Array) -> tuple[Array, Array]:
        """The score (`m`) and its gradient (`m x d`), zero along the levels."""
        terms, slopes, correlations = self._terms(X)
        kernel, theta, data = self.gp.kernel, self.gp.theta, self.gp.features
        points = kernel.features(X)
        own = kernel.diagonal(theta, points)
        scale = np.sqrt(np.multiply.outer(own, kernel.diagonal(theta, data)))
        gradient: Array = kernel.gram(theta, points, data).pull_inputs(slopes / scale)
        if (along := kernel.pull_diagonal(theta, points, -0.5 * (slopes * correlations).sum(1) / own)) is not None:
            gradient = gradient + along
        if self.column is not None:
            gradient[:, self.column] = 0.0
        return terms.sum(1), gradient

    def _terms(self, X: Array) -> tuple[Array, Array, Array]:
        """Logarithms of the distances, their slopes in the correlations, and these, `m x n`."""
        kernel, theta, data = self.gp.kernel, self.gp.theta, self.gp.features
        points = kernel.features(X)
        scale = np.sqrt(np.multiply.outer(kernel.diagonal(theta, points), kernel.diagonal(theta, data)))
        correlations = kernel.gram(theta, points, data).matrix / scale
        alike = self._level(X)[:, None] == self._level(np.asarray(self.gp.X))[None]
        distance = np.where(alike, np.maximum(1.0 - correlations, _LEAST), 1.0)
        return np.log(distance), np.where(alike & (distance > _LEAST), -1.0 / distance, 0.0), correlations

    def _level(self, X: Array) -> NDArray[np.intp]:
        if self.column is None:
            return np.zeros(len(X), dtype=np.intp)
        nearest: NDArray[np.intp] = np.argmin(np.abs(X[:, self.column, None] - np.asarray(self.levels)), axis=1)
        return nearest
