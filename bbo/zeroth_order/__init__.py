"""Gradients from values alone: estimators that draw points to evaluate, and make a gradient of what comes back."""

from bbo.zeroth_order.directions import central_points, coordinate_directions, forward_points, gaussian_directions, sphere_directions
from bbo.zeroth_order.estimators import antithetic, coordinate_central, coordinate_forward, gaussian, likelihood_ratio, sphere_two_point

__all__ = [
    "antithetic",
    "central_points",
    "coordinate_central",
    "coordinate_directions",
    "coordinate_forward",
    "forward_points",
    "gaussian",
    "gaussian_directions",
    "likelihood_ratio",
    "sphere_directions",
    "sphere_two_point",
]
