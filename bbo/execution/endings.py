"""What became of an evaluation, and how the news crosses from a worker to the process that tells."""

from __future__ import annotations

import signal
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cloudpickle

from bbo.errors import InvalidTell, TrialFailed, TrialPruned
from bbo.numbers import NotFinite

if TYPE_CHECKING:
    from bbo.execution import ObjectiveFunction
    from bbo.trial import Trial


@dataclass(frozen=True, slots=True)
class Returned:
    """The function returned this: what `tell` takes, or a `Result`."""

    value: Any


@dataclass(frozen=True, slots=True)
class Pruned:
    """It stopped early, as the pruner said."""

    reason: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The point itself cannot be evaluated."""

    reason: str


@dataclass(frozen=True, slots=True)
class Raised:
    """It raised what nobody expected: a mistake in the function, not a property of the point."""

    exception: BaseException


@dataclass(frozen=True, slots=True)
class Died:
    """Its worker process is gone, and nothing was heard."""

    reason: str


Ending = Returned | Pruned | Failed | Raised | Died


class Terminated(SystemExit):
    """SIGTERM arrived: raised out of whatever runs, so that its clean-up runs too."""

    def __init__(self) -> None:
        super().__init__(143)  # 128 + SIGTERM: what a shell reports of a process that died of it


def evaluate(fn: ObjectiveFunction, trial: Trial, catch: tuple[type[BaseException], ...]) -> Ending:
    """Call the function once.

    Raises:
        KeyboardInterrupt, Terminated: As they come: they are no news of the trial.
    """
    try:
        return Returned(fn(trial))
    except (KeyboardInterrupt, Terminated):
        raise
    except TrialPruned as signal:
        return Pruned(str(signal))
    except TrialFailed as signal:
        return Failed(str(signal))
    except NotFinite as error:  # a training that diverged reports it before it returns it
        return Failed(str(error))
    except catch as error:
        return Failed(described(error))
    except BaseException as error:  # noqa: BLE001 - raised again by the process that tells, `sys.exit` in the function included
        return Raised(error)


def described(error: BaseException) -> str:
    """Type and message, in one line where the message is one."""
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def exit_described(code: int) -> str:
    """How a process ended, from its return code as `subprocess` gives it."""
    if code >= 0:
        return f"ended with exit status {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:  # real-time signals have no names
        return f"was killed by signal {-code}"


def pack(ending: Ending, where: str) -> bytes:
    """An ending as bytes that the other side can surely read.

    Args:
        ending: What became of the evaluation.
        where: Name of the worker, for the note that carries an exception's traceback.
    """
    if isinstance(ending, Raised):
        error = ending.exception
        error.add_note(f"raised in {where}:\n{''.join(traceback.format_exception(error)).rstrip()}")
    try:
        packed: bytes = cloudpickle.dumps(ending)
        cloudpickle.loads(packed)  # an exception whose constructor wants more than its message breaks only here
        return packed
    except Exception as trouble:  # noqa: BLE001 - pickling runs the user's code
        substitute: BaseException
        if isinstance(ending, Raised):
            substitute = RuntimeError(described(ending.exception))
            substitute.__notes__ = ending.exception.__notes__
        else:
            substitute = InvalidTell(f"fn returned what cannot be sent between processes ({described(trouble)}); return numbers")
        return bytes(cloudpickle.dumps(Raised(substitute)))


def unpack(packed: bytes) -> Ending:
    """The ending that `pack` packed."""
    ending: Ending = cloudpickle.loads(packed)
    return ending
