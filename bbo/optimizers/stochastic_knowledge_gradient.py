"""The knowledge gradient of a proposal by stochastic gradients: the best point is looked for all over the space."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from acquisitions.protocol import Acquisition
from acquisitions.stochastic_knowledge_gradient import StochasticKnowledgeGradient
from bbo.optimizers.acquisitions import TABLE
from bbo.optimizers.asked import Asked
from bbo.optimizers.candidates import whole
from bbo.optimizers.knowledge_gradient import contenders

MOST, STEPS = 256, 50
"""Points from which the best one is looked for, and steps of each way; twice as many in the source."""


def by_stochastic_gradients(asked: Asked) -> tuple[Acquisition, str]:
    """A knowledge gradient that brings its own search.

    Spaces of so few points that all are looked at have the exact one. Running trials count as measured at their means. Points where a
    failure is likelier than not are left out, of the candidates and of what may be the best.
    """
    space, surrogate = asked.space, asked.surrogate
    if whole(space):
        return TABLE["knowledge_gradient"].score()(asked)
    optima, X = contenders(asked, np.random.default_rng(asked.seed))
    mean, variance = surrogate.gps[0].predict(X)
    P = np.vstack([optima, X[np.argsort(-(mean + np.sqrt(variance)), kind="stable")]])[:MOST]
    gp, works = surrogate.believing(asked.waiting).gps[0], surrogate.works
    score = StochasticKnowledgeGradient(gp, space.cube, P, surrogate.noise, steps=STEPS, seed=asked.seed)
    if works is not None:
        score = replace(score, allowed=lambda X: works.predict(X)[0] >= 0)
    return score, "knowledge gradient by stochastic gradients"
