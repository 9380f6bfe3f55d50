"""Whether the study that a constructor describes is the one that is stored, and whether its methods can run it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bbo.callables import shown
from bbo.errors import InvalidStudy, StudyMismatch, Unsupported
from bbo.log.ledger import Ledger
from bbo.optimizers.base import Optimizer
from bbo.optimizers.robust import environments, inexact
from bbo.problem import Problem
from bbo.pruners import Pruner


def check_methods(problem: Problem, optimizer: Optimizer, pruner: Pruner | None) -> None:
    """Refuse an optimizer or a pruner that cannot run a problem.

    Raises:
        Unsupported: With the method's own reason.
        InvalidStudy: An objective has a risk measure, and there is nothing that it could vary with.
    """
    for objective in problem.objectives:
        if objective.risk != "expectation" and not (environments(problem.space) or inexact(problem.space)):
            raise InvalidStudy(
                f"objective {objective.name!r} has risk={objective.risk!r}, and nothing is uncertain: "
                "add a bbo.Environment, or input_sd to a parameter"
            )
    if reason := optimizer.supports(problem):
        raise Unsupported(f"optimizer {optimizer.name!r} cannot run this study: {reason}")
    if pruner is not None and (reason := pruner.supports(problem)):
        raise Unsupported(f"pruner {pruner.name!r} cannot run this study: {reason}")


def match(ledger: Ledger, given: Mapping[str, Any], *, optimizer: Mapping[str, Any] | None, pruner: Any) -> None:
    """Refuse to open a stored study under another definition.

    Args:
        ledger: The stored study.
        given: Body of the `created` event that the constructor would write.
        optimizer: JSON of the optimizer, None where the constructor leaves it open.
        pruner: JSON of the pruner, None where the constructor leaves it open.

    Raises:
        StudyMismatch: The message shows the first difference and names the way out.
    """
    stored = ledger.definition
    name = stored["name"]
    opened = f"bbo.load_study({name!r}, storage)"
    for key in ("space", "objectives", "outcome_constraints"):
        if stored[key] != given[key]:
            way_out = f"{opened}.redefine(space=...)" if key == "space" else "another name"
            raise StudyMismatch(f"study {name!r} has another {key}: {_difference(stored[key], given[key])}; to go on use {way_out}")
    if given["seed_given"] and stored["seed"] != given["seed"]:
        raise StudyMismatch(f"study {name!r} has seed {stored['seed']}, not {given['seed']}; leave seed out, or use another name")
    configuration = ledger.configurations[-1]
    if optimizer is not None and not _same_method(configuration["optimizer"], optimizer):
        runs, wanted = _shown(configuration["optimizer"]), _shown(optimizer)
        raise StudyMismatch(f"study {name!r} runs optimizer {runs}, not {wanted}; to change it use {opened}.configure(optimizer=...)")
    if pruner is not None and configuration.get("pruner") != pruner:
        has, wanted = configuration.get("pruner"), _shown(pruner)
        has = "none" if has is None else _shown(has)
        raise StudyMismatch(f"study {name!r} has pruner {has}, not {wanted}; to change it use {opened}.configure(pruner=...)")


def _same_method(stored: Mapping[str, Any], given: Mapping[str, Any]) -> bool:
    """Whether settings as given may have become those stored: an open choice (None) is filled at the first ask."""
    before, now = given["settings"], stored["settings"]
    return bool(stored["name"] == given["name"] and all(before[key] in (None, now[key]) for key in before.keys() & now.keys()))


def _shown(method: Mapping[str, Any]) -> str:
    return f"{method['name']}({', '.join(f'{key}={shown(value)}' for key, value in method['settings'].items())})"


def _difference(stored: Any, given: Any, where: str = "") -> str:
    """The first place where two JSON values differ."""
    if isinstance(stored, Mapping) and isinstance(given, Mapping):
        for key in [*stored, *(key for key in given if key not in stored)]:
            if key not in given or key not in stored:
                return f"{where}{key} stands only in {'the stored' if key in stored else 'the given'} one"
            if stored[key] != given[key]:
                return _difference(stored[key], given[key], f"{where}{key}: ")
    return f"{where}stored {stored!r}, given {given!r}"
