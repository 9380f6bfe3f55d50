"""Scores of mean and standard deviation that are no gains: the upper confidence bound, and the straddle of a level."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from acquisitions.protocol import Acquisition
from acquisitions.straddle import Straddle
from acquisitions.upper_confidence_bound import UpperConfidenceBound
from bbo.optimizers import search
from bbo.optimizers.acquisitions import BETA
from bbo.optimizers.asked import Asked
from bbo.optimizers.history import History
from bbo.optimizers.targets import Target

if TYPE_CHECKING:
    from botorch.acquisition.acquisition import AcquisitionFunction
    from botorch.models.model import Model

    from bbo.optimizers.bayes import Bayes
    from bbo.optimizers.custom import AcquisitionBuild, Context


def confidence_bound(asked: Asked) -> tuple[Acquisition, str]:
    """The upper confidence bound.

    Running trials count as measured at their means, which leaves the means as they are and lowers the standard deviations around them:
    GP-BUCB (Desautels, Krause & Burdick 2014).
    """
    believed = asked.surrogate.believing(asked.waiting)
    return search.where_it_works(UpperConfidenceBound(believed.gps[0], beta(asked.settings)), believed), "upper confidence bound"


def straddle(asked: Asked) -> tuple[Acquisition, str]:
    """The straddle of a level. Running trials as in `confidence_bound`."""
    believed = asked.surrogate.believing(asked.waiting)
    score = Straddle(believed.gps[0], _level(asked.settings, believed.targets[0]), beta(asked.settings))
    return search.where_it_works(score, believed), "straddle"


def own_ucb(state: History, settings: Bayes, targets: Sequence[Target]) -> AcquisitionBuild:
    """BoTorch's upper confidence bound, for a model of the user's."""

    def build(model: Model, context: Context) -> AcquisitionFunction:
        from botorch.acquisition.analytic import UpperConfidenceBound as OfBoTorch

        return OfBoTorch(model, beta=beta(settings))

    return build


def own_straddle(state: History, settings: Bayes, targets: Sequence[Target]) -> AcquisitionBuild:
    """The straddle for a model of the user's; BoTorch has none."""
    level = _level(settings, targets[0])

    def build(model: Model, context: Context) -> AcquisitionFunction:
        from acquisitions.botorch import Straddle as OfBoTorch

        return OfBoTorch(model, level, beta=beta(settings))

    return build


def beta(settings: Bayes) -> float:
    """Weight of the variance."""
    return BETA if settings.beta is None else settings.beta


def _level(settings: Bayes, target: Target) -> float:
    """The level in the units of the model."""
    assert settings.level is not None  # refused before
    return float(target.transform.forward(target.sign * settings.level))
