"""Conformance kits: what an optimizer or a storage must do, to be run by whoever writes one."""

from __future__ import annotations

from bbo.testing.optimizer import check_optimizer
from bbo.testing.storage import check_storage

__all__ = ["check_optimizer", "check_storage"]
