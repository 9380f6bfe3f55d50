"""The loop: ask, evaluate, tell, until a limit is reached. The calling process alone talks to the study."""

from __future__ import annotations

import logging
import math
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

from bbo.asking import terms_of
from bbo.errors import BBOError, Exhausted, InvalidTell, Stopped, Waiting
from bbo.execution.endings import Died, Ending, Failed, Pruned, Raised, Returned, described
from bbo.execution.heartbeat import LEASE, Heartbeat
from bbo.log.states import MAX_ATTEMPTS, State
from bbo.result import Result

if TYPE_CHECKING:
    from bbo.execution import Callback
    from bbo.execution.evaluator import Evaluator
    from bbo.execution.interrupts import Interrupts
    from bbo.execution.limits import Limits
    from bbo.log.ledger import Ledger
    from bbo.study import Study
    from bbo.trial import Trial

_FIRST_LOOK, _LONGEST = 0.05, 2.0
"""Seconds until the next look at what other processes have done; doubled while they do nothing."""

_log = logging.getLogger(__name__)


class _Start(Enum):
    """Why no further trial is started now."""

    BUSY = auto()  # every worker has one
    CLOSED = auto()  # a limit of this run, a stop, or an exception of the function
    FULL = auto()  # no room in the total, or a finite space handed out
    BLOCKED = auto()  # the optimizer waits for results


class Loop:
    """One run.

    Args:
        study: The study.
        evaluator: Where the function runs.
        limits: When the run has enough.
        interrupts: Where signals may be raised.
        heartbeat: Renews the leases of `running`.
        running: Trials that are out with this run, by number.
        callbacks: Called after each finished trial.
        worker: Name of this process, for the log.
    """

    def __init__(
        self,
        study: Study,
        evaluator: Evaluator,
        limits: Limits,
        interrupts: Interrupts,
        heartbeat: Heartbeat,
        running: dict[int, Trial],
        callbacks: Sequence[Callback],
        worker: str,
    ) -> None:
        self._study = study
        self._evaluator = evaluator
        self._limits = limits
        self._interrupts = interrupts
        self._heartbeat = heartbeat
        self._running = running
        self._callbacks = callbacks
        self._terms = terms_of(study.space, fixed=None, shared=(), context=None, client=None, worker=worker, lease=LEASE)
        self._budget = limits.budget(self._ledger)
        self._finished = 0
        self._deaths: Counter[int] = Counter()  # by trial
        self._error: BaseException | None = None  # what the function raised, to be raised again at the end

    def run(self) -> None:
        """Run to the end.

        Raises:
            BaseException: What the function or a callback raised, an interrupt, an error of the storage or of the workers. Trials
                that are out then are queued again.
        """
        try:
            self._run()
        except BaseException as error:
            for trial in self._running.values():
                with suppress(BBOError):  # the lease sees to it where this fails
                    self._study.retry(trial, f"the run ended: {described(error)}")
            raise
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        patience = _FIRST_LOOK
        while True:
            start = self._start()
            if not self._running and self._is_over(start):
                return
            others_matter = start in {_Start.FULL, _Start.BLOCKED}
            with self._interrupts.open():
                ended = self._evaluator.wait(patience if others_matter else None)
            patience = _FIRST_LOOK if ended else min(2 * patience, _LONGEST)
            finished = [trial for trial, ending in ended if self._settle(trial, ending)]
            for trial in finished:
                for callback in self._callbacks:
                    callback(self._study, trial)

    @property
    def _ledger(self) -> Ledger:
        return self._study._replica.ledger

    # -- start -----------------------------------------------------------------------------------------------------------------

    def _start(self) -> _Start:
        """Give every free worker a trial; what stands against giving out more."""
        while free := self._evaluator.capacity - len(self._running):
            left = 0 if self._error else self._limits.left(self._ledger, self._finished + len(self._running))
            if not left:
                return _Start.CLOSED
            self._heartbeat.catch_up()
            try:
                trials = self._study._ask(int(min(free, left)), self._terms, budget=self._budget, total=self._limits.total)
            except Stopped:
                return _Start.CLOSED
            except Exhausted:
                return _Start.FULL
            except Waiting:
                if not self._running and not self._others_run():
                    raise  # for results that nobody is at work on
                return _Start.BLOCKED
            if not trials:
                return _Start.FULL
            self._running.update({trial.number: trial for trial in trials})
            for trial in trials:
                self._evaluator.submit(trial)
        return _Start.BUSY

    def _is_over(self, start: _Start) -> bool:
        """Whether nothing is left to do, now that nothing runs here."""
        if start is _Start.FULL:  # one of the other processes may die; then its trial is ours
            return self._limits.total is None or not self._others_run()
        return start is _Start.CLOSED

    def _others_run(self) -> bool:
        """Whether trials are out, on a lease, with other processes."""
        records = (self._ledger.records[number] for number in self._ledger.pending if number not in self._running)
        return any(record.open and record.asked.get("lease") is not None for record in records)

    # -- settle ----------------------------------------------------------------------------------------------------------------

    def _settle(self, trial: Trial, ending: Ending) -> bool:
        """Tell the study what became of a trial; whether it is finished."""
        study = self._study
        match ending:
            case Returned(value):
                self._tell(trial, value if isinstance(value, Result) else Result(value))
            case Pruned(reason):
                self._write(trial, lambda: study.prune(trial, reason))
            case Failed(reason):
                self._write(trial, lambda: study.fail(trial, reason))
            case Raised(error):
                self._give_up(trial, error)
            case Died(reason):
                self._deaths[trial.number] += 1
                if self._deaths[trial.number] < MAX_ATTEMPTS:
                    self._write(trial, lambda: study.retry(trial, reason))
                else:
                    self._write(trial, lambda: study.fail(trial, f"{reason}, for the {MAX_ATTEMPTS}rd time"))
        del self._running[trial.number]
        state = trial.state
        self._finished += state.finished or state is State.PENDING  # a partly told one is out of this run's hands
        return state.finished

    def _tell(self, trial: Trial, result: Result) -> None:
        if reason := _not_finite(result.values):
            self._write(trial, lambda: self._study.fail(trial, reason))
            return
        try:
            self._write(trial, lambda: self._study.tell(trial, result))
        except InvalidTell as error:
            self._give_up(trial, error)

    def _give_up(self, trial: Trial, error: BaseException) -> None:
        """Abandon a trial whose function is at fault, and start no more."""
        self._write(trial, lambda: self._study.abandon(trial, described(error)))
        if self._error is None:
            self._error = error
        if others := len(self._running) - 1:
            _log.warning(
                "trial %d raised %s; it is raised again once the trials that still run (%d) have ended",
                trial.number,
                described(error),
                others,
            )

    def _write(self, trial: Trial, write: Callable[[], None]) -> None:
        """Write a trial's end, unless somebody else has ended it meanwhile.

        Raises:
            InvalidTell: The study refuses it for another reason.
        """
        try:
            write()
        except InvalidTell as error:
            record = self._study.record(trial.number)
            if record.state is State.PENDING and record.attempt == trial.attempt:
                raise
            warnings.warn(f"trial {trial.number} ended otherwise while it ran here: {error}", stacklevel=2)


def _not_finite(values: Any) -> str | None:
    """Why what a function returned means a failed trial, None where it does not."""
    named: Iterable[tuple[str, Any]]
    if isinstance(values, Mapping):
        named = ((f"{name} = ", value) for name, value in values.items())
    elif isinstance(values, (list, tuple)) or getattr(values, "ndim", None) == 1:
        named = (("", value) for value in values)
    else:
        named = (("", values),)
    for name, value in named:
        if isinstance(value, (str, bytes)) or getattr(value, "ndim", None):
            continue  # no number, which `tell` will say
        try:
            if not math.isfinite(value):
                return f"fn returned {name}{value}"
        except (TypeError, ValueError, OverflowError):
            continue
    return None
