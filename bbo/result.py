"""Outcomes with what else is known of an evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Result:
    """Outcomes with what else is known of the evaluation: ``return bbo.Result(0.31, cost=12.5)``, or to be told as it is.

    Args:
        values: A number, or a dict by outcome, as `Study.tell` takes them.
        sd: Standard deviation of the measurement, alike.
        cost: What the evaluation cost; `Study.optimize` adds these up for ``max_cost``.
        attrs: Anything worth keeping, as JSON.
        gradient: Partial derivatives by parameter, ``{"x": 0.2, "y": -1.1}``; by outcome first where there are several. Those
            that are NaN or infinite count as not known.
        gradient_sd: Standard deviations of these, alike, or one for all.
    """

    values: Any
    sd: Any = None
    cost: float | None = None
    attrs: Mapping[str, Any] | None = None
    gradient: Mapping[str, Any] | None = None
    gradient_sd: Any = None
