"""What a parametric family is: a function of a point and of parameters, with its slopes in both."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class Family(Protocol):
    """Functions ``f_x(w)`` of a point x (`d` numbers) and a parameter vector w (`p` numbers), twice differentiable in both.

    X is `m x d`. W is one vector for all rows (`p`), or one for each (`m x p`).
    """

    @property
    def d(self) -> int:
        """Numbers of a point."""
        ...

    @property
    def n_parameters(self) -> int:
        """Parameters, ``p``."""
        ...

    def starts(self, n: int, rng: np.random.Generator) -> Array:
        """Parameters to begin a fit from, `n x p`."""
        ...

    def value(self, W: Array, X: Array) -> Array:
        """``f_x(w)`` of each row, shape `m`."""
        ...

    def weight_gradient(self, W: Array, X: Array) -> tuple[Array, Array]:
        """Values, and their gradients with respect to the parameters, `m x p`."""
        ...

    def point_gradient(self, W: Array, X: Array) -> tuple[Array, Array]:
        """Values, and their gradients with respect to the points, `m x d`."""
        ...

    def mixed(self, W: Array, X: Array, V: Array) -> Array:
        """Gradients with respect to the points of ``v . grad_w f_x(w)``, of a direction v for each row (V `m x p`); `m x d`."""
        ...
