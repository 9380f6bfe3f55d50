"""The problems, and how a run on them is scored."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.suite.case import Case

QUICK = [
    "branin",
    "hartmann6",
    "bbob_f8_5d",
    "bbob_f21_4d",
    "hartmann6_noisy",
    "hartmann6_of_100",
    "interacting_levels",
    "pipeline_tree",
    "choice_digits",
    "welded_beam",
    "branin_currin",
]
"""One case of each sort, for a run of a quarter of an hour."""


def suite(name: str, *, sealed: bool = False) -> list[Case]:
    """The cases of a suite: ``"visible"``, ``"quick"``, ``"sealed"``, ``"constrained"``, or the name of a single case.

    Raises:
        PermissionError: The suite holds sealed cases and `sealed` is not set.
        KeyError: There is no such suite or case.
    """
    if name == "sealed" and not sealed:
        raise PermissionError("the sealed cases are run once, at the end, with --sealed; nothing is tuned on them")
    if name == "sealed":
        return list(import_module("benchmarks.suite.sealed").cases())
    suites: dict[str, list[Case]] = {each: import_module(f"benchmarks.suite.{each}").cases() for each in ("visible", "constrained")}
    if name in suites:
        return suites[name]
    by_name = {case.name: case for cases in suites.values() for case in cases}
    return [by_name[each] for each in (QUICK if name == "quick" else [name])]
