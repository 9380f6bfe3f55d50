"""Recognize linear comparisons, so that linear programming can be used on them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from bbo.space.expressions.nodes import Binary, Compare, Expression, Literal, Name, Unary


@dataclass(frozen=True)
class LinearForm:
    """``sum(coefficients[name] * name) sense rhs``, with sense one of ``<= < >= > ==``."""

    coefficients: Mapping[str, float]
    sense: str
    rhs: float


_Affine = tuple[dict[str, float], float]


def linear_form(expression: Expression) -> LinearForm | None:
    """The comparison as a linear form with the constants on the right, or None when it is not one single linear comparison.

    Split chains and conjunctions with `conjuncts` first.
    """
    if not isinstance(expression, Compare) or len(expression.ops) != 1 or expression.ops[0] == "!=":
        return None
    left, right = (_affine(operand) for operand in expression.operands)
    if left is None or right is None:
        return None
    difference = _add(left, right, -1.0)
    coefficients = {name: value for name, value in sorted(difference[0].items()) if value != 0}
    if not coefficients or not all(map(math.isfinite, [*coefficients.values(), difference[1]])):
        return None
    return LinearForm(coefficients, expression.ops[0], -difference[1])


def _affine(node: Expression) -> _Affine | None:
    match node:
        case Literal(value) if isinstance(value, (int, float)) and not isinstance(value, bool):
            return {}, float(value)
        case Name(name):
            return {name: 1.0}, 0.0
        case Unary("negate", argument):
            inner = _affine(argument)
            return None if inner is None else _scale(inner, -1.0)
        case Binary(op, left, right):
            a, b = _affine(left), _affine(right)
            if a is None or b is None:
                return None
            if op in ("+", "-"):
                return _add(a, b, 1.0 if op == "+" else -1.0)
            if op == "*" and not b[0]:
                return _scale(a, b[1])
            if op == "*" and not a[0]:
                return _scale(b, a[1])
            if op == "/" and not b[0] and b[1] != 0:
                return _scale(a, 1.0 / b[1])
    return None


def _add(a: _Affine, b: _Affine, sign: float) -> _Affine:
    total = dict(a[0])
    for name, value in b[0].items():
        total[name] = total.get(name, 0.0) + sign * value
    return total, a[1] + sign * b[1]


def _scale(a: _Affine, factor: float) -> _Affine:
    return {name: factor * value for name, value in a[0].items()}, factor * a[1]
