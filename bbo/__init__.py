"""bbo: Bayesian and black-box optimization of functions that are expensive to evaluate.

``bbo.minimize`` and ``bbo.maximize`` run a function; a `Study` is asked for points and told results. Names are loaded when they
are used, so that ``import bbo`` is quick.
"""

# ruff: noqa: F401 - the imports for the type checker are the names that __getattr__ loads

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bbo.comparison import compare
    from bbo.errors import *  # noqa: F403
    from bbo.execution import Command, Result
    from bbo.objectives import Constraint, Objective
    from bbo.optimizers import CMAES, Auto, Bayes, Grid, Random, Sobol, list_optimizers
    from bbo.pruners.asha import ASHA
    from bbo.pruners.median import Median
    from bbo.space import (
        Bool,
        Categorical,
        Context,
        Environment,
        Fidelity,
        Fixed,
        Float,
        Int,
        Normal,
        Ordinal,
        Sequence,
        Simplex,
        Source,
        Space,
        Task,
        Uniform,
    )
    from bbo.storage import open_storage
    from bbo.study import Study, list_studies, load_study, maximize, minimize
    from bbo.trial import Trial

_EXPORTS = {
    "bbo.comparison": "compare",
    "bbo.errors": (
        "BBOError InvalidSpace InvalidStudy InvalidTell UnknownTrial OutOfRange StudyExists StudyNotFound StudyMismatch Waiting "
        "Exhausted Stopped Unsupported NoBest StorageError TrialPruned TrialFailed"
    ),
    "bbo.execution": "Command Result",
    "bbo.objectives": "Constraint Objective",
    "bbo.optimizers": "Auto Bayes CMAES Grid Random Sobol list_optimizers",
    "bbo.pruners.asha": "ASHA",
    "bbo.pruners.median": "Median",
    "bbo.space": "Bool Categorical Context Environment Fidelity Fixed Float Int Normal Ordinal Sequence Simplex Source Space Task Uniform",
    "bbo.storage": "open_storage",
    "bbo.study": "Study list_studies load_study maximize minimize",
    "bbo.trial": "Trial",
}
_MODULE_OF = {name: module for module, names in _EXPORTS.items() for name in names.split()}

__all__ = sorted(_MODULE_OF)  # noqa: PLE0605 - a list of strings


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("bbo-platform")
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'bbo' has no attribute {name!r}")
    value = getattr(import_module(_MODULE_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*globals(), *__all__]
