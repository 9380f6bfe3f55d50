"""What a measurement says about the Pareto front: of its hypervolume, and in entropies; by BoTorch's functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from acquisitions.feasibility import EVEN
from acquisitions.gaussian import Array
from acquisitions.protocol import Acquisition, Climbable
from bbo.best import nondominated
from bbo.optimizers import search
from bbo.optimizers.asked import Asked
from bbo.optimizers.candidates import SAMPLED, pool
from bbo.optimizers.custom import on_twins
from bbo.optimizers.history import History
from bbo.optimizers.targets import Target

if TYPE_CHECKING:
    from botorch.acquisition.acquisition import AcquisitionFunction
    from botorch.models.model import Model

    from bbo.optimizers.bayes import Bayes
    from bbo.optimizers.custom import AcquisitionBuild, Context

AIMS = {
    "hypervolume_knowledge_gradient": "hypervolume knowledge gradient",
    "pareto_mes": "max-value entropy search of the Pareto front",
    "pareto_jes": "joint entropy search of the Pareto front",
}

FRONTS, LENGTH = 16, 10
"""Sampled fronts that entropies are over, and points of each; BoTorch's tutorial has ten of ten."""

_POINTS = 512  # points that samples are taken at, at most: they cost the cube of their number
_DRAWS = 64  # samples that say which points are often on the front
_SET = 32  # points that the fronts of a knowledge gradient are made of
_QUICK = {"num_fantasies": 4, "num_directions": 16}  # for screening: a sixteenth of the work, with half of the points


def _search(name: str, asked: Asked) -> tuple[Acquisition, str]:
    """Those on the exact Gaussian processes, by BoTorch's classes."""
    X = _candidates(asked)

    def made(name: str, **more: Any) -> tuple[Climbable, str]:
        return on_twins(partial(_of_model, name, points=X, more=more), AIMS[name], asked)

    score, aim = made(name)
    if aim != AIMS[name] or name == "pareto_mes":
        return score, aim
    quick = made("pareto_mes") if name == "pareto_jes" else made(name, **_QUICK)
    return _Screened(score, quick[0]), aim


def _of_model(name: str, model: Model, context: Context, points: Array, more: Mapping[str, Any]) -> AcquisitionFunction:
    """The acquisition function of a name for a BoTorch model, over points that may be on the front."""
    import torch
    from botorch.exceptions.errors import UnsupportedError

    from acquisitions.botorch.joint import joint_normal

    m, X = len(context.objectives), torch.tensor(points)
    try:
        with torch.no_grad():
            posteriors: list[Any] = [model.subset_output([k]).posterior(X) for k in range(m)]
    except NotImplementedError as error:
        raise UnsupportedError(
            f"{AIMS[name]} needs outcomes one by one, and those of a {type(model).__name__} are not to be had"
        ) from error
    for posterior in posteriors:
        joint_normal(posterior, AIMS[name])
    with torch.no_grad():
        draws = torch.cat([p.rsample(torch.Size([_DRAWS])).double() for p in posteriors], -1).cpu().numpy()  # samples x points x m
    if name == "hypervolume_knowledge_gradient":
        from acquisitions.botorch.hypervolume_knowledge_gradient import HypervolumeKnowledgeGradient

        assert context.reference is not None  # there are several objectives
        counts = np.sum([nondominated(-Y) for Y in draws], axis=0)
        often = X[np.argsort(-counts, kind="stable")[: _SET // 2 if more else _SET]]
        return HypervolumeKnowledgeGradient(model, often, context.reference, seed=context.seed, **more)
    from botorch.acquisition.multi_objective.joint_entropy_search import qLowerBoundMultiObjectiveJointEntropySearch
    from botorch.acquisition.multi_objective.max_value_entropy_search import qLowerBoundMultiObjectiveMaxValueEntropySearch
    from botorch.acquisition.multi_objective.utils import compute_sample_box_decomposition

    from acquisitions.botorch.pareto_joint_entropy_search import ParetoJointEntropySearch, noise_is_known

    chosen = np.stack([spread_out(Y, np.flatnonzero(nondominated(-Y)), LENGTH) for Y in draws[:FRONTS]])
    fronts = torch.tensor(np.take_along_axis(draws[:FRONTS], chosen[:, :, None], 1))
    boxes = compute_sample_box_decomposition(fronts)
    objectives = model if model.num_outputs == m else model.subset_output(list(range(m)))
    if name == "pareto_mes":
        return qLowerBoundMultiObjectiveMaxValueEntropySearch(objectives, boxes)
    if noise_is_known(objectives):
        return ParetoJointEntropySearch(objectives, X[torch.tensor(chosen)], fronts, boxes)
    return qLowerBoundMultiObjectiveJointEntropySearch(objectives, X[torch.tensor(chosen)], fronts, boxes)


def spread_out(Y: Array, front: NDArray[np.intp], k: int) -> NDArray[np.intp]:
    """Indices of k points of a front (indices into Y, `n x m`) far from each other, `k`; repeated where they are fewer."""
    Z = Y[front] / np.maximum(np.ptp(Y[front], axis=0), 1e-12)
    chosen = [int(Z[:, 0].argmax())]
    distance = np.linalg.norm(Z - Z[chosen[0]], axis=1)
    while len(chosen) < min(k, len(front)):
        chosen.append(int(distance.argmax()))
        distance = np.minimum(distance, np.linalg.norm(Z - Z[chosen[-1]], axis=1))
    picked: NDArray[np.intp] = front[np.resize(chosen, k)]
    return picked


def _candidates(asked: Asked) -> Array:
    """Points measured and others of the space, those that are likelier feasible than not, up to `_POINTS`."""
    space, surrogate, known = asked.space, asked.surrogate, asked.measured
    rng = np.random.default_rng(asked.seed)
    gains = np.column_stack([gp.at(known).mean for gp in surrogate.gps[: len(asked.problem.objectives)]])
    known = known[nondominated(-gains)][:_POINTS]
    leaders = search.incumbents(asked.problem, surrogate, asked.feasible, rng)
    others = space.encode(pool(asked.state, leaders, rng, fixed={}, size=SAMPLED))
    if surrogate.constraints and len(others):
        others = others[surrogate.log_p_feasible(others) >= EVEN]
    if len(known) + len(others) > _POINTS:
        others = others[np.sort(rng.permutation(len(others))[: _POINTS - len(known)])]
    return np.vstack([known, others])


def _of_yours(name: str, state: History, settings: Bayes, targets: Sequence[Target]) -> AcquisitionBuild:
    """For a model of the user's: over evaluated points and others of the space."""

    def build(model: Model, context: Context) -> AcquisitionFunction:
        space = state.problem.space
        others = space.encode(pool(state, (), np.random.default_rng(context.seed), fixed={}, size=SAMPLED))
        points = np.vstack([context.X_baseline.numpy()[-_POINTS // 2 :], others])[:_POINTS]
        return _of_model(name, model, context, points, {})

    return build


@dataclass(frozen=True, slots=True, eq=False)
class _Screened:
    """A score with a cheaper one to rank candidates by."""

    score: Climbable
    quick: Acquisition

    def value(self, X: Array) -> Array:
        """As `Acquisition.value`."""
        return self.score.value(X)

    def value_and_gradient(self, X: Array) -> tuple[Array, Array]:
        """As `Climbable.value_and_gradient`."""
        return self.score.value_and_gradient(X)

    def rough(self, X: Array) -> Array:
        """As `Rough.rough`."""
        return self.quick.value(X)


hypervolume_knowledge_gradient, pareto_mes, pareto_jes = (partial(_search, name) for name in AIMS)
own_hypervolume_knowledge_gradient, own_pareto_mes, own_pareto_jes = (partial(_of_yours, name) for name in AIMS)
