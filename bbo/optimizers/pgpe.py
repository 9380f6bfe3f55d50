"""PGPE: policy gradients with parameter-based exploration. A phase is a generation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bbo.evolution import pgpe
from bbo.optimizers.evolution import Array, EvolutionStrategy
from bbo.optimizers.settings import demand_number


@dataclass(frozen=True, slots=True)
class PGPE(EvolutionStrategy):
    """Policy gradients with parameter-based exploration and ClipUp, on boxes of floats and integers, also of very many.

    Points come in pairs at opposite sides of the mean, with one `Trial.seed`. The mean moves by steps of nearly one length, whatever
    the gradient's. A pair counts only if both of its trials have a result and were run as planned. Of bounds, integers, failures and
    ties see `EvolutionStrategy`.

    Args:
        sigma0: Standard deviation of the first generation, in ranges of the axes.
        popsize: Points in a generation; None means ``4 + floor(3 ln d)``, made even.
        start: Where to begin, by parameter, native values; None means the best point known, or the middle.
        mask: What is searched: True or False by parameter, for a `bbo.Array` also an array of these. What it does not name is held at
            its start. None: everything is searched.
        speed: The greatest length of a step of the mean, in ranges of the axes; None means ``sigma0 sqrt(d) / 15``.
        decay: What the speed is multiplied by in each generation, until it is a tenth of what it was at first.

    Raises:
        InvalidStudy: A setting is out of range.

    Source: see `bbo.evolution.pgpe`.
    """

    sigma0: float = 0.1
    speed: float | None = None
    decay: float = 0.999
    name: ClassVar[str] = "pgpe"
    version: ClassVar[int] = 1
    pairs: ClassVar[bool] = True

    def __post_init__(self) -> None:
        EvolutionStrategy.__post_init__(self)
        demand_number(self, "speed", above=0, optional=True)
        demand_number(self, "decay", above=0, most=1)

    def begin(self, mean: Array) -> pgpe.State:
        """The first distribution."""
        return pgpe.init(mean, self.sigma0, speed=self.speed)

    def update(self, distribution: pgpe.State, z: Array, losses: Array, *, least: Array, most: float) -> pgpe.State:
        """One gradient step."""
        return pgpe.step(distribution, z, losses, decay=self.decay, least=least, most=most)
