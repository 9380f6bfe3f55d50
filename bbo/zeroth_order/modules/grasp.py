"""Which layers deserve the evaluations: scores of how much the gradient's flow depends on each parameter, from losses alone (ZO-GraSP).

Sources: Wang, Zhang & Grosse (2020), Picking winning tickets before training by preserving gradient flow, for the scores; Chen et al.
(2024), DeepZero, arXiv:2310.02025, for estimating them without gradients and for using nothing but the ratios of layers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from torch import Tensor, nn

from bbo.evolution.sparsity import largest
from bbo.zeroth_order.modules.evaluation import Loss, random_state, set_random_state
from bbo.zeroth_order.modules.parameters import Gradient, as_tensors, as_vector, displaced, trainable
from bbo.zeroth_order.modules.random_directions import gaussian_gradient


def grasp_scores(
    model: nn.Module,
    loss: Loss,
    inputs: Any,
    targets: Any,
    *,
    rng: np.random.Generator,
    n: int = 192,
    step: float = 5e-3,
) -> Gradient:
    """``-theta * (H g)`` for each entry of the parameters: half of what setting it to zero adds to the squared length of the gradient g, to
    first order.

    The product with the Hessian H is the difference of two estimates of the gradient, here and a little way along the first one. Both
    look along the same directions and see the same random numbers, without which the difference would be lost in their noise.
    It takes ``2 (n + 1)`` evaluations. Entries that are zero, such as biases often are at first, have score zero.

    Args:
        model: The module, at the parameters that it starts from.
        loss: Of outputs and targets, one number; it need not be differentiable.
        inputs: What the model is called with, one argument; a few samples of each class will do.
        targets: What the loss is called with after the outputs.
        rng: The random numbers.
        n: The number of directions of each estimate (`gaussian_gradient`).
        step: The standard deviation of a move of one entry, in the estimates and between them.

    Returns:
        By the names of all trainable parameters, tensors of their shapes.

    Raises:
        ValueError: As `gaussian_gradient`.
    """
    parameters, state = trainable(model), random_state(model)
    seed = int(rng.integers(2**63))
    estimate = partial(gaussian_gradient, model, loss, inputs, targets, n=n, step=step)
    gradient = as_vector(estimate(rng=np.random.default_rng(seed)))
    if not (length := float(np.linalg.norm(gradient))):
        return as_tensors(np.zeros_like(gradient), parameters)
    move = step * math.sqrt(len(gradient)) / length  # as far as a random direction goes
    set_random_state(state)
    with displaced(parameters, move * gradient):
        there = as_vector(estimate(rng=np.random.default_rng(seed)))
    return as_tensors(-as_vector(parameters) * (there - gradient) / move, parameters)


def layer_ratios(scores: Mapping[str, Tensor], density: float) -> dict[str, float]:
    """The share of each parameter's entries among the `density` share of all whose scores are largest in size; for `random_masks`.

    Args:
        scores: By the names of parameters (`grasp_scores`).
        density: The share to keep of all entries together, in (0, 1]; at least one is kept. Of equal scores the first ones are.

    Raises:
        ValueError: The density is out of range.
    """
    if not 0 < density <= 1:
        raise ValueError(f"density is {density}; it lies in (0, 1]")
    sizes = np.abs(as_vector(scores))
    kept = largest(sizes, max(1, round(density * len(sizes))))
    ends = np.cumsum([score.numel() for score in scores.values()])
    return {name: float(part.mean()) for name, part in zip(scores, np.split(kept, ends[:-1]), strict=True)}
