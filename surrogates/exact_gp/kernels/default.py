"""The kernel that a table of columns calls for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from surrogates.columns import Columns
from surrogates.exact_gp.kernels.base import Kernel
from surrogates.exact_gp.kernels.stationary import Stationary

if TYPE_CHECKING:
    from surrogates.exact_gp.settings import Settings


def default_kernel(columns: Columns | None, settings: Settings, d: int) -> Kernel:
    """A stationary kernel over d columns."""
    return Stationary(tuple(range(d)), settings.kernel, settings.lengthscale_floor)
