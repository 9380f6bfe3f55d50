"""The linear constraints at one point's skeleton: its choices and what is active stand, its numbers may move."""

from __future__ import annotations

import math
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from acquisitions.domain.polytope import Polytope
from bbo.space.constraints import Condition, Known
from bbo.space.expressions import Call, Compare, LinearForm, Literal, Name, conjuncts, linear_form
from bbo.space.numeric import Float, Int
from bbo.space.parameter import Array, Parameter
from bbo.space.simplex import Simplex

if TYPE_CHECKING:
    from bbo.space.space import Params, Space


@dataclass(frozen=True)
class Variable:
    """A number that may move: a parameter, or one share of a mixture.

    Args:
        name: As expressions write it.
        owner: The parameter it belongs to.
        low: Least value.
        high: Greatest value.
        step: Distance of its levels, None when continuous.
    """

    name: str
    owner: str
    low: float
    high: float
    step: float | None


@dataclass(frozen=True)
class Support:
    """At most `most` of these variables are not zero, and those are at least `least`."""

    members: tuple[int, ...]
    most: int
    least: float


@dataclass(frozen=True, eq=False)
class LinearSystem:
    """The movable numbers at a skeleton, with ``A x <= b``, ``E x == e`` and the supports that hold for them."""

    skeleton: Mapping[str, Any]
    variables: tuple[Variable, ...]
    A: Array
    b: Array
    E: Array
    e: Array
    supports: tuple[Support, ...]

    def holds(self, point: Params, space: Space) -> bool:
        """Whether the same parameters are active at a point of this system as at its skeleton."""
        return not space._tree.conditions or set(space.active(point)) == self.skeleton.keys()

    def refuted(self, space: Space) -> bool:
        """Whether a constraint on nothing that may move fails at the skeleton."""
        moving, env = {variable.name for variable in self.variables}, space._tree.env(self.skeleton)
        return any(isinstance(known, Condition) and not known.names & moving and not known.holds(env) for known in space._known)

    @property
    def low(self) -> Array:
        """Lower bounds of the variables."""
        return np.array([variable.low for variable in self.variables])

    @property
    def high(self) -> Array:
        """Upper bounds of the variables."""
        return np.array([variable.high for variable in self.variables])

    @property
    def whole(self) -> tuple[int, ...]:
        """Indices of the variables with levels."""
        return tuple(i for i, variable in enumerate(self.variables) if variable.step is not None)

    @property
    def linked(self) -> tuple[int, ...]:
        """Indices of the variables that some constraint or support ties to others."""
        tied = np.any(np.vstack([self.A, self.E]) != 0, axis=0)
        tied[[i for support in self.supports for i in support.members]] = True
        return tuple(np.flatnonzero(tied).tolist())

    def among(self, indices: Sequence[int]) -> LinearSystem:
        """The system of some variables, to which no constraint or support ties the others."""
        place = {i: k for k, i in enumerate(indices)}
        take = list(indices)
        supports = tuple(replace(support, members=tuple(place[i] for i in support.members)) for support in self.supports)
        return replace(self, variables=tuple(self.variables[i] for i in take), A=self.A[:, take], E=self.E[:, take], supports=supports)

    def polytope(self, low: Array, high: Array) -> Polytope:
        """The set of values between these bounds, with levels and supports left aside.

        Bounds that the constraints tighten are tightened first: a set that is thin in units of a wide range would be lost in rounding.
        """
        low, high = _tightened(np.vstack([self.A, self.E, -self.E]), np.concatenate([self.b, self.e, -self.e]), low, high)
        return Polytope(tuple(range(len(self.variables))), self.A, self.b, self.E, self.e, low, high)

    def values(self, params: Mapping[str, Any], space: Space) -> Array:
        """Where the variables stand at a point of this skeleton."""
        env = space._tree.env(params)
        return np.array([float(env[variable.name]) for variable in self.variables])

    def point(self, x: Array, space: Space) -> Params:
        """The point at which the variables take the values x, in canonical form."""
        point = dict(self.skeleton)
        for variable, value in zip(self.variables, x.tolist(), strict=True):
            parameter = space.parameters[variable.owner]
            if isinstance(parameter, Simplex):
                point[variable.owner] = {**point[variable.owner], variable.name.removeprefix(f"{variable.owner}."): value}
            else:
                point[variable.owner] = _canonical(cast(Float | Int, number(parameter)), value)
        for name in {variable.owner for variable in self.variables}:
            parameter = space.parameters[name]
            if isinstance(parameter, Simplex):
                point[name] = parameter.decode(parameter.encode([point[name]]))[0]
        return point


def number(parameter: Parameter) -> Float | Int | None:
    """The range of a parameter that is a number, whatever its role."""
    plain = getattr(parameter, "inner", parameter)
    return plain if isinstance(plain, (Float, Int)) else None


def _step(plain: Float | Int) -> float | None:
    return plain.step or (1.0 if isinstance(plain, Int) else None)


Row = tuple[Mapping[str, float], str, float]


def linear_system(space: Space, skeleton: Mapping[str, Any], held: Container[str], *, known: Iterable[Known] | None = None) -> LinearSystem:
    """The system at a point, of all known constraints and conditions or of the constraints given; its numbers are free unless `held`.

    Numbers on which conditions rest move as far as the same parameters stay active.
    """
    env = space._tree.env(skeleton)
    bounds, resting = _kept_conditions(space, skeleton, env) if known is None else ([], set())
    variables: list[Variable] = []
    supports: list[Support] = []
    rows: list[Row] = []
    for owner in skeleton:
        parameter = space.parameters[owner]
        if owner in held or owner in resting:
            continue
        if isinstance(parameter, Simplex):
            shape, first = parameter.shape, len(variables)
            names = [f"{owner}.{key}" for key in parameter.names]
            variables += [Variable(name, owner, 0.0, parameter.total, parameter.step) for name in names]
            rows.append((dict.fromkeys(names, 1.0), "==", parameter.total))
            least = shape.least_units * parameter.step if parameter.step is not None and parameter.min_share else shape.min_share
            if shape.support < shape.k or least > 0:
                supports.append(Support(tuple(range(first, len(variables))), shape.support, least))
        elif (plain := number(parameter)) is not None:
            variables.append(Variable(owner, owner, float(plain.low), float(plain.high), _step(plain)))
    index = {variable.name: i for i, variable in enumerate(variables)}
    for constraint in space._known if known is None else known:
        if not isinstance(constraint, Condition) or any(name not in env for name in constraint.names):
            continue
        for part, form, _ in constraint.parts:
            if form is not None:
                rows.append((form.coefficients, form.sense, form.rhs))
            elif (support := _support(part, index, env, variables)) is not None:
                supports.append(support)
    return _assemble(skeleton, variables, [*rows, *bounds], supports, index, env)


def _kept_conditions(space: Space, skeleton: Mapping[str, Any], env: Mapping[str, Any]) -> tuple[list[Row], set[str]]:
    """What keeps the same parameters active: rows where conditions are linear, elsewhere the parents that have to stay."""
    rows: list[Row] = []
    resting: set[str] = set()
    for name, condition in space._tree.conditions.items():
        if any(parent not in skeleton for parent in space._tree.parents[name]):
            continue
        parts = conjuncts(condition)
        if name not in skeleton:  # one part that fails is enough
            parts = tuple(part for part in parts if not part.evaluate(env))[:1]
        for part in parts:
            form = linear_form(part)
            if form is None or (name not in skeleton and form.sense == "=="):
                resting |= {space._tree.owner[parent] for parent in part.names}
            else:
                rows.append(_strictly(form, env, space, opposite=name not in skeleton))
    return rows, resting


_OPPOSITE = {"<=": ">", "<": ">=", ">=": "<", ">": "<="}
_MARGIN = 1e-9  # of the size of its terms, by which a strict inequality is kept


def _strictly(form: LinearForm, env: Mapping[str, Any], space: Space, *, opposite: bool) -> Row:
    """A condition as a row, or its opposite, with room for rounding where it is strict."""
    sense = _OPPOSITE[form.sense] if opposite else form.sense
    margin = _MARGIN * (abs(form.rhs) + sum(abs(value * float(env[name])) for name, value in form.coefficients.items()))
    rhs = form.rhs + {"<": -margin, ">": margin}.get(sense, 0.0)
    if len(form.coefficients) == 1 and sense in ("<", ">"):
        ((name, value),) = form.coefficients.items()
        plain = number(space.parameters[space._tree.owner[name]])
        if plain is not None and (step := _step(plain)) is not None:
            rhs = value * _before_next(form.rhs / value, plain.low, step, upward=(sense == ">") == (value > 0))
    return form.coefficients, sense, rhs


def _before_next(threshold: float, low: float, step: float, *, upward: bool) -> float:
    """Half a step before the first level beyond a threshold, so that no rounding decides."""
    k = (threshold - low) / step
    return low + step * (math.floor(k + 1e-9) + 0.5 if upward else math.ceil(k - 1e-9) - 0.5)


def _assemble(
    skeleton: Mapping[str, Any],
    variables: list[Variable],
    rows: list[Row],
    supports: list[Support],
    index: Mapping[str, int],
    env: Mapping[str, Any],
) -> LinearSystem:
    kept: dict[str, list[tuple[Array, float]]] = {"<=": [], "==": []}
    for coefficients, sense, rhs in rows:
        row, constant = np.zeros(len(variables)), 0.0
        for name, value in coefficients.items():
            if name in index:
                row[index[name]] += value
            else:
                constant += value * float(env[name])
        sign = -1.0 if sense[0] == ">" else 1.0
        kept["==" if sense == "==" else "<="].append((sign * row, sign * (rhs - constant)))
    A, b = _stack(kept["<="], len(variables))
    E, e = _stack(kept["=="], len(variables))
    return LinearSystem(skeleton, tuple(variables), A, b, E, e, tuple(supports))


_PASSES = 3  # of bounds tightening each other


def _tightened(A: Array, b: Array, low: Array, high: Array) -> tuple[Array, Array]:
    """Bounds that follow from ``A x <= b`` and bounds, a row at a time, where they cut away most of a range.

    Source: feasibility-based bound tightening (Savelsbergh 1994, section 1.1), with room for rounding.
    """
    low, high = low.copy(), high.copy()
    for _ in range(_PASSES):
        for row, bound in zip(A, b, strict=True):
            least = np.minimum(row * low, row * high)
            room = 1e-9 * (abs(bound) + np.abs(least).sum())
            for i in np.flatnonzero(row):
                end = (bound - (least.sum() - least[i]) + room) / row[i]
                if row[i] > 0 and low[i] <= end < low[i] + 0.5 * (high[i] - low[i]):
                    high[i] = end
                elif row[i] < 0 and high[i] >= end > high[i] - 0.5 * (high[i] - low[i]):
                    low[i] = end
    return low, high


def _stack(rows: list[tuple[Array, float]], width: int) -> tuple[Array, Array]:
    return np.array([row for row, _ in rows]).reshape(len(rows), width), np.array([rhs for _, rhs in rows])


def _support(part: Any, index: Mapping[str, int], env: Mapping[str, Any], variables: list[Variable]) -> Support | None:
    """``nonzero(a, b, c) <= 2`` as a support, where all arguments are names and all that may move can be zero."""
    match part:
        case Compare((op,), (Call("nonzero", arguments), Literal(bound))) if op in ("<=", "<", "=="):
            pass
        case Compare((op,), (Literal(bound), Call("nonzero", arguments))) if op in (">=", ">", "=="):
            pass
        case _:
            return None
    if not isinstance(bound, (int, float)) or not all(isinstance(argument, Name) for argument in arguments):
        return None
    names = [argument.name for argument in arguments if isinstance(argument, Name)]
    moving = [index[name] for name in names if name in index]
    if any(not variables[i].low <= 0.0 <= variables[i].high for i in moving):
        return None
    most = math.ceil(bound) - 1 if op in ("<", ">") else math.floor(bound)
    most -= sum(env[name] != 0 for name in names if name not in index)
    return Support(tuple(moving), most, 0.0) if 0 <= most < len(moving) else None


def _canonical(parameter: Float | Int, value: float) -> float | int:
    """A number in the range of its parameter, on its grid, of its type."""
    held = min(max(value, parameter.low), parameter.high)
    if isinstance(parameter, Float) and parameter.step is None:
        return float(held)
    if isinstance(parameter, Int) and parameter.step is None:
        return round(held)
    nearest: float | int = parameter.decode(parameter.encode([held]))[0]
    return nearest
