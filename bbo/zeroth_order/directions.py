"""Where a gradient estimator looks: directions, and the points along them to evaluate."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray


def coordinate_directions(d: int, which: Sequence[int] | None = None) -> NDArray[np.float64]:
    """Unit vectors of the axes (`b x d`), of those in `which` or of all."""
    return np.eye(d)[range(d) if which is None else list(which)]


def either_way(directions: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """The directions, or the opposite of all of them, by chance (`b x d`).

    Forward differences along axes are off by curvature always the same way; along these that cancels in an average over many steps. One
    sign for all, so that noise of the base point shifts all slopes alike: on a simplex that makes no difference.
    """
    return np.asarray(rng.choice([-1.0, 1.0]) * directions)


def gaussian_directions(n: int, d: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Independent standard normal vectors, `n x d`."""
    return rng.standard_normal((n, d))


def sphere_directions(n: int, d: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Independent vectors, uniform on the unit sphere (`n x d`): normal ones, divided by their lengths."""
    normal = rng.standard_normal((n, d))
    return np.asarray(normal / np.linalg.norm(normal, axis=1, keepdims=True), dtype=np.float64)


def forward_points(x: ArrayLike, directions: NDArray[np.float64], step: float) -> NDArray[np.float64]:
    """``x + step u`` for each direction u, `b x d`. Forward differences need the value at x too."""
    return np.asarray(x, dtype=np.float64) + _positive(step) * directions


def central_points(x: ArrayLike, directions: NDArray[np.float64], step: float) -> NDArray[np.float64]:
    """``x + step u`` and ``x - step u`` for each direction u, `b x 2 x d`: the side after the direction."""
    x, move = np.asarray(x, dtype=np.float64), _positive(step) * directions
    return np.stack([x + move, x - move], axis=1)


def _positive(step: float) -> float:
    if not 0 < step < np.inf:
        raise ValueError(f"step is {step!r}; it is a number above 0, in the units of x")
    return step
