"""Points from uniform numbers, known constraints left aside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from bbo.space.parameter import Array

if TYPE_CHECKING:
    from bbo.space.space import Params, Space


def draws(space: Space) -> int:
    """How many uniform numbers one point takes."""
    return sum(parameter.draws for parameter in space.parameters.values())


def candidates(space: Space, U: Array, fixed: Mapping[str, Any]) -> Iterator[Params | None]:
    """Points from rows U (`n x draws`) of uniform numbers, `fixed` values held; None where a fixed parameter is inactive."""
    first = 0
    values: list[list[Any]] = []
    for name, parameter in space.parameters.items():
        width = parameter.draws
        values.append([fixed[name]] * len(U) if name in fixed else parameter.draw(U[:, first : first + width]))
        first += width
    for row in zip(*values, strict=True):
        point = space._tree.prune(dict(zip(space.parameters, row, strict=True)))
        yield point if all(name in point for name in fixed) else None
