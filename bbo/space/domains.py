"""A space as a domain of arrays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from acquisitions.domain import Box, Domain, Linear, Opaque, Shape, Within
from acquisitions.domain import Simplex as Mixture
from acquisitions.domain.convex import StandardSimplex
from bbo.errors import InvalidSpace
from bbo.space.array import Array as ArrayParameter
from bbo.space.choices import Ordinal
from bbo.space.constraints import Check, Condition
from bbo.space.expressions import excess
from bbo.space.numeric import Float, Int
from bbo.space.parameter import Array, Parameter
from bbo.space.simplex import Simplex
from surrogates.columns import Column, Columns, Parent

if TYPE_CHECKING:
    from acquisitions.domain.shape import Mask
    from bbo.space.constraints import Known
    from bbo.space.space import Space


@dataclass(frozen=True)
class _Scale:
    """Native value ``offset + slope * u`` of a column; on a logarithmic axis `parameter` has the map instead."""

    offset: float
    slope: float
    parameter: Float | Int | None = None

    def native(self, u: Array) -> Array:
        return self.offset + self.slope * u if self.parameter is None else self.parameter.position_axis.decode(u)

    def cube(self, x: Array) -> Array:
        return (x - self.offset) / self.slope if self.parameter is None else self.parameter.position_axis.encode(x)


_IDENTITY = _Scale(0.0, 1.0)

Encoder = Callable[[Array], Array]
"""From rows in the units of the domain to rows of the cube."""


def make_domain(space: Space, units: Literal["cube", "native"]) -> Domain:
    """See `Space.domain`.

    In native units numbers stand as users see them, and choices and letters as they are encoded. A constraint that is linear on
    linear axes and always active becomes a linear one; every other is opaque, with its excess where it is an inequality between smooth
    expressions of numbers.

    Raises:
        InvalidSpace: Other units.
    """
    if units not in ("cube", "native"):
        raise InvalidSpace(f"units={units!r} must be 'cube' or 'native'")
    scales = [_scale(p, k) for p in space.parameters.values() for k in range(p.columns_wide)]
    shown = scales if units == "native" else [_IDENTITY] * space.d
    columns = Columns(tuple(_in_units(column, i, shown) for i, column in enumerate(space.columns)))
    ends = np.array([[0.0], [1.0]]) * np.ones(space.d)
    bounds = np.column_stack([_bounds(space.columns[i], shown[i], ends[:, i]) for i in range(space.d)]) if space.d else ends

    def encoded(X: Array) -> Array:
        return np.column_stack([scale.cube(X[:, i]) for i, scale in enumerate(shown)]) if space.d else X

    constraints = tuple(c for known in space._known for c in _constraint(space, known, scales, shown, encoded))
    return Domain(columns, bounds, constraints, _shapes(space, columns, bounds, units))


def _scale(parameter: Parameter, k: int) -> _Scale:
    """The map of the k-th column of a parameter from cube to native units; choices and letters have none."""
    match parameter:
        case Float() | Int() if parameter.log:
            return _Scale(0.0, 0.0, parameter)
        case Float(step=None):
            return _Scale(parameter.low, parameter.high - parameter.low)
        case Float() | Int():
            step, count = parameter.step or 1, parameter.cardinality or 1
            return _Scale(parameter.low - 0.5 * step, step * count)
        case Ordinal(values) if len(values) > 1:
            return _Scale(values[0], values[-1] - values[0])
        case Simplex():
            return _Scale(0.0, parameter.total)
        case ArrayParameter():
            return _Scale(float(parameter.offset[k]), float(parameter.scale[k]))
    return _IDENTITY


def _bounds(column: Column, scale: _Scale, ends: Array) -> Array:
    """Ends of the cube in the units of the domain; in native units those of the range, not of the cells around its values."""
    native = scale.native(ends)
    if scale is not _IDENTITY and column.kind == "integer" and column.group is None:
        p = scale.parameter
        half = 0.5 if p is not None else 0.5 * scale.slope / max(len(column.levels), 1)
        return np.array([native[0] + half, native[1] - half]) if p is not None or column.levels else native
    return native


def _in_units(column: Column, i: int, scales: list[_Scale]) -> Column:
    parent = column.parent
    if parent is not None and parent.values is not None:
        values = tuple(
            tuple(float(scales[j].native(np.asarray(u))) for j, u in zip(parent.columns, row, strict=True)) for row in parent.values
        )
        parent = Parent(parent.columns, values)
    return replace(column, levels=tuple(scales[i].native(np.asarray(column.levels, dtype=float)).tolist()), parent=parent)


def _constraint(space: Space, known: Known, scales: list[_Scale], shown: list[_Scale], encoded: Encoder) -> list[Linear | Opaque]:
    if isinstance(known, Check):
        return [_opaque(space, known, encoded)]
    place = {column.name: i for i, column in enumerate(space.columns)}
    fixed = {name: value for name, p in space.parameters.items() if p.columns_wide == 0 for value in p.grid(1)}
    found: list[Linear | Opaque] = []
    always = all(space._tree.owner[name] not in space._tree.conditions for name in known.names)
    for part, form, _ in known.parts:
        movable = (
            form is not None
            and always
            and all(
                name in fixed or (scales[place[name]] is not _IDENTITY and scales[place[name]].parameter is None)
                for name in form.coefficients
            )
        )
        if form is None or not movable:
            found.append(_opaque(space, replace(known, expression=part, sizes=known.sizes) if always else known, encoded))
            continue
        coefficients, rhs = np.zeros(space.d), form.rhs
        for name, value in form.coefficients.items():
            if name in fixed:
                rhs -= value * float(fixed[name])
                continue
            i = place[name]
            inner, outer = scales[i], shown[i]
            coefficients[i] = (
                value * inner.slope / outer.slope
            )  # native = inner.offset + inner.slope * u, shown = outer.offset + outer.slope * u
            rhs -= value * (inner.offset - inner.slope * outer.offset / outer.slope)
        low = -np.inf if form.sense[0] == "<" else rhs
        high = np.inf if form.sense[0] == ">" else rhs
        found.append(Linear(coefficients, low, high, known.text, strict=form.sense in ("<", ">")))
    return found


def _opaque(space: Space, known: Known, encoded: Encoder) -> Opaque:
    names = {space._tree.owner[name] for name in known.names}
    if not isinstance(known, Condition) or not _listed(space, names):
        return Opaque(_one_by_one(space, known, encoded), known.text)

    def active(U: Array) -> Mask | None:
        """Where every parameter of the constraint is active; None for everywhere. Elsewhere the constraint holds."""
        if not any(name in space._tree.conditions for name in names):
            return None
        first = [space._encoding.slices[name].start for name in names if space.parameters[name].columns_wide]
        return np.asarray(space.columns.active(U)[:, first].all(axis=1))

    def holds(X: Array) -> Mask:
        U = np.clip(encoded(X), 0.0, 1.0)
        kept, here = known.hold(_values(space, names, U)), active(U)
        return kept if here is None else kept | ~here

    return Opaque(holds, known.text, _excess(space, known, names, encoded, active))


def _one_by_one(space: Space, known: Known, encoded: Encoder) -> Callable[[Array], Mask]:
    def holds(X: Array) -> Mask:
        points = space.decode(encoded(X))
        envs = [space._tree.env(point) if isinstance(known, Condition) else point for point in points]
        return np.array([known.holds(env) for env in envs], dtype=bool)

    return holds


def _listed(space: Space, names: set[str]) -> bool:
    """Whether columns tell when all of the parameters are active, and their values are those of their own decoding."""
    parents = [space.columns[i].parent for name in names for i in space.columns_of(name)]
    fixed = any(name in space._tree.conditions and not space.parameters[name].columns_wide for name in names)
    own = not any(space._tree.thresholds(name) for name in names)
    return own and not fixed and all(parent is None or _in_full(space, parent) for parent in parents)


def _in_full(space: Space, parent: Parent) -> bool:
    above = (space.columns[i].parent for i in parent.columns)
    return parent.values is not None and all(other is None or _in_full(space, other) for other in above)


def _values(space: Space, names: set[str], U: Array) -> dict[str, Any]:
    """What expressions see of the parameters at rows U of the cube, as arrays; each different value of a column is decoded once."""
    env: dict[str, Any] = {}
    for name in names:
        parameter, place = space.parameters[name], space._encoding.slices[name]
        if isinstance(parameter, Float) and parameter.step is None:
            env[name] = parameter.position_axis.decode(U[:, place.start])
            continue
        rows, which = np.unique(U[:, place], axis=0, return_inverse=True) if place.stop - place.start > 1 else _distinct(U[:, place])
        flat = [parameter.flat(name, value) for value in parameter.decode(rows)]
        for key, kind in parameter.types(name).items():
            values = np.array([entry[key] for entry in flat], dtype=float if kind == "number" else bool if kind == "truth" else object)
            env[key] = values[which.reshape(-1)]
    return env


def _distinct(U: Array) -> tuple[Array, Any]:
    """Distinct rows of a matrix of at most one column, and which of them each row is."""
    if not U.shape[1]:
        return U[:1], np.zeros(len(U), dtype=int)
    found, which = np.unique(U[:, 0], return_inverse=True)
    return found[:, None], which


def _excess(
    space: Space, known: Condition, names: set[str], encoded: Encoder, active: Callable[[Array], Mask | None]
) -> Callable[[Array], Array] | None:
    """By how much a single inequality of numbers is broken, with whole numbers and steps taken as continuous."""
    parameters = {name: space.parameters[name] for name in names}
    if len(known.parts) != 1 or not all(isinstance(p, Float | Int) for p in parameters.values()):
        return None
    over = excess(known.parts[0][0], {name: p.low for name, p in parameters.items() if isinstance(p, Float | Int)})
    if over is None:
        return None
    places = {name: space._encoding.slices[name].start for name in names}
    maps = {name: _Scale(0.0, 0.0, p) if isinstance(p, Float) and p.step is None else _scale(p, 0) for name, p in parameters.items()}

    def broken(X: Array) -> Array:
        U = np.clip(encoded(X), 0.0, 1.0)
        value, here = over({name: maps[name].native(U[:, i]) for name, i in places.items()}), active(U)
        return value if here is None else np.where(here, value, -1.0)

    return broken


def _shapes(space: Space, columns: Columns, bounds: Array, units: str) -> tuple[Shape, ...]:
    shapes: list[Shape] = []
    boxed: list[int] = []
    for name, parameter in space.parameters.items():
        place = space._encoding.slices[name]
        members = tuple(range(place.start, place.stop))
        if isinstance(parameter, Simplex):
            scale = 1.0 if units == "native" else 1.0 / parameter.total
            shape = parameter.shape
            step = None if shape.step is None else shape.step * scale
            shapes.append(replace(shape, columns=members, total=shape.total * scale, min_share=shape.min_share * scale, step=step))
        elif isinstance(parameter, ArrayParameter):
            for piece, part in parameter.pieces:
                own, zero, unit = members[part], parameter.offset[part], parameter.scale[part]
                if units == "native":
                    zero, unit = np.zeros_like(zero), np.ones_like(unit)
                if isinstance(piece, StandardSimplex) and len(own) > 1:
                    shapes.append(Mixture(own, piece.total / float(unit[0])))
                elif parameter.fills(piece):
                    boxed += own
                else:
                    shapes.append(Within(own, piece, zero, float(unit[0])))
        else:
            boxed += members
    if boxed:
        low, high = bounds[:, boxed].tolist()
        shapes.append(Box(tuple(boxed), tuple(low), tuple(high), tuple(columns[i].levels for i in boxed)))
    return tuple(shapes)
