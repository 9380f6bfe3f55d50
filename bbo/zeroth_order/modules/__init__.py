"""Gradients of a torch module's loss from its values alone: by coordinates, by random directions, and by noise in a layer.

Each estimate is a dictionary of tensors by the names of parameters, which `set_gradient` hands to any ``torch.optim`` optimizer.
"""

from bbo.zeroth_order.modules.coordinates import coordinate_gradient
from bbo.zeroth_order.modules.grasp import grasp_scores, layer_ratios
from bbo.zeroth_order.modules.layer_noise import likelihood_ratio_gradient
from bbo.zeroth_order.modules.masks import random_masks
from bbo.zeroth_order.modules.parameters import set_gradient
from bbo.zeroth_order.modules.random_directions import gaussian_gradient
from bbo.zeroth_order.modules.workers import split

__all__ = [
    "coordinate_gradient",
    "gaussian_gradient",
    "grasp_scores",
    "layer_ratios",
    "likelihood_ratio_gradient",
    "random_masks",
    "set_gradient",
    "split",
]
