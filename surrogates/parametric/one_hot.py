"""A parametric family over encoded points, with an indicator for each level of a categorical column."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from surrogates.columns import Columns
from surrogates.parametric.family import Array, Family

_MATCH = 1e-9  # two encoded values closer than this are the same level


@dataclass(frozen=True, slots=True)
class OneHot:
    """A family of points whose categorical columns become one indicator for each level; its methods are those of `Family`.

    The gradient with respect to a categorical column is zero. An inactive column has no level, and all its indicators are zero.

    Args:
        columns: What the columns of a point are.
        build: Makes the family for a number of inputs.
    """

    columns: Columns
    build: Callable[[int], Family]
    inner: Family = field(init=False, compare=False)
    _levels: tuple[tuple[int, Array], ...] = field(init=False, compare=False, repr=False)
    _numbers: tuple[int, ...] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        categorical = self.columns.indices("categorical")
        levels = tuple((j, np.array(self.columns[j].levels)) for j in categorical)
        numbers = tuple(j for j in range(len(self.columns)) if j not in categorical)
        object.__setattr__(self, "_levels", levels)
        object.__setattr__(self, "_numbers", numbers)
        object.__setattr__(self, "inner", self.build(len(numbers) + sum(len(each) for _, each in levels)))

    @property
    def d(self) -> int:
        """Columns of an encoded point."""
        return len(self.columns)

    @property
    def n_parameters(self) -> int:
        """Those of the inner family."""
        return self.inner.n_parameters

    def starts(self, n: int, rng: np.random.Generator) -> Array:
        """See `Family.starts`."""
        return self.inner.starts(n, rng)

    def value(self, W: Array, X: Array) -> Array:
        """See `Family.value`."""
        return self.inner.value(W, self._spread(X))

    def weight_gradient(self, W: Array, X: Array) -> tuple[Array, Array]:
        """See `Family.weight_gradient`."""
        return self.inner.weight_gradient(W, self._spread(X))

    def point_gradient(self, W: Array, X: Array) -> tuple[Array, Array]:
        """See `Family.point_gradient`."""
        values, slopes = self.inner.point_gradient(W, self._spread(X))
        return values, self._gathered(slopes)

    def mixed(self, W: Array, X: Array, V: Array) -> Array:
        """See `Family.mixed`."""
        return self._gathered(self.inner.mixed(W, self._spread(X), V))

    def _spread(self, X: Array) -> Array:
        indicators = [(np.abs(X[:, j, None] - levels) < _MATCH).astype(float) for j, levels in self._levels]
        return np.hstack([X[:, list(self._numbers)], *indicators])

    def _gathered(self, slopes: Array) -> Array:
        found = np.zeros((len(slopes), self.d))
        found[:, list(self._numbers)] = slopes[:, : len(self._numbers)]
        return found
