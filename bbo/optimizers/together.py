"""Batches that were chosen one point after another, moved together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from acquisitions.domain import Domain, UnsupportedDomain
from acquisitions.maximizer import MaximizerSettings, maximize, power
from acquisitions.protocol import Joint
from bbo.optimizers.candidates import Params, fresh, hard, legal, standing, whole
from bbo.optimizers.history import History


def together(
    state: History,
    score: Joint,
    batch: Sequence[Params],
    running: Sequence[Params],
    fixed: Mapping[str, Any],
    rng: np.random.Generator,
    settings: MaximizerSettings,
    within: Domain | None = None,
) -> list[Params] | None:
    """A batch with a larger score of all its points at once, from climbs around the given one; None where none was found.

    Of a small space, all points of which are tried one by one, and in a shape of which there are no batches, none is looked for.

    Args:
        state: What is known.
        score: What is maximized.
        batch: The points to begin with.
        running: Points that count as known beside.
        fixed: Parameters that are set.
        rng: Source of all draws.
        settings: What the search may take.
        within: The part of the encoded space that is searched; None for all of it.
    """
    space, q = state.problem.space, len(batch)
    if whole(space):
        return None
    try:
        domain = power(within or space.cube, q)
    except UnsupportedDomain:
        return None
    row, of_all = space.encode(batch).reshape(1, -1), score.of_batch(q)
    found = maximize(
        of_all,
        domain,
        rng=rng,
        seeds=row,
        pool=row,
        fixed={k * space.d + column: value for k in range(q) for column, value in standing(space, fixed).items()},
        settings=replace(settings, screened=0) if hard(space) else settings,
    )
    before = of_all.value(row)[0]
    for optimum in found.optima:
        moved = fresh(state, legal(space, optimum.reshape(q, space.d), fixed=fixed), beside=running)
        if len(moved) == q and of_all.value(space.encode(moved).reshape(1, -1))[0] > before:
            return moved
    return None
