"""The model along one axis, or over two, through a point: what slices and contours draw beside the trials."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from bbo.model import predict
from bbo.plots.axes import Axis
from bbo.space import Array, Space

if TYPE_CHECKING:
    from bbo.study import Study

_POINTS = 61  # along a line
_SIDE = 31  # along each side of a sheet


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


@dataclass(frozen=True, slots=True)
class Sheet:
    """Mean and standard deviation of an outcome, native units, over two axes; None where there is no legal point.

    Args:
        x, y: Places along the axes.
        mean, sd: A row for each y, an entry for each x.
    """

    x: tuple[float, ...]
    y: tuple[float, ...]
    mean: tuple[tuple[float | None, ...], ...]
    sd: tuple[tuple[float | None, ...], ...]


def sheet(study: Study, center: Mapping[str, Any], first: Axis, second: Axis, outcome: str) -> Sheet:
    """The model over two axes of different parameters through a point at which both are active.

    Raises:
        NoBest: Too little was told for a model, or there can be none.
    """
    space = study.space
    columns, rows = (list(_values(space, center, axis, _SIDE)) for axis in (first, second))
    points = [[_moved(space, center, {first.parameter: a, second.parameter: b}) for a in columns] for b in rows]
    predictions = iter(predict(study, [point for row in points for point in row if point is not None]))
    found = [[None if point is None else next(predictions) for point in row] for row in points]
    x, y = (tuple(_placed(axis, values)) for axis, values in ((first, columns), (second, rows)))
    mean = tuple(tuple(None if p is None else p.mean[outcome] for p in row) for row in found)
    return Sheet(x, y, mean, tuple(tuple(None if p is None else p.sd[outcome] for p in row) for row in found))


def _placed(axis: Axis, values: Sequence[Any]) -> Iterator[float]:
    """Places of values of the axis's parameter."""
    for value in values:
        place = axis.position({axis.parameter: value})
        assert place is not None  # values of the parameter itself have one
        yield place


def _moved(space: Space, center: Mapping[str, Any], changed: Mapping[str, Any]) -> dict[str, Any] | None:
    """The center with other values, less what they make inactive; None where that is no legal point, or leaves one of them out."""
    params = {**center, **changed}
    active = space.active(params)
    params = {name: params[name] for name in params if name in active}
    return params if changed.keys() <= params.keys() and space.contains(params) else None


def line(space: Space, center: Mapping[str, Any], axis: Axis) -> Iterator[tuple[float, dict[str, Any]]]:
    """Legal points along an axis, all else as at the center, with their places.

    A parameter that becomes inactive is left out; where one would become active that the center lacks, there is no point.
    """
    if axis.parameter not in center:
        return
    for value in _values(space, center, axis, _POINTS):
        params = _moved(space, center, {axis.parameter: value})
        if params is not None and (place := axis.position(params)) is not None:
            yield place, params


def _values(space: Space, center: Mapping[str, Any], axis: Axis, n: int) -> Iterator[Any]:
    """About n values of the axis's parameter, in order along the axis; every choice, where it has choices."""
    here = center[axis.parameter]
    if axis.part is None:
        values = list(space.parameters[axis.parameter].grid(n))
        yield from values[:: -(-len(values) // n)] if not axis.levels else values
    elif isinstance(axis.part, int):
        for letter in axis.levels:
            yield [*here[: axis.part], letter, *here[axis.part + 1 :]]
    elif isinstance(axis.part, tuple):
        yield from _along_entry(np.asarray(here), cast(Array, getattr(kind := space.parameters[axis.parameter], "inner", kind)), axis, n)
    else:
        rest = sum(other for part, other in here.items() if part != axis.part)
        for k in range(n):
            share = axis.high * k / (n - 1)
            left = axis.high - share
            even = left / (len(here) - 1)
            yield {part: share if part == axis.part else other * left / rest if rest else even for part, other in here.items()}


def _along_entry(here: Any, parameter: Array, axis: Axis, n: int) -> Iterator[Any]:
    """Arrays with another value of one entry, each brought back to the nearest of the set where it left it."""
    X = np.repeat(here[None], n, axis=0)
    where: tuple[Any, ...] = (slice(None), *cast("tuple[int, ...]", axis.part))
    X[where] = np.linspace(axis.low, axis.high, n)
    places = [-np.inf]
    for value in parameter.convex.project(X).tolist():  # the entry never falls while the one asked for rises: projections are monotone
        if (place := axis.position({axis.parameter: value})) is not None and place > places[-1]:
            places.append(place)
            yield value
