"""One round of FZooS at one client: some steps from where the server stands, corrected by what the server knows of the other clients."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from bbo.errors import InvalidStudy
from bbo.log.states import State
from bbo.optimizers.base import Proposal, Request
from bbo.optimizers.fzoos import FZooS
from bbo.optimizers.history import History
from bbo.optimizers.phases import InPhases, Phases
from bbo.optimizers.settings import demand_integer, demand_number
from bbo.optimizers.surrogate_descent import FIRST, UNWANTED, SurrogateDescent, proposed
from bbo.problem import Problem, derive
from bbo.zeroth_order.fourier import FourierFeatures

Array = NDArray[np.float64]

_NEAREST = 500  # trials that a surrogate for the server is fitted to, as in the authors' code
_RIDGE = 1e-3  # least variance of their noise, of standardised values: there are more features than values


@dataclass(frozen=True, slots=True)
class FZooSClient(InPhases):
    """What `bbo.Federation` configures its clients with: one round of theirs. You do not make one yourself.

    `FZooS` from a given point for some steps, of gradients ``grad mu(x) + gamma (grad phi(x)' w - grad phi(x)' w_i)`` with
    ``gamma = 1 / t`` in step t: by the difference of the surrogates of all clients and of its own, from the end of the round before.
    Then it is exhausted. Around the first iterate there are ten points while few trials are done, else `active` ones. It does not judge
    progress, which is the server's part. Where the start fails, it looks around it and stays.

    Args:
        start: Where the server stands (`d`, cube).
        steps: Steps of the round.
        step, radius, active: As for `FZooS`.
        round: Number of the round.
        centre: Middle of the surrogates' coordinates (`d`, cube); empty in the first round.
        scale: Their unit, in the cube.
        server: Mean of the weights of all clients' surrogates, w; empty in the first round.
        own: Weights of this client's, w_i.

    Raises:
        InvalidStudy: A setting is out of range.

    Source: Shu, Lin, Dai & Low (2023), arXiv:2308.04077, algorithm 1; gamma as in the authors' code.
    """

    start: Sequence[float]
    steps: int = 10
    step: float = 0.01
    radius: float = 0.01
    active: int = 5
    round: int = 0
    centre: Sequence[float] = ()
    scale: float = 1.0
    server: Sequence[float] = ()
    own: Sequence[float] = ()
    name: ClassVar[str] = "fzoos_client"
    version: ClassVar[int] = 1
    uses_sd: ClassVar[bool] = True

    def __post_init__(self) -> None:
        for setting in ("start", "centre", "server", "own"):
            object.__setattr__(self, setting, tuple(getattr(self, setting)))
        FZooS(self.step, self.radius, self.active)
        demand_integer(self, "steps", least=1)
        demand_integer(self, "round", least=0)
        demand_number(self, "scale", above=0)
        if len(self.server) != len(self.own) or (len(self.server) > 0 and len(self.centre) != len(self.start)):
            raise InvalidStudy("fzoos_client: server, own and centre do not fit; let bbo.Federation make them")

    def supports(self, problem: Problem) -> str | None:
        """As `FZooS`, for a start of as many columns as the space has."""
        if problem.space.d != len(self.start):
            return f"its start has {len(self.start)} columns, and the space {problem.space.d}"
        return FZooS().supports(problem)

    def init(self, problem: Problem) -> ClientDescent:
        """No phase open yet."""
        return ClientDescent(problem, self, History(problem))

    def propose(self, state: Phases, request: Request) -> Proposal:
        """As `FZooS`, until the steps are done."""
        assert isinstance(state, ClientDescent)
        if state.over:
            return Proposal(status="exhausted", note=f"round {self.round} of the federation is over here; end_round() opens the next")
        return proposed(self, state, request)


@dataclass(slots=True)
class ClientDescent(SurrogateDescent):
    """Where a client stands in a round."""

    settings: FZooSClient  # type: ignore[assignment]

    @property
    def over(self) -> bool:
        """Whether the last step of the round has its results."""
        return self.complete and self.phase >= self.settings.steps

    def beginning(self) -> dict[str, Any]:
        """Where the server stands."""
        start, space = list(self.settings.start), self.problem.space
        (params,) = space.decode(np.array([start]))
        failed = {space.key(record.params) for state in UNWANTED for record in self.history.finished(state)}
        around = FIRST if len(self.history.finished(State.DONE)) < FIRST else max(self.settings.active, 1)
        return {"x0": start, "members": list(range(int(space.key(params) in failed), 1 + around))}

    @property
    def reached(self) -> Array:
        """Where it came to (`d`, cube): the last iterate that did not fail."""
        return self.before if self._failed and self.before is not None else self.x

    @property
    def informed(self) -> bool:
        """Whether any of its trials has a value, so that there is a surrogate."""
        return bool(self.history.finished(State.DONE))

    def correction(self) -> Array:
        """How much steeper the mean of all clients is here than this one (`d`, in the cube), as much as is believed of it."""
        settings = self.settings
        if not settings.server:
            return np.zeros(len(self.x))
        basis = shared_features(len(settings.server), len(self.x))
        difference = np.array(settings.server) - np.array(settings.own)
        slope = basis.gradient((self.x - np.array(settings.centre)) / settings.scale, difference) / settings.scale
        return slope / (self.adam.steps + 1)

    def weights(self, centre: Array, scale: float, features: int) -> list[float]:
        """Of the surrogate of its loss for the server (`M`), in units of the loss, by the trials nearest to the centre of coordinates."""
        from bbo.optimizers.fitting import one_thread
        from bbo.optimizers.targets import measured
        from bbo.optimizers.trajectory_surrogate import nearest

        records, X = nearest(self.history, centre, _NEAREST)
        target = measured(self.problem, self.problem.objectives[0].name, (X - centre) / scale, records)
        known = _RIDGE if target.variance is None else max(_RIDGE, float(target.variance.mean()))
        unit = float(target.transform.derivative(target.transform.inverse(np.zeros(1)))[0])
        with one_thread():
            weights: list[float] = (-shared_features(features, len(centre)).weights(target.X, target.y, known) / unit).tolist()
        return weights

    def _decided(self) -> dict[str, Any]:
        """The memo that opens the next phase."""
        if len(self.history.finished(State.DONE)) < 2 or (self._failed and self.before is None):
            return {"members": self._some(measured=True)}
        return SurrogateDescent._decided(self)

    def _judge(self, loss: float) -> bool:
        """Never back: what is bad for one client may be good for all."""
        return False


@lru_cache(maxsize=4)
def shared_features(count: int, d: int) -> FourierFeatures:
    """The same for all clients, whose surrogates could not be averaged otherwise; of a length scale of the root of d, as distances grow."""
    rng = np.random.Generator(np.random.Philox(key=derive("fzoos", "features", count, d, bits=128)))
    return FourierFeatures.draw(count, d, math.sqrt(d), rng)
