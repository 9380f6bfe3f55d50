"""FZooS for one client, which is ZoRD: descent along the gradient of a Gaussian process of the trajectory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bbo.optimizers.base import Proposal, Request
from bbo.optimizers.history import History
from bbo.optimizers.phases import InPhases, Phases, one_objective_on_floats
from bbo.optimizers.settings import demand_integer, demand_number
from bbo.optimizers.surrogate_descent import SurrogateDescent, proposed
from bbo.problem import Problem


@dataclass(frozen=True, slots=True)
class FZooS(InPhases):
    """Descent along the gradient of a Gaussian process of all trials so far (FZooS in local mode), on boxes of floats, log axes included.

    A gradient costs no trial of its own: the process is fitted to the 150 trials nearest to the iterate, and the mean of its
    gradient there, in closed form, is what Adam follows. Each phase asks for the next iterate and for `active` points within `radius`
    of it along each axis, those of a hundred random ones where the process is least sure of the gradient (the trace of its
    covariance). Around the first iterate there are ten. After ten steps without progress it goes back to the best iterate, with half
    the rate; progress is judged by the process, which sees through noise. All is in the cube of `Space.encode`. It is a local
    method: of many minima it finds one near to where it starts.

    It starts at the best point known, and learns from trials of any origin. Where standard deviations were told with all values, they
    are the noise; else it is inferred. Trials without a value are left out. After an iterate that failed or was pruned it goes
    halfway back, and where that was the first one it begins anew at the best point known, or a random one. Where the fit fails it asks
    for more points around the same iterate.

    With one client FZooS is ZoRD, whose further "virtual" steps along one process are left out: a step is one phase. For several
    clients see `bbo.Federation`.

    Args:
        step: Adam's rate: about how far a step goes along each axis, in ranges of the axes.
        radius: How far active points lie from the iterate along each axis, in ranges of the axes. Take a larger one under noise.
        active: Active points in a phase; 0 for the trajectory alone.

    Raises:
        InvalidStudy: A setting is out of range.

    Source: Shu, Lin, Dai & Low (2023), arXiv:2308.04077, settings as in the authors' code; Shu, Dai, Sng, Verma, Jaillet & Low (ICLR 2023)
    for one client. The coordinates of the process (`bbo.optimizers.trajectory_surrogate`) and the rule of the rate are ours.
    """

    step: float = 0.01
    radius: float = 0.01
    active: int = 5
    name: ClassVar[str] = "fzoos"
    version: ClassVar[int] = 1
    uses_sd: ClassVar[bool] = True

    def __post_init__(self) -> None:
        for setting in ("step", "radius"):
            demand_number(self, setting, least=1e-6, most=1, unit="ranges of the axes")
        demand_integer(self, "active", least=0, most=100)

    def supports(self, problem: Problem) -> str | None:
        """None for one measured objective without outcome constraints over a box of floats or arrays, else the reason."""
        return one_objective_on_floats(problem, since="it follows gradients")

    def init(self, problem: Problem) -> SurrogateDescent:
        """No phase open yet."""
        return SurrogateDescent(problem, self, History(problem))

    def propose(self, state: Phases, request: Request) -> Proposal:
        """The next tickets of the open phase; where that is complete those of the next, with what the process said in the memo."""
        assert isinstance(state, SurrogateDescent)
        return proposed(self, state, request)
