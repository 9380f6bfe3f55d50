"""Conformance kits: what an optimizer, a storage or a surrogate must do, to be run by whoever writes one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bbo.testing.optimizer import check_optimizer
from bbo.testing.storage import check_storage

if TYPE_CHECKING:
    from bbo.testing.surrogate import check_surrogate

__all__ = ["check_optimizer", "check_storage", "check_surrogate"]


def __getattr__(name: str) -> Any:
    if name != "check_surrogate":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from bbo.testing.surrogate import check_surrogate  # imports torch

    return check_surrogate
