"""Sep-CMA: CMA-ES with a diagonal covariance matrix. A phase is a generation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bbo.evolution import sep_cma
from bbo.optimizers.evolution import Array, EvolutionStrategy


@dataclass(frozen=True, slots=True)
class SepCMA(EvolutionStrategy):
    """Separable CMA-ES on boxes of floats and integers: linear in the number of parameters, and blind to how they depend on each other.

    It learns variances ``(d + 2)/3`` times as fast as CMA-ES learns its matrix, and is not restarted. Of bounds, integers, failures
    and ties see `EvolutionStrategy`.

    Args:
        sigma0: Standard deviation of the first generation, in ranges of the axes.
        popsize: Points in a generation; None means ``4 + floor(3 ln d)``.
        start: Where to begin, by parameter, native values; None means the best point known, or the middle.
        mask: What is searched: True or False by parameter, for a `bbo.Array` also an array of these. What it does not name is held at
            its start. None: everything is searched.

    Raises:
        InvalidStudy: A setting is out of range.

    Source: see `bbo.evolution.sep_cma`.
    """

    name: ClassVar[str] = "sep_cma"
    version: ClassVar[int] = 1

    def begin(self, mean: Array) -> sep_cma.State:
        """The first distribution."""
        return sep_cma.init(mean, self.sigma0)

    def update(self, distribution: sep_cma.State, z: Array, losses: Array, *, least: Array, most: float) -> sep_cma.State:
        """One step of mean, step size and variances."""
        return sep_cma.step(distribution, z, losses, least=least, most=most)
