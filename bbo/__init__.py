"""bbo: Bayesian and black-box optimization of functions that are expensive to evaluate.

``bbo.minimize`` and ``bbo.maximize`` run a function; a `Study` is asked for points and told results. Names are loaded when they
are used, so that ``import bbo`` is quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from acquisitions.domain.convex import Box as Box
    from acquisitions.domain.convex import L1Ball as L1Ball
    from acquisitions.domain.convex import L2Ball as L2Ball
    from acquisitions.domain.convex import LInfBall as LInfBall
    from acquisitions.domain.convex import NuclearBall as NuclearBall
    from acquisitions.domain.convex import Polytope as Polytope
    from acquisitions.domain.convex import Product as Product
    from acquisitions.domain.convex import Spectrahedron as Spectrahedron
    from acquisitions.domain.convex import SpectralBall as SpectralBall
    from acquisitions.domain.convex import StandardSimplex as StandardSimplex
    from bbo import problems as problems
    from bbo.comparison import compare as compare
    from bbo.errors import *  # noqa: F403
    from bbo.execution import Command as Command
    from bbo.federation import Federation as Federation
    from bbo.objectives import Constraint as Constraint
    from bbo.objectives import Objective as Objective
    from bbo.optimizers import CBO as CBO
    from bbo.optimizers import CMAES as CMAES
    from bbo.optimizers import CONFIG as CONFIG
    from bbo.optimizers import EPBO as EPBO
    from bbo.optimizers import GFM as GFM
    from bbo.optimizers import GOUCB as GOUCB
    from bbo.optimizers import NSGA2 as NSGA2
    from bbo.optimizers import NSGA3 as NSGA3
    from bbo.optimizers import PGPE as PGPE
    from bbo.optimizers import SNES as SNES
    from bbo.optimizers import Auto as Auto
    from bbo.optimizers import Bayes as Bayes
    from bbo.optimizers import BayesThenCMAES as BayesThenCMAES
    from bbo.optimizers import ChebCB as ChebCB
    from bbo.optimizers import FrankWolfe as FrankWolfe
    from bbo.optimizers import FZooS as FZooS
    from bbo.optimizers import GFMPlus as GFMPlus
    from bbo.optimizers import Grid as Grid
    from bbo.optimizers import NeuFastCB as NeuFastCB
    from bbo.optimizers import NeuSquareCB as NeuSquareCB
    from bbo.optimizers import OpenAIES as OpenAIES
    from bbo.optimizers import PrimalDual as PrimalDual
    from bbo.optimizers import Random as Random
    from bbo.optimizers import RankSGD as RankSGD
    from bbo.optimizers import SepCMA as SepCMA
    from bbo.optimizers import Sobol as Sobol
    from bbo.optimizers import TsallisINF as TsallisINF
    from bbo.optimizers import TuRBO as TuRBO
    from bbo.optimizers import list_optimizers as list_optimizers
    from bbo.optimizers.lottery_ticket import lottery_ticket as lottery_ticket
    from bbo.prior_studies import PriorStudy as PriorStudy
    from bbo.pruners.asha import ASHA as ASHA
    from bbo.pruners.median import Median as Median
    from bbo.result import Result as Result
    from bbo.space import Array as Array
    from bbo.space import Bool as Bool
    from bbo.space import Categorical as Categorical
    from bbo.space import Context as Context
    from bbo.space import Environment as Environment
    from bbo.space import Fidelity as Fidelity
    from bbo.space import Fixed as Fixed
    from bbo.space import Float as Float
    from bbo.space import Int as Int
    from bbo.space import Normal as Normal
    from bbo.space import Ordinal as Ordinal
    from bbo.space import Sequence as Sequence
    from bbo.space import Simplex as Simplex
    from bbo.space import Source as Source
    from bbo.space import Space as Space
    from bbo.space import Task as Task
    from bbo.space import Uniform as Uniform
    from bbo.storage import open_storage as open_storage
    from bbo.study import Study as Study
    from bbo.study import list_studies as list_studies
    from bbo.study import load_study as load_study
    from bbo.study import maximize as maximize
    from bbo.study import minimize as minimize
    from bbo.trial import Trial as Trial

_EXPORTS = {
    "acquisitions.domain.convex": "Box L1Ball L2Ball LInfBall NuclearBall Polytope Product Spectrahedron SpectralBall StandardSimplex",
    "bbo.comparison": "compare",
    "bbo.errors": (
        "BBOError InvalidSpace InvalidStudy InvalidTell UnknownTrial OutOfRange StudyExists StudyNotFound StudyMismatch Waiting "
        "Exhausted Stopped Unsupported NoBest StorageError TrialPruned TrialFailed"
    ),
    "bbo.execution": "Command",
    "bbo.federation": "Federation",
    "bbo.objectives": "Constraint Objective",
    "bbo.optimizers": (
        "Auto Bayes BayesThenCMAES CBO CMAES CONFIG ChebCB EPBO FZooS FrankWolfe GFM GFMPlus GOUCB Grid NSGA2 NSGA3 "
        "NeuFastCB NeuSquareCB OpenAIES PGPE PrimalDual Random RankSGD SNES SepCMA Sobol TsallisINF TuRBO "
        "list_optimizers"
    ),
    "bbo.optimizers.lottery_ticket": "lottery_ticket",
    "bbo.prior_studies": "PriorStudy",
    "bbo.pruners.asha": "ASHA",
    "bbo.pruners.median": "Median",
    "bbo.result": "Result",
    "bbo.space": (
        "Array Bool Categorical Context Environment Fidelity Fixed Float Int Normal Ordinal Sequence Simplex Source Space Task Uniform"
    ),
    "bbo.storage": "open_storage",
    "bbo.study": "Study list_studies load_study maximize minimize",
    "bbo.trial": "Trial",
}
_MODULE_OF = {name: module for module, names in _EXPORTS.items() for name in names.split()}

__all__ = sorted([*_MODULE_OF, "problems"])  # noqa: PLE0605 - a list of strings


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("bbo-platform")
    if name == "problems":
        return import_module("bbo.problems")
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'bbo' has no attribute {name!r}")
    value = getattr(import_module(_MODULE_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*globals(), *__all__]
