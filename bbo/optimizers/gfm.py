"""GFM and GFM+: gradient-free methods for functions that are neither smooth nor convex."""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from bbo.optimizers.descent import Descent
from bbo.optimizers.phases import InPhases, one_objective_on_floats
from bbo.optimizers.settings import demand_integer, demand_number
from bbo.problem import Problem


@dataclass(frozen=True, slots=True)
class _GradientFree(InPhases):
    """The settings that both have, and what both can run on."""

    delta: float = 0.02
    step: float = 0.1
    batch: int | None = None
    version: ClassVar[int]

    def __post_init__(self) -> None:
        demand_number(self, "delta", least=1e-6, most=0.25, unit="ranges of the axes")
        demand_number(self, "step", least=1e-6, most=1, unit="ranges of the axes")
        demand_integer(self, "batch", least=1, optional=True)

    def supports(self, problem: Problem) -> str | None:
        """None for one measured objective without outcome constraints over a box of floats or arrays, else the reason."""
        return one_objective_on_floats(problem, since="it takes differences over small distances")

    @abstractmethod
    def init(self, problem: Problem) -> Descent:
        """No phase open yet."""

    def pairs(self, problem: Problem) -> int:
        """Pairs of points in a phase that is no anchor."""
        return self.batch or max(4, math.ceil(problem.space.d / 4))


@dataclass(frozen=True, slots=True)
class GFM(_GradientFree):
    """Descent along gradients of the function averaged over a small ball (GFM), on boxes of floats, log axes included.

    Each phase estimates the gradient by `batch` pairs of points at ``x + delta u`` and ``x - delta u``, with u uniform on the unit
    sphere, and steps against it. All is in the cube of `Space.encode`. The first step has the length `step`, so that units of the
    objective do not matter; what the estimate is multiplied by then stays, and is halved after ten phases without progress, down to
    a hundredth. Iterates keep the distance `delta` from the bounds, so that every pair lies inside. Both trials of a pair have the
    same `Trial.seed`: a random objective that draws from it is estimated with far less variance.

    It starts at the best point known, and ignores trials of other origin after that. Pairs of which a trial failed, was pruned,
    abandoned or lost, or was run elsewhere than planned, are left out of the estimate; a phase without any whole pair is drawn anew.

    Args:
        delta: Radius of the ball, in ranges of the axes.
        step: Length of the first step, in ranges of the axes.
        batch: Pairs in a phase; None means a quarter of the number of parameters, and at least 4.

    Raises:
        InvalidStudy: A setting is out of range.

    Source: Lin, Zheng & Jordan (NeurIPS 2022), arXiv:2209.05045; the choice of step sizes is ours.
    """

    name: ClassVar[str] = "gfm"
    version: ClassVar[int] = 1

    def init(self, problem: Problem) -> Descent:
        """No phase open yet."""
        batch = self.pairs(problem)
        return Descent(problem, delta=self.delta, step=self.step, batch=batch, anchor_batch=batch, every=1)


@dataclass(frozen=True, slots=True)
class GFMPlus(_GradientFree):
    """GFM with estimates that are corrected from step to step (GFM+).

    Every `every` steps the gradient is estimated by ``every * batch`` pairs. At the steps between, it is corrected by the difference of
    the estimates at this iterate and the one before it, both by the same `batch` directions and random numbers: four trials each, with
    one `Trial.seed`. Where corrections have made it more than five times as long it is estimated anew, since they only hold while
    steps are short beside `delta`. A correction needs all four trials of a direction. All else is as in `GFM`.

    The code the authors published overwrites the iterate before with the new one, so that its corrections are zero and it steps
    `every` times along one estimate; this one corrects, and its runs are therefore not theirs.

    Args:
        delta: Radius of the ball, in ranges of the axes.
        step: Length of the first step, in ranges of the axes; that of `delta`, not the longer one of `GFM`.
        batch: Directions in a phase that corrects; None means a quarter of the number of parameters, and at least 4.
        every: Steps from one full estimate to the next.

    Raises:
        InvalidStudy: A setting is out of range.

    Source: Chen, Xu & Luo (ICML 2023), arXiv:2301.06428; the choice of step sizes is ours.
    """

    step: float = 0.02
    every: int = 10
    name: ClassVar[str] = "gfm_plus"
    version: ClassVar[int] = 1

    def __post_init__(self) -> None:
        _GradientFree.__post_init__(self)
        demand_integer(self, "every", least=1)

    def init(self, problem: Problem) -> Descent:
        """No phase open yet."""
        batch = self.pairs(problem)
        return Descent(problem, delta=self.delta, step=self.step, batch=batch, anchor_batch=self.every * batch, every=self.every)
