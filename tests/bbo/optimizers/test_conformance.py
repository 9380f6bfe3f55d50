"""Every optimizer shipped with bbo keeps the contract, on every storage."""

from __future__ import annotations

import pytest

from bbo.optimizers import list_optimizers
from bbo.optimizers.base import resolve
from bbo.testing import check_optimizer


@pytest.mark.parametrize("name", ["random", "sobol"])
def test_check_optimizer(name: str) -> None:
    assert check_optimizer(resolve(name))
