"""The kernel that a table of columns calls for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from surrogates.columns import Columns
from surrogates.exact_gp.kernels.base import Kernel
from surrogates.exact_gp.kernels.categorical import Hamming, Latent
from surrogates.exact_gp.kernels.composite import Product, Scaled
from surrogates.exact_gp.kernels.conditional import Arc
from surrogates.exact_gp.kernels.stationary import Stationary
from surrogates.exact_gp.kernels.warped import Warped

if TYPE_CHECKING:
    from surrogates.exact_gp.settings import Settings


def default_kernel(columns: Columns | None, settings: Settings, d: int) -> Kernel:
    """The product of a stationary kernel (numeric columns), one of arcs (numeric with a condition) and one of levels (categorical).

    Args:
        columns: What the columns mean; all continuous when None.
        settings: Which kernels.
        d: Number of columns, which all priors are scaled by.
    """
    parts: list[Kernel] = []
    categorical = () if columns is None else columns.indices("categorical")
    conditional = () if columns is None else tuple(i for i in range(d) if columns[i].parent is not None and i not in categorical)
    if numeric := tuple(i for i in range(d) if i not in {*categorical, *conditional}):
        stationary = Stationary(numeric, settings.kernel, settings.lengthscale_floor, d)
        parts.append(Warped(stationary, numeric) if settings.warp else stationary)
    if columns is not None and conditional:
        parts.append(Arc(conditional, columns, settings.kernel, settings.lengthscale_floor, d))
    if columns is not None and categorical:
        parts.append((Hamming if settings.categorical == "hamming" else Latent)(categorical, columns, d))
    kernel = parts[0] if len(parts) == 1 else Product(tuple(parts))
    return Scaled(kernel) if settings.outputscale else kernel
