"""Conformance kits: what an optimizer, a storage, a surrogate or an acquisition function must do, to be run by whoever writes one."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from bbo.testing.optimizer import check_optimizer
from bbo.testing.storage import check_storage

if TYPE_CHECKING:
    from bbo.testing.acquisition import check_acquisition
    from bbo.testing.surrogate import check_surrogate

__all__ = ["check_acquisition", "check_optimizer", "check_storage", "check_surrogate"]

_HEAVY = {"check_acquisition": "bbo.testing.acquisition", "check_surrogate": "bbo.testing.surrogate"}  # these import torch


def __getattr__(name: str) -> Any:
    if name not in _HEAVY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HEAVY[name]), name)
