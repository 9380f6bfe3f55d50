"""Small random changes of a point, known constraints left aside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from bbo.space.parameter import Array
from bbo.space.simplex import Simplex
from surrogates.columns import Column

if TYPE_CHECKING:
    from bbo.space.space import Params, Space

_CHANGES = 2.0  # columns changed on average, beside the one that always is
_SHARE = 0.5  # of the columns changed at most on average, so that some change alone however few there are


def mutate(space: Space, params: Mapping[str, Any], rng: np.random.Generator, scale: float, fixed: Mapping[str, Any]) -> Params:
    """The point with one or a few columns changed: Gaussian steps of `scale` ranges in numbers, other levels in choices.

    Parameters that become active take random values; `fixed` ones stay, and so does what was not changed, to the last bit.
    """
    encoding = space._encoding
    old = encoding.encode([params])[0]
    inactive = [name for name in space.names if name not in params]
    new = old.copy()
    for name in inactive:
        new[encoding.slices[name]] = rng.random(encoding.slices[name].stop - encoding.slices[name].start)
    movable = np.array(
        [i for name in space.names if name not in fixed and name in params for i in _places(encoding.slices[name])], dtype=int
    )
    if len(movable) == 0:
        return dict(params)
    chosen = movable[rng.random(len(movable)) < min(_CHANGES / len(movable), _SHARE)]
    for i in np.union1d(chosen, rng.choice(movable, 1)):
        new[i] = _move(encoding.columns[int(i)], float(new[i]), scale, rng)
    for name, parameter in space.parameters.items():
        if isinstance(parameter, Simplex) and name in params and name not in fixed and rng.random() < 0.2:
            _swap(new[encoding.slices[name]], rng)
    point = encoding.decode(new[None, :])[0]
    return {name: params[name] if name in params and _same(old, new, encoding.slices[name]) else value for name, value in point.items()}


def _places(place: slice) -> range:
    return range(place.start, place.stop)


def _same(old: Array, new: Array, place: slice) -> bool:
    return bool(np.array_equal(old[place], new[place]))


def _move(column: Column, u: float, scale: float, rng: np.random.Generator) -> float:
    levels = column.levels
    if not levels:
        moved = abs(u + scale * rng.standard_normal())
        return min(max(moved if moved <= 1 else 2 - moved, 0.0), 1.0)  # reflected at the ends
    if len(levels) == 1:
        return u
    here = int(np.argmin(np.abs(np.array(levels) - u)))
    if column.kind == "categorical":
        return levels[(here + int(rng.integers(1, len(levels)))) % len(levels)]
    jump = max(1, round(abs(scale * rng.standard_normal()) * len(levels)))
    there = here + jump * int(rng.choice([-1, 1]))
    return levels[there] if 0 <= there < len(levels) else levels[min(max(2 * here - there, 0), len(levels) - 1)]


def _swap(shares: Array, rng: np.random.Generator) -> None:
    i, j = rng.choice(len(shares), 2, replace=False)
    shares[i], shares[j] = shares[j], shares[i]
