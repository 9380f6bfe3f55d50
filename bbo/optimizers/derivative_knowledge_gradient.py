"""The knowledge gradient of a proposal whose result will bring a gradient along."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from acquisitions.derivative_knowledge_gradient import LogDerivativeKnowledgeGradient
from acquisitions.protocol import Acquisition
from bbo.log.ledger import Record
from bbo.optimizers import search
from bbo.optimizers.history import History
from bbo.optimizers.knowledge_gradient import KnowledgeGradient
from bbo.optimizers.surrogate import Surrogate
from bbo.problem import Problem
from surrogates.exact_gp import ExactGP

if TYPE_CHECKING:
    from bbo.optimizers.bayes import Bayes

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class DerivativeKnowledgeGradient:
    """Makes a knowledge gradient with derivatives; see `bbo.optimizers.acquisitions.Score`.

    A result is expected to have those partial derivatives that more than half of the trials with a gradient have. While no trial has
    one it is the knowledge gradient without.

    Args:
        state: What is known.
    """

    state: History

    def __call__(
        self, problem: Problem, surrogate: Surrogate, feasible: Sequence[Record], running: Sequence[Mapping[str, Any]], *, seed: int
    ) -> tuple[Acquisition, str]:
        """As `Score`."""
        waiting = problem.space.encode(running)
        values = KnowledgeGradient(self.state, evaluated=False)
        partials, noise = expected(surrogate)
        if not partials:
            score, aim = values(problem, surrogate, feasible, running, seed=seed)
            return score, f"{aim}, since no trial has a gradient"
        measured = search.measured(problem, surrogate, feasible)
        choices = values.choices(problem, surrogate, feasible, measured, np.random.default_rng(seed))
        gp = surrogate.gps[0]
        assert isinstance(gp, ExactGP)  # with finished studies no gradients are modelled
        gradient = LogDerivativeKnowledgeGradient(gp, choices, noise, partials, surrogate.constraints, seed=seed)
        aim = f"log knowledge gradient with {len(partials)} derivatives over {len(choices)} points and the proposed one"
        return gradient.with_pending(waiting), aim


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


def over_the_space(state: History, settings: Bayes) -> DerivativeKnowledgeGradient:
    """Looks for the best point all over the space."""
    return DerivativeKnowledgeGradient(state)
