"""What methods that think in phases share: when a phase is complete, and where its points were run."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from bbo.log.ledger import Record
from bbo.log.states import State
from bbo.space import Space

_WAITED_FOR = frozenset({State.QUEUED, State.PENDING})


def awaited(records: Iterable[Record]) -> bool:
    """Whether a result of any of these trials may still come."""
    return any(record.state in _WAITED_FOR for record in records)


def executed(space: Space, latent: NDArray[np.float64], record: Record) -> NDArray[np.float64]:
    """The latent point (`d`, unit cube) of a ticket, in the columns where what was run differs from the plan moved to what was run."""
    if record.params == record.planned:
        return latent
    planned, run = space.encode([record.planned, record.params])
    moved = planned != run
    latent = latent.copy()
    latent[moved] = run[moved].clip(0, 1)
    return latent
