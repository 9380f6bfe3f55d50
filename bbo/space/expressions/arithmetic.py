"""The operations of expressions, once on Python scalars and once on NumPy arrays.

What has no value (a logarithm of zero, a division by zero) is NaN, and every comparison with NaN but ``!=`` is false.
Numbers are equal when they agree to a relative 1e-9, so that ``a + b == 1`` can hold in floating point.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

RELATIVE = 1e-9
ABSOLUTE = 1e-12

Table = Mapping[str, Callable[..., Any]]


def _guarded(function: Callable[..., float]) -> Callable[..., float]:
    def guarded(*args: float) -> float:
        try:
            return function(*args)
        except (ValueError, ZeroDivisionError, OverflowError):
            return math.nan

    return guarded


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _equal(left: Any, right: Any) -> bool:
    if _is_number(left) and _is_number(right):
        return math.isclose(left, right, rel_tol=RELATIVE, abs_tol=ABSOLUTE)
    return isinstance(left, bool) == isinstance(right, bool) and bool(left == right)


def _equal_arrays(left: Any, right: Any) -> Any:
    left, right = np.asarray(left), np.asarray(right)
    if left.dtype.kind in "iuf" and right.dtype.kind in "iuf":
        return np.abs(left - right) <= np.maximum(RELATIVE * np.maximum(np.abs(left), np.abs(right)), ABSOLUTE)
    return np.vectorize(_equal, otypes=[bool])(left.astype(object), right.astype(object))


def _quiet(function: Callable[..., Any]) -> Callable[..., Any]:
    def quiet(*args: Any) -> Any:
        with np.errstate(all="ignore"):
            value = function(*(np.asarray(arg, dtype=float) for arg in args))
        return np.where(np.isfinite(value), value, np.nan)

    return quiet


def _fold(function: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    def folded(*args: Any) -> Any:
        result = args[0]
        for arg in args[1:]:
            result = function(result, arg)
        return result

    return folded


_ORDER: dict[str, Callable[..., Any]] = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}

SCALAR: Table = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _guarded(operator.truediv),
    "**": _guarded(math.pow),
    "negate": operator.neg,
    **_ORDER,
    "==": _equal,
    "!=": lambda left, right: not _equal(left, right),
    "not": operator.not_,
    "and": lambda *args: all(args),
    "or": lambda *args: any(args),
    "min": min,
    "max": max,
    "abs": abs,
    "sqrt": _guarded(math.sqrt),
    "log": _guarded(math.log),
    "exp": _guarded(math.exp),
    "nonzero": lambda *args: sum(arg != 0 for arg in args),
}

ARRAY: Table = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _quiet(np.divide),
    "**": _quiet(np.power),
    "negate": operator.neg,
    **_ORDER,
    "==": _equal_arrays,
    "!=": lambda left, right: ~_equal_arrays(left, right),
    "not": np.logical_not,
    "and": _fold(np.logical_and),
    "or": _fold(np.logical_or),
    "min": _fold(np.minimum),
    "max": _fold(np.maximum),
    "abs": np.abs,
    "sqrt": _quiet(np.sqrt),
    "log": _quiet(np.log),
    "exp": _quiet(np.exp),
    "nonzero": lambda *args: sum((np.asarray(arg) != 0).astype(int) for arg in args),
}

FUNCTIONS: Mapping[str, tuple[int, int | None]] = {
    "min": (1, None),
    "max": (1, None),
    "abs": (1, 1),
    "sqrt": (1, 1),
    "log": (1, 1),
    "exp": (1, 1),
    "nonzero": (1, None),
}
"""Functions an expression may call, with the least and greatest number of arguments."""
