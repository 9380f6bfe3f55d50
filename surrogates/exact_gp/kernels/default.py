"""The kernel that a table of columns calls for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from surrogates.columns import Columns
from surrogates.exact_gp.kernels.base import Kernel
from surrogates.exact_gp.kernels.categorical import Hamming, Latent
from surrogates.exact_gp.kernels.composite import Product, Scaled, Sum
from surrogates.exact_gp.kernels.conditional import Arc
from surrogates.exact_gp.kernels.coregional import Coregional
from surrogates.exact_gp.kernels.derivatives import Derivatives
from surrogates.exact_gp.kernels.level_noise import LevelNoise
from surrogates.exact_gp.kernels.offsets import Offsets
from surrogates.exact_gp.kernels.stationary import Stationary
from surrogates.exact_gp.kernels.warped import Warped

if TYPE_CHECKING:
    from surrogates.exact_gp.settings import Settings

_LEVELS = 6
"""Named fidelities, sources or tasks, up to which each has a process of its own."""


def default_kernel(columns: Columns | None, settings: Settings, d: int) -> Kernel:
    """The product of a stationary kernel (numeric columns), one of arcs (numeric with a condition) and one of levels (categorical).

    Several of such products mixed by `Coregional`, where a column tells named fidelities, sources or tasks apart; tasks have `Offsets`
    and `LevelNoise` too.

    Args:
        columns: What the columns mean; all continuous when None.
        settings: Which kernels.
        d: Number of columns, which all priors are scaled by.
    """
    level = None if columns is None else _level(columns)
    if columns is None or level is None:
        kernel = _product(columns, settings, tuple(range(d)))
        return Scaled(kernel) if settings.outputscale else kernel
    others = tuple(i for i in range(d) if i != level)
    order: Literal["chain", "star"] = "chain" if columns[level].role == "fidelity" else "star"
    mixed = Coregional(_product(columns, settings, others), level, columns, order)
    return Sum((mixed, Offsets(level, columns), LevelNoise(level, columns))) if columns[level].role == "task" else mixed


def _level(columns: Columns) -> int | None:
    """The column of named fidelities, sources or tasks, where there is one of few levels; any other is a column among others."""
    found = [
        i
        for i, column in enumerate(columns)
        if (column.role in ("source", "task") or (column.role == "fidelity" and column.kind == "ordinal"))
        and column.parent is None
        and len(column.levels) <= _LEVELS
    ]
    return found[0] if len(found) == 1 and len(columns) > 1 else None


def _product(columns: Columns | None, settings: Settings, among: tuple[int, ...]) -> Kernel:
    """That of some of the columns."""
    parts: list[Kernel] = []
    d = len(among)
    categorical = () if columns is None else tuple(i for i in columns.indices("categorical") if i in among)
    conditional = () if columns is None else tuple(i for i in among if columns[i].parent is not None and i not in categorical)
    if numeric := tuple(i for i in among if i not in {*categorical, *conditional}):
        stationary = Stationary(numeric, settings.kernel, settings.lengthscale_floor, d)
        if settings.derivatives != "none":
            parts.append(Derivatives(stationary, d))
        else:
            parts.append(Warped(stationary, numeric) if settings.warp else stationary)
    if columns is not None and conditional:
        parts.append(Arc(conditional, columns, settings.kernel, settings.lengthscale_floor, d))
    if columns is not None and categorical:
        parts.append((Hamming if settings.categorical == "hamming" else Latent)(categorical, columns, d))
    return parts[0] if len(parts) == 1 else Product(tuple(parts))
