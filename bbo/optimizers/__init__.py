"""Optimizers: one algorithm a file, all on the contract of `bbo.optimizers.base`."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from bbo.optimizers.base import REGISTRY

if TYPE_CHECKING:
    from bbo.optimizers.auto import Auto
    from bbo.optimizers.bayes import Bayes
    from bbo.optimizers.bayes_then_cma_es import BayesThenCMAES
    from bbo.optimizers.cbo import CBO
    from bbo.optimizers.cheb_cb import ChebCB
    from bbo.optimizers.cma_es import CMAES
    from bbo.optimizers.config import CONFIG
    from bbo.optimizers.epbo import EPBO
    from bbo.optimizers.frank_wolfe import FrankWolfe
    from bbo.optimizers.fzoos import FZooS
    from bbo.optimizers.gfm import GFM, GFMPlus
    from bbo.optimizers.go_ucb import GOUCB
    from bbo.optimizers.grid import Grid
    from bbo.optimizers.neu_cb import NeuFastCB, NeuSquareCB
    from bbo.optimizers.nsga2 import NSGA2
    from bbo.optimizers.nsga3 import NSGA3
    from bbo.optimizers.openai_es import OpenAIES
    from bbo.optimizers.pgpe import PGPE
    from bbo.optimizers.primal_dual import PrimalDual
    from bbo.optimizers.random import Random
    from bbo.optimizers.rank_sgd import RankSGD
    from bbo.optimizers.sep_cma import SepCMA
    from bbo.optimizers.snes import SNES
    from bbo.optimizers.sobol import Sobol
    from bbo.optimizers.tsallis_inf import TsallisINF
    from bbo.optimizers.turbo import TuRBO

__all__ = [
    "CBO",
    "CMAES",
    "CONFIG",
    "EPBO",
    "GFM",
    "NSGA2",
    "NSGA3",
    "PGPE",
    "SNES",
    "GOUCB",
    "Auto",
    "Bayes",
    "BayesThenCMAES",
    "FZooS",
    "FrankWolfe",
    "GFMPlus",
    "Grid",
    "OpenAIES",
    "ChebCB",
    "NeuFastCB",
    "NeuSquareCB",
    "PrimalDual",
    "Random",
    "RankSGD",
    "SepCMA",
    "Sobol",
    "TsallisINF",
    "TuRBO",
    "list_optimizers",
]

_PATHS = {path.partition(":")[2]: path.partition(":")[0] for path in REGISTRY.values()}


def list_optimizers() -> list[str]:
    """Names that `Study(optimizer=...)` takes."""
    return sorted(REGISTRY)


def __getattr__(name: str) -> Any:
    if name not in _PATHS:
        raise AttributeError(f"module 'bbo.optimizers' has no attribute {name!r}")
    return getattr(import_module(_PATHS[name]), name)
