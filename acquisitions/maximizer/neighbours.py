"""Discrete neighbourhoods: each point with one stepped column, or one part of a stepped mixture, moved."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from acquisitions.domain import Simplex
from acquisitions.maximizer.region import Region, stepped

Array = NDArray[np.float64]
Rows = NDArray[np.int_]

_CATEGORIES = 20  # other categories tried of a column, at most
_DRAWS = 3  # of the entries that a move wakes up
_EXCHANGES = 60  # of shares of a mixture tried for a point, at most


def neighbours(region: Region, X: Array, rng: np.random.Generator) -> tuple[Array, Rows]:
    """Allowed neighbours of each row of X, and the number of that row.

    Ordered columns move by 1, 2, 4, ... levels up and down, unordered ones to other categories; where entries wake up by that,
    several draws of them are tried. Mixtures on a grid exchange a step between two shares; in other restricted
    ones all or half of a share moves to another component.

    Args:
        region: Where.
        X: Points that are allowed, `b x d`.
        rng: Source of the draws.
    """
    columns, found, owners = region.domain.columns, [], []
    active = columns.active(X)
    for i in columns.discrete:
        if i in region.fixed:
            continue
        levels = np.asarray(columns[i].levels)
        here = np.abs(levels - X[:, i][:, None]).argmin(axis=1)
        wakes = any(column.parent is not None and i in column.parent.columns for column in columns)
        for step in _steps(len(levels), ordered=columns[i].kind != "categorical", rng=rng):
            there = here + step if columns[i].kind != "categorical" else (here + step) % len(levels)
            rows = np.flatnonzero((there >= 0) & (there < len(levels)) & active[:, i])
            rows = np.repeat(rows, _DRAWS if wakes else 1)
            moved = X[rows]
            moved[:, i] = levels[there[rows]]
            found.append(region.in_order(moved, X[rows], rng))
            owners.append(rows)
    for shape in region.domain.shapes:
        if isinstance(shape, Simplex) and stepped(shape) and not set(shape.columns) & set(region.fixed):
            for row in np.flatnonzero(active[:, shape.columns[0]]):
                shares = _exchanges(shape, X[row, shape.columns], rng)
                moved = np.repeat(X[row][None], len(shares), axis=0)
                moved[:, shape.columns] = shares
                found.append(moved)
                owners.append(np.full(len(shares), row))
    if not found:
        return np.empty((0, X.shape[1])), np.empty(0, dtype=int)
    near, owner = np.vstack(found), np.concatenate(owners)
    kept = region.allowed(near)
    return near[kept], owner[kept]


def _steps(count: int, *, ordered: bool, rng: np.random.Generator) -> list[int]:
    if not ordered:
        others = np.arange(1, count)
        return (others if count - 1 <= _CATEGORIES else rng.choice(others, _CATEGORIES, replace=False)).tolist()
    sizes = [2**k for k in range(max(count - 1, 1).bit_length())]
    return [sign * size for size in sizes for sign in (1, -1) if size < count]


def _exchanges(shape: Simplex, share: Array, rng: np.random.Generator) -> Array:
    """Shares (`m x k`) in which part of one share has moved to another; not all of them keep the restrictions of the mixture."""
    step = shape.step
    pairs = [
        (i, j, part)
        for i in np.flatnonzero(share > 0)
        for j in range(shape.k)
        if i != j
        for part in ((0.5, 1.0) if step is None else (0.0,))
    ]
    if len(pairs) > _EXCHANGES:
        pairs = [pairs[k] for k in rng.choice(len(pairs), _EXCHANGES, replace=False)]
    moved = np.repeat(share[None], len(pairs), axis=0)
    for row, (i, j, part) in zip(moved, pairs, strict=True):
        if step is None:
            row[j] += part * row[i]
            row[i] -= part * row[i]
        else:
            units, others = round(row[i] / step), round(row[j] / step)
            amount = units if units <= shape.least_units else 1 if others >= shape.least_units else shape.least_units
            row[i], row[j] = shape.level(units - amount), shape.level(others + amount)
    return moved
