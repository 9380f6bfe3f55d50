"""What a maximization found, and how."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Maximum:
    """The best point found.

    Args:
        x: The point, shape `d`.
        value: Its score.
        path: Which way was taken and why, in a sentence.
        evaluations: Points scored in all.
        starts: Points climbed from, `k x d`.
        optima: Where they ended, best first, `k x d`; the first is `x`. Seeds for the next maximization.
        values: Scores of the optima.
    """

    x: Array
    value: float
    path: str
    evaluations: int
    starts: Array
    optima: Array
    values: Array
