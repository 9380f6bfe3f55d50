"""Type rules of expressions: arithmetic and order need numbers, `and`, `or`, `not` need truths, a constraint is a truth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal as Choice

from bbo.errors import InvalidSpace
from bbo.space.expressions.nodes import Binary, Call, Compare, Expression, Literal, Logic, Member, Name, Unary

Type = Choice["number", "truth", "label"]


def check_truth(expression: Expression, types: Mapping[str, Type]) -> None:
    """Refuse an expression that is not a truth value under the types of its names.

    Raises:
        InvalidSpace: The expression is a number or a label, or an operation in it does not fit the types of its operands.
    """
    if _type(expression, types, expression) != "truth":
        raise InvalidSpace(f"expression {str(expression)!r} is not a condition; compare it with something, as in 'x + y <= 1'")


def _need(wanted: Type, node: Expression, types: Mapping[str, Type], whole: Expression) -> None:
    found = _type(node, types, whole)
    if found != wanted:
        raise InvalidSpace(f"expression {str(whole)!r}: {str(node)!r} is a {found}, and a {wanted} is needed there")


def _type(node: Expression, types: Mapping[str, Type], whole: Expression) -> Type:
    match node:
        case Literal(value):
            if isinstance(value, bool):
                return "truth"
            return "number" if isinstance(value, (int, float)) else "label"
        case Name(name):
            return types[name]
        case Unary(op, argument):
            wanted: Type = "number" if op == "negate" else "truth"
            _need(wanted, argument, types, whole)
            return wanted
        case Binary(_, left, right):
            _need("number", left, types, whole)
            _need("number", right, types, whole)
            return "number"
        case Compare(ops, operands):
            for op, left, right in zip(ops, operands[:-1], operands[1:], strict=True):
                if op not in ("==", "!="):
                    _need("number", left, types, whole)
                    _need("number", right, types, whole)
                else:
                    _type(left, types, whole)
                    _type(right, types, whole)
            return "truth"
        case Logic(_, arguments):
            for argument in arguments:
                _need("truth", argument, types, whole)
            return "truth"
        case Call(_, arguments):
            for argument in arguments:
                _need("number", argument, types, whole)
            return "number"
        case Member(item, _, _):
            _type(item, types, whole)
            return "truth"
    raise AssertionError(node)
