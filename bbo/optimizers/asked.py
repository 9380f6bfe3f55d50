"""What is given when a point is asked for, and what makes an acquisition function of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from acquisitions.at_target import moved
from acquisitions.protocol import Acquisition
from bbo.optimizers.candidates import standing
from bbo.optimizers.fidelities import at_target
from bbo.problem import Problem
from bbo.space import Space

if TYPE_CHECKING:
    from bbo.log.ledger import Record
    from bbo.optimizers.bayes import Bayes
    from bbo.optimizers.history import History
    from bbo.optimizers.surrogate import Surrogate

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """What a proposal is made from.

    Args:
        state: What is known.
        settings: Those of the optimizer.
        surrogate: The Gaussian processes.
        feasible: Trials that were measured, feasible and in range.
        running: Points whose results are awaited, those chosen before in this batch among them.
        seed: For random numbers.
    """

    state: History
    settings: Bayes
    surrogate: Surrogate
    feasible: Sequence[Record]
    running: Sequence[Mapping[str, Any]]
    seed: int

    @property
    def problem(self) -> Problem:
        """What is optimized."""
        return self.state.problem

    @property
    def space(self) -> Space:
        """Where it is optimized."""
        return self.state.problem.space

    @property
    def waiting(self) -> Array:
        """Points whose results are awaited, encoded, `p x d`."""
        return self.space.encode(self.running)

    @property
    def measured(self) -> Array:
        """Points that were measured, at whichever fidelity, seen at the target, `n x d`: the feasible ones, or all where there are none."""
        space = self.space
        if not self.feasible:
            return moved(self.surrogate.targets[0].X, standing(space, space.targets))
        return space.encode(at_target(space, [record.params for record in self.feasible]))


Score = Callable[[Asked], tuple[Acquisition, str]]
"""Makes what is maximized for a proposal, and its name for `study.explain()`.

It is made anew for each point of a batch, unless it is `acquisitions.protocol.Growing`.
"""
