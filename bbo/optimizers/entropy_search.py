"""The information of a proposal: among which points the best is, and its value, that a measurement is to tell of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from acquisitions.conditioning import joint_samples
from acquisitions.entropy_search import LogEntropySearch, often_best
from acquisitions.max_value_entropy import GIBBON, LogMaxValueEntropy
from acquisitions.protocol import Acquisition
from acquisitions.weighed import WhereLikely
from bbo.log.ledger import Record
from bbo.optimizers import search
from bbo.optimizers.candidates import SAMPLED, pool
from bbo.optimizers.custom import Context, alone, on_twins
from bbo.optimizers.history import History
from bbo.optimizers.improvement import expected_improvement
from bbo.optimizers.knowledge_gradient import contenders
from bbo.optimizers.surrogate import Surrogate
from bbo.optimizers.targets import Target
from bbo.problem import Problem

if TYPE_CHECKING:
    from botorch.acquisition.acquisition import AcquisitionFunction
    from botorch.models.model import Model

    from bbo.optimizers.bayes import Bayes
    from bbo.optimizers.custom import AcquisitionBuild

Array = NDArray[np.float64]

AIMS = {
    "entropy_search": "entropy search",
    "mes": "max-value entropy search",
    "gibbon": "GIBBON",
    "pes": "predictive entropy search",
    "jes": "joint entropy search",
}

MOST = 32
"""Representers of entropy search at most: the points that are most often the best in samples of the function."""

_POINTS = 512  # points that such samples are taken at, at most: the samples cost the cube of their number
_DRAWS = 512  # samples that say which points are often the best
_OPTIMA = {"pes": 16, "jes": 32}  # samples of the best point that a model is conditioned on, one after the other


@dataclass(frozen=True, slots=True, eq=False)
class EntropySearch:
    """Makes those on the exact Gaussian process; see `bbo.optimizers.acquisitions.Score`.

    Args:
        state: What is known.
        name: ``"entropy_search"``, ``"mes"`` or ``"gibbon"``.
    """

    state: History
    name: str

    def __call__(
        self, problem: Problem, surrogate: Surrogate, feasible: Sequence[Record], running: Sequence[Mapping[str, Any]], *, seed: int
    ) -> tuple[Acquisition, str]:
        """As `Score`."""
        waiting, constraints = problem.space.encode(running), surrogate.constraints
        gp, noise = surrogate.gps[0], surrogate.noise
        rng = np.random.default_rng(seed)
        X = _candidates(self.state, problem, surrogate, feasible, rng)
        if self.name == "mes":
            return LogMaxValueEntropy(gp, X, noise, constraints, seed=seed).with_pending(waiting), AIMS[self.name]
        if self.name == "gibbon":
            score = GIBBON(gp, X, noise, seed=seed).with_pending(waiting)
            return (WhereLikely(score, constraints) if constraints else score), AIMS[self.name]
        representers = X[often_best(joint_samples(gp, X, _DRAWS, rng), MOST)]
        score_ = LogEntropySearch(gp, representers, noise, constraints, seed=seed).with_pending(waiting)
        if np.all(score_.value(representers) == -np.inf):
            instead, aim = expected_improvement(problem, surrogate, feasible, running, seed=seed)
            return instead, f"{aim}, since the best of the points that {AIMS[self.name]} is over is known"
        return score_, f"{AIMS[self.name]} over {len(representers)} points"


@dataclass(frozen=True, slots=True, eq=False)
class BoTorchEntropySearch:
    """Makes those that bbo has no fast path of, by BoTorch's classes; see `bbo.optimizers.acquisitions.Score`.

    Args:
        state: What is known.
        name: ``"pes"`` or ``"jes"``.
    """

    state: History
    name: str

    def __call__(
        self, problem: Problem, surrogate: Surrogate, feasible: Sequence[Record], running: Sequence[Mapping[str, Any]], *, seed: int
    ) -> tuple[Acquisition, str]:
        """As `Score`."""
        X = _candidates(self.state, problem, surrogate, feasible, np.random.default_rng(seed))

        def build(model: Model, context: Context) -> AcquisitionFunction:
            return _of_model(self.name, model, X)

        return on_twins(build, AIMS[self.name], problem, surrogate, feasible, running, seed=seed)


def _of_yours(name: str, state: History, settings: Bayes, targets: Sequence[Target]) -> AcquisitionBuild:
    """For a model of the user's: over evaluated points and others of the space."""

    def build(model: Model, context: Context) -> AcquisitionFunction:
        space = state.problem.space
        others = space.encode(pool(state, (), np.random.default_rng(context.seed), fixed={}, size=SAMPLED))
        return _of_model(name, model, np.vstack([context.X.numpy()[-_POINTS:], others]))

    return build


def _of_model(name: str, model: Model, points: Array) -> AcquisitionFunction:
    """The acquisition function of a name for a BoTorch model, over points that may be the best."""
    import torch

    from acquisitions.botorch.joint import joint_normal

    objective = alone(model.subset_output([0]) if model.num_outputs > 1 else model)
    X = torch.tensor(points)
    with torch.no_grad():
        joint_normal(objective.posterior(X[:2]), AIMS[name])
    if name in ("mes", "gibbon"):
        from botorch.acquisition.max_value_entropy_search import qLowerBoundMaxValueEntropy, qMaxValueEntropy

        return (qMaxValueEntropy if name == "mes" else qLowerBoundMaxValueEntropy)(objective, X, use_gumbel=False)
    with torch.no_grad():
        draws = torch.as_tensor(objective.posterior(X).rsample(torch.Size([_OPTIMA.get(name, _DRAWS)])))
    values = draws.reshape(-1, len(X))  # those of all models of an ensemble, one after the other
    if name == "entropy_search":
        from acquisitions.botorch import LogEntropySearch as Search

        return Search(objective, X[often_best(values.double().cpu().numpy(), MOST)])
    best = values.max(-1)
    if name == "jes":
        from botorch.acquisition.joint_entropy_search import qJointEntropySearch

        return qJointEntropySearch(objective, X[best.indices], best.values.unsqueeze(-1))
    from acquisitions.botorch.predictive_entropy_search import PredictiveEntropySearch

    return PredictiveEntropySearch(objective, X[best.indices])


def _on_ours(name: str, state: History, settings: Bayes) -> EntropySearch:
    return EntropySearch(state, name)


def _by_botorch(name: str, state: History, settings: Bayes) -> BoTorchEntropySearch:
    return BoTorchEntropySearch(state, name)


entropy_search, mes, gibbon = (partial(_on_ours, name) for name in ("entropy_search", "mes", "gibbon"))
pes, jes = (partial(_by_botorch, name) for name in ("pes", "jes"))
own_entropy_search, own_mes, own_gibbon, own_pes, own_jes = (partial(_of_yours, name) for name in AIMS)


def _candidates(state: History, problem: Problem, surrogate: Surrogate, feasible: Sequence[Record], rng: np.random.Generator) -> Array:
    measured = search.measured(problem, surrogate, feasible)
    return may_be_best(state, problem, surrogate, feasible, measured, rng)


def may_be_best(
    state: History, problem: Problem, surrogate: Surrogate, feasible: Sequence[Record], measured: Array, rng: np.random.Generator
) -> Array:
    """Points of the space that may be the best, up to `_POINTS`: those of the highest sums of mean and standard deviation."""
    optima, X = contenders(state, problem, surrogate, feasible, measured, rng)
    mean, variance = surrogate.gps[0].predict(X)
    return np.vstack([optima, X[np.argsort(-(mean + np.sqrt(variance)), kind="stable")]])[:_POINTS] if len(X) else measured
