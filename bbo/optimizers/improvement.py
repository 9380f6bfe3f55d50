"""The improvement that a proposal expects: of the best value with one objective, of the hypervolume with several."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from acquisitions.batch_expected_improvement import LogBatchExpectedImprovement
from acquisitions.hypervolume_improvement import LogNoisyExpectedHypervolumeImprovement
from acquisitions.noisy_expected_improvement import LogNoisyExpectedImprovement
from acquisitions.probability_of_improvement import LogProbabilityOfImprovement
from acquisitions.protocol import Acquisition
from bbo.optimizers import search
from bbo.optimizers.asked import Asked
from bbo.optimizers.history import History

if TYPE_CHECKING:
    from botorch.acquisition.acquisition import AcquisitionFunction
    from botorch.acquisition.analytic import LogProbabilityOfImprovement as OfBoTorch
    from botorch.models.model import Model

    from bbo.optimizers.bayes import Bayes
    from bbo.optimizers.custom import AcquisitionBuild, Context
    from bbo.optimizers.targets import Target


def expected_improvement(asked: Asked) -> tuple[Acquisition, str]:
    """Log noisy expected improvement, or that of the hypervolume."""
    problem, surrogate = asked.problem, asked.surrogate
    baseline = np.vstack([asked.measured, asked.waiting])
    m = len(problem.objectives)
    if m == 1:
        return LogNoisyExpectedImprovement(surrogate.gps[0], baseline, surrogate.constraints, seed=asked.seed), "log expected improvement"
    acquisition = LogNoisyExpectedHypervolumeImprovement(
        surrogate.gps[:m], baseline, search.reference(problem, surrogate.targets), surrogate.constraints, seed=asked.seed
    )
    return acquisition, "log expected hypervolume improvement"


def improvement_together(asked: Asked) -> tuple[Acquisition, str]:
    """Log noisy expected improvement, of a batch too."""
    baseline = np.vstack([asked.measured, asked.waiting])
    score = LogBatchExpectedImprovement(asked.surrogate.gps[0], baseline, seed=asked.seed)
    return search.where_it_works(score, asked.surrogate), "log expected improvement"


def probability_of_improvement(asked: Asked) -> tuple[Acquisition, str]:
    """The log probability of improving on the best mean at what was measured."""
    waiting = asked.waiting
    believed = asked.surrogate.believing(waiting)
    best = float(believed.gps[0].predict(np.vstack([asked.measured, waiting]))[0].max())
    return search.weighed(LogProbabilityOfImprovement(believed.gps[0], best), believed), "log probability of improvement"


def own_log_ei(state: History, settings: Bayes, targets: Sequence[Target]) -> AcquisitionBuild:
    """BoTorch's, for a model of the user's."""

    def build(model: Model, context: Context) -> AcquisitionFunction:
        from botorch.acquisition.logei import qLogNoisyExpectedImprovement

        from bbo.optimizers.custom import from_class, sampler_of

        sampler = sampler_of(model, context.X)
        return from_class(qLogNoisyExpectedImprovement, model, context, **({} if sampler is None else {"sampler": sampler}))

    return build


def own_log_pi(state: History, settings: Bayes, targets: Sequence[Target]) -> AcquisitionBuild:
    """BoTorch's, for a model of the user's."""

    def build(model: Model, context: Context) -> OfBoTorch:
        import torch
        from botorch.acquisition.analytic import LogProbabilityOfImprovement as OfBoTorch

        with torch.no_grad():
            means = model.posterior(context.X_baseline).mean  # type: ignore[attr-defined]  # of nearly all posteriors, and not of their base class
        return OfBoTorch(model, best_f=means.max())

    return build
