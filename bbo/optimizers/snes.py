"""SNES: separable natural evolution strategy. A phase is a generation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bbo.evolution import snes
from bbo.optimizers.evolution import Array, EvolutionStrategy


@dataclass(frozen=True, slots=True)
class SNES(EvolutionStrategy):
    """Separable natural evolution strategy on boxes of floats and integers, also of very many.

    The mean and the standard deviation of each axis follow the natural gradient of the expected utility. Of bounds, integers,
    failures and ties see `EvolutionStrategy`.

    Args:
        sigma0: Standard deviation of the first generation, in ranges of the axes.
        popsize: Points in a generation; None means ``4 + floor(3 ln d)``.
        start: Where to begin, by parameter, native values; None means the best point known, or the middle.
        mask: What is searched: True or False by parameter, for a `bbo.Array` also an array of these. What it does not name is held at
            its start. None: everything is searched.

    Raises:
        InvalidStudy: A setting is out of range.

    Source: see `bbo.evolution.snes`.
    """

    name: ClassVar[str] = "snes"
    version: ClassVar[int] = 1

    def begin(self, mean: Array) -> snes.State:
        """The first distribution."""
        return snes.init(mean, self.sigma0)

    def update(self, distribution: snes.State, z: Array, losses: Array, *, least: Array, most: float) -> snes.State:
        """One natural gradient step."""
        return snes.step(distribution, z, losses, least=least, most=most)
