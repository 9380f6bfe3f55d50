"""What a design may meet in service: finitely many conditions with their probabilities, beside the design's own values.

A condition sets the columns that nobody controls (an environment), and moves those that are set inexactly. Integrals over conditions
become weighted sums; which conditions stand for a distribution is the caller's choice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from acquisitions.gaussian import Array


@dataclass(frozen=True, slots=True, eq=False)
class Shift:
    """How far one column is off what was set, in each of q conditions, and held inside its range.

    Args:
        offsets: `q`; in units of the column, or with `span` in units of the value at which the column is 0.
        low: Lower end of the range, in the same units.
        high: Upper end.
        span: Of a logarithmic column, whose value at u is ``exp(span u)`` in units of that at 0; None for a linear one.
    """

    offsets: Array
    low: float = 0.0
    high: float = 1.0
    span: float | None = None

    def moved(self, u: Array) -> tuple[Array, Array]:
        """Where entries (`m`) end up in each condition, `m x q`, and the derivatives of that."""
        value = u if self.span is None else np.exp(self.span * u)
        off = value[:, None] + self.offsets
        at = np.clip(off, self.low, self.high)
        inside = off == at
        if self.span is None:
            return at, inside.astype(float)
        return np.log(at) / self.span, np.where(inside, value[:, None] / at, 0.0)


@dataclass(frozen=True, slots=True, eq=False)
class Scenarios:
    """q conditions.

    Args:
        weights: Their probabilities, `q`, adding up to one.
        placed: Values by index of the columns that a condition sets, `q` each, in the unit cube.
        moved: Shifts by index of the columns that are set inexactly.

    Raises:
        ValueError: Probabilities that are none, or another number of values than of probabilities.
    """

    weights: Array
    placed: Mapping[int, Array] = field(default_factory=dict)
    moved: Mapping[int, Shift] = field(default_factory=dict)

    def __post_init__(self) -> None:
        q = len(self.weights)
        if not q or np.any(self.weights <= 0) or abs(float(np.sum(self.weights)) - 1.0) > 1e-9:
            raise ValueError("Scenarios: weights must be positive and add up to one")
        for column, values in (*self.placed.items(), *((c, s.offsets) for c, s in self.moved.items())):
            if np.shape(values) != (q,):
                raise ValueError(f"Scenarios: column {column} has values of shape {np.shape(values)} for {q} weights")

    def __len__(self) -> int:
        return len(self.weights)

    def expand(self, X: Array) -> Array:
        """Each row of X (`m x d`) under each condition, `(m q) x d`, the conditions of the first row first."""
        m, d = X.shape
        Z = np.repeat(X, len(self), axis=0).reshape(m, len(self), d)
        for column, values in self.placed.items():
            Z[:, :, column] = values
        for column, shift in self.moved.items():
            Z[:, :, column] = shift.moved(X[:, column])[0]
        return Z.reshape(-1, d)

    def pull(self, X: Array, gradient: Array) -> Array:
        """Gradients in the expanded rows (`(m q) x d`) as gradients in the rows of X, `m x d`."""
        m, d = X.shape
        G = gradient.reshape(m, len(self), d)
        total: Array = G.sum(1)
        for column in self.placed:
            total[:, column] = 0.0
        for column, shift in self.moved.items():
            total[:, column] = (G[:, :, column] * shift.moved(X[:, column])[1]).sum(1)
        return total

    def by_row(self, values: Array) -> Array:
        """Values of the expanded rows (`m q`) as `m x q`."""
        return values.reshape(-1, len(self))
