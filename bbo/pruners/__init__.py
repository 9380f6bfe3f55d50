"""Early stopping: rules that stop a trial whose intermediate values fall behind."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from importlib import import_module
from typing import Any, ClassVar, Protocol, runtime_checkable

from bbo.errors import InvalidStudy
from bbo.log.ledger import Ledger, Record
from bbo.problem import Problem


@runtime_checkable
class Pruner(Protocol):
    """A frozen settings dataclass that judges a trial by its reports. Pure: the same ledger gives the same answer."""

    name: ClassVar[str]

    def supports(self, problem: Problem) -> str | None:
        """None, or the reason why it cannot judge trials of that problem."""
        ...

    def should_prune(self, problem: Problem, ledger: Ledger, record: Record) -> bool:
        """Whether the trial should stop at its latest report."""
        ...


REGISTRY: dict[str, str] = {"asha": "bbo.pruners.asha:ASHA", "median": "bbo.pruners.median:Median"}
"""Names of the pruners, and where they stand."""


def resolve(given: str | Pruner | Mapping[str, Any] | None) -> Pruner | None:
    """A pruner from its name, from its JSON, or as it is.

    Raises:
        InvalidStudy: No pruner of that name, or a setting it does not have.
    """
    if isinstance(given, Mapping):
        name, settings = given["name"], given["settings"]
    elif isinstance(given, (str, type)) or not (given is None or isinstance(given, Pruner)):
        name, settings = given, {}
    else:
        return given
    if not isinstance(name, str) or name not in REGISTRY:
        raise InvalidStudy(f"pruner: {name!r} is neither a name ({', '.join(REGISTRY)}) nor a settings object such as bbo.Median()")
    module, _, attribute = REGISTRY[name].partition(":")
    cls = getattr(import_module(module), attribute)
    try:
        pruner: Pruner = cls(**settings)
    except TypeError as error:
        raise InvalidStudy(f"pruner {name!r}: {error}") from None
    return pruner


def to_json(pruner: Pruner | None) -> dict[str, Any] | None:
    """Name and settings as plain JSON."""
    return None if pruner is None else {"name": pruner.name, "settings": dataclasses.asdict(pruner)}  # type: ignore[call-overload]
