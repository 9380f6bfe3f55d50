"""Gradients from values alone: estimators that draw points to evaluate, and make a gradient of what comes back."""

from bbo.zeroth_order.directions import (
    central_points,
    coordinate_directions,
    either_way,
    forward_points,
    gaussian_directions,
    sphere_directions,
)
from bbo.zeroth_order.estimators import antithetic, coordinate_central, coordinate_forward, gaussian, likelihood_ratio, sphere_two_point
from bbo.zeroth_order.ranking import better_by_losses, dag_weights, known_better, ranking_gradient, told_better

__all__ = [
    "antithetic",
    "better_by_losses",
    "central_points",
    "coordinate_central",
    "coordinate_directions",
    "coordinate_forward",
    "dag_weights",
    "either_way",
    "forward_points",
    "gaussian",
    "gaussian_directions",
    "known_better",
    "likelihood_ratio",
    "ranking_gradient",
    "sphere_directions",
    "sphere_two_point",
    "told_better",
]
