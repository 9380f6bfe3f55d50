"""What an optimizer's model answers: at the study's own points, and, where it can, all over the unit cube with gradients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from surrogates.leave_one_out import LeaveOneOut

if TYPE_CHECKING:
    from acquisitions.feasibility import OutcomeConstraint
    from acquisitions.protocol import Climbable

Array = NDArray[np.float64]


class Model(Protocol):
    """What `Optimizer.model` returns."""

    @property
    def outcomes(self) -> tuple[str, ...]:
        """Names of the outcomes, in the order of the columns of `predict`."""
        ...

    def predict(self, rows: Sequence[Mapping[str, Any]]) -> tuple[Array, Array]:
        """Mean and standard deviation of each outcome at each point, each `n x m`, without the noise of a measurement."""
        ...

    def log_p_feasible(self, rows: Sequence[Mapping[str, Any]]) -> Array:
        """Log probability that each point can be evaluated and keeps the outcome constraints, shape `n`."""
        ...


@runtime_checkable
class ListedModel(Model, Protocol):
    """A model of a finite set of decisions: what is recommended is one of them."""

    def points(self, fixed: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The feasible points it chooses among, with these values held.

        Raises:
            NoBest: There is none, or a context is not among the values.
        """
        ...


@runtime_checkable
class CubeModel(Model, Protocol):
    """A model that also answers for encoded points, X `n x d` in the unit cube: what is searched, and averaged over many points."""

    @property
    def trials(self) -> tuple[int, ...]:
        """Numbers of the finished trials it is fitted to, in the order of `leave_one_out`."""
        ...

    @property
    def score(self) -> Climbable:
        """The expected value of the first objective as a score, larger is better; in the units of the fit."""
        ...

    @property
    def constraints(self) -> Mapping[str, OutcomeConstraint]:
        """What makes a point feasible, by outcome; that it can be evaluated at all stands under a name that is none."""
        ...

    def medians(self, X: Array) -> Array:
        """Median of each outcome at each point, `n x m`; it is the mean where outcomes are not bent in the fit."""
        ...

    def slopes(self, X: Array) -> Array:
        """Gradients of the medians with respect to X, `n x m x d`."""
        ...

    def leave_one_out(self) -> Mapping[str, LeaveOneOut]:
        """Of each outcome, by name."""
        ...
