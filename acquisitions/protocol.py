"""The contract of an acquisition function: a score for each candidate, and for most its gradient."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from acquisitions.maximizer.result import Maximum

Array = NDArray[np.float64]


@runtime_checkable
class Acquisition(Protocol):
    """Scores candidates, each row of an `m x d` array by itself."""

    def value(self, X: Array) -> Array:
        """One score a row, shape `m`; larger is better, minus infinity where there is none."""


@runtime_checkable
class Rough(Acquisition, Protocol):
    """A score with a cheaper one that ranks candidates nearly as well, for screening."""

    def rough(self, X: Array) -> Array:
        """Nearly the scores, shape `m`."""


@runtime_checkable
class Climbable(Acquisition, Protocol):
    """A score with a gradient."""

    def value_and_gradient(self, X: Array) -> tuple[Array, Array]:
        """Scores, shape `m`, and their gradients with respect to X, `m x d`."""


@runtime_checkable
class Growing(Acquisition, Protocol):
    """A score that takes points whose results are awaited into account."""

    def with_pending(self, X: Array) -> Growing:
        """The same with the points X (`q x d`) awaited as well; itself is left as it is."""


@runtime_checkable
class Joint(Acquisition, Protocol):
    """A score of points one by one that several have together as well."""

    def of_batch(self, q: int) -> Climbable:
        """The score of q points together, of rows that hold them one after another, `m x (q d)`."""


@runtime_checkable
class Seeking(Acquisition, Protocol):
    """A score with a search of its own, such as one that is known by noisy gradients only."""

    @property
    def starts(self) -> int:
        """From how many points it goes."""

    def seek(self, starts: Array, fixed: Mapping[int, float], rng: np.random.Generator) -> Maximum:
        """The best point that is reached from legal ones (`starts x d`), with some columns standing still."""


@runtime_checkable
class Staged(Acquisition, Protocol):
    """A score of points at the target, for one of which it is then said at which fidelity it is measured."""

    def at_levels(self, x: Array) -> Array:
        """The point x (`1 x d`) at the fidelities to measure it at, `k x d`: the one that is wanted first, then those in its stead."""
