"""`Study.optimize`: its arguments checked, its parts put together."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from concurrent.futures import Executor
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Any

from bbo.errors import InvalidStudy
from bbo.execution.detached import Snapshot
from bbo.execution.evaluator import Evaluator, Inline
from bbo.execution.foreign import Foreign
from bbo.execution.heartbeat import Heartbeat
from bbo.execution.interrupts import Interrupts, Shielded
from bbo.execution.limits import Limits
from bbo.execution.loop import Loop
from bbo.execution.pool import Pool
from bbo.execution.progress import bar, wanted

if TYPE_CHECKING:
    from bbo.execution import Callback, ObjectiveFunction
    from bbo.study import Study
    from bbo.trial import Trial


def optimize(
    study: Study,
    fn: ObjectiveFunction,
    *,
    n_trials: int | None = None,
    total: int | None = None,
    timeout: float | None = None,
    max_cost: float | None = None,
    workers: int | None = None,
    executor: Executor | None = None,
    catch: type[BaseException] | tuple[type[BaseException], ...] = (),
    callbacks: Sequence[Callback] = (),
    progress: bool | str = "auto",
) -> None:
    """Ask, evaluate and tell until a limit is reached: `Study.optimize`, where arguments and errors are described."""
    limits = Limits(n_trials, total, timeout, max_cost)
    limits.check(study.space)
    expected = _exception_types(catch)
    _check(study, fn, workers, executor, callbacks)
    show = wanted(progress)
    running: dict[int, Trial] = {}
    with Interrupts() as interrupts, ExitStack() as stack:
        link = Shielded(study, interrupts)
        evaluator: Evaluator
        if executor is not None:
            evaluator = Foreign(executor, study, fn, expected, workers)
        elif workers is None or workers == 1:
            evaluator = Inline(fn, expected, link)
        else:
            evaluator = Pool(fn, expected, link, lambda trial: Snapshot.of(study, trial), workers)
        stack.enter_context(closing(evaluator))
        heartbeat = stack.enter_context(Heartbeat(study, running))
        shown = [stack.enter_context(bar(study, limits))] if show else []
        name = f"{socket.gethostname()}:{os.getpid()}"
        Loop(study, evaluator, limits, interrupts, heartbeat, running, (*callbacks, *shown), name).run()


def _exception_types(catch: Any) -> tuple[type[BaseException], ...]:
    given = catch if isinstance(catch, tuple) else (catch,)
    for entry in given:
        if not (isinstance(entry, type) and issubclass(entry, BaseException)):
            raise InvalidStudy(f"optimize: catch holds {entry!r}; it is an exception type or a tuple of them, such as catch=(ValueError,)")
    return given


def _check(study: Study, fn: Any, workers: Any, executor: Any, callbacks: Any) -> None:
    if not callable(fn):
        raise InvalidStudy(f"optimize: fn is {fn!r}; it is called with a Trial, so it must be callable")
    if workers is not None and (isinstance(workers, bool) or not isinstance(workers, int) or workers < 1):
        raise InvalidStudy(f"optimize: workers is {workers!r}; it is an integer, at least 1, or None")
    if executor is not None and not hasattr(executor, "submit"):
        raise InvalidStudy(f"optimize: executor is {executor!r}; it is a concurrent.futures.Executor, such as ThreadPoolExecutor(4)")
    if not isinstance(callbacks, (list, tuple)) or not all(map(callable, callbacks)):
        raise InvalidStudy(f"optimize: callbacks is {callbacks!r}; it is a list of functions, each called with (study, trial)")
    if study.objectives[0].feedback == "ranking":
        raise InvalidStudy("optimize: this study is told rankings, and no function of one trial returns those; use ask and tell_ranking")
