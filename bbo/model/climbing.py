"""Where over a space a score is largest; known constraints hold, and what has a target stands at it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bbo.optimizers.candidates import SAMPLED, Params, around, hard, legal, standing

if TYPE_CHECKING:
    from acquisitions.maximizer import Maximum, Smooth
    from acquisitions.protocol import Acquisition
    from bbo.space import Space

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Climber:
    """Maximizes scores of encoded points over a space.

    Args:
        space: Where.
        leaders: Points of the space worth a closer look around.
        rng: Source of all draws.
        fixed: Parameters that are set, beside those that have a target.
    """

    space: Space
    leaders: Sequence[Params]
    rng: np.random.Generator = field(repr=False)
    fixed: Mapping[str, Any] = field(default_factory=dict)

    def __call__(
        self,
        score: Acquisition,
        *,
        seeds: Array | None = None,
        feasible: Callable[[Array], Mask] | None = None,
        smooth: Smooth | None = None,
    ) -> Maximum:
        """The best that `acquisitions.maximize` finds.

        Args:
            score: What to maximize.
            seeds: Encoded points to look around, `k x d`; the leaders by default.
            feasible, smooth: Further constraints.

        Raises:
            ArithmeticError: No point screened keeps the further constraints, or none has a finite score.
        """
        from acquisitions.maximizer import MaximizerSettings, maximize

        return maximize(
            score,
            self.space.cube,
            rng=self.rng,
            seeds=self.space.encode(self.leaders) if seeds is None else seeds,
            pool=self._pool,
            fixed=standing(self.space, self._set),
            feasible=feasible,
            smooth=smooth,
            settings=MaximizerSettings(screened=0) if len(self._pool) else None,
        )

    def points(self, X: Array) -> list[Params]:
        """Encoded points as points of the space, those that are legal after rounding."""
        return legal(self.space, X, fixed=self._set)

    @property
    def _set(self) -> dict[str, Any]:
        return {**self.space.targets, **self.fixed}

    @cached_property
    def _pool(self) -> Array:
        space, fixed = self.space, self._set
        if not hard(space):
            return np.empty((0, space.d))
        near = around(space, self.leaders, self.rng, fixed=fixed)
        return space.encode([*near, *space.sample(SAMPLED, self.rng, fixed=fixed)])
