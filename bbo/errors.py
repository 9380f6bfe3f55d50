"""Every error bbo raises on purpose, all derived from `BBOError`.

A message says what was wrong, where, and what would be right.
"""

from __future__ import annotations


class BBOError(Exception):
    """Base of all errors raised by bbo."""


class InvalidSpace(BBOError, ValueError):
    """A parameter, condition or known constraint is malformed or cannot be satisfied."""


class InvalidStudy(BBOError, ValueError):
    """An objective, outcome constraint, setting or study file is malformed."""


class InvalidTell(BBOError, ValueError):
    """A result was refused; the trial and the log are as they were."""


class UnknownTrial(BBOError, KeyError):
    """No trial of that number stands in the study."""

    def __str__(self) -> str:  # KeyError would show the repr of its argument
        return str(self.args[0]) if self.args else ""


class OutOfRange(BBOError, ValueError):
    """A point lies outside the space or breaks a known constraint."""


class StudyExists(BBOError):
    """A study of that name stands in the storage already."""


class StudyNotFound(BBOError, LookupError):
    """No study of that name stands in the storage."""


class StudyMismatch(BBOError):
    """The stored study differs from the one asked for."""


class Waiting(BBOError):
    """Nothing can be handed out until results of open trials come in."""


class Exhausted(BBOError):
    """Every point of a finite space has been handed out, or the optimizer has converged, as its settings have it."""


class Stopped(BBOError):
    """The study was stopped: it hands out no trial, and still accepts results."""


class Unsupported(BBOError):
    """The chosen method cannot do what was asked of it."""


class NoBest(BBOError, LookupError):
    """There is no best trial (yet); the message names the nearest answer."""


class StorageError(BBOError):
    """The storage could not be opened, read or written."""


class TrialPruned(Exception):  # a signal from the objective function, not an error
    """Raised by an objective function that `trial.should_prune()` told to stop."""


class TrialFailed(Exception):  # a signal from the objective function, not an error
    """Raised by an objective function when the point itself cannot be evaluated."""
