"""Conditions between parameters: which of them are active, in which order to ask, and how models are told."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cached_property
from typing import Any

from bbo.errors import InvalidSpace, OutOfRange
from bbo.space.array import Array
from bbo.space.expressions import Compare, Expression, Literal, Logic, Member, Name, check_truth, equality, parse
from bbo.space.expressions.types import Type
from bbo.space.parameter import Parameter
from surrogates.columns import Parent

_COUNTED = 20_000  # combinations of parents' values that are counted one by one

_MAX_COMBINATIONS = 4096  # of parents' values, listed for the models


def condition(parameter: Parameter) -> Expression | None:
    """The `when` of a parameter as one expression."""
    when: Any = parameter.when
    if when is None:
        return None
    if isinstance(when, str):
        return parse(when)
    if not isinstance(when, Mapping) or not when:
        raise InvalidSpace(f"when={when!r} must be a mapping such as {{'kernel': 'poly'}}, or an expression such as 'layers >= 2'")
    parts = tuple(equality(name, value) for name, value in when.items())
    return parts[0] if len(parts) == 1 else Logic("and", parts)


def walk(expression: Expression) -> Iterator[Expression]:
    """The node and all nodes below it."""
    yield expression
    for child in expression.children():
        yield from walk(child)


class Tree:
    """The conditions of a space."""

    def __init__(self, parameters: Mapping[str, Parameter]) -> None:
        self.parameters = parameters
        self.types: dict[str, Type] = {}
        self.owner: dict[str, str] = {}
        for name, parameter in parameters.items():
            for flat, kind in parameter.types(name).items():
                if flat in self.owner:
                    raise InvalidSpace(f"the name {flat!r} belongs to both {self.owner[flat]!r} and {name!r}; rename one")
                self.types[flat], self.owner[flat] = kind, name
        self.conditions: dict[str, Expression] = {}
        for name, parameter in parameters.items():
            expression = condition(parameter)
            if expression is not None:
                self.check(expression, f"when of parameter {name!r}")
                self.conditions[name] = expression
        self.parents = {
            name: tuple(sorted({self.owner[n] for n in e.names}, key=list(parameters).index)) for name, e in self.conditions.items()
        }
        self.inner = frozenset(parent for parents in self.parents.values() for parent in parents)
        self.order = self._topological()
        self._flat = [name for name, parameter in parameters.items() if tuple(parameter.types(name)) != (name,)]

    def check(self, expression: Expression, where: str) -> None:
        """Refuse unknown names, wrong types and impossible choices in an expression.

        Raises:
            InvalidSpace: With the nearest known name or choice.
        """
        for name in sorted(expression.names):
            if name not in self.types:
                raise InvalidSpace(f"{where}: unknown name {name!r}{nearest(name, self.types)}")
            if isinstance(getattr(owner := self.parameters[self.owner[name]], "inner", owner), Array):
                raise InvalidSpace(f"{where}: {name!r} is an array, of which expressions cannot speak; constrain it with a callable")
        check_truth(expression, self.types)
        for node in walk(expression):
            for name, value in _constants_beside(node):
                parameter = self.parameters[self.owner[name]]
                if parameter.cardinality is not None and self.types[name] != "number":
                    try:
                        parameter.check(value, name)
                    except OutOfRange as error:
                        raise InvalidSpace(f"{where}: {error}") from None

    def _topological(self) -> tuple[str, ...]:
        order: dict[str, None] = {}
        path: list[str] = []

        def visit(name: str) -> None:
            if name in order:
                return
            if name in path:
                cycle = " -> ".join([*path[path.index(name) :], name])
                raise InvalidSpace(f"the conditions form a cycle: {cycle}; remove one `when`")
            path.append(name)
            for parent in self.parents.get(name, ()):
                visit(parent)
            path.pop()
            order[name] = None

        for name in self.parameters:
            visit(name)
        return tuple(order)

    def env(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """The values under the names that expressions use."""
        if not self._flat:
            return params
        env = dict(params)
        for name in self._flat:
            if name in params:
                env.update(self.parameters[name].flat(name, params[name]))
        return env

    def is_active(self, name: str, params: Mapping[str, Any], active: Mapping[str, bool | None]) -> bool | None:
        """Whether a parameter is active, given that for those before it in `order`; None when a parent's value is missing."""
        expression = self.conditions.get(name)
        if expression is None:
            return True
        states = [active[parent] for parent in self.parents[name]]
        if False in states:
            return False
        if None in states or any(parent not in params for parent in self.parents[name]):
            return None
        return bool(expression.evaluate(self.env(params)))

    def prune(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """The active part of a mapping that has a value for every parameter, in order of declaration."""
        if not self.conditions:
            return dict(params)
        active: dict[str, bool | None] = {}
        for name in self.order:
            active[name] = self.is_active(name, params, active)
        return {name: value for name, value in params.items() if active[name]}

    def assignments(self, values: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Every choice of active values; `values[name]()` iterates over a parameter's values, and only its keys are asked."""
        order = [name for name in self.order if name in values]

        def extend(at: int, chosen: dict[str, Any], active: dict[str, bool | None]) -> Iterator[dict[str, Any]]:
            if at == len(order):
                yield dict(chosen)
                return
            name = order[at]
            active[name] = self.is_active(name, chosen, active)
            if active[name]:
                for value in values[name]():
                    chosen[name] = value
                    yield from extend(at + 1, chosen, active)
                del chosen[name]
            else:
                yield from extend(at + 1, chosen, active)

        return extend(0, {}, {})

    @cached_property
    def cardinality(self) -> int | None:
        """Number of different points, None when infinite; independent groups of parameters are counted apart and multiplied.

        Where conditions rest on very many combinations of values, a group counts as if all of its parameters were active: too many.
        """
        counts = {name: parameter.cardinality for name, parameter in self.parameters.items()}
        if None in counts.values():
            return None
        total = 1
        for members in self._components():
            values = {name: _grid_of(self.parameters[name]) for name in members if name in self.inner}
            leaves = [name for name in members if name not in self.inner]
            part = 0
            for number, chosen in enumerate(self.assignments(values)):
                if number == _COUNTED:
                    part = math.prod(counts[name] or 0 for name in members)
                    break
                active: dict[str, bool | None] = {name: name in chosen for name in values}
                part += math.prod(counts[name] or 0 for name in leaves if self.is_active(name, chosen, active))
            total *= part
        return total

    def _components(self) -> list[set[str]]:
        components: list[set[str]] = []
        for name in self.parameters:
            linked = {name, *self.parents.get(name, ())}
            touching = [component for component in components if component & linked]
            components = [component for component in components if not component & linked] + [linked.union(*touching)]
        return components

    def column_parents(self, first_column: Mapping[str, int]) -> dict[str, Parent]:
        """The conditions as statements about encoded columns; `first_column` gives the place of each parameter."""
        found: dict[str, Parent] = {}
        for name, expression in self.conditions.items():
            encoded = self._encoded_parents(name)
            columns = tuple(first_column[parent] + k for parent in encoded for k in range(self.parameters[parent].columns_wide))
            sizes = [self.parameters[parent].cardinality for parent in encoded]
            values = None
            if all(size is not None for size in sizes) and math.prod(size or 0 for size in sizes) <= _MAX_COMBINATIONS:
                held = self._combinations(name, encoded)
                if not held:
                    raise InvalidSpace(f"when of parameter {name!r}: {str(expression)!r} never holds; change it, or remove {name!r}")
                values = tuple(dict.fromkeys(held))
            found[name] = Parent(columns, values)
        return found

    def _encoded_parents(self, name: str) -> list[str]:
        """The parents with columns; one without (a fixed value) stands for its own parents."""
        found: dict[str, None] = {}
        for parent in self.parents.get(name, ()):
            found.update(dict.fromkeys([parent] if self.parameters[parent].columns_wide else self._encoded_parents(parent)))
        return list(found)

    def _combinations(self, name: str, encoded: list[str]) -> list[tuple[float, ...]]:
        """Encoded values of active parents under which the parameter is active."""
        held = []
        constants = {n: value for n, p in self.parameters.items() if not p.columns_wide for value in p.grid(1)}
        for combination in itertools.product(*(list(self.parameters[parent].grid(1)) for parent in encoded)):
            values = {**constants, **dict(zip(encoded, combination, strict=True))}
            active: dict[str, bool | None] = dict.fromkeys(encoded, True)
            for other in self.order:
                if other == name:
                    break
                if other in constants:
                    active[other] = all(p in active for p in self.parents.get(other, ())) and self.is_active(other, values, active)
            if self.is_active(name, values, active):
                held.append(tuple(u for p in encoded for u in self.parameters[p].encode([values[p]])[0].tolist()))
        return held

    def thresholds(self, name: str) -> tuple[float, ...]:
        """Constants that conditions compare the parameter with."""
        found = {
            float(value)
            for expression in self.conditions.values()
            for node in walk(expression)
            for compared, value in _constants_beside(node)
            if compared == name and isinstance(value, (int, float)) and not isinstance(value, bool)
        }
        return tuple(sorted(found))


def _constants_beside(node: Expression) -> Iterator[tuple[str, Any]]:
    """Names and the constants they are compared with, in this node itself."""
    match node:
        case Member(Name(name), choices, _):
            yield from ((name, choice) for choice in choices)
        case Compare(_, operands):
            for left, right in itertools.pairwise(operands):
                for a, b in ((left, right), (right, left)):
                    if isinstance(a, Name) and isinstance(b, Literal):
                        yield a.name, b.value


def _grid_of(parameter: Parameter) -> Any:
    return lambda: parameter.grid(1)


def nearest(name: str, known: Mapping[str, Any]) -> str:
    """A hint at the known name nearest to an unknown one."""
    near = get_close_matches(str(name), list(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else f"; known are {', '.join(map(repr, known)) or 'none'}"
