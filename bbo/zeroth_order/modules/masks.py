"""Masks: which entries of a module's parameters an estimate is made of. A boolean tensor of a parameter's shape, by its name."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

from bbo.zeroth_order.modules.parameters import trainable

Masks = dict[str, Tensor]


def random_masks(model: nn.Module, ratios: float | Mapping[str, float], *, rng: np.random.Generator) -> Masks:
    """Entries drawn at random, of each parameter the share that `ratios` says, to be drawn anew every few epochs.

    The weights stay dense; what is sparse is the gradient, and it costs as many evaluations as entries are drawn. Where a share of the
    entries is no whole number it is rounded up or down at random, so that on average over the draws it is met, and those of a short
    parameter (a bias) get their turn too.

    Args:
        model: The module.
        ratios: A share in [0, 1] for all parameters, or one by name (`layer_ratios`); parameters that are not named get none.
        rng: The random numbers.

    Raises:
        ValueError: A share is outside [0, 1], or a name is no trainable parameter's.

    Source: Chen et al. (2024), DeepZero, arXiv:2310.02025: a sparse gradient of dense weights, at the ratios of layers.
    """
    parameters = trainable(model)
    shares = dict.fromkeys(parameters, ratios) if isinstance(ratios, (int, float)) else dict(ratios)
    _check_names(shares, parameters)
    masks = {}
    for name, share in shares.items():
        if not 0 <= share <= 1:
            raise ValueError(f"the share of {name!r} is {share}; it lies in [0, 1]")
        size = parameters[name].numel()
        count = min(size, int(share * size + rng.random()))
        mask = np.zeros(size, dtype=bool)
        mask[rng.choice(size, count, replace=False)] = True
        masks[name] = torch.from_numpy(mask.reshape(tuple(parameters[name].shape)))
    return masks


def checked(masks: Mapping[str, Tensor] | None, parameters: Mapping[str, nn.Parameter]) -> Masks:
    """The masks in the order of the parameters, of all entries by default.

    Raises:
        ValueError: A name is no trainable parameter's, or a mask is not boolean or has another shape.
    """
    if masks is None:
        return {name: torch.ones(tuple(parameter.shape), dtype=torch.bool) for name, parameter in parameters.items()}
    _check_names(masks, parameters)
    for name, mask in masks.items():
        if mask.dtype != torch.bool or mask.shape != parameters[name].shape:
            told = f"{mask.dtype} of shape {tuple(mask.shape)}"
            raise ValueError(f"the mask of {name!r} is {told}; it is torch.bool of shape {tuple(parameters[name].shape)}")
    return {name: masks[name] for name in parameters if name in masks}


def _check_names(named: Mapping[str, object], parameters: Mapping[str, nn.Parameter]) -> None:
    if unknown := [name for name in named if name not in parameters]:
        raise ValueError(f"the model has no trainable parameter {unknown[0]!r} (parameters: {', '.join(parameters)})")
