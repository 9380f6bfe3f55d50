"""OpenAI-ES: gradients of the smoothed function by pairs, followed by Adam. A phase is a generation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bbo.evolution import openai_es
from bbo.optimizers.evolution import Array, EvolutionStrategy
from bbo.optimizers.settings import demand_number


@dataclass(frozen=True, slots=True)
class OpenAIES(EvolutionStrategy):
    """The evolution strategy of OpenAI on boxes of floats and integers, also of very many.

    Points come in pairs at opposite sides of the mean, with one `Trial.seed`; centred ranks give a gradient, and Adam follows it. No
    result changes the standard deviations. A pair counts only if both of its trials have a result and were run as planned. Of bounds,
    integers, failures and ties see `EvolutionStrategy`.

    Args:
        sigma0: Standard deviation of the first generation, in ranges of the axes.
        popsize: Points in a generation; None means ``4 + floor(3 ln d)``, made even.
        start: Where to begin, by parameter, native values; None means the best point known, or the middle.
        mask: What is searched: True or False by parameter, for a `bbo.Array` also an array of these. What it does not name is held at
            its start. None: everything is searched.
        rate: About how far an entry of the mean moves in a generation, in ranges of the axes.
        decay: What `rate` and standard deviations are multiplied by in each generation, until they are a tenth of what they were at first.

    Raises:
        InvalidStudy: A setting is out of range.

    Source: see `bbo.evolution.openai_es`; defaults from https://github.com/RobertTLange/es-lottery.
    """

    sigma0: float = 0.05
    rate: float = 0.01
    decay: float = 0.999
    name: ClassVar[str] = "openai_es"
    version: ClassVar[int] = 1
    pairs: ClassVar[bool] = True

    def __post_init__(self) -> None:
        EvolutionStrategy.__post_init__(self)
        demand_number(self, "rate", above=0, most=1)
        demand_number(self, "decay", above=0, most=1)

    def begin(self, mean: Array) -> openai_es.State:
        """The first distribution."""
        return openai_es.init(mean, self.sigma0, rate=self.rate)

    def update(self, distribution: openai_es.State, z: Array, losses: Array, *, least: Array, most: float) -> openai_es.State:
        """One gradient step."""
        return openai_es.step(distribution, z, losses, decay=self.decay, least=least)
