"""Expressions over parameters and outcomes: parsed to a safe syntax tree, never evaluated as Python."""

from bbo.space.expressions.linear import LinearForm, linear_form
from bbo.space.expressions.nodes import (
    Binary,
    Call,
    Compare,
    Expression,
    Literal,
    Logic,
    Member,
    Name,
    Unary,
    Value,
    conjuncts,
    equality,
)
from bbo.space.expressions.parser import parse
from bbo.space.expressions.smooth import excess
from bbo.space.expressions.types import check_truth

__all__ = [
    "Binary",
    "Call",
    "Compare",
    "Expression",
    "LinearForm",
    "Literal",
    "Logic",
    "Member",
    "Name",
    "Unary",
    "Value",
    "check_truth",
    "conjuncts",
    "equality",
    "excess",
    "linear_form",
    "parse",
]
