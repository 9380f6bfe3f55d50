"""Recognize inequalities between smooth expressions, so that searches can follow their boundaries."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bbo.space.expressions.nodes import Binary, Call, Compare, Expression, Literal, Name, Unary

Array = NDArray[np.float64]


def excess(expression: Expression, low: Mapping[str, float]) -> Callable[[Mapping[str, Any]], Array] | None:
    """A smooth function of arrays that is at most zero where an inequality holds; None where the expression is something else.

    It is the difference of the sides, or of their logarithms where both are sums, products, quotients and powers of positive
    numbers, which suits values of many orders of magnitude. Split chains and conjunctions with `conjuncts` first.

    Args:
        expression: Of numbers.
        low: The least value of each name.
    """
    if not isinstance(expression, Compare) or len(expression.ops) != 1 or expression.ops[0] in ("==", "!="):
        return None
    left, right = expression.operands if expression.ops[0][0] == "<" else expression.operands[::-1]
    if not (_smooth(left) and _smooth(right)):
        return None
    both_positive = _positive(left, low) and _positive(right, low)

    def over(env: Mapping[str, Any]) -> Array:
        with np.errstate(all="ignore"):
            less, more = (np.asarray(side.evaluate_arrays(env), dtype=float) for side in (left, right))
            return np.asarray(np.log(less) - np.log(more) if both_positive else less - more)

    return over


def _smooth(node: Expression) -> bool:
    """Whether a number is a smooth function of its names, where it has a value."""
    match node:
        case Literal() | Name():
            return True
        case Unary("negate", argument):
            return _smooth(argument)
        case Binary(_, left, right):
            return _smooth(left) and _smooth(right)
        case Call("sqrt" | "log" | "exp", arguments):
            return all(map(_smooth, arguments))
    return False


def _positive(node: Expression, low: Mapping[str, float]) -> bool:
    """Whether a number is seen to be positive from its form."""
    match node:
        case Literal(value):
            return isinstance(value, (int, float)) and value > 0
        case Name(name):
            return low[name] > 0
        case Binary("+" | "*" | "/", left, right):
            return _positive(left, low) and _positive(right, low)
        case Binary("**", left, _):
            return _positive(left, low)
        case Call("exp", _):
            return True
        case Call("sqrt", (argument,)):
            return _positive(argument, low)
    return False
