"""The improvement that a proposal expects: of the best value with one objective, of the hypervolume with several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from acquisitions.hypervolume_improvement import LogNoisyExpectedHypervolumeImprovement
from acquisitions.noisy_expected_improvement import LogNoisyExpectedImprovement
from acquisitions.protocol import Acquisition
from bbo.log.ledger import Record
from bbo.optimizers import search
from bbo.optimizers.history import History
from bbo.optimizers.surrogate import Surrogate
from bbo.problem import Problem

if TYPE_CHECKING:
    from botorch.acquisition.acquisition import AcquisitionFunction

    from bbo.optimizers.bayes import Bayes
    from bbo.optimizers.targets import Target


@dataclass(frozen=True, slots=True, eq=False)
class LogExpectedImprovement:
    """Makes log noisy expected improvement, or that of the hypervolume; see `bbo.optimizers.acquisitions.Score`."""

    state: History
    settings: Bayes

    def __call__(
        self, problem: Problem, surrogate: Surrogate, feasible: Sequence[Record], running: Sequence[Mapping[str, Any]], *, seed: int
    ) -> tuple[Acquisition, str]:
        """As `Score`."""
        space = problem.space
        waiting = space.encode(running)
        if not feasible and surrogate.constraints:
            return search.likely(surrogate, waiting)
        known = space.encode([record.params for record in feasible]) if feasible else surrogate.targets[0].X
        baseline = np.vstack([known, waiting])
        m = len(problem.objectives)
        if m == 1:
            return LogNoisyExpectedImprovement(surrogate.gps[0], baseline, surrogate.constraints, seed=seed), "log expected improvement"
        acquisition = LogNoisyExpectedHypervolumeImprovement(
            surrogate.gps[:m], baseline, search.reference(problem, surrogate.targets), surrogate.constraints, seed=seed
        )
        return acquisition, "log expected hypervolume improvement"


def own_log_ei(state: History, settings: Bayes, targets: Sequence[Target]) -> type[AcquisitionFunction]:
    """BoTorch's, for a model of the user's."""
    from botorch.acquisition.logei import qLogNoisyExpectedImprovement

    return qLogNoisyExpectedImprovement
