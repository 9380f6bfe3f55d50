"""Scores of mean and standard deviation that are no gains: the upper confidence bound, and the straddle of a level."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from acquisitions.protocol import Acquisition
from acquisitions.straddle import Straddle
from acquisitions.upper_confidence_bound import UpperConfidenceBound
from bbo.log.ledger import Record
from bbo.optimizers import search
from bbo.optimizers.acquisitions import BETA
from bbo.optimizers.history import History
from bbo.optimizers.surrogate import Surrogate
from bbo.optimizers.targets import Target
from bbo.problem import Problem

if TYPE_CHECKING:
    from botorch.acquisition.acquisition import AcquisitionFunction
    from botorch.models.model import Model

    from bbo.optimizers.bayes import Bayes
    from bbo.optimizers.custom import AcquisitionBuild, Context


@dataclass(frozen=True, slots=True, eq=False)
class ConfidenceBound:
    """Makes the upper confidence bound; see `bbo.optimizers.acquisitions.Score`.

    Running trials count as measured at their means, which leaves the means as they are and lowers the standard deviations around them:
    GP-BUCB (Desautels, Krause & Burdick 2014).
    """

    state: History
    settings: Bayes

    def __call__(
        self, problem: Problem, surrogate: Surrogate, feasible: Sequence[Record], running: Sequence[Mapping[str, Any]], *, seed: int
    ) -> tuple[Acquisition, str]:
        """As `Score`."""
        believed = surrogate.believing(problem.space.encode(running))
        return search.where_it_works(UpperConfidenceBound(believed.gps[0], _beta(self.settings)), believed), "upper confidence bound"


@dataclass(frozen=True, slots=True, eq=False)
class LevelSet:
    """Makes the straddle; see `bbo.optimizers.acquisitions.Score`. Running trials as in `ConfidenceBound`."""

    state: History
    settings: Bayes

    def __call__(
        self, problem: Problem, surrogate: Surrogate, feasible: Sequence[Record], running: Sequence[Mapping[str, Any]], *, seed: int
    ) -> tuple[Acquisition, str]:
        """As `Score`."""
        believed = surrogate.believing(problem.space.encode(running))
        straddle = Straddle(believed.gps[0], _level(self.settings, believed.targets[0]), _beta(self.settings))
        return search.where_it_works(straddle, believed), "straddle"


def own_ucb(state: History, settings: Bayes, targets: Sequence[Target]) -> AcquisitionBuild:
    """BoTorch's upper confidence bound, for a model of the user's."""

    def build(model: Model, context: Context) -> AcquisitionFunction:
        from botorch.acquisition.analytic import UpperConfidenceBound as OfBoTorch

        return OfBoTorch(model, beta=_beta(settings))

    return build


def own_straddle(state: History, settings: Bayes, targets: Sequence[Target]) -> AcquisitionBuild:
    """The straddle for a model of the user's; BoTorch has none."""
    level = _level(settings, targets[0])

    def build(model: Model, context: Context) -> AcquisitionFunction:
        from acquisitions.botorch import Straddle as OfBoTorch

        return OfBoTorch(model, level, beta=_beta(settings))

    return build


def _beta(settings: Bayes) -> float:
    return BETA if settings.beta is None else settings.beta


def _level(settings: Bayes, target: Target) -> float:
    """The level in the units of the model."""
    assert settings.level is not None  # refused before
    return float(target.transform.forward(target.sign * settings.level))
