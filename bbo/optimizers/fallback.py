"""A model that fails never fails an ask: something else is proposed, and why is recorded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from bbo.errors import BBOError
from bbo.optimizers.base import Proposal


def answered(choose: Callable[[], Proposal], otherwise: Callable[[], Proposal], *, since: str) -> Proposal:
    """What is chosen; where numerics fail on the way, what is proposed otherwise, with the reason in its note.

    Args:
        choose: Rests on a model.
        otherwise: Does not.
        since: What was done and why, such as "a Sobol point, since the model failed".

    Raises:
        BBOError: The request itself is at fault.
    """
    try:
        return choose()
    except BBOError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever numerics run into, an ask is answered
        return replace(otherwise(), note=f"{since}: {type(error).__name__}: {error}")
