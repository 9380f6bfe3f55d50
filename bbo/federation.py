"""A federation: clients that minimize the mean of their objectives together, and tell each other no data.

Every client is a study of its own, with its own storage. In a round each of them steps by itself from where the server stands; at the end
of the round the server has of each client the point it came to and the weights of a surrogate of its objective, and tells all of them
the means. What it tells stands in the logs of the clients (`configured`), so that a federation has no state but these.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bbo.errors import InvalidStudy, NoBest, Waiting
from bbo.log.states import State
from bbo.optimizers.fzoos_client import ClientDescent, FZooSClient
from bbo.optimizers.settings import demand_integer
from bbo.zeroth_order.fourier import mean_of

if TYPE_CHECKING:
    from bbo.execution import ObjectiveFunction
    from bbo.study import Study

Array = NDArray[np.float64]

_PATIENCE = 3  # rounds without progress, after which the server goes back to its best point, with half the step


@dataclass(frozen=True, slots=True)
class _Round:
    """Where the server stood in a round, and how good that was.

    Args:
        start: The point (`d`, cube).
        loss: Mean over the clients of their losses there; NaN while some have none.
        step: Adam's rate in that round.
    """

    start: Sequence[float]
    loss: float
    step: float


class Federation:
    """Clients that minimize the mean of their objectives together, by FZooS.

    The clients are ordinary studies on equal spaces: ask and tell them as ever, wherever they are. A client whose steps are done
    raises `Exhausted`; when all are, `end_round` averages what they came to and opens the next round. `optimize` does all that.
    Beginning or ending a round configures the studies. A study that a federation has begun with is opened by `load_study`, or by
    `Study` without `optimizer`; a federation of such studies goes on where their logs end, also where it was cut off amid `end_round`.

    In a round each client takes `steps` steps from the server's point, as `FZooS` does, by gradients that are corrected by the
    difference between the surrogates of all clients and its own. Their surrogates are random Fourier features fitted to the 500
    nearest trials in coordinates of a round's reach. A client of which no trial has a value has no say. After three rounds in which
    the server's point was no better than its best one before it goes back to that with half the step. What is sent is a point and
    `features` numbers for each client: these say a lot about its objective near there, so that this is not private.

    Args:
        clients: Studies by name, each with one objective to be minimized (or each to be maximized), without outcome constraints.
        start: Where to begin, native values; None for the middle.
        steps: Steps in a round.
        step, radius, active: As for `FZooS`.
        features: Numbers of a surrogate.

    Raises:
        InvalidStudy: There is no client, spaces or directions differ, a setting is out of range, or the logs are of rounds that do not fit.
        Unsupported: A study's problem is none for `FZooS`.
        OutOfRange: The start is not in the space.

    Source: Shu, Lin, Dai & Low (2023), arXiv:2308.04077. The coordinates of the surrogates and the rule of the step are ours.
    """

    def __init__(
        self,
        clients: Mapping[str, Study],
        *,
        start: Mapping[str, Any] | None = None,
        steps: int = 10,
        step: float = 0.01,
        radius: float = 0.01,
        active: int = 5,
        features: int = 1000,
    ) -> None:
        self.clients = dict(clients)
        self.name, self.features = "federation", features
        demand_integer(self, "features", least=1)
        if not self.clients:
            raise InvalidStudy("federation: there is no client; give studies by name")
        first, *others = self.clients.values()
        for study in others:
            if study.space != first.space or [o.direction for o in study.objectives] != [o.direction for o in first.objectives]:
                raise InvalidStudy(
                    f"federation: {study.name!r} and {first.name!r} differ in their spaces or directions; all are to be alike"
                )
        if len({id(study) for study in self.clients.values()}) < len(self.clients):
            raise InvalidStudy("federation: a study is given twice; every client has its own")
        x0 = np.full(first.space.d, 0.5) if start is None else first.space.encode([first.space.validate(start, what="start")])[0]
        self._begin = FZooSClient(x0.tolist(), steps=steps, step=step, radius=radius, active=active)
        self._align()

    def __repr__(self) -> str:
        return f"Federation({', '.join(self.clients)}; round {self.round})"

    # -- where it stands -----------------------------------------------------------------------------------------------------------

    @property
    def round(self) -> int:
        """Number of the open round, from 0."""
        return self._one.round

    @property
    def params(self) -> dict[str, Any]:
        """Where the server stands, native values."""
        return self._decoded(self._one.start)

    @property
    def done(self) -> bool:
        """Whether all clients are done with the round."""
        return not self._unfinished()

    @property
    def values(self) -> list[float]:
        """Mean over the clients of their objectives where the server stood, by round, native sign; NaN where one has none (yet)."""
        sign = next(iter(self.clients.values())).objectives[0].sign
        return [sign * entry.loss for entry in self._rounds()]

    @property
    def best_value(self) -> float:
        """The best of `values`.

        Raises:
            NoBest: There is none yet.
        """
        return self.values[self._best()]

    @property
    def best_params(self) -> dict[str, Any]:
        """Where the server stood when it was best, native values.

        Raises:
            NoBest: There is none yet.
        """
        return self._decoded(self._rounds()[self._best()].start)

    # -- rounds --------------------------------------------------------------------------------------------------------------------

    def optimize(self, objectives: Mapping[str, ObjectiveFunction], rounds: int, **how: Any) -> None:
        """Run rounds, one client after the other.

        Args:
            objectives: The function of each client, by its name, as `Study.optimize` takes it.
            rounds: How many rounds are ended; an open one counts.
            **how: What else `Study.optimize` takes, such as `workers` or `catch`, but for its limits.

        Raises:
            InvalidStudy: Names of the objectives are not those of the clients.
            Waiting: A client has stopped before the end of a round, or waits for trials that were asked for by hand.
        """
        if set(objectives) != set(self.clients):
            raise InvalidStudy(f"optimize: objectives are of {', '.join(map(str, objectives))}; the clients are {', '.join(self.clients)}")
        for _ in range(rounds):
            for name in self._unfinished():
                settings = self._one
                most = (settings.steps + 1) * (1 + max(settings.active, 10))
                self.clients[name].optimize(objectives[name], n_trials=most, **how)
            self.end_round()

    def end_round(self) -> None:
        """Average what the clients came to, and open the next round.

        Raises:
            Waiting: Some clients are not done with the round.
        """
        if unfinished := self._unfinished():
            raise Waiting(f"round {self.round} is open at {', '.join(unfinished)}; ask and tell there until ask raises Exhausted")
        states, settings = {name: _state_of(study) for name, study in self.clients.items()}, self._one
        informed = {name: state for name, state in states.items() if state.informed}  # who has no value at all has no say
        start, step = self._next([state.reached for state in (informed or states).values()])
        scale = max(settings.radius, settings.step * settings.steps)
        own = {name: state.weights(start, scale, self.features) for name, state in informed.items()}
        server = mean_of(list(own.values())).tolist() if own else []
        x = tuple(start.tolist())
        following = replace(settings, start=x, step=step, round=settings.round + 1, centre=x, scale=scale, server=server, own=server)
        for name, study in self.clients.items():
            study.configure(optimizer=replace(following, own=own.get(name, server)))

    def _next(self, reached: list[Array]) -> tuple[Array, float]:
        """Where the server stands next, and the step: the mean of where the clients are, or its best point with half the step."""
        best, stalled, step = _Round((), math.inf, math.inf), 0, math.inf
        for entry in self._rounds():
            stalled = 0 if entry.step < step else stalled + 1
            if entry.loss < best.loss:
                best, stalled = entry, 0
            step = entry.step
        if stalled >= _PATIENCE and best.start:
            return np.array(best.start), step / 2
        return mean_of(reached), step

    # -- what the logs say ---------------------------------------------------------------------------------------------------------

    def _align(self) -> None:
        """Begin the first round; or bring clients to the open one that a server which was cut off has not told of it."""
        begun = {name: told[max(told)][1] for name, study in self.clients.items() if (told := _told(study))}
        latest = max(begun.values(), key=lambda settings: settings.round, default=self._begin)
        for name, study in self.clients.items():
            behind = latest.round - (begun[name].round if name in begun else -1)
            if not behind:
                continue
            if behind > 1 or (name in begun and not _state_of(study).over):
                raise InvalidStudy(f"federation: {name!r} is not done with the round before round {latest.round}, which others are in")
            own = latest.server
            if own and name in begun and (state := _state_of(study)).informed:
                own = state.weights(np.array(latest.centre), latest.scale, len(own))
            study.configure(optimizer=replace(latest, own=own))

    @property
    def _one(self) -> FZooSClient:
        """The settings of the open round, of any client."""
        told = _told(next(iter(self.clients.values())))
        return told[max(told)][1]

    def _unfinished(self) -> list[str]:
        return [name for name, study in self.clients.items() if not _state_of(study).over]

    def _rounds(self) -> list[_Round]:
        """All rounds, in order."""
        told = [_told(study) for study in self.clients.values()]
        losses = [_first_losses(study) for study in self.clients.values()]
        found = []
        for number in sorted(told[0]):
            settings = told[0][number][1]
            there = [loss.get(entry[number][0], math.nan) for entry, loss in zip(told, losses, strict=True)]
            found.append(_Round(settings.start, float(np.mean(there)), settings.step))
        return found

    def _best(self) -> int:
        losses = [entry.loss for entry in self._rounds()]
        if all(math.isnan(loss) for loss in losses):
            raise NoBest("federation: there is no round yet in which all clients have a value where the server stood")
        return int(np.nanargmin(losses))

    def _decoded(self, start: Sequence[float]) -> dict[str, Any]:
        space = next(iter(self.clients.values())).space
        return dict(space.decode(np.array([start]))[0])


def _told(study: Study) -> dict[int, tuple[int, FZooSClient]]:
    """By round, the number of the configuration and the settings that a client was given."""
    with study._synced() as replica:
        configurations = list(replica.ledger.configurations)
    path = f"{FZooSClient.__module__}:{FZooSClient.__qualname__}"
    ours = {k: body["optimizer"]["settings"] for k, body in enumerate(configurations) if body["optimizer"]["name"] == path}
    return {settings["round"]: (k, FZooSClient(**settings)) for k, settings in ours.items()}


def _state_of(study: Study) -> ClientDescent:
    with study._synced() as replica:
        state = replica.state
    if not isinstance(state, ClientDescent):
        raise InvalidStudy(f"federation: study {study.name!r} was given another optimizer, {study.optimizer.name}, amid a round")
    return state


def _first_losses(study: Study) -> dict[int, float]:
    """Losses where the server stood, by the number of the configuration."""
    with study._synced() as replica:
        records, problem = list(replica.ledger.records), replica.problem
    return {
        record.configuration: float(problem.losses(record.values)[0])
        for record in records
        if record.state is State.DONE and record.ticket == (0, 0) and record.configuration is not None
    }
