"""A constant of its own for each level of a column but the last."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from surrogates.columns import Columns
from surrogates.exact_gp.arrays import Array, of
from surrogates.exact_gp.kernels.base import Features, Parameters
from surrogates.exact_gp.kernels.levels import Levels


@dataclass(frozen=True, eq=False)
class Offsets:
    """``variance`` where both points are at one level that is not the last, else zero.

    So the zeros of levels have nothing to do with each other. It has no hyperparameters.

    Args:
        column: Index of the column of levels, active always.
        table: What all columns mean.
        variance: Of the constants. By default so large that they are what the data say, for values of variance one.
    """

    column: int
    table: Columns
    variance: float = 100.0

    @cached_property
    def levels(self) -> Levels:
        """The coding of the column."""
        return Levels((self.column,), self.table)

    @property
    def parameters(self) -> Parameters:
        return Parameters.joined([])

    @property
    def multimodal(self) -> bool:
        return False

    def features(self, X: Array) -> Features:
        return Features(len(X), X.shape[1], (self.levels.indicators(X)[:, :-1],))

    def gram(self, theta: Array, A: Features, B: Features) -> OffsetsGram:
        return OffsetsGram(self.variance * (A.arrays[0] @ B.arrays[0].T), A.width)

    def diagonal(self, theta: Array, A: Features) -> Array:
        diagonal: Array = self.variance * A.arrays[0].sum(1)
        return diagonal

    def pull_diagonal(self, theta: Array, A: Features, w: Array) -> Array | None:
        return None


@dataclass(frozen=True, slots=True, eq=False)
class OffsetsGram:
    """A covariance that moves with nothing."""

    matrix: Array
    width: int

    def pull_parameters(self, W: Array) -> Array:
        return of(W).zeros(0)

    def pull_inputs(self, W: Array) -> Array:
        return of(W).zeros(len(W), self.width)

    def transposed(self) -> OffsetsGram:
        return OffsetsGram(self.matrix.T, self.width)
