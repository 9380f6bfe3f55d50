"""The improvement that a proposal expects: of the best value with one objective, of the hypervolume with several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from acquisitions.batch_expected_improvement import LogBatchExpectedImprovement
from acquisitions.hypervolume_improvement import LogNoisyExpectedHypervolumeImprovement
from acquisitions.noisy_expected_improvement import LogNoisyExpectedImprovement
from acquisitions.probability_of_improvement import LogProbabilityOfImprovement as OverABest
from acquisitions.protocol import Acquisition
from bbo.log.ledger import Record
from bbo.optimizers import search
from bbo.optimizers.history import History
from bbo.optimizers.surrogate import Surrogate
from bbo.problem import Problem

if TYPE_CHECKING:
    from botorch.acquisition.acquisition import AcquisitionFunction
    from botorch.acquisition.analytic import LogProbabilityOfImprovement as OfBoTorch
    from botorch.models.model import Model

    from bbo.optimizers.acquisitions import Score
    from bbo.optimizers.bayes import Bayes
    from bbo.optimizers.custom import AcquisitionBuild, Context
    from bbo.optimizers.targets import Target


def expected_improvement(
    problem: Problem, surrogate: Surrogate, feasible: Sequence[Record], running: Sequence[Mapping[str, Any]], *, seed: int
) -> tuple[Acquisition, str]:
    """Log noisy expected improvement, or that of the hypervolume; see `bbo.optimizers.acquisitions.Score`."""
    space = problem.space
    waiting = space.encode(running)
    known = search.measured(problem, surrogate, feasible)
    baseline = np.vstack([known, waiting])
    m = len(problem.objectives)
    if m == 1:
        return LogNoisyExpectedImprovement(surrogate.gps[0], baseline, surrogate.constraints, seed=seed), "log expected improvement"
    acquisition = LogNoisyExpectedHypervolumeImprovement(
        surrogate.gps[:m], baseline, search.reference(problem, surrogate.targets), surrogate.constraints, seed=seed
    )
    return acquisition, "log expected hypervolume improvement"


def improvement_together(
    problem: Problem, surrogate: Surrogate, feasible: Sequence[Record], running: Sequence[Mapping[str, Any]], *, seed: int
) -> tuple[Acquisition, str]:
    """Log noisy expected improvement, of a batch too; see `bbo.optimizers.acquisitions.Score`."""
    baseline = np.vstack([search.measured(problem, surrogate, feasible), problem.space.encode(running)])
    score = LogBatchExpectedImprovement(surrogate.gps[0], baseline, seed=seed)
    return search.where_it_works(score, surrogate), "log expected improvement"


def log_ei(state: History, settings: Bayes) -> Score:
    """It needs no settings."""
    return expected_improvement


def batch_log_ei(state: History, settings: Bayes) -> Score:
    """It needs no settings."""
    return improvement_together


@dataclass(frozen=True, slots=True, eq=False)
class LogProbabilityOfImprovement:
    """Makes the log probability of improving on the best mean at what was measured; see `bbo.optimizers.acquisitions.Score`."""

    state: History
    settings: Bayes

    def __call__(
        self, problem: Problem, surrogate: Surrogate, feasible: Sequence[Record], running: Sequence[Mapping[str, Any]], *, seed: int
    ) -> tuple[Acquisition, str]:
        """As `Score`."""
        space = problem.space
        waiting = space.encode(running)
        known = search.measured(problem, surrogate, feasible)
        believed = surrogate.believing(waiting)
        best = float(believed.gps[0].predict(np.vstack([known, waiting]))[0].max())
        return search.weighed(OverABest(believed.gps[0], best), believed), "log probability of improvement"


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
