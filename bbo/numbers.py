"""Numbers as users tell them."""

from __future__ import annotations

import math
from typing import Any

from bbo.errors import InvalidTell


class NotFinite(InvalidTell):
    """A number was told that is NaN or infinite; inside `optimize` it means that the trial failed."""


def finite(value: Any, what: str, remedy: str = "") -> float:
    """A finite float from anything that is a real number (NumPy scalars and 0-d arrays too).

    Raises:
        InvalidTell: It is no number, a bool, NaN or infinite.
    """
    if hasattr(value, "item") and getattr(value, "ndim", 0) == 0:
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise InvalidTell(f"{what} is {value!r}; it is a finite number{remedy}")
    if not math.isfinite(value):
        raise NotFinite(f"{what} is {value}; it is a finite number{remedy}")
    return float(value)
