"""The Gaussian processes of `bayes` as the study sees them: names, native units, the study's own sign."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bbo.log.states import State
from bbo.optimizers.history import History
from bbo.problem import Problem

if TYPE_CHECKING:
    from acquisitions.feasibility import OutcomeConstraint
    from acquisitions.posterior_mean import PosteriorMean
    from bbo.optimizers.bayes import Bayes
    from bbo.optimizers.surrogate import Surrogate
    from surrogates.leave_one_out import LeaveOneOut

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Model:
    """A fitted surrogate in the study's own terms (see `bbo.model.CubeModel`).

    Args:
        problem: What is optimized.
        surrogate: Of its outcomes.
        trials: Numbers of the finished trials it is fitted to.
    """

    problem: Problem
    surrogate: Surrogate
    trials: tuple[int, ...]

    @classmethod
    def of(cls, history: History, settings: Bayes) -> Model | None:
        """Of the trials that are done or failed, with the latest hyperparameters where there are some; None while under two are done."""
        from bbo.optimizers import fitting
        from bbo.optimizers.preferences import nothing_compared
        from bbo.optimizers.targets import usable

        if len(history.finished(State.DONE)) < 2 or nothing_compared(history):
            return None
        with fitting.one_thread():
            targets = settings.targets(history, fitting.bends(history.memo))
            surrogate = fitting.refreshed(history, targets, settings)
        return cls(history.problem, surrogate, tuple(record.number for record in usable(history, State.DONE)))

    @property
    def outcomes(self) -> tuple[str, ...]:
        """Names of the modelled outcomes, in the order of the columns of `predict`."""
        return self.problem.outcomes

    def predict(self, rows: Sequence[Mapping[str, Any]]) -> tuple[Array, Array]:
        """Mean and standard deviation of each outcome at each point (`n x m`), native units and sign, without measurement noise."""
        from bbo.optimizers import fitting

        with fitting.one_thread():
            means, sds = self.surrogate.predict(self.problem.space.encode(rows))
        m = len(self.outcomes)
        return means[:, :m], sds[:, :m]

    def log_p_feasible(self, rows: Sequence[Mapping[str, Any]]) -> Array:
        """Log probability that each point can be evaluated and keeps the outcome constraints, shape `n`."""
        from bbo.optimizers import fitting

        with fitting.one_thread():
            return self.surrogate.log_p_feasible(self.problem.space.encode(rows))

    # -- for `bbo.model.CubeModel`; whoever calls these limits the threads

    @property
    def score(self) -> PosteriorMean:
        """The posterior mean of the first objective, to be maximized, in the units of the fit."""
        from acquisitions.posterior_mean import PosteriorMean

        return PosteriorMean(self.surrogate.gps[0])

    @property
    def constraints(self) -> Mapping[str, OutcomeConstraint]:
        """What makes a point feasible, by the name of the outcome; that it can be evaluated under a name that is none."""
        bounded = (target.name for target in self.surrogate.targets if target.bounded)
        return dict(zip(bounded, self.surrogate.constraints, strict=True))

    def medians(self, X: Array) -> Array:
        """Median of each outcome at encoded points (`n x d`), native units and sign, `n x m`; the mean, without `output_warp`."""
        return self.surrogate.medians(X)[:, : len(self.outcomes)]

    def slopes(self, X: Array) -> Array:
        """Gradients of the medians with respect to encoded points (`n x d`), `n x m x d`."""
        return self.surrogate.slopes(X)[:, : len(self.outcomes)]

    def leave_one_out(self) -> Mapping[str, LeaveOneOut]:
        """Each trial's outcomes beside what is expected of them from the other trials, by outcome; units of the fit."""
        return {name: entry for name, entry in self.surrogate.leave_one_out().items() if name in self.outcomes}
