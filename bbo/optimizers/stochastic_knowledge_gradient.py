"""The knowledge gradient of a proposal by stochastic gradients: the best point is looked for all over the space."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from acquisitions.protocol import Acquisition
from acquisitions.stochastic_knowledge_gradient import StochasticKnowledgeGradient
from bbo.log.ledger import Record
from bbo.optimizers import search
from bbo.optimizers.acquisitions import TABLE
from bbo.optimizers.candidates import whole
from bbo.optimizers.history import History
from bbo.optimizers.knowledge_gradient import contenders
from bbo.optimizers.surrogate import Surrogate
from bbo.problem import Problem

if TYPE_CHECKING:
    from bbo.optimizers.bayes import Bayes

MOST, STEPS = 256, 50
"""Points from which the best one is looked for, and steps of each way; twice as many in the source."""


@dataclass(frozen=True, slots=True, eq=False)
class ByStochasticGradients:
    """Makes a knowledge gradient that brings its own search; see `bbo.optimizers.acquisitions.Score`.

    Spaces of so few points that all are looked at have the exact one. Running trials count as measured at their means. Points where a
    failure is likelier than not are left out, of the candidates and of what may be the best.
    """

    state: History
    settings: Bayes

    def __call__(
        self, problem: Problem, surrogate: Surrogate, feasible: Sequence[Record], running: Sequence[Mapping[str, Any]], *, seed: int
    ) -> tuple[Acquisition, str]:
        """As `Score`."""
        space = problem.space
        if whole(space):
            return TABLE["knowledge_gradient"].score(self.state, self.settings)(problem, surrogate, feasible, running, seed=seed)
        measured = search.measured(problem, surrogate, feasible)
        optima, X = contenders(self.state, problem, surrogate, feasible, measured, np.random.default_rng(seed))
        mean, variance = surrogate.gps[0].predict(X)
        P = np.vstack([optima, X[np.argsort(-(mean + np.sqrt(variance)), kind="stable")]])[:MOST]
        gp = surrogate.believing(space.encode(running)).gps[0]
        works = surrogate.works
        score = StochasticKnowledgeGradient(gp, space.cube, P, surrogate.noise, steps=STEPS, seed=seed)
        if works is not None:
            score = replace(score, allowed=lambda X: works.predict(X)[0] >= 0)
        return score, "knowledge gradient by stochastic gradients"
