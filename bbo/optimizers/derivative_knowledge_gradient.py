"""The knowledge gradient of a proposal whose result will bring a gradient along."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from acquisitions.derivative_knowledge_gradient import LogDerivativeKnowledgeGradient
from acquisitions.protocol import Acquisition
from bbo.optimizers.asked import Asked
from bbo.optimizers.knowledge_gradient import choices, over_the_space
from bbo.optimizers.surrogate import Surrogate
from surrogates.exact_gp import ExactGP

Array = NDArray[np.float64]


def with_derivatives(asked: Asked) -> tuple[Acquisition, str]:
    """A knowledge gradient with derivatives, with the best point all over the space.

    A result is expected to have those partial derivatives that more than half of the trials with a gradient have. While no trial has
    one it is the knowledge gradient without.
    """
    surrogate = asked.surrogate
    partials, noise = expected(surrogate)
    if not partials:
        score, aim = over_the_space(asked)
        return score, f"{aim}, since no trial has a gradient"
    points, gp = choices(asked, np.random.default_rng(asked.seed)), surrogate.gps[0]
    assert isinstance(gp, ExactGP)  # with finished studies no gradients are modelled
    gradient = LogDerivativeKnowledgeGradient(gp, points, noise, partials, surrogate.constraints, seed=asked.seed)
    aim = f"log knowledge gradient with {len(partials)} derivatives over {len(points)} points and the proposed one"
    return gradient.with_pending(asked.waiting), aim


def expected(surrogate: Surrogate) -> tuple[tuple[int, ...], Array]:
    """By which columns a result will have derivatives, and variances of the noise of the value and of these, in units of the fit."""
    told, gp = surrogate.targets[0].gradients, surrogate.gps[0]
    if told is None:
        return (), np.array([surrogate.noise])
    there = ~np.isnan(told.values)
    columns = np.flatnonzero(2 * there.sum(0) > there.any(1).sum())
    if told.variance is None:
        variances = np.full(len(columns), math.exp(gp.memo()["parameters"]["derivative_noise"]))
    else:
        variances = np.array([told.variance[there[:, column], column].mean() for column in columns])
    return tuple(columns.tolist()), np.concatenate([[surrogate.noise], variances])
