"""Recursive-descent parser of expressions. The grammar is Python's, cut down to what a constraint needs."""

from __future__ import annotations

import re
from difflib import get_close_matches

from bbo.errors import InvalidSpace
from bbo.space.expressions.arithmetic import FUNCTIONS
from bbo.space.expressions.nodes import Binary, Call, Compare, Expression, Literal, Logic, Member, Name, Unary, Value

_TOKEN = re.compile(
    r"""\s*(?:
    (?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
  | (?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
  | (?P<name>(?:`[^`]+`|[^\W\d]\w*)(?:\.(?:`[^`]+`|[^\W\d]\w*))*)
  | (?P<op>\*\*|<=|>=|==|!=|[-+*/<>(),\[\]])
  )""",
    re.VERBOSE,
)
_ESCAPE = re.compile(r"\\(.)")
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r"}
_COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")
_CONSTANTS: dict[str, Value] = {"True": True, "False": False, "None": None}
_MAX_DEPTH = 40
_MAX_LENGTH = 10_000


def parse(text: str) -> Expression:
    """Parse an expression such as ``"lr * layers <= 0.05"`` or ``"nonzero(a, b, c) <= 2 and kernel in ['rbf', 'poly']"``.

    Numbers, strings, True, False, None; ``+ - * / **``; comparisons and chains of them; ``and or not``; ``in`` and ``not in``
    a list of constants; the functions min, max, abs, sqrt, log (natural), exp and nonzero (how many arguments are not zero).
    A name is an identifier, with dots for members (``mix.THF``); any other name is written between backquotes.

    Raises:
        InvalidSpace: The text is not such an expression; the message shows where.
    """
    if not isinstance(text, str):
        raise InvalidSpace(f"an expression is a string, got {type(text).__name__}")
    return _Parser(text).whole()


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        if len(text) > _MAX_LENGTH:
            raise InvalidSpace(f"an expression of {len(text)} characters is too long; the limit is {_MAX_LENGTH}")
        self.tokens = self._tokens()
        self.at = 0
        self.depth = 0

    def _tokens(self) -> list[tuple[str, str, int]]:
        found: list[tuple[str, str, int]] = []
        position, end = 0, len(self.text.rstrip())
        while position < end:
            match = _TOKEN.match(self.text, position)
            if match is None:
                while self.text[position].isspace():
                    position += 1
                raise self._refuse(f"{self.text[position]!r} is not allowed here", position)
            kind = str(match.lastgroup)
            found.append((kind, match.group(kind), match.start(kind)))
            position = match.end()
        return [*found, ("end", "", end)]

    def _refuse(self, why: str, position: int) -> InvalidSpace:
        return InvalidSpace(f"expression {self.text!r}: {why} (at character {position + 1})")

    def _peek(self, *texts: str) -> bool:
        kind, text, _ = self.tokens[self.at]
        return kind in ("op", "name") and text in texts

    def _accept(self, *texts: str) -> str | None:
        if not self._peek(*texts):
            return None
        self.at += 1
        return self.tokens[self.at - 1][1]

    def _expect(self, text: str) -> None:
        if self._accept(text) is None:
            kind, found, position = self.tokens[self.at]
            raise self._refuse(f"expected {text!r}, found {'the end' if kind == 'end' else repr(found)}", position)

    def whole(self) -> Expression:
        result = self._or()
        kind, text, position = self.tokens[self.at]
        if kind != "end":
            hint = "; write == to compare" if text == "=" else ""
            raise self._refuse(f"{text!r} is not expected here{hint}", position)
        return result

    def _or(self) -> Expression:
        return self._logic("or")

    def _logic(self, op: str) -> Expression:
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            raise self._refuse("nested too deeply", self.tokens[self.at][2])
        below = self._and if op == "or" else self._not
        arguments = [below()]
        while self._accept(op):
            arguments.append(below())
        self.depth -= 1
        return arguments[0] if len(arguments) == 1 else Logic(op, tuple(arguments))

    def _and(self) -> Expression:
        return self._logic("and")

    def _not(self) -> Expression:
        negations = 0
        while self._accept("not"):
            negations += 1
        inner = self._comparison()
        return inner if negations % 2 == 0 else Unary("not", inner)

    def _comparison(self) -> Expression:
        first = self._sum()
        if self._peek("in", "not"):
            negated = self._accept("not") is not None
            self._expect("in")
            return Member(first, self._list(), negated)
        ops: list[str] = []
        operands = [first]
        while (op := self._accept(*_COMPARISONS)) is not None:
            ops.append(op)
            operands.append(self._sum())
        return Compare(tuple(ops), tuple(operands)) if ops else first

    def _list(self) -> tuple[Value, ...]:
        position = self.tokens[self.at][2]
        close = ")" if self._accept("(") else "]"
        if close == "]":
            self._expect("[")
        items: list[Value] = []
        while not self._peek(close):
            item = self._sum()
            if not isinstance(item, Literal):
                raise self._refuse("a list holds constants only", position)
            items.append(item.value)
            if not self._accept(","):
                break
        self._expect(close)
        if not items:
            raise self._refuse("the list is empty", position)
        return tuple(items)

    def _sum(self) -> Expression:
        left = self._product()
        while (op := self._accept("+", "-")) is not None:
            left = Binary(op, left, self._product())
        return left

    def _product(self) -> Expression:
        left = self._sign()
        while (op := self._accept("*", "/")) is not None:
            left = Binary(op, left, self._sign())
        return left

    def _sign(self) -> Expression:
        signs = ""
        while (op := self._accept("-", "+")) is not None:
            signs += op
        inner = self._power()
        if signs.count("-") % 2 == 0:
            return inner
        if isinstance(inner, Literal) and isinstance(inner.value, (int, float)) and not isinstance(inner.value, bool):
            return Literal(-inner.value)
        return Unary("negate", inner)

    def _power(self) -> Expression:
        base = self._atom()
        if self._accept("**"):
            self.depth += 1
            if self.depth > _MAX_DEPTH:
                raise self._refuse("nested too deeply", self.tokens[self.at][2])
            exponent = self._sign()
            self.depth -= 1
            return Binary("**", base, exponent)
        return base

    def _atom(self) -> Expression:
        kind, text, position = self.tokens[self.at]
        self.at += 1
        if kind == "number":
            return Literal(self._number(text, position))
        if kind == "string":
            return Literal(_ESCAPE.sub(lambda match: _ESCAPED.get(match[1], match[1]), text[1:-1]))
        if kind == "op" and text == "(":
            inner = self._or()
            self._expect(")")
            return inner
        if kind == "name":
            return self._name(text, position)
        found = "the expression ends too early" if kind == "end" else f"{text!r} is not expected here"
        raise self._refuse(found, position)

    def _number(self, text: str, position: int) -> int | float:
        value = float(text)
        if text.isdigit() and value < 1e300:
            return int(text)
        if value > 1e300:
            raise self._refuse(f"the number {text[:20]} is too large", position)
        return value

    def _name(self, text: str, position: int) -> Expression:
        if text in _CONSTANTS:
            return Literal(_CONSTANTS[text])
        if text in ("and", "or", "not", "in"):
            raise self._refuse(f"{text!r} is not expected here; a parameter of that name is written between backquotes", position)
        if not self._accept("("):
            return Name(text.replace("`", ""))
        if text not in FUNCTIONS:
            near = get_close_matches(text, FUNCTIONS, n=1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise self._refuse(f"unknown function {text!r}; {hint}allowed are {', '.join(FUNCTIONS)}", position)
        arguments: list[Expression] = []
        while not self._peek(")"):
            arguments.append(self._or())
            if not self._accept(","):
                break
        self._expect(")")
        least, most = FUNCTIONS[text]
        if len(arguments) < least or (most is not None and len(arguments) > most):
            raise self._refuse(f"{text} takes {'one argument' if most == 1 else 'at least one argument'}, got {len(arguments)}", position)
        return Call(text, tuple(arguments))
