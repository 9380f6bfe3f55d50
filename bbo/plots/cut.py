"""The model along one axis through a point: what slices draw beside the trials."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bbo.model import predict
from bbo.plots.axes import Axis
from bbo.space import Space

if TYPE_CHECKING:
    from bbo.study import Study

_POINTS = 61


@dataclass(frozen=True, slots=True)
class Cut:
    """Mean and standard deviation of an outcome, native units, at places along an axis."""

    x: tuple[float, ...]
    mean: tuple[float, ...]
    sd: tuple[float, ...]


def cuts(study: Study, center: Mapping[str, Any], axes: Sequence[Axis], outcome: str) -> dict[str, Cut]:
    """The model along each axis through a point, by the axis's name; axes inactive at the point have none.

    Raises:
        NoBest: Too little was told for a model, or there can be none.
    """
    lines = {axis.name: list(line(study.space, center, axis)) for axis in axes}
    predictions = iter(predict(study, [params for points in lines.values() for _, params in points]))
    found = {}
    for name, points in lines.items():
        here = [next(predictions) for _ in points]
        if here:
            found[name] = Cut(tuple(x for x, _ in points), tuple(p.mean[outcome] for p in here), tuple(p.sd[outcome] for p in here))
    return found


def line(space: Space, center: Mapping[str, Any], axis: Axis) -> Iterator[tuple[float, dict[str, Any]]]:
    """Legal points along an axis, all else as at the center, with their places.

    A parameter that becomes inactive is left out; where one would become active that the center lacks, there is no point.
    """
    if axis.parameter not in center:
        return
    for value in _values(space, center, axis):
        params = {**center, axis.parameter: value}
        active = space.active(params)
        params = {name: params[name] for name in params if name in active}
        place = axis.position(params)
        if place is not None and space.contains(params):
            yield place, params


def _values(space: Space, center: Mapping[str, Any], axis: Axis) -> Iterator[Any]:
    """Values of the axis's parameter, in order along the axis."""
    here = center[axis.parameter]
    if axis.part is None:
        values = list(space.parameters[axis.parameter].grid(_POINTS))
        yield from values[:: -(-len(values) // _POINTS)] if not axis.levels else values
    elif isinstance(axis.part, int):
        for letter in axis.levels:
            yield [*here[: axis.part], letter, *here[axis.part + 1 :]]
    else:
        rest = sum(other for part, other in here.items() if part != axis.part)
        for k in range(_POINTS):
            share = axis.high * k / (_POINTS - 1)
            left = axis.high - share
            even = left / (len(here) - 1)
            yield {part: share if part == axis.part else other * left / rest if rest else even for part, other in here.items()}
