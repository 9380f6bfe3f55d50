"""Adam: steps along moving averages of gradients, each entry in units of its own root mean square.

Source: Kingma & Ba (2015), arXiv:1412.6980, algorithm 1 with their decay rates.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

_FIRST, _SECOND = 0.9, 0.999


@dataclass(frozen=True, slots=True, eq=False)
class Adam:
    """What is remembered of the gradients so far.

    Args:
        first: Moving mean of the gradients, `d`.
        second: That of their squares, `d`.
        steps: How many there were.
    """

    first: Array
    second: Array
    steps: int = 0

    @classmethod
    def at_rest(cls, d: int) -> Adam:
        """Before any gradient."""
        return cls(np.zeros(d), np.zeros(d))

    def after(self, gradient: ArrayLike) -> Adam:
        """With one more gradient (`d`)."""
        g = np.asarray(gradient, dtype=np.float64)
        return Adam(_FIRST * self.first + (1 - _FIRST) * g, _SECOND * self.second + (1 - _SECOND) * g**2, self.steps + 1)

    @property
    def moments(self) -> tuple[Array, Array]:
        """Mean and root mean square of the gradients, without the bias of a start from zero (`d` each); zero before the first one."""
        if not self.steps:
            return self.first, self.second
        return self.first / (1 - _FIRST**self.steps), np.sqrt(self.second / (1 - _SECOND**self.steps))

    @property
    def direction(self) -> Array:
        """The step for a rate of 1, to be taken against (`d`): plus and minus one after a single gradient, zero before.

        There is no epsilon, so that the scale of the function does not matter: an entry that was always zero does not move.
        """
        mean, size = self.moments
        return np.divide(mean, size, out=np.zeros_like(mean), where=size > 0)
