"""Functions of `botorch.test_functions`, called as they are, in double precision. BoTorch is loaded at the first evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any


@dataclass(frozen=True)
class Borrowed:
    """A test function of BoTorch on named parameters.

    Args:
        path: ``module:class`` below `botorch.test_functions`.
        parameters: Names of the entries of its vector.
        outcomes: Names of its objectives, then of its constraints, which BoTorch has as slacks (at least 0) and this as ``g <= 0``.
        arguments: Its keyword arguments.
    """

    path: str
    parameters: tuple[str, ...]
    outcomes: tuple[str, ...] = ("value",)
    arguments: tuple[tuple[str, Any], ...] = ()

    def __call__(self, params: Mapping[str, Any]) -> dict[str, float]:
        import torch

        function = make(self.path, self.arguments)
        x = torch.tensor([[params[name] for name in self.parameters]], dtype=torch.float64)
        found = function.evaluate_true(x).flatten().tolist()
        if len(found) < len(self.outcomes):
            found += (-function.evaluate_slack_true(x)).flatten().tolist()
        return dict(zip(self.outcomes, found, strict=True))


@lru_cache(maxsize=64)
def make(path: str, arguments: tuple[tuple[str, Any], ...] = ()) -> Any:
    """The function itself."""
    from importlib import import_module

    module, _, name = path.partition(":")
    return getattr(import_module(f"botorch.test_functions.{module}"), name)(**dict(arguments))
