"""The information of a proposal: among which points the best is, and its value, that a measurement is to tell of."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from acquisitions.conditioning import joint_samples
from acquisitions.entropy_search import LogEntropySearch, often_best
from acquisitions.max_value_entropy import GIBBON, LogMaxValueEntropy
from acquisitions.protocol import Acquisition
from acquisitions.weighed import WhereLikely
from bbo.optimizers.asked import Asked
from bbo.optimizers.candidates import SAMPLED, pool
from bbo.optimizers.custom import Context, alone, on_twins
from bbo.optimizers.history import History
from bbo.optimizers.improvement import expected_improvement
from bbo.optimizers.knowledge_gradient import contenders
from bbo.optimizers.targets import Target

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


def entropy_search(asked: Asked) -> tuple[Acquisition, str]:
    """Entropy search over the points that are most often the best; expected improvement where the best of them is known."""
    surrogate, rng = asked.surrogate, np.random.default_rng(asked.seed)
    gp, X = surrogate.gps[0], may_be_best(asked, rng)
    representers = X[often_best(joint_samples(gp, X, _DRAWS, rng), MOST)]
    score = LogEntropySearch(gp, representers, surrogate.noise, surrogate.constraints, seed=asked.seed).with_pending(asked.waiting)
    if np.all(score.value(representers) == -np.inf):
        instead, aim = expected_improvement(asked)
        return instead, f"{aim}, since the best of the points that entropy search is over is known"
    return score, f"entropy search over {len(representers)} points"


def mes(asked: Asked) -> tuple[Acquisition, str]:
    """Max-value entropy search."""
    surrogate, X = asked.surrogate, _candidates(asked)
    score = LogMaxValueEntropy(surrogate.gps[0], X, surrogate.noise, surrogate.constraints, seed=asked.seed)
    return score.with_pending(asked.waiting), AIMS["mes"]


def gibbon(asked: Asked) -> tuple[Acquisition, str]:
    """GIBBON, where points are likelier feasible than not."""
    surrogate, constraints = asked.surrogate, asked.surrogate.constraints
    score = GIBBON(surrogate.gps[0], _candidates(asked), surrogate.noise, seed=asked.seed).with_pending(asked.waiting)
    return WhereLikely(score, constraints) if constraints else score, AIMS["gibbon"]


def _by_botorch(name: str, asked: Asked) -> tuple[Acquisition, str]:
    """Those that bbo has no fast path of, by BoTorch's classes."""
    X = _candidates(asked)

    def build(model: Model, context: Context) -> AcquisitionFunction:
        return _of_model(name, model, X)

    return on_twins(build, AIMS[name], asked)


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


pes, jes = (partial(_by_botorch, name) for name in ("pes", "jes"))
own_entropy_search, own_mes, own_gibbon, own_pes, own_jes = (partial(_of_yours, name) for name in AIMS)


def _candidates(asked: Asked) -> Array:
    return may_be_best(asked, np.random.default_rng(asked.seed))


def may_be_best(asked: Asked, rng: np.random.Generator) -> Array:
    """Points of the space that may be the best, up to `_POINTS`: those of the highest sums of mean and standard deviation."""
    optima, X = contenders(asked, rng)
    mean, variance = asked.surrogate.gps[0].predict(X)
    return np.vstack([optima, X[np.argsort(-(mean + np.sqrt(variance)), kind="stable")]])[:_POINTS] if len(X) else asked.measured
