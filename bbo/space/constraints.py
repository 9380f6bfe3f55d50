"""Known input constraints: expressions or callables that every proposal keeps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bbo.callables import name_of, recall, record, recorded
from bbo.errors import InvalidSpace
from bbo.space.expressions import Expression, LinearForm, conjuncts, linear_form, parse

_ROUNDING = 1e-10  # slack of a linear constraint, relative to the size of its terms: sums of decimals are not exact


@dataclass(frozen=True)
class Condition:
    """A known constraint written as an expression.

    It holds vacuously at points where a parameter in it is inactive. A linear part holds when it does up to rounding (1e-10 of the
    size of its terms), exactly so when all terms are whole numbers; every other part as written.

    Args:
        text: What the user wrote.
        expression: Its syntax tree.
        sizes: Largest magnitude of each name in it, None for names that are always whole numbers.
    """

    text: str
    expression: Expression
    sizes: Mapping[str, float | None]

    @property
    def names(self) -> frozenset[str]:
        """Names as the expression uses them."""
        return self.expression.names

    @cached_property
    def parts(self) -> tuple[tuple[Expression, LinearForm | None, float], ...]:
        """What must hold together: each part, its linear form if it has one, and that form's slack for rounding."""
        forms = [(part, linear_form(part)) for part in conjuncts(self.expression)]
        return tuple((part, form, 0.0 if form is None else self._slack(form)) for part, form in forms)

    @property
    def linear(self) -> bool:
        """Whether every part is linear."""
        return all(form is not None for _, form, _ in self.parts)

    def _slack(self, form: LinearForm) -> float:
        whole = all(self.sizes[name] is None and value == int(value) for name, value in form.coefficients.items())
        if whole and form.rhs == int(form.rhs):
            return 0.0
        return _ROUNDING * (abs(form.rhs) + sum(abs(value) * (self.sizes[name] or 1.0) for name, value in form.coefficients.items()))

    def holds(self, env: Mapping[str, Any], *, exact: bool = False) -> bool:
        """Whether it holds for these flat values; with `exact`, inequalities get no slack for rounding."""
        if any(name not in env for name in self.expression.names):
            return True
        return all(self._part_holds(env, *part, exact=exact) for part in self.parts)

    @staticmethod
    def _part_holds(env: Mapping[str, Any], part: Expression, form: LinearForm | None, slack: float, *, exact: bool) -> bool:
        if form is None or form.sense in ("<", ">") or (exact and form.sense != "==" and slack > 0):
            return bool(part.evaluate(env))
        return bool(_broken(form, sum(value * env[name] for name, value in form.coefficients.items()) - form.rhs) <= slack)

    def hold(self, env: Mapping[str, Any]) -> NDArray[np.bool_]:
        """`holds` for many points at once: flat values as arrays of shape `n`, all of them active."""
        kept = np.ones(len(next(iter(env.values()))), dtype=bool)
        with np.errstate(all="ignore"):
            for part in self.parts:
                kept &= self._part_hold(env, *part)
        return kept

    @staticmethod
    def _part_hold(env: Mapping[str, Any], part: Expression, form: LinearForm | None, slack: float) -> NDArray[np.bool_]:
        if form is None or form.sense in ("<", ">"):
            return np.asarray(part.evaluate_arrays(env), dtype=bool)
        excess = np.full(1, -form.rhs)
        for name, value in form.coefficients.items():
            excess = excess + value * np.asarray(env[name], dtype=float)
        return np.asarray(_broken(form, excess) <= slack)

    def to_json(self, *, durable: bool = False) -> str:
        """The text."""
        return self.text


def _broken(form: LinearForm, excess: Any) -> Any:
    """By how much a linear part is broken, where its left side exceeds the right one by a number or an array of them."""
    return abs(excess) if form.sense == "==" else excess if form.sense == "<=" else -excess


@dataclass(frozen=True, eq=False)
class Check:
    """A known constraint given as a callable: ``function(params) -> bool``.

    It is recorded as ``module:qualname`` with a hash of its source.
    """

    function: Callable[[dict[str, Any]], Any]

    @property
    def text(self) -> str:
        """Module and qualified name."""
        return name_of(self.function)

    @property
    def names(self) -> frozenset[str]:
        """Empty: what a callable reads is not known."""
        return frozenset()

    @property
    def parts(self) -> tuple[tuple[Expression, LinearForm | None, float], ...]:
        """Empty: a callable has no parts."""
        return ()

    @property
    def linear(self) -> bool:
        """False: nothing is known of its form."""
        return False

    def holds(self, params: Mapping[str, Any], *, exact: bool = False) -> bool:
        """Whether the callable returns a truth for these parameters."""
        return bool(self.function(dict(params)))

    def to_json(self, *, durable: bool = False) -> dict[str, Any]:
        """Name and hash.

        Raises:
            InvalidSpace: With `durable`, for what another process could not import.
        """
        way_out = "Move it into a module, write it as an expression"
        return record(self.function, durable=durable, what="the constraint", way_out=way_out, error=InvalidSpace)


Known = Condition | Check


def known_from_json(data: Any) -> str | Callable[[dict[str, Any]], Any]:
    """What `Space` takes as a constraint, from its recorded form.

    Raises:
        InvalidSpace: The callable cannot be imported, or its source is not what it was.
    """
    if isinstance(data, str):
        return data
    if not recorded(data):
        raise InvalidSpace(f"constraint {data!r} must be an expression or {{'callable': 'module:name', 'sha256': ...}}")
    way_out = "restore it, or redefine the study's space"
    found: Callable[[dict[str, Any]], Any] = recall(data, what="the constraint", way_out=way_out, error=InvalidSpace)
    return found


def make_known(constraint: Any, size: Callable[[str], float | None], check: Callable[[Expression, str], None]) -> Known:
    """A constraint as given by a user; `size` and `check` tell what the space knows of a name and of an expression.

    Raises:
        InvalidSpace: Neither an expression nor a callable, or not a sound expression.
    """
    if callable(constraint):
        return Check(constraint)
    if not isinstance(constraint, str):
        raise InvalidSpace(f"constraint {constraint!r} must be an expression such as 'x + y <= 1', or a callable of the parameters")
    expression = parse(constraint)
    check(expression, f"constraint {constraint!r}")
    if not expression.names:
        raise InvalidSpace(f"constraint {constraint!r} mentions no parameter")
    return Condition(constraint, expression, {name: size(name) for name in expression.names})
