"""Random rotations of a point ``x`` (shape ``d``)."""

from __future__ import annotations

import numpy as np

from bbo.problems.functions import Array


def rotation(d: int, rng: np.random.Generator) -> Array:
    """An orthogonal matrix, uniformly distributed (Stewart, 1980)."""
    Q, R = np.linalg.qr(rng.standard_normal((d, d)))
    return np.asarray(Q * np.sign(np.diag(R)), dtype=float)
