"""Descent along gradients that a surrogate of the trials has, without any trial for a gradient. A phase is an iterate and points around it.

A phase is left by the ask that opens the next one. What the surrogate said then stands in the memo of that ask; where it leads to
follows from the memo alone, so that no fold of the log needs a fit.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bbo.log.ledger import Update
from bbo.log.states import State
from bbo.optimizers.base import Proposal, Query, Request, refuse
from bbo.optimizers.fallback import answered
from bbo.optimizers.history import History
from bbo.optimizers.phases import InPhases, Phases, best_first
from bbo.zeroth_order.adam import Adam

if TYPE_CHECKING:
    from bbo.optimizers.fzoos import FZooS

Array = NDArray[np.float64]

FIRST = 10
"""Points around the first iterate, as many as the authors begin with: there is no trajectory yet."""

_CANDIDATES = 100  # points around an iterate among which those to be run are chosen, as in the authors' code
_AFRESH = 20  # steps from one search for hyperparameters from scratch to the next, lest an early mode be kept for ever
_PATIENCE = 10  # steps without progress until it goes back with half the rate; `Descent` halves after as many
_SLOWEST = 2.0**-10  # of the first rate

UNWANTED = (State.FAILED, State.PRUNED)
"""How an iterate ends that is a step too far."""


@dataclass(slots=True)
class SurrogateDescent(Phases):
    """Where a descent stands.

    Attributes:
        settings: The settings it runs with.
        history: What is known.
        x: The iterate (`d`, cube); empty before the first ticket is out.
        before: The iterate before it; None for the first one.
        lowest: The iterate that the surrogate believed to be the best so far; None before it said anything.
        adam: What is remembered of the gradients.
        rate: Of the next step, in ranges of the axes.
        memo: What the open phase was opened by: what the surrogate said at the iterate before, and which points have a ticket.
    """

    settings: FZooS
    history: History
    x: Array = field(default_factory=lambda: np.empty(0))
    before: Array | None = None
    lowest: Array | None = None
    adam: Adam = field(default_factory=lambda: Adam.at_rest(0))
    rate: float = 0.0
    memo: Mapping[str, Any] = field(default_factory=dict)
    _best: float = np.inf
    _stalled: int = 0

    # -- the log -------------------------------------------------------------------------------------------------------------------

    def fold(self, update: Update) -> None:
        """Take in one event; where it asks for the first ticket of the next phase, leave the open one."""
        self.history.fold(update)
        if self.leaves(update.event):
            self.enter(update.event.body["memo"])
        self.take(update)

    def beginning(self) -> dict[str, Any]:
        """The best point known, which then needs no ticket; or the middle."""
        return self._begun(self.best_known(), measured=bool(best_first(self.problem, self._known.values())))

    def start(self, x0: Sequence[float], members: Sequence[int] = range(1 + FIRST)) -> None:
        """Open the first phase, around a point of the cube; `members` without 0 where that has a value."""
        self._move({"x0": x0})
        self._lay(members)

    def enter(self, memo: Mapping[str, Any]) -> None:
        """Leave the open phase for the one that a memo opens."""
        self.phase += 1
        self._move(memo)
        self.memo = memo
        self._lay(memo["members"])

    def close(self) -> None:
        """Leave the open phase, which is complete, for the next, by what the surrogate says."""
        self.enter(self._decided())

    def following(self, *, blind: bool = False) -> SurrogateDescent:
        """A copy that stands in the next phase; the open one is complete. With `blind`, at the same iterate, without the surrogate."""
        state = copy.copy(self)
        if blind:
            state.enter({"members": self._some(measured=self._measured)})
        else:
            state.close()
        return state

    def query(self, index: int, params: Mapping[str, Any]) -> Query:
        """The iterate, or an active query near it."""
        return Query(params, ticket=(self.phase, index), role="active query" if index else "iterate", group=self.phase)

    def correction(self) -> Array:
        """What is added to the gradient of the surrogate at the iterate (`d`)."""
        return np.zeros(len(self.x))

    # -- what a phase leads to -----------------------------------------------------------------------------------------------------

    @property
    def _measured(self) -> bool:
        """Whether the iterate has a value: from its ticket, or because it had none."""
        return self.trials[0].state is State.DONE if 0 in self.trials else True

    @property
    def _failed(self) -> bool:
        return 0 in self.trials and self.trials[0].state in UNWANTED

    def _decided(self) -> dict[str, Any]:
        """The memo that opens the next phase."""
        if len(self.history.finished(State.DONE)) < 2 or (self._failed and self.before is None):
            known = best_first(self.problem, self.history.records.values())
            rng = self.problem.rng("fzoos", self.phase, "anew")
            x0 = self.problem.space.encode([known[0].params])[0] if known else rng.random(len(self.x))
            return self._begun(x0.tolist(), measured=bool(known))
        if self._failed:
            return {"back": True, "members": self._some(measured=False)}
        return self._stepped()

    def _stepped(self) -> dict[str, Any]:
        """The gradient at the iterate, the hyperparameters behind it, and where it is least sure of gradients around the next iterate."""
        from bbo.optimizers.fitting import one_thread
        from bbo.optimizers.trajectory_surrogate import TrajectorySurrogate

        warm = self.memo.get("gp") if self.adam.steps % _AFRESH else None
        seed = int(self.problem.rng("fzoos", self.phase, "fit").integers(2**31))
        with one_thread():
            surrogate = TrajectorySurrogate.around(self.x, self.history, least=self.settings.radius, warm=warm, seed=seed)
            gradient = surrogate.gradient() + self.correction()
            memo = {"gradient": gradient.tolist(), "loss": surrogate.loss(), "gp": surrogate.memo(), "n": surrogate.n}
            following = copy.copy(self)
            following.phase += 1
            following._move(memo)
            measured = following.x is following.lowest or (self._measured and np.array_equal(following.x, self.x))
            active = self._active(measured=measured)
            order = np.argsort(-surrogate.uncertainty(following._around()[1:]), kind="stable") if active else np.empty(0, dtype=np.intp)
        return memo | {"members": self._members(sorted((1 + order[:active]).tolist()), measured=measured)}

    def _begun(self, x0: list[float], *, measured: bool) -> dict[str, Any]:
        return {"x0": x0, "members": self._members(range(1, 1 + FIRST), measured=measured)}

    def _some(self, *, measured: bool) -> list[int]:
        """The iterate where it has no value, and any points around it."""
        return self._members(range(1, 1 + self._active(measured=measured)), measured=measured)

    def _active(self, *, measured: bool) -> int:
        """How many active points there are: at least one where the iterate has no ticket."""
        return max(self.settings.active, int(measured))

    @staticmethod
    def _members(active: Sequence[int], *, measured: bool) -> list[int]:
        return [*([] if measured else [0]), *active]

    def _move(self, memo: Mapping[str, Any]) -> None:
        """Go where a memo leads to."""
        self.note = ""
        if "x0" in memo:
            self.note = "begun anew, since the first iterate failed or next to nothing has a value" if self.phase else ""
            self.x, self.before = np.array(memo["x0"], dtype=np.float64), None
            self.adam, self.rate = Adam.at_rest(len(self.x)), self.settings.step
            self.lowest, self._best, self._stalled = None, np.inf, 0
        elif "back" in memo:
            assert self.before is not None
            self.x = (self.before + self.x) / 2
            self.note = "halfway back, since the iterate failed"
        elif "gradient" in memo:
            if self._judge(memo["loss"]):
                assert self.lowest is not None
                self.adam, self.before, self.x = Adam.at_rest(len(self.x)), self.x, self.lowest
                self.note = f"back at the best iterate with a rate of {self.rate:.3g}, after {_PATIENCE} steps without progress"
                return
            self.adam, self.before = self.adam.after(memo["gradient"]), self.x
            self.x = (self.x - self.rate * self.adam.direction).clip(0, 1)
            self.note = f"step of rate {self.rate:.3g} by the gradient of a Gaussian process of {memo['n']} trials"

    def _judge(self, loss: float) -> bool:
        """Whether to go back, with half the rate: after some steps without progress, by what the surrogate believes beneath the noise."""
        self._stalled += 1
        if loss < self._best:
            self._best, self._stalled, self.lowest = loss, 0, self.x
        if self._stalled >= _PATIENCE:
            self._stalled, self.rate = 0, max(self.rate / 2, _SLOWEST * self.settings.step)
            return True
        return False

    def _around(self) -> Array:
        """The iterate, and below it points around it that may get a ticket."""
        spread = self.problem.rng("fzoos", self.phase).uniform(-1, 1, (_CANDIDATES, len(self.x)))
        return np.vstack([self.x, (self.x + self.settings.radius * spread).clip(0, 1)])

    def _lay(self, members: Sequence[int]) -> None:
        self.open(self._around(), members=np.array(members, dtype=np.intp))


def proposed(settings: InPhases, state: SurrogateDescent, request: Request) -> Proposal:
    """The next tickets of the open phase; where that is complete those of the next, with what the surrogate said in the memo."""
    if not state.complete:
        return InPhases.propose(settings, state, request)
    refuse(request, "fixed", "shared", "context", optimizer=settings.name)

    def tickets(*, blind: bool) -> Proposal:
        following = state.following(blind=blind)
        return following.tickets(request.n, memo=following.memo)

    return answered(
        lambda: tickets(blind=False), lambda: tickets(blind=True), since="points around the same iterate, since the model failed"
    )
