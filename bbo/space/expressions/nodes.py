"""The syntax tree of an expression: frozen nodes that know their names, their text and their value."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from bbo.space.expressions.arithmetic import ARRAY, SCALAR, Table

Value = bool | int | float | str | None

_PLAIN = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*\Z")
_WORDS = frozenset({"and", "or", "not", "in", "True", "False", "None"})


@dataclass(frozen=True)
class Expression(ABC):
    """A node of the tree."""

    @abstractmethod
    def children(self) -> tuple[Expression, ...]:
        """The nodes right below."""

    @abstractmethod
    def compute(self, env: Mapping[str, Any], table: Table) -> Any:
        """The value under `env`, with the operations of `table`."""

    @cached_property
    def names(self) -> frozenset[str]:
        """Every name that stands in the expression, members as ``mix.THF``."""
        return frozenset().union(*(child.names for child in self.children()))

    def evaluate(self, env: Mapping[str, Any]) -> Any:
        """The value under a mapping of names to Python scalars; NaN where an operation has no value."""
        return self.compute(env, SCALAR)

    def evaluate_arrays(self, env: Mapping[str, Any]) -> Any:
        """The value under a mapping of names to arrays of one shape (or scalars), element by element."""
        return self.compute(env, ARRAY)


@dataclass(frozen=True)
class Literal(Expression):
    """A number, a string, a truth value or None."""

    value: Value

    def __str__(self) -> str:
        return repr(self.value)

    def children(self) -> tuple[Expression, ...]:
        return ()

    def compute(self, env: Mapping[str, Any], table: Table) -> Any:
        return self.value


@dataclass(frozen=True)
class Name(Expression):
    """A parameter, an outcome, or a member such as ``mix.THF``."""

    name: str

    def __str__(self) -> str:
        return self.name if _PLAIN.match(self.name) and self.name not in _WORDS else f"`{self.name}`"

    @cached_property
    def names(self) -> frozenset[str]:
        """The name itself."""
        return frozenset({self.name})

    def children(self) -> tuple[Expression, ...]:
        return ()

    def compute(self, env: Mapping[str, Any], table: Table) -> Any:
        return env[self.name]


@dataclass(frozen=True)
class Unary(Expression):
    """``-x`` (op ``negate``) or ``not x``."""

    op: str
    argument: Expression

    def __str__(self) -> str:
        return f"-{_inner(self.argument)}" if self.op == "negate" else f"not {_inner(self.argument)}"

    def children(self) -> tuple[Expression, ...]:
        return (self.argument,)

    def compute(self, env: Mapping[str, Any], table: Table) -> Any:
        return table[self.op](self.argument.compute(env, table))


@dataclass(frozen=True)
class Binary(Expression):
    """Arithmetic: ``+ - * / **``."""

    op: str
    left: Expression
    right: Expression

    def __str__(self) -> str:
        return f"{_inner(self.left)} {self.op} {_inner(self.right)}"

    def children(self) -> tuple[Expression, ...]:
        return (self.left, self.right)

    def compute(self, env: Mapping[str, Any], table: Table) -> Any:
        return table[self.op](self.left.compute(env, table), self.right.compute(env, table))


@dataclass(frozen=True)
class Compare(Expression):
    """A chain of comparisons, ``0 <= x + y < 1``: `operands` has one entry more than `ops`."""

    ops: tuple[str, ...]
    operands: tuple[Expression, ...]

    def __str__(self) -> str:
        rest = (f"{op} {_inner(operand)}" for op, operand in zip(self.ops, self.operands[1:], strict=True))
        return " ".join([_inner(self.operands[0]), *rest])

    def children(self) -> tuple[Expression, ...]:
        return self.operands

    def compute(self, env: Mapping[str, Any], table: Table) -> Any:
        values = [operand.compute(env, table) for operand in self.operands]
        links = [table[op](left, right) for op, left, right in zip(self.ops, values[:-1], values[1:], strict=True)]
        return links[0] if len(links) == 1 else table["and"](*links)


@dataclass(frozen=True)
class Logic(Expression):
    """``and`` or ``or`` of two or more."""

    op: str
    arguments: tuple[Expression, ...]

    def __str__(self) -> str:
        return f" {self.op} ".join(_inner(argument) for argument in self.arguments)

    def children(self) -> tuple[Expression, ...]:
        return self.arguments

    def compute(self, env: Mapping[str, Any], table: Table) -> Any:
        return table[self.op](*(argument.compute(env, table) for argument in self.arguments))


@dataclass(frozen=True)
class Call(Expression):
    """A call of one of the listed functions."""

    function: str
    arguments: tuple[Expression, ...]

    def __str__(self) -> str:
        return f"{self.function}({', '.join(map(str, self.arguments))})"

    def children(self) -> tuple[Expression, ...]:
        return self.arguments

    def compute(self, env: Mapping[str, Any], table: Table) -> Any:
        return table[self.function](*(argument.compute(env, table) for argument in self.arguments))


@dataclass(frozen=True)
class Member(Expression):
    """``item in [a, b]``, or ``item not in [a, b]`` when negated."""

    item: Expression
    choices: tuple[Value, ...]
    negated: bool = False

    def __str__(self) -> str:
        return f"{_inner(self.item)} {'not in' if self.negated else 'in'} [{', '.join(map(repr, self.choices))}]"

    def children(self) -> tuple[Expression, ...]:
        return (self.item,)

    def compute(self, env: Mapping[str, Any], table: Table) -> Any:
        value = self.item.compute(env, table)
        found = table["or"](*(table["=="](value, choice) for choice in self.choices))
        return table["not"](found) if self.negated else found


def _inner(node: Expression) -> str:
    """Text of a node inside another, in parentheses unless it is an atom."""
    atom = isinstance(node, (Literal, Name, Call)) and not (isinstance(node, Literal) and _is_signed(node.value))
    return str(node) if atom else f"({node})"


def _is_signed(value: Value) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value < 0


def equality(name: str, value: Value | Iterable[Value]) -> Expression:
    """``name == value``, or membership when `value` is a list or tuple."""
    if isinstance(value, (list, tuple)):
        return Member(Name(name), tuple(value))
    return Compare(("==",), (Name(name), Literal(value)))  # type: ignore[arg-type]


def conjuncts(expression: Expression) -> tuple[Expression, ...]:
    """The parts that must all hold: the arguments of ``and``, and the links of a chain of comparisons."""
    if isinstance(expression, Logic) and expression.op == "and":
        return tuple(part for argument in expression.arguments for part in conjuncts(argument))
    if isinstance(expression, Compare) and len(expression.ops) > 1:
        links = zip(expression.ops, expression.operands[:-1], expression.operands[1:], strict=True)
        return tuple(Compare((op,), (left, right)) for op, left, right in links)
    return (expression,)
