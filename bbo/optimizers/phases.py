"""What methods that own phases of queries share.

A phase is a batch of tickets. Its latent points are laid down in `fold`, when the phase before it closes, by random numbers keyed by the
phase; trials are matched to them by ticket ``(phase, index)``. A phase closes once all its tickets are out and none is waited for, and
its results then count in the order of their tickets: the order in which they came in changes nothing.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bbo.log.events import Event
from bbo.log.ledger import Record, Update
from bbo.log.states import State
from bbo.optimizers.base import Proposal, Query, Request, refuse
from bbo.problem import Problem
from bbo.space import Array, Fixed, Float, Int, Space

_WAITED_FOR = frozenset({State.QUEUED, State.PENDING})


@dataclass(slots=True)
class Phases(ABC):
    """The state of such a method: its open phase.

    Attributes:
        problem: What is optimized.
        started: Whether the first phase is open. A method that needs to know where to begin opens it in `start`.
        phase: Number of the open phase.
        points: Its latent points, unit cube, ``... x d``: a ticket's index counts through all axes but the last.
        members: The indices that have a ticket, increasing.
        trials: Its trials, by index of the ticket.
        note: What was out of the ordinary when it was opened.
    """

    problem: Problem
    started: bool = field(default=False, init=False)
    phase: int = field(default=0, init=False)
    points: NDArray[np.float64] = field(init=False)
    members: Sequence[int] | NDArray[np.intp] = field(default=(), init=False)
    trials: dict[int, Record] = field(default_factory=dict, init=False)
    note: str = field(default="", init=False)
    _known: dict[int, Record] = field(default_factory=dict, init=False)

    def best_known(self) -> list[float]:
        """Where to begin: the best feasible point of the log (in the cube), or the middle of it."""
        return best_known(self.problem, self._known.values())

    def beginning(self) -> dict[str, Any]:
        """What `start` is given, as it stands in the memo of the first tickets."""
        return {"x0": self.best_known()}

    def start(self, x0: Sequence[float]) -> None:
        """Open the first phase; `x0` is where to begin (`d`, unit cube). A method that begins anywhere has opened it already."""
        raise NotImplementedError

    @abstractmethod
    def close(self) -> None:
        """Take what the trials of the open phase tell, and open the next."""

    def query(self, index: int, params: Mapping[str, Any]) -> Query:
        """What is asked by a ticket of the open phase."""
        return Query(params, ticket=(self.phase, index), role="particle", group=self.phase)

    def open(self, points: NDArray[np.float64], *, members: NDArray[np.intp] | None = None) -> None:
        """Open the phase that `phase` numbers; without `members` every point has a ticket."""
        self.started = True
        self.points = points
        self.members = range(points[..., 0].size) if members is None else members
        self.trials = {}

    def fold(self, update: Update) -> None:
        """Take in one event, and close the phase that is complete."""
        self.take(update)
        if self.complete:
            self.close()

    def take(self, update: Update) -> None:
        """Take in one event."""
        for record in update.records:
            if record.ticket is None or record.configuration != self.problem.configuration:
                if not self.started:
                    self._known[record.number] = record
                continue
            if not self.started:  # the first ticket is out, and with it the memo of where to begin
                self.start(**update.event.body["memo"])
                self._known.clear()
            phase, index = record.ticket
            if phase == self.phase:
                self.trials[index] = record

    def leaves(self, event: Event) -> bool:
        """Whether it hands out a ticket of the phase after the open one, for methods whose phases are closed by the next ask."""
        mine = event.kind == "asked" and event.body["configuration"] == self.problem.configuration
        return self.started and mine and event.body["ticket"] is not None and event.body["ticket"][0] == self.phase + 1

    @property
    def complete(self) -> bool:
        """Whether all tickets of the open phase are out, and no result is waited for."""
        return self.started and len(self.trials) == len(self.members) and not awaited(self.trials.values())

    def tickets(self, n: int, *, memo: Mapping[str, Any] | None = None) -> Proposal:
        """The next tickets of the open phase, at most n; ``"waiting"`` when all of them are out."""
        free = [int(index) for index in self.members if index not in self.trials][:n]
        if not free:
            return Proposal(status="waiting")
        decoded = self.problem.space.decode(self.points.reshape(-1, self.points.shape[-1])[free])
        return Proposal(tuple(self.query(index, params) for index, params in zip(free, decoded, strict=True)), memo=memo, note=self.note)


class InPhases(ABC):
    """The settings of such a method: what is the same for all of them."""

    __slots__ = ()
    name: ClassVar[str]

    @abstractmethod
    def init(self, problem: Problem) -> Phases:
        """The state before any event."""

    def fold(self, state: Phases, update: Update) -> Phases:
        """Take in results; close the phase that is complete, and open the next."""
        state.fold(update)
        return state

    def propose(self, state: Phases, request: Request) -> Proposal:
        """The next tickets of the open phase; ``"waiting"`` when all of them are out. The first have where to begin in their memo."""
        refuse(request, "fixed", "shared", "context", optimizer=self.name)
        if state.started:
            return state.tickets(request.n)
        memo = request.memo or state.beginning()
        first = self.init(state.problem)
        first.start(**memo)
        return first.tickets(request.n, memo=memo)

    def model(self, state: Phases) -> None:
        """None: it has no model of the function."""
        return


def one_measured_objective(problem: Problem, *, rankings: bool = False) -> str | None:
    """None for one objective that is told as values, or `rankings` if these will do too; else the reason."""
    if len(problem.objectives) > 1:
        return f"it minimizes one objective, and there are {len(problem.objectives)}"
    if problem.objectives[0].feedback == "ranking" and not rankings:
        return "it needs values, and the study is told rankings"
    return None


def one_objective_on_a_box(problem: Problem, *, rankings: bool = False, constraints: bool = False) -> str | None:
    """None for one measured objective over floats, integers and arrays between bounds, without conditions; else the reason.

    Args:
        problem: What is to be optimized.
        rankings: Whether results told as rankings will do too.
        constraints: Whether known constraints are no reason.
    """
    if (reason := one_measured_objective(problem, rankings=rankings)) is not None:
        return reason
    space = problem.space
    for name, parameter in space.parameters.items():
        if parameter.role != "decision":
            return f"it searches decisions only, and {name!r} is a {parameter.role} parameter"
        if isinstance(parameter, Array) and not parameter.fills(parameter.convex):
            return f"it searches boxes, and {name!r} is an array within another set"
        if not isinstance(parameter, (Float, Int, Array, Fixed)):
            return f"it searches numbers only, and {name!r} is a {type(parameter).__name__}"
        if parameter.when is not None:
            return f"it cannot leave parameters out, and {name!r} is conditional"
    if space.constraints and not constraints:
        return f"it cannot keep known constraints, and there is {str(space.constraints[0])!r}"
    return None


def goes_in_steps(space: Space) -> str | None:
    """The name of a number that is an integer or has a step, None where all of them are floats."""
    for name, parameter in space.parameters.items():
        if not isinstance(parameter, (Fixed, Array)) and not (isinstance(parameter, Float) and parameter.step is None):
            return name
    return None


def one_objective_on_floats(problem: Problem, *, since: str) -> str | None:
    """None for one measured objective without outcome constraints over a box of floats or arrays; else the reason.

    Args:
        problem: What is to be optimized.
        since: Why it takes no parameter that goes in steps.
    """
    if (reason := one_objective_on_a_box(problem)) is not None:
        return reason
    if (name := goes_in_steps(problem.space)) is not None:
        return f"{since}, and {name!r} goes in steps"
    if problem.outcome_constraints:
        return f"it knows no outcome constraints, and there is one on {problem.outcome_constraints[0].name!r}"
    if problem.space.d < 1:
        return "it needs a parameter to vary"
    return None


def total_violations(G: ArrayLike) -> NDArray[np.float64]:
    """How far points are from feasible: the sum of their violations, each in units of the largest one among them (`n`; 0 is feasible).

    Args:
        G: Outcome constraints as ``g <= 0``, ``n x c``.
    """
    over = np.maximum(np.asarray(G, dtype=np.float64), 0)
    largest = over.max(axis=0, initial=0)
    total: NDArray[np.float64] = (over / np.where(largest > 0, largest, 1.0)).sum(axis=1)
    return total


def best_first(problem: Problem, records: Iterable[Record]) -> list[Record]:
    """The trials that count as points of the space, done, feasible and within it, in the order of their losses."""
    known = [
        record
        for record in records
        if record.state is State.DONE and not record.outside and problem.feasible(record.values) and problem.space.contains(record.params)
    ]
    return sorted(known, key=lambda record: (problem.losses(record.values)[0], record.number))


def best_known(problem: Problem, records: Iterable[Record]) -> list[float]:
    """Where to begin: the best feasible point among trials (in the cube), or the middle of it."""
    found = best_first(problem, records)
    if not found:
        return [0.5] * problem.space.d
    return [float(u) for u in problem.space.encode([found[0].params])[0]]


def awaited(records: Iterable[Record]) -> bool:
    """Whether a result of any of these trials may still come."""
    return any(record.state in _WAITED_FOR for record in records)


def executed(space: Space, latent: NDArray[np.float64], record: Record) -> NDArray[np.float64]:
    """The latent point (`d`, unit cube) of a ticket, in the columns where what was run differs from the plan moved to what was run."""
    if record.params == record.planned:
        return latent
    planned, run = space.encode([record.planned, record.params])
    moved = planned != run
    latent = latent.copy()
    latent[moved] = run[moved].clip(0, 1)
    return latent
