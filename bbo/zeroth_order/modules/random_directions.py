"""The gradient of a module's loss by differences along random directions of all parameters at once."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from torch import nn

from bbo.zeroth_order.directions import gaussian_directions
from bbo.zeroth_order.estimators import gaussian
from bbo.zeroth_order.modules.coordinates import number
from bbo.zeroth_order.modules.evaluation import Loss, evaluating
from bbo.zeroth_order.modules.parameters import Gradient, as_tensors, displaced, trainable


def gaussian_gradient(
    model: nn.Module,
    loss: Loss,
    inputs: Any,
    targets: Any,
    *,
    rng: np.random.Generator,
    n: int = 192,
    step: float = 5e-3,
) -> Gradient:
    """The gradient of ``loss(model(inputs), targets)`` by forward differences along `n` normal directions (`bbo.zeroth_order.gaussian`).

    A cheap look at all parameters at once: on a linear loss of d entries the expected squared error is ``(d + 1) / n`` times the squared
    length of the gradient, so that less than d directions say something about sums over many entries and little about any one of them.
    Parameters and buffers are as before, also when the loss raises.

    Args:
        model: The module, in training or evaluation mode.
        loss: Of outputs and targets, one number; it need not be differentiable.
        inputs: What the model is called with, one argument.
        targets: What the loss is called with after the outputs.
        rng: The random numbers.
        n: The number of directions; there is one evaluation more.
        step: The standard deviation of a move of one entry.

    Returns:
        By the names of all trainable parameters, tensors of their shapes.

    Raises:
        ValueError: The loss at the parameters, or along every direction, is not finite; or it is more than one number.
    """
    parameters = trainable(model)
    d = sum(parameter.numel() for parameter in parameters.values())
    total, came = np.zeros(d), 0
    with evaluating(model, loss, inputs, targets, blocks=[model]) as evaluation:
        base = number(evaluation.base)
        for _ in range(n):
            u = gaussian_directions(1, d, rng)
            with displaced(parameters, step * u[0]):
                value = number(evaluation())
            if math.isfinite(value - base):
                total += gaussian(base, [value], u, step)
                came += 1
    if not came:
        raise ValueError(f"the loss is {base} at the parameters, and no difference to it along {n} directions is finite")
    return as_tensors(total / came, parameters)
