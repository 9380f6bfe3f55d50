"""BoTorch's joint entropy search of a Pareto front for models whose noise is known."""

from __future__ import annotations

from typing import Any

import torch
from botorch import settings
from botorch.acquisition.multi_objective.joint_entropy_search import (
    LowerBoundMultiObjectiveEntropySearch,
    qLowerBoundMultiObjectiveJointEntropySearch,
)
from botorch.models.model import Model
from gpytorch.likelihoods import FixedNoiseGaussianLikelihood
from torch import Tensor


def noise_is_known(model: Any) -> bool:
    """Whether a BoTorch model, or one of a list, was told the noise of its data, and so has to be told that of further ones."""
    models = getattr(model, "models", [model])
    return any(isinstance(getattr(each, "likelihood", None), FixedNoiseGaussianLikelihood) for each in models)


class ParetoJointEntropySearch(qLowerBoundMultiObjectiveJointEntropySearch):
    """`qLowerBoundMultiObjectiveJointEntropySearch`, whose sampled points have the noise of new measurements.

    BoTorch's takes that of the model, which a model of known noise refuses to have for further data. Source: Tu et al. (2022),
    arXiv:2210.02905.

    Args:
        model: Of m outcomes, to be maximized, with Gaussian posteriors.
        pareto_sets: Where sampled fronts are, `s x p x d`.
        pareto_fronts: What they are there, `s x p x m`.
        hypercell_bounds: Boxes of what they dominate, `s x 2 x J x m`, by `compute_sample_box_decomposition`.
    """

    def __init__(self, model: Model, pareto_sets: Tensor, pareto_fronts: Tensor, hypercell_bounds: Tensor) -> None:
        LowerBoundMultiObjectiveEntropySearch.__init__(self, model, pareto_sets, pareto_fronts, hypercell_bounds)
        told: Any = model  # of the kind that takes more data
        with settings.propagate_grads(False), torch.no_grad():
            noisy, latent = (told.posterior(pareto_sets, observation_noise=noise) for noise in (True, False))
            self.conditional_model = told.condition_on_observations(
                X=told.transform_inputs(pareto_sets), Y=pareto_fronts, noise=noisy.variance - latent.variance
            )
