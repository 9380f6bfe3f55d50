"""What counts of a gain that depends on conditions: its expectation, a quantile of its bad tail, the mean of that tail, or the worst."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

RiskKind = Literal["expectation", "var", "cvar", "worst_case"]

_ROUNDING = 1e-9  # of a sum of probabilities


@dataclass(frozen=True, slots=True)
class RiskMeasure:
    """A number for a gain g (more is better) that takes q values with given probabilities.

    - ``expectation``: its mean;
    - ``var``: the value at risk, the largest v with ``P(g >= v) >= level``;
    - ``cvar``: the conditional value at risk, the mean of the worst ``1 - level`` of it; a value at the edge counts in part,
      so that it is continuous in the level (Rockafellar & Uryasev 2002, "Conditional value-at-risk for general loss distributions");
    - ``worst_case``: its least value.

    All but ``var`` are concave in g. Where level and number of equally likely values leave no part, ``var`` is BoTorch's `VaR`; BoTorch's
    `CVaR` counts the value at the edge in full.

    Args:
        kind: Which.
        level: Of ``var`` and ``cvar``, above 0 and below 1.
    """

    kind: RiskKind = "expectation"
    level: float = 0.9

    def __post_init__(self) -> None:
        if self.kind not in ("expectation", "var", "cvar", "worst_case"):
            raise ValueError(f"kind is {self.kind!r}; it is 'expectation', 'var', 'cvar' or 'worst_case'")
        if not 0 < self.level < 1:
            raise ValueError(f"level is {self.level}; it lies between 0 and 1")

    def shares(self, values: Array, weights: Array) -> Array:
        """How much each value counts, `... x q`: with these weights their sum is the measure, and they are its gradient.

        Args:
            values: `... x q`.
            weights: Probabilities, `q`.
        """
        if self.kind == "expectation":
            return np.broadcast_to(weights, values.shape)
        if self.kind == "worst_case":
            return _one(values.argmin(-1), values.shape)
        order = np.argsort(values, axis=-1, kind="stable")
        from_below = np.cumsum(weights[order], axis=-1)
        if self.kind == "var":
            edge = (from_below > 1.0 - self.level + _ROUNDING).argmax(-1)
            return _one(np.take_along_axis(order, edge[..., None], -1)[..., 0], values.shape)
        tail = 1.0 - self.level
        inside = np.clip(tail - (from_below - weights[order]), 0.0, weights[order]) / tail
        shares = np.empty(values.shape)
        np.put_along_axis(shares, order, inside, -1)
        return shares

    def of(self, values: Array, weights: Array) -> Array:
        """The measure of values (`... x q`) with probabilities (`q`), shape `...`."""
        if self.kind == "expectation":
            return np.asarray(values @ weights)
        if self.kind == "worst_case":
            return np.asarray(values.min(-1))
        return np.asarray((self.shares(values, weights) * values).sum(-1))

    def __str__(self) -> str:
        names = {"expectation": "expectation", "worst_case": "worst case"}
        return names.get(self.kind) or f"{'value' if self.kind == 'var' else 'conditional value'} at risk at level {self.level:g}"


def _one(index: NDArray[np.intp], shape: tuple[int, ...]) -> Array:
    shares = np.zeros(shape)
    np.put_along_axis(shares, index[..., None], 1.0, -1)
    return shares
