"""A user's functions in a log: by module, name and a hash of their source.

In a study in memory a function may also be one that nobody can import, such as a lambda: the process keeps it, and the log says which.
"""

from __future__ import annotations

import hashlib
import inspect
import textwrap
from collections.abc import Mapping
from functools import reduce
from importlib import import_module
from typing import Any

from bbo.errors import BBOError

_HELD: dict[int, Any] = {}
"""By their ids, which stay theirs since they are kept as long as the process lives: a log in memory may name them at any time."""


def name_of(function: Any) -> str:
    """``module:qualname``; what it prints as in place of the latter where it has none."""
    return f"{getattr(function, '__module__', '?')}:{getattr(function, '__qualname__', repr(function))}"


def source_hash(function: Any) -> str | None:
    """SHA-256 of the source text, None where there is none."""
    try:
        source = inspect.getsource(function)
    except (OSError, TypeError):
        return None
    return hashlib.sha256(textwrap.dedent(source).encode()).hexdigest()


def record(function: Any, *, durable: bool, what: str, way_out: str, error: type[BBOError]) -> dict[str, Any]:
    """Name and hash as JSON, from which `recall` finds the function.

    Args:
        function: Any callable.
        durable: Whether other processes are to find it.
        what: What it is to the user, for messages: "the constraint".
        way_out: What else to do than to keep the study in memory, as the start of a sentence.
        error: What is raised.

    Raises:
        BBOError: `error`, with `durable`, for what another process could not import.
    """
    name, digest = name_of(function), source_hash(function)
    module, _, qualified = name.partition(":")
    if durable and (module in ("?", "__main__") or "<" in qualified or digest is None):
        raise error(
            f"{what} {name} cannot be stored: a stored study needs a function of an importable module. "
            f"{way_out}, or keep the study in memory (storage=None)"
        )
    data: dict[str, Any] = {"callable": name, "sha256": digest}
    if not durable:
        try:
            importable = _imported(name) is function
        except (ImportError, AttributeError, ValueError):
            importable = False
        if not importable:
            _HELD[id(function)] = function
            data["held"] = id(function)
    return data


def recorded(value: Any) -> bool:
    """Whether a value from a log is what `record` wrote."""
    return isinstance(value, Mapping) and isinstance(value.get("callable"), str)


def shown(value: Any) -> str:
    """A setting from a log for people: functions by their names."""
    return str(value["callable"]) if recorded(value) else repr(value)


def recall(data: Mapping[str, Any], *, what: str, way_out: str, error: type[BBOError]) -> Any:
    """The function that `record` wrote down; the arguments are its own, `way_out` for one whose source changed.

    Raises:
        BBOError: `error`: it cannot be imported, or its source is not what it was.
    """
    name = data["callable"]
    found = _HELD.get(data.get("held", 0))
    if found is not None and name_of(found) == name and source_hash(found) == data.get("sha256"):
        return found
    try:
        found = _imported(name)
    except (ImportError, AttributeError, ValueError) as reason:
        raise error(f"{what} {name} cannot be imported ({reason}); put its module on the path") from reason
    if data.get("sha256") not in (None, source_hash(found)):
        raise error(f"the source of {what} {name} changed since it was recorded; {way_out}")
    return found


def _imported(name: str) -> Any:
    module, _, qualified = name.partition(":")
    return reduce(getattr, qualified.split("."), import_module(module))
