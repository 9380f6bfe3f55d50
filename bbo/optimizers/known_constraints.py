"""How CMA-ES keeps known constraints: by drawing again.

What breaks a constraint is drawn anew, so that the distribution is cut off where the constraints end; a draw that goes on failing is
moved towards a point that keeps them. That needs a distribution that can turn along a constraint: with independent entries, as in
Sep-CMA and SNES, it shrinks before an oblique one long before the minimum.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from bbo.space import Space

Array = NDArray[np.float64]

_REDRAWS = 100
_NEAREST = 1e-6  # share of the way from the point that keeps them at which nothing is tried any more
_TRIES = 4096


def hardly_any(space: Space) -> str | None:
    """The reason why drawing again will not do, where known constraints leave hardly any of the box; else None."""
    if space.constraints and space.acceptance == 0:
        return f"it draws again what breaks known constraints, and of random points hardly any keeps {str(space.constraints[0])!r}"
    return None


def keeping(space: Space, X: Array) -> NDArray[np.bool_]:
    """Which rows (`n x d`, cube) stand for points that keep the known constraints."""
    return np.array([space.satisfies(params) for params in space.decode(X)], dtype=bool)


def begin_within(x0: Array, keeps: Callable[[Array], NDArray[np.bool_]], rng: np.random.Generator) -> Array | None:
    """The point (`d`) if it keeps the constraints, else the first of uniform draws from the cube that does; None where none does."""
    if keeps(x0[None, :])[0]:
        return x0
    drawn = rng.uniform(size=(_TRIES, len(x0)))
    found = keeps(drawn)
    return np.asarray(drawn[found.argmax()]) if found.any() else None


def redrawn(points: Array, draw: Callable[[int], Array], keeps: Callable[[Array], NDArray[np.bool_]], anchor: Array) -> Array:
    """Draws of which all keep the constraints, `n x d`.

    Args:
        points: Draws, `n x d`.
        draw: Makes n new ones.
        keeps: Which rows keep the constraints.
        anchor: A row that does, `d`: where a draw that goes on failing is moved to, by halves of the way.
    """
    points = points.copy()
    broken = ~keeps(points)
    for _ in range(_REDRAWS):
        which = np.flatnonzero(broken)
        if not len(which):
            break
        points[which] = draw(len(which))
        broken[which] = ~keeps(points[which])
    for i in np.flatnonzero(broken):
        share = 0.5
        while share > _NEAREST and not keeps((anchor + share * (points[i] - anchor))[None, :])[0]:
            share /= 2
        points[i] = anchor + share * (points[i] - anchor) if share > _NEAREST else anchor
    return points
