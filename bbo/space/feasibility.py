"""Is there any point that keeps all known constraints?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bbo.errors import InvalidSpace, OutOfRange

if TYPE_CHECKING:
    from bbo.space.space import Space


def require_feasible(space: Space) -> None:
    """Refuse a space without a feasible point.

    Raises:
        InvalidSpace: None exists, or none was found.
    """
    try:
        space.sample(1, np.random.default_rng(0))
    except OutOfRange as error:
        raise InvalidSpace(f"no point keeps the constraints: {error}") from error
