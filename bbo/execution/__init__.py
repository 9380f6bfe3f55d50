"""Running a function: inline, in processes of this machine, or in any executor."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from bbo.execution.command import Command
from bbo.execution.run import optimize

if TYPE_CHECKING:
    from bbo.study import Study
    from bbo.trial import Trial

__all__ = ["Callback", "Command", "ObjectiveFunction", "optimize"]

ObjectiveFunction = Callable[["Trial"], Any]
"""Called with a trial; returns what `Study.tell` takes."""

Callback = Callable[["Study", "Trial"], object]
"""Called in the process that tells, after each finished trial. It may call ``study.stop()``."""
