"""Where over a space a score is largest; known constraints hold, and what has a target stands at it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bbo.optimizers.candidates import around

if TYPE_CHECKING:
    from acquisitions.maximizer import Maximum, Smooth
    from acquisitions.protocol import Acquisition
    from bbo.space import Space

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Params = dict[str, Any]

_POOL = 500  # points of the space's own sampler, where the domain has none or it cannot be trusted to find any


@dataclass(frozen=True, eq=False)
class Climber:
    """Maximizes scores of encoded points over a space.

    Args:
        space: Where.
        leaders: Points of the space worth a closer look around.
        rng: Source of all draws.
    """

    space: Space
    leaders: Sequence[Params]
    rng: np.random.Generator = field(repr=False)

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
            fixed=self._standing,
            feasible=feasible,
            smooth=smooth,
            settings=MaximizerSettings(screened=0) if len(self._pool) else None,
        )

    def points(self, X: Array) -> list[Params]:
        """Encoded points as points of the space, those that are legal after rounding."""
        found = self.space.decode(X.clip(0.0, 1.0))
        return [point for point in found if self.space.targets.items() <= point.items() and self.space.satisfies(point)]

    @cached_property
    def _pool(self) -> Array:
        domain, fixed = self.space.cube, self.space.targets
        if not (domain.opaque or (domain.constraints and domain.columns.discrete)):
            return np.empty((0, self.space.d))
        near = around(self.space, self.leaders, self.rng, fixed=fixed)
        return self.space.encode([*near, *self.space.sample(_POOL, self.rng, fixed=fixed)])

    @cached_property
    def _standing(self) -> dict[int, float]:
        space = self.space
        return {
            i: float(u)
            for name, value in space.targets.items()
            for i, u in zip(space.columns_of(name), space.parameters[name].encode([value])[0], strict=True)
        }
