"""From the columns of an encoded point to the inputs of a model: unordered choices become one column a level."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from surrogates.columns import Columns

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Features:
    """The model's inputs: a categorical column of more than two levels as one-hot columns, all others as they are encoded."""

    columns: Columns

    def __call__(self, X: Array) -> Array:
        """Encoded points (`n x d`, unit cube) as model inputs (`n x p`, mostly in the unit cube). Inactive columns stay as encoded."""
        parts = [
            _one_hot(X[:, i], c.levels) if c.kind == "categorical" and len(c.levels) > 2 else X[:, [i]] for i, c in enumerate(self.columns)
        ]
        return np.hstack([np.empty((len(X), 0)), *parts])


def _one_hot(x: Array, levels: tuple[float, ...]) -> Array:
    """Which level stands in each entry; zeros where none does, as in an inactive column between two levels."""
    return np.asarray(np.abs(x[:, None] - np.array(levels)) < 1e-9, dtype=float)
