"""Studies filled with the values of known functions."""

from __future__ import annotations

from typing import Any, Protocol

import pytest

import bbo


class Filled(Protocol):
    """See `filled`."""

    def __call__(self, space: Any, functions: Any, *, n: int = 20, **arguments: Any) -> bbo.Study: ...


@pytest.fixture
def filled() -> Filled:
    """Makes a study with n Sobol points told as the functions say."""

    def fill(space: Any, functions: Any, *, n: int = 20, **arguments: Any) -> bbo.Study:
        space = space if isinstance(space, bbo.Space) else bbo.Space(space)
        study = bbo.Study(space, arguments.pop("objectives", "minimize"), **{"optimizer": "sobol", "seed": 5, **arguments})
        for point in space.sobol(n, seed=1):
            study.add(point, {name: float(f(point)) for name, f in functions.items()})
        return study

    return fill
