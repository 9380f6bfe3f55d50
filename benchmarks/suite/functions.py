"""Functions of a point ``x`` (shape ``d``) with known least values: those of `bbo.problems`, and what moves them about."""

from __future__ import annotations

import numpy as np

from bbo.problems.functions import (
    STYBLINSKI_TANG_ROOT,
    Array,
    Function,
    ackley,
    branin,
    goldstein_price,
    hartmann6,
    levy,
    rastrigin,
    rosenbrock,
    styblinski_tang,
)

__all__ = [
    "STYBLINSKI_TANG_ROOT",
    "Array",
    "Function",
    "ackley",
    "branin",
    "goldstein_price",
    "hartmann6",
    "levy",
    "rastrigin",
    "rosenbrock",
    "rotation",
    "styblinski_tang",
]


def rotation(d: int, rng: np.random.Generator) -> Array:
    """An orthogonal matrix, uniformly distributed (Stewart, 1980)."""
    Q, R = np.linalg.qr(rng.standard_normal((d, d)))
    return np.asarray(Q * np.sign(np.diag(R)), dtype=float)
